//! One matrix of any order, beside the fastest multiplication of two of that order.
//!
//! `cargo bench --bench blocked`, or with the orders, scalars and structures wanted, of which general
//! is the usual one: `cargo bench --bench blocked -- 4000 float32 general definite triangular`.
//! For each structure, number of threads, order and scalar: the time of an inversion by the native
//! engine, its rate (2n³ operations, n³ if definite, n³/3 if triangular, four times as many if
//! complex), and its multiple of the better of OpenBLAS's and the `gemm` crate's real multiplication
//! (times four if complex), beside that of LAPACK. Last, the times of the two, real ones. All take
//! turns in one process; the least time of each counts. Between turns is a pause: threads of OpenBLAS
//! keep a core busy for some time after their last work.

mod multiply;

use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure};
use ndarray::{Array2, ShapeBuilder};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ORDERS: [usize; 8] = [65, 100, 128, 200, 256, 512, 1000, 2000];

fn random<T: Scalar>(n: usize, seed: u64) -> Array2<T> {
    let rng = &mut StdRng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((n, n).f(), || T::from_f64(rng.random_range(-1.0..1.0)))
}

/// The structures, and the operations of each in n³.
const STRUCTURES: [(&str, Structure, f64); 3] = [
    ("general", Structure::General, 2.0),
    ("definite", Structure::PositiveDefinite, 1.0),
    ("triangular", Structure::LowerTriangular, 1.0 / 3.0),
];

fn matrix<T: Scalar>(structure: Structure, n: usize) -> Array2<T> {
    let mut a = random::<T>(n, 4);
    if structure == Structure::General {
        return a;
    }
    for j in 0..n {
        // Well conditioned at every order.
        a[[j, j]] = T::from_f64(if structure == Structure::PositiveDefinite {
            2.0 * n as f64
        } else {
            4.0 + (n as f64).sqrt()
        });
        for i in 0..j {
            a[[i, j]] = match structure {
                Structure::PositiveDefinite => a[[j, i]],
                _ => T::from_f64(0.0),
            };
        }
    }
    a
}

/// How often each has its turn.
const ROUNDS: usize = 5;
/// How long a turn is, but for calls that are longer.
const TURN: Duration = Duration::from_millis(20);
/// How long nothing happens before a turn, where threads have to come to rest.
const PAUSE: Duration = Duration::from_millis(250);

/// A turn: the least seconds that a call takes, of two at least. The first one finds threads asleep.
fn least(threads: usize, mut work: impl FnMut()) -> f64 {
    if threads > 1 {
        std::thread::sleep(PAUSE);
    }
    let (begin, mut least) = (Instant::now(), f64::INFINITY);
    for calls in 1.. {
        let start = Instant::now();
        work();
        least = least.min(start.elapsed().as_secs_f64());
        if calls >= 2 && begin.elapsed() > TURN {
            break;
        }
    }
    least
}

fn measure<T: Scalar<Real = R>, R: Scalar<Real = R>>(which: usize, n: usize, threads: usize) {
    let (name, structure, operations) = STRUCTURES[which];
    let (a, b, mut c) = (random::<R>(n, 1), random::<R>(n, 2), random::<R>(n, 3));
    let matrix = matrix::<T>(structure, n);
    let mut inverse = matrix.clone();
    let parts = if T::COMPLEX { 4.0 } else { 1.0 };
    let operations = operations * (n as f64).powi(3) * parts;
    let by = |engine| {
        let inverter = Inverter::new().structure(structure).check_finite(false);
        let inverter = inverter.engine(engine).threads(threads);
        if engine == Engine::Lapack { inverter.blas_threads(threads) } else { inverter }
    };
    let (native, lapack) = (by(Engine::Native), by(Engine::Lapack));
    let [mut blas, mut by_crate, mut ours, mut theirs] = [f64::INFINITY; 4];
    for _ in 0..ROUNDS {
        for threads in if threads == 1 { vec![1] } else { vec![1, threads] } {
            let time = least(threads, || multiply::by_openblas(black_box(&a), &b, &mut c, threads));
            blas = blas.min(time);
            let time = least(threads, || multiply::by_crate(black_box(&a), &b, &mut c, threads));
            by_crate = by_crate.min(time);
        }
        let run = |inverter: &Inverter, inverse: &mut Array2<T>| {
            inverter.inv_into(black_box(&matrix), inverse).expect("invertible");
        };
        theirs = theirs.min(least(threads, || run(&lapack, &mut inverse)));
        ours = ours.min(least(threads, || run(&native, &mut inverse)));
    }
    let gemm = parts * blas.min(by_crate);
    println!(
        "{name:10} {:10} {threads:7} {n:6} {:12.1} {:9.1} {:8.2} {:8.2} {:12.1} {:12.1}",
        T::NAME,
        ours * 1e6,
        operations / ours / 1e9,
        ours / gemm,
        theirs / gemm,
        blas * 1e6,
        by_crate * 1e6,
    );
}

/// A measurement for one of the structures, an order and a number of threads.
type Measure = fn(usize, usize, usize);

fn main() {
    // Cargo's own words begin with a hyphen.
    let words: Vec<String> =
        std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut orders: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let mut structures: Vec<usize> = (0..STRUCTURES.len())
        .filter(|&which| words.iter().any(|word| word == STRUCTURES[which].0))
        .collect();
    if structures.is_empty() {
        structures.push(0);
    }
    if orders.is_empty() {
        orders = ORDERS.to_vec();
    }
    let mut scalars: Vec<(&str, Measure)> = vec![
        (f64::NAME, measure::<f64, f64>),
        (f32::NAME, measure::<f32, f32>),
        (Complex64::NAME, measure::<Complex64, f64>),
        (Complex32::NAME, measure::<Complex32, f32>),
    ];
    if scalars.iter().any(|(scalar, _)| words.iter().any(|word| word == scalar)) {
        scalars.retain(|(scalar, _)| words.iter().any(|word| word == scalar));
    }
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{:10} {:10} {:>7} {:>6} {:>12} {:>9} {:>8} {:>8} {:>12} {:>12}",
        "", "", "threads", "n", "µs", "GFLOP/s", "× GEMM", "LAPACK", "OpenBLAS µs", "crate µs"
    );
    for which in structures {
        for threads in if all > 1 { vec![1, all] } else { vec![1] } {
            for &n in &orders {
                for (_, measure) in &scalars {
                    measure(which, n, threads);
                }
            }
        }
    }
}
