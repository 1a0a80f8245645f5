//! Which structure the matrix of each lane has: what `structure::detect` finds, for those that
//! there are kernels for.

use crate::contract::{Kind, Symmetry, Triangle};
use crate::interleaved::args::{GroupArgs, load};
use crate::interleaved::checks::general;
use crate::scalar::Scalar;
use crate::simd::lanes::{SimdScalar, constant};
use crate::simd::vector::Vector;

/// Lanes by the structure of their matrix. A diagonal matrix is in none of them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kinds {
    pub(crate) general: u32,
    /// Hermitian, or real symmetric, with nothing but positive numbers on the diagonal.
    pub(crate) definite: u32,
    /// Hermitian, or real symmetric, and not positive definite, as the diagonal tells.
    pub(crate) indefinite: u32,
    /// Complex symmetric, and not Hermitian.
    pub(crate) symmetric: u32,
    /// Nothing but zeros above the diagonal.
    pub(crate) lower: u32,
    /// Nothing but zeros below it.
    pub(crate) upper: u32,
}

impl Kinds {
    /// The kinds that there may be among matrices of any structure, with the lanes of each: what may
    /// be positive definite before what turns out not to be. Of a Hermitian or symmetric matrix both
    /// triangles are there; the lower one is read, as for a single one.
    pub fn by_kind(self) -> [(Kind, u32); 6] {
        [
            (Kind::General, self.general),
            (Kind::PositiveDefinite(Triangle::Lower), self.definite),
            (Kind::Indefinite(Symmetry::Hermitian, Triangle::Lower), self.indefinite),
            (Kind::Indefinite(Symmetry::Symmetric, Triangle::Lower), self.symmetric),
            (Kind::Triangular(Triangle::Lower), self.lower),
            (Kind::Triangular(Triangle::Upper), self.upper),
        ]
    }
}

/// Finds out the kinds of a group.
///
/// # Safety
///
/// As [`lu::invert`](crate::interleaved::lu::invert).
#[inline(always)]
pub(crate) unsafe fn find<L: SimdScalar, T: Scalar>(task: &mut GroupArgs<'_, T>) {
    let n = task.n;
    let a = task.memory.cast::<L>();
    // SAFETY: the memory of a kernel has room for more than n² scalars.
    unsafe {
        load::<L, T>(task, 0, n * n * L::PARTS, a.cast());
        let all = task.all();
        let general = general::<L>(n, |e| *a.add(e), all);
        let rest = all & !general;
        task.found.kinds = if rest == 0 {
            Kinds { general, ..Kinds::default() }
        } else {
            let hermitian = hermitian(n, n, a, rest);
            let positive = positive_diagonal(n, a);
            Kinds {
                general,
                definite: hermitian & positive,
                indefinite: hermitian & !positive,
                symmetric: if L::PARTS == 2 { symmetric(n, a, rest & !hermitian) } else { 0 },
                lower: triangular(n, a, rest, Triangle::Lower),
                upper: triangular(n, a, rest, Triangle::Upper),
            }
        };
    }
}

/// The lanes among `all` whose matrix is Hermitian, not diagonal.
///
/// # Safety
///
/// There are n columns of n scalars at `a`, `column` apart.
#[inline(always)]
pub(crate) unsafe fn hermitian<L: SimdScalar>(
    n: usize,
    column: usize,
    a: *const L,
    all: u32,
) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        let (mut holds, mut off_diagonal) = (all, 0);
        for j in 0..n {
            if L::PARTS == 2 {
                let d = *a.add(j * column + j);
                holds &= d.equal(d.conj());
            }
            for i in 0..j {
                let (x, y) = (*a.add(j * column + i), *a.add(i * column + j));
                holds &= x.equal(y.conj());
                // Mostly the first element tells.
                if off_diagonal & all != all {
                    off_diagonal |= !x.equal(zero);
                }
            }
            if holds == 0 {
                return 0;
            }
        }
        holds & off_diagonal
    }
}

/// The lanes with nothing but positive numbers on the diagonal, imaginary parts aside.
///
/// # Safety
///
/// There are n² scalars at `a`.
#[inline(always)]
pub(crate) unsafe fn positive_diagonal<L: SimdScalar>(n: usize, a: *const L) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = constant::<L>(0.0);
        let mut positive = u32::MAX;
        for j in 0..n {
            let d = (*a.add(j * n + j)).re();
            positive &= L::Vector::mask_bits(d.max(zero).eq(d)) & !L::Vector::mask_bits(d.eq(zero));
        }
        positive
    }
}

/// The lanes among `all` whose matrix is its transpose, not diagonal.
///
/// # Safety
///
/// There are n² scalars at `a`.
#[inline(always)]
pub(crate) unsafe fn symmetric<L: SimdScalar>(n: usize, a: *const L, all: u32) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        let (mut holds, mut off_diagonal) = (all, 0);
        for j in 1..n {
            for i in 0..j {
                let x = *a.add(j * n + i);
                holds &= x.equal(*a.add(i * n + j));
                off_diagonal |= !x.equal(zero);
            }
            if holds == 0 {
                return 0;
            }
        }
        holds & off_diagonal
    }
}

/// The lanes among `all` whose matrix has nothing but zeros beside this triangle, and is not
/// diagonal.
///
/// # Safety
///
/// There are n² scalars at `a`.
#[inline(always)]
pub(crate) unsafe fn triangular<L: SimdScalar>(
    n: usize,
    a: *const L,
    all: u32,
    triangle: Triangle,
) -> u32 {
    // SAFETY: the caller's promise.
    unsafe {
        let zero = L::real(constant::<L>(0.0));
        let (mut holds, mut off_diagonal) = (all, 0);
        for j in 1..n {
            for i in 0..j {
                let (above, below) = (*a.add(j * n + i), *a.add(i * n + j));
                let (inside, outside) = match triangle {
                    Triangle::Lower => (below, above),
                    Triangle::Upper => (above, below),
                };
                holds &= outside.equal(zero);
                if off_diagonal & all != all {
                    off_diagonal |= !inside.equal(zero);
                }
            }
            if holds == 0 {
                return 0;
            }
        }
        holds & off_diagonal
    }
}
