//! Reading and writing files: against numpy and scipy, against itself, and against broken input.

mod files;
mod golden;
mod malformed;
mod round_trip;

use matinv_cli::format::{Data, Fault, FormatError, ReadOptions, WriteOptions, read_from, write};

/// A limit no test file reaches unless it means to.
const LIMIT: u64 = 1 << 24;

fn read_bytes(bytes: &[u8]) -> Result<Data, FormatError> {
    read_from(bytes, "input", &ReadOptions::new(LIMIT))
}

fn write_bytes(data: &Data, options: &WriteOptions) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    write(data, &mut out, options).map(|()| out)
}

/// Asserts that a result is an error of this place and fault, and that its message names the file.
#[macro_export]
macro_rules! assert_fault {
    ($result:expr, $place:pat, $fault:pat $(if $guard:expr)?) => {
        match $result {
            Ok(data) => panic!("expected {}, found {data:?}", stringify!($fault)),
            Err(error) => {
                assert!(
                    matches!((error.place, &*error.fault), ($place, $fault) $(if $guard)?),
                    "expected {} {}, found {error:?}: {error}",
                    stringify!($place),
                    stringify!($fault),
                );
            }
        }
    };
}

#[test]
fn messages_name_file_place_and_remedy() {
    let text = |bytes: &[u8]| {
        read_bytes(bytes)
            .map_err(|error| error.to_string())
            .unwrap_err()
    };
    assert_eq!(
        text(b"1 2\n3\n"),
        "input:2: row of length 1, expected 2 as in the first row"
    );
    assert_eq!(
        text(b"%%MatrixMarket matrix coordinate real general\n2000000 2000000 1\n1 1 1\n"),
        "input:2: needs 32000000000000 bytes of memory, the limit is 16777216 bytes; raise the limit or use a \
         smaller element type"
    );
    assert_eq!(
        text(b"\x93NUMPY\x07\x00"),
        "input: byte 6: npy format version 7.0 is unknown; known are 1.0, 2.0 and 3.0; save the array again with \
         numpy.save"
    );
    assert_eq!(
        FormatError::new(Fault::Exists)
            .named("x.npy")
            .to_string()
            .split(';')
            .next(),
        Some("x.npy: exists already")
    );
}
