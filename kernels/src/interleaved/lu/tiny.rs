//! LU with partial pivoting and the inverse from it, in lanes: orders so small that everything
//! stays in registers and every loop is unrolled.
//!
//! The same as [`lu`](crate::interleaved::lu), but that the permutation of the columns is undone by blends.

use crate::contract::Norm;
use crate::interleaved::args::{GroupArgs, load, load_from, rcond};
use crate::interleaved::checks::{
    finite, finite_input, finite_pivots, general, note_zero_pivot, store_pivots, trusted,
};
use crate::interleaved::load_store::{Route, before_aligned, in_tiles, store, write, write_on};
use crate::interleaved::norms::{largest, only_some_fit, quick, scaled};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar, constant};
use crate::simd::vector::Vector;

/// The largest order that there is such a kernel for.
pub(crate) const MAX_ORDER: usize = 6;

/// A matrix by columns.
type Matrix<L, const N: usize> = [[L; N]; N];

/// What elimination leaves behind.
struct Factors<L: SimdScalar, const N: usize> {
    a: Matrix<L, N>,
    inverses: [L; N],
    /// Where step k has exchanged row i with its own.
    here: [[<L::Vector as Vector>::Mask; N]; N],
}

/// Inverts a group of order `N`.
///
/// # Safety
///
/// As [`lu::invert`](crate::interleaved::lu::invert).
#[inline(always)]
pub(crate) unsafe fn invert<L: SimdScalar, T: Scalar, const N: usize>(task: &mut GroupArgs<'_, T>) {
    // SAFETY: the caller's promise; a matrix is N² · PARTS vectors.
    unsafe {
        let (zero, one) = (constant::<L>(0.0), constant::<L>(1.0));
        let len = N * N * L::PARTS;
        let mut a = [[L::real(zero); N]; N];
        read::<L, T>(task, len, a.as_mut_ptr().cast());
        let mut keep = task.all();
        if task.request.detect {
            keep &= general::<L>(N, |at| a[at / N][at % N], keep);
            if keep == 0 {
                return;
            }
        }
        let mut norm_of_a = zero;
        if let Some(which) = task.request.rcond {
            norm_of_a = norm::<L, N>(which, &a);
        }
        let nowhere = L::Vector::mask_andnot(zero.eq(zero), zero.eq(zero));
        let here = [[nowhere; N]; N];
        let mut factors = Factors { a, inverses: [L::real(zero); N], here };
        step::<L, T, N, 0>(task, &mut factors, zero, one);
        step::<L, T, N, 1>(task, &mut factors, zero, one);
        step::<L, T, N, 2>(task, &mut factors, zero, one);
        step::<L, T, N, 3>(task, &mut factors, zero, one);
        step::<L, T, N, 4>(task, &mut factors, zero, one);
        step::<L, T, N, 5>(task, &mut factors, zero, one);
        // As in `lu::invert`: what is not finite comes to the column that is solved for last.
        if task.found.singular != 0 {
            task.found.singular &= finite_input::<L, T>(task, N);
        }
        keep &= !task.found.singular & finite_pivots::<L>(N, N, factors.a.as_ptr().cast());
        if task.request.reject_tiny_pivots {
            keep &= trusted::<L, T>(N, N, factors.a.as_ptr().cast());
        }
        if task.request.determinant {
            for k in 0..N {
                store_pivots::<L, T>(task, k * L::Vector::LANES, factors.a[k][k]);
                let exchanged = factors.here[k][k + 1..].iter();
                task.found.odd ^=
                    exchanged.fold(0, |bits, &here| bits | L::Vector::mask_bits(here));
            }
        }
        let mut x = solve(&factors, L::real(zero));
        keep &= finite::<L>(N, |i| x[0][i]);
        unpermute::<L, N, 4>(&factors, &mut x);
        unpermute::<L, N, 3>(&factors, &mut x);
        unpermute::<L, N, 2>(&factors, &mut x);
        unpermute::<L, N, 1>(&factors, &mut x);
        unpermute::<L, N, 0>(&factors, &mut x);
        if let Some(which) = task.request.rcond {
            let norm_of_x = norm::<L, N>(which, &x);
            keep &= rcond(norm_of_a, norm_of_x, &task.request, &mut task.found.rcond);
        }
        let to = task.to::<RealOf<L>>();
        let from: *const L::Vector = x.as_ptr().cast();
        if len == 4 && keep == u32::MAX >> (32 - L::Vector::LANES) {
            // A group is four vectors, in registers: a staging would cost more than it gains.
            let past = task.route::<L>(keep, 4 * L::Vector::LANES) == Route::PastTheCache;
            let fours = L::Vector::interleave_4([0, 1, 2, 3].map(|e| from.add(e).read()));
            write_fours(fours, to, past);
            task.found.inverted = keep;
            return;
        }
        let route = task.route::<L>(keep, len);
        let staging: *mut RealOf<L> = task.memory.cast();
        let target = if route == Route::Staged { staging } else { to };
        // Lanes without a matrix of their own are not kept.
        let place = |lane: usize| target.wrapping_add(lane * len);
        if route == Route::PastTheCache {
            store::<L::Vector, true>(from, len, keep, place);
        } else {
            write(from, len, before_aligned::<L>(target, len), keep, place);
        }
        if route == Route::Staged {
            write_on::<L::Vector, T>(task, staging, to, L::Vector::LANES * len);
        }
        task.found.inverted = keep;
    }
}

/// Writes four vectors that lie together, past the cache or not; if so, `to` is aligned.
///
/// # Safety
///
/// Four vectors can be written at `to`, which is aligned to a vector if `past`. The CPU has the instructions of
/// `V`.
#[inline(always)]
unsafe fn write_fours<V: Vector>([a, b, c, d]: [V; 4], to: *mut V::Real, past: bool) {
    let at = |vector: usize| to.wrapping_add(vector * V::LANES);
    // SAFETY: the caller's promise: there is room for them.
    unsafe {
        if past {
            a.stream(at(0));
            b.stream(at(1));
            c.stream(at(2));
            d.stream(at(3));
        } else {
            a.store(at(0));
            b.store(at(1));
            c.store(at(2));
            d.store(at(3));
        }
    }
}

/// [`load`], but the last few numbers one by one, each of all lanes. Where every lane has a matrix
/// of its own, the compiler knows how far apart they are.
///
/// # Safety
///
/// `task` is sound: `len` numbers can be read for each of its matrices; `a` has room for `len` vectors. The CPU
/// has the instructions of `L`.
#[inline(always)]
unsafe fn read<L: SimdScalar, T: Scalar>(task: &GroupArgs<'_, T>, len: usize, a: *mut L::Vector) {
    let lanes = L::Vector::LANES;
    let in_tiles = in_tiles(len, lanes, 4);
    let from = task.numbers::<RealOf<L>>(0);
    // SAFETY: a matrix is `len` numbers, and there is room for as many vectors.
    unsafe {
        if task.count < lanes || len == 4 {
            load::<L, T>(task, 0, in_tiles, a);
        } else {
            load_from(in_tiles, a, |lane| from.wrapping_add(lane * len));
        }
        if in_tiles < len {
            let places = task.bases::<L>().places();
            for e in in_tiles..len {
                a.add(e).write(L::Vector::gather(from.wrapping_add(e), places));
            }
        }
    }
}

/// [`norms::norm`](crate::interleaved::norms::norm), of a matrix in registers.
///
/// # Safety
///
/// The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn norm<L: SimdScalar, const N: usize>(which: Norm, a: &Matrix<L, N>) -> L::Vector {
    // SAFETY: the caller has the CPU's promise, and a matrix is N columns of N scalars.
    unsafe {
        let plain = largest::<L, _>(quick::<L>(), which, N, N, a.as_ptr().cast());
        match only_some_fit::<L>(&plain) {
            None => plain.sum,
            Some(fits) => {
                // A copy may lie in memory.
                let a = *a;
                let scaled = largest::<L, _>(scaled::<L>(), which, N, N, a.as_ptr().cast());
                scaled.sum.select(fits, plain.sum)
            }
        }
    }
}

/// Step `K`: the pivot, the exchange of rows, the elimination.
///
/// # Safety
///
/// `task` is sound; K < N, and the steps before have been made. The CPU has the instructions of `L`.
#[inline(always)]
unsafe fn step<L: SimdScalar, T: Scalar, const N: usize, const K: usize>(
    task: &mut GroupArgs<'_, T>,
    factors: &mut Factors<L, N>,
    zero: L::Vector,
    one: L::Vector,
) {
    if K >= N {
        return;
    }
    // A little at a time, so that the processor can keep what it has asked for; of small groups
    // as early as it can.
    if N > 5 {
        task.prefetch::<L>(N, N);
    } else if 2 * K < N {
        task.prefetch::<L>(2 * N, N);
    }
    let Factors { a, inverses, here } = factors;
    // Three at a time: each waits for the one before it.
    let mut sizes = [a[K][K].abs1(); 3];
    for i in K + 1..N {
        let size = a[K][i].abs1();
        sizes[i % 3] = if i < K + 3 { size } else { size.max(sizes[i % 3]) };
    }
    let largest = match N - K {
        1 => sizes[K % 3],
        2 => sizes[(K + 1) % 3].max(sizes[K % 3]),
        _ => sizes[2].max(sizes[1].max(sizes[0])),
    };
    // The first of those that are as large.
    let stays = a[K][K].abs1().eq(largest);
    let mut taken = stays;
    for i in K + 1..N {
        let found = a[K][i].abs1().eq(largest);
        here[K][i] = L::Vector::mask_andnot(found, taken);
        taken = L::Vector::mask_or(taken, found);
    }
    let zeros = L::Vector::mask_bits(largest.eq(zero));
    if zeros != 0 {
        // SAFETY: a column has N elements, and K inverses are known.
        unsafe {
            note_zero_pivot::<L, T>(task, zeros, N, K, a[K].as_ptr(), inverses.as_ptr());
        }
    }
    for j in 0..N {
        let old = a[j][K];
        for i in K + 1..N {
            a[j][K] = a[j][K].if_then_else(here[K][i], a[j][i]);
            a[j][i] = a[j][i].if_then_else(here[K][i], old);
        }
    }
    inverses[K] = a[K][K].inverse_of_size(largest, one);
    for i in K + 1..N {
        a[K][i] = a[K][i].mul(inverses[K]);
        for j in K + 1..N {
            a[j][i] = a[j][i].neg_mul_add(a[K][i], a[j][K]);
        }
    }
}

/// X L = U⁻¹.
#[inline(always)]
fn solve<L: SimdScalar, const N: usize>(factors: &Factors<L, N>, zero: L) -> Matrix<L, N> {
    let Factors { a, inverses, .. } = factors;
    let mut x = [[zero; N]; N];
    for i in 0..N {
        x[i][i] = inverses[i];
        for j in i + 1..N {
            let mut sum = zero;
            for k in i..j {
                sum = sum.neg_mul_add(x[k][i], a[j][k]);
            }
            x[j][i] = sum.mul(inverses[j]);
        }
    }
    for j in (0..N).rev() {
        for k in j + 1..N {
            for i in 0..N {
                x[j][i] = x[j][i].neg_mul_add(x[k][i], a[j][k]);
            }
        }
    }
    x
}

/// Exchanges the columns that step `K` had exchanged as rows.
#[inline(always)]
fn unpermute<L: SimdScalar, const N: usize, const K: usize>(
    factors: &Factors<L, N>,
    x: &mut Matrix<L, N>,
) {
    if K >= N {
        return;
    }
    for i in 0..N {
        let old = x[K][i];
        for j in K + 1..N {
            let here = factors.here[K][j];
            x[K][i] = x[K][i].if_then_else(here, x[j][i]);
            x[j][i] = x[j][i].if_then_else(here, old);
        }
    }
}
