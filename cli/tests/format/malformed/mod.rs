//! Broken input of every format: the fault and its place.

mod archives;
mod containers;
mod matrix_market;
mod memory;
mod npy;
mod text;

use std::io::Write;

use flate2::write::GzEncoder;
use matinv_cli::format::{Data, FormatError};

use crate::read_bytes;

fn npy_with(header: &str, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(header.len()).unwrap().to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), body].concat()
}

fn npy(shape: &str, body: &[u8]) -> Vec<u8> {
    npy_with(&format!("{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}\n"), body)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// Reads a Matrix Market file of these banner words, size line and entries.
fn mtx(banner: &str, rest: &str) -> Result<Data, FormatError> {
    read_bytes(format!("%%MatrixMarket matrix {banner}\n{rest}").as_bytes())
}
