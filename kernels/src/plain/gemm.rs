//! The matrix products that carry the work, and loops over columns for what is left.
//!
//! The products are those of the `matrixmultiply` crate: they have a kernel for every scalar and run on
//! one thread.

use crate::scalar::{Each, PerScalar, Scalar};
use num_complex::{Complex32, Complex64};

/// A block of a column-major slice with a leading dimension, or its transpose.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block<'a, T> {
    slice: &'a [T],
    rows: usize,
    columns: usize,
    /// Elements from row to row and from column to column.
    strides: [usize; 2],
}

impl<'a, T: Copy> Block<'a, T> {
    /// Rows × columns at the beginning of a slice with leading dimension `ld`.
    pub(crate) fn new(slice: &'a [T], ld: usize, rows: usize, columns: usize) -> Self {
        let strides = [1, ld];
        assert!(end(rows, columns, strides) <= slice.len(), "{rows} × {columns}, ld {ld}");
        Block { slice, rows, columns, strides }
    }

    pub(crate) fn transposed(self) -> Self {
        let [row, column] = self.strides;
        Block { rows: self.columns, columns: self.rows, strides: [column, row], ..self }
    }
}

/// How many elements a block reaches over; none if it is empty.
fn end(rows: usize, columns: usize, [row, column]: [usize; 2]) -> usize {
    if rows == 0 || columns == 0 { 0 } else { (rows - 1) * row + (columns - 1) * column + 1 }
}

/// A kernel's product: `C = αAB + βC`.
///
/// # Safety
///
/// The matrices A (m × k), B (k × n) and C (m × n) are there, with these strides of rows and columns, and
/// no other reference to C.
type Gemm<T> = unsafe fn(
    [usize; 3],
    T,
    (*const T, [isize; 2]),
    (*const T, [isize; 2]),
    T,
    (*mut T, [isize; 2]),
);

struct Gemms;

impl PerScalar for Gemms {
    type Of<T: Scalar> = Gemm<T>;
}

macro_rules! gemm {
    ($name:ident, $scalar:ty, $gemm:ident $(, $flag:path, $parts:ty)?) => {
        /// # Safety
        ///
        /// As for [`Gemm`].
        unsafe fn $name(
            [m, k, n]: [usize; 3],
            alpha: $scalar,
            (a, [rsa, csa]): (*const $scalar, [isize; 2]),
            (b, [rsb, csb]): (*const $scalar, [isize; 2]),
            beta: $scalar,
            (c, [rsc, csc]): (*mut $scalar, [isize; 2]),
        ) {
            $(
                let (a, b, c) = (a.cast::<$parts>(), b.cast::<$parts>(), c.cast::<$parts>());
                let (alpha, beta) = ([alpha.re, alpha.im], [beta.re, beta.im]);
            )?
            // SAFETY: the caller's duties are the kernel's. A complex number is an array of its parts.
            unsafe {
                matrixmultiply::$gemm(
                    $($flag, $flag,)?
                    m, k, n, alpha, a, rsa, csa, b, rsb, csb, beta, c, rsc, csc,
                );
            }
        }
    };
}

gemm!(of_f32, f32, sgemm);
gemm!(of_f64, f64, dgemm);
gemm!(of_complex32, Complex32, cgemm, matrixmultiply::CGemmOption::Standard, [f32; 2]);
gemm!(of_complex64, Complex64, zgemm, matrixmultiply::CGemmOption::Standard, [f64; 2]);

/// `C = αAB + βC`, where C has leading dimension `ld`.
fn multiply<T: Scalar>(
    alpha: T,
    a: Block<'_, T>,
    b: Block<'_, T>,
    beta: T,
    c: &mut [T],
    ld: usize,
) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    assert!(b.rows == k && end(m, n, [1, ld]) <= c.len() && ld >= m, "{m} × {k} × {n}");
    if m == 0 || n == 0 {
        return;
    }
    let gemm = T::choose::<Gemms>(Each {
        f32: of_f32,
        f64: of_f64,
        complex32: of_complex32,
        complex64: of_complex64,
    });
    #[allow(clippy::cast_possible_wrap)] // elements of slices
    let at = |block: Block<'_, T>| (block.slice.as_ptr(), block.strides.map(|s| s as isize));
    #[allow(clippy::cast_possible_wrap)]
    let to = (c.as_mut_ptr(), [1, ld as isize]);
    // SAFETY: `Block::new` has looked that A and B are in their slices, and transposing changes nothing about
    // that; C is in its own, as was asserted.
    unsafe { gemm([m, k, n], alpha, at(a), at(b), beta, to) }
}

/// C = AB, where C has leading dimension `ld`.
pub(crate) fn set_product<T: Scalar>(c: &mut [T], ld: usize, a: Block<'_, T>, b: Block<'_, T>) {
    multiply(T::one(), a, b, T::zero(), c, ld);
}

/// C = C − AB, where C has leading dimension `ld`.
pub(crate) fn subtract_product<T: Scalar>(
    c: &mut [T],
    ld: usize,
    a: Block<'_, T>,
    b: Block<'_, T>,
) {
    if a.columns > 0 {
        multiply(-T::one(), a, b, T::one(), c, ld);
    }
}

/// y = y − x·factor.
#[inline(always)]
pub(crate) fn subtract_scaled<T: Scalar>(y: &mut [T], x: &[T], factor: T) {
    for (y, &x) in y.iter_mut().zip(x) {
        *y = *y - x * factor;
    }
}
