//! The native engine: small matrices, one alone in all lanes or one per SIMD lane.
//!
//! [`lu`], [`cholesky`] and [`triangle`] are the algorithms, [`single`] is that of `lu` for one
//! matrix: all generic over what a register holds ([`vector`]: the registers of each instruction
//! set; [`lanes`]: real and complex scalars made of them). [`set`] says which instruction sets this
//! machine has. A [`Kernel`] is the algorithms compiled for a set and a scalar: with one lane it is
//! plain Rust, and the reference for the others.
//!
//! In every lane rows are exchanged for the largest pivot, as in LAPACK, and no lane sees what
//! happens in another. A matrix that a kernel cannot invert to the satisfaction of all that was
//! asked is left as it was: the caller takes it out of the group.

// What is not inlined is compiled without the features of the kernel's entry (see `vector`).
#![allow(clippy::inline_always)]
// Loops over rows and lanes count: that is how they are unrolled, and how the mathematics reads.
#![allow(clippy::needless_range_loop)]

mod checks;
mod cholesky;
mod factor;
mod kinds;
mod lanes;
mod lu;
#[cfg(target_arch = "aarch64")]
mod neon;
mod scan;
pub(crate) mod set;
mod single;
mod solve;
#[cfg(test)]
mod structured_tests;
mod task;
#[cfg(test)]
mod tests;
mod tiles;
mod tiny;
mod triangle;
mod vector;
#[cfg(target_arch = "x86_64")]
mod x86;

use crate::determinant::Product;
use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts};
use crate::structure::Triangle;
pub(crate) use kinds::Kinds;
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
    positive_definite: [Entry<T>; tiles::MAX_BLOCK + 1],
    triangular: [Entry<T>; tiles::MAX_BLOCK + 1],
    /// Looks which kinds of matrices there are, and inverts none.
    find: Entry<T>,
}

/// How a kernel goes over a group.
enum Way<T> {
    /// A matrix per lane.
    InLanes(Entry<T>),
    /// Matrix by matrix.
    OneByOne(Single<T>),
}

/// What a kernel inverts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any matrix, by LU.
    General,
    /// By Cholesky. One triangle is read, and the imaginary part of the diagonal is not.
    PositiveDefinite(Triangle),
    /// One triangle is read; the inverse is zero beside it.
    Triangular(Triangle),
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

impl<T> Group<'_, T> {
    /// The same group once more.
    pub(crate) fn again(&mut self) -> Group<'_, T> {
        match self {
            Group::Into(from, to) => Group::Into(from, to),
            Group::InPlace(a) => Group::InPlace(a),
        }
    }

    /// Where the matrices are read.
    pub(crate) fn input(&self) -> &[T] {
        match self {
            Group::Into(from, _) => from,
            Group::InPlace(a) => a,
        }
    }
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

    /// The first column without a pivot, or without a positive one where that is called for.
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
    #[cfg(test)]
    pub(crate) fn invert<'w>(
        self,
        work: &'w mut Work<T>,
        n: usize,
        group: Group<'_, T>,
        request: Request,
    ) -> Outcome<'w, T> {
        self.invert_as(Kind::General, u32::MAX, work, n, group, request)
    }

    /// Inverts those of up to [`lanes`](Self::lanes) matrices of order `n` that `only` has, as
    /// matrices of this kind.
    pub(crate) fn invert_as<'w>(
        self,
        kind: Kind,
        only: u32,
        work: &'w mut Work<T>,
        n: usize,
        group: Group<'_, T>,
        request: Request,
    ) -> Outcome<'w, T> {
        let (entries, triangle): (&[Entry<T>], _) = match kind {
            Kind::General => (&self.entries, Triangle::Lower),
            Kind::PositiveDefinite(triangle) => (&self.positive_definite, triangle),
            Kind::Triangular(triangle) => (&self.triangular, triangle),
        };
        let places = match group {
            Group::Into(from, to) => {
                assert_eq!(from.len(), to.len());
                (from.as_ptr(), to.as_mut_ptr(), to.len())
            }
            Group::InPlace(a) => (a.as_ptr(), a.as_mut_ptr(), a.len()),
        };
        let way = if kind == Kind::General && places.2 <= self.few(n) * n * n {
            Way::OneByOne(self.single)
        } else {
            Way::InLanes(*entries.get(n).unwrap_or(&entries[0]))
        };
        // SAFETY: these are slices; what is written is unique.
        unsafe { self.run(way, (triangle, only), work, n, places, request) }
    }

    /// Looks which kinds of matrices there are in a group.
    pub(crate) fn kinds(self, work: &mut Work<T>, n: usize, group: &[T]) -> Kinds {
        let (rcond, min_rcond) = (None, None);
        let request = Request { detect: true, rcond, min_rcond, determinant: false, wary: false };
        let none = std::ptr::null_mut();
        let places = (group.as_ptr(), none, group.len());
        // SAFETY: the group can be read; the entry writes none of it.
        unsafe {
            self.run(Way::InLanes(self.find), (Triangle::Lower, u32::MAX), work, n, places, request)
        }
        .found
        .kinds
    }

    /// Goes over matrices: where they are, where their inverses go, and how many scalars
    /// that is.
    ///
    /// # Safety
    ///
    /// They may be read and written there; the places are the same or apart.
    unsafe fn run<'w>(
        self,
        way: Way<T>,
        (triangle, only): (Triangle, u32),
        work: &'w mut Work<T>,
        n: usize,
        (from, to, len): (*const T, *mut T, usize),
        request: Request,
    ) -> Outcome<'w, T> {
        assert!((1..=MAX_ORDER).contains(&n), "order {n}");
        let size = n * n;
        let count = len / size;
        assert!(len % size == 0 && (1..=self.lanes).contains(&count), "{len} scalars, order {n}");
        let parts = if T::COMPLEX { 2 } else { 1 };
        let vectors = match way {
            Way::InLanes(_) => lu::vectors(n, parts),
            Way::OneByOne(_) => single::vectors(n, parts, self.lanes),
        };
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
            triangle,
            only,
            found: &mut work.found,
        };
        // SAFETY: there are `count` matrices of n² scalars at `from` and `to`, as the caller
        // promises. The memory is what the kernel says it needs, aligned to 64 bytes; there is
        // room for n · LANES pivots if they are asked for. `of` has looked whether the CPU has
        // the set.
        unsafe {
            match way {
                Way::InLanes(entry) => entry(&mut task),
                Way::OneByOne(single) => {
                    for lane in (0..count).filter(|lane| only >> lane & 1 == 1) {
                        single(&mut task, lane);
                    }
                }
            }
        }
        Outcome { n, lanes: self.lanes, found: &work.found, pivots: &work.pivots }
    }

    /// Inverts one general matrix: [`one_as`](Self::one_as).
    pub(crate) fn one(
        self,
        work: &mut Work<T>,
        n: usize,
        a: &mut [T],
        ask: Ask,
    ) -> Option<Result<Facts<T>, Breakdown>> {
        self.one_as(Kind::General, work, n, a, ask)
    }

    /// Inverts one matrix, to the bits that it would have in any group. `None` if that is beyond
    /// plain arithmetic (something is not finite, or a norm over- or underflows): `a` is then as
    /// it was, as it is after a breakdown.
    pub(crate) fn one_as(
        self,
        kind: Kind,
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
        let outcome = self.invert_as(kind, u32::MAX, work, n, Group::InPlace(a), request);
        if let Some(step) = outcome.singular(0) {
            return Some(Err(match kind {
                Kind::PositiveDefinite(_) => Breakdown::NotPositive(step),
                Kind::General | Kind::Triangular(_) => Breakdown::ZeroPivot(step),
            }));
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
        $(#[target_feature(enable = $features)])?
        unsafe fn cholesky<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { cholesky::invert::<$lanes, _, N>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn triangle<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { triangle::invert::<$lanes, _, N>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn find(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { kinds::find::<$lanes, _>(task) }
        }
        Kernel {
            lanes: <$vector>::LANES,
            vector: size_of::<$vector>(),
            entries: [any, tiny::<1>, tiny::<2>, tiny::<3>, tiny::<4>, tiny::<5>, tiny::<6>],
            single,
            few: $few,
            positive_definite: [
                cholesky::<0>,
                cholesky::<1>,
                cholesky::<2>,
                cholesky::<3>,
                cholesky::<4>,
                cholesky::<5>,
            ],
            triangular: [
                triangle::<0>,
                triangle::<1>,
                triangle::<2>,
                triangle::<3>,
                triangle::<4>,
                triangle::<5>,
            ],
            find,
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
