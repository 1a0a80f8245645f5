//! CSV, TSV and plain text: one row of numbers a line.
//!
//! The separator (comma, semicolon, tab or blanks) is told from the first row; `#` and `%` begin
//! comments; blank lines are skipped. Numbers are read as `float64`, or `complex128` if any of them
//! is complex. The csv crate would not serve: it knows no comments behind data, no blanks as
//! separator, and numbers need no quotes.

use std::io::{BufRead, Write};

use ndarray::{ArrayD, ArrayViewD, IxDyn};
use num_complex::Complex64;

use super::Format;
use super::data::{Data, Element};
use super::error::{Fault, FormatError, excerpt};
use super::lines::Lines;
use super::memory::{Budget, reserve};
use super::number::{Number, parse_number};
use super::sniff::has_banner;

/// Bytes gathered before they are written.
const CHUNK: usize = 1 << 16;

/// What stands between two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Separator {
    Byte(u8),
    Blanks,
}

impl Separator {
    /// The separator of a format the user named, given the first row.
    fn of(format: Option<Format>, row: &[u8]) -> Self {
        match format {
            Some(Format::Csv) if row.contains(&b';') && !row.contains(&b',') => Self::Byte(b';'),
            Some(Format::Csv) => Self::Byte(b','),
            Some(Format::Tsv) => Self::Byte(b'\t'),
            Some(_) => Self::Blanks,
            None => [b';', b',', b'\t']
                .into_iter()
                .find(|byte| row.trim_ascii().contains(byte))
                .map_or(Self::Blanks, Self::Byte),
        }
    }

    fn split(self, row: &[u8]) -> impl Iterator<Item = &[u8]> {
        let is_between = move |byte: &u8| match self {
            Self::Byte(separator) => *byte == separator,
            Self::Blanks => byte.is_ascii_whitespace(),
        };
        row.split(is_between)
            .map(<[u8]>::trim_ascii)
            .filter(move |field| self != Self::Blanks || !field.is_empty())
    }
}

/// The numbers read so far.
enum Numbers {
    Real(Vec<f64>),
    Complex(Vec<Complex64>),
}

impl Numbers {
    fn len(&self) -> usize {
        match self {
            Self::Real(numbers) => numbers.len(),
            Self::Complex(numbers) => numbers.len(),
        }
    }

    /// Adds a number; the first complex one turns all of them complex.
    fn push(&mut self, number: Number, budget: Budget) -> Result<(), FormatError> {
        match (&mut *self, number) {
            (Self::Real(numbers), Number::Real(x)) => grow(numbers, x, budget),
            (Self::Complex(numbers), Number::Real(x)) => grow(numbers, x.into(), budget),
            (Self::Complex(numbers), Number::Complex(z)) => grow(numbers, z, budget),
            (Self::Real(numbers), Number::Complex(z)) => {
                let mut complex = budget.vec(&[numbers.len() as u64 + 1])?;
                complex.extend(numbers.iter().map(|&x| Complex64::from(x)));
                complex.push(z);
                *self = Self::Complex(complex);
                Ok(())
            }
        }
    }
}

/// Appends within the budget.
fn grow<T>(numbers: &mut Vec<T>, number: T, budget: Budget) -> Result<(), FormatError> {
    if numbers.len() == numbers.capacity() {
        let left = budget.limit.saturating_sub(budget.held);
        let most = usize::try_from(left).unwrap_or(usize::MAX) / size_of::<T>();
        let room = most.saturating_sub(numbers.len()).min(numbers.len().max(64));
        if room == 0 {
            return Err(FormatError::new(Fault::OverLimit { limit: budget.limit }));
        }
        reserve(numbers, room)?;
    }
    numbers.push(number);
    Ok(())
}

/// Reads rows of numbers; `format` is the user's choice of separator, `None` to tell it from the
/// first row.
pub(crate) fn read(
    reader: &mut dyn BufRead,
    format: Option<Format>,
    budget: Budget,
) -> Result<Data, FormatError> {
    let mut lines = Lines::new(reader, budget.limit);
    read_rows(&mut lines, format, budget).map_err(|error| error.placed(lines.place()))
}

fn read_rows(
    lines: &mut Lines<'_>,
    format: Option<Format>,
    budget: Budget,
) -> Result<Data, FormatError> {
    let mut numbers = Numbers::Real(Vec::new());
    let mut first: Option<(Separator, usize)> = None;
    let wanted =
        |line: &[u8]| has_banner(line.trim_ascii()) || !row_of(line).trim_ascii().is_empty();
    while lines.skip_until(wanted)? {
        if has_banner(lines.current().trim_ascii()) {
            // Taken for a comment, it would let the size line pass for a row.
            return Err(FormatError::new(Fault::Syntax {
                expected: "a Matrix Market banner at the very beginning of the file, or none",
                found: excerpt(lines.current()),
            }));
        }
        // The numbers of a line are beside its text.
        let budget = Budget { held: budget.held + lines.held(), ..budget };
        let row = row_of(lines.current());
        let separator =
            first.map_or_else(|| Separator::of(format, row), |(separator, _)| separator);
        let before = numbers.len();
        for (position, field) in separator.split(row).enumerate() {
            let Some(number) = parse_number(field) else {
                return Err(FormatError::new(not_a_number(
                    row,
                    separator,
                    first.is_none(),
                    position,
                )));
            };
            numbers.push(number, budget)?;
        }
        let found = numbers.len() - before;
        let (_, expected) = *first.get_or_insert((separator, found));
        if found != expected {
            return Err(FormatError::new(Fault::Ragged { found, expected }));
        }
    }
    let Some((_, columns)) = first else {
        return Err(FormatError::new(Fault::Empty));
    };
    let shape = IxDyn(&[numbers.len() / columns, columns]);
    let data = match numbers {
        Numbers::Real(numbers) => ArrayD::from_shape_vec(shape, numbers).map(Data::F64),
        Numbers::Complex(numbers) => ArrayD::from_shape_vec(shape, numbers).map(Data::Complex64),
    };
    data.map_err(|_| FormatError::new(Fault::Empty))
}

/// What is left of a line without its comment. Tabs at its ends stay: they may be
/// separators.
fn row_of(line: &[u8]) -> &[u8] {
    let end = line.iter().position(|byte| matches!(byte, b'#' | b'%')).unwrap_or(line.len());
    &line[..end]
}

/// The fault of a field that is no number; a header row if it is the first row and nothing in it is
/// one.
fn not_a_number(row: &[u8], separator: Separator, is_first: bool, position: usize) -> Fault {
    let field = separator.split(row).nth(position).unwrap_or_default();
    if is_first
        && separator.split(row).all(|field| !field.is_empty() && parse_number(field).is_none())
    {
        return Fault::HeaderRow { first: excerpt(field) };
    }
    Fault::NotANumber {
        field: position + 1,
        found: excerpt(field),
        expected: "a number like 1.5, -2e-3, nan or 1+2j",
    }
}

/// Writes a matrix, `separator` between the numbers of a row.
pub(crate) fn write<T: Element>(
    array: &ArrayViewD<'_, T>,
    format: Format,
    separator: char,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let shape = array.shape().to_vec();
    if shape.len() != 2 {
        return Err(FormatError::new(Fault::NotAMatrix { format, shape }));
    }
    if array.is_empty() {
        return Err(FormatError::new(Fault::NoElements { format, shape }));
    }
    let mut text = String::new();
    for row in array.rows() {
        for (j, &element) in row.iter().enumerate() {
            if j > 0 {
                text.push(separator);
            }
            element.push_text(&mut text);
            if text.len() >= CHUNK {
                out.write_all(text.as_bytes())?;
                text.clear();
            }
        }
        text.push('\n');
    }
    out.write_all(text.as_bytes())?;
    Ok(())
}
