//! A dense matrix in array form.

use std::io::Write;

use ndarray::{ArrayView2, ArrayViewD, Ix2};

use super::super::data::{Element, Field};
use super::super::error::{Fault, FormatError};
use super::super::{Format, Symmetry};

/// Bytes gathered before they are written.
const CHUNK: usize = 1 << 16;

/// Writes `array` in array form, with the symmetry asked for, which the matrix must have exactly.
pub(crate) fn write<T: Element>(
    array: &ArrayViewD<'_, T>,
    symmetry: Symmetry,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let Ok(matrix) = array.view().into_dimensionality::<Ix2>() else {
        let fault = Fault::NotAMatrix {
            format: Format::MatrixMarket,
            shape: array.shape().to_vec(),
        };
        return Err(FormatError::new(fault));
    };
    check(&matrix, symmetry)?;
    let (field, complex) = match T::FIELD {
        Field::Real => ("real", false),
        Field::Integer => ("integer", false),
        Field::Unsigned => ("unsigned-integer", false),
        Field::Complex => ("complex", true),
    };
    let symmetry_word = match symmetry {
        Symmetry::General => "general",
        Symmetry::Hermitian if complex => "hermitian",
        Symmetry::Symmetric | Symmetry::Hermitian => "symmetric",
    };
    let (rows, columns) = matrix.dim();
    let mut text =
        format!("%%MatrixMarket matrix array {field} {symmetry_word}\n{rows} {columns}\n");
    // Without rows there may be more columns than anyone should count.
    let written = if rows == 0 { 0 } else { columns };
    for (j, column) in matrix.columns().into_iter().take(written).enumerate() {
        let first = if symmetry == Symmetry::General { 0 } else { j };
        for &element in column.iter().skip(first) {
            element.push_parts(&mut text);
            text.push('\n');
            if text.len() >= CHUNK {
                out.write_all(text.as_bytes())?;
                text.clear();
            }
        }
    }
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// Finds the entries, if any, that break the symmetry.
fn check<T: Element>(matrix: &ArrayView2<'_, T>, symmetry: Symmetry) -> Result<(), FormatError> {
    let word = match symmetry {
        Symmetry::General => return Ok(()),
        Symmetry::Symmetric => "symmetric",
        Symmetry::Hermitian => "hermitian",
    };
    let (rows, columns) = matrix.dim();
    if rows != columns {
        let fault = Fault::NotSquare {
            symmetry: word,
            rows: rows as u64,
            columns: columns as u64,
        };
        return Err(FormatError::new(fault));
    }
    for i in 0..rows {
        for j in 0..=i {
            let mirrored = match symmetry {
                Symmetry::Hermitian => matrix[(j, i)].conjugate(),
                _ => matrix[(j, i)],
            };
            if !matrix[(i, j)].same(mirrored) {
                let fault = Fault::NotSymmetric {
                    row: i + 1,
                    column: j + 1,
                    symmetry: word,
                };
                return Err(FormatError::new(fault));
            }
        }
    }
    Ok(())
}
