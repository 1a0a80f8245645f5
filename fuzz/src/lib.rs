//! What the fuzz targets share.

use matinv_cli::format::{Data, Format, FormatError, ReadOptions, WriteOptions, read_from, write};

/// Most bytes a matrix may take.
const LIMIT: u64 = 16 << 20;

/// Reads `bytes` as `format`, or as what they look like; whatever is read must survive being
/// written as `output` and read again.
pub fn round_trip(bytes: &[u8], format: Option<Format>, output: Format) {
    let options = ReadOptions {
        format,
        ..ReadOptions::new(LIMIT)
    };
    let Ok(data) = read_from(bytes, "input", &options) else {
        return;
    };
    assert!(
        data.bytes() <= LIMIT,
        "{} bytes exceed the limit",
        data.bytes()
    );
    let options = ReadOptions {
        format: Some(output),
        ..ReadOptions::new(LIMIT)
    };
    let again = written(&data, output).and_then(|bytes| read_from(&bytes[..], "again", &options));
    match again {
        Ok(again) => assert!(again.same(&data), "read {data:?}, read again {again:?}"),
        Err(error) => panic!("{error}: {data:?}"),
    }
}

fn written(data: &Data, format: Format) -> Result<Vec<u8>, FormatError> {
    let mut out = Vec::new();
    write(data, &mut out, &WriteOptions::new(format))?;
    Ok(out)
}
