//! Any number of threads, from any thread: the same bits, and BLAS is left as it was.

use crate::lapack_matrices::gaussian;
use crate::ratios::{THRESHOLD, left, right};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, matrix_of, same_bits, stack_of};
use matinv::ndarray::{Array1, Array2, Array5, Axis, IxDyn, s};
use matinv::{Inverter, OnFailure, inv, platform};
use rand::SeedableRng;
use rand::rngs::StdRng;
use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicBool, Ordering};

fn the_same_bits<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(12);
    let inverters = [1, 2, 3, 8].map(|threads| Inverter::new().threads(threads));
    for n in (1..=40).chain([64, 100, 200, 300]) {
        let different = if n <= 40 { 11 } else { 3 };
        let mut matrices: Vec<Array2<T>> = (0..different).map(|_| gaussian(n, rng)).collect();
        let mut singles: Vec<Array2<T>> = matrices.iter().map(|a| inv(a).unwrap()).collect();
        // Small matrices are handed to threads by the hundred: repeat some for several tasks.
        let repeated = if [1, 2, 3, 8, 16].contains(&n) { 400_000 / (n.pow(3) + 200) } else { 0 };
        let count = different + repeated;
        matrices = matrices.into_iter().cycle().take(count).collect();
        singles = singles.into_iter().cycle().take(count).collect();
        let expected = stack_of(&singles, Storage::Row);
        let stack = stack_of(&matrices, Storage::Row);
        for inverter in &inverters {
            let what = format!("{} order {n} {inverter:?}", T::NAME);
            assert!(same_bits(&inverter.inv(&stack).unwrap(), &expected), "{what}");
            // Every matrix in another place, by another verb.
            let backwards = inverter.report(&stack.slice(s![..;-1, .., ..])).unwrap().inverse;
            assert!(same_bits(&backwards, &expected.slice(s![..;-1, .., ..])), "{what}");
            assert!(same_bits(&inverter.inv(&matrices[0]).unwrap(), &singles[0]), "{what}");
        }
        assert!(same_bits(&matrix_of(&inv(&stack).unwrap(), count - 1), &singles[count - 1]));
    }
}

#[test]
fn every_number_of_threads_and_place_in_a_stack_gives_the_same_bits() {
    for_every_scalar!(the_same_bits());
}

/// A matrix and its inverse as computed on one thread and on four.
struct Checked {
    a: Array2<f64>,
    inverses: [Array2<f64>; 2],
}

impl Checked {
    fn new(n: usize) -> Self {
        let a = gaussian(n, &mut StdRng::seed_from_u64(n as u64));
        let inverses = [1, 4].map(|threads| Inverter::new().blas_threads(threads).inv(&a).unwrap());
        for x in &inverses {
            assert!(right(&a, x) < THRESHOLD, "order {n}");
        }
        Checked { a, inverses }
    }

    /// Inverts the matrix here and now, and checks the result.
    fn invert(&self, inverter: &Inverter) {
        let x = inverter.inv(&self.a).unwrap();
        // The same bits as one of the two are known to be right; it may have been given fewer
        // threads than it asked for.
        let known = self.inverses.iter().any(|known| same_bits(known, &x));
        assert!(known || right(&self.a, &x) < THRESHOLD || left(&self.a, &x) < THRESHOLD);
    }
}

/// Where `OpenBLAS` changes its ways: recursion, threads, and threads in every part.
static ORDERS: LazyLock<[Checked; 3]> = LazyLock::new(|| [100, 200, 1000].map(Checked::new));

/// Runs on a thread with the stack that Rust gives one by default, whatever the environment says.
fn on_a_small_stack<R: Send>(work: impl FnOnce() -> R + Send) -> R {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20).spawn_scoped(scope, work);
        thread.unwrap().join().unwrap()
    })
}

fn pool(threads: usize) -> ThreadPool {
    ThreadPoolBuilder::new().num_threads(threads).stack_size(2 << 20).build().unwrap()
}

#[test]
fn a_thread_with_a_small_stack_will_do() {
    on_a_small_stack(|| {
        for checked in &*ORDERS {
            for threads in [1, 2, 4] {
                checked.invert(&Inverter::new().blas_threads(threads));
            }
        }
    });
}

#[test]
fn a_worker_of_rayon_will_do() {
    let inverters = [1, 4].map(|threads| Inverter::new().blas_threads(threads));
    for threads in [1, 4] {
        let pool = pool(threads);
        // Inside `install`, in `join`, and from a parallel iterator.
        pool.install(|| inverters.iter().for_each(|inverter| ORDERS[1].invert(inverter)));
        pool.install(|| {
            rayon::join(|| ORDERS[2].invert(&inverters[1]), || ORDERS[0].invert(&inverters[0]))
        });
        pool.install(|| {
            (0..16usize).into_par_iter().for_each(|i| ORDERS[i % 2].invert(&inverters[i / 2 % 2]));
        });
    }
}

#[test]
fn a_stack_inverts_inside_the_callers_pool() {
    let rng = &mut StdRng::seed_from_u64(13);
    let matrices: Vec<Array2<f64>> = (0..40).map(|_| gaussian(30, rng)).collect();
    let stack = stack_of(&matrices, Storage::Row);
    let expected = inv(&stack).unwrap();
    for threads in [1, 3] {
        let pool = pool(threads);
        pool.install(|| {
            assert!(same_bits(&inv(&stack).unwrap(), &expected));
            let own = Inverter::new().threads(2);
            assert!(same_bits(&own.inv(&stack).unwrap(), &expected));
            // Stacks inside a parallel iterator: the pool's workers steal from each other.
            (0..8).into_par_iter().for_each(|_| {
                assert!(same_bits(&inv(&stack).unwrap(), &expected));
                assert!(same_bits(&own.inv(&stack).unwrap(), &expected));
            });
        });
    }
}

#[test]
fn sixteen_threads_at_once_will_do() {
    for checked in &*ORDERS {
        for threads in [1, 4] {
            let inverter = &Inverter::new().blas_threads(threads);
            std::thread::scope(|scope| {
                for _ in 0..16 {
                    let builder = std::thread::Builder::new().stack_size(2 << 20);
                    builder.spawn_scoped(scope, || checked.invert(inverter)).unwrap();
                }
            });
        }
    }
}

#[test]
fn the_users_blas_threads_are_never_seen_to_change() {
    let setting = || platform().blas.map(|blas| blas.threads);
    let before = setting();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let watcher = scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                assert_eq!(setting(), before);
                std::thread::yield_now();
            }
        });
        std::thread::scope(|scope| {
            for threads in [1, 4, 3, 1] {
                scope.spawn(move || {
                    for _ in 0..20 {
                        ORDERS[0].invert(&Inverter::new().blas_threads(threads));
                    }
                });
            }
        });
        done.store(true, Ordering::Relaxed);
        watcher.join().unwrap();
    });
    assert_eq!(setting(), before);
}

#[test]
fn an_inverter_serves_many_threads_and_orders() {
    let inverter = &Inverter::new();
    let rng = &mut StdRng::seed_from_u64(14);
    let matrices: Vec<Array2<f64>> = (0..30).map(|i| gaussian(1 + 7 * i % 50, rng)).collect();
    let expected: Vec<Array2<f64>> = matrices.iter().map(|a| inv(a).unwrap()).collect();
    std::thread::scope(|scope| {
        for offset in 0..8 {
            let (matrices, expected) = (&matrices, &expected);
            scope.spawn(move || {
                for i in (0..30).map(|i| (i + 4 * offset) % 30) {
                    assert!(same_bits(&inverter.inv(&matrices[i]).unwrap(), &expected[i]));
                    let report = inverter.clone().report(&matrices[i]).unwrap();
                    assert!(same_bits(&report.inverse, &expected[i]));
                }
            });
        }
    });
}

/// Outputs of a call come page by page and in pieces; none of that may show.
#[test]
fn a_fresh_output_holds_what_an_old_one_would() {
    let rng = &mut StdRng::seed_from_u64(5);
    let some: Vec<Array2<f64>> = (0..97).map(|_| gaussian(5, rng)).collect();
    // More than 4 MiB, in lengths that no piece and no group divides; every 7th one singular.
    let mut stack = Array5::zeros((3, 1, 101, 83, 25));
    for (i, mut place) in stack.lanes_mut(Axis(4)).into_iter().enumerate() {
        if i % 7 != 0 {
            place.assign(&Array1::from_iter(some[i % some.len()].iter().copied()));
        }
    }
    let stack = stack.into_shape_with_order(IxDyn(&[3, 1, 101, 83, 5, 5])).unwrap();
    for storage in Storage::BOTH {
        let a = storage.of(&stack);
        for policy in [OnFailure::FillNan, OnFailure::Keep, OnFailure::PseudoInverse] {
            for threads in [1, 3] {
                let inverter = Inverter::new().threads(threads).on_failure(policy);
                let mut x = a.clone();
                inverter.inv_into(&a, &mut x).unwrap();
                let what = format!("{storage:?} {policy:?} {threads}");
                let fresh = inverter.inv(&a).unwrap();
                assert_eq!(fresh.strides(), x.strides(), "{what}");
                assert!(same_bits(&fresh, &x), "{what}");
                assert!(same_bits(&inverter.report(&a).unwrap().inverse, &x), "{what}");
            }
        }
    }
}
