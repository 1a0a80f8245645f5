//! numpy's `.npz`: a zip archive of npy files, stored or deflated.

use std::io::{self, Read, Seek, Write};

use ndarray::ArrayViewD;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};
use zip::{CompressionMethod, ZipArchive};

use super::data::{Data, Element};
use super::error::{Fault, FormatError};
use super::memory::Budget;
use super::npy;
use super::sniff::SLACK;

/// Reads one array: the one named `key`, or the only one.
pub(crate) fn read(
    reader: impl Read + Seek,
    name: &str,
    key: Option<&str>,
    budget: Budget,
) -> Result<Data, FormatError> {
    let mut archive = ZipArchive::new(reader).map_err(broken)?;
    let arrays = archive.file_names().filter_map(|name| name.strip_suffix(".npy"));
    let mut names: Vec<_> = arrays.map(str::to_owned).collect();
    names.sort_unstable();
    let fault = match (key.map(|key| key.strip_suffix(".npy").unwrap_or(key)), names.as_slice()) {
        (_, []) => Fault::NoArrays,
        (Some(key), _) if names.iter().any(|name| name == key) => {
            return member(&mut archive, key, budget)
                .map_err(|error| error.named(&format!("{name}[{key}]")));
        }
        (Some(key), _) => Fault::UnknownKey { key: key.to_owned(), names },
        (None, [only]) => {
            return member(&mut archive, only, budget)
                .map_err(|error| error.named(&format!("{name}[{only}]")));
        }
        (None, _) => Fault::KeyNeeded { names },
    };
    Err(FormatError::new(fault))
}

fn member(
    archive: &mut ZipArchive<impl Read + Seek>,
    key: &str,
    budget: Budget,
) -> Result<Data, FormatError> {
    let mut member = archive.by_name(&format!("{key}.npy")).map_err(broken)?;
    let declared = member.size();
    if declared > budget.limit.saturating_add(SLACK) {
        return Err(FormatError::new(Fault::TooLarge {
            needed: u128::from(declared),
            limit: budget.limit,
        }));
    }
    npy::read(&mut member, budget)
}

fn broken(source: ZipError) -> FormatError {
    match source {
        ZipError::Io(source) => source.into(),
        source => FormatError::new(Fault::Zip { source }),
    }
}

/// Writes an archive of one deflated array.
pub(crate) fn write<T: Element>(
    array: &ArrayViewD<'_, T>,
    key: &str,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    if key.is_empty() || key.len() > 1000 || key.contains(['/', '\\', '\0']) {
        return Err(FormatError::new(Fault::BadKey { key: key.to_owned() }));
    }
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .large_file(true);
    let mut out = Abandoned { inner: out, failed: false };
    let mut archive = ZipWriter::new_stream(&mut out);
    archive.start_file(format!("{key}.npy"), options).map_err(broken)?;
    npy::write(array, &mut archive)?;
    archive.finish().map_err(broken)?.flush()?;
    Ok(())
}

/// A writer that says once that it has failed, and then takes all without doing anything: a
/// `ZipWriter` that is dropped after a failure finishes its archive, and complains on stderr if
/// that fails, too.
struct Abandoned<'a> {
    inner: &'a mut dyn Write,
    failed: bool,
}

impl Abandoned<'_> {
    fn unless_failed<T>(
        &mut self,
        otherwise: T,
        write: impl FnOnce(&mut dyn Write) -> io::Result<T>,
    ) -> io::Result<T> {
        if self.failed {
            return Ok(otherwise);
        }
        let written = write(self.inner);
        let is_over = |error: &io::Error| error.kind() != io::ErrorKind::Interrupted;
        self.failed = written.as_ref().is_err_and(is_over);
        written
    }
}

impl Write for Abandoned<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unless_failed(bytes.len(), |inner| inner.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.unless_failed((), |inner| inner.flush())
    }
}
