//! The one operation that is nearly all of the work: C := C − A·B for a few columns of A, in tiles
//! of C that stay in registers.
//!
//! A is read in strips of as many rows as a tile has, B in strips of as many columns, each stored
//! so that a tile reads both from front to back. Of complex numbers every part is a lane, or a
//! column of its own: the products with real and imaginary parts of B are summed apart and put
//! together at the end, so that this is four times a real product, no more.

use crate::simd::rows::RowVector;

/// C := C − A·B, or −A·B.
#[derive(Clone, Copy)]
pub(crate) struct GemmArgs<T> {
    /// Whether C is to be −A·B whatever it was.
    pub(crate) fresh: bool,
    /// Columns of A, rows of B.
    pub(crate) depth: usize,
    /// Rows of A and C.
    pub(crate) rows: usize,
    /// Columns of B and C.
    pub(crate) columns: usize,
    pub(crate) a: *const T,
    /// From column to column of A.
    pub(crate) a_stride: usize,
    /// From strip to strip of A.
    pub(crate) a_strip: usize,
    pub(crate) b: *const T,
    /// From strip to strip of B.
    pub(crate) b_strip: usize,
    pub(crate) c: *mut T,
    /// From column to column of C.
    pub(crate) c_stride: usize,
    /// Whether a strip of A is used up before the next one, else one of B.
    pub(crate) along_rows: bool,
}

/// Updates a matrix, tile by tile.
///
/// # Safety
///
/// The pointers point to what [`GemmArgs`] says: A may be a matrix or strips of it, B is strips with
/// every column. Nobody writes A, B or C meanwhile. The CPU has the instructions.
#[inline(always)]
pub(crate) unsafe fn update<
    V: RowVector,
    T,
    const HEIGHT: usize,
    const WIDTH: usize,
    const PARTS: usize,
>(
    task: &GemmArgs<T>,
) {
    let (mr, nr) = (HEIGHT * V::LANES / PARTS, WIDTH / PARTS);
    let row_strips = task.rows.div_ceil(mr);
    let column_strips = task.columns.div_ceil(nr);
    let (mut next_i, mut next_j) = (0, 0);
    for _ in 0..row_strips * column_strips {
        let (i, j) = (next_i, next_j);
        if task.along_rows {
            (next_i, next_j) = if j + 1 == column_strips { (i + 1, 0) } else { (i, j + 1) };
        } else {
            (next_i, next_j) = if i + 1 == row_strips { (0, j + 1) } else { (i + 1, j) };
        }
        let rows = (task.rows - i * mr).min(mr) * PARTS;
        let columns = (task.columns - j * nr).min(nr);
        // The next strip of B, which may be in the cache of another thread, while this one is used
        // for the last time.
        let leaves = next_j != j;
        // SAFETY: the strips that hold this tile are there, as the caller promises.
        unsafe {
            let tile = Tile {
                fresh: task.fresh,
                depth: task.depth,
                columns,
                a: task.a.add(i * task.a_strip).cast(),
                a_stride: task.a_stride * PARTS,
                b: task.b.add(j * task.b_strip).cast(),
                b_ahead: if leaves { task.b_strip * PARTS } else { AHEAD * WIDTH },
                c: task.c.add(i * mr + j * nr * task.c_stride).cast(),
                c_stride: task.c_stride * PARTS,
                last: V::LANES,
            };
            if rows == HEIGHT * V::LANES {
                tile.run::<V, HEIGHT, WIDTH, PARTS, false>();
                continue;
            }
            let vectors = rows.div_ceil(V::LANES);
            let tile = Tile { last: rows - (vectors - 1) * V::LANES, ..tile };
            match (vectors, tile.last == V::LANES) {
                (1, true) => tile.run::<V, 1, WIDTH, PARTS, false>(),
                (1, false) => tile.run::<V, 1, WIDTH, PARTS, true>(),
                (2, true) => tile.run::<V, 2, WIDTH, PARTS, false>(),
                (2, false) => tile.run::<V, 2, WIDTH, PARTS, true>(),
                // Full ones are done.
                _ => tile.run::<V, HEIGHT, WIDTH, PARTS, true>(),
            }
        }
    }
}

/// Columns of A from being asked for to being used: they come from the second cache.
const AHEAD: usize = 8;

/// Columns of A from which a product is long: shorter ones are of small matrices, which are near.
const LONG: usize = 48;

/// A tile of an [`GemmArgs`]; rows, strides and pointers in real numbers.
pub(crate) struct Tile<R> {
    pub(crate) fresh: bool,
    pub(crate) depth: usize,
    /// Columns of C, as numbers.
    pub(crate) columns: usize,
    pub(crate) a: *const R,
    pub(crate) a_stride: usize,
    pub(crate) b: *const R,
    /// How far ahead B is asked for.
    pub(crate) b_ahead: usize,
    pub(crate) c: *mut R,
    pub(crate) c_stride: usize,
    /// Lanes of the last vector of each column.
    pub(crate) last: usize,
}

impl<R> Tile<R> {
    /// Updates `HEIGHT` vectors of rows; the last one may be `CUT`.
    ///
    /// # Safety
    ///
    /// As [`update`].
    #[inline(always)]
    pub(crate) unsafe fn run<
        V: RowVector<Real = R>,
        const HEIGHT: usize,
        const WIDTH: usize,
        const PARTS: usize,
        const CUT: bool,
    >(
        &self,
    ) {
        // SAFETY: every vector is one of C, or the first lanes of one; the promises are the caller's.
        unsafe {
            let sums = self.sums::<V, HEIGHT, WIDTH, CUT, true>();
            for j in 0..WIDTH / PARTS {
                if j < self.columns {
                    let c = self.c.add(j * self.c_stride);
                    for i in 0..HEIGHT {
                        let sum = joined::<V, HEIGHT, PARTS>(&sums, j, i);
                        let at = c.add(i * V::LANES);
                        let cut = CUT && i == HEIGHT - 1;
                        let x = match (self.fresh, cut) {
                            (true, _) => sum,
                            (false, true) => V::load_n(at, self.last).add(sum),
                            (false, false) => V::load(at).add(sum),
                        };
                        if cut {
                            x.store_n(at, self.last);
                        } else {
                            x.store(at);
                        }
                    }
                }
            }
        }
    }

    /// −A·B: real columns of B, each with `HEIGHT` vectors of rows of A; see [`joined`]. What is `FAR`,
    /// not in the first cache, is asked for ahead, as is C. If it is not, nothing is read of `fresh`, of
    /// C and its columns and of `b_ahead`, nor of `last` if no vector is `CUT`.
    ///
    /// # Safety
    ///
    /// As [`update`], but for C.
    #[inline(always)]
    pub(crate) unsafe fn sums<
        V: RowVector<Real = R>,
        const HEIGHT: usize,
        const WIDTH: usize,
        const CUT: bool,
        const FAR: bool,
    >(
        &self,
    ) -> [[V; HEIGHT]; WIDTH] {
        // SAFETY: every vector is one of A or B, or the first lanes of one; the promises are the
        // caller's.
        unsafe {
            let load = |at: *const R, i: usize| {
                let at = at.add(i * V::LANES);
                if CUT && i == HEIGHT - 1 { V::load_n(at, self.last) } else { V::load(at) }
            };
            let zero = V::zero();
            let mut sums = [[zero; HEIGHT]; WIDTH];
            let (mut a, mut b) = (self.a, self.b);
            // C is asked for column by column during the first half of long products: all at once
            // would keep A waiting. A column may end in another line than its last vector begins in.
            let each = if FAR && self.depth >= LONG { self.depth / (2 * WIDTH) } else { 0 };
            for part in 0..=WIDTH {
                if FAR && part < self.columns {
                    for i in 0..HEIGHT {
                        let c = self.c.wrapping_add(part * self.c_stride + i * V::LANES);
                        V::prefetch(c.cast(), true);
                    }
                    let c = self.c.wrapping_add(part * self.c_stride + HEIGHT * V::LANES - 1);
                    V::prefetch(c.cast(), true);
                }
                for _ in 0..if part < WIDTH { each } else { self.depth - WIDTH * each } {
                    let mut x = [zero; HEIGHT];
                    for i in 0..HEIGHT {
                        x[i] = load(a, i);
                    }
                    if FAR {
                        let ahead = a.wrapping_add(AHEAD * self.a_stride);
                        for i in 0..HEIGHT {
                            V::prefetch(ahead.wrapping_add(i * V::LANES).cast(), true);
                        }
                        V::prefetch(b.wrapping_add(self.b_ahead).cast(), true);
                    }
                    for j in 0..WIDTH {
                        let y = V::splat_from(b.add(j));
                        for i in 0..HEIGHT {
                            sums[j][i] = sums[j][i].neg_mul_add(x[i], y);
                        }
                    }
                    (a, b) = (a.add(self.a_stride), b.add(WIDTH));
                }
            }
            sums
        }
    }
}

/// A vector of column `j` of the [sums](Tile::sums): the products with both parts of B, if numbers are
/// complex.
#[inline(always)]
pub(crate) fn joined<V: RowVector, const HEIGHT: usize, const PARTS: usize>(
    sums: &[[V; HEIGHT]],
    j: usize,
    i: usize,
) -> V {
    if PARTS == 1 { sums[j][i] } else { sums[PARTS * j][i].add(sums[PARTS * j + 1][i].times_i()) }
}
