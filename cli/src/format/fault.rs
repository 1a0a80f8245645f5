//! The faults a file can have, each with its numbers, and the messages that show them.

use std::io;

use thiserror::Error;

use super::Format;
use crate::talk::visible::visible;

/// The first of some names, in one line.
fn listed(names: &[String]) -> String {
    const NAMED: usize = 20;
    let shown: Vec<_> = names.iter().take(NAMED).map(|name| visible(name)).collect();
    let more = match names.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", shown.join(", "))
}

/// What is wrong with a file; the messages say what was found, what was expected and what to do.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Fault {
    /// The operating system refused.
    #[error("{source}")]
    Io {
        /// Its answer.
        source: io::Error,
    },
    /// The matrix needs more memory than allowed.
    #[error(
        "needs {needed} bytes of memory, the limit is {limit} bytes; raise the limit or use a smaller element type"
    )]
    TooLarge {
        /// Bytes the file announces; `u128` since headers can promise more than a `u64` counts.
        needed: u128,
        /// Bytes allowed.
        limit: u64,
    },
    /// The content is larger than the limit, and how much larger is unknown without reading on.
    #[error("holds more than {limit} bytes, which is the memory limit; raise the limit")]
    OverLimit {
        /// Bytes allowed.
        limit: u64,
    },
    /// The memory is within the limit, yet the system does not give it.
    #[error(
        "the system cannot give the {needed} bytes of memory this matrix needs; close other programs or use a larger machine"
    )]
    OutOfMemory {
        /// Bytes asked for.
        needed: u128,
    },
    /// The shape cannot be an array on any machine.
    #[error("shape {shape:?} has more elements than memory can address")]
    ShapeOverflow {
        /// The announced shape.
        shape: Vec<u64>,
    },
    /// The content is not what the format asks for at this place.
    #[error("expected {expected}, found {found}")]
    Syntax {
        /// What the format asks for.
        expected: &'static str,
        /// What is there.
        found: String,
    },
    /// The bytes are neither text nor a known binary format.
    #[error(
        "neither text nor a known binary format (found {found}); known are npy, npz, Matrix Market, CSV, TSV and text, each plain or gzipped"
    )]
    UnknownContent {
        /// The bytes in question.
        found: String,
    },
    /// The file holds nothing to read.
    #[error("no numbers found; expected at least one row of numbers")]
    Empty,
    /// A gzip stream that does not decompress.
    #[error("the gzip data is corrupt or cut short ({source}); copy the file again")]
    Gzip {
        /// The decompressor's reason.
        source: io::Error,
    },
    /// A gzip stream inside a gzip stream.
    #[error("gzipped twice; decompress it once with gunzip")]
    GzipTwice,
    /// The content ends before what its header promises.
    #[error("the data ends early: found {found} bytes, expected {expected}; the file is truncated")]
    Truncated {
        /// Bytes present.
        found: u64,
        /// Bytes promised.
        expected: u64,
    },
    /// The content goes on behind what its header promises.
    #[error(
        "more bytes follow the {expected} bytes of data that the header announces; remove them, or mend the shape in the header"
    )]
    ExtraBytes {
        /// Bytes promised.
        expected: u64,
    },
    /// An npy version from the future.
    #[error(
        "npy format version {major}.{minor} is unknown; known are 1.0, 2.0 and 3.0; save the array again with numpy.save"
    )]
    NpyVersion {
        /// The major version found.
        major: u8,
        /// The minor version found.
        minor: u8,
    },
    /// An npy header longer than any sensible one.
    #[error(
        "the header announces {found} bytes for itself, at most {limit} are read; save the array again with numpy.save"
    )]
    HeaderLength {
        /// Bytes announced.
        found: u64,
        /// Bytes accepted.
        limit: u64,
    },
    /// An npy element type that is no number this tool knows.
    #[error("element type '{descr}' ({what}) cannot be read; {advice}")]
    ElementType {
        /// The type as the header spells it.
        descr: String,
        /// The type in words.
        what: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// More axes than numpy itself allows.
    #[error("{found} axes, at most {limit} are allowed")]
    TooManyAxes {
        /// Axes announced.
        found: usize,
        /// Axes allowed.
        limit: usize,
    },
    /// A boolean byte that is neither 0 nor 1.
    #[error("a boolean is stored as 0 or 1, found {found}")]
    NotABoolean {
        /// The byte.
        found: u8,
    },
    /// The zip container is broken or uses what is not supported.
    #[error("not a readable npz archive: {what}; save it again with numpy.savez")]
    Archive {
        /// What is wrong with it.
        what: &'static str,
    },
    /// An archive that cannot be written.
    #[error("the npz archive cannot be written: {source}")]
    Zip {
        /// The zip library's reason.
        source: zip::result::ZipError,
    },
    /// An npz archive without arrays.
    #[error("the archive holds no arrays (no members named *.npy)")]
    NoArrays,
    /// An npz archive with several arrays, none of which was chosen.
    #[error("the archive holds {} arrays; choose one with --key: {}", names.len(), listed(names))]
    KeyNeeded {
        /// The names to choose from.
        names: Vec<String>,
    },
    /// An npz archive without the chosen array.
    #[error("the archive holds no array named {key:?}; it holds: {}", listed(names))]
    UnknownKey {
        /// The name asked for.
        key: String,
        /// The names to choose from.
        names: Vec<String>,
    },
    /// A name for an npz member that a zip archive cannot carry.
    #[error("{key:?} cannot name an array in an npz file; use letters, digits and underscores")]
    BadKey {
        /// The name asked for.
        key: String,
    },
    /// `--key` for a file that is not an archive.
    #[error("--key {key:?} applies to npz archives only, and this is not one; leave it out")]
    KeyWithoutArchive {
        /// The name asked for.
        key: String,
    },
    /// A field that is no number.
    #[error("field {field} is {found:?}, expected {expected}")]
    NotANumber {
        /// The field in its row, counted from 1.
        field: usize,
        /// The field as found.
        found: String,
        /// The kind of number expected.
        expected: &'static str,
    },
    /// An integer outside the range of the element type.
    #[error("field {field} is {found}, outside the range of {expected}; declare the field as real")]
    IntegerRange {
        /// The field in its row, counted from 1.
        field: usize,
        /// The integer as found.
        found: String,
        /// The element type, in numpy's words.
        expected: &'static str,
    },
    /// The sum of the entries given for one place exceeds the element type.
    #[error(
        "the entries for row {row}, column {column} add up to more than {expected} holds; declare the field as real"
    )]
    IntegerOverflow {
        /// The row, counted from 1.
        row: u64,
        /// The column, counted from 1.
        column: u64,
        /// The element type, in numpy's words.
        expected: &'static str,
    },
    /// A first row of words.
    #[error(
        "the first row holds words ({first:?}), not numbers: a header row; remove it, as with tail -n +2"
    )]
    HeaderRow {
        /// The first word.
        first: String,
    },
    /// A row whose length differs from the first one's.
    #[error("row of length {found}, expected {expected} as in the first row")]
    Ragged {
        /// Numbers in this row.
        found: usize,
        /// Numbers in the first row.
        expected: usize,
    },
    /// A line with the wrong number of fields.
    #[error("fields in this line: {found}, expected {expected} ({fields})")]
    FieldCount {
        /// Fields found.
        found: usize,
        /// Fields expected.
        expected: usize,
        /// What they are.
        fields: &'static str,
    },
    /// A Matrix Market banner that is not one.
    #[error("banner word {word} is {found:?}, expected {expected}")]
    Banner {
        /// The word in the banner, counted from 1.
        word: usize,
        /// The word as found, empty if absent.
        found: String,
        /// The words possible there.
        expected: &'static str,
    },
    /// Banner words that exclude each other.
    #[error("a Matrix Market file cannot be {first} and {second}; {advice}")]
    BannerConflict {
        /// One word.
        first: &'static str,
        /// The other.
        second: &'static str,
        /// What to do.
        advice: &'static str,
    },
    /// A symmetry that only square matrices have, on one that is not square.
    #[error(
        "declared {symmetry}, which needs a square matrix, found {rows}x{columns}; declare it general"
    )]
    NotSquare {
        /// The declared symmetry.
        symmetry: &'static str,
        /// Rows announced.
        rows: u64,
        /// Columns announced.
        columns: u64,
    },
    /// An index outside the matrix.
    #[error("{axis} {found} is outside 1..={extent}")]
    IndexRange {
        /// `row` or `column`.
        axis: &'static str,
        /// The index, counted from 1.
        found: u64,
        /// The number of rows or columns.
        extent: u64,
    },
    /// More or fewer entries than announced.
    #[error("entries: {found}, expected {expected} as the size line announces")]
    EntryCount {
        /// Entries found; one more than expected when reading stopped at the surplus.
        found: u64,
        /// Entries announced.
        expected: u64,
    },
    /// An entry above the diagonal of a file that stores the lower triangle.
    #[error(
        "entry ({row}, {column}) is above the diagonal, but a {symmetry} file stores the lower triangle only; swap the indices or declare it general"
    )]
    UpperEntry {
        /// The row, counted from 1.
        row: u64,
        /// The column, counted from 1.
        column: u64,
        /// The declared symmetry.
        symmetry: &'static str,
    },
    /// A diagonal entry that the symmetry forbids.
    #[error(
        "diagonal entry ({index}, {index}) is {found}, but the diagonal of a {symmetry} matrix {rule}; mend it or declare the matrix general"
    )]
    Diagonal {
        /// The row and column, counted from 1.
        index: u64,
        /// The entry as found.
        found: String,
        /// The declared symmetry.
        symmetry: &'static str,
        /// What the symmetry asks for.
        rule: &'static str,
    },
    /// A matrix to be written as symmetric that is not.
    #[error(
        "entries ({row}, {column}) and ({column}, {row}) do not make the matrix {symmetry}; write it as general"
    )]
    NotSymmetric {
        /// The row, counted from 1.
        row: usize,
        /// The column, counted from 1.
        column: usize,
        /// The symmetry asked for.
        symmetry: &'static str,
    },
    /// An array that is not a single matrix, for a format that holds nothing else.
    #[error(
        "{format} holds one matrix with 2 axes, found shape {shape:?}; write .npy or .npz instead"
    )]
    NotAMatrix {
        /// The format asked for.
        format: Format,
        /// The array's shape.
        shape: Vec<usize>,
    },
    /// A matrix without elements, which text cannot tell from an empty file.
    #[error(
        "{format} cannot hold a matrix without elements, found shape {shape:?}; write .npy, .npz or .mtx instead"
    )]
    NoElements {
        /// The format asked for.
        format: Format,
        /// The array's shape.
        shape: Vec<usize>,
    },
    /// An output name that tells no format.
    #[error(
        "cannot tell the format from the extension {extension:?}; known are .npy .npz .mtx .csv .tsv .txt .dat, each also with .gz; or give --format"
    )]
    UnknownExtension {
        /// The extension, empty if there is none.
        extension: String,
    },
    /// The output exists and may not be replaced.
    #[error("exists already; give --force to replace it, or another name")]
    Exists,
    /// The output is a directory.
    #[error("is a directory; give the name of a file")]
    IsDirectory,
    /// The output is a symbolic link to nothing.
    #[error(
        "is a symbolic link whose target cannot be found ({source}); remove the link or give another name"
    )]
    BrokenLink {
        /// The system's answer.
        source: io::Error,
    },
}
