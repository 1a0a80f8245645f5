//! The multiplication of BLAS: the yardstick that inversions are measured with.

use crate::blas::guard;
use crate::error::{Error, Result};
use crate::lapack::MAX_ORDER;
use matinv_kernels::Scalar;
use std::ffi::{c_char, c_int};

/// BLAS's GEMM in Fortran's calling convention: every argument by address. The scalar behind
/// `alpha`, `a`, `b`, `beta` and `c` is the routine's own, the same for all five.
type Gemm = unsafe extern "C" fn(
    transa: *const c_char,
    transb: *const c_char,
    m: *const c_int,
    n: *const c_int,
    k: *const c_int,
    alpha: *const u8,
    a: *const u8,
    lda: *const c_int,
    b: *const u8,
    ldb: *const c_int,
    beta: *const u8,
    c: *mut u8,
    ldc: *const c_int,
);

macro_rules! declare {
    ($($gemm:ident),*) => {
        unsafe extern "C" {$(
            fn $gemm(
                transa: *const c_char,
                transb: *const c_char,
                m: *const c_int,
                n: *const c_int,
                k: *const c_int,
                alpha: *const u8,
                a: *const u8,
                lda: *const c_int,
                b: *const u8,
                ldb: *const c_int,
                beta: *const u8,
                c: *mut u8,
                ldc: *const c_int,
            );
        )*}
    };
}

declare!(sgemm_, dgemm_, cgemm_, zgemm_);

/// The smallest order that is worth several threads.
const FEWEST_FOR_THREADS: usize = 128;

/// The product of two n × n matrices by the GEMM of the linked BLAS, `times` times over, with
/// `threads` threads: what the time of an inversion is compared with.
///
/// Both take 2n³ operations, so that the time of one GEMM is the least that an inversion can
/// take. `a`, `b` and `out` hold n² elements each, by columns without gaps. More than one thread
/// is used from order 128, as by [`Inverter::blas_threads`](crate::Inverter::blas_threads); the
/// repetitions share the cost of starting them.
///
/// # Errors
///
/// [`Error::ShapeMismatch`] if a slice has not n² elements, [`Error::TooLarge`] beyond the orders
/// that LAPACK takes, [`Error::InvalidOption`] for no threads.
///
/// # Examples
///
/// ```
/// let (a, b) = ([1.0, 0.0, 2.0, 1.0], [5.0, 7.0, 6.0, 8.0]);
/// let mut product = [0.0; 4];
/// matinv::blas_multiply(2, &a, &b, &mut product, 1, 1)?;
/// assert_eq!(product, [19.0, 7.0, 22.0, 8.0]);
/// # Ok::<(), matinv::Error>(())
/// ```
pub fn blas_multiply<T: Scalar>(
    n: usize,
    a: &[T],
    b: &[T],
    out: &mut [T],
    threads: usize,
    times: usize,
) -> Result<()> {
    if n > MAX_ORDER {
        return Err(Error::TooLarge { order: n, max: MAX_ORDER });
    }
    for len in [a.len(), b.len(), out.len()] {
        if len != n * n {
            return Err(Error::ShapeMismatch { expected: vec![n, n], found: vec![len] });
        }
    }
    if threads == 0 {
        let expected = "at least 1";
        return Err(Error::InvalidOption { option: "threads", value: 0.0, expected });
    }
    if n > 0 {
        let threads = if n < FEWEST_FOR_THREADS { 1 } else { threads };
        guard::with_many(threads, || (0..times).for_each(|_| gemm(n, a, b, out)));
    }
    Ok(())
}

/// One call. The slices have n² elements, and n fits an `i32`: asserted.
pub(crate) fn gemm<T: Scalar>(n: usize, a: &[T], b: &[T], out: &mut [T]) {
    let gemm: Gemm = match (T::COMPLEX, size_of::<T>()) {
        (false, 4) => sgemm_,
        (false, _) => dgemm_,
        (true, 8) => cgemm_,
        (true, _) => zgemm_,
    };
    assert!(n <= MAX_ORDER && [a.len(), b.len(), out.len()].iter().all(|&len| len == n * n));
    let order = c_int::try_from(n).expect("MAX_ORDER fits");
    let no = c_char::try_from(b'N').expect("ASCII");
    let (one, zero) = (T::one(), T::zero());
    // SAFETY: `Scalar` is sealed: it is one of the four types that GEMM is for, and the routine
    // chosen is that type's. The three matrices hold n × n elements (asserted), which is what
    // orders and leading dimensions n ask for; `out` is borrowed alone. Every other argument is a
    // valid address of a live local. GEMM keeps none of them, and takes no workspace.
    unsafe {
        gemm(
            &raw const no,
            &raw const no,
            &raw const order,
            &raw const order,
            &raw const order,
            (&raw const one).cast(),
            a.as_ptr().cast(),
            &raw const order,
            b.as_ptr().cast(),
            &raw const order,
            (&raw const zero).cast(),
            out.as_mut_ptr().cast(),
            &raw const order,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use num_complex::{Complex32, Complex64};

    /// Small whole numbers, so that every product is exact: equal to the sum over k.
    fn products_are_exact<T: Scalar>(i: T) {
        let element = |at: usize| T::from_f64((at * 7 % 11) as f64) + i;
        for (n, threads) in [(0, 1), (1, 1), (5, 2), (130, 2)] {
            let a: Vec<T> = (0..n * n).map(element).collect();
            let b: Vec<T> = (0..n * n).map(|at| element(at + 3)).collect();
            let mut out = vec![T::nan(); n * n];
            blas_multiply(n, &a, &b, &mut out, threads, 2).unwrap();
            for (row, column) in (0..n).flat_map(|row| (0..n).map(move |column| (row, column))) {
                let terms = (0..n).map(|k| a[row + k * n] * b[k + column * n]);
                assert_eq!(out[row + column * n], terms.fold(T::zero(), |sum, x| sum + x));
            }
        }
    }

    #[test]
    fn every_scalar_is_multiplied_by_its_own_routine() {
        products_are_exact(0.0_f32);
        products_are_exact(0.0_f64);
        products_are_exact(Complex32::I);
        products_are_exact(Complex64::I);
    }

    #[test]
    fn lengths_are_checked() {
        let mut out = [0.0; 4];
        let found = blas_multiply(2, &[0.0; 3], &[0.0; 4], &mut out, 1, 1);
        assert_eq!(found, Err(Error::ShapeMismatch { expected: vec![2, 2], found: vec![3] }));
        let max = MAX_ORDER;
        let found = blas_multiply(max + 1, &[0.0], &[0.0], &mut out, 1, 1);
        assert_eq!(found, Err(Error::TooLarge { order: max + 1, max }));
        let found = blas_multiply(1, &[0.0], &[0.0], &mut out[..1], 0, 1);
        assert!(matches!(found, Err(Error::InvalidOption { option: "threads", .. })));
    }
}
