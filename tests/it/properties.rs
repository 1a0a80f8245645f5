//! What is true of every invertible matrix, on random ones.
//!
//! An inverse X of A that passes LAPACK's threshold has XA = I + F or AX = I + F with
//! ‖F‖₁ < 30 n ε κ. Every bound below follows from that, with κ = ‖A‖₁ ‖A⁻¹‖₁.

use crate::ratios::{THRESHOLD, better, one_norm};
use crate::scalars::Field;
use crate::storage::{Storage, same_bits};
use matinv::ndarray::Array2;
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Inverter, inv};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

/// Matrices of orders 1 to 10 with elements from the square [−1, 1]².
fn matrix<T: Field>() -> impl Strategy<Value = Array2<T>> {
    (1..=10usize).prop_flat_map(matrix_of_order)
}

fn matrix_of_order<T: Field>(n: usize) -> impl Strategy<Value = Array2<T>> {
    vec((-1.0..1.0, -1.0..1.0), n * n).prop_map(move |parts| {
        let elements = parts.into_iter().map(|(re, im)| T::of(re, im)).collect();
        Array2::from_shape_vec((n, n), elements).unwrap()
    })
}

/// Two matrices of one order.
fn pair<T: Field>() -> impl Strategy<Value = (Array2<T>, Array2<T>)> {
    (1..=10usize).prop_flat_map(|n| (matrix_of_order(n), matrix_of_order(n)))
}

/// A matrix with its inverse.
struct Inverted<T> {
    x: Array2<T>,
    /// κ.
    condition: f64,
    /// n ε κ.
    unit: f64,
}

impl<T: Field> Inverted<T> {
    /// Inverts, unless the matrix is so close to singular that no bound says anything.
    fn new(a: &Array2<T>) -> Option<Self> {
        let x = inv(a).ok()?;
        let condition = one_norm(a) * one_norm(&x);
        let unit = a.nrows() as f64 * T::UNIT_ROUNDOFF * condition;
        (unit * 100.0 < 0.1).then_some(Inverted { x, condition, unit })
    }
}

macro_rules! inverted {
    ($a:expr) => {{
        let inverted = Inverted::new($a);
        prop_assume!(inverted.is_some());
        inverted.unwrap()
    }};
}

/// ‖A − B‖₁ ≤ bound · ‖B‖₁.
fn close<T: Field>(a: &Array2<T>, b: &Array2<T>, bound: f64) -> TestCaseResult {
    let error = one_norm(&(a - b)) / one_norm(b);
    prop_assert!(error <= bound, "{error:e} is above {bound:e}: {a} and {b}");
    Ok(())
}

fn passes_lapacks_threshold<T: Field>(a: &Array2<T>) -> TestCaseResult {
    for storage in Storage::BOTH {
        if let Ok(x) = inv(&storage.of(a)) {
            prop_assert!(better(a, &x) < THRESHOLD);
        }
    }
    Ok(())
}

fn inverse_of_inverse_is_the_matrix<T: Field>(a: &Array2<T>) -> TestCaseResult {
    let Inverted { x, unit, .. } = inverted!(a);
    // X⁻¹ = A (I + F)⁻¹, and 30 n ε κ again for inverting X.
    close(&inv(&x).unwrap(), a, 2.2 * THRESHOLD * unit)
}

fn inverse_of_transpose_is_transposed_inverse<T: Field>(a: &Array2<T>) -> TestCaseResult {
    let Inverted { x, unit, .. } = inverted!(a);
    // The same memory, seen the other way: the same bits.
    prop_assert!(same_bits(&inv(&a.t()).unwrap(), &x.t()));
    let transposed = Storage::Row.of(&a.t());
    close(&inv(&transposed).unwrap(), &x.t().to_owned(), 2.2 * THRESHOLD * unit)
}

fn inverse_of_product_is_product_of_inverses<T: Field>(
    a: &Array2<T>,
    b: &Array2<T>,
) -> TestCaseResult {
    let (inverse_a, inverse_b) = (inverted!(a), inverted!(b));
    let product = a.dot(b);
    let of_product = inverted!(&product);
    let expected = inverse_b.x.dot(&inverse_a.x);
    let error = one_norm(&(&of_product.x - &expected));
    // The inverses of AB, A and B (30 each), AB itself (2, complex) and B⁻¹A⁻¹ (2).
    let unit = a.nrows() as f64 * T::UNIT_ROUNDOFF * inverse_a.condition * inverse_b.condition;
    let bound =
        (3.0 * THRESHOLD + 4.0) * 1.2 * unit * one_norm(&inverse_a.x) * one_norm(&inverse_b.x);
    prop_assert!(error <= bound, "{error:e} is above {bound:e}");
    Ok(())
}

fn scaling_scales_the_inverse<T: Field>(a: &Array2<T>) -> TestCaseResult {
    let Inverted { x, unit, .. } = inverted!(a);
    let powers: [i32; 2] = if T::UNIT_ROUNDOFF < 1e-10 { [150, 400] } else { [15, 40] };
    for sign in [-1, 1] {
        // Each element of cA is rounded once.
        let scale = 10f64.powi(sign * powers[0]);
        let scaled = inv(&a.mapv(|x| x.scale(scale))).unwrap();
        close(&scaled.mapv(|x| x.scale(scale)), &x, (2.2 * THRESHOLD + 2.0) * unit)?;
        // Even powers of two, because of square roots: nothing is rounded.
        let scale = 2f64.powi(sign * powers[1]);
        let (plain, scaled) = (
            Inverter::new().report(a).unwrap(),
            Inverter::new().report(&a.mapv(|x| x.scale(scale))).unwrap(),
        );
        prop_assert!(same_bits(&scaled.inverse.mapv(|x| x.scale(scale)), &x));
        // Moduli of complex numbers are rounded.
        let (rcond, expected) = (scaled.verdict().rcond, plain.verdict().rcond);
        let rounding = 4.0 * a.nrows() as f64 * T::UNIT_ROUNDOFF;
        prop_assert!((rcond - expected).abs() <= rounding * expected, "{rcond} {expected}");
        prop_assert_eq!(scaled.verdict().structure, plain.verdict().structure);
    }
    Ok(())
}

/// Sign and log |det| by elimination with complete pivoting, in double precision.
fn determinant<T: Field>(a: &Array2<T>) -> (Complex64, f64) {
    let n = a.nrows();
    let mut a = a.mapv(|x| Complex64::new(x.parts().0, x.parts().1));
    let (mut sign, mut log) = (Complex64::new(1.0, 0.0), 0.0);
    for k in 0..n {
        let places = (k..n).flat_map(|i| (k..n).map(move |j| (i, j)));
        let (row, col) =
            places.max_by(|&p, &q| a[p].norm().total_cmp(&a[q].norm())).expect("k < n");
        for j in 0..n {
            a.swap([k, j], [row, j]);
        }
        for i in 0..n {
            a.swap([i, k], [i, col]);
        }
        if (row != k) != (col != k) {
            sign = -sign;
        }
        let pivot = a[[k, k]];
        sign *= pivot / pivot.norm();
        log += pivot.norm().ln();
        for i in k + 1..n {
            let factor = a[[i, k]] / pivot;
            for j in k..n {
                let product = factor * a[[k, j]];
                a[[i, j]] -= product;
            }
        }
    }
    (sign, log)
}

fn the_verdict_tells_the_determinant<T: Field>(a: &Array2<T>) -> TestCaseResult {
    let Inverted { unit, .. } = inverted!(a);
    let (sign, log) = determinant(a);
    for storage in Storage::BOTH {
        let report = Inverter::new().report(&storage.of(a)).unwrap();
        let verdict = report.verdict();
        // |Δ log det A| ≤ n ‖A⁻¹ΔA‖₁ for a backward error ΔA.
        let bound = THRESHOLD * a.nrows() as f64 * unit;
        prop_assert!((verdict.log_abs_det - log).abs() <= bound, "{verdict:?} {log}");
        let (re, im) = verdict.sign.parts();
        prop_assert!((Complex64::new(re, im) - sign).norm() <= bound, "{verdict:?} {sign}");
    }
    Ok(())
}

fn the_verdict_tells_the_condition<T: Field>(a: &Array2<T>) -> TestCaseResult {
    let Inverted { condition, unit, .. } = inverted!(a);
    let rounding = 1.0 + THRESHOLD * unit;
    for storage in Storage::BOTH {
        let report = Inverter::new().report(&storage.of(a)).unwrap();
        let rcond = report.verdict().rcond;
        // ‖A⁻¹‖₁ is estimated from below, and hardly ever by more than a factor of 10.
        prop_assert!(rcond * condition * rounding >= 1.0, "{rcond:e} but κ = {condition:e}");
        let loose = 10.0 * a.nrows() as f64 * rounding;
        prop_assert!(rcond * condition <= loose, "{rcond:e} but κ = {condition:e}");
    }
    Ok(())
}

macro_rules! properties_of {
    ($($scalar:ty: $module:ident),*) => {$(
        mod $module {
            use super::*;

            proptest! {
                #![proptest_config(ProptestConfig {
                    cases: 64,
                    max_shrink_iters: 500,
                    failure_persistence: None,
                    ..ProptestConfig::default()
                })]

                #[test]
                fn every_inverse_passes_lapacks_threshold(a in matrix::<$scalar>()) {
                    passes_lapacks_threshold(&a)?;
                }

                #[test]
                fn the_inverse_of_the_inverse_is_the_matrix(a in matrix::<$scalar>()) {
                    inverse_of_inverse_is_the_matrix(&a)?;
                }

                #[test]
                fn the_inverse_of_the_transpose_is_the_transposed_inverse(
                    a in matrix::<$scalar>()
                ) {
                    inverse_of_transpose_is_transposed_inverse(&a)?;
                }

                #[test]
                fn the_inverse_of_a_product_is_the_product_of_inverses(
                    (a, b) in pair::<$scalar>()
                ) {
                    inverse_of_product_is_product_of_inverses(&a, &b)?;
                }

                #[test]
                fn scaling_the_matrix_scales_the_inverse(a in matrix::<$scalar>()) {
                    scaling_scales_the_inverse(&a)?;
                }

                #[test]
                fn the_determinant_is_right(a in matrix::<$scalar>()) {
                    the_verdict_tells_the_determinant(&a)?;
                }

                #[test]
                fn rcond_is_within_its_factor(a in matrix::<$scalar>()) {
                    the_verdict_tells_the_condition(&a)?;
                }

                #[test]
                fn permutations_are_inverted_exactly(
                    order in Just((0..40usize).collect::<Vec<_>>()).prop_shuffle(),
                    n in 1..=40usize,
                ) {
                    let order: Vec<usize> = order.into_iter().filter(|&i| i < n).collect();
                    let mut p = Array2::<$scalar>::zeros((n, n));
                    for (i, &j) in order.iter().enumerate() {
                        p[[i, j]] = matinv::Scalar::from_f64(1.0);
                    }
                    for storage in Storage::BOTH {
                        prop_assert_eq!(inv(&storage.of(&p)).unwrap(), p.t());
                    }
                }
            }
        }
    )*};
}

properties_of!(f32: float32, f64: float64, Complex32: complex64, Complex64: complex128);
