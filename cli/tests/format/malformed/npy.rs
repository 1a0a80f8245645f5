//! Broken npy headers and data.

use matinv_cli::format::{Fault, Place};

use super::{npy, npy_with};
use crate::{assert_fault, read_bytes};

#[test]
fn tells_missing_and_surplus_bytes() {
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
fn headers_are_read_exactly() {
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
fn booleans_are_0_or_1() {
    let header = "{'descr': '|b1', 'fortran_order': False, 'shape': (3,)}";
    let at = 10 + header.len() as u64 + 2;
    let result = read_bytes(&npy_with(header, &[0, 1, 2]));
    assert_fault!(result, Place::Byte(found), Fault::NotABoolean { found: 2 } if found == at);
}

#[test]
fn types_without_byte_order_are_refused() {
    let header = "{'descr': '|f8', 'fortran_order': False, 'shape': ()}";
    assert_fault!(read_bytes(&npy_with(header, &[0; 8])), Place::Byte(20), Fault::ElementType { descr, .. } if descr == "|f8");
}
