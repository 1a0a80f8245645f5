//! One matrix: order × storage × structure, beside a multiplication of the same order.
//!
//! `cargo bench --bench single`. The multiplication is ndarray's `dot` (the `matrixmultiply`
//! crate, one thread): a yardstick on the same machine, not the fastest there is. First comes a
//! table of small orders, the best of some rounds: a general matrix alone and in a stack that fits
//! the cache, by the native engine and by LAPACK.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure, platform, residuals};
use ndarray::{Array2, Array3, Axis, ShapeBuilder};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ORDERS: [usize; 6] = [4, 16, 64, 128, 256, 512];
/// Of the table of small orders.
const SMALL: [usize; 16] = [2, 3, 4, 5, 6, 7, 8, 9, 12, 16, 17, 24, 32, 33, 48, 64];

fn random(n: usize, seed: u64) -> Array2<f64> {
    let mut rng = StdRng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((n, n), || rng.random_range(-1.0..1.0))
}

/// A matrix that has the structure, well conditioned enough for every order here.
fn with_structure(structure: Structure, n: usize) -> Array2<f64> {
    let a = random(n, 7);
    let diagonal = Array2::from_diag_elem(n, 2.0 * n as f64);
    match structure {
        Structure::PositiveDefinite => &a + &a.t() + &diagonal,
        Structure::Symmetric => &a + &a.t(),
        Structure::UpperTriangular => {
            Array2::from_shape_fn((n, n), |(i, j)| if i > j { 0.0 } else { a[[i, j]] }) + &diagonal
        }
        _ => a,
    }
}

fn single(criterion: &mut Criterion) {
    for n in ORDERS {
        let mut group = criterion.benchmark_group(format!("single/{n}"));
        group.sample_size(20).measurement_time(Duration::from_secs(1));
        let a = random(n, 1);
        let b = random(n, 2);
        group.bench_function("multiply", |bencher| bencher.iter(|| black_box(a.dot(&b))));
        let cases = [
            (Structure::General, "rows"),
            (Structure::General, "columns"),
            (Structure::Auto, "rows"),
            (Structure::PositiveDefinite, "rows"),
            (Structure::Symmetric, "rows"),
            (Structure::UpperTriangular, "rows"),
        ];
        for (structure, storage) in cases {
            let rows = with_structure(structure, n);
            let mut a = Array2::zeros((n, n).set_f(storage == "columns"));
            a.assign(&rows);
            let mut x = a.clone();
            let inverter = Inverter::new().structure(structure);
            let id = BenchmarkId::new(format!("{structure}").replace(' ', "-"), storage);
            group.bench_function(id, |bencher| {
                bencher.iter(|| inverter.inv_into(black_box(&a), &mut x).expect("invertible"));
            });
            inverter.inv_into(&a, &mut x).expect("invertible");
            assert!(residuals(&a, &x).expect("same shape").passes(), "{structure} {storage} {n}");
        }
        group.finish();
    }
}

/// Nanoseconds of each piece of work, the best of many rounds that take them in turn.
fn best<const N: usize>(mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    for _ in 0..30 {
        for (work, best) in works.iter_mut().zip(&mut best) {
            let start = Instant::now();
            let mut calls = 0;
            while calls == 0 || start.elapsed() < Duration::from_micros(100) {
                work();
                calls += 1;
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    best
}

fn small_of<T: Scalar>() {
    println!("\n{}: ns per matrix, one thread", T::NAME);
    let is_sound = platform().blas.is_some_and(|blas| blas.sound);
    let theirs = if is_sound { Engine::Lapack } else { Engine::Native };
    if !is_sound {
        println!("there is no sound LAPACK here: its columns are the native engine's");
    }
    println!("order   native     auto   LAPACK (/ native)   native stack   LAPACK stack");
    for n in SMALL {
        let count = 64;
        let mut rng = StdRng::seed_from_u64(n as u64);
        let mut number = || T::from_f64(rng.random_range(-1.0..1.0));
        let stack = Array3::from_shape_simple_fn((count, n, n), &mut number);
        let a = stack.index_axis(Axis(0), 0);
        let mut outputs: [Array2<T>; 3] = std::array::from_fn(|_| a.to_owned());
        let mut stacks: [Array3<T>; 2] = std::array::from_fn(|_| stack.clone());
        let [x, y, z] = &mut outputs;
        let [s, t] = &mut stacks;
        let general = Inverter::new().structure(Structure::General).threads(1);
        let native = general.clone().engine(Engine::Native);
        let lapack = general.engine(theirs);
        let auto = Inverter::new().threads(1);
        let [one, detected, theirs, in_stack, their_stack] = best([
            &mut || native.inv_into(black_box(&a), x).expect("invertible"),
            &mut || auto.inv_into(black_box(&a), y).expect("invertible"),
            &mut || lapack.inv_into(black_box(&a), z).expect("invertible"),
            &mut || native.inv_into(black_box(&stack), s).expect("invertible"),
            &mut || lapack.inv_into(black_box(&stack), t).expect("invertible"),
        ]);
        assert!(residuals(&a, &outputs[0]).expect("same shape").passes(), "{n}");
        println!(
            "{n:5} {one:8.0} {detected:8.0} {theirs:8.0} ({:8.2}) {:14.0} {:14.0}",
            theirs / one,
            in_stack / count as f64,
            their_stack / count as f64,
        );
    }
}

fn small(_: &mut Criterion) {
    small_of::<f64>();
    small_of::<f32>();
    small_of::<Complex64>();
    small_of::<Complex32>();
}

criterion_group!(benches, small, single);
criterion_main!(benches);
