//! Files that promise or unfold more than memory holds.

use matinv_cli::format::{Data, Fault, Format, Place, ReadOptions, WriteOptions, read_from};
use ndarray::ArrayD;

use super::{gzip, mtx, npy};
use crate::{LIMIT, assert_fault, read_bytes, write_bytes};

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
