//! Files made by numpy and scipy; see `tests/data/make_golden.py`.

use std::path::{Path, PathBuf};

use half::f16;
use matinv_cli::format::{Data, Fault, Format, Place, ReadOptions, read};
use ndarray::{Array, ArrayD, Dimension, array};
use num_complex::{Complex32, Complex64};

use crate::{LIMIT, assert_fault};

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

fn golden(name: &str) -> Data {
    read(&path(name), &ReadOptions::new(LIMIT)).unwrap()
}

fn data<T, D: Dimension>(array: Array<T, D>) -> Data
where
    Data: From<ArrayD<T>>,
{
    array.into_dyn().into()
}

/// The 2 by 3 matrix of entries 10 i + j, each passed through `f`.
fn general<T>(f: impl Fn(i8) -> T) -> Data
where
    Data: From<ArrayD<T>>,
{
    data(array![[11, 12, 13], [21, 22, 23]].mapv(f))
}

/// The 3 by 3 matrix of entries 10 max + min; those above the diagonal passed through `mirror`,
/// those on it through `diagonal`.
fn mirrored<T: Clone>(
    f: impl Fn(i8) -> T,
    diagonal: impl Fn(i8) -> T,
    mirror: impl Fn(i8) -> T,
) -> Data
where
    Data: From<ArrayD<T>>,
{
    data(array![
        [diagonal(11), mirror(21), mirror(31)],
        [f(21), diagonal(22), mirror(32)],
        [f(31), f(32), diagonal(33)],
    ])
}

fn complex(x: i8) -> Complex64 {
    Complex64::new(f64::from(x), -f64::from(x))
}

#[test]
fn npy_reads_every_type_order_and_endian() {
    let single = |x: i8| Complex32::new(f32::from(x), -f32::from(x));
    for (name, expected) in [
        ("bool", general(|x| x % 2 == 1)),
        ("int8", general(|x| x)),
        ("int16", general(i16::from)),
        ("int32", general(i32::from)),
        ("int64", general(i64::from)),
        ("uint8", general(i8::unsigned_abs)),
        ("uint16", general(|x| u16::from(x.unsigned_abs()))),
        ("uint32", general(|x| u32::from(x.unsigned_abs()))),
        ("uint64", general(|x| u64::from(x.unsigned_abs()))),
        ("float16", general(|x| f16::from_f32(f32::from(x)))),
        ("float32", general(f32::from)),
        ("float64", general(f64::from)),
        ("complex64", general(single)),
        ("complex128", general(complex)),
    ] {
        let endians: &[&str] = if expected.element_type().size() == 1 {
            &["little"]
        } else {
            &["little", "big"]
        };
        for endian in endians {
            for order in ["c", "f"] {
                let found = golden(&format!("npy/{name}_{endian}_{order}.npy"));
                assert_eq!(found, expected, "{name} {endian} {order}");
                assert_eq!(found.type_name(), name);
                assert_eq!(found.shape(), [2, 3]);
                assert_eq!(found.bytes(), 6 * found.element_type().size() as u64);
            }
        }
    }
}

#[test]
fn npy_keeps_the_memory_order() {
    let Data::F64(c) = golden("npy/axes3_c.npy") else {
        panic!("not float64")
    };
    let Data::F64(f) = golden("npy/axes3_f.npy") else {
        panic!("not float64")
    };
    assert_eq!(c, f);
    assert!(c.is_standard_layout());
    assert!(f.view().reversed_axes().is_standard_layout());
}

#[test]
fn npy_reads_any_number_of_axes_and_every_version() {
    assert_eq!(golden("npy/axes0.npy"), data(ndarray::arr0(7.5)));
    assert_eq!(golden("npy/axes1.npy"), data(array![0.0, 1.0, 2.0]));
    assert_eq!(
        golden("npy/axes3_c.npy"),
        data(array![
            [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]],
            [[6.0, 7.0], [8.0, 9.0], [10.0, 11.0]]
        ])
    );
    assert_eq!(golden("npy/empty.npy").shape(), [0, 3]);
    assert_eq!(golden("npy/version2.npy"), general(f64::from));
    assert_eq!(golden("npy/version3.npy"), general(f64::from));
}

#[test]
fn npy_refuses_types_that_are_no_numbers_and_says_what_to_do() {
    for (name, word) in [
        ("longdouble", "float64"),
        ("clongdouble", "complex128"),
        ("object", "float64"),
        ("text", "float64"),
        ("bytes", "float64"),
        ("structured", "field"),
        ("date", "int64"),
    ] {
        let result = read(
            &path(&format!("npy/bad_{name}.npy")),
            &ReadOptions::new(LIMIT),
        );
        assert_fault!(result, Place::Byte(20), Fault::ElementType { advice, .. } if advice.contains(word));
    }
}

#[test]
fn npz_reads_stored_and_deflated_members() {
    assert_eq!(golden("npz/stored.npz"), general(f64::from));
    assert_eq!(golden("npz/deflated.npz"), general(f64::from));
}

#[test]
fn npz_takes_the_array_named_by_key() {
    let mut options = ReadOptions {
        key: Some("b".to_owned()),
        ..ReadOptions::new(LIMIT)
    };
    let several = path("npz/several.npz");
    assert_eq!(read(&several, &options).unwrap().shape(), [3, 3]);
    options.key = Some("b.npy".to_owned());
    assert_eq!(read(&several, &options).unwrap().shape(), [3, 3]);
    options.key = Some("z".to_owned());
    assert_fault!(
        read(&several, &options),
        Place::Whole,
        Fault::UnknownKey { key, names } if key == "z" && names == &["a", "b", "c"]
    );
    options.key = None;
    assert_fault!(read(&several, &options), Place::Whole, Fault::KeyNeeded { names } if names == &["a", "b", "c"]);
    assert_fault!(
        read(&path("npz/none.npz"), &options),
        Place::Whole,
        Fault::NoArrays
    );
    options.key = Some("a".to_owned());
    let result = read(&path("npy/axes1.npy"), &options);
    assert_fault!(result, Place::Whole, Fault::KeyWithoutArchive { key } if key == "a");
}

#[test]
fn npz_errors_name_the_member() {
    let options = ReadOptions {
        key: Some("a".to_owned()),
        ..ReadOptions::new(8)
    };
    let error = read(&path("npz/several.npz"), &options).unwrap_err();
    assert!(error.name.ends_with("several.npz[a]"), "{}", error.name);
    assert!(
        matches!(
            *error.fault,
            Fault::TooLarge {
                needed: 48,
                limit: 8
            }
        ),
        "{error}"
    );
}

#[test]
fn matrix_market_reads_every_field_and_symmetry() {
    for layout in ["array", "coordinate"] {
        let golden = |rest: &str| golden(&format!("mtx/{layout}_{rest}.mtx"));
        assert_eq!(golden("real_general"), general(f64::from));
        assert_eq!(
            golden("real_symmetric"),
            mirrored(f64::from, f64::from, f64::from)
        );
        assert_eq!(
            golden("real_skew-symmetric"),
            mirrored(f64::from, |_| 0.0, |x| -f64::from(x))
        );
        assert_eq!(golden("integer_general"), general(i64::from));
        assert_eq!(
            golden("integer_symmetric"),
            mirrored(i64::from, i64::from, i64::from)
        );
        assert_eq!(
            golden("integer_skew-symmetric"),
            mirrored(i64::from, |_| 0, |x| -i64::from(x))
        );
        assert_eq!(golden("complex_general"), general(complex));
        assert_eq!(
            golden("complex_symmetric"),
            mirrored(complex, complex, complex)
        );
        assert_eq!(
            golden("complex_skew-symmetric"),
            mirrored(complex, |_| Complex64::new(0.0, 0.0), |x| -complex(x))
        );
        let lower = |x| Complex64::new(f64::from(x), f64::from(x));
        assert_eq!(
            golden("complex_hermitian"),
            mirrored(lower, |x| Complex64::from(f64::from(x)), complex)
        );
        assert_eq!(
            golden("unsigned"),
            data(ndarray::Array2::from_elem((2, 2), u64::MAX))
        );
    }
}

#[test]
fn matrix_market_reads_patterns_as_ones() {
    let lower = array![[1.0, 0.0, 0.0], [1.0, 1.0, 0.0], [1.0, 1.0, 1.0]];
    assert_eq!(golden("mtx/coordinate_pattern_general.mtx"), data(lower));
    assert_eq!(
        golden("mtx/coordinate_pattern_symmetric.mtx"),
        data(ndarray::Array2::<f64>::ones((3, 3)))
    );
}

#[test]
fn special_numbers_and_gzip_are_read() {
    let special = data(array![
        [f64::NAN, f64::INFINITY],
        [f64::NEG_INFINITY, 1e-308]
    ]);
    assert!(golden("mtx/special.mtx").same(&special));
    assert!(golden("text/special.txt").same(&special));
    assert_eq!(
        golden("mtx/coordinate_real_symmetric.mtx.gz"),
        golden("mtx/coordinate_real_symmetric.mtx")
    );
}

#[test]
fn savetxt_output_is_read_whatever_the_separator() {
    for name in [
        "default.txt",
        "comma.csv",
        "semicolon.csv",
        "tab.tsv",
        "integers.txt",
        "commented.csv",
        "windows.csv",
        "gzipped.txt.gz",
    ] {
        assert_eq!(
            golden(&format!("text/{name}")),
            general(f64::from),
            "{name}"
        );
    }
    assert_eq!(golden("text/complex.txt"), general(complex));
    assert_eq!(golden("text/complex.csv"), general(complex));
}

#[test]
fn the_format_option_overrides_the_content() {
    let options = ReadOptions {
        format: Some(Format::Csv),
        ..ReadOptions::new(LIMIT)
    };
    assert_eq!(
        read(&path("text/semicolon.csv"), &options).unwrap(),
        general(f64::from)
    );
    let result = read(&path("text/default.txt"), &options);
    assert_fault!(
        result,
        Place::Line(1),
        Fault::NotANumber { field: 1, .. } | Fault::HeaderRow { .. }
    );
    let options = ReadOptions {
        format: Some(Format::Npy),
        ..options
    };
    assert_fault!(
        read(&path("text/default.txt"), &options),
        Place::Byte(0),
        Fault::Syntax { .. }
    );
}
