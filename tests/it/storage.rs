//! How the matrices of a test lie in memory, and whether two of them are the same bits.

use crate::scalars::Field;
use matinv::Triangle;
use matinv::ndarray::{Array, Array2, Array3, ArrayRef, Axis, Dimension};

/// By rows or by columns, without gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Storage {
    Row,
    Column,
}

impl Storage {
    pub(crate) const BOTH: [Storage; 2] = [Storage::Row, Storage::Column];

    /// A copy of the matrix (or of each matrix of a stack) stored this way.
    pub(crate) fn of<T: Copy, D: Dimension>(self, a: &ArrayRef<T, D>) -> Array<T, D> {
        let last = a.ndim() - 1;
        match self {
            Storage::Row => {
                let elements = a.iter().copied().collect();
                Array::from_shape_vec(a.raw_dim(), elements).unwrap()
            }
            Storage::Column => {
                let mut transposed = a.view();
                transposed.swap_axes(last - 1, last);
                let elements = transposed.iter().copied().collect();
                let mut stored = Array::from_shape_vec(transposed.raw_dim(), elements).unwrap();
                stored.swap_axes(last - 1, last);
                stored
            }
        }
    }
}

/// A stack of matrices of one order, each stored the same way.
pub(crate) fn stack_of<T: Field>(matrices: &[Array2<T>], storage: Storage) -> Array3<T> {
    let n = matrices.first().map_or(0, Array2::nrows);
    let mut stack = Array3::from_elem((matrices.len(), n, n), T::zero());
    for (mut place, a) in stack.outer_iter_mut().zip(matrices) {
        place.assign(a);
    }
    storage.of(&stack)
}

/// A copy, stored the same way, with NaN in the triangle that is not `read` (not on the diagonal).
pub(crate) fn poisoned<T: Field>(a: &Array2<T>, read: Triangle) -> Array2<T> {
    let mut poisoned = a.clone();
    for ((i, j), x) in poisoned.indexed_iter_mut() {
        let unread = match read {
            Triangle::Lower => i < j,
            Triangle::Upper => i > j,
        };
        if unread {
            *x = T::nan();
        }
    }
    poisoned
}

/// Whether all elements are the same bits, in the same places.
pub(crate) fn same_bits<T: Field, D: Dimension>(a: &ArrayRef<T, D>, b: &ArrayRef<T, D>) -> bool {
    a.shape() == b.shape() && a.iter().zip(b).all(|(x, y)| x.bits() == y.bits())
}

/// Whether A = Aᵀ exactly: the same bits, but for signs of zero.
pub(crate) fn is_symmetric<T: Field>(a: &Array2<T>) -> bool {
    a.indexed_iter().all(|((i, j), &x)| x == a[[j, i]])
}

/// Whether A = Aᴴ exactly: the same bits, but for signs of zero.
pub(crate) fn is_hermitian<T: Field>(a: &Array2<T>) -> bool {
    a.indexed_iter().all(|((i, j), &x)| x == a[[j, i]].conj())
}

/// Matrix `i` of a stack, with its own memory, stored as in the stack.
pub(crate) fn matrix_of<T: Field>(stack: &Array3<T>, i: usize) -> Array2<T> {
    stack.index_axis(Axis(0), i).to_owned()
}
