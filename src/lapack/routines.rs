//! Thin safe wrappers, one per LAPACK routine and uniform over the four scalars.
//!
//! Each checks every length the routine relies on, in release too, and then makes one call:
//! through `lax` (the LAPACK layer of ndarray-linalg) where it has the routine, through the
//! `lapack` crate where not. A positive `info` is a property of the matrix and comes back as
//! `Err` with a step that counts from 0. A negative one says that an argument was illegal: our
//! bug, so it panics and names the routine and the argument.

use crate::lapack::MAX_ORDER;
use crate::structure::Triangle;
use lax::UPLO;
use lax::layout::MatrixLayout;
use lax::rcond::{RcondWork, RcondWorkImpl};
use lax::solve::{InvWork, InvWorkImpl};
use lax::solveh::{BkWork, BkWorkImpl, InvhWork, InvhWorkImpl};
use matinv_kernels::{Norm, Scalar, Symmetry};
use ndarray_linalg::types::Lapack;
use num_complex::{Complex32, Complex64};

#[allow(clippy::struct_field_names)] // LAPACK's own names
/// Memory kept between calls. Everything in it is for matrices of one order at a time.
pub(crate) struct Work<T: Routines> {
    /// Row or column exchanges of the last factorization, counted from 1.
    pub(crate) ipiv: Vec<i32>,
    /// Sums for norms.
    pub(crate) sums: Vec<f64>,
    /// The order that the workspaces in `lax` are for.
    order: usize,
    lax: T::LaxWork,
    /// `WORK` of the routines that are not in `lax`.
    work: Vec<T>,
    /// `RWORK` (complex) of the same.
    rwork: Vec<T::Real>,
    /// `IWORK` (real) of the same.
    iwork: Vec<i32>,
}

impl<T: Routines> Default for Work<T> {
    fn default() -> Self {
        Work {
            ipiv: Vec::new(),
            sums: Vec::new(),
            order: 0,
            lax: T::LaxWork::default(),
            work: Vec::new(),
            rwork: Vec::new(),
            iwork: Vec::new(),
        }
    }
}

impl<T: Routines> Work<T> {
    /// Drops workspaces made for another order.
    fn prepare(&mut self, n: usize) {
        if self.order != n {
            self.lax = T::LaxWork::default();
            self.order = n;
        }
    }

    /// At least 3n elements of `WORK` and n of the second workspace: enough for every routine
    /// here but `sytrf`.
    fn grow(&mut self, n: usize) {
        grow(&mut self.work, 3 * n, T::default());
        if T::COMPLEX {
            grow(&mut self.rwork, n, T::Real::default());
        } else {
            grow(&mut self.iwork, n, 0);
        }
    }
}

fn grow<T: Copy>(buffer: &mut Vec<T>, len: usize, fill: T) {
    if buffer.len() < len {
        buffer.resize(len, fill);
    }
}

/// Workspaces of `lax`, each made when first needed.
pub(crate) struct LaxWork<Getri, Gecon, Sytrf, Sytri> {
    getri: Option<Getri>,
    gecon: Option<(Norm, Gecon)>,
    sytrf: Option<Sytrf>,
    sytri: Option<Sytri>,
}

impl<Getri, Gecon, Sytrf, Sytri> Default for LaxWork<Getri, Gecon, Sytrf, Sytri> {
    fn default() -> Self {
        LaxWork { getri: None, gecon: None, sytrf: None, sytri: None }
    }
}

/// Columns of workspace for the blocked `sytrf`: the block size of LAPACK's `ilaenv`.
const SYTRF_BLOCK: usize = 64;

/// The step, counted from 0, at which a routine says the matrix failed it.
pub(crate) type Step<T = ()> = Result<T, usize>;

/// The routines of one scalar, without their type letter. All matrices are of order `n ≥ 1`,
/// column-major, with leading dimension `n`.
pub(crate) trait Routines: Scalar {
    type LaxWork: Default + Send;

    /// LU with partial pivoting; fills `work.ipiv`.
    fn getrf(work: &mut Work<Self>, n: usize, a: &mut [Self]) -> Step;
    /// Condition number from `getrf`.
    fn gecon(work: &mut Work<Self>, which: Norm, n: usize, a: &[Self], anorm: f64) -> f64;
    /// Inverse from `getrf`.
    fn getri(work: &mut Work<Self>, n: usize, a: &mut [Self]) -> Step;

    /// Cholesky factorization of one triangle.
    fn potrf(triangle: Triangle, n: usize, a: &mut [Self]) -> Step;
    /// Condition number from `potrf`.
    fn pocon(work: &mut Work<Self>, triangle: Triangle, n: usize, a: &[Self], anorm: f64) -> f64;
    /// Inverse, one triangle of it, from `potrf`.
    fn potri(triangle: Triangle, n: usize, a: &mut [Self]) -> Step;

    /// Bunch–Kaufman factorization of one triangle, Hermitian or real; fills `work.ipiv`.
    fn hetrf(work: &mut Work<Self>, triangle: Triangle, n: usize, a: &mut [Self]) -> Step;
    /// Inverse, one triangle of it, from `hetrf`, which has to be the last that filled
    /// `work.ipiv`.
    fn hetri(work: &mut Work<Self>, triangle: Triangle, n: usize, a: &mut [Self]) -> Step;

    /// `hetrf`, or its symmetric twin; fills `work.ipiv`.
    fn sytrf(
        work: &mut Work<Self>,
        symmetry: Symmetry,
        triangle: Triangle,
        n: usize,
        a: &mut [Self],
    ) -> Step;
    /// Condition number from `sytrf`.
    fn sycon(
        work: &mut Work<Self>,
        symmetry: Symmetry,
        triangle: Triangle,
        n: usize,
        a: &[Self],
        anorm: f64,
    ) -> f64;
    /// Inverse, one triangle of it, from `sytrf`.
    fn sytri(
        work: &mut Work<Self>,
        symmetry: Symmetry,
        triangle: Triangle,
        n: usize,
        a: &mut [Self],
    ) -> Step;

    /// Inverse of a triangular matrix.
    fn trtri(triangle: Triangle, n: usize, a: &mut [Self]) -> Step;
    /// Condition number of a triangular matrix.
    fn trcon(work: &mut Work<Self>, which: Norm, triangle: Triangle, n: usize, a: &[Self]) -> f64;
}

/// Checks what every wrapper relies on and gives the order as LAPACK's integer.
pub(crate) fn checked_order(n: usize, len: usize) -> i32 {
    assert!((1..=MAX_ORDER).contains(&n), "order {n} is outside 1..={MAX_ORDER}");
    assert_eq!(len, n * n, "a matrix of order {n} has {} elements", n * n);
    i32::try_from(n).expect("MAX_ORDER fits")
}

fn layout(n: i32) -> MatrixLayout {
    MatrixLayout::F { col: n, lda: n }
}

/// `lax` picks the norm of its condition estimate by the layout; nothing else of it matters.
fn layout_for(which: Norm, n: i32) -> MatrixLayout {
    match which {
        Norm::One => MatrixLayout::F { col: n, lda: n },
        Norm::Infinity => MatrixLayout::C { row: n, lda: n },
    }
}

fn uplo(triangle: Triangle) -> UPLO {
    match triangle {
        Triangle::Lower => UPLO::Lower,
        Triangle::Upper => UPLO::Upper,
    }
}

fn letter(triangle: Triangle) -> u8 {
    uplo(triangle) as u8
}

/// `info` as a result; see the module.
pub(crate) fn outcome(routine: &str, info: i32) -> Step {
    assert!(info >= 0, "argument {} of LAPACK's {routine} is illegal; please report", -info);
    match usize::try_from(info).expect("checked above") {
        0 => Ok(()),
        step => Err(step - 1),
    }
}

/// An error of `lax` as a result; see the module.
fn lax_outcome<R>(routine: &str, result: lax::error::Result<R>) -> Step<R> {
    use lax::error::Error;
    match result {
        Ok(value) => Ok(value),
        Err(Error::LapackComputationalFailure { return_code }) => {
            Err(outcome(routine, return_code).expect_err("a failure has a positive code"))
        }
        Err(Error::LapackInvalidValue { return_code }) => {
            outcome(routine, return_code).map(|()| unreachable!("an illegal value is negative"))
        }
        Err(error) => panic!("lax refused the arguments of {routine} ({error}); please report"),
    }
}

/// What an estimator found. Newer LAPACKs set a positive `info` where NaN or infinity turned up
/// in the factors; there is no condition number then.
fn estimate(routine: &str, rcond: impl Into<f64>, info: i32) -> f64 {
    outcome(routine, info).map_or(f64::NAN, |()| rcond.into())
}

/// The routines that `lax` has, for one scalar.
macro_rules! through_lax {
    ($scalar:ty, $real:ty) => {
        type LaxWork =
            LaxWork<InvWork<$scalar>, RcondWork<$scalar>, BkWork<$scalar>, InvhWork<$scalar>>;

        fn gecon(work: &mut Work<Self>, which: Norm, n: usize, a: &[Self], anorm: f64) -> f64 {
            let order = checked_order(n, a.len());
            work.prepare(n);
            let (norm, gecon) = work.lax.gecon.get_or_insert_with(|| {
                (which, RcondWork::<$scalar>::new(layout_for(which, order)))
            });
            if *norm != which {
                (*norm, *gecon) = (which, RcondWork::<$scalar>::new(layout_for(which, order)));
            }
            let rcond = gecon.calc(a, <$real as Scalar>::from_f64(anorm));
            lax_outcome("gecon", rcond).map_or(f64::NAN, f64::from)
        }

        fn getri(work: &mut Work<Self>, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            assert_eq!(work.ipiv.len(), n, "getri follows a getrf of the same order");
            work.prepare(n);
            if work.lax.getri.is_none() {
                work.lax.getri = Some(lax_outcome("getri", InvWork::new(layout(order)))?);
            }
            let getri = work.lax.getri.as_mut().expect("made above");
            lax_outcome("getri", getri.calc(a, &work.ipiv))
        }

        fn potrf(triangle: Triangle, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            let done = <$scalar as Lapack>::cholesky(layout(order), uplo(triangle), a);
            lax_outcome("potrf", done)
        }

        fn potri(triangle: Triangle, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            let done = <$scalar as Lapack>::inv_cholesky(layout(order), uplo(triangle), a);
            lax_outcome("potri", done)
        }

        fn hetrf(work: &mut Work<Self>, triangle: Triangle, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            work.prepare(n);
            if work.lax.sytrf.is_none() {
                work.lax.sytrf = Some(lax_outcome("hetrf", BkWork::new(layout(order)))?);
            }
            let hetrf = work.lax.sytrf.as_mut().expect("made above");
            let ipiv = lax_outcome("hetrf", hetrf.calc(uplo(triangle), a))?;
            work.ipiv.clear();
            work.ipiv.extend_from_slice(ipiv);
            Ok(())
        }

        fn hetri(work: &mut Work<Self>, triangle: Triangle, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            assert_eq!(work.ipiv.len(), n, "hetri follows a hetrf of the same order");
            work.prepare(n);
            if work.lax.sytri.is_none() {
                work.lax.sytri = Some(lax_outcome("hetri", InvhWork::new(layout(order)))?);
            }
            let hetri = work.lax.sytri.as_mut().expect("made above");
            lax_outcome("hetri", hetri.calc(uplo(triangle), a, &work.ipiv))
        }
    };
}

/// The routines that real and complex scalars call alike, but for the name of the second
/// workspace: `IWORK` (real) or `RWORK` (complex).
macro_rules! through_lapack {
    ($real:ty, $second:ident, $getrf:ident, $pocon:ident, $trcon:ident, $trtri:ident) => {
        // `lax` has it too, but allocates the pivots anew for every matrix.
        fn getrf(work: &mut Work<Self>, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            work.ipiv.clear();
            work.ipiv.resize(n, 0);
            let mut info = 0;
            // SAFETY: `checked_order` checked that a holds n × n elements and that n fits; IPIV
            // has n, made so above.
            unsafe { lapack::$getrf(order, order, a, order, &mut work.ipiv, &mut info) };
            outcome("getrf", info)
        }

        fn pocon(
            work: &mut Work<Self>,
            triangle: Triangle,
            n: usize,
            a: &[Self],
            anorm: f64,
        ) -> f64 {
            let order = checked_order(n, a.len());
            work.grow(n);
            let anorm = <$real as Scalar>::from_f64(anorm);
            let (mut rcond, mut info) = (0.0, 0);
            // SAFETY: `checked_order` checked that a holds n × n elements and n fits; `grow` gave WORK 3n
            // (all that real needs; complex: 2n), and IWORK (real) or RWORK (complex) n.
            unsafe {
                lapack::$pocon(
                    letter(triangle),
                    order,
                    a,
                    order,
                    anorm,
                    &mut rcond,
                    &mut work.work,
                    &mut work.$second,
                    &mut info,
                );
            }
            estimate("pocon", rcond, info)
        }

        fn trcon(
            work: &mut Work<Self>,
            which: Norm,
            triangle: Triangle,
            n: usize,
            a: &[Self],
        ) -> f64 {
            let order = checked_order(n, a.len());
            work.grow(n);
            let norm = match which {
                Norm::One => b'1',
                Norm::Infinity => b'I',
            };
            let (mut rcond, mut info) = (0.0, 0);
            // SAFETY: as in `pocon`.
            unsafe {
                lapack::$trcon(
                    norm,
                    letter(triangle),
                    b'N',
                    order,
                    a,
                    order,
                    &mut rcond,
                    &mut work.work,
                    &mut work.$second,
                    &mut info,
                );
            }
            estimate("trcon", rcond, info)
        }

        fn trtri(triangle: Triangle, n: usize, a: &mut [Self]) -> Step {
            let order = checked_order(n, a.len());
            let mut info = 0;
            // SAFETY: `checked_order` checked that a holds n × n elements and n fits; no workspace.
            unsafe { lapack::$trtri(letter(triangle), b'N', order, a, order, &mut info) };
            outcome("trtri", info)
        }
    };
}

macro_rules! real_routines {
    ($real:ty, $getrf:ident, $pocon:ident, $trcon:ident, $trtri:ident, $sycon:ident) => {
        impl Routines for $real {
            through_lax!($real, $real);
            through_lapack!($real, iwork, $getrf, $pocon, $trcon, $trtri);

            fn sytrf(
                work: &mut Work<Self>,
                _: Symmetry,
                triangle: Triangle,
                n: usize,
                a: &mut [Self],
            ) -> Step {
                Self::hetrf(work, triangle, n, a)
            }

            fn sycon(
                work: &mut Work<Self>,
                _: Symmetry,
                triangle: Triangle,
                n: usize,
                a: &[Self],
                anorm: f64,
            ) -> f64 {
                let order = checked_order(n, a.len());
                assert_eq!(work.ipiv.len(), n, "sycon follows a sytrf of the same order");
                work.grow(n);
                let anorm = <$real as Scalar>::from_f64(anorm);
                let (mut rcond, mut info) = (0.0, 0);
                // SAFETY: `checked_order` checked that a holds n × n elements and n fits; IPIV has n
                // (checked above), and `grow` gave WORK 3n (2n are needed) and IWORK n.
                unsafe {
                    lapack::$sycon(
                        letter(triangle),
                        order,
                        a,
                        order,
                        &work.ipiv,
                        anorm,
                        &mut rcond,
                        &mut work.work,
                        &mut work.iwork,
                        &mut info,
                    );
                }
                estimate("sycon", rcond, info)
            }

            fn sytri(
                work: &mut Work<Self>,
                _: Symmetry,
                triangle: Triangle,
                n: usize,
                a: &mut [Self],
            ) -> Step {
                Self::hetri(work, triangle, n, a)
            }
        }
    };
}

macro_rules! complex_routines {
    (
        $complex:ty, $real:ty, $getrf:ident, $pocon:ident, $trcon:ident, $trtri:ident,
        $sytrf:ident, $sycon:ident, $hecon:ident, $sytri:ident
    ) => {
        impl Routines for $complex {
            through_lax!($complex, $real);
            through_lapack!($real, rwork, $getrf, $pocon, $trcon, $trtri);

            fn sytrf(
                work: &mut Work<Self>,
                symmetry: Symmetry,
                triangle: Triangle,
                n: usize,
                a: &mut [Self],
            ) -> Step {
                if symmetry == Symmetry::Hermitian {
                    return Self::hetrf(work, triangle, n, a);
                }
                let order = checked_order(n, a.len());
                work.ipiv.clear();
                work.ipiv.resize(n, 0);
                grow(&mut work.work, SYTRF_BLOCK * n, Self::default());
                let lwork = i32::try_from(SYTRF_BLOCK * n).expect("64 MAX_ORDER fits");
                let mut info = 0;
                // SAFETY: `checked_order` checked that a holds n × n elements and n fits; IPIV has n and
                // WORK at least LWORK elements, both made so above.
                unsafe {
                    lapack::$sytrf(
                        letter(triangle),
                        order,
                        a,
                        order,
                        &mut work.ipiv,
                        &mut work.work,
                        lwork,
                        &mut info,
                    );
                }
                outcome("sytrf", info)
            }

            fn sycon(
                work: &mut Work<Self>,
                symmetry: Symmetry,
                triangle: Triangle,
                n: usize,
                a: &[Self],
                anorm: f64,
            ) -> f64 {
                let order = checked_order(n, a.len());
                assert_eq!(work.ipiv.len(), n, "sycon follows a sytrf of the same order");
                work.grow(n);
                let estimator = match symmetry {
                    Symmetry::Symmetric => lapack::$sycon,
                    Symmetry::Hermitian => lapack::$hecon,
                };
                let anorm = <$real as Scalar>::from_f64(anorm);
                let (mut rcond, mut info) = (0.0, 0);
                // SAFETY: `checked_order` checked that a holds n × n elements and n fits; IPIV has n
                // (checked above), and `grow` gave WORK 3n (2n are needed).
                unsafe {
                    estimator(
                        letter(triangle),
                        order,
                        a,
                        order,
                        &work.ipiv,
                        anorm,
                        &mut rcond,
                        &mut work.work,
                        &mut info,
                    );
                }
                estimate("sycon", rcond, info)
            }

            fn sytri(
                work: &mut Work<Self>,
                symmetry: Symmetry,
                triangle: Triangle,
                n: usize,
                a: &mut [Self],
            ) -> Step {
                if symmetry == Symmetry::Hermitian {
                    return Self::hetri(work, triangle, n, a);
                }
                let order = checked_order(n, a.len());
                assert_eq!(work.ipiv.len(), n, "sytri follows a sytrf of the same order");
                work.grow(n);
                let mut info = 0;
                // SAFETY: `checked_order` checked that a holds n × n elements and n fits; IPIV has n
                // (checked above), and `grow` gave WORK 3n (2n are needed at most).
                unsafe {
                    lapack::$sytri(
                        letter(triangle),
                        order,
                        a,
                        order,
                        &work.ipiv,
                        &mut work.work,
                        &mut info,
                    );
                }
                outcome("sytri", info)
            }
        }
    };
}

real_routines!(f32, sgetrf, spocon, strcon, strtri, ssycon);
real_routines!(f64, dgetrf, dpocon, dtrcon, dtrtri, dsycon);
complex_routines!(Complex32, f32, cgetrf, cpocon, ctrcon, ctrtri, csytrf, csycon, checon, csytri);
complex_routines!(Complex64, f64, zgetrf, zpocon, ztrcon, ztrtri, zsytrf, zsycon, zhecon, zsytri);
