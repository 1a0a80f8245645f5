//! Broken rows, and the numbers that are none too broken.

use matinv_cli::format::{Data, Fault, Place};

use crate::{assert_fault, read_bytes};

#[test]
fn rows_are_checked() {
    assert_fault!(read_bytes(b""), Place::Whole, Fault::Empty);
    assert_fault!(read_bytes(b"# nothing\n\n"), _, Fault::Empty);
    assert_fault!(
        read_bytes(b"1,2\n\n3\n"),
        Place::Line(3),
        Fault::Ragged {
            found: 1,
            expected: 2
        }
    );
    assert_fault!(
        read_bytes(b"1 2\n3 4 5\n"),
        Place::Line(2),
        Fault::Ragged {
            found: 3,
            expected: 2
        }
    );
    assert_fault!(read_bytes(b"# c\nx,y\n1,2\n"), Place::Line(2), Fault::HeaderRow { first } if first == "x");
    assert_fault!(
        read_bytes(b"1,NA\n"),
        Place::Line(1),
        Fault::NotANumber { field: 2, found, .. } if found == "NA"
    );
    assert_fault!(read_bytes(b"1,2\n3,\n"), Place::Line(2), Fault::NotANumber { field: 2, found, .. } if found.is_empty());
    assert_fault!(
        read_bytes(b"1\t2\n\t3\n"),
        Place::Line(2),
        Fault::NotANumber { field: 1, found, .. } if found.is_empty()
    );
    assert_fault!(
        read_bytes(b"1 2\n3 4+\n"),
        Place::Line(2),
        Fault::NotANumber { field: 2, .. }
    );
    assert_fault!(read_bytes(b"\x00\x01\x02\x03"), Place::Byte(0), Fault::UnknownContent { found } if found == "00 01 02 03");
    assert_fault!(
        read_bytes(
            "1\n"
                .encode_utf16()
                .flat_map(u16::to_le_bytes)
                .collect::<Vec<_>>()
                .as_slice()
        ),
        _,
        Fault::UnknownContent { .. }
    );
    assert_fault!(
        read_bytes(b"1 \xff\n"),
        Place::Line(1),
        Fault::NotANumber { field: 2, .. }
    );
}

#[test]
fn a_matrix_market_banner_is_never_taken_for_a_comment() {
    let file = "%%MatrixMarket matrix coordinate real general\n3 3 1\n1 1 5\n";
    let marked = read_bytes(format!("\u{feff}{file}").as_bytes()).unwrap();
    assert_eq!(marked.shape(), [3, 3]);
    let late = read_bytes(format!("\n{file}").as_bytes());
    assert_fault!(late, Place::Line(2), Fault::Syntax { found, .. } if found.starts_with("%%Matrix"));
}

#[test]
fn numbers_come_in_many_spellings() {
    use num_complex::Complex64;
    let reals = read_bytes("\u{feff}1 -2.5e3 +.5 1D2 NaN\t-Inf # end\n".as_bytes());
    assert_fault!(reals, Place::Line(1), Fault::NotANumber { .. });
    let reals = read_bytes("\u{feff}1 -2.5e3 +.5 1D2 NaN -Inf # end\n".as_bytes()).unwrap();
    let expected = ndarray::array![[1.0, -2500.0, 0.5, 100.0, f64::NAN, f64::NEG_INFINITY]];
    assert!(reals.same(&Data::F64(expected.into_dyn())), "{reals:?}");
    for (text, re, im) in [
        ("1+2j", 1.0, 2.0),
        ("(1+2j)", 1.0, 2.0),
        ("1+2i", 1.0, 2.0),
        ("1e-3-2E+4J", 1e-3, -2e4),
        ("(1+-2j)", 1.0, -2.0),
        ("2j", 0.0, 2.0),
        ("-j", 0.0, -1.0),
        ("1-i", 1.0, -1.0),
        ("inf-infj", f64::INFINITY, f64::NEG_INFINITY),
        ("(3)", 3.0, 0.0),
        ("1d+1+1d-1i", 10.0, 0.1),
    ] {
        let expected = Data::Complex64(ndarray::array![[Complex64::new(re, im)]].into_dyn());
        let found = read_bytes(text.as_bytes()).unwrap();
        assert!(found.same(&expected), "{text}: {found:?}");
    }
    let mixed = read_bytes(b"1,2j\n3,4\n").unwrap();
    assert_eq!(mixed.type_name(), "complex128");
}
