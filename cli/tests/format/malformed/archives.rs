//! Archives whose directory does not tell the truth.

use std::io::{Cursor, Write};

use matinv_cli::format::{Fault, Format, FormatError, ReadOptions, WriteOptions, read_from};
use ndarray::ArrayD;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::npy;
use crate::{LIMIT, assert_fault, read_bytes, write_bytes};

/// An archive of stored members.
fn archive(members: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in members {
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn two() -> Vec<u8> {
    let content = |x: f64| npy("(1, 1)", &x.to_le_bytes());
    archive(&[("a.npy".to_owned(), content(1.0)), ("b.npy".to_owned(), content(2.0))])
}

/// Where a record of this signature begins, the first or the last.
fn find(bytes: &[u8], signature: &[u8], last: bool) -> usize {
    let mut found = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(signature));
    if last { found.next_back() } else { found.next() }.unwrap()
}

fn read_key(bytes: &[u8], key: &str) -> Result<matinv_cli::format::Data, FormatError> {
    let options = ReadOptions { key: Some(key.to_owned()), ..ReadOptions::new(LIMIT) };
    read_from(bytes, "input", &options)
}

#[test]
fn every_member_of_an_archive_is_read() {
    for (key, x) in [("a", 1.0), ("b", 2.0), ("b.npy", 2.0)] {
        let read = read_key(&two(), key).unwrap();
        assert_eq!(read, ArrayD::from_elem(vec![1, 1], x).into());
    }
    assert_fault!(read_bytes(&two()), _, Fault::KeyNeeded { names } if names == &["a", "b"]);
    assert_fault!(read_key(&two(), "c"), _, Fault::UnknownKey { key, .. } if key == "c");
    let deflated = ArrayD::from_elem(vec![40, 40], 0.5);
    let bytes = write_bytes(&deflated.clone().into(), &WriteOptions::new(Format::Npz)).unwrap();
    assert_eq!(read_bytes(&bytes).unwrap(), deflated.into());
}

#[test]
fn a_promised_count_of_members_is_not_believed() {
    // 64-bit end: 2⁶⁰ members in a directory of one.
    let mut bytes = archive(&[("a.npy".to_owned(), npy("(1, 1)", &[0; 8]))]);
    let begin = find(&bytes, b"PK\x01\x02", false) as u64;
    let end = find(&bytes, b"PK\x05\x06", true);
    let length = end as u64 - begin;
    bytes.truncate(end);
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [1 << 60, 1 << 60, length, begin] {
        bytes.extend(u64::to_le_bytes(number));
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend((end as u64).to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
    assert_fault!(
        read_bytes(&bytes),
        _,
        Fault::Archive { what: "it announces more members than its directory can hold" }
    );
    // The truth in the same place is read.
    let count = end + 24;
    for at in [count, count + 8] {
        bytes[at..at + 8].copy_from_slice(&1_u64.to_le_bytes());
    }
    assert_eq!(read_bytes(&bytes).unwrap().shape(), [1, 1]);
}

#[test]
fn what_two_headers_tell_differently_is_refused() {
    let good = two();
    let (local, entry) = (find(&good, b"PK\x03\x04", true), find(&good, b"PK\x01\x02", true));
    let broken = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        read_key(&bytes, "b").map_err(|error| match *error.fault {
            Fault::Archive { what } => what,
            other => panic!("{other:?}"),
        })
    };
    for (at, byte, what) in [
        (local + 30, b'c', "the header of the member is not what the directory says"),
        (local + 8, 8, "the header of the member is not what the directory says"),
        (local + 22, 1, "the header of the member is not what the directory says"),
        (local, b'Q', "a member is not where the directory says"),
        (local + 6, 1, "the member is encrypted"),
        (entry + 8, 1, "the member is encrypted"),
        (entry + 46, b'a', "two members have the same name"),
        (entry + 45, 0x7f, "a member lies beyond the data"),
        (entry, b'Q', "its directory has fewer entries than announced"),
        (find(&good, b"PK\x01\x02", false) - 1, 9, "the checksum of the member is wrong"),
    ] {
        assert_eq!(broken(at, byte).unwrap_err(), what, "byte {at}");
    }
    let mut method = good.clone();
    (method[local + 8], method[entry + 10]) = (12, 12);
    assert_fault!(
        read_key(&method, "b"),
        _,
        Fault::Archive { what: "the member is neither stored nor deflated" }
    );
}

#[test]
fn a_large_directory_is_counted() {
    let members: Vec<_> = (0..3000).map(|i| (format!("{i}.npy"), Vec::new())).collect();
    let bytes = archive(&members);
    let result = read_from(Cursor::new(&bytes), "input", &ReadOptions::new(1 << 17));
    assert_fault!(result, _, Fault::OverLimit { .. } | Fault::TooLarge { limit: 0x2_0000, .. });
    let error = read_bytes(&bytes).unwrap_err();
    assert!(matches!(&*error.fault, Fault::KeyNeeded { names } if names.len() == 3000));
    // Not a page of names.
    assert!(error.to_string().ends_with(" and 2980 more"), "{error}");
}

#[test]
fn no_byte_of_an_archive_makes_it_panic_or_yield_other_numbers() {
    let good = two();
    for at in 0..good.len() {
        assert!(read_key(&good[..at], "b").is_err(), "cut at byte {at}");
        for byte in [0, 1, 0x7f, 0x80, 0xff] {
            let mut bytes = good.clone();
            bytes[at] = byte;
            if let Ok(read) = read_key(&bytes, "b") {
                assert_eq!(read, ArrayD::from_elem(vec![1, 1], 2.0).into(), "byte {at} is {byte}");
            }
        }
    }
}
