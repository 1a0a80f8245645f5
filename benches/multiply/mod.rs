//! Fast multiplications of square matrices, to compare with.

#![allow(unsafe_code)] // the `gemm` crate takes pointers

use gemm::Parallelism;
use matinv::Scalar;
use ndarray::Array2;

/// C := A·B by OpenBLAS for square matrices without gaps, by columns.
pub(crate) fn by_openblas<R: Scalar>(
    a: &Array2<R>,
    b: &Array2<R>,
    c: &mut Array2<R>,
    threads: usize,
) {
    let (x, y) = (a.as_slice_memory_order(), b.as_slice_memory_order());
    let (x, y) = x.zip(y).expect("without gaps");
    let out = c.as_slice_memory_order_mut().expect("without gaps");
    matinv::blas_multiply(a.nrows(), x, y, out, threads, 1).expect("squares");
}

/// The same by the `gemm` crate, which has one for `f32` and `f64` and panics at others.
pub(crate) fn by_crate<R: Scalar>(a: &Array2<R>, b: &Array2<R>, c: &mut Array2<R>, threads: usize) {
    let n = a.nrows();
    assert!(a.dim() == (n, n) && b.dim() == (n, n) && c.dim() == (n, n), "squares");
    // From column to column, and from row to row.
    let strides = |matrix: &Array2<R>| (matrix.strides()[1], matrix.strides()[0]);
    let ((a_columns, a_rows), (b_columns, b_rows)) = (strides(a), strides(b));
    let (c_columns, c_rows) = strides(c);
    let parallelism = if threads == 1 { Parallelism::None } else { Parallelism::Rayon(threads) };
    let (zero, one) = (R::from_f64(0.0), R::from_f64(1.0));
    // SAFETY: three squares of this order, each with its own strides, whose elements are all there and
    // borrowed for the call: C by it alone, so that it is none of the others.
    unsafe {
        gemm::gemm(
            n,
            n,
            n,
            c.as_mut_ptr(),
            c_columns,
            c_rows,
            false,
            a.as_ptr(),
            a_columns,
            a_rows,
            b.as_ptr(),
            b_columns,
            b_rows,
            zero,
            one,
            false,
            false,
            false,
            parallelism,
        );
    }
}
