//! What is seen and what is saved.

pub(crate) mod matrix;
pub(crate) mod progress;
pub(crate) mod report;
pub(crate) mod saved;
pub(crate) mod sink;
pub(crate) mod summary;
pub(crate) mod words;

use crate::format::FormatError;
use crate::stop::Stop;
use std::io::{self, BufWriter, Write};

/// Writes data to standard output.
pub(crate) fn stdout(
    body: impl FnOnce(&mut dyn Write) -> Result<(), FormatError>,
) -> Result<(), Stop> {
    let mut out = BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let written = body(&mut out).and_then(|()| Ok(out.flush()?));
    Ok(written.map_err(|error| error.named("standard output"))?)
}
