//! Broken gzip and zip.

use matinv_cli::format::{Data, Fault, Format, Place, ReadOptions, WriteOptions, read_from};
use ndarray::ArrayD;

use super::gzip;
use crate::{LIMIT, assert_fault, read_bytes, write_bytes};

#[test]
fn broken_containers_are_told() {
    assert_fault!(read_bytes(&gzip(&gzip(b"1\n"))), Place::Whole, Fault::GzipTwice);
    let whole = gzip(b"1 2\n3 4\n");
    assert_eq!(read_bytes(&whole).unwrap().shape(), [2, 2]);
    assert_fault!(read_bytes(&whole[..whole.len() - 1]), _, Fault::Gzip { .. });
    let mut flipped = whole;
    let check = flipped.len() - 8;
    flipped[check] ^= 1;
    assert_fault!(read_bytes(&flipped), _, Fault::Gzip { .. });

    let zeros = Data::F64(ArrayD::zeros(vec![2, 2]));
    let archive = write_bytes(&zeros, &WriteOptions::new(Format::Npz)).unwrap();
    assert_eq!(read_bytes(&archive).unwrap(), zeros);
    assert_fault!(read_bytes(&archive[..archive.len() / 2]), _, Fault::Archive { .. });
    let options = ReadOptions { format: Some(Format::Npz), ..ReadOptions::new(LIMIT) };
    assert_fault!(read_from(&b"1 2\n"[..], "input", &options), _, Fault::Archive { .. });
}
