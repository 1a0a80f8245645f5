//! numpy's `.npz`: a zip archive of npy files, stored or deflated.

use std::io::{self, Read, Seek, Write};

use ndarray::ArrayViewD;
use zip::CompressionMethod;
use zip::result::ZipError;
use zip::write::{SimpleFileOptions, ZipWriter};

use super::archive::Archive;
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
    let archive = Archive::open(reader, budget)?;
    let wanted = key.map(|key| key.strip_suffix(".npy").unwrap_or(key));
    let mut names = archive.names();
    let fault = match (wanted, names.len()) {
        (_, 0) => Fault::NoArrays,
        (Some(key), _) if names.any(|name| name == key) => {
            drop(names);
            return member(archive, key, budget)
                .map_err(|error| error.named(&format!("{name}[{key}]")));
        }
        (Some(key), _) => {
            Fault::UnknownKey { key: key.to_owned(), names: archive.names().cloned().collect() }
        }
        (None, 1) => {
            let only = names.next().cloned().unwrap_or_default();
            drop(names);
            return member(archive, &only, budget)
                .map_err(|error| error.named(&format!("{name}[{only}]")));
        }
        (None, _) => Fault::KeyNeeded { names: names.cloned().collect() },
    };
    Err(FormatError::new(fault))
}

fn member(
    archive: Archive<impl Read + Seek>,
    key: &str,
    budget: Budget,
) -> Result<Data, FormatError> {
    let (mut content, size) = archive.array(key)?;
    if size > budget.limit.saturating_add(SLACK) {
        let needed = u128::from(size);
        return Err(FormatError::new(Fault::TooLarge { needed, limit: budget.limit }));
    }
    npy::read(&mut content, budget)
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
