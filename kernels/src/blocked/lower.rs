//! The lower triangle of a matrix: inverses of triangular matrices and of positive definite ones.
//!
//! From left to right, a block at a time. Definite: the block is factored, A = L D Lᴴ with ones on
//! the diagonal of L, which needs no roots; the columns of L below it follow; and everything to the
//! right of it is updated. In the same step X = L⁻¹ grows downwards: the block's rows of X are
//! finished, and all rows below are updated with them. Then A⁻¹ = Xᴴ D⁻¹ X, a block of rows after
//! the other. The inverse of a triangular matrix is X, with L as it is given.
//!
//! All are updates with a block's few columns, which is what [`tile`](crate::blocked::microkernel) does. Tiles on
//! the diagonal reach beyond it, never out of their block: what is above the diagonal there is kept
//! aside and brought back.

mod triangle;

use crate::blocked::exchange::Room;
use crate::blocked::kernel::{GROUP, Kernel};
use crate::blocked::leaf::reciprocal;
use crate::blocked::sizes::Sizes;
use crate::blocked::strips::{keep_factors, pack_conj_scaled, strip_at, strip_of, strips_of, zero};
use crate::blocked::{Scratch, panel, parts};
use crate::contract::{Breakdown, Facts, Team};
use crate::determinant::Product;
use crate::memory;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use crate::simd::set::vectorized;
use std::ops::Range;
use std::sync::Mutex;

/// What is in the lower triangle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LowerKind {
    /// All of a triangular matrix without zeros on its diagonal.
    Triangular,
    /// The lower triangle of a positive definite matrix.
    Definite,
}

/// Inverts the matrix of order `n ≥ 1` of which half is in `a` by columns, in its lower triangle.
/// The strictly upper one is neither read nor changed. There is no condition number.
///
/// # Errors
///
/// [`Breakdown::OutOfMemory`]: `a` is as it was. [`Breakdown::NotPositive`]: it holds a partial
/// factorization. [`Breakdown::Cancelled`]: nothing of use is in either triangle.
pub(crate) fn invert<T: Scalar>(
    kernel: &Kernel<T>,
    team: &dyn Team,
    work: &mut Scratch<T>,
    n: usize,
    a: &mut [T],
    half: LowerKind,
    determinant: bool,
) -> Result<Facts<T>, Breakdown> {
    assert!(n >= 1 && n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    let sizes = Sizes::of_half(kernel, n, team.threads());
    let (block, nr, mr) = (sizes.block, kernel.nr(), kernel.mr());
    let [rows, columns, diagonal, squares, factors, inverses, pivots, beyond] =
        parts(&mut work.scalars, lengths(kernel, &sizes))?;
    let strips = |slice: &mut [T], size| Matrix::new(slice, size, size, slice.len() / size);
    let job = Job {
        kernel,
        sizes: &sizes,
        team,
        half,
        a: Matrix::new(a, n, n, n),
        rows: strips(rows, mr),
        columns: strips(columns, nr),
        diagonal: strips(diagonal, nr),
        squares: strips(squares, nr),
        factors: Matrix::new(factors, block, block, block),
        inverses: Matrix::new(inverses, block, block, 1),
        pivots: Matrix::new(pivots, n, n, 1),
        beyond: Matrix::new(beyond, block, block, n),
    };
    job.keep_beyond();
    let done = job.run();
    job.bring_back_beyond();
    team.check()?;
    done?;
    // SAFETY: no other thread is at work any more.
    let pivots = unsafe { job.pivots.column(0) };
    let determinant = determinant.then(|| {
        let mut product = Product::default();
        for &pivot in pivots.iter() {
            product.times(pivot);
        }
        product.sign_and_log()
    });
    let overflow = pivots.iter().position(|pivot| !Scalar::is_finite(*pivot));
    Ok(Facts { rcond: None, determinant, overflow, finite: false })
}

/// Takes the memory of an inversion, so that it cannot be refused later.
///
/// # Errors
///
/// [`Breakdown::OutOfMemory`].
pub(crate) fn reserve<T: Scalar>(
    kernel: &Kernel<T>,
    work: &mut Scratch<T>,
    n: usize,
) -> Result<(), Breakdown> {
    parts(&mut work.scalars, lengths(kernel, &Sizes::of_half(kernel, n, 1))).map(|_| ())
}

/// Scalars of each part of the memory, in the order in which they are taken.
fn lengths<T: Scalar>(kernel: &Kernel<T>, sizes: &Sizes) -> [usize; 8] {
    let Sizes { n, block, .. } = *sizes;
    let across = |strip: usize| n.next_multiple_of(strip) * block;
    let square = block * block;
    [across(kernel.mr()), across(kernel.nr()), square, square, square, block, n, n * block]
}

/// An inversion under way.
struct Job<'a, T> {
    kernel: &'a Kernel<T>,
    sizes: &'a Sizes,
    team: &'a dyn Team,
    half: LowerKind,
    /// The matrix; then X above the block under way; then the inverse.
    a: Matrix<T>,
    /// Strips of the rows of L, or of Xᴴ D⁻¹, in the columns of the block under way.
    rows: Matrix<T>,
    /// Strips of the columns of X and of D Lᴴ, in the rows of the block under way.
    columns: Matrix<T>,
    /// The factors of the block under way, in strips of columns.
    diagonal: Matrix<T>,
    /// Strips of columns of a block that is being factored.
    squares: Matrix<T>,
    /// The factors of the block under way.
    factors: Matrix<T>,
    /// Inverses of its pivots.
    inverses: Matrix<T>,
    /// The pivots.
    pivots: Matrix<T>,
    /// The blocks on the diagonal as they were, one beside the other.
    beyond: Matrix<T>,
}

impl<T: Scalar> Job<'_, T> {
    fn run(&self) -> Result<(), Breakdown> {
        self.factor(0)?;
        for block in 0..self.sizes.blocks() {
            self.pack(block);
            self.team.check()?;
            self.update(block)?;
        }
        if self.half == LowerKind::Definite {
            for block in 0..self.sizes.blocks() {
                self.pack_squared(block);
                self.square(block);
                self.team.check()?;
            }
        }
        Ok(())
    }

    /// Factors a block on the diagonal.
    fn factor(&self, block: usize) -> Result<(), Breakdown> {
        let columns = self.sizes.columns_of(block);
        let (j, width) = (columns.start, columns.len());
        let depth = width.next_multiple_of(GROUP);
        // One panel of as many rows as columns; what is above the diagonal is still the caller's.
        let mut ipiv = [0; Sizes::WIDEST];
        let panel = self.squares.reshaped(self.sizes.block, self.sizes.block);
        let panel = panel.part(0..width, 0..width);
        for k in 0..width {
            for i in k..width {
                let x = self.a.get(j + i, j + k);
                panel.set(k, i, x.conj());
                panel.set(i, k, x);
            }
        }
        if self.half == LowerKind::Definite {
            let strips = self.diagonal;
            let [mut place, mut from, mut to] = [[0; Sizes::WIDEST]; 3];
            let mut room = Room { place: &mut place, from: &mut from, to: &mut to };
            let ipiv = &mut ipiv[..width];
            panel::factor(self.kernel, panel, ipiv, strips, &mut room, &pivot_free)
                .map_err(|column| Breakdown::NotPositive(j + column))?;
        }
        let factors = self.factors.part(0..depth, 0..depth);
        if self.half == LowerKind::Triangular {
            // L as D times a triangle with ones on its diagonal.
            for i in 0..width {
                let inverse = reciprocal(panel.get(i, i));
                for k in 0..i {
                    panel.set(i, k, panel.get(i, k) * inverse);
                }
            }
        }
        keep_factors(self.kernel, panel, factors, self.diagonal);
        for k in 0..depth {
            self.inverses.set(k, 0, reciprocal(factors.get(k, k)));
        }
        for k in 0..width {
            self.pivots.set(j + k, 0, factors.get(k, k));
        }
        Ok(())
    }

    /// The operands of a step: rows of L below the block; to the left of its end the block's rows of
    /// X, which are final, to the right those of D Lᴴ.
    fn pack(&self, block: usize) {
        let (n, mr) = (self.sizes.n, self.kernel.mr());
        let columns = self.sizes.columns_of(block);
        let right = columns.end;
        let l = |rows: Range<usize>, _| {
            for here in strips_of(rows, mr) {
                self.pack_l(columns.clone(), here);
            }
        };
        let x = |index| self.finish_x(columns.clone(), strip_of(0..right, mr, index));
        self.each_chunk(right..n, 1, &l, right.div_ceil(mr), &x);
    }

    /// A strip of the rows of L, and the strips of the columns of D Lᴴ that have the same numbers.
    fn pack_l(&self, columns: Range<usize>, here: Range<usize>) {
        let (nr, mr) = (self.kernel.nr(), self.kernel.mr());
        // There are rows below whole blocks only.
        let depth = columns.len();
        let strip = strip_at(self.rows, here.start / mr, depth);
        self.kernel.pack_rows(self.a.part(here.clone(), columns), strip);
        if self.half == LowerKind::Triangular {
            return;
        }
        self.kernel.solve_upper(self.diagonal, self.inverses.part(0..depth, 0..1), strip, depth, 0);
        let pivots: [T; Sizes::WIDEST] =
            std::array::from_fn(|k| if k < depth { self.factors.get(k, k) } else { T::zero() });
        for (at, here) in strips_of(here, nr).enumerate() {
            let across = strip_at(self.columns, here.start / nr, depth);
            pack_conj_scaled(nr, strip, at * nr, across, 0, &pivots[..depth]);
        }
    }

    /// Some columns of the block's rows of X.
    fn finish_x(&self, columns: Range<usize>, across: Range<usize>) {
        let nr = self.kernel.nr();
        let depth = columns.len().next_multiple_of(GROUP);
        let strip = |here: &Range<usize>| strip_at(self.columns, here.start / nr, depth);
        let target = |here: &Range<usize>| self.a.part(columns.clone(), here.clone());
        for here in strips_of(across.clone(), nr) {
            let strip = strip(&here);
            if here.start < columns.start {
                self.kernel.pack_columns(target(&here), strip, depth);
            } else {
                zero(strip, 0..depth);
                for at in 0..here.len() {
                    strip.set(at, here.start - columns.start + at, T::one());
                }
            }
            if self.half == LowerKind::Triangular {
                for k in 0..columns.len() {
                    let inverse = self.inverses.get(k, 0);
                    // SAFETY: a column of a strip that nobody else has meanwhile, used up at once.
                    unsafe { strip.column(k) }.iter_mut().for_each(|x| *x = *x * inverse);
                }
            }
        }
        let count = across.len().div_ceil(nr);
        let first = across.start / nr * depth;
        let strips = self.columns.part(0..nr, first..first + count * depth);
        self.kernel.solve_left(self.factors.part(0..depth, 0..depth), strips, depth, count);
        for here in strips_of(across, nr) {
            self.kernel.unpack_columns(strip(&here), target(&here));
        }
    }

    /// The rows below a block: minus L times X to the left of its end, and the rest of a definite
    /// matrix to the right of it. The next block comes first, and is factored meanwhile.
    fn update(&self, block: usize) -> Result<(), Breakdown> {
        let n = self.sizes.n;
        let columns = self.sizes.columns_of(block);
        let depth = columns.len();
        let definite = self.half == LowerKind::Definite;
        let next =
            if block + 1 == self.sizes.blocks() { n..n } else { self.sizes.columns_of(block + 1) };
        let failed = Mutex::new(None);
        let below = |rows: Range<usize>, part: Range<usize>| {
            self.lower(false, depth, rows.clone(), part.start..part.end.min(columns.start));
            let within = part.start.max(columns.start)..part.end.min(columns.end);
            self.lower(true, depth, rows.clone(), within);
            if definite {
                let rest = rows.start.max(next.end)..rows.end.max(next.end);
                self.lower(false, depth, rest, part.start.max(next.start)..part.end);
            }
        };
        let next_block = |_| {
            if definite {
                self.lower(false, depth, next.clone(), next.clone());
            }
            *memory::lock(&failed) = self.factor(block + 1).err();
        };
        let across = if definite { n } else { columns.end };
        let others = usize::from(!next.is_empty());
        self.each_chunk(columns.end..n, across, &below, others, &next_block);
        memory::lock(&failed).take().map_or(Ok(()), Err)
    }

    /// The operands of a step of the product: the block's rows of X, and those of −D⁻¹ X as columns.
    fn pack_squared(&self, block: usize) {
        let (nr, mr) = (self.kernel.nr(), self.kernel.mr());
        let columns = self.sizes.columns_of(block);
        let (j, right, depth) = (columns.start, columns.end, columns.len());
        let inverses: [T; Sizes::WIDEST] = std::array::from_fn(|k| {
            let pivot: f64 = if k < depth { self.pivots.get(j + k, 0).re().into() } else { 1.0 };
            T::from_f64(-1.0 / pivot)
        });
        let pack = |rows: Range<usize>, _| {
            for rows in strips_of(rows, mr) {
                let strip = strip_at(self.rows, rows.start / mr, depth);
                if rows.len() < mr {
                    zero(strip, 0..depth);
                }
                for (at, here) in strips_of(rows, nr).enumerate() {
                    let across = strip_at(self.columns, here.start / nr, depth);
                    self.kernel.pack_columns(self.a.part(j..right, here), across, depth);
                    pack_conj_scaled(nr, across, 0, strip, at * nr, &inverses[..depth]);
                }
            }
        };
        self.each_chunk(0..right, 1, &pack, 0, &|_| {});
    }

    /// A step of the product: the rows above the block get its share, its own begin with it.
    fn square(&self, block: usize) {
        let columns = self.sizes.columns_of(block);
        let depth = columns.len();
        let update = |rows: Range<usize>, part: Range<usize>| {
            let above = rows.start..rows.end.min(columns.start);
            self.lower(false, depth, above, part.clone());
            self.lower(true, depth, rows.start.max(columns.start)..rows.end, part);
        };
        self.each_chunk(0..columns.end, columns.end, &update, 0, &|_| {});
    }
}

vectorized! {
    /// A leaf without a choice of pivots, which are positive; see [`panel::factor`].
    fn pivot_free[T: Scalar](a: Matrix<T>, ipiv: &mut [usize]) -> Option<usize> {
        let columns = a.columns();
        ipiv.iter_mut().enumerate().for_each(|(k, row)| *row = k);
        for k in 0..columns {
            let pivot: f64 = a.get(k, k).re().into();
            // What is not a number is not positive.
            if pivot.is_nan() || pivot <= 0.0 {
                return Some(k);
            }
            a.set(k, k, T::from_f64(pivot));
            // SAFETY: this column and those to its right are different ones, each used up at once.
            let l = unsafe { a.column(k) };
            l[k + 1..].iter_mut().for_each(|x| *x = x.over(pivot));
            for j in k + 1..columns {
                let u = a.get(k, j);
                // SAFETY: see above.
                let column = unsafe { a.column(j) };
                for (x, &l) in column[k + 1..].iter_mut().zip(&l[k + 1..]) {
                    *x = *x - l * u;
                }
            }
        }
        None
    }
}
