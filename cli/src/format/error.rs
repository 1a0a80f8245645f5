//! A fault, the place it has in a file, and the file.

use std::error::Error;
use std::fmt;
use std::io;

pub use super::fault::Fault;
use crate::talk::visible::visible;

/// A matrix that could not be read or written: which file, where in it, and why.
///
/// Displays as `name: fault`, `name:line: fault` or `name: byte 128: fault`.
#[derive(Debug)]
pub struct FormatError {
    /// The file as the user named it; a member of an archive as `archive.npz[member]`. Empty when
    /// unknown.
    pub name: String,
    /// Where in the file.
    pub place: Place,
    /// What is wrong there.
    pub fault: Box<Fault>,
}

impl FormatError {
    /// Wraps a fault that concerns no particular place of an unnamed file.
    pub fn new(fault: Fault) -> Self {
        Self::at(Place::Whole, fault)
    }

    /// Wraps a fault at a place of an unnamed file.
    pub(crate) fn at(place: Place, fault: Fault) -> Self {
        Self { name: String::new(), place, fault: Box::new(fault) }
    }

    /// Fills in the place, unless a more exact one is already there.
    #[must_use]
    pub(crate) fn placed(mut self, place: Place) -> Self {
        if self.place == Place::Whole {
            self.place = place;
        }
        self
    }

    /// Fills in the file name, unless a more exact one is already there.
    #[must_use]
    pub fn named(mut self, name: &str) -> Self {
        if self.name.is_empty() {
            name.clone_into(&mut self.name);
        }
        self
    }

    /// Whether the reader of our output went away, which is no error for a filter.
    pub fn is_broken_pipe(&self) -> bool {
        matches!(&*self.fault, Fault::Io { source } if source.kind() == io::ErrorKind::BrokenPipe)
    }
}

impl From<io::Error> for FormatError {
    /// Unpacks a [`Fault`] that travelled through a reader, and wraps anything else.
    fn from(source: io::Error) -> Self {
        Self::new(source.downcast().unwrap_or_else(|source| Fault::Io { source }))
    }
}

/// What was found, for a message: the start of it, readable.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LONGEST: usize = 40;
    let mut text: String =
        String::from_utf8_lossy(&bytes[..bytes.len().min(4 * LONGEST)]).into_owned();
    if let Some((end, _)) = text.char_indices().nth(LONGEST) {
        text.truncate(end);
        text.push('…');
    }
    visible(&text).into_owned()
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, place, fault } = self;
        match (&*visible(name), place) {
            ("", Place::Whole) => write!(f, "{fault}"),
            ("", Place::Line(line)) => write!(f, "line {line}: {fault}"),
            ("", Place::Byte(byte)) => write!(f, "byte {byte}: {fault}"),
            (name, Place::Whole) => write!(f, "{name}: {fault}"),
            (name, Place::Line(line)) => write!(f, "{name}:{line}: {fault}"),
            (name, Place::Byte(byte)) => write!(f, "{name}: byte {byte}: {fault}"),
        }
    }
}

/// The message says everything; there is no source to add to it.
impl Error for FormatError {}

/// A place in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The file as a whole.
    Whole,
    /// A line of a text format, counted from 1.
    Line(u64),
    /// An offset into a binary format, counted from 0 (after decompression).
    Byte(u64),
}
