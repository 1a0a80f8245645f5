//! The tests of LAPACK's test suite: every matrix of its grid, its ratios, its threshold.

use crate::engines::{engines, inverting};
use crate::lapack_grid::{Case, Declaration, Kind, ORDERS, cases};
use crate::lapack_matrices::{Mirror, gaussian, make_exact};
use crate::ratios::{THRESHOLD, dget06, of_lu, of_triangle, rcond_of};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, is_hermitian, is_symmetric, matrix_of, same_bits, stack_of};
use matinv::ndarray::{Array2, array, s};
use matinv::{
    Engine, Error, Failure, Inverter, OnFailure, Scalar, Status, Structure, Triangle, Verdict,
};
use rand::SeedableRng;
use rand::rngs::StdRng;
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// The largest ratios seen, by structure used and scalar.
#[derive(Default)]
struct Maxima {
    of: BTreeMap<(String, &'static str, String), Largest>,
}

#[derive(Default, Clone, Copy)]
struct Largest {
    matrices: usize,
    residual: f64,
    rcond: f64,
}

impl Maxima {
    fn note<T: Field>(&mut self, verdict: &Verdict<T>, residual: f64, rcond: f64) {
        let (structure, engine) = (verdict.structure.to_string(), verdict.engine.to_string());
        let largest = self.of.entry((structure, T::NAME, engine)).or_default();
        largest.matrices += 1;
        largest.residual = largest.residual.max(residual);
        largest.rcond = largest.rcond.max(rcond);
    }

    fn print(&self) {
        println!(
            "{:18} {:10} {:8} {:>8} {:>9} {:>9}",
            "structure", "scalar", "engine", "matrices", "residual", "rcond"
        );
        for ((structure, scalar, engine), largest) in &self.of {
            let Largest { matrices, residual, rcond } = largest;
            println!(
                "{structure:18} {scalar:10} {engine:8} {matrices:8} {residual:9.3} {rcond:9.3}"
            );
        }
    }
}

fn inverter<T>(declaration: &Declaration<T>, engine: Engine) -> Inverter {
    Inverter::new().engine(engine).structure(declaration.structure).triangle(declaration.triangle)
}

/// The structure that has to be used for a declaration.
fn expected_structure<T: Field>(case: &Case<T>, declared: Structure) -> Structure {
    match declared {
        Structure::Auto => case.detected(),
        declared => declared,
    }
}

/// The zeros and the symmetry that the inverse has to have exactly.
fn assert_shape_of_inverse<T: Field>(x: &Array2<T>, verdict: &Verdict<T>, what: &str) {
    let zero = T::zero();
    let all = |holds: &dyn Fn(usize, usize) -> bool| {
        x.indexed_iter().all(|((i, j), &x)| holds(i, j) || x == zero)
    };
    let exact = match verdict.structure {
        Structure::Diagonal => all(&|i, j| i == j),
        Structure::LowerTriangular => all(&|i, j| i >= j),
        Structure::UpperTriangular => all(&|i, j| i <= j),
        Structure::Symmetric => is_symmetric(x),
        Structure::Hermitian | Structure::PositiveDefinite => is_hermitian(x),
        _ => true,
    };
    assert!(exact, "{what}: {x}");
}

fn ratios_of<T: Field>(maxima: &mut Maxima) {
    for n in ORDERS {
        for case in cases::<T>(n) {
            check_case(&case, maxima);
        }
    }
}

fn check_case<T: Field>(case: &Case<T>, maxima: &mut Maxima) {
    for declaration in case.declarations() {
        for (storage, engine) in
            Storage::BOTH.into_iter().flat_map(|s| engines().into_iter().map(move |e| (s, e)))
        {
            let what = format!(
                "{engine}: {} {:?} number {}, order {}, as {} ({:?}), by {storage:?}",
                T::NAME,
                case.kind,
                case.number,
                case.a.nrows(),
                declaration.structure,
                declaration.triangle
            );
            check(case, &declaration, storage, engine, &what, maxima);
        }
    }
}

fn check<T: Field>(
    case: &Case<T>,
    declaration: &Declaration<T>,
    storage: Storage,
    engine: Engine,
    what: &str,
    maxima: &mut Maxima,
) {
    let inverter = inverter(declaration, engine).on_failure(OnFailure::Keep);
    let report = inverter.report(&storage.of(&declaration.a)).unwrap();
    let (x, verdict) = (&report.inverse, report.verdict());
    assert_eq!(verdict.structure, expected_structure(case, declaration.structure), "{what}");
    if let Some(pivot) = case.pivot {
        assert_eq!(verdict.status, Status::Failed, "{what}");
        if declaration.structure == Structure::PositiveDefinite {
            let error = Error::NotPositiveDefinite { minor: pivot + 1 };
            assert_eq!(verdict.error, Some(error), "{what}");
            assert!(verdict.rcond.is_nan() && verdict.log_abs_det.is_nan(), "{what}");
        } else {
            assert_eq!(verdict.error, Some(Error::Singular { pivot }), "{what}");
            assert_eq!(verdict.rcond, 0.0, "{what}");
            assert_eq!(verdict.sign, T::zero(), "{what}");
            assert_eq!(verdict.log_abs_det, f64::NEG_INFINITY, "{what}");
        }
        return;
    }
    assert_eq!((verdict.status, &verdict.error), (Status::Inverted, &None), "{what}");
    if engine != Engine::Auto {
        assert_eq!(verdict.engine, engine, "{what}");
    }
    let residual = match verdict.structure {
        Structure::General => of_lu(storage, &case.a, x),
        _ => of_triangle(storage, &case.a, x),
    };
    let rcond = dget06::<T>(verdict.rcond, rcond_of(&case.a, x));
    assert!(residual < THRESHOLD, "{what}: residual {residual}");
    assert!(rcond < THRESHOLD, "{what}: rcond {} {rcond}", verdict.rcond);
    assert_shape_of_inverse(x, verdict, what);
    maxima.note(verdict, residual, rcond);
}

#[test]
fn the_largest_ratios_are_below_lapacks_threshold() {
    let maxima = &mut Maxima::default();
    for_every_scalar!(ratios_of(maxima));
    maxima.print();
    // Every structure has been used with every scalar by every engine.
    assert_eq!(maxima.of.len(), 7 * 4 * inverting().len());
    assert!(maxima.of.values().all(|largest| largest.matrices >= 50));
}

/// The same matrices once more, one by one, in place, and as stacks.
fn verbs_agree<T: Field>() {
    for n in ORDERS {
        let cases = cases::<T>(n);
        let matrices: Vec<Array2<T>> = cases.iter().map(|case| case.a.clone()).collect();
        for storage in Storage::BOTH {
            let what = format!("{} order {n} by {storage:?}", T::NAME);
            let stack = stack_of(&matrices, storage);
            let fill = Inverter::new().on_failure(OnFailure::FillNan);
            let report = fill.report(&stack).unwrap();
            let mut in_place = stack.clone();
            fill.inv_inplace(&mut in_place).unwrap();
            assert!(same_bits(&in_place, &report.inverse), "{what}");
            assert!(same_bits(&fill.inv(&stack).unwrap(), &report.inverse), "{what}");
            for (i, case) in cases.iter().enumerate() {
                let what = format!("{what}, {:?} number {}", case.kind, case.number);
                let a = matrix_of(&stack, i);
                let single = fill.report(&a).unwrap();
                let mut in_place = a.clone();
                fill.inv_inplace(&mut in_place).unwrap();
                assert!(same_bits(&single.inverse, &matrix_of(&report.inverse, i)), "{what}");
                assert!(same_bits(&single.inverse, &in_place), "{what}");
                // As text, in which a NaN is equal to itself.
                let verdicts = (single.verdict(), &report.verdicts[[i]]);
                assert_eq!(format!("{:?}", verdicts.0), format!("{:?}", verdicts.1), "{what}");
                let error = case.pivot.map(|pivot| Error::Singular { pivot });
                assert_eq!(Inverter::new().inv(&a).err(), error, "{what}");
                assert_eq!(Inverter::new().report(&a).err(), error, "{what}");
                assert_eq!(Inverter::new().inv_inplace(&mut a.clone()).err(), error, "{what}");
            }
            let failures: Vec<Failure> = cases
                .iter()
                .enumerate()
                .filter_map(|(i, case)| {
                    let error = Error::Singular { pivot: case.pivot? };
                    Some(Failure { index: vec![i], error })
                })
                .collect();
            assert_eq!(report.failures().collect::<Vec<_>>(), failures, "{what}");
            let error = (!failures.is_empty()).then_some(Error::InStack { failures });
            assert_eq!(Inverter::new().inv(&stack).err(), error, "{what}");
            assert_eq!(Inverter::new().inv_inplace(&mut stack.clone()).err(), error, "{what}");
        }
    }
}

#[test]
fn single_stacked_and_in_place_are_the_same_bits_and_pivots() {
    for_every_scalar!(verbs_agree());
}

fn indefinite_matrices_are_refused<T: Field>() {
    for n in ORDERS.into_iter().filter(|&n| n >= 2) {
        let indefinite = |case: &Case<T>| case.kind == Kind::Indefinite(Mirror::Adjoint);
        for case in cases::<T>(n).iter().filter(|case| indefinite(case) && case.number == 2) {
            // The first minor that is not positive, from determinants of the leading blocks.
            let minor = (1..=n).find(|&k| {
                let block = case.a.slice(s![..k, ..k]);
                let report = Inverter::new().structure(Structure::General).report(&block).unwrap();
                report.verdict().sign.parts().0 < 0.0
            });
            let error = Error::NotPositiveDefinite { minor: minor.unwrap() };
            for triangle in [Triangle::Lower, Triangle::Upper] {
                for storage in Storage::BOTH {
                    let inverter =
                        Inverter::new().structure(Structure::PositiveDefinite).triangle(triangle);
                    let result = inverter.inv(&storage.of(&case.a));
                    assert_eq!(result.as_ref().err(), Some(&error), "{n} {triangle:?} {storage:?}");
                }
            }
        }
    }
}

#[test]
fn a_matrix_wrongly_declared_definite_is_refused_with_its_minor() {
    for_every_scalar!(indefinite_matrices_are_refused());
}

fn zeros_on_a_diagonal_are_named_as_lu_names_them<T: Field>() {
    let x = |re: f64| T::of(re, 1.0 - re);
    let o = T::zero();
    // Each column is a multiple of an earlier one, or zero: no rounding is involved.
    let lower = [
        (array![[o, o], [x(1.0), x(1.0)]], 1),
        (array![[x(2.0), o], [x(1.0), o]], 1),
        (array![[o, o, o], [x(3.0), x(1.0), o], [o, x(2.0), x(2.0)]], 2),
        (array![[o, o, o], [o, o, o], [x(4.0), x(2.0), x(2.0)]], 1),
        (array![[x(1.0), o, o], [x(2.0), o, o], [x(3.0), o, x(1.0)]], 1),
    ];
    for (a, pivot) in lower {
        for storage in Storage::BOTH {
            for structure in [Structure::Auto, Structure::LowerTriangular, Structure::General] {
                let inverter = Inverter::new().structure(structure);
                let error = inverter.inv(&storage.of(&a)).err();
                assert_eq!(error, Some(Error::Singular { pivot }), "{a} {structure} {storage:?}");
                let error = inverter.inv_inplace(&mut storage.of(&a)).err();
                assert_eq!(error, Some(Error::Singular { pivot }), "{a} {structure} {storage:?}");
            }
        }
    }
    let upper = array![[x(1.0), x(2.0), x(3.0)], [o, o, x(2.0)], [o, o, o]];
    for storage in Storage::BOTH {
        for structure in [Structure::Auto, Structure::UpperTriangular, Structure::General] {
            let error = Inverter::new().structure(structure).inv(&storage.of(&upper)).err();
            assert_eq!(error, Some(Error::Singular { pivot: 1 }), "{structure} {storage:?}");
        }
    }
}

#[test]
fn every_structure_names_the_column_that_lu_names() {
    for_every_scalar!(zeros_on_a_diagonal_are_named_as_lu_names_them());
}

/// Beyond the block size of 64 other code runs, in LAPACK and in `OpenBLAS`.
fn blocked_ratios_of<T: Field>(maxima: &mut Maxima) {
    let rng = &mut StdRng::seed_from_u64(2);
    for n in [63, 64, 65, 129, 200] {
        let a = gaussian::<T>(n, rng);
        let adjoint = a.t().mapv(Scalar::conj);
        let mut cases = vec![(Kind::General, a.clone())];
        cases.push((Kind::PositiveDefinite, a.dot(&adjoint)));
        cases.push((Kind::Indefinite(Mirror::Adjoint), &a + &adjoint));
        cases.push((Kind::Indefinite(Mirror::Transpose), &a + &a.t()));
        let mut upper = a;
        for ((i, j), x) in upper.indexed_iter_mut() {
            match i.cmp(&j) {
                Ordering::Less => {}
                // Otherwise the condition of a random triangle grows exponentially.
                Ordering::Equal => *x = *x + T::from_f64((n as f64).sqrt()),
                Ordering::Greater => *x = T::zero(),
            }
        }
        cases.push((Kind::Triangular(Triangle::Lower), upper.clone().reversed_axes()));
        cases.push((Kind::Triangular(Triangle::Upper), upper));
        for (number, (kind, mut a)) in cases.into_iter().enumerate() {
            match kind {
                Kind::PositiveDefinite => make_exact(&mut a, Mirror::Adjoint),
                Kind::Indefinite(mirror) => make_exact(&mut a, mirror),
                _ => {}
            }
            check_case(&Case { kind, number, a, pivot: None }, maxima);
        }
    }
}

#[test]
fn the_ratios_stay_below_the_threshold_where_blocks_begin() {
    let maxima = &mut Maxima::default();
    for_every_scalar!(blocked_ratios_of(maxima));
    maxima.print();
    assert_eq!(maxima.of.len(), 6 * 4 * inverting().len());
}
