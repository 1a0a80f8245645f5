//! A kernel: how runs of matrices go to the algorithms that are compiled for a set and a scalar.

mod compiled;
#[cfg(test)]
mod tests;

use crate::columnwise;
use crate::columnwise::MAX_SINGLE;
use crate::contract::{Ask, Breakdown, Facts, Kind};
use crate::determinant::Product;
use crate::interleaved::args::{Found, GroupArgs, Request};
use crate::interleaved::classify::Kinds;
use crate::interleaved::load_store::PartialLine;
use crate::interleaved::lu::tiny;
use crate::interleaved::{MAX_ORDER, lu, square};
use crate::scalar::Scalar;
use crate::simd::set;
use crate::simd::set::Set;
use crate::simd::vector::MAX_LANES;
use std::ops::Range;

/// Groups are inverted, up to one that has a matrix which is not.
///
/// # Safety
///
/// The task is sound and the CPU has the set.
type Entry<T> = unsafe fn(&mut GroupArgs<'_, T>);

/// The matrix of one lane is inverted.
///
/// # Safety
///
/// As for [`Entry`].
type SingleEntry<T> = unsafe fn(&mut GroupArgs<'_, T>, lane: usize);

/// A kernel of some set for a scalar.
#[derive(Debug)]
pub struct Kernel<T> {
    /// Matrices per group.
    pub(crate) lanes: usize,
    /// Bytes of a vector.
    pub(crate) vector: usize,
    /// By order; the first one takes every order.
    pub(crate) entries: [Entry<T>; 13],
    /// One matrix of an order that is not tiny.
    pub(crate) single: SingleEntry<T>,
    /// One positive definite matrix of an order that is more than one block.
    pub(crate) single_definite: SingleEntry<T>,
    /// Which groups go matrix by matrix.
    pub(crate) few: OneByOneUpTo,
    /// The same of positive definite matrices.
    pub(crate) few_definite: OneByOneUpTo,
    pub(crate) positive_definite: ByOrder<T>,
    pub(crate) indefinite: Entry<T>,
    pub(crate) triangular: ByOrder<T>,
    /// The same for a single matrix, by the same arithmetic without lanes.
    pub(crate) positive_definite_alone: Entry<T>,
    pub(crate) indefinite_alone: Entry<T>,
    pub(crate) triangular_alone: Entry<T>,
    /// Looks which kinds of matrices there are, and inverts none.
    pub(crate) find: Entry<T>,
}

/// The entries of a kernel for a structure; the first one takes every order that is no block.
type ByOrder<T> = [Entry<T>; square::MAX_BLOCK + 1];

/// How a kernel goes over a group.
#[derive(Clone, Copy)]
enum Way<T> {
    /// All at once.
    InLanes(Entry<T>),
    /// Matrix by matrix.
    OneByOne(SingleEntry<T>),
}

/// Up to how many matrices, in eighths of a full group, a group is inverted one after the other, each
/// by all lanes: from an order on, in ascending order.
pub(crate) type OneByOneUpTo = &'static [(usize, usize)];

/// In [`OneByOneUpTo`]: one matrix.
pub(crate) const ALONE: usize = 0;

/// In [`OneByOneUpTo`]: however many there are.
pub(crate) const EVERY: usize = usize::MAX;

impl<T> Clone for Kernel<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Kernel<T> {}

/// What a kernel keeps from group to group.
pub struct Scratch<T> {
    lines: Vec<Line>,
    pivots: Vec<T>,
    found: Found,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch { lines: Vec::new(), pivots: Vec::new(), found: Found::new() }
    }
}

/// A cache line, aligned for any vector.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// The matrices of a run: `n²` scalars each, one behind the other, by columns.
pub enum Group<'a, T> {
    /// Read here, written there.
    Into(&'a [T], &'a mut [T]),
    /// Replaced by their inverses.
    InPlace(&'a mut [T]),
}

impl<T> Group<'_, T> {
    /// The same matrices once more, from a scalar on.
    pub fn again(&mut self, scalars: Range<usize>) -> Group<'_, T> {
        match self {
            Group::Into(from, to) => Group::Into(&from[scalars.clone()], &mut to[scalars]),
            Group::InPlace(a) => Group::InPlace(&mut a[scalars]),
        }
    }

    /// Where the matrices are read.
    pub fn input(&self) -> &[T] {
        match self {
            Group::Into(from, _) => from,
            Group::InPlace(a) => a,
        }
    }
}

/// What became of the matrices of the last group that was worked on; those of the groups before
/// were all inverted.
pub struct Outcome<'a, T> {
    first: usize,
    n: usize,
    request: Request,
    lanes: usize,
    found: &'a Found,
    pivots: &'a [T],
}

impl<T: Scalar> Outcome<'_, T> {
    /// The first matrix of the group.
    pub fn first(&self) -> usize {
        self.first
    }

    /// The matrices that were inverted, the first in the lowest bit; the others are as they were.
    pub fn inverted(&self) -> u32 {
        self.found.inverted
    }

    /// The matrices that the kernel for this kind has found not to be positive definite.
    pub fn not_positive(&self, kind: Kind) -> u32 {
        if let Kind::PositiveDefinite(_) = kind { self.found.singular } else { 0 }
    }

    /// What was asked of the first matrix, if it was inverted.
    pub fn facts(&self) -> Option<Facts<T>> {
        (self.inverted() & 1 == 1).then(|| Facts {
            rcond: self.request.rcond.map(|_| self.rcond(0)),
            determinant: self.request.determinant.then(|| self.determinant(0)),
            overflow: None,
            finite: false,
        })
    }

    /// The first column without a pivot, or without a positive one where that is called for.
    pub fn singular(&self, lane: usize) -> Option<usize> {
        (self.found.singular >> lane & 1 == 1).then(|| self.found.column[lane])
    }

    /// The reciprocal condition number, if asked for.
    pub fn rcond(&self, lane: usize) -> f64 {
        self.found.rcond[lane]
    }

    /// det / |det| and log |det|, if asked for.
    pub fn determinant(&self, lane: usize) -> (T, f64) {
        let mut product = Product::default();
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
    pub fn best() -> Self {
        Self::of(set::best())
    }

    /// The kernel of a set.
    ///
    /// # Panics
    ///
    /// If this machine lacks it.
    pub fn of(set: Set) -> Self {
        assert!(set.is_available(), "this machine has no {set:?}");
        compiled::kernel(set)
    }

    /// Matrices per group.
    pub fn lanes(self) -> usize {
        self.lanes
    }

    /// Up to how many matrices of order `n` are inverted one after the other.
    fn few(self, few: OneByOneUpTo, n: usize) -> usize {
        let row = few.iter().rev().find(|(from, _)| n >= *from);
        match row.filter(|_| n > tiny::MAX_ORDER) {
            None => 0,
            Some((_, EVERY)) => usize::MAX,
            Some((_, ALONE)) => 1,
            Some((_, eighths)) => (self.lanes * eighths).div_ceil(8),
        }
    }

    /// Inverts general matrices of order `n`: [`invert_as`](Self::invert_as).
    #[cfg(test)]
    pub(crate) fn invert<'w>(
        self,
        work: &'w mut Scratch<T>,
        n: usize,
        group: Group<'_, T>,
        request: Request,
    ) -> Outcome<'w, T> {
        self.invert_as(Kind::General, u32::MAX, work, n, group, request)
    }

    /// Inverts matrices of order `n` as matrices of this kind, in groups of
    /// [`lanes`](Self::lanes), to the end or to the first group in which one cannot be inverted to
    /// the satisfaction of all that is asked. Of a single group, those that `only` has.
    ///
    /// # Panics
    ///
    /// If `n` is not from 1 to [`MAX_SINGLE`] ([`MAX_ORDER`] of indefinite and triangular matrices), if the slices are not
    /// of whole matrices, one at least, or of one length, or if `only` leaves some and there is more than a group.
    pub fn invert_as<'w>(
        self,
        kind: Kind,
        only: u32,
        work: &'w mut Scratch<T>,
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
            Group::InPlace(a) => {
                // One pointer for both: another one made first would end where this one begins.
                let (all, count) = (a.as_mut_ptr(), a.len());
                (all.cast_const(), all, count)
            }
        };
        let alone = kind != Kind::General && places.2 == n * n;
        let count = (places.2 / (n * n)).min(only.count_ones() as usize);
        let by_order = |entries: &[Entry<T>]| *entries.get(n).unwrap_or(&entries[0]);
        let few = self.few(self.few_definite, n);
        let way = match kind {
            Kind::General if count <= self.few(self.few, n) => Way::OneByOne(self.single),
            Kind::General => Way::InLanes(by_order(&self.entries)),
            Kind::PositiveDefinite(_) if count <= few => Way::OneByOne(self.single_definite),
            Kind::PositiveDefinite(_) if alone => Way::InLanes(self.positive_definite_alone),
            Kind::PositiveDefinite(_) => Way::InLanes(by_order(&self.positive_definite)),
            Kind::Indefinite(..) if alone => Way::InLanes(self.indefinite_alone),
            Kind::Indefinite(..) => Way::InLanes(self.indefinite),
            Kind::Triangular(_) if alone => Way::InLanes(self.triangular_alone),
            Kind::Triangular(_) => Way::InLanes(by_order(&self.triangular)),
        };
        // SAFETY: these are slices; what is written is unique.
        let outcome = unsafe { self.run(way, (kind, only), work, n, places, request) };
        let lanes = if alone && matches!(way, Way::InLanes(_)) { 1 } else { self.lanes };
        Outcome { lanes, ..outcome }
    }

    /// Looks which kinds of matrices there are in a group.
    ///
    /// # Panics
    ///
    /// As [`invert_as`](Self::invert_as), and with more than a group.
    pub fn kinds(self, work: &mut Scratch<T>, n: usize, group: &[T]) -> Kinds {
        let request = Request {
            detect: true,
            rcond: None,
            report: false,
            min_rcond: None,
            determinant: false,
            reject_tiny_pivots: false,
            stream: false,
        };
        assert!(group.len() <= self.lanes * n * n);
        let none = std::ptr::null_mut();
        let places = (group.as_ptr(), none, group.len());
        // SAFETY: the group can be read; the entry writes none of it.
        unsafe {
            self.run(Way::InLanes(self.find), (Kind::General, u32::MAX), work, n, places, request)
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
        (kind, only): (Kind, u32),
        work: &mut Scratch<T>,
        n: usize,
        (from, to, len): (*const T, *mut T, usize),
        request: Request,
    ) -> Outcome<'_, T> {
        let most = match kind {
            Kind::General | Kind::PositiveDefinite(_) => MAX_SINGLE,
            _ => MAX_ORDER,
        };
        assert!((1..=most).contains(&n), "{kind:?} of order {n}");
        let size = n * n;
        let count = len / size;
        assert!(len % size == 0 && count > 0, "{len} scalars, order {n}");
        assert!(only == u32::MAX || count <= self.lanes, "{count} matrices of which to leave some");
        let parts = if T::COMPLEX { 2 } else { 1 };
        let vectors = match way {
            Way::InLanes(_) => lu::vectors(n, parts),
            Way::OneByOne(_) => columnwise::vectors(n, parts, self.lanes),
        };
        let lines = (vectors * self.vector).div_ceil(size_of::<Line>());
        if work.lines.len() < lines {
            work.lines.resize(lines, Line([0; 64]));
        }
        if request.determinant && work.pivots.len() < n * MAX_LANES {
            work.pivots.resize(n * MAX_LANES, T::zero());
        }
        work.found.clear();
        let mut task = GroupArgs {
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
            triangle: kind.triangle().unwrap_or_default(),
            hermitian: kind.is_hermitian(),
            only,
            rest: PartialLine::new(),
            found: &mut work.found,
        };
        // SAFETY: there are `left` matrices of n² scalars at `from` and `to`, as the caller
        // promises. The memory is what the kernel says it needs, aligned to 64 bytes; there is
        // room for n · LANES pivots if they are asked for. `of` has looked whether the CPU has
        // the set. A rest is what is left of matrices at `to`.
        unsafe {
            match way {
                Way::InLanes(entry) => entry(&mut task),
                Way::OneByOne(single) => loop {
                    for lane in (0..task.count).filter(|lane| only >> lane & 1 == 1) {
                        single(&mut task, lane);
                    }
                    if !task.next() {
                        break;
                    }
                },
            }
            task.rest.write();
        }
        let first = count - task.left;
        Outcome { first, n, request, lanes: self.lanes, found: &work.found, pivots: &work.pivots }
    }

    /// Inverts one matrix, to the bits that it would have in any group. `None` if that is beyond
    /// plain arithmetic (something is not finite, or a norm over- or underflows): nothing has then
    /// been written, as after a breakdown.
    ///
    /// # Panics
    ///
    /// As [`invert_as`](Self::invert_as).
    pub fn one_as(
        self,
        kind: Kind,
        work: &mut Scratch<T>,
        n: usize,
        matrix: Group<'_, T>,
        ask: Ask,
    ) -> Option<Result<Facts<T>, Breakdown>> {
        let request = Request {
            detect: false,
            rcond: ask.rcond,
            report: true,
            min_rcond: None,
            determinant: ask.determinant,
            reject_tiny_pivots: ask.reject_tiny_pivots,
            stream: false,
        };
        let outcome = self.invert_as(kind, u32::MAX, work, n, matrix, request);
        if let Some(step) = outcome.singular(0) {
            return Some(Err(match kind {
                Kind::PositiveDefinite(_) => Breakdown::NotPositive(step),
                Kind::General | Kind::Indefinite(..) | Kind::Triangular(_) => {
                    Breakdown::ZeroPivot(step)
                }
            }));
        }
        outcome.facts().map(Ok)
    }
}
