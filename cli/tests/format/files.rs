//! Names, targets and real files.

use std::fs;
use std::path::Path;

use matinv_cli::format::{
    Compression, Data, Existing, Fault, Format, FormatError, Place, ReadOptions, WriteOptions,
    check_target, read, save_atomically, write,
};
use ndarray::ArrayD;

use crate::{LIMIT, assert_fault};

fn save(path: &Path, existing: Existing, text: &str) -> Result<(), FormatError> {
    save_atomically(path, existing, |out| Ok(out.write_all(text.as_bytes())?))
}

#[test]
fn real_matrices_are_read() {
    for (name, order, entry, value) in [
        ("lund_a.mtx", 147, (0, 0), 7.5e7),
        ("west0067.mtx", 67, (0, 24), 0.0),
        ("lfat5b.mtx", 14, (13, 0), 0.0),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../examples/data")
            .join(name);
        let Data::F64(matrix) = read(&path, &ReadOptions::new(LIMIT)).unwrap() else {
            panic!("{name} is not real")
        };
        assert_eq!(matrix.shape(), [order, order], "{name}");
        assert_eq!(matrix[[entry.0, entry.1]], value, "{name}");
        if name == "lund_a.mtx" {
            assert_eq!(matrix, matrix.t(), "{name}");
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/data/arrowc.mtx");
    let Data::Complex64(matrix) = read(&path, &ReadOptions::new(LIMIT)).unwrap() else {
        panic!("not complex")
    };
    assert_eq!(matrix.shape(), [100, 100]);
    assert_eq!(matrix.iter().filter(|z| **z != 0.0.into()).count(), 298);
}

#[test]
fn a_missing_file_is_named() {
    let error = read(Path::new("no/such.npy"), &ReadOptions::new(LIMIT)).unwrap_err();
    assert_eq!(error.name, "no/such.npy");
    assert!(matches!(*error.fault, Fault::Io { .. }));
    let directory = tempfile::tempdir().unwrap();
    assert_fault!(
        read(directory.path(), &ReadOptions::new(LIMIT)),
        Place::Whole,
        Fault::IsDirectory
    );
}

#[test]
fn the_output_name_tells_format_and_compression() {
    for (name, format, compression) in [
        ("a.npy", Format::Npy, Compression::None),
        ("A.NPZ", Format::Npz, Compression::None),
        ("a.mtx", Format::MatrixMarket, Compression::None),
        ("a.b.mtx.gz", Format::MatrixMarket, Compression::Gzip),
        ("x/a.csv", Format::Csv, Compression::None),
        ("a.tsv", Format::Tsv, Compression::None),
        ("a.txt", Format::Text, Compression::None),
        ("a.dat.gz", Format::Text, Compression::Gzip),
    ] {
        let options = WriteOptions::for_path(Path::new(name)).unwrap();
        assert_eq!(
            (options.format, options.compression),
            (format, compression),
            "{name}"
        );
    }
    for (name, found) in [
        ("a.mat", "mat"),
        ("a", ""),
        ("a.gz", "gz"),
        ("x.npy/a", ""),
        ("a.mat.gz", "gz"),
    ] {
        let result = WriteOptions::for_path(Path::new(name));
        assert_fault!(result, Place::Whole, Fault::UnknownExtension { extension } if extension == found);
    }
}

#[test]
fn existing_output_needs_force() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.txt");
    save(&path, Existing::Keep, "1\n").unwrap();
    assert_fault!(
        save(&path, Existing::Keep, "2\n"),
        Place::Whole,
        Fault::Exists
    );
    assert_fault!(
        check_target(&path, Existing::Keep),
        Place::Whole,
        Fault::Exists
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    save(&path, Existing::Replace, "2\n").unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), "2\n");
    let error = save(&path, Existing::Keep, "3\n").unwrap_err();
    assert_eq!(error.name, path.to_string_lossy());
    assert!(error.to_string().contains("--force"));
}

#[test]
fn a_failure_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out.csv");
    let stack = Data::F64(ArrayD::zeros(vec![2, 2, 2]));
    let result = save_atomically(&path, Existing::Keep, |out| {
        out.write_all(b"half")?;
        write(&stack, out, &WriteOptions::new(Format::Csv))
    });
    assert_fault!(result, Place::Whole, Fault::NotAMatrix { .. });
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn directories_cannot_be_output() {
    let directory = tempfile::tempdir().unwrap();
    assert_fault!(
        save(directory.path(), Existing::Replace, ""),
        Place::Whole,
        Fault::IsDirectory
    );
    let result = check_target(&directory.path().join("none/out.npy"), Existing::Keep);
    assert_fault!(result, Place::Whole, Fault::Io { source } if source.kind() == std::io::ErrorKind::NotFound);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn permissions_are_those_of_any_new_file() {
        let directory = tempfile::tempdir().unwrap();
        let (ordinary, saved) = (directory.path().join("a"), directory.path().join("b"));
        fs::write(&ordinary, "").unwrap();
        save(&saved, Existing::Keep, "").unwrap();
        assert_eq!(mode(&saved), mode(&ordinary));
        fs::set_permissions(&saved, fs::Permissions::from_mode(0o640)).unwrap();
        save(&saved, Existing::Replace, "").unwrap();
        assert_eq!(mode(&saved), 0o640);
    }

    #[test]
    fn a_symbolic_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let (file, link) = (directory.path().join("file"), directory.path().join("link"));
        fs::write(&file, "old").unwrap();
        symlink(&file, &link).unwrap();
        assert_fault!(
            save(&link, Existing::Keep, "new"),
            Place::Whole,
            Fault::Exists
        );
        save(&link, Existing::Replace, "new").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        fs::remove_file(&file).unwrap();
        assert_fault!(
            save(&link, Existing::Replace, "new"),
            Place::Whole,
            Fault::BrokenLink { .. }
        );
    }

    #[test]
    fn devices_are_written_straight() {
        save(Path::new("/dev/null"), Existing::Keep, "text").unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
