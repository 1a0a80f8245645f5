//! Broken input of every format: the fault, its place, and that nothing large was allocated.

use std::io::Write;

use flate2::write::GzEncoder;
use matinv_cli::format::{Data, Fault, Format, Place, ReadOptions, WriteOptions, read_from};
use ndarray::ArrayD;

use crate::{LIMIT, assert_fault, read_bytes, write_bytes};

fn npy_with(header: &str, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), body].concat()
}

fn npy(shape: &str, body: &[u8]) -> Vec<u8> {
    npy_with(
        &format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n"),
        body,
    )
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zeros() -> Data {
    Data::F64(ArrayD::zeros(vec![2, 2]))
}

/// Reads a Matrix Market file of these banner words, size line and entries.
fn mtx(banner: &str, rest: &str) -> Result<Data, matinv_cli::format::FormatError> {
    read_bytes(format!("%%MatrixMarket matrix {banner}\n{rest}").as_bytes())
}

#[test]
fn npy_tells_missing_and_surplus_bytes() {
    for (body, found) in [(0, 0), (1, 1), (31, 31)] {
        let result = read_bytes(&npy("(2, 2)", &vec![0; body]));
        assert_fault!(result, Place::Byte(_), Fault::Truncated { found: f, expected: 32 } if *f == found);
    }
    let start = npy("(2, 2)", b"").len() as u64;
    let result = read_bytes(&npy("(2, 2)", &[0; 33]));
    assert_fault!(result, Place::Byte(at), Fault::ExtraBytes { expected: 32 } if at == start + 32);
    let cut = &npy("(2, 2)", b"")[..30];
    assert_fault!(
        read_bytes(cut),
        Place::Byte(30),
        Fault::Truncated { found: 20, .. }
    );
    assert_fault!(
        read_bytes(b"\x93NUMPY\x01"),
        Place::Byte(7),
        Fault::Truncated {
            found: 7,
            expected: 8
        }
    );
    assert_fault!(
        read_bytes(b"\x93NUMPY\x01\x00\x10"),
        Place::Byte(9),
        Fault::Truncated {
            found: 1,
            expected: 2
        }
    );
}

#[test]
fn npy_headers_are_read_exactly() {
    let full = "{'descr': '<f8', 'fortran_order': False, 'shape': (1, 1)}";
    assert_eq!(
        read_bytes(&npy_with(full, &[0; 8])).unwrap().shape(),
        [1, 1]
    );
    let python2 = "{'shape': (1L, 1L), \"fortran_order\": True, 'descr': 'f8'}  \n";
    assert_eq!(
        read_bytes(&npy_with(python2, &[0; 8])).unwrap().shape(),
        [1, 1]
    );
    for (header, at) in [
        ("", 10),
        ("nonsense", 10),
        ("{'descr': '<f8', 'fortran_order': False}", 50),
        ("{'descr': '<f8', 'fortran_order': 1, 'shape': ()}", 44),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': (3)}", 62),
        (
            "{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 2)}",
            61,
        ),
        ("{'descr': '<f8', 'fortran_order': False, 'shape': 3}", 60),
        ("{'descr': 8, 'fortran_order': False, 'shape': ()}", 20),
        (
            "{'descr': '<f8', 'fortran_order': False, 'shape': (), 'x': 1}",
            64,
        ),
        (
            "{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': ()}",
            27,
        ),
        ("{'descr': '<f8' 'fortran_order': False, 'shape': ()}", 26),
        ("{'descr' '<f8', 'fortran_order': False, 'shape': ()}", 19),
        ("{'descr': '<f8", 20),
        (
            "{'descr': '<f8', 'fortran_order': False, 'shape': ()} x",
            64,
        ),
    ] {
        let result = read_bytes(&npy_with(header, &[0; 8]));
        assert_fault!(result, Place::Byte(found), Fault::Syntax { .. } if found == at);
    }
    let axes = format!("({})", "1, ".repeat(65));
    assert_fault!(
        read_bytes(&npy(&axes, &[0; 8])),
        Place::Byte(_),
        Fault::TooManyAxes {
            found: 65,
            limit: 64
        }
    );
    let mut long = b"\x93NUMPY\x02\x00".to_vec();
    long.extend(u32::MAX.to_le_bytes());
    assert_fault!(
        read_bytes(&long),
        Place::Byte(8),
        Fault::HeaderLength {
            found: 0xffff_ffff,
            ..
        }
    );
    assert_fault!(
        read_bytes(b"\x93NUMPY\x04\x00"),
        Place::Byte(6),
        Fault::NpyVersion { major: 4, minor: 0 }
    );
}

#[test]
fn npy_booleans_are_0_or_1() {
    let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}";
    let at = 10 + header.len() as u64 + 2;
    let result = read_bytes(&npy_with(header, &[0, 1, 2]));
    assert_fault!(result, Place::Byte(found), Fault::NotABoolean { found: 2 } if found == at);
}

#[test]
fn npy_types_without_byte_order_are_refused() {
    let header = "{'descr': '|f8', 'fortran_order': False, 'shape': ()}";
    assert_fault!(read_bytes(&npy_with(header, &[0; 8])), Place::Byte(20), Fault::ElementType { descr, .. } if descr == "|f8");
}

#[test]
fn promises_beyond_memory_are_refused_with_both_numbers() {
    let result = read_bytes(&npy("(4096, 4096)", b""));
    assert_fault!(
        result,
        _,
        Fault::TooLarge {
            needed: 0x800_0000,
            limit: LIMIT
        }
    );
    let result = read_bytes(&npy("(4294967296, 4294967296)", b""));
    assert_fault!(result, _, Fault::TooLarge { needed, .. } if *needed == 1 << 67);
    let huge = u64::MAX;
    let result = read_bytes(&npy(&format!("({huge}, {huge}, {huge})"), b""));
    assert_fault!(result, _, Fault::ShapeOverflow { shape } if shape == &[huge; 3]);
    let result = read_bytes(&npy(&format!("(0, {huge})"), b""));
    assert_fault!(result, _, Fault::ShapeOverflow { shape } if shape == &[0, huge]);

    let result = mtx("coordinate real general", "2000000 2000000 1\n1 1 1\n");
    assert_fault!(
        result,
        Place::Line(2),
        Fault::TooLarge {
            needed: 32_000_000_000_000,
            limit: LIMIT
        }
    );
    let result = mtx("array complex general", "2000000 2000000\n");
    assert_fault!(
        result,
        Place::Line(2),
        Fault::TooLarge {
            needed: 64_000_000_000_000,
            limit: LIMIT
        }
    );
    let result = mtx("coordinate pattern general", &format!("{huge} {huge} 0\n"));
    assert_fault!(result, Place::Line(2), Fault::ShapeOverflow { shape } if shape == &[huge; 2]);

    let no_memory = ReadOptions {
        memory_limit: u64::MAX,
        ..ReadOptions::new(0)
    };
    let result = read_from(
        &npy("(1073741824, 1073741824)", b"")[..],
        "input",
        &no_memory,
    );
    assert_fault!(
        result,
        _,
        Fault::TooLarge {
            limit: u64::MAX,
            ..
        }
    );
    let result = read_from(
        &npy("(1048576, 1073741824, 512)", b"")[..],
        "input",
        &no_memory,
    );
    assert_fault!(result, _, Fault::OutOfMemory { needed } if *needed == 1 << 62);
}

#[test]
fn text_stops_at_the_limit() {
    let options = ReadOptions::new(80);
    let rows = |count| "1\n".repeat(count);
    assert_eq!(
        read_from(rows(10).as_bytes(), "input", &options)
            .unwrap()
            .shape(),
        [10, 1]
    );
    let result = read_from(rows(11).as_bytes(), "input", &options);
    assert_fault!(result, Place::Line(11), Fault::OverLimit { limit: 80 });
    let complex = format!("{}1j\n", rows(5));
    assert_fault!(
        read_from(complex.as_bytes(), "input", &options),
        Place::Line(6),
        Fault::TooLarge {
            needed: 96,
            limit: 80
        }
    );
    let line = vec![b'#'; 1 << 17];
    assert_fault!(
        read_from(&line[..], "input", &options),
        Place::Line(1),
        Fault::OverLimit { .. }
    );
}

#[test]
fn compressed_bombs_are_stopped() {
    let options = ReadOptions::new(1000);
    let bomb = gzip(&vec![b'\n'; 1 << 20]);
    assert!(bomb.len() < 5000);
    assert_fault!(
        read_from(&bomb[..], "input", &options),
        _,
        Fault::OverLimit { limit: 1000 }
    );
    let large = Data::F64(ArrayD::zeros(vec![400, 400]));
    let archive = write_bytes(&large, &WriteOptions::new(Format::Npz)).unwrap();
    assert!(archive.len() < 5000);
    assert_fault!(
        read_from(&archive[..], "input", &options),
        _,
        Fault::TooLarge {
            needed: 1_280_128,
            limit: 1000
        }
    );
    assert_fault!(
        read_from(&gzip(&archive)[..], "input", &options),
        _,
        Fault::TooLarge { .. }
    );
}

#[test]
fn broken_containers_are_told() {
    assert_fault!(
        read_bytes(&gzip(&gzip(b"1\n"))),
        Place::Whole,
        Fault::GzipTwice
    );
    let whole = gzip(b"1 2\n3 4\n");
    assert_eq!(read_bytes(&whole).unwrap().shape(), [2, 2]);
    assert_fault!(read_bytes(&whole[..whole.len() - 1]), _, Fault::Gzip { .. });
    let mut flipped = whole;
    let check = flipped.len() - 8;
    flipped[check] ^= 1;
    assert_fault!(read_bytes(&flipped), _, Fault::Gzip { .. });

    let archive = write_bytes(&zeros(), &WriteOptions::new(Format::Npz)).unwrap();
    assert_eq!(read_bytes(&archive).unwrap(), zeros());
    assert_fault!(
        read_bytes(&archive[..archive.len() / 2]),
        _,
        Fault::Zip { .. } | Fault::Io { .. }
    );
    let options = ReadOptions {
        format: Some(Format::Npz),
        ..ReadOptions::new(LIMIT)
    };
    assert_fault!(
        read_from(&b"1 2\n"[..], "input", &options),
        _,
        Fault::Zip { .. }
    );
}

#[test]
fn matrix_market_banners_are_checked_word_by_word() {
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
fn matrix_market_size_lines_are_checked() {
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
fn matrix_market_entries_are_counted() {
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
fn matrix_market_entries_are_checked() {
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
fn matrix_market_symmetry_is_enforced() {
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
fn matrix_market_is_read_generously_where_that_is_safe() {
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

#[test]
fn text_rows_are_checked() {
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
fn text_numbers_come_in_many_spellings() {
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
