//! Norms of a positive definite matrix, of which one triangle is there, and of its inverse.

use crate::columnwise::cholesky::Definite;
use crate::interleaved::args::{SHRINK, empty};
use crate::interleaved::norms::{Largest, Moduli, plain, scaled};
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::{MAX_LANES, Vector};

/// The norm of A, or of X, times [`SHRINK`].
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); A, or X, has been written. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn norm<L: SimdScalar, const OF_A: bool>(m: &Definite<L>) -> f64 {
    // SAFETY: as for the sums.
    unsafe {
        let mut largest = sums::<L, _, OF_A>(plain::<L>(), m);
        if L::PARTS == 2 && !largest.fits_at_all() {
            largest = sums::<L, _, OF_A>(scaled::<L>(), m);
        }
        largest.sum.max_of_lanes().first().into()
    }
}

/// The largest sum of A or X: each begins with the diagonal, then goes on from the first element to
/// the last, as in lanes.
///
/// # Safety
///
/// `m` is sound (see [`Definite`]); A, or X, has been written. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn sums<L: SimdScalar, M: Moduli<L>, const OF_A: bool>(
    moduli: M,
    m: &Definite<L>,
) -> Largest<L::Vector> {
    let lanes = L::Vector::LANES;
    // SAFETY: there are n columns of `blocks` blocks; rows behind the last one are zero. Of A the
    // blocks on and below the diagonal are there, of X all.
    unsafe {
        let (zero, shrink) = (constant::<L>(0.0), constant::<L>(SHRINK));
        let square = if OF_A { m.a } else { m.x };
        let mut largest = Largest::new(zero);
        for block in 0..m.blocks {
            let first = block * lanes;
            let mut diagonal = [RealOf::<L>::default(); MAX_LANES];
            for row in 0..m.rows(block) {
                diagonal[row] = *m.at(square, first + row, first + row);
            }
            let mut sum = L::Vector::load(diagonal.as_ptr()).abs().mul(shrink);
            for k in 0..if OF_A { first } else { m.n } {
                let size = moduli.of(*m.column(square, k, block));
                let here = if k / lanes == block { 1 << (k % lanes) } else { 0 };
                sum = sum.add_mul(size.select(here, zero), shrink);
            }
            if OF_A {
                let columns = m.rows(block);
                for below in block..m.blocks {
                    let mut tile = empty::<L::Vector>();
                    for c in 0..columns {
                        tile[c] = moduli.of(*m.column(square, first + c, below));
                    }
                    let mut turned = tile;
                    L::Vector::transpose(&mut turned);
                    for k in 0..m.rows(below) {
                        let mut size = turned[k];
                        if below == block {
                            // Rows below this one are in its column, those above it in their own.
                            let above = (1 << k) - 1;
                            let beneath = u32::MAX >> (32 - lanes) & !above & !(1 << k);
                            size = zero.select(above, turned[k]).select(beneath, tile[k]);
                        }
                        sum = sum.add_mul(size, shrink);
                    }
                }
            }
            largest.note(sum, zero);
        }
        largest
    }
}
