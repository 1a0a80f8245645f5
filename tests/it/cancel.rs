//! The flag that ends a call.

use matinv::{Element, Engine, Error, Inverter, OnFailure, Scalar, Structure};
use ndarray::{Array2, Array3, Axis};
use num_complex::Complex64;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Duration;

const STRUCTURES: [Structure; 8] = [
    Structure::Auto,
    Structure::General,
    Structure::Diagonal,
    Structure::UpperTriangular,
    Structure::LowerTriangular,
    Structure::PositiveDefinite,
    Structure::Symmetric,
    Structure::Hermitian,
];

const THREADS: [usize; 3] = [1, 2, 7];

/// A matrix that can be inverted as one of any of these structures; only `General` reads all of it.
fn matrix(n: usize, structure: Structure, rng: &mut StdRng) -> Array2<f64> {
    let mut a = Array2::from_shape_simple_fn((n, n), || rng.random_range(-1.0..1.0));
    let heavy = !matches!(structure, Structure::Symmetric | Structure::Hermitian);
    if heavy {
        a.diag_mut().mapv_inplace(|d| d + n as f64);
    }
    a
}

fn inverter(structure: Structure, threads: usize) -> Inverter {
    Inverter::new().engine(Engine::Native).structure(structure).threads(threads)
}

/// Calls `invert` with ever larger orders until it is cancelled while it works, by another thread, which
/// begins when the call does.
fn is_ended_at_work(what: &str, mut prepare: impl FnMut(usize) -> Inverting) {
    for n in [400, 800, 1600, 3200, 6400] {
        let Inverting { flag, invert } = prepare(n);
        let (begin, begun) = mpsc::channel();
        let result = std::thread::scope(|scope| {
            scope.spawn(move || {
                begun.recv().unwrap();
                std::thread::sleep(Duration::from_millis(2));
                flag.store(true, Ordering::Relaxed);
            });
            begin.send(()).unwrap();
            invert()
        });
        match result {
            Err(Error::Cancelled) => return,
            // It was done before.
            done => assert_eq!(done, Ok(()), "{what}, order {n}"),
        }
    }
    panic!("{what} was never cancelled");
}

/// A flag, and what looks at it.
struct Inverting {
    flag: Arc<AtomicBool>,
    invert: Box<dyn FnOnce() -> Result<(), Error>>,
}

#[test]
fn a_call_at_work_is_ended_for_every_structure() {
    let rng = &mut StdRng::seed_from_u64(61);
    for structure in STRUCTURES {
        if structure == Structure::Diagonal {
            // There is no work to speak of.
            continue;
        }
        for threads in THREADS {
            is_ended_at_work(&format!("{structure:?}, {threads} threads"), |n| {
                let a = matrix(n, structure, rng);
                let flag = Arc::new(AtomicBool::new(false));
                let inverter = inverter(structure, threads).cancel(Arc::clone(&flag));
                let invert = Box::new(move || inverter.inv(&a).map(|_| ()));
                Inverting { flag, invert }
            });
        }
    }
}

#[test]
fn a_pseudo_inverse_and_a_residual_are_ended_at_work() {
    let rng = &mut StdRng::seed_from_u64(62);
    is_ended_at_work("pinv", |n| {
        let mut a = matrix(n, Structure::General, rng);
        a.column_mut(0).fill(0.0);
        let flag = Arc::new(AtomicBool::new(false));
        let inverter = inverter(Structure::General, 1).on_failure(OnFailure::PseudoInverse);
        let inverter = inverter.cancel(Arc::clone(&flag));
        Inverting { flag, invert: Box::new(move || inverter.inv(&a).map(|_| ())) }
    });
    is_ended_at_work("quality", |n| {
        let a = Array2::from_diag_elem(n, 2.0);
        let flag = Arc::new(AtomicBool::new(false));
        let inverter = inverter(Structure::Diagonal, 1).quality(true).cancel(Arc::clone(&flag));
        Inverting { flag, invert: Box::new(move || inverter.report(&a).map(|_| ())) }
    });
}

/// What every verb says to a matrix and to a stack.
fn all_verbs<A>(inverter: &Inverter, stack: &Array3<A>) -> Vec<Result<(), Error>>
where
    A: Element<Scalar = A> + Scalar,
{
    let a = stack.index_axis(Axis(0), 0).to_owned();
    let views: Vec<_> = stack.outer_iter().collect();
    vec![
        inverter.inv(&a).map(|_| ()),
        inverter.inv(stack).map(|_| ()),
        inverter.inv_into(stack, &mut stack.clone()),
        inverter.inv_inplace(&mut a.clone()),
        inverter.inv_inplace(&mut stack.clone()),
        inverter.report(&a).map(|_| ()),
        inverter.report(stack).map(|_| ()),
        inverter.report_into(stack, &mut stack.clone()).map(|_| ()),
        inverter.inv_many(&views).map(|_| ()),
    ]
}

#[test]
fn a_flag_that_is_set_already_ends_every_call_and_the_inverter_goes_on_after() {
    let rng = &mut StdRng::seed_from_u64(63);
    for structure in STRUCTURES {
        for (threads, n) in [(1, 3), (2, 40), (7, 230)] {
            let a = matrix(n, structure, rng);
            let mut stack = Array3::zeros((20, n, n));
            stack.outer_iter_mut().for_each(|mut to| to.assign(&a));
            let flag = Arc::new(AtomicBool::new(true));
            let inverter = inverter(structure, threads).cancel(Arc::clone(&flag));
            let complex = stack.mapv(|x| Complex64::new(x, 0.0));
            for done in all_verbs(&inverter, &stack).iter().chain(&all_verbs(&inverter, &complex)) {
                assert_eq!(done, &Err(Error::Cancelled), "{structure:?} {n}");
            }
            flag.store(false, Ordering::Relaxed);
            assert!(all_verbs(&inverter, &stack).iter().all(Result::is_ok), "{structure:?} {n}");
        }
    }
}

#[test]
fn a_stack_is_ended_between_its_matrices() {
    for n in [8, 60, 130] {
        for threads in THREADS {
            let mut stack = Array3::<f64>::zeros((400, n, n));
            for mut a in stack.outer_iter_mut() {
                a.diag_mut().fill(2.0);
                a[[0, n - 1]] = 1.0;
                a[[n - 1, 0]] = 0.5;
            }
            let flag = Arc::new(AtomicBool::new(false));
            let inverter = inverter(Structure::General, threads).cancel(Arc::clone(&flag));
            let mut out = stack.clone();
            let error = std::thread::scope(|scope| {
                scope.spawn(|| {
                    std::thread::sleep(Duration::from_millis(5));
                    flag.store(true, Ordering::Relaxed);
                });
                // Again and again: some time the flag is set.
                loop {
                    if let Err(error) = inverter.inv_into(&stack, &mut out) {
                        break error;
                    }
                }
            });
            assert_eq!(error, Error::Cancelled);
            // What was written is inverses, whole ones, or was never touched or left half-way by one
            // thread each.
            flag.store(false, Ordering::Relaxed);
            inverter.inv_into(&stack, &mut out).unwrap();
            assert_eq!(out, inverter.clone().inv(&stack).unwrap());
        }
    }
}

#[test]
fn a_flag_that_is_never_set_changes_no_bit() {
    let rng = &mut StdRng::seed_from_u64(64);
    for structure in STRUCTURES {
        for (n, count) in [(1, 70), (5, 300), (40, 100), (100, 3), (300, 1), (900, 1)] {
            let mut stack = Array3::zeros((count, n, n));
            stack.outer_iter_mut().for_each(|mut to| to.assign(&matrix(n, structure, rng)));
            for threads in THREADS {
                let plain = inverter(structure, threads);
                let watched = plain.clone().cancel(Arc::default());
                let (x, y) = (plain.report(&stack).unwrap(), watched.report(&stack).unwrap());
                let bits = |x: &Array3<f64>| x.mapv(f64::to_bits);
                assert_eq!(bits(&x.inverse), bits(&y.inverse), "{structure:?} {count} × {n}");
                assert_eq!(x.verdicts, y.verdicts, "{structure:?} {count} × {n}");
                assert_eq!(bits(&plain.inv(&stack).unwrap()), bits(&watched.inv(&stack).unwrap()));
            }
        }
    }
}
