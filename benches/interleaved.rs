//! Small matrices by the million: order × scalar, in nanoseconds per matrix and in multiples of a
//! copy of the same memory.
//!
//! `cargo bench --bench interleaved` prints criterion's times, and then a table of the best of some
//! rounds: the native engine against LAPACK on the same matrices, on one thread, and on two.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure, residuals};
use ndarray::{Array3, Axis};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ORDERS: [usize; 14] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24, 32, 48];
/// Bytes of a stack: larger than any cache.
const BYTES: usize = 64 << 20;

fn random<T: Scalar>(n: usize) -> Array3<T> {
    let count = (BYTES / (n * n * size_of::<T>())).max(1);
    let mut rng = StdRng::seed_from_u64(n as u64);
    let mut number = || T::from_f64(rng.random_range(-1.0..1.0));
    Array3::from_shape_simple_fn((count, n, n), &mut number)
}

fn stacks<T: Scalar>(criterion: &mut Criterion) {
    for n in ORDERS {
        let a = random::<T>(n);
        let mut x = a.clone();
        let mut group = criterion.benchmark_group(format!("interleaved/{}", T::NAME));
        group.throughput(Throughput::Elements(a.len_of(Axis(0)) as u64));
        group.sample_size(10).warm_up_time(Duration::from_millis(100));
        group.measurement_time(Duration::from_millis(300));
        let inverter = Inverter::new().structure(Structure::General).threads(1);
        group.bench_function(BenchmarkId::new("general", n), |bencher| {
            bencher.iter(|| inverter.inv_into(black_box(&a), &mut x).expect("invertible"));
        });
        for at in [0, a.len_of(Axis(0)) - 1] {
            let (a, x) = (a.index_axis(Axis(0), at), x.index_axis(Axis(0), at));
            assert!(residuals(&a, &x).expect("same shape").passes(), "order {n}, matrix {at}");
        }
        group.finish();
    }
}

/// Nanoseconds per matrix, the best of some rounds.
fn best(count: usize, mut work: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    let begin = Instant::now();
    for round in 0..50 {
        if round >= 3 && begin.elapsed() > Duration::from_millis(600) {
            break;
        }
        let start = Instant::now();
        work();
        best = best.min(start.elapsed().as_secs_f64());
    }
    best * 1e9 / count as f64
}

fn table_of<T: Scalar>() {
    println!("\n{}: ns per matrix, stacks of {} MiB", T::NAME, BYTES >> 20);
    println!("order     copy  general (× copy)     auto   report   2 threads (speed-up)    LAPACK");
    for n in ORDERS {
        let a = random::<T>(n);
        let mut x = a.clone();
        let count = a.len_of(Axis(0));
        let copy = best(count, || x.assign(black_box(&a)));
        let mut time = |inverter: &Inverter| {
            best(count, || inverter.inv_into(black_box(&a), &mut x).expect("invertible"))
        };
        let general = Inverter::new().structure(Structure::General).threads(1);
        let auto = time(&Inverter::new().threads(1));
        let ns = time(&general);
        let two = time(&general.clone().threads(2));
        let rcond = time(&general.clone().min_rcond(0.0));
        let few = a.slice(ndarray::s![..(count / 8).max(1), .., ..]);
        let mut x = few.to_owned();
        let lapack = general.clone().engine(Engine::Lapack);
        let lapack = best(few.len_of(Axis(0)), || {
            lapack.inv_into(black_box(&few), &mut x).expect("invertible");
        });
        println!(
            "{n:5} {copy:8.1} {ns:8.1} ({:6.2}) {auto:8.1} {rcond:8.1} {two:11.1} ({:.2}) {lapack:13.1}",
            ns / copy,
            ns / two
        );
    }
}

fn table(_: &mut Criterion) {
    table_of::<f64>();
    table_of::<f32>();
    table_of::<Complex64>();
    table_of::<Complex32>();
}

criterion_group!(
    benches,
    table,
    stacks::<f64>,
    stacks::<f32>,
    stacks::<Complex64>,
    stacks::<Complex32>
);
criterion_main!(benches);
