//! What a kernel is given, and what it finds out.

use crate::contract::{Norm, Triangle};
use crate::interleaved::classify::Kinds;
use crate::interleaved::load_store::PartialLine;
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar};
use crate::simd::vector::{MAX_LANES, Tile, Vector, reciprocal_of_product};

/// What to find out of each matrix beside its inverse.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // each is asked for, or not, whatever the others
pub struct Request {
    /// Leave matrices alone that have another structure than the kernel is for?
    pub detect: bool,
    /// Compute the reciprocal condition number in this norm of the slice?
    pub rcond: Option<Norm>,
    /// Is it wanted itself, not only held against the limit?
    pub report: bool,
    /// Leave matrices alone whose reciprocal condition number is not at least this one?
    pub min_rcond: Option<Limit>,
    /// Compute sign and log |det|?
    pub determinant: bool,
    /// Leave matrices alone of which a pivot may be the rounding error of a zero?
    pub reject_tiny_pivots: bool,
    /// Write past the cache? Only where the inverses do not replace the matrices.
    pub stream: bool,
}

/// The least reciprocal condition number that is accepted.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    pub(crate) rcond: f64,
    /// The largest product of norms times [`SHRINK`] that gives no less, so that nothing has to be
    /// divided to tell.
    product: f64,
}

impl Limit {
    /// That of a number from 0 to 1.
    pub fn new(rcond: f64) -> Self {
        // Numbers that are not negative are in the order of their bits, and the larger the
        // product, the smaller the quotient, as it is rounded.
        let (mut fits, mut above) = (0, f64::INFINITY.to_bits() + 1);
        if rcond <= 0.0 {
            fits = f64::INFINITY.to_bits();
        }
        while fits + 1 < above {
            let middle = u64::midpoint(fits, above);
            if reciprocal_of_product(f64::from_bits(middle), 1.0, SHRINK * SHRINK) >= rcond {
                fits = middle;
            } else {
                above = middle;
            }
        }
        Limit { rcond, product: f64::from_bits(fits) }
    }
}

/// A group of matrices, one per lane, under way.
pub(crate) struct GroupArgs<'a, T> {
    pub(crate) n: usize,
    /// Matrices of a full group.
    pub(crate) lanes: usize,
    /// Matrices of the group, one behind the other; the lanes behind them repeat the last one.
    pub(crate) count: usize,
    /// Matrices from this group on.
    pub(crate) left: usize,
    pub(crate) from: *const T,
    pub(crate) to: *mut T,
    /// What lies behind the group, and is fetched while it is worked on.
    pub(crate) ahead: *const u8,
    /// As many bytes as the kernel says it needs, aligned for any vector.
    pub(crate) memory: *mut u8,
    /// The pivots, lane after lane for each step, if the determinant is asked for.
    pub(crate) pivots: *mut T,
    pub(crate) request: Request,
    /// The triangle that is read, where only one is.
    pub(crate) triangle: Triangle,
    /// Is what is across the diagonal conjugated?
    pub(crate) hermitian: bool,
    /// The lanes that are to be inverted, if they hold a matrix.
    pub(crate) only: u32,
    pub(crate) rest: PartialLine,
    pub(crate) found: &'a mut Found,
}

/// What a kernel finds out of each lane.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Lanes whose inverse was written. The others hold what they held.
    pub(crate) inverted: u32,
    /// Lanes with an odd number of row exchanges.
    pub(crate) odd: u32,
    /// Lanes without a pivot in some column (by Cholesky: without a positive one), and the first
    /// such column.
    pub(crate) singular: u32,
    pub(crate) column: [usize; MAX_LANES],
    pub(crate) rcond: [f64; MAX_LANES],
    /// If they were looked for.
    pub(crate) kinds: Kinds,
}

impl Found {
    pub(crate) fn new() -> Self {
        let (column, rcond) = ([0; MAX_LANES], [f64::NAN; MAX_LANES]);
        Found { inverted: 0, odd: 0, singular: 0, column, rcond, kinds: Kinds::default() }
    }

    /// Forgets the last group. Numbers of lanes that are not told stay.
    pub(crate) fn clear(&mut self) {
        (self.inverted, self.odd, self.singular) = (0, 0, 0);
    }

    /// Notes that these lanes have no pivot in this column.
    #[cold]
    pub(crate) fn note_zero_pivot(&mut self, lanes: u32, column: usize) {
        let new = lanes & !self.singular;
        self.singular |= lanes;
        for (lane, noted) in self.column.iter_mut().enumerate() {
            if new >> lane & 1 == 1 {
                *noted = column;
            }
        }
    }
}

impl<T: Scalar> GroupArgs<'_, T> {
    /// The lanes that hold a matrix of their own, which is to be inverted.
    pub(crate) fn all(&self) -> u32 {
        self.only & ((1 << self.count) - 1)
    }

    /// Where a lane's matrix begins, counted in scalars.
    #[inline(always)]
    pub(crate) fn at(&self, lane: usize) -> usize {
        lane.min(self.count - 1) * self.n * self.n
    }

    /// Where a lane's matrix is read.
    #[inline(always)]
    pub(crate) fn from(&self, lane: usize) -> *const T {
        self.from.wrapping_add(self.at(lane))
    }

    /// Where each lane's matrix begins, counted in real numbers.
    ///
    /// # Safety
    ///
    /// The CPU has the instructions.
    #[inline(always)]
    pub(crate) unsafe fn bases<L: SimdScalar>(&self) -> L::Vector {
        let mut bases = [RealOf::<L>::default(); MAX_LANES];
        for lane in 0..L::Vector::LANES {
            bases[lane] = RealOf::<L>::from_f64((self.at(lane) * L::PARTS) as f64);
        }
        // SAFETY: there are the most lanes of any vector.
        unsafe { L::Vector::load(bases.as_ptr()) }
    }

    /// The numbers of the group, from scalar `at` on.
    #[inline(always)]
    pub(crate) fn numbers<R>(&self, at: usize) -> *const R {
        self.from.wrapping_add(at).cast()
    }

    /// Asks for as much of the group behind this one as `scalars` per lane are, if there is one.
    #[inline(always)]
    pub(crate) fn prefetch<L: SimdScalar>(&mut self, scalars: usize, n: usize) {
        let group = n * n * L::PARTS * size_of::<L::Vector>();
        let bytes = scalars * L::PARTS * size_of::<L::Vector>();
        if self.left > self.count {
            for line in (0..bytes).step_by(64) {
                // SAFETY: a group was read, so the CPU has the instructions.
                unsafe { L::Vector::prefetch(self.ahead.wrapping_add(line), group <= NEAR) };
            }
            self.ahead = self.ahead.wrapping_add(bytes);
        }
    }

    /// Asks for column `j` of the matrix behind that of a lane, if there is one.
    #[inline(always)]
    pub(crate) fn prefetch_column<V: Vector>(&self, lane: usize, j: usize) {
        if self.left > lane + 1 {
            let bytes = self.n * size_of::<T>();
            let column = self.from.wrapping_add((lane + 1) * self.n * self.n + j * self.n);
            for line in (0..bytes).step_by(64) {
                // SAFETY: a matrix was read, so the CPU has the instructions.
                unsafe { V::prefetch(column.cast::<u8>().wrapping_add(line), false) };
            }
        }
    }

    /// Goes on to the next group, if there is one and every matrix of this one was inverted.
    #[inline(always)]
    pub(crate) fn next(&mut self) -> bool {
        if self.found.inverted != self.all() || self.left <= self.count {
            return false;
        }
        let scalars = self.count * self.n * self.n;
        self.from = self.from.wrapping_add(scalars);
        self.to = self.to.wrapping_add(scalars);
        self.left -= self.count;
        self.count = self.left.min(self.lanes);
        self.ahead = self.from.wrapping_add(self.count * self.n * self.n).cast();
        self.found.clear();
        true
    }

    /// Where the inverses of the group are written.
    #[inline(always)]
    pub(crate) fn to<R>(&self) -> *mut R {
        self.to.cast()
    }

    /// Where a lane's inverse is written.
    #[inline(always)]
    pub(crate) fn to_lane<R>(&self, lane: usize) -> *mut R {
        self.to.wrapping_add(self.at(lane)).cast()
    }
}

/// Bytes of a group that are fetched into the first cache; those of larger ones are to wait in the
/// second.
const NEAR: usize = 8 << 10;

/// Reads `len` vectors: number e of every lane's matrix, counted from scalar `at` on, goes to
/// vector e.
///
/// # Safety
///
/// Every matrix has these numbers, `len` vectors can be written at `a`; the CPU has the
/// instructions.
#[inline(always)]
pub(crate) unsafe fn load<L: SimdScalar, T: Scalar>(
    task: &GroupArgs<'_, T>,
    at: usize,
    len: usize,
    a: *mut L::Vector,
) {
    let lanes = L::Vector::LANES;
    // SAFETY: the caller's promise.
    unsafe {
        if len == 4 && task.n * task.n * L::PARTS == 4 && task.count == lanes {
            let from = task.numbers::<RealOf<L>>(at);
            let fours = [0, 1, 2, 3].map(|at| L::Vector::load(from.add(at * lanes)));
            for (e, numbers) in L::Vector::deinterleave_4(fours).into_iter().enumerate() {
                a.add(e).write(numbers);
            }
            return;
        }
        load_from(len, a, |lane| task.from(lane).wrapping_add(at).cast());
    }
}

/// [`load`], from a place of each lane.
///
/// # Safety
///
/// `len` numbers can be read at every place, and as many vectors be written at `a`; the CPU has the
/// instructions.
#[inline(always)]
pub(crate) unsafe fn load_from<V: Vector>(
    len: usize,
    a: *mut V,
    place: impl Fn(usize) -> *const V::Real,
) {
    let lanes = V::LANES;
    let mut from = [std::ptr::null(); MAX_LANES];
    for lane in 0..V::LANES {
        from[lane] = place(lane);
    }
    // SAFETY: the caller's promise: never more than `len` from the start.
    unsafe {
        if len < lanes {
            let mut tile = empty::<V>();
            for lane in 0..V::LANES {
                tile[lane] = V::load_n(from[lane], len);
            }
            V::transpose(&mut tile);
            for e in 0..V::LANES {
                if e < len {
                    a.add(e).write(tile[e]);
                }
            }
            return;
        }
        let mut start = 0;
        loop {
            let mut tile = empty::<V>();
            for lane in 0..V::LANES {
                tile[lane] = V::load(from[lane].add(start));
            }
            V::transpose(&mut tile);
            for e in 0..V::LANES {
                a.add(start + e).write(tile[e]);
            }
            if start + lanes == len {
                return;
            }
            // The last tile reaches back over what was read before.
            start = (start + lanes).min(len - lanes);
        }
    }
}

/// A tile to be filled.
///
/// # Safety
///
/// The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn empty<V: Vector>() -> Tile<V> {
    // SAFETY: the caller's promise.
    unsafe { [V::splat(V::Real::default()); MAX_LANES] }
}

/// A number per lane, as numbers.
#[inline(always)]
pub(crate) fn numbers<V: Vector>(vector: V) -> [V::Real; MAX_LANES] {
    let mut numbers = [V::Real::default(); MAX_LANES];
    // SAFETY: there is room for the most lanes of any vector.
    unsafe { vector.store(numbers.as_mut_ptr()) };
    numbers
}

/// What norms are multiplied by, so that sums of up to 128 numbers do not overflow.
pub(crate) const SHRINK: f64 = 1.0 / 1024.0;

/// Finds out about 1 / (‖A‖ ‖X‖) of each lane what is asked, from norms times [`SHRINK`]. Returns
/// the lanes in which it is within the limit.
#[inline(always)]
pub(crate) fn rcond<V: Vector>(a: V, x: V, request: &Request, rcond: &mut [f64; MAX_LANES]) -> u32 {
    if request.report {
        a.reciprocals(x, SHRINK * SHRINK, rcond);
    }
    match request.min_rcond {
        // Not where it is NaN.
        Some(limit) => a.products_within(x, limit.product),
        None => u32::MAX >> (32 - V::LANES),
    }
}

/// 1 / (‖A‖ ‖X‖), from norms times [`SHRINK`].
pub(crate) fn reciprocal(a: f64, x: f64) -> f64 {
    reciprocal_of_product(a, x, SHRINK * SHRINK)
}
