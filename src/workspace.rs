//! Memory that is kept from matrix to matrix and from call to call.

use crate::element::Scalar;
use crate::error::Result;
use crate::inverse::Kept;
use crate::layout::{self, ALIGNMENT};
use num_complex::{Complex32, Complex64};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Memory that one worker keeps from matrix to matrix.
#[derive(Default)]
pub(crate) struct Workspace<T: Scalar> {
    /// A gapless place for a matrix that is stored with gaps.
    pub(crate) packed: Vec<T>,
    /// The original of a matrix that is inverted in its place.
    pub(crate) original: Vec<T>,
    /// What the computation itself uses.
    pub(crate) kept: Kept<T>,
}

/// n² elements of a buffer, aligned for an engine; the buffer is made large enough.
///
/// # Errors
///
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
pub(crate) fn square<T: Scalar>(buffer: &mut Vec<T>, n: usize) -> Result<&mut [T]> {
    room(buffer, n * n)
}

/// `len` elements of a buffer, aligned for an engine; the buffer is made large enough.
///
/// # Errors
///
/// As [`square`].
pub(crate) fn room<T: Scalar>(buffer: &mut Vec<T>, len: usize) -> Result<&mut [T]> {
    // Where the allocator aligns less than usual, the first elements are left out.
    let spare = ALIGNMENT / size_of::<T>();
    if buffer.len() < len + spare {
        layout::reserve(buffer, len + spare)?;
        buffer.resize(len + spare, T::zero());
    }
    let first = buffer.as_ptr().align_offset(ALIGNMENT).min(spare);
    Ok(&mut buffer[first..first + len])
}

/// Workspaces that outlive a call, for workers to borrow.
pub(crate) type Pool<T> = Mutex<Vec<Workspace<T>>>;

/// Workspaces of an inverter, by scalar.
#[derive(Default)]
pub(crate) struct Pools {
    pub(crate) f32: Pool<f32>,
    pub(crate) f64: Pool<f64>,
    pub(crate) complex32: Pool<Complex32>,
    pub(crate) complex64: Pool<Complex64>,
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pools")
    }
}

/// A workspace borrowed from a pool; it goes back when dropped, also while unwinding (each use
/// overwrites it, so there is nothing in it to spoil).
pub(crate) struct Slot<'a, T: Scalar> {
    pool: &'a Pool<T>,
    workspace: Workspace<T>,
}

impl<'a, T: Scalar> Slot<'a, T> {
    pub(crate) fn borrow(pool: &'a Pool<T>) -> Self {
        let workspace = lock(pool).pop().unwrap_or_default();
        Slot { pool, workspace }
    }

    pub(crate) fn workspace(&mut self) -> &mut Workspace<T> {
        &mut self.workspace
    }
}

impl<T: Scalar> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        lock(self.pool).push(std::mem::take(&mut self.workspace));
    }
}

/// Locks what no panic can leave half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
