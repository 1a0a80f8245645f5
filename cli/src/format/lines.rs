//! The lines of a text file, counted, and none longer than memory allows.

use std::io::{BufRead, Read};

use super::error::{Fault, FormatError, Place};
use super::sniff::SLACK;

/// Reads one line at a time into one buffer.
pub(crate) struct Lines<'r> {
    reader: &'r mut dyn BufRead,
    buffer: Vec<u8>,
    number: u64,
    limit: u64,
}

impl<'r> Lines<'r> {
    /// Lines of at most `limit` bytes (and some slack, so that a tiny limit still reads a banner).
    pub(crate) fn new(reader: &'r mut dyn BufRead, limit: u64) -> Self {
        Self { reader, buffer: Vec::new(), number: 0, limit: limit.saturating_add(SLACK) }
    }

    /// Bytes that its buffer holds, but for those that are free.
    pub(crate) fn held(&self) -> u64 {
        (self.buffer.capacity() as u64).saturating_sub(SLACK)
    }

    /// The next line; `None` at the end.
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>, FormatError> {
        Ok(self.advance()?.then(|| self.current()))
    }

    /// Goes on to the next line that is wanted; `false` at the end.
    pub(crate) fn skip_until(
        &mut self,
        wanted: impl Fn(&[u8]) -> bool,
    ) -> Result<bool, FormatError> {
        while self.advance()? {
            if wanted(self.current()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The line read last, without its line break (`\n` or `\r\n`).
    pub(crate) fn current(&self) -> &[u8] {
        let line = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    fn advance(&mut self) -> Result<bool, FormatError> {
        self.buffer.clear();
        let read = Read::take(&mut *self.reader, self.limit).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(false);
        }
        self.number += 1;
        if read as u64 == self.limit && self.buffer.last() != Some(&b'\n') {
            return Err(FormatError::at(self.place(), Fault::OverLimit { limit: self.limit }));
        }
        Ok(true)
    }

    /// The place of the line read last; the whole file before the first.
    pub(crate) fn place(&self) -> Place {
        if self.number == 0 { Place::Whole } else { Place::Line(self.number) }
    }
}
