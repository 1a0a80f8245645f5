//! One general matrix of any order, beside the fastest multiplication of two of that order.
//!
//! `cargo bench --bench blocked`, or with the orders wanted: `cargo bench --bench blocked -- 4000`.
//! For each scalar, number of threads and order: the time of an inversion by the native engine, its
//! rate (2n³ operations, four times as many if complex), and its multiple of the better of
//! OpenBLAS's and ndarray's real multiplication (times four if complex), beside that of LAPACK. All
//! take turns in one process; the least time of each counts.

use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure};
use ndarray::linalg::general_mat_mul;
use ndarray::{Array2, ShapeBuilder};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::Instant;

const ORDERS: [usize; 8] = [65, 100, 128, 200, 256, 512, 1000, 2000];

/// C := A·B for square matrices without gaps, by columns.
fn multiply<R: Scalar>(a: &Array2<R>, b: &Array2<R>, c: &mut Array2<R>, threads: usize) {
    let (x, y) = (a.as_slice_memory_order(), b.as_slice_memory_order());
    let (x, y) = x.zip(y).expect("without gaps");
    let out = c.as_slice_memory_order_mut().expect("without gaps");
    matinv::blas_multiply(a.nrows(), x, y, out, threads, 1).expect("squares");
}

fn random<T: Scalar>(n: usize, seed: u64) -> Array2<T> {
    let rng = &mut StdRng::seed_from_u64(seed);
    Array2::from_shape_simple_fn((n, n).f(), || T::from_f64(rng.random_range(-1.0..1.0)))
}

fn seconds(work: impl FnOnce()) -> f64 {
    let start = Instant::now();
    work();
    start.elapsed().as_secs_f64()
}

fn measure<T: Scalar<Real = R>, R: Scalar<Real = R> + ndarray::LinalgScalar>(
    n: usize,
    threads: usize,
) {
    let (a, b, mut c) = (random::<R>(n, 1), random::<R>(n, 2), random::<R>(n, 3));
    let matrix = random::<T>(n, 4);
    let mut inverse = matrix.clone();
    let parts = if T::COMPLEX { 4.0 } else { 1.0 };
    let operations = 2.0 * (n as f64).powi(3) * parts;
    let by = |engine| {
        let inverter = Inverter::new().structure(Structure::General).check_finite(false);
        let inverter = inverter.engine(engine).threads(threads);
        if engine == Engine::Lapack { inverter.blas_threads(threads) } else { inverter }
    };
    let (native, lapack) = (by(Engine::Native), by(Engine::Lapack));
    let mut least = [f64::INFINITY; 3];
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 5 and 1000
    let rounds = (1e10 / operations).clamp(5.0, 1000.0) as usize;
    for _ in 0..rounds {
        let mut of = |at: usize, time: f64| least[at] = least[at].min(time);
        of(0, parts * seconds(|| multiply(black_box(&a), &b, &mut c, threads)));
        if threads == 1 {
            let one = R::from_f64(1.0);
            let zero = R::from_f64(0.0);
            of(0, parts * seconds(|| general_mat_mul(one, black_box(&a), &b, zero, &mut c)));
        }
        of(2, seconds(|| lapack.inv_into(black_box(&matrix), &mut inverse).expect("invertible")));
        of(1, seconds(|| native.inv_into(black_box(&matrix), &mut inverse).expect("invertible")));
    }
    println!(
        "{:10} {threads:7} {n:6} {:12.1} {:9.1} {:8.2} {:8.2}",
        T::NAME,
        least[1] * 1e6,
        operations / least[1] / 1e9,
        least[1] / least[0],
        least[2] / least[0],
    );
}

fn main() {
    let wanted: Vec<usize> = std::env::args().filter_map(|word| word.parse().ok()).collect();
    let orders = if wanted.is_empty() { ORDERS.to_vec() } else { wanted };
    let all = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{:10} {:>7} {:>6} {:>12} {:>9} {:>8} {:>8}",
        "", "threads", "n", "µs", "GFLOP/s", "× GEMM", "LAPACK"
    );
    for threads in if all > 1 { vec![1, all] } else { vec![1] } {
        for &n in &orders {
            measure::<f64, f64>(n, threads);
            measure::<f32, f32>(n, threads);
            measure::<Complex64, f64>(n, threads);
            measure::<Complex32, f32>(n, threads);
        }
    }
}
