//! The stack in an npy file, read piece by piece.
//!
//! By plain reads rather than a memory map: a file that another program cuts short meanwhile is
//! then an error with words, where a map ends the program by SIGBUS.

use crate::cli::InvArgs;
use crate::format::npy::{self, Header, Order};
use crate::format::{self, Compression, Fault, Format, FormatError, Place, WriteOptions};
use crate::output::sink::Sink;
use crate::stop::Stop;
use matinv::Element;
use serde::{Deserialize, Serialize};
use std::fs::{File, Metadata};
use std::io::{Seek, SeekFrom};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// Why a stack in Fortran order does not stream: the elements of one matrix lie all over the file.
pub(crate) const FORTRAN: &str = "the input is stored in Fortran order";

/// How an input is best inverted.
pub(crate) enum Opened {
    /// Piece by piece.
    Stream(Box<Source>),
    /// As a whole.
    Whole {
        /// Why.
        reason: &'static str,
    },
}

/// A stack in an npy file.
pub(crate) struct Source {
    file: File,
    /// Its name in messages.
    name: String,
    pub(crate) header: Header,
    pub(crate) shape: Vec<usize>,
    pub(crate) stamp: Stamp,
    /// Bytes of all elements.
    bytes: u64,
    /// Bytes read.
    read: u64,
}

/// What tells whether a file was changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    bytes: u64,
    /// Seconds and nanoseconds since 1970, where the system knows.
    modified: Option<(u64, u32)>,
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.map(|time| (time.as_secs(), time.subsec_nanos()));
        Stamp { bytes: metadata.len(), modified }
    }
}

/// Opens the input if it is a stack that can stream to the output. Whatever is wrong with a file
/// that cannot is left to those who read it as a whole.
pub(crate) fn open(
    path: &Path,
    name: &str,
    sink: &Sink,
    args: &InvArgs,
) -> Result<Opened, FormatError> {
    let whole = |reason| Ok(Opened::Whole { reason });
    match sink {
        Sink::File(path, WriteOptions { format: Format::Npy, compression, .. }, existing)
            if *compression == Compression::None
                && format::regular_target(path, *existing)?.is_some() => {}
        _ => return whole("the output is no plain npy file"),
    }
    let no_npy = "the input is no plain npy file";
    if path == Path::new("-") || args.key.is_some() {
        return whole(no_npy);
    }
    let Ok(mut file) = File::open(path) else { return whole(no_npy) };
    let Some(metadata) = file.metadata().ok().filter(Metadata::is_file) else {
        return whole(no_npy);
    };
    let Ok(header) = Header::read(&mut file) else { return whole(no_npy) };
    if header.shape.len() < 3 {
        return whole("the input is no stack: it has fewer than 3 axes");
    }
    if header.order == Order::Fortran {
        return whole(FORTRAN);
    }
    let size = header.element.size() as u64;
    let bytes = header.shape.iter().try_fold(size, |bytes, &length| bytes.checked_mul(length));
    let shape = header.shape.iter().map(|&length| usize::try_from(length).ok()).collect();
    let (Some(bytes), Some(shape)) = (bytes.filter(|&bytes| bytes > 0), shape) else {
        return whole("the input holds no elements");
    };
    let stamp = Stamp::of(&metadata);
    let source = Source { file, name: name.to_owned(), header, shape, stamp, bytes, read: 0 };
    source.check_length().map_err(|error| error.named(name))?;
    Ok(Opened::Stream(Box::new(source)))
}

impl Source {
    /// The order of the matrices.
    pub(crate) fn order(&self) -> usize {
        self.shape[self.shape.len() - 1]
    }

    /// How many matrices there are.
    pub(crate) fn count(&self) -> usize {
        self.shape[..self.shape.len() - 2].iter().product()
    }

    /// Refuses a file that is shorter or longer than its header says.
    fn check_length(&self) -> Result<(), FormatError> {
        let (start, expected) = (self.header.data_offset, self.bytes);
        let found = self.stamp.bytes.saturating_sub(start);
        if found < expected {
            let place = Place::Byte(start + found);
            return Err(FormatError::at(place, Fault::Truncated { found, expected }));
        }
        if found > expected {
            let place = Place::Byte(start + expected);
            return Err(FormatError::at(place, Fault::ExtraBytes { expected }));
        }
        Ok(())
    }

    /// Goes to the first matrix behind the first `matrices`.
    pub(crate) fn skip(&mut self, matrices: usize) -> Result<(), FormatError> {
        self.read = self.bytes / self.count() as u64 * matrices as u64;
        let to = SeekFrom::Start(self.header.data_offset + self.read);
        self.file.seek(to).map_err(|error| FormatError::from(error).named(&self.name))?;
        Ok(())
    }

    /// Reads the next matrices, of elements `A`, in place of what `elements` holds.
    pub(crate) fn read<A: Element + format::Element>(
        &mut self,
        matrices: usize,
        elements: &mut Vec<A::Scalar>,
    ) -> Result<(), FormatError> {
        elements.clear();
        let order = self.order();
        let count = matrices * order * order;
        let start = self.header.data_offset + self.read;
        let Source { file, header, .. } = self;
        npy::read_elements(file, header.endian, count, start, elements, A::to_scalar).map_err(
            |mut error| {
                if let Fault::Truncated { found, expected } = &mut *error.fault {
                    (*found, *expected) = (self.read + *found, self.bytes);
                }
                error.named(&self.name)
            },
        )?;
        self.read += count as u64 * A::SIZE as u64;
        Ok(())
    }

    /// Refuses a file that was changed since it was opened.
    pub(crate) fn check_unchanged(&self) -> Result<(), Stop> {
        let metadata = self.file.metadata();
        let metadata =
            metadata.map_err(|error| Stop::from(FormatError::from(error).named(&self.name)))?;
        if Stamp::of(&metadata) == self.stamp {
            return Ok(());
        }
        Err(Stop::new(format!("{}: was changed while it was read", self.name))
            .hint("run the command again when no other program writes the file"))
    }
}
