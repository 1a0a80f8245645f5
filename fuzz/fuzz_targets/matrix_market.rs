//! Any bytes as Matrix Market: never a panic, and what is read is written and read back equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use matinv_cli::format::Format;
use matinv_fuzz::round_trip;

fuzz_target!(|bytes: &[u8]| round_trip(bytes, Some(Format::MatrixMarket), Format::MatrixMarket));
