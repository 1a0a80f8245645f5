//! How inverses leave the lanes: in tiles, to whole lines of the cache, in it or past it.

use crate::interleaved::args::{GroupArgs, empty, numbers};
use crate::scalar::Scalar;
use crate::simd::lanes::{RealOf, SimdScalar};
use crate::simd::vector::{MAX_LANES, Tile, Vector};

/// How the inverses of a group are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route {
    /// To their places.
    Direct,
    /// To their places past the cache: all pieces are whole vectors, and aligned.
    PastTheCache,
    /// All to a staging, and from there by [`write_on`].
    Staged,
}

/// Numbers behind the last whole vector that was written: those of the next group complete it. A line
/// of the cache that is written in parts, or together with another one, costs as much as several.
#[repr(C, align(64))]
pub(crate) struct PartialLine {
    line: [u8; 64],
    bytes: usize,
    /// Where they end.
    end: *mut u8,
}

impl PartialLine {
    pub(crate) fn new() -> Self {
        PartialLine { line: [0; 64], bytes: 0, end: std::ptr::null_mut() }
    }

    /// Writes them, if there are any.
    ///
    /// # Safety
    ///
    /// Their places can be written.
    #[cold]
    #[inline(never)]
    pub(crate) unsafe fn write(&mut self) {
        // SAFETY: the caller's promise; a line has room for them.
        unsafe {
            let to = self.end.wrapping_sub(self.bytes);
            to.copy_from_nonoverlapping(self.line.as_ptr(), self.bytes);
        }
        self.bytes = 0;
    }
}

impl<T: Scalar> GroupArgs<'_, T> {
    /// How the inverses of these lanes are to be written, in pieces of `piece` numbers that lie
    /// together.
    #[inline(always)]
    pub(crate) fn route<L: SimdScalar>(&self, keep: u32, piece: usize) -> Route {
        let (lanes, stream) = (L::Vector::LANES, self.request.stream);
        if keep != self.all() || self.left < lanes {
            return Route::Direct;
        }
        let whole = piece.is_multiple_of(lanes) && self.to.cast::<L::Vector>().is_aligned();
        match (stream, whole) {
            (false, _) => Route::Direct,
            (true, true) => Route::PastTheCache,
            (true, false) => Route::Staged,
        }
    }
}

/// Vectors that lie in columns.
#[derive(Clone, Copy)]
pub(crate) struct Columns<V> {
    pub(crate) from: *const V,
    /// Vectors of a column; if there are gaps, at least as many as a vector has lanes.
    pub(crate) len: usize,
    /// Vectors from the end of a column to the next one.
    pub(crate) gap: usize,
}

impl<V: Vector> Columns<V> {
    /// Without gaps.
    #[inline(always)]
    pub(crate) fn together(from: *const V) -> Self {
        Columns { from, len: 0, gap: 0 }
    }

    /// As many vectors as each has lanes, from one on.
    ///
    /// # Safety
    ///
    /// They can be read, and the CPU has the instructions.
    #[inline(always)]
    unsafe fn tile(self, start: usize) -> Tile<V> {
        // SAFETY: the caller's promise. No tile is in more than two columns.
        unsafe {
            let mut tile = empty::<V>();
            if self.gap == 0 {
                for e in 0..V::LANES {
                    tile[e] = self.from.add(start + e).read();
                }
                return tile;
            }
            let column = start / self.len;
            let here = self.from.add(start + column * self.gap);
            let left = (column + 1) * self.len - start;
            for e in 0..V::LANES {
                let at = if e < left { here } else { here.wrapping_add(self.gap) };
                tile[e] = at.add(e).read();
            }
            tile
        }
    }
}

/// Writes the first `len` of some vectors, as many numbers to a place of each lane that `keep` has.
/// `STREAM`: past the cache, where every lane is kept, the places are aligned, and `len` is a
/// multiple of the lanes.
///
/// # Safety
///
/// They can be read and written there.
#[inline(always)]
pub(crate) unsafe fn store<V: Vector, const STREAM: bool>(
    from: *const V,
    len: usize,
    keep: u32,
    place: impl Fn(usize) -> *mut V::Real,
) {
    // SAFETY: the caller's promise.
    unsafe { store_as::<V, STREAM, false>(Columns::together(from), len, 0, keep, place) }
}

/// How many numbers of a piece are before the first that is aligned to a vector, where that is so for
/// all pieces of `len` numbers from `to` on and worth a tile more: a vector that is in two lines of
/// the cache costs two.
#[inline(always)]
pub(crate) fn before_aligned<L: SimdScalar>(to: *const RealOf<L>, len: usize) -> usize {
    let lanes = L::Vector::LANES;
    if lanes == 1 || !len.is_multiple_of(lanes) || len < 4 * lanes {
        return 0;
    }
    let before = to.align_offset(size_of::<L::Vector>());
    // A scalar stays in one tile.
    if before < lanes && before.is_multiple_of(L::PARTS) { before } else { 0 }
}

/// [`store`], the second tile from number `before` on, if that is not 0. `CONJUGATED`: every other
/// number, from the second on, is the negative one.
///
/// # Safety
///
/// As [`store`]; `before` is less than a tile, and if numbers are conjugated, it and `len` are even.
#[inline(always)]
pub(crate) unsafe fn store_as<V: Vector, const STREAM: bool, const CONJUGATED: bool>(
    from: Columns<V>,
    len: usize,
    before: usize,
    keep: u32,
    place: impl Fn(usize) -> *mut V::Real,
) {
    let lanes = V::LANES;
    // Every tile begins with an even number.
    let sign = |e: usize, x: V| if CONJUGATED && e % 2 == 1 { x.neg() } else { x };
    let mut to = [std::ptr::null_mut(); MAX_LANES];
    for lane in 0..V::LANES {
        to[lane] = place(lane);
    }
    let every = keep == u32::MAX >> (32 - lanes);
    // SAFETY: the caller's promise: never more than `len` from the start.
    unsafe {
        if len < lanes {
            let mut tile = empty::<V>();
            for e in 0..V::LANES {
                if e < len {
                    tile[e] = sign(e, from.from.add(e).read());
                }
            }
            V::transpose(&mut tile);
            for lane in 0..V::LANES {
                if keep >> lane & 1 == 1 {
                    tile[lane].store_n(to[lane], len);
                }
            }
            return;
        }
        let mut start = 0;
        loop {
            let mut tile = from.tile(start);
            for e in 0..V::LANES {
                tile[e] = sign(e, tile[e]);
            }
            V::transpose(&mut tile);
            if STREAM {
                for lane in 0..V::LANES {
                    tile[lane].stream(to[lane].add(start));
                }
            } else if every {
                for lane in 0..V::LANES {
                    tile[lane].store(to[lane].add(start));
                }
            } else {
                for lane in 0..V::LANES {
                    if keep >> lane & 1 == 1 {
                        tile[lane].store(to[lane].add(start));
                    }
                }
            }
            if start + lanes == len {
                return;
            }
            let next = if start == 0 && before > 0 { before } else { start + lanes };
            start = next.min(len - lanes);
        }
    }
}

/// How many of `len` numbers go in tiles: the last ones do not, if `few` times as many are no more
/// than a tile has.
pub(crate) fn in_tiles(len: usize, lanes: usize, few: usize) -> usize {
    let rest = len % lanes;
    if len > lanes && few * rest <= lanes { len - rest } else { len }
}

/// [`store_as`], but the last few numbers one by one.
///
/// # Safety
///
/// As [`store_as`].
#[inline(always)]
pub(crate) unsafe fn write<V: Vector>(
    from: *const V,
    len: usize,
    before: usize,
    keep: u32,
    place: impl Fn(usize) -> *mut V::Real,
) {
    let in_tiles = in_tiles(len, V::LANES, 8);
    // SAFETY: the caller's promise: never more than `len` from the start.
    unsafe {
        for e in in_tiles..len {
            let numbers = numbers(from.add(e).read());
            for lane in (0..V::LANES).filter(|lane| keep >> lane & 1 == 1) {
                place(lane).add(e).write(numbers[lane]);
            }
        }
        store_as::<V, false, false>(Columns::together(from), in_tiles, before, keep, place);
    }
}

/// Copies a vector or more from a staging to `to`, in whole vectors that are aligned, past the cache
/// if that is asked for. What is left over is kept for the group behind it, or for
/// [`PartialLine::write`].
///
/// # Safety
///
/// `len` numbers can be read, a vector or more; as many can be written at `to`, until the rest is.
/// Those of a rest that ends there are the task's own. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn write_on<V: Vector, T>(
    task: &mut GroupArgs<'_, T>,
    from: *const V::Real,
    to: *mut V::Real,
    len: usize,
) {
    let (lanes, stream) = (V::LANES, task.request.stream);
    let rest = &mut task.rest;
    // SAFETY: the caller's promise. What is written in front of `to` are the places of the rest, which
    // nobody has written yet; less than a vector is in front of the first whole one, and behind the
    // last one. There is room for two vectors in `both`, and for one in a line.
    unsafe {
        let put = |vector: V, to: *mut V::Real| {
            if stream { vector.stream(to) } else { vector.store(to) }
        };
        let mut at;
        if rest.bytes > 0 && rest.end == to.cast() {
            let before = rest.bytes / size_of::<V::Real>();
            let mut both = [V::Real::default(); 2 * MAX_LANES];
            V::load(rest.line.as_ptr().cast()).store(both.as_mut_ptr());
            V::load(from).store(both.as_mut_ptr().add(before));
            put(V::load(both.as_ptr()), to.wrapping_sub(before));
            at = lanes - before;
        } else {
            rest.write();
            at = to.align_offset(size_of::<V>());
            if at > 0 {
                V::load_n(from, at).store_n(to, at);
            }
        }
        while at + lanes <= len {
            put(V::load(from.add(at)), to.add(at));
            at += lanes;
        }
        rest.bytes = (len - at) * size_of::<V::Real>();
        if at < len {
            V::load_n(from.add(at), len - at).store(rest.line.as_mut_ptr().cast());
            rest.end = to.add(len).cast();
        }
    }
}
