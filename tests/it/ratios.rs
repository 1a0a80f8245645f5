//! The ratios of LAPACK's test suite, computed without the crate under test.
//!
//! A residual is divided by n ‖A‖₁ ‖X‖₁ ε, in which ε is 2⁻⁵³ (2⁻²⁴); below 30 passes.

use crate::lapack_matrices::{Spectrum, general};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::Storage;
use matinv::ndarray::{Array2, ArrayRef2, array};
use matinv::{Inverter, inv, residuals};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The threshold of LAPACK's test suite (`dtest.in`).
pub(crate) const THRESHOLD: f64 = 30.0;

/// ‖A‖₁: the largest sum of moduli of a column.
pub(crate) fn one_norm<T: Field>(a: &ArrayRef2<T>) -> f64 {
    let sum = |j| a.column(j).iter().map(|x| x.modulus()).sum::<f64>();
    (0..a.ncols()).map(sum).fold(0.0, |norm: f64, sum| if norm >= sum { norm } else { sum })
}

/// P·Q: large ones by BLAS, where there is one that is sound.
fn product<T: Field>(p: &ArrayRef2<T>, q: &ArrayRef2<T>) -> Array2<T> {
    #[cfg(feature = "openblas")]
    if p.nrows() >= 500 && matinv::platform().blas.is_some_and(|blas| blas.sound) {
        use matinv::ndarray::ShapeBuilder;
        let n = p.nrows();
        let by_columns = |a: &ArrayRef2<T>| -> Vec<T> { a.t().iter().copied().collect() };
        let mut product = vec![T::zero(); n * n];
        matinv::blas_multiply(n, &by_columns(p), &by_columns(q), &mut product, 1, 1).unwrap();
        return Array2::from_shape_vec((n, n).f(), product).unwrap();
    }
    p.dot(q)
}

/// ‖I − PQ‖₁ (1/‖A‖₁)/‖X‖₁ / ε / n, where P and Q are A and X in either order.
fn residual<T: Field>(p: &ArrayRef2<T>, q: &ArrayRef2<T>) -> f64 {
    let n = p.nrows();
    if n == 0 {
        return 0.0;
    }
    let (p_norm, q_norm) = (one_norm(p), one_norm(q));
    if p_norm == 0.0 || q_norm == 0.0 {
        return 1.0 / T::UNIT_ROUNDOFF;
    }
    let rcond = 1.0 / p_norm / q_norm;
    let rest = Array2::<T>::eye(n) - product(p, q);
    one_norm(&rest) * rcond / T::UNIT_ROUNDOFF / n as f64
}

/// `dget03`: ‖I − XA‖₁ in LAPACK's unit.
pub(crate) fn left<T: Field>(a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    residual(x, a)
}

/// `dpot03` and `dtrt01`: ‖I − AX‖₁ in LAPACK's unit.
pub(crate) fn right<T: Field>(a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    residual(a, x)
}

/// The smaller side.
pub(crate) fn better<T: Field>(a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    let (left, right) = (left(a, x), right(a, x));
    if left <= right { left } else { right }
}

/// The side that LAPACK's test suite measures for LU. Row by row, LU has worked on Aᵀ, so that
/// the sides change places.
pub(crate) fn of_lu<T: Field>(storage: Storage, a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    match storage {
        Storage::Column => left(a, x),
        Storage::Row => right(a, x),
    }
}

/// The side that LAPACK's test suite measures for triangular and symmetric matrices.
pub(crate) fn of_triangle<T: Field>(storage: Storage, a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    match storage {
        Storage::Column => right(a, x),
        Storage::Row => left(a, x),
    }
}

/// 1 / (‖A‖₁ ‖X‖₁), the reciprocal condition number if X is the inverse.
pub(crate) fn rcond_of<T: Field>(a: &ArrayRef2<T>, x: &ArrayRef2<T>) -> f64 {
    if a.is_empty() { 1.0 } else { 1.0 / one_norm(a) / one_norm(x) }
}

/// `dget06`: how far an estimated reciprocal condition number is from the true one.
pub(crate) fn dget06<T: Field>(estimate: f64, truth: f64) -> f64 {
    match (estimate > 0.0, truth > 0.0) {
        (true, true) => {
            let (large, small) = (estimate.max(truth), estimate.min(truth));
            large / small - (1.0 - small / large)
        }
        (true, false) => estimate / T::UNIT_ROUNDOFF,
        (false, true) => truth / T::UNIT_ROUNDOFF,
        // Neither is positive; LAPACK calls that agreement, but a NaN agrees with nothing.
        (false, false) => estimate - truth,
    }
}

fn the_crates_residuals_agree_for<T: Field>() {
    let mut rng = StdRng::seed_from_u64(1);
    for n in [1, 2, 3, 10, 50] {
        let a = general::<T>(n, Spectrum::conditioned(100.0), &mut rng);
        let x = inv(&a).unwrap();
        let report = Inverter::new().quality(true).report(&a).unwrap();
        let quality = report.verdict().quality.unwrap();
        let ours = left(&a, &report.inverse);
        assert!((quality - ours).abs() <= 1e-6 * ours, "{n}: {quality} and {ours}");
        // Spoil the inverse, so that there is a residual that rounding does not touch.
        for x in [x.mapv(|x| x.scale(1.5)), x] {
            let ours = [left(&a, &x), right(&a, &x)];
            let theirs = residuals(&a, &x).unwrap();
            for (ours, theirs) in ours.into_iter().zip([theirs.left, theirs.right]) {
                assert!((ours - theirs).abs() <= 1e-6 * ours, "{n}: {ours} and {theirs}");
            }
            assert_eq!(theirs.better(), theirs.left.min(theirs.right));
            assert_eq!(theirs.passes(), theirs.better() < 30.0);
        }
    }
}

#[test]
fn the_crates_residuals_are_lapacks() {
    for_every_scalar!(the_crates_residuals_agree_for());
}

#[test]
fn a_wrong_inverse_has_a_large_ratio() {
    let a = array![[4.0, 1.0], [2.0, 3.0]];
    assert_eq!(one_norm(&a), 6.0);
    // I − XA with X = 0.3 I: [[-0.2, -0.3], [-0.6, 0.1]], so its norm is 0.8.
    let x = array![[0.3, 0.0], [0.0, 0.3]];
    let expected = 0.8 / (2.0 * 6.0 * 0.3 * 2f64.powi(-53));
    assert!((left(&a, &x) / expected - 1.0).abs() < 1e-12);
    assert!((right(&a, &x) / expected - 1.0).abs() < 1e-12);
    assert!(residuals(&a, &x).is_ok_and(|ratios| !ratios.passes()));
    assert_eq!(left(&a, &Array2::zeros((2, 2))), 2f64.powi(53));
    assert!(left(&a, &array![[f64::NAN, 0.0], [0.0, 1.0]]).is_nan());
}

#[test]
fn the_ratio_of_condition_numbers_is_dget06s() {
    assert_eq!(dget06::<f64>(0.5, 0.5), 1.0);
    assert_eq!(dget06::<f64>(0.125, 0.5), dget06::<f64>(0.5, 0.125));
    assert_eq!(dget06::<f64>(0.125, 0.5), 3.25);
    assert_eq!(dget06::<f64>(0.0, 0.0), 0.0);
    assert_eq!(dget06::<f64>(0.0, 1.0), 2f64.powi(53));
    assert_eq!(dget06::<f32>(1.0, 0.0), 2f64.powi(24));
    assert!(dget06::<f64>(f64::NAN, 0.0).is_nan());
}
