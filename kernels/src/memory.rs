//! Memory that is kept from matrix to matrix.

use crate::scalar::Scalar;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// So many bytes were refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutOfMemory {
    /// How many.
    pub bytes: usize,
}

/// Bytes to whose multiples a slice has to be aligned for an engine.
///
/// Not for its sake: it takes any. But some kernels of OpenBLAS (Nehalem, Sandybridge and Zen
/// cores, seen in 0.3.21) treat the first elements apart until the address is a multiple of 16,
/// which changes the order of their sums; and the bits of an inverse must not depend on its place
/// in a stack. Allocators give 16 or more.
pub const ALIGNMENT: usize = 16;

/// Makes room for `len` elements in all.
///
/// # Errors
///
/// [`OutOfMemory`].
pub fn reserve<T>(buffer: &mut Vec<T>, len: usize) -> Result<(), OutOfMemory> {
    let bytes = len.saturating_mul(size_of::<T>());
    let missing = len.saturating_sub(buffer.len());
    buffer.try_reserve_exact(missing).map_err(|_| OutOfMemory { bytes })
}

/// `len` elements of a buffer, aligned to [`ALIGNMENT`]; the buffer is made large enough.
///
/// # Errors
///
/// [`OutOfMemory`].
pub fn room<T: Scalar>(buffer: &mut Vec<T>, len: usize) -> Result<&mut [T], OutOfMemory> {
    // Where the allocator aligns less than usual, the first elements are left out.
    let spare = ALIGNMENT / size_of::<T>();
    if buffer.len() < len + spare {
        reserve(buffer, len + spare)?;
        buffer.resize(len + spare, T::zero());
    }
    let first = buffer.as_ptr().align_offset(ALIGNMENT).min(spare);
    Ok(&mut buffer[first..first + len])
}

/// Locks what no panic can leave half done.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
