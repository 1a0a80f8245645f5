//! c·A behaves as A, up to the ends of the range.

use crate::lapack_grid::Kind;
use crate::lapack_matrices::{Mirror, Signs, Spectrum, diagonal, general, symmetric, upper};
use crate::ratios::{THRESHOLD, better, dget06};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, same_bits};
use matinv::ndarray::{Array1, Array2, array};
use matinv::{Error, Inverter, Structure, Triangle};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A well-conditioned matrix of every kind.
fn of_every_kind<T: Field>(n: usize) -> Vec<(Kind, Array2<T>)> {
    let rng = &mut StdRng::seed_from_u64(15);
    let ten = Spectrum::conditioned(10.0);
    let mut kinds = vec![
        (Kind::General, general(n, ten, rng)),
        (Kind::Diagonal, diagonal(n, ten, rng)),
        (Kind::Triangular(Triangle::Upper), upper(n, ten, rng)),
        (Kind::Triangular(Triangle::Lower), upper(n, ten, rng).reversed_axes()),
        (Kind::PositiveDefinite, symmetric(n, Mirror::Adjoint, Signs::Positive, ten, rng)),
    ];
    for mirror in [Mirror::Adjoint, Mirror::Transpose] {
        let a = symmetric(n, mirror, Signs::Alternating, ten, rng);
        kinds.push((Kind::Indefinite(mirror), a));
    }
    kinds
}

/// The exponents of two of the largest number and of the smallest one with all its digits.
fn exponents<T: Field>() -> [i32; 2] {
    if T::UNIT_ROUNDOFF < 1e-10 { [1023, -1022] } else { [127, -126] }
}

fn scale_is_no_matter<T: Field>() {
    let [largest, smallest] = exponents::<T>();
    let inner = smallest + 10..largest - 20;
    for n in [1, 2, 3, 10, 40] {
        for (kind, a) in of_every_kind::<T>(n) {
            // Elements are below 1, those of the inverse below 10. Even exponents, because of
            // square roots.
            for exponent in [-6, smallest + 22, largest - 23, smallest + 6, largest - 1] {
                let scale =
                    |x: T, by: i32| x.scale(2f64.powi(by / 2)).scale(2f64.powi(by - by / 2));
                for storage in Storage::BOTH {
                    let what = format!("{} {kind:?} order {n} 2^{exponent} {storage:?}", T::NAME);
                    let a = storage.of(&a);
                    let plain = Inverter::new().report(&a).unwrap();
                    let scaled = Inverter::new().report(&a.mapv(|x| scale(x, exponent)));
                    let scaled = scaled.unwrap_or_else(|error| panic!("{what}: {error}"));
                    let (verdict, expected) = (scaled.verdict(), plain.verdict());
                    assert_eq!(verdict.structure, expected.structure, "{what}");
                    let rcond = verdict.rcond / expected.rcond;
                    if inner.contains(&exponent) {
                        assert!((rcond - 1.0).abs() < 0.01, "{what}: {rcond}");
                    } else {
                        // LAPACK's estimators may give up this close to the ends, as 0 or NaN; but
                        // they never call a matrix better than it is by more than `dget06` allows.
                        let far = dget06::<T>(rcond, 1.0) >= THRESHOLD;
                        assert!(rcond.is_nan() || rcond <= 1.0 || !far, "{what}: {rcond}");
                    }
                    let shift = f64::from(exponent) * n as f64 * std::f64::consts::LN_2;
                    let log = verdict.log_abs_det - shift - expected.log_abs_det;
                    let bound = 4.0 * n as f64 * T::UNIT_ROUNDOFF + 1e-15 * shift.abs();
                    assert!(log.abs() <= bound, "{what}: {log}");
                    let unscaled = scaled.inverse.mapv(|x| scale(x, exponent));
                    let ratio = better(&a, &unscaled);
                    assert!(ratio < THRESHOLD, "{what}: {ratio}");
                    // The modulus of a complex number may differ in its last bit.
                    let moduli = T::COMPLEX && verdict.structure == Structure::Diagonal;
                    if inner.contains(&exponent) && !moduli {
                        assert!(same_bits(&unscaled, &plain.inverse), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_power_of_two_changes_nothing_but_the_scale() {
    for_every_scalar!(scale_is_no_matter());
}

/// Elements, and inverses, on both sides of 1: a diagonal of powers of two from end to end.
fn the_whole_range_at_once<T: Field>() {
    let [largest, smallest] = exponents::<T>();
    for phase in [T::of(1.0, 0.0), T::of(-1.0, 0.0), T::of(0.0, 1.0)] {
        if phase == T::zero() {
            continue;
        }
        let power = |exponent: i32| {
            phase.scale(2f64.powi(exponent / 2)).scale(2f64.powi(exponent - exponent / 2))
        };
        let exponents = [largest - 2, 0, smallest + 2];
        let a = Array2::from_diag(&Array1::from_iter(exponents.map(power)));
        // 1 / (2ᵏ z) = 2⁻ᵏ z̄ for |z| = 1.
        let reciprocal = |exponent: i32| power(-exponent) * phase.conj() * phase.conj();
        let expected = Array2::from_diag(&Array1::from_iter(exponents.map(reciprocal)));
        let report = Inverter::new().report(&a).unwrap();
        assert_eq!(report.inverse, expected, "{}", T::NAME);
        assert_eq!(report.verdict().rcond, 2f64.powi(smallest - largest + 4));
        assert_eq!(report.verdict().sign, phase * phase * phase);
        assert!(report.verdict().log_abs_det.abs() < 2.0);
    }
}

#[test]
fn a_diagonal_may_use_the_whole_range() {
    for_every_scalar!(the_whole_range_at_once());
}

fn the_largest_numbers<T: Field>() {
    let max = T::from_f64(if T::UNIT_ROUNDOFF < 1e-10 { f64::MAX } else { f32::MAX.into() });
    let (one, zero) = (T::one(), T::zero());
    for a in [
        array![[max, one], [one + one, max]],
        array![[max, one], [one, max]],
        array![[max, one], [zero, max]],
    ] {
        for storage in Storage::BOTH {
            // An estimator may give up on such matrices; it must not find them perfect.
            let report = Inverter::new().report(&storage.of(&a)).unwrap();
            let rcond = report.verdict().rcond;
            assert!(rcond.is_nan() || rcond <= 1.0, "{a}: {rcond}");
        }
    }
    // Not symmetric, and the second pivot is twice the largest number. LAPACK makes zeros of what is
    // divided by it, so that the pivot is named; the native engine may have a NaN before it.
    let overflows = array![[max, max], [-max, max]];
    let at = |at: usize| Err(Error::Overflow { row: at, col: at });
    for storage in Storage::BOTH {
        let refused = Inverter::new().inv(&storage.of(&overflows));
        let by_lapack = matinv::platform().blas.is_some_and(|blas| blas.sound);
        let is_named = refused == at(1) || (!by_lapack && refused == at(0));
        assert!(is_named, "{refused:?}");
    }
}

#[test]
fn the_largest_numbers_have_no_infinite_condition() {
    for_every_scalar!(the_largest_numbers());
}

fn a_wrong_inverse<T: Field>() {
    let big = if T::UNIT_ROUNDOFF < 1e-10 { 1.5e308 } else { 3e38 };
    let of = |x: f64| T::from_f64(x);
    let a = array![[of(big), of(big * 0.7)], [of(big * 0.7), of(-big)]];
    let wrong = array![[of(0.1 / big), of(0.2 / big)], [of(0.5 / big), of(0.1 / big)]];
    let ratio = matinv::residuals(&a, &wrong).unwrap();
    assert!(!ratio.passes(), "{ratio:?}");
    assert!(ratio.left > 1e5 && ratio.right > 1e5, "{ratio:?}");
    // And the other way round: the large norm is that of the inverse.
    let ratio = matinv::residuals(&wrong, &a).unwrap();
    assert!(!ratio.passes(), "{ratio:?}");
    let nan = array![[T::nan(), of(1.0)], [of(1.0), of(1.0)]];
    for pair in [[&nan, &a], [&a, &nan]] {
        assert!(!matinv::residuals(pair[0], pair[1]).unwrap().passes());
    }
}

#[test]
fn no_norm_is_so_large_that_a_wrong_inverse_passes() {
    for_every_scalar!(a_wrong_inverse());
}

fn conditions_of_order_one<T: Field>() {
    for structure in Structure::ALL {
        for x in [1.0, 3.0, 0.1, 7.0] {
            let report = Inverter::new().structure(structure).report(&array![[T::from_f64(x)]]);
            let rcond = report.unwrap().verdict().rcond;
            assert!((0.9..=1.0).contains(&rcond), "{structure} {x}: {rcond}");
        }
    }
}

#[test]
fn no_condition_is_better_than_one() {
    for_every_scalar!(conditions_of_order_one());
}
