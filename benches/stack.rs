//! Stacks: order × count × threads × scalar, in matrices per second.
//!
//! `cargo bench --bench stack` prints, per case, criterion's time and throughput, and at the end a
//! table with the efficiency of two threads: the rate of two over twice the rate of one, both
//! measured in turn in the same minutes.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use matinv::num_complex::Complex64;
use matinv::{Inverter, Scalar, Structure, residuals};
use ndarray::{Array3, Axis};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Orders; each stack has as many matrices as fill about `BYTES`.
const ORDERS: [usize; 8] = [4, 8, 16, 32, 64, 128, 256, 512];
const BYTES: usize = 64 << 20;
const THREADS: [usize; 2] = [1, 2];

fn random<T: Scalar>(n: usize) -> Array3<T> {
    let count = (BYTES / (n * n * size_of::<T>())).max(1);
    let mut rng = StdRng::seed_from_u64(n as u64);
    Array3::from_shape_simple_fn((count, n, n), || T::from_f64(rng.random_range(-1.0..1.0)))
}

fn stacks<T: Scalar>(criterion: &mut Criterion) {
    for n in ORDERS {
        let a = random::<T>(n);
        let mut x = a.clone();
        let mut group = criterion.benchmark_group(format!("stack/{}/{n}", T::NAME));
        group.throughput(Throughput::Elements(a.len_of(Axis(0)) as u64));
        group.sample_size(10).warm_up_time(Duration::from_millis(200));
        group.measurement_time(Duration::from_millis(500));
        for threads in THREADS {
            let inverter = Inverter::new().structure(Structure::General).threads(threads);
            // A filter may leave the case out.
            let mut ran = false;
            group.bench_function(BenchmarkId::new("threads", threads), |bencher| {
                ran = true;
                bencher.iter(|| inverter.inv_into(black_box(&a), &mut x).expect("invertible"));
            });
            for at in [0, a.len_of(Axis(0)) - 1].into_iter().filter(|_| ran) {
                let (a, x) = (a.index_axis(Axis(0), at), x.index_axis(Axis(0), at));
                assert!(residuals(&a, &x).expect("same shape").passes(), "order {n}, matrix {at}");
            }
        }
        group.finish();
    }
}

/// Two threads against one, interleaved, the best of some rounds each.
fn efficiency(_: &mut Criterion) {
    println!("\norder  matrices  1 thread [1/s]  2 threads [1/s]  speed-up");
    for n in ORDERS {
        let a = random::<f64>(n);
        let mut x = a.clone();
        let inverters = THREADS.map(|t| Inverter::new().structure(Structure::General).threads(t));
        let mut best = [f64::INFINITY; 2];
        for _ in 0..5 {
            for (inverter, best) in inverters.iter().zip(&mut best) {
                let start = Instant::now();
                inverter.inv_into(black_box(&a), &mut x).expect("invertible");
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        let count = a.len_of(Axis(0));
        let [one, two] = best.map(|seconds| count as f64 / seconds);
        println!("{n:5}  {count:8}  {one:14.0}  {two:15.0}  {:8.2}", two / one);
    }
}

criterion_group!(benches, stacks::<f32>, stacks::<f64>, stacks::<Complex64>, efficiency);
criterion_main!(benches);
