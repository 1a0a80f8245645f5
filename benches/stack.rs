//! Stacks: order × count × threads × scalar, in matrices per second.
//!
//! `cargo bench --bench stack` prints, per case, criterion's time and throughput, and at the end two
//! tables of best times, all measured in turn in the same minutes: how much faster two threads are
//! than one, and what a fresh output costs beside one that is there. Next to each stands a copy of
//! the same memory, since nothing that reads and writes it can be faster, or gain more by threads.
//! A filter that matches nothing leaves the tables.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use matinv::num_complex::Complex64;
use matinv::{Inverter, Scalar, Structure, residuals};
use ndarray::{Array3, Axis};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use rayon::{ThreadPool, ThreadPoolBuilder};
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

/// The best time of each piece of work in nanoseconds per matrix, measured in turn.
fn best<const N: usize>(count: usize, mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut best = [f64::INFINITY; N];
    let begin = Instant::now();
    for round in 0..100 {
        if round >= 5 && begin.elapsed() > Duration::from_millis(1500) {
            break;
        }
        for (work, best) in works.iter_mut().zip(&mut best) {
            let start = Instant::now();
            work();
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / count as f64);
        }
    }
    best
}

/// Copies a stack.
fn copy(a: &Array3<f64>, x: &mut Array3<f64>) {
    let (a, x) = (a.as_slice().expect("standard"), x.as_slice_mut().expect("standard"));
    x.copy_from_slice(black_box(a));
}

/// Copies a stack, half of it on either of two threads.
fn copy_by_two(pool: &ThreadPool, a: &Array3<f64>, x: &mut Array3<f64>) {
    let (a, x) = (a.as_slice().expect("standard"), x.as_slice_mut().expect("standard"));
    let (a, a2) = a.split_at(a.len() / 2);
    let (x, x2) = x.split_at_mut(a.len());
    pool.join(|| x.copy_from_slice(black_box(a)), || x2.copy_from_slice(black_box(a2)));
}

/// Two threads against one.
fn efficiency(_: &mut Criterion) {
    println!("\nfloat64, stacks of {} MiB, ns per matrix", BYTES >> 20);
    println!("order  matrices    copy  by two (speed-up)  1 thread  2 threads (speed-up)");
    let pool = ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    for n in [2, 3].into_iter().chain(ORDERS) {
        let a = random::<f64>(n);
        let (mut x, mut y, mut u, mut v) = (a.clone(), a.clone(), a.clone(), a.clone());
        let [one, two] = THREADS.map(|t| Inverter::new().structure(Structure::General).threads(t));
        let count = a.len_of(Axis(0));
        let [copy, copy_by_two, one, two] = best(
            count,
            [
                &mut || copy(&a, &mut x),
                &mut || copy_by_two(&pool, &a, &mut y),
                &mut || one.inv_into(black_box(&a), &mut u).expect("invertible"),
                &mut || two.inv_into(black_box(&a), &mut v).expect("invertible"),
            ],
        );
        println!(
            "{n:5}  {count:8} {copy:7.1} {copy_by_two:7.1}     ({:.2})  {one:8.1}  {two:9.1}     \
             ({:.2})",
            copy / copy_by_two,
            one / two
        );
    }
}

/// An output that is allocated by the call against one that is there.
fn fresh(_: &mut Criterion) {
    for mib in [4, 16, 64] {
        println!("\nfloat64, stacks of {mib} MiB, ns per matrix: into existing memory, fresh");
        println!("order     1 thread (ratio)        2 threads (ratio)");
        for n in [2, 4, 8, 16] {
            let a = random::<f64>(n);
            let count = a.len_of(Axis(0)) * mib / (BYTES >> 20);
            let a = a.slice(ndarray::s![..count, .., ..]);
            let mut x = a.to_owned();
            let mut y = x.clone();
            let [one, two] =
                THREADS.map(|t| Inverter::new().structure(Structure::General).threads(t));
            let [one_into, one, two_into, two] = best(
                count,
                [
                    &mut || one.inv_into(black_box(&a), &mut x).expect("invertible"),
                    &mut || drop(one.inv(black_box(&a)).expect("invertible")),
                    &mut || two.inv_into(black_box(&a), &mut y).expect("invertible"),
                    &mut || drop(two.inv(black_box(&a)).expect("invertible")),
                ],
            );
            println!(
                "{n:5} {one_into:7.1} {one:7.1} ({:.2})  {two_into:8.1} {two:7.1} ({:.2})",
                one / one_into,
                two / two_into
            );
        }
    }
}

criterion_group!(benches, stacks::<f32>, stacks::<f64>, stacks::<Complex64>, efficiency, fresh);
criterion_main!(benches);
