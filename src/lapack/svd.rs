//! Singular value decomposition, for pseudo-inverses: `gesdd`.

use super::routines::Routines;
use crate::engine::Svd;

/// Decomposes `a = U Σ Vᴴ`; `None` if the iteration does not converge.
pub(super) fn decompose<T: Routines>(n: usize, a: &mut [T]) -> Option<Svd<T>> {
    T::gesdd(n, a).ok()
}
