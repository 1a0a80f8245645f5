//! Matrices in files: npy, npz, Matrix Market, CSV, TSV and text, each also gzipped.
//!
//! [`read`] tells the format from the content and returns a [`Data`]; [`write()`] puts one into any
//! format, and [`save_atomically`] into a file that appears whole or not at all. Every error names
//! file, place and remedy.

mod archive;
mod data;
mod error;
mod fault;
mod lines;
mod matrix_market;
mod memory;
pub mod npy;
mod npz;
mod number;
mod save;
mod sniff;
mod text;

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read, Seek, Write};
use std::path::Path;

use flate2::Compression as Level;
use flate2::write::GzEncoder;
use ndarray::ArrayViewD;

pub use data::{Data, Element, ElementType, ElementVisitor, Endian};
pub use error::{Fault, FormatError, Place};
#[cfg(unix)]
pub(crate) use save::mode_beside;
pub use save::{Existing, check_target, remove_unfinished, save_atomically};
pub(crate) use save::{Staged, regular_target};

use crate::with_array;
use memory::Budget;
pub(crate) use sniff::SLACK;
use sniff::{Content, gunzip, peek};

/// A file format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// numpy's single array.
    Npy,
    /// numpy's archive of arrays.
    Npz,
    /// Matrix Market.
    MatrixMarket,
    /// Numbers separated by commas (read: or semicolons).
    Csv,
    /// Numbers separated by tabs.
    Tsv,
    /// Numbers separated by blanks.
    Text,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 6] =
        [Self::Npy, Self::Npz, Self::MatrixMarket, Self::Csv, Self::Tsv, Self::Text];

    /// The word for it on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Npy => "npy",
            Self::Npz => "npz",
            Self::MatrixMarket => "mtx",
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Text => "text",
        }
    }

    /// The format a file name's extension stands for.
    fn of_extension(extension: &str) -> Option<Self> {
        match extension.to_ascii_lowercase().as_str() {
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "mtx" => Some(Self::MatrixMarket),
            "csv" => Some(Self::Csv),
            "tsv" => Some(Self::Tsv),
            "txt" | "dat" => Some(Self::Text),
            _ => None,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How to read.
#[derive(Debug, Clone)]
pub struct ReadOptions {
    /// The format, told from the content if `None`.
    pub format: Option<Format>,
    /// The array to take from an npz archive; needed where it holds several.
    pub key: Option<String>,
    /// Most bytes the matrix may take in memory. Compressed content may not decompress to more than
    /// this (and 64 KiB) either.
    pub memory_limit: u64,
}

impl ReadOptions {
    /// Any format, the only array, at most `memory_limit` bytes.
    pub fn new(memory_limit: u64) -> Self {
        Self { format: None, key: None, memory_limit }
    }
}

/// Reads a matrix from a file, or from standard input if the path is `-`.
///
/// # Errors
///
/// [`FormatError`] bearing the file's name, for whatever cannot be read or exceeds the memory
/// limit.
pub fn read(path: &Path, options: &ReadOptions) -> Result<Data, FormatError> {
    if path == Path::new("-") {
        return read_from(io::stdin().lock(), "standard input", options);
    }
    let name = path.to_string_lossy();
    read_file(path, &name, options).map_err(|error| error.named(&name))
}

fn read_file(path: &Path, name: &str, options: &ReadOptions) -> Result<Data, FormatError> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        return Err(FormatError::new(Fault::IsDirectory));
    }
    if metadata.is_file() {
        let mut head = Vec::new();
        Read::by_ref(&mut file).take(4).read_to_end(&mut head)?;
        file.rewind()?;
        let is_zip =
            !head.is_empty() && Content::of(&head).is_ok_and(|content| content == Content::Zip);
        if is_zip && options.format.is_none_or(|format| format == Format::Npz) {
            let budget = Budget { limit: options.memory_limit, held: 0 };
            return npz::read(BufReader::new(file), name, options.key.as_deref(), budget);
        }
    }
    read_from(BufReader::with_capacity(1 << 16, file), name, options)
}

/// The format that a file will be read as. Text is told apart by its name.
///
/// # Errors
///
/// As [`read`], as far as the first bytes show it.
pub fn detect(path: &Path) -> Result<Format, FormatError> {
    detect_file(path).map_err(|error| error.named(&path.to_string_lossy()))
}

fn detect_file(path: &Path) -> Result<Format, FormatError> {
    let file = File::open(path)?;
    if file.metadata()?.is_dir() {
        return Err(FormatError::new(Fault::IsDirectory));
    }
    let (mut head, reader) = peek(BufReader::new(file))?;
    if head.starts_with(sniff::GZIP) {
        head = peek(gunzip(reader, SLACK))?.0;
    }
    let content = head.strip_prefix(sniff::BOM).unwrap_or(&head);
    let format = Content::of(content)?.format();
    let named = WriteOptions::for_path(path).ok().map(|options| options.format);
    Ok(match (format, named) {
        (Format::Text, Some(named @ (Format::Csv | Format::Tsv))) => named,
        _ => format,
    })
}

/// Reads a matrix from a stream; `name` is for messages.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(
    reader: impl BufRead,
    name: &str,
    options: &ReadOptions,
) -> Result<Data, FormatError> {
    read_stream(reader, name, options).map_err(|error| error.named(name))
}

fn read_stream(
    reader: impl BufRead,
    name: &str,
    options: &ReadOptions,
) -> Result<Data, FormatError> {
    let (head, reader) = peek(reader)?;
    if !head.starts_with(sniff::GZIP) {
        return read_plain(&head, reader, name, options);
    }
    let (head, reader) = peek(gunzip(reader, options.memory_limit))?;
    if head.starts_with(sniff::GZIP) {
        return Err(FormatError::new(Fault::GzipTwice));
    }
    read_plain(&head, reader, name, options)
}

fn read_plain(
    head: &[u8],
    mut reader: Box<dyn BufRead + '_>,
    name: &str,
    options: &ReadOptions,
) -> Result<Data, FormatError> {
    let budget = Budget { limit: options.memory_limit, held: 0 };
    let head = match head.strip_prefix(sniff::BOM) {
        Some(head) => {
            reader.read_exact(&mut [0; sniff::BOM.len()])?;
            head
        }
        None => head,
    };
    let format = match options.format {
        Some(format) => format,
        None => Content::of(head)?.format(),
    };
    if let (Some(key), true) = (&options.key, format != Format::Npz) {
        return Err(FormatError::new(Fault::KeyWithoutArchive { key: key.clone() }));
    }
    match format {
        Format::Npy => npy::read(&mut reader, budget),
        Format::Npz => {
            // A zip archive is read from its end, which a stream does not have yet.
            let most = budget.limit.saturating_add(SLACK);
            let mut archive = Vec::new();
            if reader.by_ref().take(most).read_to_end(&mut archive)? as u64 == most {
                return Err(FormatError::new(Fault::OverLimit { limit: budget.limit }));
            }
            let held = (archive.len() as u64).saturating_sub(SLACK);
            let budget = Budget { held, ..budget };
            npz::read(Cursor::new(archive), name, options.key.as_deref(), budget)
        }
        Format::MatrixMarket => matrix_market::read(&mut reader, budget),
        Format::Csv | Format::Tsv | Format::Text => text::read(&mut reader, options.format, budget),
    }
}

/// Whether the output is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// It is not.
    None,
    /// By gzip.
    Gzip,
}

/// The symmetry a Matrix Market output declares; other formats know none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Symmetry {
    /// None: every entry is written.
    General,
    /// Equal to its transpose: the lower triangle is written.
    Symmetric,
    /// Equal to its conjugate transpose: the lower triangle is written, as `symmetric` if it is
    /// real.
    Hermitian,
}

/// How to write.
#[derive(Debug, Clone)]
pub struct WriteOptions {
    /// The format.
    pub format: Format,
    /// The compression around it.
    pub compression: Compression,
    /// The name of the array in an npz archive.
    pub key: String,
    /// The symmetry that a Matrix Market file declares.
    pub symmetry: Symmetry,
}

impl WriteOptions {
    /// The format, uncompressed; the array named `inverse`; no symmetry declared.
    pub fn new(format: Format) -> Self {
        Self {
            format,
            compression: Compression::None,
            key: "inverse".to_owned(),
            symmetry: Symmetry::General,
        }
    }

    /// What the extension of an output's name asks for: `.npy`, `.npz`, `.mtx`, `.csv`, `.tsv`,
    /// `.txt` or `.dat`, each also followed by `.gz`.
    ///
    /// # Errors
    ///
    /// [`Fault::UnknownExtension`].
    pub fn for_path(path: &Path) -> Result<Self, FormatError> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let (stem, compression) = match name.rsplit_once('.') {
            Some((stem, gz)) if gz.eq_ignore_ascii_case("gz") => (stem, Compression::Gzip),
            _ => (&*name, Compression::None),
        };
        let format =
            stem.rsplit_once('.').and_then(|(_, extension)| Format::of_extension(extension));
        let Some(format) = format else {
            let extension = match name.find('.') {
                Some(_) => {
                    Path::new(&*name).extension().unwrap_or_default().to_string_lossy().into_owned()
                }
                None => String::new(),
            };
            let error = FormatError::new(Fault::UnknownExtension { extension });
            return Err(error.named(&path.to_string_lossy()));
        };
        Ok(Self { compression, ..Self::new(format) })
    }
}

/// Writes an array of any type.
///
/// # Errors
///
/// As [`write_array`].
pub fn write(data: &Data, out: &mut dyn Write, options: &WriteOptions) -> Result<(), FormatError> {
    with_array!(data, array => write_array(&array.view(), out, options))
}

/// Writes an array: npy in version 1.0, little endian, Fortran order kept; text as the shortest
/// decimals that read back equal.
///
/// # Errors
///
/// [`Fault::NotAMatrix`] or [`Fault::NoElements`] where the format holds no such array,
/// [`Fault::NotSymmetric`] or [`Fault::NotSquare`] where the matrix has not the symmetry asked for,
/// [`Fault::BadKey`], [`Fault::TooManyAxes`], and [`Fault::Io`]. `out` may then hold a part of the
/// file.
pub fn write_array<T: Element>(
    array: &ArrayViewD<'_, T>,
    out: &mut dyn Write,
    options: &WriteOptions,
) -> Result<(), FormatError> {
    match options.compression {
        Compression::None => write_plain(array, out, options),
        Compression::Gzip => {
            let mut encoder = GzEncoder::new(out, Level::default());
            write_plain(array, &mut encoder, options)?;
            encoder.finish()?;
            Ok(())
        }
    }
}

fn write_plain<T: Element>(
    array: &ArrayViewD<'_, T>,
    out: &mut dyn Write,
    options: &WriteOptions,
) -> Result<(), FormatError> {
    let format = options.format;
    match format {
        Format::Npy => npy::write(array, out),
        Format::Npz => npz::write(array, &options.key, out),
        Format::MatrixMarket => matrix_market::write(array, options.symmetry, out),
        Format::Csv => text::write(array, format, ',', out),
        Format::Tsv => text::write(array, format, '\t', out),
        Format::Text => text::write(array, format, ' ', out),
    }
}
