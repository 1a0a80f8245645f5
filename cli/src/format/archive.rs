//! The directory of a zip archive, read entry by entry within the memory limit, and one member of
//! it. Nothing is allocated because a count in the file promises it; every entry is looked at once.
//!
//! The zip crate, which writes our archives, makes room for as many entries as the end of an
//! archive promises.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::Crc;
use flate2::bufread::DeflateDecoder;

use super::error::{Fault, FormatError, Place};
use super::memory::Budget;
use super::sniff::SLACK;

/// The lengths of the records, without what varies.
const END: usize = 22;
const END_64: usize = 56;
const LOCATOR: usize = 20;
const ENTRY: usize = 46;
const LOCAL: usize = 30;

/// What a field holds where the 64-bit extension has the number.
const IN_EXTENSION: u64 = 0xFFFF_FFFF;

/// Bytes of memory that an entry takes beside its name.
const KEPT: u64 = 96;

/// Where a member is.
#[derive(Debug, Clone, Copy)]
struct Member {
    flags: u64,
    method: u64,
    crc: u64,
    /// Bytes in the archive and unpacked.
    packed: u64,
    size: u64,
    /// Where its local header begins.
    offset: u64,
}

/// An archive and its arrays.
pub(crate) struct Archive<R> {
    reader: R,
    /// The members called `*.npy`, without that.
    arrays: BTreeMap<String, Member>,
    /// Where the directory begins and all members end.
    directory: u64,
}

fn broken(at: u64, what: &'static str) -> FormatError {
    FormatError::at(Place::Byte(at), Fault::Archive { what })
}

/// A little-endian number of so many bytes, which are there.
fn number(bytes: &[u8], at: usize, length: usize) -> u64 {
    bytes[at..at + length].iter().rev().fold(0, |number, &byte| (number << 8) | u64::from(byte))
}

/// Fills the buffer, or says that the archive ends there.
fn exact(reader: &mut impl Read, buffer: &mut [u8], at: u64) -> Result<(), FormatError> {
    reader.read_exact(buffer).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof => broken(at, "it ends early"),
        _ => error.into(),
    })
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory.
    pub(crate) fn open(mut reader: R, budget: Budget) -> Result<Self, FormatError> {
        let (entries, begin, length) = directory(&mut reader)?;
        reader.seek(SeekFrom::Start(begin))?;
        let mut arrays = BTreeMap::new();
        let mut records = BufReader::with_capacity(1 << 13, reader.by_ref().take(length));
        let (mut at, mut kept) = (begin, 0_u64);
        for _ in 0..entries {
            let mut record = [0; ENTRY];
            exact(&mut records, &mut record, at)?;
            if !record.starts_with(b"PK\x01\x02") {
                return Err(broken(at, "its directory has fewer entries than announced"));
            }
            let [name, extra, comment] = [28, 30, 32].map(|field| number(&record, field, 2));
            let mut text = vec![0; usize::try_from(name + extra + comment).unwrap_or(0)];
            exact(&mut records, &mut text, at)?;
            let (name, rest) = text.split_at(usize::try_from(name).unwrap_or(0));
            let extra = &rest[..usize::try_from(extra).unwrap_or(0)];
            let here = at;
            at += (ENTRY + text.len()) as u64;
            let Some(name) = name.strip_suffix(b".npy") else { continue };
            kept += KEPT + name.len() as u64;
            if kept > budget.limit.saturating_add(SLACK) {
                return Err(FormatError::new(Fault::TooLarge {
                    needed: u128::from(kept),
                    limit: budget.limit,
                }));
            }
            let member = Member::of(&record, extra, here)?;
            if member.offset.checked_add(member.packed).is_none_or(|end| end > begin) {
                return Err(broken(here, "a member lies beyond the data"));
            }
            if arrays.insert(String::from_utf8_lossy(name).into_owned(), member).is_some() {
                return Err(broken(here, "two members have the same name"));
            }
        }
        if at - begin != length {
            return Err(broken(at, "its directory has more entries than announced"));
        }
        Ok(Archive { reader, arrays, directory: begin })
    }

    /// The names of the arrays, in order.
    pub(crate) fn names(&self) -> impl ExactSizeIterator<Item = &String> {
        self.arrays.keys()
    }

    /// The content of an array that there is, and its length.
    pub(crate) fn array(self, name: &str) -> Result<(impl Read, u64), FormatError> {
        let Archive { mut reader, arrays, directory } = self;
        let Some(&member) = arrays.get(name) else { return Err(FormatError::new(Fault::NoArrays)) };
        drop(arrays);
        let at = member.offset;
        let mut local = [0; LOCAL];
        reader.seek(SeekFrom::Start(at))?;
        exact(&mut reader, &mut local, at)?;
        if !local.starts_with(b"PK\x03\x04") {
            return Err(broken(at, "a member is not where the directory says"));
        }
        if (member.flags | number(&local, 6, 2)) & 0x2041 != 0 {
            return Err(broken(at, "the member is encrypted"));
        }
        let [length, extra] = [26, 28].map(|field| number(&local, field, 2));
        let mut found = vec![0; usize::try_from(length).unwrap_or(0)];
        exact(&mut reader, &mut found, at)?;
        let start = at + LOCAL as u64 + length + extra;
        // Where sizes follow the data, or are in the extension, the header does not have them.
        let follow = number(&local, 6, 2) & 8 != 0;
        let agrees = |field: usize, known: u64| {
            let here = number(&local, field, 4);
            follow || here == known || (field > 14 && here == IN_EXTENSION)
        };
        if found.strip_suffix(b".npy").map(String::from_utf8_lossy).as_deref() != Some(name)
            || number(&local, 8, 2) != member.method
            || !agrees(14, member.crc)
            || !agrees(18, member.packed)
            || !agrees(22, member.size)
        {
            return Err(broken(at, "the header of the member is not what the directory says"));
        }
        if start.checked_add(member.packed).is_none_or(|end| end > directory) {
            return Err(broken(at, "the member runs into the directory"));
        }
        reader.seek(SeekFrom::Start(start))?;
        let packed = BufReader::with_capacity(1 << 15, reader.take(member.packed));
        let content = match member.method {
            0 if member.packed == member.size => Content::Stored(packed),
            0 => return Err(broken(at, "a stored member has two different sizes")),
            8 => Content::Deflated(DeflateDecoder::new(packed)),
            _ => return Err(broken(at, "the member is neither stored nor deflated")),
        };
        let left = member.size;
        Ok((Checked { content, left, crc: Crc::new(), expected: member.crc }, member.size))
    }
}

impl Member {
    /// What an entry of the directory at byte `at` says of a member.
    fn of(record: &[u8; ENTRY], extra: &[u8], at: u64) -> Result<Self, FormatError> {
        let mut long = extension(extra);
        let mut wide = |field| match number(record, field, 4) {
            IN_EXTENSION => match long.split_at_checked(8) {
                Some((number_64, rest)) => {
                    long = rest;
                    Ok(number(number_64, 0, 8))
                }
                None => Err(broken(at, "a size in its directory is missing")),
            },
            number => Ok(number),
        };
        let (size, packed, offset) = (wide(24)?, wide(20)?, wide(42)?);
        let [flags, method] = [8, 10].map(|field| number(record, field, 2));
        Ok(Member { flags, method, crc: number(record, 16, 4), packed, size, offset })
    }
}

/// The numbers of 64 bits among the extra fields of an entry; none if there are none.
fn extension(mut extra: &[u8]) -> &[u8] {
    while let Some((head, rest)) = extra.split_at_checked(4) {
        let length = usize::try_from(number(head, 2, 2)).unwrap_or(usize::MAX);
        let Some((field, rest)) = rest.split_at_checked(length) else { break };
        if number(head, 0, 2) == 1 {
            return field;
        }
        extra = rest;
    }
    &[]
}

/// How many entries the directory has, where it begins, and its length in bytes, all of which fit
/// the file.
fn directory<R: Read + Seek>(reader: &mut R) -> Result<(u64, u64, u64), FormatError> {
    let file = reader.seek(SeekFrom::End(0))?;
    let from = file.saturating_sub((END + 0xFFFF) as u64);
    reader.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    reader.by_ref().take((END + 0xFFFF) as u64).read_to_end(&mut tail)?;
    let starts = (0..(tail.len() + 1).saturating_sub(END)).rev();
    let ends_here = |&start: &usize| {
        let record = &tail[start..];
        record.starts_with(b"PK\x05\x06") && number(record, 20, 2) == (record.len() - END) as u64
    };
    let Some(start) = starts.into_iter().find(ends_here) else {
        return Err(broken(
            file,
            "its end is missing; the file is truncated, or has more behind it",
        ));
    };
    let end = &tail[start..];
    let mut at = from + start as u64;
    let [disk, other, here] = [4, 6, 8].map(|field| number(end, field, 2));
    let mut entries = number(end, 10, 2);
    let [mut length, mut begin] = [12, 16].map(|field| number(end, field, 4));
    let mut is_split = disk != other || here != entries;
    if entries == 0xFFFF || length == IN_EXTENSION || begin == IN_EXTENSION {
        let mut locator = [0; LOCATOR];
        let before = at.checked_sub(LOCATOR as u64);
        reader.seek(SeekFrom::Start(before.unwrap_or(0)))?;
        exact(reader, &mut locator, at)?;
        if before.is_some() && locator.starts_with(b"PK\x06\x07") {
            at = number(&locator, 8, 8);
            if at > file {
                return Err(broken(file, "its end of 64 bits is missing"));
            }
            let mut end = [0; END_64];
            reader.seek(SeekFrom::Start(at))?;
            exact(reader, &mut end, at)?;
            if !end.starts_with(b"PK\x06\x06") {
                return Err(broken(at, "its end of 64 bits is missing"));
            }
            [entries, length, begin] = [32, 40, 48].map(|field| number(&end, field, 8));
            is_split = number(&end, 16, 4) != number(&end, 20, 4) || number(&end, 24, 8) != entries;
        }
    }
    if is_split {
        return Err(broken(at, "it is one of several parts"));
    }
    if begin.checked_add(length).is_none_or(|end| end != at) {
        return Err(broken(at, "its directory is not where its end says"));
    }
    if entries > length / ENTRY as u64 {
        return Err(broken(at, "it announces more members than its directory can hold"));
    }
    Ok((entries, begin, length))
}

/// The content of a member, unpacked.
enum Content<R> {
    Stored(R),
    Deflated(DeflateDecoder<R>),
}

impl<R: io::BufRead> Read for Content<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Stored(content) => content.read(buffer),
            Self::Deflated(content) => content.read(buffer),
        }
    }
}

/// A member's content, no longer than announced; its checksum is compared at the end.
struct Checked<R> {
    content: R,
    left: u64,
    crc: Crc,
    expected: u64,
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let fault = |what| Err(io::Error::other(Fault::Archive { what }));
        let read = self.content.read(buffer).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
                io::Error::other(Fault::Archive { what: "the deflated data is corrupt" })
            }
            io::ErrorKind::UnexpectedEof => {
                io::Error::other(Fault::Archive { what: "the member ends early" })
            }
            _ => error,
        })?;
        self.crc.update(&buffer[..read]);
        match self.left.checked_sub(read as u64) {
            None => return fault("the member is longer than announced"),
            Some(left) => self.left = left,
        }
        if read == 0 && self.left > 0 {
            return fault("the member ends early");
        }
        if read == 0 && u64::from(self.crc.sum()) != self.expected {
            return fault("the checksum of the member is wrong");
        }
        Ok(read)
    }
}
