//! P A = L U by panels.
//!
//! A step's search is a chain of latencies. Elimination by a panel of columns is therefore done
//! first in the next panel, whose steps then alternate with the rest of it.

use crate::columnwise::{Single, all_zero, bits_of, place};
use crate::interleaved::args::GroupArgs;
use crate::interleaved::checks;
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::Vector;

/// What a step finds.
#[derive(Clone, Copy, PartialEq)]
enum Pivot {
    Found,
    /// There is none in the column.
    Missing,
    /// Something before was not finite, or its inverse.
    Lost,
}

/// P A = L U, if every column has a pivot that is finite. Elimination takes `P` steps in one pass, over
/// `E` columns.
///
/// # Safety
///
/// As [`Factor`](crate::columnwise::Factor).
#[inline(always)]
pub(crate) unsafe fn factor<L: SimdScalar, const P: usize, const E: usize>(
    m: &mut Single<L>,
    task: &mut GroupArgs<'_, impl Scalar>,
    lane: usize,
) -> bool {
    let n = m.n;
    #[allow(clippy::cast_possible_truncation)] // n ≤ 128
    for i in 0..n {
        (m.rows[i], m.positions[i]) = (i as u8, i as u8);
    }
    // SAFETY: steps and columns are less than n.
    unsafe {
        let mut odd = false;
        // The panel before, whose steps the columns from `rest` on still have to take.
        let mut before = None;
        for k in (0..n).step_by(P) {
            let end = n.min(k + P);
            let mut rest = end;
            if let Some(before) = before {
                sized!(end - k, P, eliminate::<[L, P,] _ []>(m, before, k));
            }
            for step in k..end {
                task.prefetch_column::<L::Vector>(lane, step);
                match pivot(m, step, &mut odd) {
                    Pivot::Found => {}
                    Pivot::Missing => {
                        task.found.note_zero_pivot(1 << lane, step);
                        return false;
                    }
                    Pivot::Lost => return false,
                }
                for j in step + 1..end {
                    eliminate::<L, 1, 1>(m, step, j);
                }
                if let Some(before) = before {
                    let share = if step + 1 == end { n } else { rest + (n - rest) / (end - step) };
                    while rest < share {
                        let columns = E.min(n - rest);
                        sized!(columns, E, eliminate::<[L, P,] _ []>(m, before, rest));
                        rest += columns;
                    }
                }
            }
            before = Some(k);
        }
        if odd {
            task.found.odd ^= 1 << lane;
        }
    }
    true
}

/// Step `k`: searches its column for the first largest element, and divides the column by it.
///
/// # Safety
///
/// `m` is sound (see [`Single`]); k < n. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn pivot<L: SimdScalar>(m: &mut Single<L>, k: usize, odd: &mut bool) -> Pivot {
    let lanes = L::Vector::LANES;
    // SAFETY: k < n; places are those of rows.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let column = m.column(k);
        let mut largest = zero;
        let mut active = m.active;
        for b in 0..m.blocks {
            let size = (*column.add(b)).abs1();
            largest = zero.select(bits_of::<L>(active, 0), size).max(largest);
            active >>= lanes;
        }
        let largest = largest.max_of_lanes();
        let mut candidates = 0;
        for b in (0..m.blocks).rev() {
            let here = L::Vector::mask_bits((*column.add(b)).abs1().eq(largest));
            candidates = candidates << lanes | u128::from(here);
        }
        candidates &= m.active;
        if candidates == 0 || L::Vector::mask_bits(largest.eq(zero)) & 1 == 1 {
            return missing(m, k);
        }
        let mut row = candidates.trailing_zeros() as usize;
        // Of several, the first one by position.
        candidates &= candidates - 1;
        while candidates != 0 {
            let other = candidates.trailing_zeros() as usize;
            if m.positions[other] < m.positions[row] {
                row = other;
            }
            candidates &= candidates - 1;
        }
        m.active &= !(1 << row);
        let at = usize::from(m.positions[row]);
        *odd ^= at != k;
        let old = m.rows[k];
        m.rows[at] = old;
        m.positions[usize::from(old)] = m.positions[row];
        m.places[k] = place::<L>(row);

        let pivot = L::broadcast(m.lower(k, k));
        pivot.put(m.upper(k, k));
        let inverse = pivot.inverse_of_size(largest, one);
        m.inverses.add(k).write(inverse);
        let mut active = m.active;
        for b in 0..m.blocks {
            let multipliers = (*column.add(b)).mul(inverse);
            let none = L::real(zero);
            column.add(b).write(none.select(bits_of::<L>(active, 0), multipliers));
            active >>= lanes;
        }
        #[allow(clippy::cast_possible_truncation)] // n ≤ 128
        {
            m.rows[k] = row as u8;
        }
        if L::Vector::mask_bits(pivot.nan_accumulate(zero, zero).eq(zero)) & 1 == 0 {
            return Pivot::Lost;
        }
        Pivot::Found
    }
}

/// A column in which no pivot was found: is that no trick of a NaN, or of a pivot before it whose
/// inverse over- or underflowed?
///
/// # Safety
///
/// `m` is sound (see [`Single`]); k < n, and the inverses of the k pivots before have been written. The CPU has
/// the instructions of `L`.
#[cold]
#[inline(always)]
unsafe fn missing<L: SimdScalar>(m: &Single<L>, k: usize) -> Pivot {
    // SAFETY: k inverses have been written; k < n.
    unsafe {
        let zero = constant::<L>(0.0);
        for b in 0..m.blocks {
            let active = bits_of::<L>(m.active, b);
            if active & !(*m.column(k).add(b)).equal(L::real(zero)) != 0 {
                return Pivot::Lost;
            }
        }
        for i in 0..k {
            let inverse = *m.inverses.add(i);
            if !all_zero::<L>(inverse.nan_accumulate(zero, zero))
                || inverse.equal(L::real(zero)) != 0
            {
                return Pivot::Lost;
            }
        }
        Pivot::Missing
    }
}

/// The element at a place of a column.
#[inline(always)]
pub(crate) fn lower<L: SimdScalar>(column: *mut L, place: usize) -> *const RealOf<L> {
    column.cast::<RealOf<L>>().wrapping_add(place)
}

/// Subtracts the multiples of the pivots' rows of `P` steps from `k` on, in `C` columns from `j`
/// on, and keeps these columns of these rows of U.
///
/// # Safety
///
/// `m` is sound (see [`Single`]); k + P ≤ j and j + C ≤ n; the steps before k + P have been made in their own
/// columns. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn eliminate<L: SimdScalar, const P: usize, const C: usize>(
    m: &Single<L>,
    k: usize,
    j: usize,
) {
    // SAFETY: k + P ≤ j, j + C ≤ n.
    unsafe {
        let none = L::real(constant::<L>(0.0));
        // Taken once: what is written could be the matrix's own fields, for all the compiler knows.
        let (mut steps, mut columns, mut rows) = ([m.a; P], [m.a; C], [m.upper(k, j); P]);
        let mut places = [0; P];
        for p in 0..P {
            steps[p] = m.column(k + p);
            rows[p] = m.upper(k + p, j);
            places[p] = m.places[k + p];
        }
        for c in 0..C {
            columns[c] = m.column(j + c);
        }
        let mut u = [[none; C]; P];
        // All columns in one vector, where that is not too long a way for a few blocks.
        if L::PARTS == 1 && C == 4 && L::Vector::LANES >= 4 && m.blocks > 2 {
            let mut vectors = [constant::<L>(0.0); P];
            for p in 0..P {
                let mut at = [std::ptr::null(); 4];
                for c in 0..C {
                    at[c] = lower(columns[c], places[p]);
                }
                vectors[p] = L::Vector::four(at);
                for q in 0..p {
                    let multiplier = L::broadcast(lower(steps[q], places[p])).re();
                    vectors[p] = vectors[p].neg_mul_add(multiplier, vectors[q]);
                }
                vectors[p].store_four(rows[p]);
            }
            for p in 0..P {
                for c in 0..C {
                    u[p][c] = L::broadcast(rows[p].add(c));
                }
            }
        } else {
            for p in 0..P {
                for c in 0..C {
                    u[p][c] = L::broadcast(lower(columns[c], places[p]));
                }
                for q in 0..p {
                    let multiplier = L::broadcast(lower(steps[q], places[p]));
                    for c in 0..C {
                        u[p][c] = u[p][c].neg_mul_add(multiplier, u[q][c]);
                    }
                }
                for c in 0..C {
                    u[p][c].put(m.upper(k + p, j + c));
                }
            }
        }
        for b in 0..m.blocks {
            let mut multipliers = [none; P];
            for p in 0..P {
                multipliers[p] = *steps[p].add(b);
            }
            for c in 0..C {
                let at = columns[c].add(b);
                let mut x = *at;
                for p in 0..P {
                    x = x.neg_mul_add(multipliers[p], u[p][c]);
                }
                at.write(x);
            }
        }
    }
}

/// Is every pivot of U larger than the rounding errors of its own computation? As
/// [`checks::trusted`] judges it.
///
/// # Safety
///
/// `m` is sound (see [`Single`]), and U has been written. The CPU has the instructions of `L`.
#[inline(always)]
pub(crate) unsafe fn trusted<L: SimdScalar, T: Scalar>(m: &Single<L>) -> bool {
    let lanes = L::Vector::LANES;
    // SAFETY: n rows of U of `blocks` blocks.
    unsafe {
        let zero = constant::<L>(0.0);
        let rounding = constant::<L>(checks::rounding::<T>(m.n));
        for b in 0..m.blocks {
            let mut above = zero;
            let row = |k: usize| (*m.u.add(k * m.stride + b)).abs1();
            for k in 0..b * lanes {
                above = above.max(row(k));
            }
            // Here the row begins within the block.
            let mut pivots = zero;
            let count = lanes.min(m.n - b * lanes);
            for i in 0..count {
                let size = row(b * lanes + i);
                pivots = pivots.select(1 << i, size);
                above = above.max(zero.select(u32::MAX << i << 1, size));
            }
            let limit = above.mul(rounding);
            let tiny = L::Vector::mask_bits(pivots.max(limit).eq(limit));
            // Nothing is above the first one.
            let judged = bits_of::<L>((u128::MAX >> (128 - m.n)) & !1, b);
            if tiny & judged != 0 {
                return false;
            }
        }
        true
    }
}
