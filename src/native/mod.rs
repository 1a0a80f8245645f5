//! The native engine: small matrices, one alone in all lanes or one per SIMD lane.
//!
//! [`lu`], [`cholesky`] and [`triangle`] are the algorithms, [`single`] is that of `lu` for one
//! matrix: all generic over what a register holds ([`vector`]: the registers of each instruction
//! set; [`lanes`]: real and complex scalars made of them). [`set`] says which instruction sets this
//! machine has. A [`Kernel`] is the algorithms compiled for a set and a scalar: with one lane it is
//! plain Rust, and the reference for the others.
//!
//! A kernel goes through a run of matrices group by group; while it works on one, the next is
//! fetched, and what is too much for the caches is written past them.
//!
//! In every lane rows are exchanged for the largest pivot, as in LAPACK, and no lane sees what
//! happens in another. A matrix that a kernel cannot invert to the satisfaction of all that was
//! asked is left as it was: the caller takes it out of the group.

// What is not inlined is compiled without the features of the kernel's entry (see `vector`).
#![allow(clippy::inline_always)]
// Loops over rows and lanes count: that is how they are unrolled, and how the mathematics reads.
#![allow(clippy::needless_range_loop)]

pub(crate) mod blocked;
mod checks;
mod cholesky;
mod factor;
#[cfg(all(test, unix))]
mod guarded;
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
pub(crate) mod whole;
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
use std::ops::Range;
pub(crate) use task::Request;
use task::{Found, Task};
use vector::{Fused, MAX_LANES, One, Vector};

/// The largest order that a kernel takes.
pub(crate) const MAX_ORDER: usize = 64;

/// Groups are inverted, up to one that has a matrix which is not.
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
    entries: [Entry<T>; 9],
    /// One matrix of an order that is not tiny.
    single: Single<T>,
    /// Which groups go matrix by matrix.
    few: Few,
    positive_definite: ByOrder<T>,
    triangular: ByOrder<T>,
    /// The same for a single matrix, by the same arithmetic without lanes.
    positive_definite_alone: ByOrder<T>,
    triangular_alone: ByOrder<T>,
    /// Looks which kinds of matrices there are, and inverts none.
    find: Entry<T>,
}

/// The entries of a kernel for a structure; the first one takes every order that is no block.
type ByOrder<T> = [Entry<T>; tiles::MAX_BLOCK + 1];

/// How a kernel goes over a group.
#[derive(Clone, Copy)]
enum Way<T> {
    /// All at once.
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

/// The matrices of a run: `n²` scalars each, one behind the other, by columns.
pub(crate) enum Group<'a, T> {
    /// Read here, written there.
    Into(&'a [T], &'a mut [T]),
    /// Replaced by their inverses.
    InPlace(&'a mut [T]),
}

impl<T> Group<'_, T> {
    /// The same matrices once more, from a scalar on.
    pub(crate) fn again(&mut self, scalars: Range<usize>) -> Group<'_, T> {
        match self {
            Group::Into(from, to) => Group::Into(&from[scalars.clone()], &mut to[scalars]),
            Group::InPlace(a) => Group::InPlace(&mut a[scalars]),
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

/// What became of the matrices of the last group that was worked on; those of the groups before
/// were all inverted.
pub(crate) struct Outcome<'a, T> {
    first: usize,
    n: usize,
    request: Request,
    lanes: usize,
    found: &'a Found,
    pivots: &'a [T],
}

impl<T: Scalar> Outcome<'_, T> {
    /// The first matrix of the group.
    pub(crate) fn first(&self) -> usize {
        self.first
    }

    /// The matrices that were inverted, the first in the lowest bit; the others are as they were.
    pub(crate) fn inverted(&self) -> u32 {
        self.found.inverted
    }

    /// What was asked of the first matrix, if it was inverted.
    pub(crate) fn facts(&self) -> Option<Facts<T>> {
        (self.inverted() & 1 == 1).then(|| Facts {
            rcond: self.request.rcond.map(|_| self.rcond(0)),
            determinant: self.request.determinant.then(|| self.determinant(0)),
            overflow: None,
        })
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

    /// Inverts general matrices of order `n`: [`invert_as`](Self::invert_as).
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

    /// Inverts matrices of order `n` as matrices of this kind, in groups of
    /// [`lanes`](Self::lanes), to the end or to the first group in which one cannot be inverted to
    /// the satisfaction of all that is asked. Of a single group, those that `only` has.
    pub(crate) fn invert_as<'w>(
        self,
        kind: Kind,
        only: u32,
        work: &'w mut Work<T>,
        n: usize,
        group: Group<'_, T>,
        request: Request,
    ) -> Outcome<'w, T> {
        let stream = request.stream && matches!(group, Group::Into(..));
        let request = Request { stream, ..request };
        let places = match group {
            Group::Into(from, to) => {
                assert_eq!(from.len(), to.len());
                (from.as_ptr(), to.as_mut_ptr(), to.len())
            }
            Group::InPlace(a) => (a.as_ptr(), a.as_mut_ptr(), a.len()),
        };
        let alone = kind != Kind::General && places.2 == n * n;
        let (entries, triangle): (&[Entry<T>], _) = match kind {
            Kind::General => (&self.entries, Triangle::Lower),
            Kind::PositiveDefinite(triangle) if alone => (&self.positive_definite_alone, triangle),
            Kind::PositiveDefinite(triangle) => (&self.positive_definite, triangle),
            Kind::Triangular(triangle) if alone => (&self.triangular_alone, triangle),
            Kind::Triangular(triangle) => (&self.triangular, triangle),
        };
        let way = if kind == Kind::General && places.2 <= self.few(n) * n * n {
            Way::OneByOne(self.single)
        } else {
            Way::InLanes(*entries.get(n).unwrap_or(&entries[0]))
        };
        // SAFETY: these are slices; what is written is unique.
        let outcome = unsafe { self.run(way, (triangle, only), work, n, places, request) };
        Outcome { lanes: if alone { 1 } else { self.lanes }, ..outcome }
    }

    /// Looks which kinds of matrices there are in a group.
    pub(crate) fn kinds(self, work: &mut Work<T>, n: usize, group: &[T]) -> Kinds {
        let (rcond, min_rcond) = (None, None);
        let (determinant, wary, stream) = (false, false, false);
        let request = Request { detect: true, rcond, min_rcond, determinant, wary, stream };
        assert!(group.len() <= self.lanes * n * n);
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
    unsafe fn run(
        self,
        way: Way<T>,
        (triangle, only): (Triangle, u32),
        work: &mut Work<T>,
        n: usize,
        (from, to, len): (*const T, *mut T, usize),
        request: Request,
    ) -> Outcome<'_, T> {
        assert!((1..=MAX_ORDER).contains(&n), "order {n}");
        let size = n * n;
        let count = len / size;
        assert!(len % size == 0 && count > 0, "{len} scalars, order {n}");
        assert!(only == u32::MAX || count <= self.lanes, "{count} matrices of which to leave some");
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
            lanes: self.lanes,
            count: count.min(self.lanes),
            left: count,
            from,
            to,
            ahead: from.wrapping_add(count.min(self.lanes) * size).cast(),
            memory: work.lines.as_mut_ptr().cast(),
            pivots: work.pivots.as_mut_ptr(),
            request,
            triangle,
            only,
            found: &mut work.found,
        };
        // SAFETY: there are `left` matrices of n² scalars at `from` and `to`, as the caller
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
        let first = count - task.left;
        Outcome { first, n, request, lanes: self.lanes, found: &work.found, pivots: &work.pivots }
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
            stream: false,
        };
        let outcome = self.invert_as(kind, u32::MAX, work, n, Group::InPlace(a), request);
        if let Some(step) = outcome.singular(0) {
            return Some(Err(match kind {
                Kind::PositiveDefinite(_) => Breakdown::NotPositive(step),
                Kind::General | Kind::Triangular(_) => Breakdown::ZeroPivot(step),
            }));
        }
        outcome.facts().map(Ok)
    }
}

/// A scalar that there are kernels for.
pub(crate) trait Kernels: Sized {
    /// The kernel of a set.
    fn kernel(set: Set) -> Kernel<Self>;
}

/// An entry for each order.
macro_rules! by_order {
    ($entry:ident) => {
        [$entry::<0>, $entry::<1>, $entry::<2>, $entry::<3>, $entry::<4>, $entry::<5>]
    };
}

/// A kernel of lanes `$lanes` of a vector; `$alone` are its scalars one by one. Each small order is
/// a function of its own: debug builds keep every temporary on the stack.
macro_rules! kernel {
    ($scalar:ty, $lanes:ty, $alone:ty, $vector:ty, $small:literal,
     $r:literal $c:literal $rx:literal $half:literal $cx:literal,
     $blocks:literal $tile:literal $steps:literal $pass:literal, $few:expr
     $(, $features:literal)?) => {{
        $(#[target_feature(enable = $features)])?
        unsafe fn order<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe {
                loop {
                    lu::invert::<$lanes, _, N, $r, $c, $rx, $half, $cx>(task);
                    if !task.next() {
                        break;
                    }
                }
                <$vector>::fence();
            }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn tiny<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe {
                loop {
                    tiny::invert::<$lanes, _, N>(task);
                    if !task.next() {
                        break;
                    }
                }
                <$vector>::fence();
            }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn single(task: &mut Task<'_, $scalar>, lane: usize) {
            // SAFETY: the caller's promise.
            unsafe { single::invert::<$lanes, _, $blocks, $tile, $steps, $pass>(task, lane) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn cholesky<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe {
                loop {
                    cholesky::invert::<$lanes, _, N>(task);
                    if !task.next() {
                        break;
                    }
                }
                <$vector>::fence();
            }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn triangle<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe {
                loop {
                    triangle::invert::<$lanes, _, N>(task);
                    if !task.next() {
                        break;
                    }
                }
                <$vector>::fence();
            }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn find(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { kinds::find::<$lanes, _>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn cholesky_alone<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { cholesky::invert::<$alone, _, N>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn triangle_alone<const N: usize>(task: &mut Task<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe { triangle::invert::<$alone, _, N>(task) }
        }
        Kernel {
            lanes: <$vector>::LANES,
            vector: size_of::<$vector>(),
            entries: [
                order::<0>,
                tiny::<1>,
                tiny::<2>,
                tiny::<3>,
                tiny::<4>,
                tiny::<5>,
                order::<{ 6 * $small }>,
                order::<{ 7 * $small }>,
                order::<{ 8 * $small }>,
            ],
            single,
            few: $few,
            positive_definite: by_order!(cholesky),
            triangular: by_order!(triangle),
            positive_definite_alone: by_order!(cholesky_alone),
            triangular_alone: by_order!(triangle_alone),
            find,
        }
    }};
}

/// A group of a few matrices is not worth the lanes: measured. Tiny orders always are.
const FEW: Few = &[(7, 1), (16, 2), (24, 3), (32, 4)];

/// The entries of one scalar: one per set. `$small` is 1 where orders 6 to 8 have functions
/// of their own; then the tiles that fit the set's registers, see [`lu::invert`]; of a single
/// matrix, blocks and columns, steps and columns of elimination.
macro_rules! kernels {
    ($scalar:ty, $parts:ident, $real:ty, $small:literal, $few:expr,
     $avx2:ident [$($a:literal)*] [$($b:literal)*],
     $avx512:ident [$($c:literal)*] [$($d:literal)*], $neon:ident) => {
        impl Kernels for $scalar {
            #[allow(clippy::erasing_op)] // order 0 is any order
            // Else every crate that calls it would compile all kernels once more.
            #[inline(never)]
            fn kernel(set: Set) -> Kernel<Self> {
                match set {
                    Set::Portable => {
                        kernel!($scalar, $parts<One<$real>>, $parts<One<$real>>, One<$real>, 0,
                            2 2 4 2 2, 4 2 2 2, $few)
                    }
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => kernel!(
                        $scalar,
                        $parts<x86::$avx2>,
                        $parts<Fused<$real>>,
                        x86::$avx2,
                        $small,
                        $($a)*,
                        $($b)*,
                        FEW,
                        "avx2,fma"
                    ),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => kernel!(
                        $scalar,
                        $parts<x86::$avx512>,
                        $parts<Fused<$real>>,
                        x86::$avx512,
                        $small,
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
                        $parts<Fused<$real>>,
                        neon::$neon,
                        $small,
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
kernels!(f32, Real, f32, 1, &[(20, 1)],
    F32x8 [2 4 4 2 2] [2 4 2 4], F32x16 [4 4 8 4 3] [4 4 4 4], F32x4);
kernels!(f64, Real, f64, 1, &[(20, 1)],
    F64x4 [2 4 4 2 2] [2 4 2 4], F64x8 [4 4 8 4 3] [4 4 4 4], F64x2);
kernels!(Complex32, Complex, f32, 0, &[],
    F32x8 [2 2 2 1 2] [2 2 2 2], F32x16 [2 4 4 2 2] [2 4 2 4], F32x4);
kernels!(Complex64, Complex, f64, 0, &[],
    F64x4 [2 2 2 1 2] [2 2 2 2], F64x8 [2 4 4 2 2] [2 4 2 4], F64x2);
