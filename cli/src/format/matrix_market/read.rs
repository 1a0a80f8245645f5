//! The entries, into a dense matrix.

use std::io::BufRead;

use ndarray::{ArrayD, IxDyn, ShapeBuilder};
use num_complex::Complex64;

use super::super::data::Data;
use super::super::error::{Fault, FormatError, Place};
use super::super::lines::Lines;
use super::super::memory::Budget;
use super::banner::{Banner, Field, Layout, Symmetry};
use super::entry::Entry;

/// Reads a Matrix Market file.
pub(crate) fn read(reader: &mut dyn BufRead, budget: Budget) -> Result<Data, FormatError> {
    let mut lines = Lines::new(reader, budget.limit);
    let banner = Banner::parse(lines.next()?.unwrap_or_default())
        .map_err(|error| error.placed(Place::Line(1)))?;
    let mut file = File {
        lines,
        banner,
        budget,
    };
    let data = match banner.field {
        Field::Real | Field::Pattern => file.matrix::<f64>(),
        Field::Integer => file.matrix::<i64>(),
        Field::Unsigned => file.matrix::<u64>(),
        Field::Complex => file.matrix::<Complex64>(),
    };
    data.map_err(|error| error.placed(file.lines.place()))
}

/// The file behind its banner.
struct File<'r> {
    lines: Lines<'r>,
    banner: Banner,
    budget: Budget,
}

/// A matrix being filled; `rows` by `columns`, column after column.
struct Dense<T> {
    elements: Vec<T>,
    rows: usize,
    columns: usize,
}

impl<T: Entry> Dense<T> {
    /// Adds to an entry, counted from 0.
    fn add(&mut self, row: usize, column: usize, value: T) -> Result<(), Fault> {
        let element = &mut self.elements[row + column * self.rows];
        if *element == T::ZERO {
            // Added to 0, a lone -0 would lose its sign.
            *element = value;
            return Ok(());
        }
        *element = element.plus(value).ok_or(Fault::IntegerOverflow {
            row: row as u64 + 1,
            column: column as u64 + 1,
            expected: T::NAME,
        })?;
        Ok(())
    }

    /// Adds an entry and its mirror image. `row` is at or below the diagonal unless the matrix is
    /// general.
    fn place(
        &mut self,
        row: usize,
        column: usize,
        value: T,
        symmetry: Symmetry,
    ) -> Result<(), Fault> {
        self.add(row, column, value)?;
        let mirrored = match symmetry {
            _ if row == column => {
                if symmetry == Symmetry::Hermitian && !value.is_real() {
                    let mut found = String::new();
                    value.push_text(&mut found);
                    return Err(diagonal(row, found, symmetry));
                }
                return Ok(());
            }
            Symmetry::General => return Ok(()),
            Symmetry::Symmetric => Some(value),
            Symmetry::Hermitian => Some(value.conjugate()),
            Symmetry::SkewSymmetric => value.negated(),
        };
        let (row, column) = (column, row);
        let overflow = || Fault::IntegerOverflow {
            row: row as u64 + 1,
            column: column as u64 + 1,
            expected: T::NAME,
        };
        self.add(row, column, mirrored.ok_or_else(overflow)?)
    }
}

/// The fault of a diagonal entry, counted from 0, that its symmetry forbids.
fn diagonal(index: usize, found: String, symmetry: Symmetry) -> Fault {
    let rule = match symmetry {
        Symmetry::SkewSymmetric => "is zero and not stored",
        _ => "is real",
    };
    Fault::Diagonal {
        index: index as u64 + 1,
        found,
        symmetry: symmetry.word(),
        rule,
    }
}

impl File<'_> {
    fn matrix<T: Entry>(&mut self) -> Result<Data, FormatError> {
        let (shape, entries) = self.size()?;
        let count = self.budget.elements(&shape, size_of::<T>())?;
        let extent = |length| usize::try_from(length).unwrap_or(usize::MAX);
        let [rows, columns] = shape.map(extent);
        let mut dense = Dense {
            elements: self.budget.vec(&shape)?,
            rows,
            columns,
        };
        dense.elements.resize(count, T::ZERO);
        match self.banner.layout {
            Layout::Array => self.array(&mut dense)?,
            Layout::Coordinate => self.coordinate(&mut dense, entries)?,
        }
        ArrayD::from_shape_vec(IxDyn(&[rows, columns]).f(), dense.elements)
            .map(T::wrap)
            .map_err(|_| {
                FormatError::new(Fault::ShapeOverflow {
                    shape: shape.to_vec(),
                })
            })
    }

    /// The size line: rows and columns, and for coordinates the number of entries.
    fn size(&mut self) -> Result<([u64; 2], u64), FormatError> {
        const FIELDS: [&str; 2] = ["rows, columns", "rows, columns, number of entries"];
        let expected = 2 + usize::from(self.banner.layout == Layout::Coordinate);
        let mut fields = [&[][..]; 3];
        let found = next_fields(&mut self.lines, &mut fields)?;
        let Some(found) = found else {
            let found = "the end of the file".to_owned();
            return Err(FormatError::new(Fault::Syntax {
                expected: "a size line",
                found,
            }));
        };
        if found != expected {
            return Err(FormatError::new(Fault::FieldCount {
                found,
                expected,
                fields: FIELDS[expected - 2],
            }));
        }
        let mut sizes = [0; 3];
        for (position, (size, field)) in sizes.iter_mut().zip(&fields[..expected]).enumerate() {
            *size = u64::parse(&[field], position + 1).map_err(FormatError::new)?;
        }
        let [rows, columns, entries] = sizes;
        if self.banner.symmetry != Symmetry::General && rows != columns {
            let symmetry = self.banner.symmetry.word();
            return Err(FormatError::new(Fault::NotSquare {
                symmetry,
                rows,
                columns,
            }));
        }
        Ok(([rows, columns], entries))
    }

    fn array<T: Entry>(&mut self, dense: &mut Dense<T>) -> Result<(), FormatError> {
        let symmetry = self.banner.symmetry;
        let first_row = |column| match symmetry {
            Symmetry::General => 0,
            Symmetry::SkewSymmetric => column + 1,
            Symmetry::Symmetric | Symmetry::Hermitian => column,
        };
        let stored: u64 = match symmetry {
            Symmetry::General => dense.elements.len() as u64,
            _ => (0..dense.columns)
                .map(|column| (dense.rows - first_row(column)) as u64)
                .sum(),
        };
        let mut found = 0;
        // Without rows there may be more columns than anyone should count.
        let columns = if dense.rows == 0 { 0 } else { dense.columns };
        for column in 0..columns {
            for row in first_row(column)..dense.rows {
                let Some(value) = self.entry(&mut [])? else {
                    return Err(FormatError::new(Fault::EntryCount {
                        found,
                        expected: stored,
                    }));
                };
                found += 1;
                dense
                    .place(row, column, value, symmetry)
                    .map_err(FormatError::new)?;
            }
        }
        self.end(stored)
    }

    fn coordinate<T: Entry>(
        &mut self,
        dense: &mut Dense<T>,
        entries: u64,
    ) -> Result<(), FormatError> {
        let symmetry = self.banner.symmetry;
        for found in 0..entries {
            let mut index = [0, 0];
            let Some(value) = self.entry::<T>(&mut index)? else {
                return Err(FormatError::new(Fault::EntryCount {
                    found,
                    expected: entries,
                }));
            };
            let [row, column] = index;
            let place = [("row", row, dense.rows), ("column", column, dense.columns)].map(
                |(axis, index, extent)| match usize::try_from(index) {
                    Ok(index @ 1..) if index <= extent => Ok(index - 1),
                    _ => Err(FormatError::new(Fault::IndexRange {
                        axis,
                        found: index,
                        extent: extent as u64,
                    })),
                },
            );
            let [i, j] = place;
            let (i, j) = (i?, j?);
            if symmetry != Symmetry::General && i < j {
                let fault = Fault::UpperEntry {
                    row,
                    column,
                    symmetry: symmetry.word(),
                };
                return Err(FormatError::new(fault));
            }
            if symmetry == Symmetry::SkewSymmetric && i == j {
                let mut found = String::new();
                value.push_text(&mut found);
                return Err(FormatError::new(diagonal(i, found, symmetry)));
            }
            dense
                .place(i, j, value, symmetry)
                .map_err(FormatError::new)?;
        }
        self.end(entries)
    }

    /// The next entry: the indices asked for, then the value; `None` at the end of the file.
    fn entry<T: Entry>(&mut self, index: &mut [u64]) -> Result<Option<T>, FormatError> {
        let parts = if self.banner.field == Field::Pattern {
            0
        } else {
            T::PARTS
        };
        let expected = index.len() + parts;
        let mut fields = [&[][..]; 4];
        let Some(found) = next_fields(&mut self.lines, &mut fields)? else {
            return Ok(None);
        };
        if found != expected {
            let fields = match (index.len(), parts) {
                (0, 1) => "the value",
                (0, _) => "real and imaginary part",
                (_, 0) => "row, column",
                (_, 1) => "row, column, value",
                _ => "row, column, real and imaginary part",
            };
            return Err(FormatError::new(Fault::FieldCount {
                found,
                expected,
                fields,
            }));
        }
        let (indices, value) = fields[..expected].split_at(index.len());
        for (position, (index, field)) in index.iter_mut().zip(indices).enumerate() {
            *index = u64::parse(&[field], position + 1).map_err(FormatError::new)?;
        }
        if parts == 0 {
            return Ok(Some(T::ONE));
        }
        T::parse(value, indices.len() + 1)
            .map(Some)
            .map_err(FormatError::new)
    }

    /// Makes sure that nothing follows the last entry.
    fn end(&mut self, expected: u64) -> Result<(), FormatError> {
        match next_fields(&mut self.lines, &mut [])? {
            None => Ok(()),
            Some(_) => Err(FormatError::new(Fault::EntryCount {
                found: expected.saturating_add(1),
                expected,
            })),
        }
    }
}

/// Splits the next line that is neither comment nor blank; returns its number of fields, which may
/// be more than there was room for, or `None` at the end of the file.
fn next_fields<'a>(
    lines: &'a mut Lines<'_>,
    fields: &mut [&'a [u8]],
) -> Result<Option<usize>, FormatError> {
    if !lines.skip_until(|line| !matches!(line.trim_ascii(), [] | [b'%', ..]))? {
        return Ok(None);
    }
    let mut found = 0;
    for field in lines
        .current()
        .split(u8::is_ascii_whitespace)
        .filter(|field| !field.is_empty())
    {
        if let Some(slot) = fields.get_mut(found) {
            *slot = field;
        }
        found += 1;
    }
    Ok(Some(found))
}
