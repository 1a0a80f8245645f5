//! The native engine: small matrices, one alone in all lanes or one per SIMD lane.
//!
//! [`lu`] is the algorithm, [`single`] the same for one matrix: both generic over what a register
//! holds ([`vector`]: the registers of each instruction set; [`lanes`]: real and complex scalars
//! made of them). [`set`] says which instruction sets this machine has. A [`Kernel`] is the
//! algorithm compiled for a set and a scalar: with one lane it is plain Rust, and the reference for
//! the others.
//!
//! In every lane rows are exchanged for the largest pivot, as in LAPACK, and no lane sees what
//! happens in another. A matrix that a kernel cannot invert to the satisfaction of all that was
//! asked is left as it was: the caller takes it out of the group.

// What is not inlined is compiled without the features of the kernel's entry (see `vector`).
#![allow(clippy::inline_always)]
// Loops over rows and lanes count: that is how they are unrolled, and how the mathematics reads.
#![allow(clippy::needless_range_loop)]

mod checks;
mod factor;
mod lanes;
mod lu;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scan;
pub(crate) mod set;
mod single;
mod solve;
mod task;
#[cfg(test)]
mod tests;
mod tiny;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::determinant::Product;
use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts};
use lanes::{Complex, Real};
use num_complex::{Complex32, Complex64};
pub(crate) use scan::{all_finite, largest};
use set::Set;
pub(crate) use task::Request;
use task::{Found, Task};
use vector::{MAX_LANES, One, Vector};

/// The largest order that a kernel takes.
pub(crate) const MAX_ORDER: usize = 64;

/// A group is inverted.
///
/// # Safety
///
/// The task is sound and the CPU has the set.
type Entry<T> = unsafe fn(&mut Task<'_, T>);

/// The matrix of one lane is inverted.
///
/// # Safety
///
/// As for [`Entry`].
type Single<T> = unsafe fn(&mut Task<'_, T>, lane: usize);

/// A kernel of some set for a scalar.
#[derive(Debug)]
pub(crate) struct Kernel<T> {
    /// Matrices per group.
    lanes: usize,
    /// Bytes of a vector.
    vector: usize,
    /// By order; the first one takes every order.
    entries: [Entry<T>; tiny::MAX_ORDER + 1],
    /// One matrix of an order that is not tiny.
    single: Single<T>,
    /// Which groups go matrix by matrix.
    few: Few,
}

/// Up to how many matrices a group is inverted one after the other, each by all lanes: from an
/// order on, in ascending order.
type Few = &'static [(usize, usize)];

impl<T> Clone for Kernel<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kernel<T> {}

/// What a kernel keeps from group to group.
pub(crate) struct Work<T> {
    lines: Vec<Line>,
    pivots: Vec<T>,
    found: Found,
}

impl<T> Default for Work<T> {
    fn default() -> Self {
        Work { lines: Vec::new(), pivots: Vec::new(), found: Found::new() }
    }
}

/// A cache line, aligned for any vector.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// The matrices of a group: `n²` scalars each, one behind the other, by columns.
pub(crate) enum Group<'a, T> {
    /// Read here, written there.
    Into(&'a [T], &'a mut [T]),
    /// Replaced by their inverses.
    InPlace(&'a mut [T]),
}

/// What became of the matrices of a group.
pub(crate) struct Outcome<'a, T> {
    n: usize,
    lanes: usize,
    found: &'a Found,
    pivots: &'a [T],
}

impl<T: Scalar> Outcome<'_, T> {
    /// The matrices that were inverted, the first in the lowest bit; the others are as they were.
    pub(crate) fn inverted(&self) -> u32 {
        self.found.inverted
    }

    /// The first column without a pivot.
    fn singular(&self, lane: usize) -> Option<usize> {
        (self.found.singular >> lane & 1 == 1).then(|| self.found.column[lane])
    }

    /// The reciprocal condition number, if asked for.
    pub(crate) fn rcond(&self, lane: usize) -> f64 {
        self.found.rcond[lane]
    }

    /// det / |det| and log |det|, if asked for.
    pub(crate) fn determinant(&self, lane: usize) -> (T, f64) {
        let mut product = Product::new();
        for k in 0..self.n {
            product.times(self.pivots[k * self.lanes + lane]);
        }
        if self.found.odd >> lane & 1 == 1 {
            product.flip();
        }
        product.sign_and_log()
    }
}

impl<T: Scalar> Kernel<T> {
    /// The kernel of the best set of this machine.
    pub(crate) fn best() -> Self {
        Self::of(set::best())
    }

    /// The kernel of a set, which the machine must have.
    pub(crate) fn of(set: Set) -> Self {
        assert!(set.is_available(), "this machine has no {set:?}");
        T::kernel(set)
    }

    /// Matrices per group.
    pub(crate) fn lanes(self) -> usize {
        self.lanes
    }

    /// Up to how many matrices of order `n` are inverted one after the other.
    fn few(self, n: usize) -> usize {
        let row = self.few.iter().rev().find(|(from, _)| n >= *from);
        row.filter(|_| n > tiny::MAX_ORDER).map_or(0, |(_, few)| *few)
    }

    /// Inverts up to [`lanes`](Self::lanes) matrices of order `n`.
    pub(crate) fn invert<'w>(
        self,
        work: &'w mut Work<T>,
        n: usize,
        group: Group<'_, T>,
        request: Request,
    ) -> Outcome<'w, T> {
        assert!((1..=MAX_ORDER).contains(&n), "order {n}");
        let size = n * n;
        let (from, to, len) = match group {
            Group::Into(from, to) => {
                assert_eq!(from.len(), to.len());
                (from.as_ptr(), to.as_mut_ptr(), to.len())
            }
            Group::InPlace(a) => (a.as_ptr(), a.as_mut_ptr(), a.len()),
        };
        let count = len / size;
        assert!(len % size == 0 && (1..=self.lanes).contains(&count), "{len} scalars, order {n}");
        let parts = if T::COMPLEX { 2 } else { 1 };
        let one_by_one = count <= self.few(n);
        let vectors =
            if one_by_one { single::vectors(n, parts, self.lanes) } else { lu::vectors(n, parts) };
        let lines = (vectors * self.vector).div_ceil(size_of::<Line>());
        if work.lines.len() < lines {
            work.lines.resize(lines, Line([0; 64]));
        }
        if request.determinant && work.pivots.len() < n * MAX_LANES {
            work.pivots.resize(n * MAX_LANES, T::zero());
        }
        work.found.clear();
        let mut task = Task {
            n,
            count,
            from,
            to,
            memory: work.lines.as_mut_ptr().cast(),
            pivots: work.pivots.as_mut_ptr(),
            request,
            found: &mut work.found,
        };
        // SAFETY: there are `count` matrices of n² scalars at `from` and `to`; `to` is unique, and
        // is `from` or apart from it. The memory is what the kernel says it needs, aligned to 64
        // bytes; there is room for n · LANES pivots
        // if they are asked for. `of` has looked whether the CPU has the set.
        unsafe {
            if one_by_one {
                for lane in 0..count {
                    (self.single)(&mut task, lane);
                }
            } else {
                self.entries.get(n).unwrap_or(&self.entries[0])(&mut task);
            }
        }
        Outcome { n, lanes: self.lanes, found: &work.found, pivots: &work.pivots }
    }

    /// Inverts one general matrix, to the bits that it would have in any group. `None` if that is
    /// beyond plain arithmetic (something is not finite, or a norm over- or underflows): `a` is
    /// then as it was, as it is after a breakdown.
    pub(crate) fn one(
        self,
        work: &mut Work<T>,
        n: usize,
        a: &mut [T],
        ask: Ask,
    ) -> Option<Result<Facts<T>, Breakdown>> {
        let request = Request {
            detect: false,
            rcond: ask.rcond,
            min_rcond: None,
            determinant: ask.determinant,
            wary: ask.wary,
        };
        let outcome = self.invert(work, n, Group::InPlace(a), request);
        if let Some(column) = outcome.singular(0) {
            return Some(Err(Breakdown::ZeroPivot(column)));
        }
        (outcome.inverted() == 1).then(|| {
            Ok(Facts {
                rcond: ask.rcond.map(|_| outcome.rcond(0)),
                determinant: ask.determinant.then(|| outcome.determinant(0)),
                overflow: None,
            })
        })
    }
}

/// A scalar that there are kernels for.
pub(crate) trait Kernels: Sized {
    /// The kernel of a set.
    fn kernel(set: Set) -> Kernel<Self>;
}

/// A kernel of lanes `$lanes` of a vector. Each small order is a function of its own: debug builds
/// keep every temporary on the stack.
macro_rules! kernel {
    ($scalar:ty, $lanes:ty, $vector:ty,
     $r:literal $c:literal $rx:literal $cx:literal,
     $blocks:literal $tile:literal $steps:literal $pass:literal, $few:expr
     $(, $features:literal)?) => {{
        $(#[target_feature(enable = $features)])?
        unsafe fn any(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { lu::invert::<$lanes, _, $r, $c, $rx, $cx>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn tiny<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { tiny::invert::<$lanes, _, N>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn single(task: &mut Task<'_, $scalar>, lane: usize) {
            // SAFETY: the caller's promise.
            unsafe { single::invert::<$lanes, _, $blocks, $tile, $steps, $pass>(task, lane) }
        }
        Kernel {
            lanes: <$vector>::LANES,
            vector: size_of::<$vector>(),
            entries: [any, tiny::<1>, tiny::<2>, tiny::<3>, tiny::<4>, tiny::<5>, tiny::<6>],
            single,
            few: $few,
        }
    }};
}

/// A group of a few matrices is not worth the lanes: measured. Tiny orders always are.
const FEW: Few = &[(7, 1), (16, 2), (24, 3), (32, 4)];

/// The entries of one scalar: one per set, each with the tiles that fit its registers: rows and
/// columns of one of the factorization, and of one of the inverse; of a single matrix, blocks and
/// columns, steps and columns of elimination.
macro_rules! kernels {
    ($scalar:ty, $parts:ident, $real:ty, $few:expr,
     $avx2:ident [$($a:literal)*] [$($b:literal)*],
     $avx512:ident [$($c:literal)*] [$($d:literal)*], $neon:ident) => {
        impl Kernels for $scalar {
            fn kernel(set: Set) -> Kernel<Self> {
                match set {
                    Set::Portable => {
                        kernel!($scalar, $parts<One<$real>>, One<$real>, 2 2 4 2, 4 2 2 2, $few)
                    }
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => kernel!(
                        $scalar,
                        $parts<x86::$avx2>,
                        x86::$avx2,
                        $($a)*,
                        $($b)*,
                        FEW,
                        "avx2,fma"
                    ),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => kernel!(
                        $scalar,
                        $parts<x86::$avx512>,
                        x86::$avx512,
                        $($c)*,
                        $($d)*,
                        FEW,
                        "avx512f,avx512dq,avx512vl,avx512bw,fma"
                    ),
                    // As many registers as AVX-512, so the same tiles.
                    #[cfg(target_arch = "aarch64")]
                    Set::Neon => kernel!(
                        $scalar,
                        $parts<neon::$neon>,
                        neon::$neon,
                        $($c)*,
                        $($d)*,
                        FEW,
                        "neon"
                    ),
                }
            }
        }
    };
}

// One lane has nothing to gain but a better order of work.
kernels!(f32, Real, f32, &[(20, 1)],
    F32x8 [2 4 4 2] [2 4 2 4], F32x16 [4 4 8 3] [4 4 4 4], F32x4);
kernels!(f64, Real, f64, &[(20, 1)],
    F64x4 [2 4 4 2] [2 4 2 4], F64x8 [4 4 8 3] [4 4 4 4], F64x2);
kernels!(Complex32, Complex, f32, &[],
    F32x8 [2 2 2 2] [2 2 2 2], F32x16 [2 4 4 2] [2 4 2 4], F32x4);
kernels!(Complex64, Complex, f64, &[],
    F64x4 [2 2 2 2] [2 2 2 2], F64x8 [2 4 4 2] [2 4 2 4], F64x2);
