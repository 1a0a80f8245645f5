//! The operations of the engine, behind functions that check every size; [`compiled`] has them for
//! each instruction set and scalar.

mod compiled;

use crate::blocked::exchange::Rows;
use crate::blocked::leaf;
use crate::blocked::microkernel::GemmArgs;
use crate::blocked::strips::{strip_at, strips_of};
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use crate::simd::set;
use crate::simd::set::Set;

pub(crate) use crate::blocked::trsm::GROUP;

/// The operations for a scalar, on a CPU that has what they need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kernel<T> {
    /// Rows of a strip of rows.
    mr: usize,
    /// Columns of a strip of columns.
    nr: usize,
    /// Numbers of a vector.
    lanes: usize,
    update: unsafe fn(&GemmArgs<T>),
    left: unsafe fn(usize, *const T, usize, *mut T, usize),
    right: unsafe fn(usize, usize, *const T, Option<*const T>, *mut T),
    factor: unsafe fn(usize, usize, *mut T, usize, *mut usize) -> Option<usize>,
    pack_rows: unsafe fn(usize, usize, *const T, usize, *mut T),
    unpack_rows: unsafe fn(usize, usize, *const T, *mut T, usize),
    unpack_rows_to: unsafe fn(usize, &[usize], *const T, *mut T, usize),
    pack_columns: unsafe fn(usize, usize, usize, *const T, usize, *mut T),
    unpack_columns: unsafe fn(usize, usize, *const T, *mut T, usize),
    largest: unsafe fn(usize, *const T, *mut T),
    gather: unsafe fn(&[usize], usize, *const T, usize, *mut T, T),
    move_rows: unsafe fn(&[usize], &[usize], usize, *mut T, usize),
}

impl<T: Scalar> Kernel<T> {
    /// The operations with the best set of this machine.
    pub(crate) fn best() -> Self {
        Self::of(set::best())
    }

    /// The operations with a set, which the machine must have.
    pub(crate) fn of(set: Set) -> Self {
        assert!(set.is_available(), "this machine has no {set:?}");
        compiled::kernel(set)
    }

    /// Rows of a strip of rows.
    pub(crate) fn mr(&self) -> usize {
        self.mr
    }

    /// Columns of a strip of columns.
    pub(crate) fn nr(&self) -> usize {
        self.nr
    }

    /// `depth` columns of `count` strips of rows, each behind the other, in a matrix of one
    /// column.
    fn check_rows(&self, strips: Matrix<T>, count: usize, depth: usize) {
        let there = strips.stride() == self.mr && strips.rows() == self.mr;
        assert!(there && strips.columns() >= count * depth, "strips of rows");
    }

    fn check_columns(&self, strips: Matrix<T>, count: usize, depth: usize) {
        let there = strips.stride() == self.nr && strips.rows() == self.nr;
        assert!(there && strips.columns() >= count * depth, "strips of columns");
    }

    /// C := C − A·B (`fresh`: −A·B), where A is strips of `a_depth` columns of which those from
    /// `skip` on count, `depth` of them, and B strips of `b_depth` rows of which those from `skip`
    /// on count.
    #[allow(clippy::too_many_arguments)] // three matrices, and which parts of two
    pub(crate) fn update(
        &self,
        fresh: bool,
        skip: usize,
        depth: usize,
        a: Matrix<T>,
        a_depth: usize,
        b: Matrix<T>,
        b_depth: usize,
        c: Matrix<T>,
    ) {
        assert!(skip + depth <= a_depth && skip + depth <= b_depth, "depth {depth}");
        self.check_rows(a, c.rows().div_ceil(self.mr), a_depth);
        self.check_columns(b, c.columns().div_ceil(self.nr), b_depth);
        let task = GemmArgs {
            fresh,
            depth,
            rows: c.rows(),
            columns: c.columns(),
            a: a.pointer().wrapping_add(skip * self.mr),
            a_stride: self.mr,
            a_strip: self.mr * a_depth,
            b: b.pointer().wrapping_add(skip * self.nr),
            b_strip: self.nr * b_depth,
            c: c.pointer(),
            c_stride: c.stride(),
            along_rows: false,
        };
        // SAFETY: the strips and C are there, and no two of them are the same (see `Matrix`). `of`
        // has looked whether the CPU has the set.
        unsafe { (self.update)(&task) }
    }

    /// [`update`](Self::update) of what is on and below the diagonal of C, with one strip of rows as
    /// A; what is above it may change, too.
    pub(crate) fn update_below(
        &self,
        fresh: bool,
        depth: usize,
        a: Matrix<T>,
        b: Matrix<T>,
        c: Matrix<T>,
    ) {
        assert!(c.columns() <= c.rows() && c.rows() <= self.mr, "one strip");
        self.check_rows(a, 1, depth);
        self.check_columns(b, c.columns().div_ceil(self.nr), depth);
        for (at, columns) in strips_of(0..c.columns(), self.nr).enumerate() {
            // Whole vectors that are above the diagonal are left out.
            let first = columns.start / self.lanes * self.lanes;
            let c = c.part(first..c.rows(), columns);
            let task = GemmArgs {
                fresh,
                depth,
                rows: c.rows(),
                columns: c.columns(),
                a: a.pointer().wrapping_add(first),
                a_stride: self.mr,
                a_strip: 0,
                b: strip_at(b, at, depth).pointer(),
                b_strip: 0,
                c: c.pointer(),
                c_stride: c.stride(),
                along_rows: false,
            };
            // SAFETY: as in `update`; the rows of A from `first` on are those of C.
            unsafe { (self.update)(&task) }
        }
    }

    /// C := C − A·B with a matrix A as it lies, and B as strips of `b_depth` rows.
    pub(crate) fn update_from(&self, a: Matrix<T>, b: Matrix<T>, b_depth: usize, c: Matrix<T>) {
        assert!(a.rows() == c.rows() && a.columns() <= b_depth, "depth {b_depth}");
        self.check_columns(b, c.columns().div_ceil(self.nr), b_depth);
        let task = GemmArgs {
            fresh: false,
            depth: a.columns(),
            rows: c.rows(),
            columns: c.columns(),
            a: a.pointer(),
            a_stride: a.stride(),
            a_strip: self.mr,
            b: b.pointer(),
            b_strip: self.nr * b_depth,
            c: c.pointer(),
            c_stride: c.stride(),
            along_rows: true,
        };
        // SAFETY: as in `update`.
        unsafe { (self.update)(&task) }
    }

    /// Y := L⁻¹ Y in some strips of columns, with ones on the diagonal of L. Two strips at once are
    /// faster than one after the other.
    pub(crate) fn solve_left(&self, l: Matrix<T>, strips: Matrix<T>, depth: usize, count: usize) {
        let square = l.rows() == depth && l.columns() == depth;
        assert!(square && depth.is_multiple_of(GROUP), "depth {depth}");
        self.check_columns(strips, count, depth);
        // SAFETY: L and the strips are there. The CPU as above.
        unsafe { (self.left)(depth, l.pointer(), l.stride(), strips.pointer(), count) }
    }

    /// X := X U⁻¹ in a strip of rows, from column `first` on; the columns before are zero. The
    /// triangle is in strips of columns.
    pub(crate) fn solve_upper(
        &self,
        u: Matrix<T>,
        inverses: Matrix<T>,
        strip: Matrix<T>,
        depth: usize,
        first: usize,
    ) {
        let whole = depth.is_multiple_of(self.nr) && first.is_multiple_of(self.nr);
        assert!(whole && inverses.rows() == depth && inverses.columns() == 1, "depth {depth}");
        self.check_rows(strip, 1, depth);
        self.check_columns(u, depth / self.nr, depth);
        let inverses = Some(inverses.pointer().cast_const());
        // SAFETY: the triangle, the inverses and the strip are there. The CPU as above.
        unsafe { (self.right)(depth, first, u.pointer(), inverses, strip.pointer()) }
    }

    /// X := X L⁻¹ in a strip of rows, with ones on the diagonal of L, which is in strips of columns.
    pub(crate) fn solve_lower(&self, l: Matrix<T>, strip: Matrix<T>, depth: usize) {
        assert!(depth.is_multiple_of(self.nr), "depth {depth}");
        self.check_rows(strip, 1, depth);
        self.check_columns(l, depth / self.nr, depth);
        // SAFETY: the triangle and the strip are there. The CPU as above.
        unsafe { (self.right)(depth, 0, l.pointer(), None, strip.pointer()) }
    }

    /// Factors a few columns; see [`leaf::factor`].
    pub(crate) fn factor(&self, a: Matrix<T>, ipiv: &mut [usize]) -> Option<usize> {
        let (rows, columns) = (a.rows(), a.columns());
        assert!(columns <= leaf::WIDTH.min(rows) && ipiv.len() == columns, "{columns} columns");
        // SAFETY: the columns are there. The CPU as above.
        unsafe { (self.factor)(rows, columns, a.pointer(), a.stride(), ipiv.as_mut_ptr()) }
    }

    /// Copies a matrix of few rows to a strip of rows.
    pub(crate) fn pack_rows(&self, from: Matrix<T>, strip: Matrix<T>) {
        assert!(from.rows() <= self.mr, "{} rows", from.rows());
        self.check_rows(strip, 1, from.columns());
        let (rows, columns) = (from.rows(), from.columns());
        // SAFETY: the matrix and the strip are there. The CPU as above.
        unsafe { (self.pack_rows)(rows, columns, from.pointer(), from.stride(), strip.pointer()) }
    }

    /// Copies a strip of rows to a matrix of few rows.
    pub(crate) fn unpack_rows(&self, strip: Matrix<T>, to: Matrix<T>) {
        assert!(to.rows() <= self.mr, "{} rows", to.rows());
        self.check_rows(strip, 1, to.columns());
        let (rows, columns) = (to.rows(), to.columns());
        // SAFETY: the strip and the matrix are there. The CPU as above.
        unsafe { (self.unpack_rows)(rows, columns, strip.pointer(), to.pointer(), to.stride()) }
    }

    /// Copies the first columns of a strip of rows to these columns of a matrix of few rows.
    pub(crate) fn unpack_rows_to(&self, places: &[usize], strip: Matrix<T>, to: Matrix<T>) {
        assert!(to.rows() <= self.mr, "{} rows", to.rows());
        assert!(places.iter().all(|&place| place < to.columns()), "columns");
        self.check_rows(strip, 1, places.len());
        let rows = to.rows();
        // SAFETY: the strip and the columns are there. The CPU as above.
        unsafe {
            (self.unpack_rows_to)(rows, places, strip.pointer(), to.pointer(), to.stride());
        }
    }

    /// Copies a matrix of few columns to a strip of columns of `depth` rows.
    pub(crate) fn pack_columns(&self, from: Matrix<T>, strip: Matrix<T>, depth: usize) {
        let (rows, columns) = (from.rows(), from.columns());
        assert!(columns <= self.nr && rows <= depth, "{columns} columns");
        self.check_columns(strip, 1, depth);
        // SAFETY: the matrix and the strip are there. The CPU as above.
        unsafe {
            (self.pack_columns)(
                rows,
                columns,
                depth,
                from.pointer(),
                from.stride(),
                strip.pointer(),
            );
        }
    }

    /// Copies a strip of columns to a matrix of few columns.
    pub(crate) fn unpack_columns(&self, strip: Matrix<T>, to: Matrix<T>) {
        let (rows, columns) = (to.rows(), to.columns());
        assert!(columns <= self.nr, "{columns} columns");
        self.check_columns(strip, 1, rows);
        let (from, stride) = (strip.pointer(), to.stride());
        // SAFETY: the strip and the matrix are there. The CPU as above.
        unsafe { (self.unpack_columns)(rows, columns, from, to.pointer(), stride) }
    }

    /// Raises both parts of `sizes` to the sizes |re| + |im| in the columns of a strip.
    pub(crate) fn largest(&self, strip: Matrix<T>, depth: usize, sizes: Matrix<T>) {
        assert!(sizes.rows() == self.nr && sizes.columns() == 1, "one size per column");
        self.check_columns(strip, 1, depth);
        // SAFETY: the strip and the sizes are there. The CPU as above.
        unsafe { (self.largest)(depth, strip.pointer(), sizes.pointer()) }
    }

    /// Copies rows of a matrix of few columns, in the given order, to a strip of columns.
    pub(crate) fn gather(&self, order: Rows<'_>, from: Matrix<T>, strip: Matrix<T>) {
        let (rows, columns) = (from.rows(), from.columns());
        assert!((1..=self.nr).contains(&columns), "{columns} columns");
        assert!(order.end() <= rows, "rows beyond {rows}");
        let order = order.order();
        self.check_columns(strip, 1, order.len());
        let zero = T::zero();
        // SAFETY: the rows and the strip are there. The CPU as above.
        unsafe {
            (self.gather)(order, columns, from.pointer(), from.stride(), strip.pointer(), zero);
        }
    }

    /// Copies rows of a matrix to the places of others, which are behind them.
    pub(crate) fn move_rows(&self, from: Rows<'_>, to: Rows<'_>, a: Matrix<T>) {
        let rows = a.rows();
        assert!(from.end() <= rows && to.end() <= rows, "rows beyond {rows}");
        assert!(from.order().len() == to.order().len(), "as many rows as places");
        // SAFETY: rows of `a`, as those of `Rows` are and the ends say; nobody else has them (see
        // `Matrix`). The CPU as above.
        unsafe { (self.move_rows)(from.order(), to.order(), a.columns(), a.pointer(), a.stride()) }
    }
}
