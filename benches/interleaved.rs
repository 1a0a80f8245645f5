//! Small matrices by the million: order × scalar, in nanoseconds per matrix and in multiples of the
//! limit: a copy of the same memory, or the operations at the peak of the processor.
//!
//! `cargo bench --bench interleaved` prints a table of the best of some rounds, in which the native
//! engine, with and without a look for structures, with the condition number, on two threads, and
//! LAPACK take turns on the same matrices; then criterion's times.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure, residuals};
use ndarray::{Array3, Axis, s};
use pulp::{Arch, Simd, WithSimd};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::marker::PhantomData;
use std::time::{Duration, Instant};

const ORDERS: [usize; 17] = [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 16, 24, 32, 48, 64, 96, 128];
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
        let inverter =
            Inverter::new().structure(Structure::General).threads(1).engine(Engine::Native);
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

/// Multiplications and additions that depend on nothing but their own sum.
struct Sums<T> {
    steps: usize,
    scalar: PhantomData<T>,
}

/// Sums under way at once: enough for any latency, and few enough for the registers.
const SUMS: usize = 12;

macro_rules! sums {
    ($real:ty, $splat:ident, $mul_add:ident, $reduce:ident, $lanes:ident) => {
        impl WithSimd for Sums<$real> {
            /// Operations: two per number and step.
            type Output = usize;

            #[inline(always)]
            fn with_simd<S: Simd>(self, simd: S) -> usize {
                let factor = simd.$splat(black_box(0.5));
                let mut sums = [simd.$splat(1.0); SUMS];
                for _ in 0..self.steps {
                    for sum in &mut sums {
                        *sum = simd.$mul_add(*sum, factor, factor);
                    }
                }
                for sum in sums {
                    black_box(simd.$reduce(sum));
                }
                2 * self.steps * SUMS * S::$lanes
            }
        }
    };
}

sums!(f32, splat_f32s, mul_add_f32s, reduce_sum_f32s, F32_LANES);
sums!(f64, splat_f64s, mul_add_f64s, reduce_sum_f64s, F64_LANES);

/// Real operations per nanosecond of one thread, at best.
fn peak<T>() -> f64
where
    Sums<T>: WithSimd<Output = usize>,
{
    let rate = |_| {
        let start = Instant::now();
        let operations = Arch::new().dispatch(Sums { steps: 100_000, scalar: PhantomData::<T> });
        operations as f64 / start.elapsed().as_nanos() as f64
    };
    (0..30).map(rate).fold(0.0, f64::max)
}

/// What is measured, in turns.
enum Contender<'a> {
    Copy,
    /// A stack.
    Invert(&'a Inverter),
    /// The first eighth of it.
    InvertSome(&'a Inverter),
}

/// Nanoseconds per matrix of each, the best of some rounds.
fn best<T: Scalar, const K: usize>(a: &Array3<T>, contenders: &[Contender<'_>; K]) -> [f64; K] {
    let mut best = [f64::INFINITY; K];
    let mut x = a.clone();
    let some = (a.len_of(Axis(0)) / 8).max(1);
    let begin = Instant::now();
    for round in 0..50 {
        if round >= 3 && begin.elapsed() > Duration::from_secs(2) {
            break;
        }
        for (best, contender) in best.iter_mut().zip(contenders) {
            let count = match contender {
                Contender::InvertSome(_) => some,
                _ => a.len_of(Axis(0)),
            };
            let (a, mut x) = (a.slice(s![..count, .., ..]), x.slice_mut(s![..count, .., ..]));
            let start = Instant::now();
            match contender {
                Contender::Copy => x.assign(black_box(&a)),
                Contender::Invert(inverter) | Contender::InvertSome(inverter) => {
                    inverter.inv_into(black_box(&a), &mut x).expect("invertible");
                }
            }
            *best = best.min(start.elapsed().as_secs_f64() * 1e9 / count as f64);
        }
    }
    best
}

fn table_of<T: Scalar>(peak: f64) {
    println!(
        "\n{}: ns per matrix, stacks of {} MiB into memory that is there",
        T::NAME,
        BYTES >> 20
    );
    println!("limit: the longer of a copy and of 2n³ operations at {peak:.0} per ns and thread");
    println!("order    limit   native (× limit)   structure?   rcond    2 threads      LAPACK");
    let general = Inverter::new().structure(Structure::General).threads(1).engine(Engine::Native);
    let auto = general.clone().structure(Structure::Auto);
    let rcond = general.clone().min_rcond(0.0);
    let two = general.clone().threads(2);
    let lapack = general.clone().engine(Engine::Lapack);
    for n in ORDERS {
        let contenders = [
            Contender::Copy,
            Contender::Invert(&general),
            Contender::Invert(&auto),
            Contender::Invert(&rcond),
            Contender::Invert(&two),
            Contender::InvertSome(&lapack),
        ];
        let [copy, general, auto, rcond, two, lapack] = best(&random::<T>(n), &contenders);
        let operations = 2.0 * (n as f64).powi(3) * if T::COMPLEX { 4.0 } else { 1.0 };
        let limit = copy.max(operations / peak);
        println!(
            "{n:5} {limit:8.1} {general:8.1} ({:7.2}) {:+10.0} % {:+6.0} % {two:8.1} × {:.2} {lapack:11.1}",
            general / limit,
            100.0 * (auto / general - 1.0),
            100.0 * (rcond / general - 1.0),
            general / two,
        );
    }
}

fn table(_: &mut Criterion) {
    let (double, single) = (peak::<f64>(), peak::<f32>());
    table_of::<f64>(double);
    table_of::<f32>(single);
    table_of::<Complex64>(double);
    table_of::<Complex32>(single);
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
