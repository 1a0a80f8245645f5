//! Singular value decomposition, for pseudo-inverses: `gebrd`, `orgbr`/`ungbr`, `bdsqr`.
//!
//! These are the routines that `gesvd` calls for a square matrix. They are called here one by
//! one because the drivers, `gesvd` and `gesdd`, are the only ones that would draw the Fortran
//! run-time library into a statically linked program.

use super::routines::{Routines, checked_order, outcome};
use crate::engine::Svd;
use num_complex::{Complex32, Complex64};

/// The routines of one scalar, behind one function.
pub(super) trait Decompose: Routines {
    /// Decomposes a matrix of order `n ≥ 1`, column-major; `None` if the iteration does not
    /// converge. Destroys `a`.
    fn decompose(n: usize, a: &mut [Self]) -> Option<Svd<Self>>;
}

/// Workspace per column: two blocks of LAPACK's `ilaenv`, one for rows and one for columns.
const BLOCKS: usize = 128;

macro_rules! decompose {
    ($scalar:ty, $real:ty, $gebrd:ident, $orgbr:ident, $bdsqr:ident) => {
        impl Decompose for $scalar {
            fn decompose(n: usize, a: &mut [Self]) -> Option<Svd<Self>> {
                let order = checked_order(n, a.len());
                let zero = Self::default();
                let lwork = i32::try_from(BLOCKS * n).expect("128 MAX_ORDER fits");
                let mut work = vec![zero; BLOCKS * n];
                let (mut tauq, mut taup) = (vec![zero; n], vec![zero; n]);
                let (mut s, mut e): (Vec<$real>, Vec<$real>) = (vec![0.0; n], vec![0.0; n]);
                let mut info = 0;
                // SAFETY: `checked_order` checked that a holds n × n elements and that n fits; D,
                // TAUQ and TAUP have n elements, E n (n - 1 are needed), WORK has LWORK.
                unsafe {
                    lapack::$gebrd(
                        order, order, a, order, &mut s, &mut e, &mut tauq, &mut taup, &mut work,
                        lwork, &mut info,
                    );
                }
                outcome("gebrd", info).ok()?;

                let mut vt = a.to_vec();
                let u = a;
                // SAFETY: both matrices hold n × n elements, TAU n, WORK LWORK.
                unsafe {
                    lapack::$orgbr(
                        b'Q', order, order, order, u, order, &tauq, &mut work, lwork, &mut info,
                    );
                }
                outcome("orgbr", info).ok()?;
                // SAFETY: as above.
                unsafe {
                    lapack::$orgbr(
                        b'P', order, order, order, &mut vt, order, &taup, &mut work, lwork,
                        &mut info,
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
                        &mut vt,
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
                Some(Svd { u: u.to_vec(), s: s.into_iter().map(f64::from).collect(), vt })
            }
        }
    };
}

decompose!(f32, f32, sgebrd, sorgbr, sbdsqr);
decompose!(f64, f64, dgebrd, dorgbr, dbdsqr);
decompose!(Complex32, f32, cgebrd, cungbr, cbdsqr);
decompose!(Complex64, f64, zgebrd, zungbr, zbdsqr);
