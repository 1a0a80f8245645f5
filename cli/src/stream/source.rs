//! The stack in an npy file, read piece by piece.
//!
//! By plain reads rather than a memory map: a file that another program cuts short meanwhile is
//! then an error with words, where a map ends the program by SIGBUS.

use crate::cli::InvArgs;
use crate::format::npy::{self, Header, Order};
use crate::format::{self, Compression, Fault, Format, FormatError, Place, WriteOptions};
use crate::output::sink::Sink;
use crate::stop::Stop;
use flate2::Crc;
use matinv::Element;
use serde::Serialize;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

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

/// What tells whether a file was changed, or is another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Stamp {
    bytes: u64,
    /// Seconds and nanoseconds since 1970, where the system knows.
    modified: Option<(u64, u32)>,
    /// The same of the last change of content, name, links or permissions, which no program can set.
    changed: Option<(i64, i64)>,
    /// The number of the file. That of its device is no part of the stamp: for some file systems it
    /// is another one after the machine was started again.
    inode: Option<u64>,
    /// CRC-32 of some of the content.
    samples: u32,
}

/// Bytes of one sample of the content, and how many there are at most. What is no longer than all
/// of them is one sample.
const SAMPLE: u64 = 4096;
const SAMPLES: u64 = 64;

impl Stamp {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        let modified = metadata.modified().ok();
        let since = modified.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let modified = since.map(|time| (time.as_secs(), time.subsec_nanos()));
        let bytes = metadata.len();
        let samples = samples(file, bytes)?;
        #[cfg(unix)]
        let (changed, inode) = {
            use std::os::unix::fs::MetadataExt;
            (Some((metadata.ctime(), metadata.ctime_nsec())), Some(metadata.ino()))
        };
        #[cfg(not(unix))]
        let (changed, inode) = (None, None);
        Ok(Stamp { bytes, modified, changed, inode, samples })
    }

    /// Whether all of it is older than a file that was written last at this time.
    pub(super) fn is_before(&self, time: SystemTime) -> bool {
        let Ok(since) = time.duration_since(UNIX_EPOCH) else { return false };
        let written = self.modified.is_some_and(|at| at <= (since.as_secs(), since.subsec_nanos()));
        let seconds = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
        let changed = self.changed.is_none_or(|at| at <= (seconds, since.subsec_nanos().into()));
        written && changed
    }

    /// Whether it is that of the same content: another name or another permission does no harm to
    /// who has the file open.
    fn is_content_of(&self, other: &Self) -> bool {
        let content = |stamp: &Self| (stamp.bytes, stamp.modified, stamp.samples);
        content(self) == content(other)
    }
}

/// CRC-32 of the first bytes, of the last, and of some in between.
fn samples(mut file: &File, bytes: u64) -> io::Result<u32> {
    let mut crc = Crc::new();
    let mut block = Vec::new();
    let is_short = bytes <= SAMPLE * SAMPLES;
    let (length, count) = if is_short { (bytes, 1) } else { (SAMPLE, SAMPLES) };
    for k in 0..count {
        let last = u128::from(bytes - length);
        // No more than `last`.
        let at = if k == 0 { 0 } else { last * u128::from(k) / u128::from(count - 1) };
        file.seek(SeekFrom::Start(u64::try_from(at).unwrap_or(u64::MAX)))?;
        block.clear();
        file.take(length).read_to_end(&mut block)?;
        crc.update(&block);
    }
    Ok(crc.sum())
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
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return whole(no_npy);
    }
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
    let stamp = Stamp::of(&file)?;
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
        let stamp = Stamp::of(&self.file)
            .map_err(|error| Stop::from(FormatError::from(error).named(&self.name)))?;
        if stamp.is_content_of(&self.stamp) {
            return Ok(());
        }
        Err(Stop::new(format!("{}: was changed while it was read", self.name))
            .hint("run the command again when no other program writes the file"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The stamp of a file of this content.
    fn stamp(content: &[u8]) -> Stamp {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("A"), content).unwrap();
        Stamp::of(&File::open(place.path().join("A")).unwrap()).unwrap()
    }

    #[test]
    fn any_byte_of_a_short_file_counts_and_blocks_all_over_a_long_one() {
        let short = vec![7; usize::try_from(SAMPLE * SAMPLES).unwrap()];
        let of_short = stamp(&short).samples;
        for at in [0, 1, 5000, 100_000, short.len() - 1] {
            let mut other = short.clone();
            other[at] ^= 1;
            assert_ne!(stamp(&other).samples, of_short, "byte {at}");
        }
        let long = vec![7; 3_000_001];
        let of_long = stamp(&long).samples;
        for at in [0, 4095, 3_000_000, 3_000_001 - 4096] {
            let mut other = long.clone();
            other[at] ^= 1;
            assert_ne!(stamp(&other).samples, of_long, "byte {at}");
        }
        // A change as long as the distance between two samples meets one of them.
        for at in (0..2_900_000).step_by(99_991) {
            let mut other = long.clone();
            other[at..at + 48_000].fill(8);
            assert_ne!(stamp(&other).samples, of_long, "bytes from {at}");
        }
        assert_ne!(stamp(b"").samples, stamp(b"a").samples);
    }

    #[test]
    fn a_file_put_in_the_place_of_another_is_told_from_it() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("A");
        let stamp = || Stamp::of(&File::open(&path).unwrap()).unwrap();
        fs::write(&path, "first").unwrap();
        let first = stamp();
        let time = fs::metadata(&path).unwrap().modified().unwrap();
        let keep_time = |path: &Path| {
            File::options().append(true).open(path).unwrap().set_modified(time).unwrap();
        };
        // Written over.
        fs::write(&path, "other").unwrap();
        keep_time(&path);
        let second = stamp();
        assert_eq!((second.bytes, second.modified), (first.bytes, first.modified));
        assert_ne!(second.samples, first.samples);
        assert!(!second.is_content_of(&first));
        // Another file of the same content.
        fs::write(place.path().join("B"), "first").unwrap();
        keep_time(&place.path().join("B"));
        fs::rename(place.path().join("B"), &path).unwrap();
        let third = stamp();
        assert!(third.is_content_of(&first));
        if cfg!(unix) {
            assert_ne!(third.inode, first.inode);
        }
        assert_ne!(first, third);
        assert!(first.is_before(time + std::time::Duration::from_secs(3600)));
        assert!(!first.is_before(time - std::time::Duration::from_nanos(1)));
    }
}
