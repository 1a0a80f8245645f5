//! Singular value decomposition, for pseudo-inverses: `gebrd`, `orgbr`/`ungbr`, `bdsqr`.
//!
//! These are the routines that `gesvd` calls for a square matrix. They are called here one by
//! one because the drivers, `gesvd` and `gesdd`, are the only ones that would draw the Fortran
//! run-time library into a statically linked program.
//!
//! `gemv` of OpenBLAS (0.3.21, complex, on every processor) reads a row of a matrix up to the column behind its
//! last one, so that `gebrd` and `ungbr` read beyond a matrix of order 3 or more. The matrices that they work on
//! have one column more here, which nobody writes to.

use super::routines::{Routines, checked_order, outcome};
use matinv_kernels::Svd;
use num_complex::{Complex32, Complex64};

/// The routines of one scalar, behind one function.
pub(crate) trait Decompose: Routines {
    /// Decomposes the matrix of order `n ≥ 1` in `u`, column-major, and leaves its left singular vectors
    /// there, and the right ones, conjugate-transposed, in `vt`; returns the singular values, or `None` if
    /// the iteration does not converge. Both slices have room for a column more.
    fn decompose_in(n: usize, u: &mut [Self], vt: &mut [Self]) -> Option<Vec<f64>>;

    /// Decomposes a matrix of order `n ≥ 1`, column-major; `None` if the iteration does not
    /// converge.
    fn decompose(n: usize, a: &[Self]) -> Option<Svd<Self>> {
        let with_room = |columns: &[Self]| {
            let mut matrix = Vec::with_capacity(n * n + n);
            matrix.extend_from_slice(columns);
            matrix.resize(n * n + n, Self::zero());
            matrix
        };
        let (mut u, mut vt) = (with_room(a), with_room(&[]));
        let s = Self::decompose_in(n, &mut u, &mut vt)?;
        u.truncate(n * n);
        vt.truncate(n * n);
        Some(Svd { u, s, vt })
    }
}

/// Workspace per column: two blocks of LAPACK's `ilaenv`, one for rows and one for columns.
const BLOCKS: usize = 128;

macro_rules! decompose {
    ($scalar:ty, $real:ty, $gebrd:ident, $orgbr:ident, $bdsqr:ident) => {
        impl Decompose for $scalar {
            fn decompose_in(n: usize, u: &mut [Self], vt: &mut [Self]) -> Option<Vec<f64>> {
                let order = checked_order(n, n * n);
                assert!(u.len() >= n * n + n && vt.len() >= n * n + n, "room for order {n}");
                let zero = Self::default();
                let lwork = i32::try_from(BLOCKS * n).expect("128 MAX_ORDER fits");
                let mut work = vec![zero; BLOCKS * n];
                let (mut tauq, mut taup) = (vec![zero; n], vec![zero; n]);
                let (mut s, mut e): (Vec<$real>, Vec<$real>) = (vec![0.0; n], vec![0.0; n]);
                let mut info = 0;
                // SAFETY: `checked_order` checked that n fits; U holds n × n elements and n more, as was
                // asserted; D, TAUQ and TAUP have n elements, E n (n - 1 are needed), WORK has LWORK.
                unsafe {
                    lapack::$gebrd(
                        order, order, u, order, &mut s, &mut e, &mut tauq, &mut taup, &mut work,
                        lwork, &mut info,
                    );
                }
                outcome("gebrd", info).ok()?;

                vt[..n * n].copy_from_slice(&u[..n * n]);
                // SAFETY: both matrices hold n × n elements and n more, TAU n, WORK LWORK.
                unsafe {
                    lapack::$orgbr(
                        b'Q', order, order, order, u, order, &tauq, &mut work, lwork, &mut info,
                    );
                }
                outcome("orgbr", info).ok()?;
                // SAFETY: as above.
                unsafe {
                    lapack::$orgbr(
                        b'P', order, order, order, vt, order, &taup, &mut work, lwork, &mut info,
                    );
                }
                outcome("orgbr", info).ok()?;

                let mut rwork: Vec<$real> = vec![0.0; 4 * n];
                // SAFETY: VT and U hold n × n elements, D and E n, (R)WORK 4n; C is not used,
                // since NCC = 0, and its leading dimension is 1 as the interface demands.
                unsafe {
                    lapack::$bdsqr(
                        b'U',
                        order,
                        &[order],
                        &[order],
                        &[0],
                        &mut s,
                        &mut e,
                        vt,
                        order,
                        u,
                        order,
                        &mut [zero],
                        1,
                        &mut rwork,
                        &mut info,
                    );
                }
                outcome("bdsqr", info).ok()?;
                Some(s.into_iter().map(f64::from).collect())
            }
        }
    };
}

decompose!(f32, f32, sgebrd, sorgbr, sbdsqr);
decompose!(f64, f64, dgebrd, dorgbr, dbdsqr);
decompose!(Complex32, f32, cgebrd, cungbr, cbdsqr);
decompose!(Complex64, f64, zgebrd, zungbr, zbdsqr);

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::engine;
    use matinv_kernels::Scalar;
    use std::ptr::NonNull;

    /// Memory that ends where a page begins which may not be touched.
    struct BeforeGuard {
        start: NonNull<libc::c_void>,
        bytes: usize,
    }

    impl BeforeGuard {
        const PAGE: usize = 1 << 16;

        fn new(bytes: usize) -> Self {
            let bytes = bytes.next_multiple_of(Self::PAGE) + Self::PAGE;
            // SAFETY: fresh pages wherever the system has some; their last part is then forbidden.
            let start = unsafe {
                let access = libc::PROT_READ | libc::PROT_WRITE;
                let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
                let start = libc::mmap(std::ptr::null_mut(), bytes, access, kind, -1, 0);
                assert_ne!(start, libc::MAP_FAILED);
                let guard = start.byte_add(bytes - Self::PAGE);
                assert_eq!(libc::mprotect(guard, Self::PAGE, libc::PROT_NONE), 0);
                start
            };
            BeforeGuard { start: NonNull::new(start).expect("mapped"), bytes }
        }

        /// The last elements before the guard.
        fn last<T: Scalar>(&mut self, count: usize) -> &mut [T] {
            let before = self.bytes - Self::PAGE - count * size_of::<T>();
            // SAFETY: zeroed pages that this value owns and lends once; the size of a page is a multiple of that
            // of an element, so the slice is aligned.
            unsafe {
                let first = self.start.byte_add(before).cast::<T>();
                std::slice::from_raw_parts_mut(first.as_ptr(), count)
            }
        }
    }

    impl Drop for BeforeGuard {
        fn drop(&mut self) {
            // SAFETY: the pages that were mapped, which nobody has any more.
            unsafe { libc::munmap(self.start.as_ptr(), self.bytes) };
        }
    }

    fn decomposes_before_a_guard<T: Decompose>() {
        for n in (1..20).chain([33, 64, 67, 130]) {
            let mut memory = [(); 2].map(|()| BeforeGuard::new((n * n + n) * size_of::<T>()));
            let [u, vt] = memory.each_mut().map(|memory| memory.last::<T>(n * n + n));
            for (i, x) in u[..n * n].iter_mut().enumerate() {
                *x = T::from_f64((i as f64 * 0.618_033_988_749_895).fract() - 0.5);
            }
            let s = T::decompose_in(n, u, vt).unwrap();
            assert!(s.len() == n && s.is_sorted_by(|a, b| a >= b), "{} order {n}", T::NAME);
        }
    }

    /// Nothing beyond that column is read. A fault ends the process.
    #[test]
    fn one_more_column_is_all_that_is_read() {
        if engine::has_sound_lapack() {
            decomposes_before_a_guard::<f32>();
            decomposes_before_a_guard::<f64>();
            decomposes_before_a_guard::<Complex32>();
            decomposes_before_a_guard::<Complex64>();
        }
    }
}
