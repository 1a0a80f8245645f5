//! Any bytes as CSV, TSV and text, the first byte choosing: never a panic, and what is read is
//! written and read back equal.
#![no_main]

use libfuzzer_sys::fuzz_target;
use matinv_cli::format::Format;
use matinv_fuzz::round_trip;

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, bytes)) = bytes.split_first() else {
        return;
    };
    let format = [Format::Csv, Format::Tsv, Format::Text][usize::from(*choice) % 3];
    round_trip(bytes, Some(format), format);
});
