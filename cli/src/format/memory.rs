//! The memory a file may claim: counted with checked arithmetic, refused before it is allocated.

use super::error::{Fault, FormatError};

/// The limit of one reading, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) limit: u64,
    /// Bytes of it that are taken already.
    pub(crate) held: u64,
}

impl Budget {
    /// The number of elements of an array of this shape, once it is certain that they fit.
    ///
    /// The shape is checked even where an axis of length 0 leaves nothing to store: the lengths of
    /// the other axes must still multiply to an address.
    pub(crate) fn elements(self, shape: &[u64], size: usize) -> Result<usize, FormatError> {
        let overflow = || FormatError::new(Fault::ShapeOverflow { shape: shape.to_vec() });
        let mut nonzero: u128 = size as u128;
        for &length in shape.iter().filter(|&&length| length != 0) {
            nonzero = nonzero.checked_mul(u128::from(length)).ok_or_else(overflow)?;
        }
        if shape.contains(&0) {
            return if isize::try_from(nonzero).is_ok() { Ok(0) } else { Err(overflow()) };
        }
        self.bytes(nonzero)?;
        usize::try_from(nonzero / size as u128).map_err(|_| overflow())
    }

    /// Refuses more bytes than the limit, or than an address counts.
    pub(crate) fn bytes(self, needed: u128) -> Result<(), FormatError> {
        let needed = needed.saturating_add(self.held.into());
        if needed > u128::from(self.limit) || isize::try_from(needed).is_err() {
            return Err(FormatError::new(Fault::TooLarge { needed, limit: self.limit }));
        }
        Ok(())
    }

    /// An empty vector with room for an array of this shape.
    pub(crate) fn vec<T>(self, shape: &[u64]) -> Result<Vec<T>, FormatError> {
        let count = self.elements(shape, size_of::<T>())?;
        let mut elements = Vec::new();
        reserve(&mut elements, count)?;
        Ok(elements)
    }
}

/// Makes room for `count` more elements, or says that the system has none.
pub(crate) fn reserve<T>(elements: &mut Vec<T>, count: usize) -> Result<(), FormatError> {
    let needed = (elements.len() as u128 + count as u128) * size_of::<T>() as u128;
    elements.try_reserve_exact(count).map_err(|_| FormatError::new(Fault::OutOfMemory { needed }))
}
