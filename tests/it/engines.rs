//! Each engine is the other's oracle, for every structure.

use crate::lapack_grid::{Kind, cases};
use crate::lapack_matrices::Mirror;
use crate::ratios::{THRESHOLD, left, right};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, same_bits};
use matinv::ndarray::{Array2, Axis};
use matinv::{Engine, Inverter, OnFailure, Status, Structure, Triangle, platform};
use std::collections::BTreeSet;
use std::io::{Write, stderr};
use std::sync::{Mutex, PoisonError};

/// The engines that can be asked for here.
pub(crate) fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Auto];
    engines.extend(inverting());
    engines
}

/// Those of them that invert.
pub(crate) fn inverting() -> Vec<Engine> {
    if has_lapack() { vec![Engine::Lapack, Engine::Native] } else { vec![Engine::Native] }
}

/// Whether LAPACK can be tested, or tested with. Where it fails its own test, the test that asks is named
/// as skipped, past what captures the output of tests: `./dev test` counts these lines.
pub(crate) fn has_lapack() -> bool {
    static NAMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let Some(blas) = platform().blas else { return false };
    if !blas.sound {
        let thread = std::thread::current();
        let name = thread.name().unwrap_or("a test").to_owned();
        if NAMED.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone()) {
            let line =
                format!("skipped: {name}, as far as it tests LAPACK, which is not sound here\n");
            let _ = stderr().write_all(line.as_bytes());
        }
    }
    blas.sound
}

/// Small orders, and those where the native engine's kernels for small matrices end.
const ORDERS: [usize; 9] = [1, 2, 3, 7, 17, 33, 64, 65, 130];

fn verdicts_agree<T: Field>() {
    for n in ORDERS {
        for case in cases::<T>(n) {
            for declaration in case.declarations() {
                for storage in Storage::BOTH {
                    let what = format!(
                        "{} {:?} number {} order {n} as {} ({:?}) by {storage:?}",
                        T::NAME,
                        case.kind,
                        case.number,
                        declaration.structure,
                        declaration.triangle
                    );
                    let inverter = Inverter::new()
                        .structure(declaration.structure)
                        .triangle(declaration.triangle)
                        .on_failure(OnFailure::FillNan);
                    let a = storage.of(&declaration.a);
                    let report = |engine| inverter.clone().engine(engine).report(&a).unwrap();
                    let (ours, theirs) = (report(Engine::Native), report(Engine::Lapack));
                    let (x, y) = (&ours.inverse, &theirs.inverse);
                    let (ours, theirs) = (ours.verdict(), theirs.verdict());
                    assert_eq!((ours.engine, theirs.engine), (Engine::Native, Engine::Lapack));
                    assert_eq!(ours.structure, theirs.structure, "{what}");
                    assert_eq!(
                        (ours.status, &ours.error),
                        (theirs.status, &theirs.error),
                        "{what}"
                    );
                    if ours.status != Status::Inverted {
                        continue;
                    }
                    let rounding = 1e3 * n as f64 * T::UNIT_ROUNDOFF / ours.rcond;
                    // An estimate against what is exact but for rounding, where that leaves digits.
                    let ratio = theirs.rcond / ours.rcond;
                    assert!(
                        rounding > 1.0 || (0.9..=10.0).contains(&ratio),
                        "{what}: {} {}",
                        ours.rcond,
                        theirs.rcond
                    );
                    let logs = (ours.log_abs_det, theirs.log_abs_det);
                    assert!((logs.0 - logs.1).abs() <= rounding * (1.0 + logs.0.abs()), "{what}");
                    assert!((ours.sign - theirs.sign).modulus() <= rounding, "{what}");
                    let better = |x| f64::min(left(&case.a, x), right(&case.a, x));
                    assert!(better(x) < THRESHOLD, "{what}: {} {}", better(x), better(y));
                }
            }
        }
    }
}

#[test]
#[cfg_attr(not(feature = "openblas"), ignore = "there is no LAPACK in this build")]
fn the_native_engine_comes_to_lapacks_verdicts() {
    if !has_lapack() {
        return;
    }
    for_every_scalar!(verdicts_agree());
}

/// The declared triangle decides, by rows and by columns, and the other one is never read.
fn triangles_agree<T: Field>() {
    for n in ORDERS {
        for case in cases::<T>(n).iter().filter(|case| case.pivot.is_none()) {
            let structure = match case.kind {
                Kind::PositiveDefinite => Structure::PositiveDefinite,
                Kind::Indefinite(Mirror::Adjoint) => Structure::Hermitian,
                Kind::Indefinite(Mirror::Transpose) => Structure::Symmetric,
                _ => continue,
            };
            let of = |triangle: Triangle, storage: Storage| {
                let mut a = case.a.clone();
                for ((i, j), x) in a.indexed_iter_mut() {
                    if (triangle == Triangle::Lower && i < j)
                        || (triangle == Triangle::Upper && i > j)
                    {
                        *x = T::nan();
                    }
                }
                let inverter = Inverter::new().structure(structure).triangle(triangle);
                inverter.engine(Engine::Native).inv(&storage.of(&a)).unwrap()
            };
            let what = format!("{} {:?} number {} order {n}", T::NAME, case.kind, case.number);
            // By rows the lower triangle is the upper one of the slice: the same work.
            for triangle in [Triangle::Lower, Triangle::Upper] {
                let [x, y] = Storage::BOTH.map(|storage| of(triangle, storage));
                for x in [x, y] {
                    let better = left(&case.a, &x).min(right(&case.a, &x));
                    assert!(better < THRESHOLD, "{what} {triangle:?}: {better}");
                }
            }
        }
    }
}

#[test]
fn one_triangle_is_enough_for_the_native_engine() {
    for_every_scalar!(triangles_agree());
}

fn stacks_agree<T: Field>() {
    for n in [1, 5, 17, 70] {
        let cases = cases::<T>(n);
        let views: Vec<_> = cases.iter().map(|case| case.a.view()).collect();
        let stack = matinv::ndarray::stack(Axis(0), &views).unwrap();
        let fill = Inverter::new().on_failure(OnFailure::FillNan).engine(Engine::Native);
        let inverses = fill.clone().threads(2).inv(&stack).unwrap();
        for (case, x) in cases.iter().zip(inverses.outer_iter()) {
            let what = format!("{} {:?} number {} order {n}", T::NAME, case.kind, case.number);
            // As it is stored in the stack: by rows.
            let a = case.a.as_standard_layout();
            assert!(same_bits(&fill.inv(&a).unwrap(), &x), "{what}");
        }
    }
}

#[test]
fn stacks_of_every_structure_have_the_bits_of_single_matrices() {
    for_every_scalar!(stacks_agree());
}

/// What one matrix leaves behind, in a library that this crate calls, may not reach another one.
fn nothing_is_left_behind<T: Field>() {
    for n in [33, 67] {
        let spoiled = Array2::from_elem((n, n), T::nan());
        for case in cases::<T>(n).iter().filter(|case| case.pivot.is_none()) {
            let mut before: Option<(Engine, Array2<T>)> = None;
            for engine in engines() {
                let what = format!("{engine} {} {:?} {} {n}", T::NAME, case.kind, case.number);
                let inverter = Inverter::new().engine(engine);
                for _ in 0..2 {
                    let unchecked =
                        inverter.clone().check_finite(false).on_failure(OnFailure::Keep);
                    for structure in [Structure::General, Structure::Symmetric] {
                        unchecked.clone().structure(structure).inv(&spoiled).unwrap();
                    }
                    let x = inverter.inv(&case.a).unwrap();
                    let better = left(&case.a, &x).min(right(&case.a, &x));
                    assert!(better < THRESHOLD, "{what}: {better}");
                    // The same engine, the same bits, whatever came before.
                    if let Some((by, before)) = &before
                        && *by == engine
                    {
                        assert!(same_bits(&x, before), "{what}");
                    }
                    before = Some((engine, x));
                }
            }
        }
    }
}

#[test]
fn a_matrix_of_nan_leaves_nothing_behind() {
    for_every_scalar!(nothing_is_left_behind());
}
