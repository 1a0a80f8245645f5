//! Whether the LAPACK that the program found can be relied on: a test at its first use.
//!
//! An OpenBLAS that does not know a processor takes kernels for an older one. Those for Prescott, which
//! 0.3.21 takes on Intel's Sapphire and Emerald Rapids, read the buffers of OpenBLAS beyond what was
//! packed into them. Once a NaN has been through these (of any matrix of the process, in any product), it
//! comes out in the inverses of finite matrices, or not, as it happens. So the buffers are filled with NaN
//! here, and then every routine that this crate calls has to invert finite matrices.

use super::multiply::gemm;
use super::routines::{Routines, Work};
use super::svd::Decompose;
use crate::blas::guard;
use crate::blas::openblas;
use crate::structure::Triangle;
use matinv_kernels::team::Alone;
use matinv_kernels::{Ask, Breakdown, Facts, Invert, Norm, Scalar, Symmetry, mirror};
use num_complex::{Complex32, Complex64};
use std::sync::atomic::{AtomicU8, Ordering};

/// Whether the test was passed; the first call runs it.
///
/// Threads that come first at the same time all run it: nobody waits for another one, so that a fork
/// in the middle leaves nothing locked.
pub(crate) fn is_passed() -> bool {
    static RESULT: AtomicU8 = AtomicU8::new(UNKNOWN);
    const UNKNOWN: u8 = 0;
    const PASSED: u8 = 1;
    const FAILED: u8 = 2;
    match RESULT.load(Ordering::Relaxed) {
        UNKNOWN => {
            let passed = guard::with_one(run);
            RESULT.store(if passed { PASSED } else { FAILED }, Ordering::Relaxed);
            passed
        }
        result => result == PASSED,
    }
}

/// The test itself, with BLAS at one thread.
fn run() -> bool {
    // The known fault first, in single precision: of the others some crash where this one shows.
    let first = Subject::Indefinite(Symmetry::Symmetric, Triangle::Lower);
    poison::<f32>();
    is_inverted::<f32>(first, ORDERS[0])
        && !is_outdated(&openblas::core_name())
        && all_are_inverted::<f32>()
        && all_are_inverted::<f64>()
        && all_are_inverted::<Complex32>()
        && all_are_inverted::<Complex64>()
}

/// Orders of the matrices: one more than a multiple of 2, 3, 4, 6, 11 and 16 or 32 each, so that blocks
/// and the registers of every kernel are filled in part.
const ORDERS: [usize; 2] = [67, 33];

/// Order of the product that fills the buffers: beyond what those orders pack.
const POISONED: usize = 96;

/// Whether these are kernels from before AVX, on a processor that has AVX2: OpenBLAS does not know it
/// then, and its parameters do not fit (in single precision triangular solves crash).
fn is_outdated(core: &str) -> bool {
    const BEFORE_AVX: [&str; 14] = [
        "katmai",
        "coppermine",
        "northwood",
        "prescott",
        "banias",
        "atom",
        "core2",
        "penryn",
        "dunnington",
        "nehalem",
        "opteron",
        "opteron_sse3",
        "barcelona",
        "nano",
    ];
    #[cfg(target_arch = "x86_64")]
    let has_avx2 = std::arch::is_x86_feature_detected!("avx2");
    #[cfg(not(target_arch = "x86_64"))]
    let has_avx2 = false;
    has_avx2 && BEFORE_AVX.iter().any(|old| core.eq_ignore_ascii_case(old))
}

/// Leaves NaN in the buffers of products.
fn poison<T: Scalar>() {
    let a = vec![T::nan(); POISONED * POISONED];
    let mut product = a.clone();
    gemm(POISONED, &a, &a, &mut product);
}

/// A scalar of LAPACK, made of its parts; reals drop the imaginary one.
trait Tested: Routines + Decompose {
    fn of(re: f64, im: f64) -> Self;
}

macro_rules! tested {
    ($($real:ident, $complex:ident);*) => {$(
        impl Tested for $real {
            fn of(re: f64, _: f64) -> Self {
                Self::from_f64(re)
            }
        }
        impl Tested for $complex {
            fn of(re: f64, im: f64) -> Self {
                Self::new($real::from_f64(re), $real::from_f64(im))
            }
        }
    )*};
}

tested!(f32, Complex32; f64, Complex64);

/// What a matrix is inverted, or decomposed, as.
#[derive(Debug, Clone, Copy)]
enum Subject {
    General,
    Definite(Triangle),
    Indefinite(Symmetry, Triangle),
    Triangular(Triangle),
    Decomposition,
}

const SUBJECTS: [Subject; 10] = [
    Subject::General,
    Subject::Definite(Triangle::Lower),
    Subject::Definite(Triangle::Upper),
    Subject::Indefinite(Symmetry::Symmetric, Triangle::Lower),
    Subject::Indefinite(Symmetry::Symmetric, Triangle::Upper),
    Subject::Indefinite(Symmetry::Hermitian, Triangle::Lower),
    Subject::Indefinite(Symmetry::Hermitian, Triangle::Upper),
    Subject::Triangular(Triangle::Lower),
    Subject::Triangular(Triangle::Upper),
    Subject::Decomposition,
];

fn all_are_inverted<T: Tested>() -> bool {
    ORDERS.iter().all(|&n| {
        SUBJECTS.iter().all(|&subject| {
            poison::<T>();
            is_inverted::<T>(subject, n)
        })
    })
}

/// Whether a well-conditioned matrix is inverted, its condition number estimated, or its decomposition
/// put together again, as well as LAPACK's own tests ask.
fn is_inverted<T: Tested>(subject: Subject, n: usize) -> bool {
    let a = matrix::<T>(subject, n);
    let mut x = a.clone();
    if matches!(subject, Subject::Decomposition) {
        return T::decompose(n, &x).is_some_and(|svd| {
            let v: Vec<T> = (0..n).map(sign).collect();
            let mut product = times(n, &svd.vt, &v);
            for (x, &s) in product.iter_mut().zip(&svd.s) {
                *x = x.scale(s);
            }
            is_near(n, &times(n, &svd.u, &product), &times(n, &a, &v), largest_row(n, &a))
        });
    }
    invert(subject, n, &mut x).is_ok_and(|facts| {
        let rcond = facts.rcond.unwrap_or(f64::NAN);
        // A·(X·v) = v: a vector shows what is wrong with any element.
        let v: Vec<T> = (0..n).map(sign).collect();
        let back = times(n, &a, &times(n, &x, &v));
        rcond > 1e-4
            && rcond <= 1.0
            && is_near(n, &back, &v, largest_row(n, &a) * largest_row(n, &x))
    })
}

/// Inverts as the engine does, the other triangle too.
fn invert<T: Tested>(subject: Subject, n: usize, a: &mut [T]) -> Result<Facts<T>, Breakdown> {
    let ask = Ask {
        rcond: Some(Norm::One),
        determinant: false,
        reject_tiny_pivots: false,
        finite: false,
    };
    let mut work = Work::<T>::default();
    match subject {
        Subject::Definite(triangle) => {
            let facts = work.positive_definite(&Alone, n, a, triangle, ask)?;
            mirror(&Alone, n, a, triangle, true);
            Ok(facts)
        }
        Subject::Indefinite(symmetry, triangle) => {
            let facts = work.indefinite(&Alone, n, a, symmetry, triangle, ask)?;
            mirror(&Alone, n, a, triangle, symmetry == Symmetry::Hermitian);
            Ok(facts)
        }
        Subject::Triangular(triangle) => work.triangular(&Alone, n, a, triangle, ask),
        Subject::General | Subject::Decomposition => work.general(&Alone, n, None, a, ask),
    }
}

/// A matrix of this kind with a condition number below 100, by columns: mixed numbers beside a heavy
/// diagonal, whose signs alternate where the matrix is to be indefinite.
fn matrix<T: Tested>(subject: Subject, n: usize) -> Vec<T> {
    // Equidistributed: multiples of the golden section.
    let number = |i: usize, j: usize| {
        let part =
            |k: usize| ((i * n + j + k * n * n) as f64 * 0.618_033_988_749_895).fract() - 0.5;
        T::of(part(0), part(1))
    };
    let mut a = vec![T::zero(); n * n];
    for j in 0..n {
        for i in 0..n {
            let (low, high) = (i.max(j), i.min(j));
            a[j * n + i] = match subject {
                _ if i == j => {
                    let heavy = n as f64 * 0.75;
                    let negative = matches!(subject, Subject::Indefinite(..)) && i % 2 == 1;
                    T::from_f64(if negative { -heavy } else { heavy })
                }
                Subject::Triangular(Triangle::Lower) if i < j => T::zero(),
                Subject::Triangular(Triangle::Upper) if i > j => T::zero(),
                Subject::Definite(_) | Subject::Indefinite(Symmetry::Hermitian, _) if i < j => {
                    number(low, high).conj()
                }
                Subject::Definite(_) | Subject::Indefinite(..) => number(low, high),
                _ => number(i, j),
            };
        }
    }
    a
}

fn sign<T: Scalar>(i: usize) -> T {
    T::from_f64(if i.is_multiple_of(3) { -1.0 } else { 1.0 })
}

fn times<T: Scalar>(n: usize, a: &[T], v: &[T]) -> Vec<T> {
    let mut product = vec![T::zero(); n];
    for (column, &x) in a.chunks_exact(n).zip(v) {
        for (sum, &a) in product.iter_mut().zip(column) {
            *sum = *sum + a * x;
        }
    }
    product
}

/// The largest sum of moduli of a row.
fn largest_row<T: Scalar>(n: usize, a: &[T]) -> f64 {
    let row = |i: usize| (0..n).map(|j| a[j * n + i].modulus()).sum::<f64>();
    (0..n).map(row).fold(0.0, f64::max)
}

/// Whether two vectors differ by rounding only, LAPACK's threshold of 30 times n ε ‖·‖; not if one has a
/// NaN.
fn is_near<T: Scalar>(n: usize, a: &[T], b: &[T], norm: f64) -> bool {
    let unit = n as f64 * T::UNIT_ROUNDOFF * norm;
    a.iter().zip(b).all(|(&a, &b)| (a - b).modulus() < 30.0 * unit)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every routine has to get these matrices right where nothing is left in the buffers: the test
    /// fails for the sake of the library underneath, and for nothing else.
    #[test]
    fn a_result_that_is_wrong_in_one_element_is_noticed() {
        for n in ORDERS {
            let a = matrix::<f64>(Subject::General, n);
            let v: Vec<f64> = (0..n).map(sign).collect();
            let product = times(n, &a, &v);
            let norm = largest_row(n, &a);
            assert!(is_near(n, &product, &product, norm));
            for spoiled in [f64::NAN, f64::INFINITY, 1e-9] {
                for at in [0, n / 2, n - 1] {
                    let mut other = product.clone();
                    other[at] += spoiled;
                    assert!(!is_near(n, &other, &product, norm), "{spoiled} at {at}");
                }
            }
        }
    }

    /// What is known of processors and kernels.
    #[test]
    fn kernels_for_older_processors_are_outdated_where_there_is_avx2() {
        #[cfg(target_arch = "x86_64")]
        assert_eq!(is_outdated("Prescott"), std::arch::is_x86_feature_detected!("avx2"));
        for core in ["Haswell", "SkylakeX", "Zen", "Cooperlake", "neoversen1", "unknown"] {
            assert!(!is_outdated(core), "{core}");
        }
    }

    /// The native engine inverts the test's matrices: they are no trap for the library.
    #[test]
    fn the_matrices_of_the_test_are_harmless() {
        use crate::{Engine, Inverter, layout};
        for n in ORDERS {
            for subject in SUBJECTS {
                let a = matrix::<Complex64>(subject, n);
                let view = layout::view(n, &a, layout::Order::Column);
                let report = Inverter::new().engine(Engine::Native).report(&view).unwrap();
                assert!(report.verdict().rcond > 1e-2, "{subject:?} of order {n}");
            }
        }
    }
}
