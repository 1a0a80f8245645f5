//! numpy's `.npy`: versions 1.0 to 3.0, every number type, both byte orders, both memory orders,
//! any shape.
//!
//! The ndarray-npy crate reads these files too, but allocates before a limit can be applied, has no
//! half precision and tells no byte offsets; the format is small enough to read here.

mod descr;
mod header;

use std::io::{self, Read, Write};

use ndarray::{ArrayD, ArrayViewD, IxDyn, ShapeBuilder};

pub use header::{Header, Order};

use super::data::{Data, Element, ElementVisitor, Endian};
use super::error::{Fault, FormatError, Place};
use super::memory::Budget;

/// Bytes converted at a time.
const CHUNK: usize = 1 << 16;

/// Reads a whole npy file, which must end where its data ends.
pub(crate) fn read(reader: &mut dyn Read, budget: Budget) -> Result<Data, FormatError> {
    let header = Header::read(reader)?;
    header.element.visit(ReadBody { header: &header, reader, budget })
}

struct ReadBody<'a> {
    header: &'a Header,
    reader: &'a mut dyn Read,
    budget: Budget,
}

impl ElementVisitor for ReadBody<'_> {
    type Output = Result<Data, FormatError>;

    fn visit<T: Element>(self) -> Self::Output {
        let Self { header, reader, budget } = self;
        let start = header.data_offset;
        let overflow = || FormatError::new(Fault::ShapeOverflow { shape: header.shape.clone() });
        let shape: Vec<usize> = header
            .shape
            .iter()
            .map(|&length| usize::try_from(length))
            .collect::<Result<_, _>>()
            .map_err(|_| overflow())?;
        let mut elements: Vec<T> = budget.vec(&header.shape)?;
        let count = shape.iter().product();
        read_elements(reader, header.endian, count, start, &mut elements, |x: T| x)?;
        if fill(reader, &mut [0])? > 0 {
            let expected = count as u64 * T::SIZE as u64;
            return Err(FormatError::at(
                Place::Byte(start + expected),
                Fault::ExtraBytes { expected },
            ));
        }
        let shape = IxDyn(&shape).set_f(header.order == Order::Fortran);
        ArrayD::from_shape_vec(shape, elements).map(T::wrap).map_err(|_| overflow())
    }
}

/// Appends the next `count` elements to `elements`, converted; `start` is the byte where they begin,
/// for messages.
///
/// # Errors
///
/// [`Fault::Truncated`], [`Fault::NotABoolean`] and [`Fault::Io`]; `elements` then holds those
/// before the fault.
pub(crate) fn read_elements<T: Element, S>(
    reader: &mut dyn Read,
    endian: Endian,
    count: usize,
    start: u64,
    elements: &mut Vec<S>,
    convert: impl Fn(T) -> S,
) -> Result<(), FormatError> {
    let expected = count as u64 * T::SIZE as u64;
    let mut chunk = vec![0; usize::try_from(expected).map_or(CHUNK, |bytes| bytes.min(CHUNK))];
    let mut found = 0;
    while found < expected {
        let want = usize::try_from(expected - found).map_or(CHUNK, |left| left.min(CHUNK));
        let got = fill(reader, &mut chunk[..want])?;
        for (k, bytes) in chunk[..got].chunks_exact(T::SIZE).enumerate() {
            let element = T::decode(bytes, endian).map_err(|byte| {
                let offset = start + found + k as u64;
                FormatError::at(Place::Byte(offset), Fault::NotABoolean { found: byte })
            })?;
            elements.push(convert(element));
        }
        found += got as u64;
        if got < want {
            return Err(FormatError::at(
                Place::Byte(start + found),
                Fault::Truncated { found, expected },
            ));
        }
    }
    Ok(())
}

/// Reads until the buffer is full or the stream ends; returns the number of bytes read.
fn fill(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Writes version 1.0, little endian; in Fortran order if the array lies so in memory, else in C
/// order.
pub(crate) fn write<T: Element>(
    array: &ArrayViewD<'_, T>,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let transposed = array.view().reversed_axes();
    let order = if !array.is_standard_layout() && transposed.is_standard_layout() {
        Order::Fortran
    } else {
        Order::C
    };
    out.write_all(&Header::encode(T::TYPE, order, array.shape())?)?;
    match order {
        Order::C => write_elements(array, out),
        Order::Fortran => write_elements(&transposed, out),
    }
}

/// Writes elements little endian, without a header.
///
/// # Errors
///
/// [`Fault::Io`].
pub fn write_elements<'a, T: Element>(
    elements: impl IntoIterator<Item = &'a T>,
    out: &mut dyn Write,
) -> Result<(), FormatError> {
    let mut chunk = Vec::with_capacity(CHUNK + T::SIZE);
    for &element in elements {
        element.encode(&mut chunk);
        if chunk.len() >= CHUNK {
            out.write_all(&chunk)?;
            chunk.clear();
        }
    }
    out.write_all(&chunk)?;
    Ok(())
}
