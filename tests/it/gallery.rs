//! Higham's gallery: the ratio of every matrix, and the error where the inverse is known.

use crate::gallery_matrices as of;
use crate::ratios::{THRESHOLD, better, one_norm};
use crate::scalars::Field;
use crate::storage::Storage;
use matinv::ndarray::Array2;
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Error, Inverter, OnFailure, Scalar, Structure, inv};

/// Inverts it in both storage orders and all four scalars, and looks at the better side.
fn assert_inverts(name: &str, a: &Array2<f64>) {
    let rcond = Inverter::new().report(a).unwrap().verdict().rcond;
    assert_ratio(name, a, rcond);
    assert_ratio(name, &a.mapv(<f32 as Scalar>::from_f64), rcond);
    assert_ratio(name, &a.mapv(|x| Complex64::of(x, -2.0 * x)), rcond);
    assert_ratio(name, &a.mapv(|x| Complex32::of(x, -2.0 * x)), rcond);
}

fn assert_ratio<T: Field>(name: &str, a: &Array2<T>, rcond: f64) {
    for storage in Storage::BOTH {
        let what = format!("{} {name} of order {}, {storage:?}", T::NAME, a.nrows());
        match inv(&storage.of(a)) {
            Ok(x) => {
                let ratio = better(a, &x);
                assert!(ratio < THRESHOLD, "{what}: {ratio}");
            }
            // Singular once it is rounded, or for all that elimination can tell.
            Err(Error::Singular { .. }) => assert!(rcond < T::UNIT_ROUNDOFF, "{what}: {rcond:e}"),
            Err(error) => panic!("{what}: {error}"),
        }
    }
}

/// The forward error, relative to ‖A⁻¹‖₁, is at most 10 n κ ε: the elements of A are rounded,
/// and the algorithms are backward stable with a small constant.
fn assert_close(name: &str, a: &Array2<f64>, inverse: &Array2<f64>) {
    let n = a.nrows();
    let condition = one_norm(a) * one_norm(inverse);
    let bound = 10.0 * n as f64 * condition * 2f64.powi(-53);
    for storage in Storage::BOTH {
        for structure in [Structure::Auto, Structure::General] {
            let x = Inverter::new().structure(structure).inv(&storage.of(a)).unwrap();
            let error = one_norm(&(&x - inverse)) / one_norm(inverse);
            assert!(error <= bound, "{name} of order {n}, {structure}: {error:e} above {bound:e}");
        }
    }
    assert_inverts(name, a);
}

#[test]
fn hilbert_and_its_kin_come_close_to_their_exact_inverses() {
    // The bound says something up to order 9; from there on the condition exceeds 10¹³.
    for n in 1..=12 {
        assert_close("hilbert", &of::hilbert(n), &of::inverse_hilbert(n));
    }
    for n in 1..=10 {
        assert_close("cauchy", &of::cauchy(n), &of::inverse_cauchy(n));
        assert_inverts("lotkin", &of::lotkin(n));
    }
}

#[test]
fn pascal_and_moler_come_close_to_their_exact_inverses() {
    for n in [1, 2, 3, 5, 10, 14] {
        assert_close("pascal", &of::pascal(n), &of::inverse_pascal(n));
        assert_close("moler", &of::moler(n), &of::inverse_moler(n));
    }
    // Small pivots, all of them 1: elimination rounds nothing.
    let structure = Structure::PositiveDefinite;
    let x = Inverter::new().structure(structure).inv(&of::pascal(8)).unwrap();
    assert_eq!(x, of::inverse_pascal(8));
    let x = Inverter::new().structure(structure).inv(&of::moler(20)).unwrap();
    assert_eq!(x, of::inverse_moler(20));
}

#[test]
fn matrices_with_tridiagonal_inverses_come_close_to_them() {
    for n in [1, 2, 3, 10, 33, 100] {
        assert_close("minij", &of::minij(n), &of::inverse_minij(n));
        let scale = (n + 1) as f64;
        let inverse = of::inverse_tridiagonal_scaled(n).mapv(|x| x / scale);
        assert_close("tridiagonal", &of::tridiagonal(n), &inverse);
        let inverse = of::inverse_kms_tripled(n).mapv(|x| x / 3.0);
        assert_close("kms", &of::kms(n), &inverse);
        assert_inverts("lehmer", &of::lehmer(n));
        let x = inv(&of::lehmer(n)).unwrap();
        let bandwidth = x.indexed_iter().filter(|((i, j), _)| i.abs_diff(*j) > 1);
        let bound = 10.0 * n as f64 * one_norm(&of::lehmer(n)) * one_norm(&x).powi(2);
        let outside = bandwidth.map(|(_, x)| x.abs()).fold(0.0, f64::max);
        assert!(outside <= bound * 2f64.powi(-53), "lehmer of order {n}: {outside}");
    }
}

#[test]
fn the_rest_of_the_gallery_has_small_ratios() {
    for n in [2, 3, 8, 10, 20, 50] {
        assert_inverts("kahan", &of::kahan(n, 1.2f64.sin()));
        assert_inverts("chebyshev-vandermonde", &of::chebyshev_vandermonde(n));
        assert_inverts("forsythe", &of::forsythe(n, 1e-8));
        assert_inverts("companion", &of::companion(n));
        assert_inverts("ris", &of::ris(n));
        assert_inverts("parter", &of::parter(n));
        assert_inverts("tridiagonal", &of::tridiagonal(n));
        // Elements grow by 2ⁿ⁻¹, but are powers of two: as long as nothing else is multiplied in
        // and the growth is within the digits of the scalar (24 in single precision), nothing is
        // rounded, whatever the order in which a kernel sums. Beyond that partial pivoting loses
        // this matrix, in theory and on some processors.
        let gfpp = of::gfpp(n);
        assert_ratio("gfpp", &gfpp, 1.0);
        assert_ratio("gfpp", &gfpp.mapv(|x| Complex64::of(0.0, x)), 1.0);
        if n <= 20 {
            assert_ratio("gfpp", &gfpp.mapv(<f32 as Scalar>::from_f64), 1.0);
            assert_ratio("gfpp", &gfpp.mapv(|x| Complex32::of(x, 0.0)), 1.0);
        }
        if n % 2 == 0 {
            // Of odd order it is singular.
            assert_inverts("clement", &of::clement(n));
        }
        if n <= 20 {
            assert_inverts("vandermonde", &of::vandermonde(n));
        }
        if n <= 10 {
            assert_inverts("frank", &of::frank(n));
        }
    }
    assert_inverts("wilkinson", &of::wilkinson(21));
    assert_inverts("rosser + 1", &(of::rosser() + Array2::<f64>::eye(8)));
}

#[test]
fn determinants_of_the_gallery_are_known() {
    let det = |a: &Array2<f64>| {
        let verdict = Inverter::new().report(a).unwrap().verdicts.into_iter().next().unwrap();
        (verdict.sign, verdict.log_abs_det, a.nrows() as f64 / verdict.rcond * 2f64.powi(-53))
    };
    for n in 1..=10 {
        for (name, a, sign, modulus) in [
            ("frank", of::frank(n), 1.0, 1.0),
            ("pascal", of::pascal(n), 1.0, 1.0),
            ("moler", of::moler(n), 1.0, 1.0),
            ("minij", of::minij(n), 1.0, 1.0),
            ("tridiagonal", of::tridiagonal(n), 1.0, (n + 1) as f64),
            ("kms", of::kms(n), 1.0, 0.75f64.powi(i32::try_from(n).unwrap() - 1)),
            ("companion", of::companion(n), if n % 2 == 0 { -1.0 } else { 1.0 }, 1.0),
            ("gfpp", of::gfpp(n), 1.0, 2f64.powi(i32::try_from(n).unwrap() - 1)),
        ] {
            let (found, log, relative) = det(&a);
            assert_eq!(found, sign, "{name} of order {n}");
            // |Δ log det| ≤ n ‖A⁻¹ΔA‖₁.
            let bound = 10.0 * n as f64 * relative;
            assert!((log - modulus.ln()).abs() <= bound, "{name} of order {n}: {log}");
        }
    }
}

#[test]
fn rank_deficient_matrices_do_not_pass_in_silence() {
    let singular = [("magic", of::magic4()), ("rosser", of::rosser()), ("clement", of::clement(9))];
    for (name, a) in singular {
        for storage in Storage::BOTH {
            let a = storage.of(&a);
            let error = Inverter::new().min_rcond(1e-14).inv(&a).unwrap_err();
            let refused = matches!(error, Error::IllConditioned { .. } | Error::Singular { .. });
            assert!(refused, "{name}: {error}");
            let report = Inverter::new().on_failure(OnFailure::Keep).report(&a).unwrap();
            assert!(report.verdict().rcond < 1e-15, "{name}: {:?}", report.verdict());
        }
    }
    // Of their exact rank, the pseudo-inverse shows it: the trace of A⁺A is the rank.
    for (name, a, rank) in [("magic", of::magic4(), 3.0), ("rosser", of::rosser(), 7.0)] {
        let pseudo = Inverter::new().min_rcond(1e-14).on_failure(OnFailure::PseudoInverse);
        let trace: f64 = pseudo.inv(&a).unwrap().dot(&a).diag().sum();
        assert!((trace - rank).abs() < 1e-10, "{name}: {trace}");
    }
}
