//! Symmetric × Hermitian × definite, real and complex: what `Auto` finds, and what symmetry the
//! result has.

use crate::lapack_grid::ORDERS;
use crate::lapack_matrices::{Mirror, Signs, Spectrum, symmetric};
use crate::ratios::{THRESHOLD, better};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, is_hermitian, is_symmetric};
use matinv::ndarray::{Array2, array};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{
    Engine, Error, Inverter, OnFailure, Scalar, Status, Structure, Triangle, Verdict, inv,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The inverse and its verdict, the same for both storage orders but for the residual's side.
fn detected<T: Field>(a: &Array2<T>) -> Structure {
    let structures = Storage::BOTH.map(|storage| {
        let report = Inverter::new().report(&storage.of(a)).unwrap();
        let (x, verdict) = (&report.inverse, report.verdict());
        assert_eq!(verdict.status, Status::Inverted);
        assert!(better(a, x) < THRESHOLD, "{a} {x}");
        match verdict.structure {
            Structure::Symmetric => assert!(is_symmetric(x), "{a} {x}"),
            Structure::PositiveDefinite | Structure::Hermitian => {
                assert!(is_hermitian(x), "{a} {x}");
            }
            _ => {}
        }
        verdict.structure
    });
    assert_eq!(structures[0], structures[1]);
    structures[0]
}

/// The verdict on a matrix that cannot be inverted, the same for both storage orders.
fn refused<T: Field>(a: &Array2<T>) -> Verdict<T> {
    let [by_row, by_column] = Storage::BOTH.map(|storage| {
        let report = Inverter::new().on_failure(OnFailure::Keep).report(&storage.of(a)).unwrap();
        assert_eq!(report.inverse, *a);
        report.verdict().clone()
    });
    assert_eq!(by_row, by_column);
    by_row
}

/// What a Hermitian matrix that is not definite is called.
fn indefinite<T: Field>() -> Structure {
    if T::COMPLEX { Structure::Hermitian } else { Structure::Symmetric }
}

fn random_matrices_are_told_apart<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(3);
    for n in ORDERS.into_iter().filter(|&n| n >= 2) {
        let mut make =
            |mirror, signs| symmetric::<T>(n, mirror, signs, Spectrum::conditioned(10.0), rng);
        let definite = make(Mirror::Adjoint, Signs::Positive);
        assert_eq!(detected(&definite), Structure::PositiveDefinite, "order {n}");
        let negative = definite.mapv(|x| -x);
        assert_eq!(detected(&negative), indefinite::<T>(), "order {n}");
        let hermitian = make(Mirror::Adjoint, Signs::Alternating);
        assert_eq!(detected(&hermitian), indefinite::<T>(), "order {n}");
        let symmetric = make(Mirror::Transpose, Signs::Alternating);
        assert_eq!(detected(&symmetric), Structure::Symmetric, "order {n}");

        // One unit in the last place, or one sign, off the mirror: general.
        let mut almost = hermitian.clone();
        almost[[n - 1, 0]] = almost[[n - 1, 0]].scale(1.0 + 4.0 * T::UNIT_ROUNDOFF);
        assert_eq!(detected(&almost), Structure::General);
        assert_ne!(almost, hermitian);
        let mut skew = hermitian;
        skew[[n - 1, 0]] = -skew[[n - 1, 0]];
        assert_eq!(detected(&skew), Structure::General, "order {n}");
    }
}

#[test]
fn random_symmetric_and_hermitian_matrices_are_told_apart() {
    for_every_scalar!(random_matrices_are_told_apart());
}

fn c(re: f64, im: f64) -> Complex64 {
    Complex64::new(re, im)
}

#[test]
fn every_row_of_the_real_table_holds() {
    let table = [
        // symmetric, definite
        (array![[2.0, 1.0], [1.0, 2.0]], Structure::PositiveDefinite),
        // symmetric, negative definite
        (array![[-2.0, 1.0], [1.0, -2.0]], Structure::Symmetric),
        // symmetric, indefinite: with a positive, a zero and a negative diagonal
        (array![[1.0, 2.0], [2.0, 1.0]], Structure::Symmetric),
        (array![[0.0, 1.0], [1.0, 0.0]], Structure::Symmetric),
        (array![[1.0, 2.0], [2.0, -1.0]], Structure::Symmetric),
        // not symmetric: with a definite symmetric part, skew, and anything
        (array![[2.0, 1.0], [-1.0, 2.0]], Structure::General),
        (array![[0.0, 1.0], [-1.0, 0.0]], Structure::General),
        (array![[1.0, 2.0], [3.0, 4.0]], Structure::General),
        // triangular and diagonal come first, definite or not
        (array![[2.0, 0.0], [0.0, 3.0]], Structure::Diagonal),
        (array![[2.0, 0.0], [-0.0, -3.0]], Structure::Diagonal),
        (array![[2.0, 1.0], [0.0, 3.0]], Structure::UpperTriangular),
        (array![[2.0, 0.0], [1.0, 3.0]], Structure::LowerTriangular),
    ];
    for (a, structure) in table {
        assert_eq!(detected(&a), structure, "{a}");
        assert_eq!(detected(&a.mapv(<f32 as Scalar>::from_f64)), structure, "{a}");
    }
}

#[test]
fn every_row_of_the_complex_table_holds() {
    let o = c(0.0, 0.0);
    let table = [
        // Hermitian, not symmetric: definite, negative definite, indefinite
        (
            array![[c(2.0, 0.0), c(0.0, 1.0)], [c(0.0, -1.0), c(2.0, 0.0)]],
            Structure::PositiveDefinite,
        ),
        (array![[c(-2.0, 0.0), c(0.0, 1.0)], [c(0.0, -1.0), c(-2.0, 0.0)]], Structure::Hermitian),
        (array![[c(1.0, 0.0), c(0.0, 2.0)], [c(0.0, -2.0), c(1.0, 0.0)]], Structure::Hermitian),
        (array![[o, c(0.0, 2.0)], [c(0.0, -2.0), o]], Structure::Hermitian),
        // both (real values in complex clothes): definite, negative definite, indefinite
        (
            array![[c(2.0, 0.0), c(1.0, 0.0)], [c(1.0, 0.0), c(2.0, 0.0)]],
            Structure::PositiveDefinite,
        ),
        (array![[c(-2.0, 0.0), c(1.0, 0.0)], [c(1.0, 0.0), c(-2.0, 0.0)]], Structure::Hermitian),
        (array![[o, c(1.0, 0.0)], [c(1.0, 0.0), o]], Structure::Hermitian),
        // symmetric, not Hermitian: off the diagonal, on the diagonal only, zero diagonal
        (array![[c(2.0, 0.0), c(0.0, 1.0)], [c(0.0, 1.0), c(2.0, 0.0)]], Structure::Symmetric),
        (array![[c(2.0, 1.0), c(1.0, 0.0)], [c(1.0, 0.0), c(2.0, 0.0)]], Structure::Symmetric),
        (array![[o, c(1.0, 1.0)], [c(1.0, 1.0), o]], Structure::Symmetric),
        // neither: Hermitian but for an imaginary diagonal element; skew; anything
        (array![[c(2.0, 1.0), c(0.0, 1.0)], [c(0.0, -1.0), c(2.0, 0.0)]], Structure::General),
        (array![[c(2.0, 0.0), c(0.0, 1.0)], [c(0.0, -1.0), c(2.0, 1e-300)]], Structure::General),
        (array![[o, c(1.0, 1.0)], [c(-1.0, -1.0), o]], Structure::General),
        (array![[c(1.0, 1.0), c(2.0, 0.0)], [c(0.0, 3.0), c(4.0, 0.0)]], Structure::General),
        // triangular and diagonal come first
        (array![[c(2.0, 1.0), o], [o, c(3.0, 0.0)]], Structure::Diagonal),
        (array![[c(2.0, 1.0), c(1.0, 0.0)], [o, c(3.0, 0.0)]], Structure::UpperTriangular),
        (array![[c(2.0, 1.0), o], [c(1.0, 0.0), c(3.0, 0.0)]], Structure::LowerTriangular),
    ];
    for (a, structure) in table {
        assert_eq!(detected(&a), structure, "{a}");
    }
}

fn exchange_matrices_invert_exactly<T: Field>() {
    for n in [2, 3, 4, 7, 33, 64] {
        let (one, zero) = (T::one(), T::zero());
        let exchange =
            Array2::from_shape_fn((n, n), |(i, j)| if i + j == n - 1 { one } else { zero });
        let hollow = Array2::from_shape_fn((n, n), |(i, j)| if i == j { zero } else { one });
        assert_eq!(inv(&exchange).unwrap(), exchange, "order {n}");
        assert_eq!(detected(&exchange), indefinite::<T>());
        assert_eq!(detected(&hollow), indefinite::<T>());
        for structure in [Structure::Symmetric, Structure::Hermitian] {
            for triangle in [Triangle::Lower, Triangle::Upper] {
                let inverter = Inverter::new().structure(structure).triangle(triangle);
                assert_eq!(inverter.inv(&exchange).unwrap(), exchange, "order {n}");
            }
        }
    }
}

#[test]
fn a_zero_diagonal_is_no_obstacle() {
    for_every_scalar!(exchange_matrices_invert_exactly());
}

fn semi_definite_matrices_are_singular<T: Field>() {
    // Columns that repeat: 0 and 1, or 1 and 2; rank one; and so on. The pivots are squares, so
    // that Cholesky rounds nothing.
    let table = [
        ([[4.0, 4.0, 2.0], [4.0, 4.0, 2.0], [2.0, 2.0, 8.0]], 1),
        ([[4.0, 2.0, 2.0], [2.0, 5.0, 5.0], [2.0, 5.0, 5.0]], 2),
        ([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [4.0, 8.0, 16.0]], 1),
        ([[0.0, 0.0, 1.0], [0.0, 0.0, 2.0], [1.0, 2.0, 4.0]], 1),
        ([[0.0, 0.0, 0.0], [0.0, 4.0, 2.0], [0.0, 2.0, 4.0]], 0),
    ];
    for (rows, pivot) in table {
        let real = Array2::from_shape_fn((3, 3), |(i, j)| rows[i][j]);
        // D A Dᴴ with the phases 1, i, −1 leaves rank and zero pivots where they are.
        let phase = |i: usize| [T::of(1.0, 0.0), T::of(0.0, 1.0), T::of(-1.0, 0.0)][i];
        let hermitian = Array2::from_shape_fn((3, 3), |(i, j)| {
            let x = T::from_f64(real[[i, j]]);
            if T::COMPLEX { phase(i) * x * phase(j).conj() } else { x }
        });
        let verdict = refused(&hermitian);
        assert_eq!(verdict.pivot(), Some(pivot), "{hermitian}");
        assert_eq!(verdict.minor(), None);
        assert_eq!(verdict.structure, indefinite::<T>());
        assert_eq!((verdict.rcond, verdict.sign), (0.0, T::zero()));
        assert_eq!(verdict.log_abs_det, f64::NEG_INFINITY);
        for triangle in [Triangle::Lower, Triangle::Upper] {
            for structure in [Structure::Hermitian, Structure::PositiveDefinite] {
                let inverter = Inverter::new().structure(structure).triangle(triangle);
                let error = match structure {
                    Structure::Hermitian => Error::Singular { pivot },
                    // The leading minors 1 … pivot are positive where no diagonal is zero.
                    _ if rows[0][0] > 0.0 => Error::NotPositiveDefinite { minor: pivot + 1 },
                    _ => Error::NotPositiveDefinite { minor: 1 },
                };
                assert_eq!(inverter.inv(&hermitian), Err(error), "{hermitian} {structure}");
            }
        }
    }
}

#[test]
fn singular_symmetric_and_hermitian_matrices_name_their_pivot() {
    for_every_scalar!(semi_definite_matrices_are_singular());
}

fn a_hidden_zero_shows_in_rcond<T: Field>() {
    // Singular, but √8 is not exact: Cholesky may end with a tiny pivot in place of zero.
    let a = array![[8.0, 2.0, 2.0], [2.0, 4.0, 4.0], [2.0, 4.0, 4.0]].mapv(T::from_f64);
    for storage in Storage::BOTH {
        let report = Inverter::new().on_failure(OnFailure::Keep).report(&storage.of(&a)).unwrap();
        let verdict = report.verdict();
        assert!(verdict.rcond <= 10.0 * T::UNIT_ROUNDOFF, "{verdict:?}");
        let limit = 100.0 * T::UNIT_ROUNDOFF;
        let error = Inverter::new().min_rcond(limit).inv(&a).unwrap_err();
        assert!(matches!(error, Error::IllConditioned { .. } | Error::Singular { .. }), "{error}");
    }
}

#[test]
fn a_semi_definite_matrix_is_not_inverted_in_silence() {
    for_every_scalar!(a_hidden_zero_shows_in_rcond());
}

#[test]
fn a_complex_symmetric_singular_matrix_names_its_pivot() {
    let (one, i) = (c(1.0, 0.0), c(0.0, 1.0));
    // (1, i) is orthogonal to itself without conjugation: singular, and no diagonal is zero.
    let isotropic = array![[one, i], [i, -one]];
    let verdict = refused(&isotropic);
    assert_eq!(verdict.structure, Structure::Symmetric);
    assert_eq!(verdict.pivot(), Some(1));
    // The Hermitian matrix of the same moduli is not singular in the same way.
    assert_eq!(detected(&array![[one, i], [-i, -one]]), Structure::Hermitian);
}

/// Pivots of one row and two underflow, and LU, which has the last word, finds a lower triangle
/// that is finite and an upper one that is not.
#[test]
fn what_overflows_beside_the_triangle_is_not_hidden() {
    let c = |re: f32, im: f32| Complex32::new(re, im);
    let (zero, one, max) = (c(0.0, 0.0), c(1.0, 0.0), c(f32::MAX, 0.0));
    let lower = array![[zero, zero, zero], [one, -one, zero], [c(1e-45, 1.0), max, one]];
    for structure in [Structure::Hermitian, Structure::Symmetric] {
        let a = Array2::from_shape_fn((3, 3), |(i, j)| match structure {
            Structure::Hermitian if i < j => lower[[j, i]].conj(),
            _ => lower[[i.max(j), i.min(j)]],
        });
        for storage in Storage::BOTH {
            let inverter = Inverter::new().structure(structure).on_failure(OnFailure::Keep);
            let report = inverter.engine(Engine::Native).report(&storage.of(&a)).unwrap();
            let verdict = report.verdict();
            match verdict.status {
                Status::Inverted => assert!(verdict.rcond > 0.0, "{verdict:?}"),
                _ => assert!(matches!(verdict.error, Some(Error::Overflow { .. })), "{verdict:?}"),
            }
        }
    }
}

#[test]
fn a_hermitian_declaration_takes_the_diagonal_as_real() {
    let a = array![[c(2.0, 7.0), c(1.0, 1.0)], [c(1.0, -1.0), c(-3.0, 7.0)]];
    let real = array![[c(2.0, 0.0), c(1.0, 1.0)], [c(1.0, -1.0), c(-3.0, 0.0)]];
    for triangle in [Triangle::Lower, Triangle::Upper] {
        let inverter = Inverter::new().structure(Structure::Hermitian).triangle(triangle);
        let x = inverter.inv(&a).unwrap();
        assert_eq!(x, inverter.inv(&real).unwrap());
        assert!(better(&real, &x) < THRESHOLD);
    }
    let a = array![[c(2.0, 7.0), c(1.0, 1.0)], [c(1.0, -1.0), c(3.0, 7.0)]];
    let real = array![[c(2.0, 0.0), c(1.0, 1.0)], [c(1.0, -1.0), c(3.0, 0.0)]];
    for triangle in [Triangle::Lower, Triangle::Upper] {
        let inverter = Inverter::new().structure(Structure::PositiveDefinite).triangle(triangle);
        assert_eq!(inverter.inv(&a).unwrap(), inverter.inv(&real).unwrap());
    }
}
