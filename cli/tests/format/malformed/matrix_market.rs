//! Broken Matrix Market banners, sizes and entries.

use matinv_cli::format::{Data, Fault, Place};

use super::mtx;
use crate::{assert_fault, read_bytes};

#[test]
fn banners_are_checked_word_by_word() {
    for (banner, word) in [
        ("%%MatrixMarket", 2),
        ("%%MatrixMarketing matrix array real general", 1),
        ("%%MatrixMarket vector array real general", 2),
        ("%%MatrixMarket matrix dense real general", 3),
        ("%%MatrixMarket matrix array quaternion general", 4),
        ("%%MatrixMarket matrix array real", 5),
        ("%%MatrixMarket matrix array real triangular", 5),
        ("%%MatrixMarket matrix array real general twice", 6),
    ] {
        let result = read_bytes(format!("{banner}\n1 1\n1\n").as_bytes());
        assert_fault!(result, Place::Line(1), Fault::Banner { word: found, .. } if *found == word);
    }
    for (banner, first, second) in [
        ("array pattern general", "array", "pattern"),
        (
            "coordinate pattern skew-symmetric",
            "pattern",
            "skew-symmetric",
        ),
        (
            "coordinate unsigned-integer skew-symmetric",
            "unsigned-integer",
            "skew-symmetric",
        ),
        ("array real hermitian", "hermitian", "real"),
    ] {
        let result = mtx(banner, "1 1\n1\n");
        assert_fault!(
            result,
            Place::Line(1),
            Fault::BannerConflict { first: f, second: s, .. } if (*f, *s) == (first, second)
        );
    }
}

#[test]
fn size_lines_are_checked() {
    assert_fault!(
        mtx("array real general", "% only\n"),
        Place::Line(2),
        Fault::Syntax {
            expected: "a size line",
            ..
        }
    );
    assert_fault!(
        mtx("array real general", "1\n"),
        Place::Line(2),
        Fault::FieldCount {
            found: 1,
            expected: 2,
            ..
        }
    );
    assert_fault!(
        mtx("coordinate real general", "1 1\n"),
        Place::Line(2),
        Fault::FieldCount {
            found: 2,
            expected: 3,
            ..
        }
    );
    assert_fault!(
        mtx("array real general", "\n2 -2\n"),
        Place::Line(3),
        Fault::IntegerRange { field: 2, found, .. } if found == "-2"
    );
    assert_fault!(
        mtx("array real general", "2 x\n"),
        Place::Line(2),
        Fault::NotANumber { field: 2, found, .. } if found == "x"
    );
    for symmetry in ["symmetric", "skew-symmetric", "hermitian"] {
        let result = mtx(&format!("array complex {symmetry}"), "2 3\n");
        assert_fault!(result, Place::Line(2), Fault::NotSquare { rows: 2, columns: 3, symmetry: s } if *s == symmetry);
    }
}

#[test]
fn entries_are_counted() {
    let few = mtx("array real general", "2 2\n1\n2\n3\n");
    assert_fault!(
        few,
        Place::Line(5),
        Fault::EntryCount {
            found: 3,
            expected: 4
        }
    );
    let many = mtx("array real symmetric", "2 2\n1\n2\n3\n4\n");
    assert_fault!(
        many,
        Place::Line(6),
        Fault::EntryCount {
            found: 4,
            expected: 3
        }
    );
    let many = mtx("array real skew-symmetric", "2 2\n1\n2\n");
    assert_fault!(
        many,
        Place::Line(4),
        Fault::EntryCount {
            found: 2,
            expected: 1
        }
    );
    let few = mtx("coordinate real general", "2 2 2\n1 1 1\n\n% end\n");
    assert_fault!(
        few,
        Place::Line(5),
        Fault::EntryCount {
            found: 1,
            expected: 2
        }
    );
    let many = mtx("coordinate real general", "2 2 1\n1 1 1\n1 2 1\n");
    assert_fault!(
        many,
        Place::Line(4),
        Fault::EntryCount {
            found: 2,
            expected: 1
        }
    );
}

#[test]
fn entries_are_checked() {
    assert_fault!(
        mtx("coordinate real general", "2 3 1\n3 1 1\n"),
        Place::Line(3),
        Fault::IndexRange {
            axis: "row",
            found: 3,
            extent: 2
        }
    );
    assert_fault!(
        mtx("coordinate real general", "2 3 1\n1 0 1\n"),
        Place::Line(3),
        Fault::IndexRange {
            axis: "column",
            found: 0,
            extent: 3
        }
    );
    assert_fault!(
        mtx("coordinate real general", "2 3 1\n1 1\n"),
        Place::Line(3),
        Fault::FieldCount {
            found: 2,
            expected: 3,
            ..
        }
    );
    assert_fault!(
        mtx("coordinate complex general", "2 3 1\n1 1 1\n"),
        Place::Line(3),
        Fault::FieldCount {
            found: 3,
            expected: 4,
            ..
        }
    );
    assert_fault!(
        mtx("coordinate pattern general", "2 3 1\n1 1 1\n"),
        Place::Line(3),
        Fault::FieldCount {
            found: 3,
            expected: 2,
            ..
        }
    );
    assert_fault!(
        mtx("array real general", "1 2\n1 2\n"),
        Place::Line(3),
        Fault::FieldCount {
            found: 2,
            expected: 1,
            ..
        }
    );
    assert_fault!(
        mtx("coordinate real general", "2 3 1\n1 1 one\n"),
        Place::Line(3),
        Fault::NotANumber { field: 3, found, .. } if found == "one"
    );
    assert_fault!(
        mtx("array integer general", "1 1\n1.5\n"),
        Place::Line(3),
        Fault::NotANumber { field: 1, found, expected: "an integer" } if found == "1.5"
    );
    assert_fault!(
        mtx("array integer general", "1 1\n9223372036854775808\n"),
        Place::Line(3),
        Fault::IntegerRange { field: 1, found, expected: "int64" } if found == "9223372036854775808"
    );
    assert_fault!(
        mtx(
            "coordinate integer general",
            "1 1 2\n1 1 9223372036854775807\n1 1 1\n"
        ),
        Place::Line(4),
        Fault::IntegerOverflow {
            row: 1,
            column: 1,
            expected: "int64"
        }
    );
    assert_fault!(
        mtx(
            "coordinate integer skew-symmetric",
            "2 2 1\n2 1 -9223372036854775808\n"
        ),
        Place::Line(3),
        Fault::IntegerOverflow {
            row: 1,
            column: 2,
            expected: "int64"
        }
    );
}

#[test]
fn symmetry_is_enforced() {
    assert_fault!(
        mtx("coordinate real symmetric", "2 2 1\n1 2 1\n"),
        Place::Line(3),
        Fault::UpperEntry {
            row: 1,
            column: 2,
            symmetry: "symmetric"
        }
    );
    assert_fault!(
        mtx("coordinate real skew-symmetric", "2 2 1\n2 2 5\n"),
        Place::Line(3),
        Fault::Diagonal { index: 2, found, symmetry: "skew-symmetric", .. } if found == "5"
    );
    assert_fault!(
        mtx("coordinate complex hermitian", "2 2 1\n2 2 5 1\n"),
        Place::Line(3),
        Fault::Diagonal { index: 2, found, symmetry: "hermitian", .. } if found == "5+1j"
    );
    assert_fault!(
        mtx("array complex hermitian", "2 2\n1 0\n2 1\n3 1\n"),
        Place::Line(5),
        Fault::Diagonal { index: 2, .. }
    );
}

#[test]
fn is_read_generously_where_that_is_safe() {
    let text = "%%matrixmarket MATRIX Coordinate REAL General\r\n% one\r\n\r\n2 2 3\r\n  %two\r\n1 1 1.0D+05\r\n\
                2 2 .5\r\n% three\r\n2 2 1e0\r\n\r\n";
    let found = read_bytes(text.as_bytes()).unwrap();
    assert_eq!(
        found,
        Data::F64(ndarray::array![[1e5, 0.0], [0.0, 1.5]].into_dyn())
    );
    let latin1 = b"%%MatrixMarket matrix array real general\n% \xe9tude\n1 1\n-0\n";
    let Data::F64(found) = read_bytes(latin1).unwrap() else {
        panic!("not real")
    };
    assert!(found[[0, 0]].is_sign_negative());
    assert_eq!(mtx("array real general", "0 7\n").unwrap().shape(), [0, 7]);
    assert_eq!(
        mtx("array real general", "0 1000000000000000000\n")
            .unwrap()
            .len(),
        0
    );
}
