//! What a file is, told by its first bytes; and gzip, which any format may wear.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

use super::Format;
use super::error::{Fault, FormatError, Place};

/// Bytes granted beyond the memory limit, for headers and banners that are read but not kept.
pub(crate) const SLACK: u64 = 1 << 16;

/// What a gzip stream begins with.
pub(crate) const GZIP: &[u8] = b"\x1f\x8b";

/// The byte order mark some editors put before text.
pub(crate) const BOM: &[u8] = b"\xef\xbb\xbf";

/// What a Matrix Market file begins with.
const BANNER: &[u8] = b"%%MatrixMarket";

/// Whether these bytes begin with Matrix Market's first word, in any case.
pub(crate) fn has_banner(bytes: &[u8]) -> bool {
    bytes
        .get(..BANNER.len())
        .is_some_and(|word| word.eq_ignore_ascii_case(BANNER))
}

/// Enough first bytes to tell every format.
const HEAD: usize = 64;

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    Npy,
    Zip,
    MatrixMarket,
    Text,
}

impl Content {
    /// Tells the content; what is nothing else is text, unless it has bytes that no text has.
    pub(crate) fn of(head: &[u8]) -> Result<Self, FormatError> {
        if head.starts_with(b"\x93NUMPY") {
            Ok(Self::Npy)
        } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
            Ok(Self::Zip)
        } else if has_banner(head) {
            Ok(Self::MatrixMarket)
        } else if head.iter().any(|&byte| byte < b'\t') {
            let found = head
                .iter()
                .take(8)
                .map(|byte| format!("{byte:02x}"))
                .collect::<Vec<_>>()
                .join(" ");
            Err(FormatError::at(
                Place::Byte(0),
                Fault::UnknownContent { found },
            ))
        } else {
            Ok(Self::Text)
        }
    }

    /// The format to read it as.
    pub(crate) fn format(self) -> Format {
        match self {
            Self::Npy => Format::Npy,
            Self::Zip => Format::Npz,
            Self::MatrixMarket => Format::MatrixMarket,
            Self::Text => Format::Text,
        }
    }
}

/// The first bytes of a stream, and the stream with them put back.
pub(crate) fn peek<'r>(
    mut reader: impl BufRead + 'r,
) -> io::Result<(Vec<u8>, Box<dyn BufRead + 'r>)> {
    let mut head = Vec::with_capacity(HEAD);
    reader.by_ref().take(HEAD as u64).read_to_end(&mut head)?;
    let whole = Cursor::new(head.clone()).chain(reader);
    Ok((head, Box::new(whole)))
}

/// The content of a gzip stream, of which no more than the limit is ever decompressed.
pub(crate) fn gunzip<'r>(reader: Box<dyn BufRead + 'r>, limit: u64) -> impl BufRead + 'r {
    let left = limit.saturating_add(SLACK);
    BufReader::with_capacity(
        1 << 16,
        Gunzip {
            inner: MultiGzDecoder::new(reader),
            left,
            limit,
        },
    )
}

struct Gunzip<R> {
    inner: MultiGzDecoder<R>,
    left: u64,
    limit: u64,
}

impl<R: BufRead> Read for Gunzip<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self
            .inner
            .read(buffer)
            .map_err(|source| match source.kind() {
                io::ErrorKind::UnexpectedEof
                | io::ErrorKind::InvalidInput
                | io::ErrorKind::InvalidData => io::Error::other(Fault::Gzip { source }),
                _ => source,
            })?;
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::other(Fault::OverLimit { limit: self.limit }))?;
        Ok(read)
    }
}
