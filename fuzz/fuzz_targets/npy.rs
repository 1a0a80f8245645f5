//! Any bytes, told apart by content (npy, npz, gzip, the rest): never a panic, and what is read is
//! written as npy and read back equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use matinv_cli::format::Format;
use matinv_fuzz::round_trip;

fuzz_target!(|bytes: &[u8]| round_trip(bytes, None, Format::Npy));
