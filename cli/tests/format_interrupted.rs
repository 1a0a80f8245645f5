//! What a handler of Ctrl-C relies on. A program of its own, since it ends every saving under way.

use std::fs;

use matinv_cli::format::{Existing, Fault, FormatError, remove_unfinished, save_atomically};

#[test]
fn an_interrupted_saving_leaves_nothing_behind() {
    let directory = tempfile::tempdir().unwrap();
    let entries = || fs::read_dir(directory.path()).unwrap().count();
    let path = directory.path().join("out.npy");
    let result = save_atomically(&path, Existing::Keep, |out| {
        out.write_all(b"half")?;
        assert_eq!(entries(), 1);
        remove_unfinished();
        assert_eq!(entries(), 0);
        Ok(())
    });
    match result.map_err(|error: FormatError| *error.fault) {
        Err(Fault::Io { source }) => assert_eq!(source.kind(), std::io::ErrorKind::NotFound),
        other => panic!("expected an I/O error, found {other:?}"),
    }
    assert_eq!(entries(), 0);
    save_atomically(&path, Existing::Keep, |_| Ok::<_, FormatError>(())).unwrap();
    remove_unfinished();
    assert_eq!(entries(), 1);
}
