//! Small matrices with a structure, beside general ones: order × scalar, in nanoseconds per matrix.
//!
//! `cargo bench --bench structured` prints a table per scalar: stacks that fit the cache, on one
//! thread, through the kernels for general, positive definite and triangular matrices and through
//! LAPACK; and what one matrix alone takes. All of a row is measured in turn, in the same rounds,
//! and the best of them is printed. `cargo bench --bench structured -- float64 8 16` prints some rows.

use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure, residuals};
use ndarray::{Array2, Array3, Axis};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ORDERS: [usize; 20] =
    [2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128];
/// Bytes of a stack: a few of them fit the second cache.
const BYTES: usize = 256 << 10;
/// How long each row is measured.
const ROW: Duration = Duration::from_millis(400);

const STRUCTURES: [Structure; 3] =
    [Structure::General, Structure::PositiveDefinite, Structure::UpperTriangular];

fn matrix<T: Scalar>(structure: Structure, n: usize, rng: &mut StdRng) -> Array2<T> {
    let a = Array2::from_shape_simple_fn((n, n), || T::from_f64(rng.random_range(-1.0..1.0)));
    let diagonal = Array2::from_diag_elem(n, T::from_f64(2.0 * n as f64));
    match structure {
        Structure::PositiveDefinite => &a + &a.t() + &diagonal,
        Structure::UpperTriangular => Array2::from_shape_fn((n, n), |(i, j)| {
            if i > j { T::zero() } else { a[[i, j]] + diagonal[[i, j]] }
        }),
        _ => a,
    }
}

/// Something to be timed, and its best time so far.
struct Case<'a, T: Scalar> {
    inverter: Inverter,
    a: &'a Array3<T>,
    x: Array3<T>,
    alone: bool,
    best: f64,
}

impl<T: Scalar> Case<'_, T> {
    fn round(&mut self) {
        let count = self.a.len_of(Axis(0));
        let start = Instant::now();
        if self.alone {
            let pairs = self.a.outer_iter().zip(self.x.outer_iter_mut()).take(20);
            pairs.for_each(|(a, mut x)| {
                self.inverter.inv_into(black_box(&a), &mut x).expect("invertible");
            });
        } else {
            self.inverter.inv_into(black_box(self.a), &mut self.x).expect("invertible");
        }
        let count = if self.alone { count.min(20) } else { count };
        self.best = self.best.min(start.elapsed().as_secs_f64() * 1e9 / count as f64);
    }
}

fn row<T: Scalar>(n: usize) {
    let rng = &mut StdRng::seed_from_u64(n as u64);
    let count = (BYTES / (n * n * size_of::<T>())).max(64);
    let stacks = STRUCTURES.map(|structure| {
        let mut stack = Array3::zeros((count, n, n));
        stack.outer_iter_mut().for_each(|mut a| a.assign(&matrix::<T>(structure, n, rng)));
        stack
    });
    let mut cases = Vec::new();
    for (structure, a) in STRUCTURES.into_iter().zip(&stacks) {
        for (engine, auto, alone) in [
            (Engine::Native, false, false),
            (Engine::Native, true, false),
            (Engine::Lapack, false, false),
            (Engine::Native, false, true),
            (Engine::Lapack, false, true),
        ] {
            let structure = if auto { Structure::Auto } else { structure };
            let inverter = Inverter::new().structure(structure).engine(engine).threads(1);
            cases.push(Case { inverter, a, x: a.clone(), alone, best: f64::INFINITY });
        }
    }
    let begin = Instant::now();
    while begin.elapsed() < ROW {
        cases.iter_mut().for_each(Case::round);
    }
    for case in &cases {
        let (a, x) = (case.a.index_axis(Axis(0), 0), case.x.index_axis(Axis(0), 0));
        assert!(residuals(&a, &x).expect("same shape").passes(), "order {n}");
    }
    let general = cases[0].best;
    print!("{n:5}");
    for cases in cases.chunks(5) {
        let [stack, auto, lapack, one, one_by_lapack] = [0, 1, 2, 3, 4].map(|i| cases[i].best);
        print!(
            " | {stack:8.1} ({:4.2}) {auto:8.1} {lapack:9.1} {one:8.0} ({:5.2})",
            general / stack,
            one / one_by_lapack
        );
    }
    println!();
}

fn table<T: Scalar>(words: &[String]) {
    let numbers: Vec<usize> = words.iter().filter_map(|word| word.parse().ok()).collect();
    let scalars: Vec<&String> =
        words.iter().filter(|word| word.parse::<usize>().is_err()).collect();
    if !scalars.is_empty() && !scalars.iter().any(|word| *word == T::NAME) {
        return;
    }
    println!("\n{}: ns per matrix; general, positive definite, upper triangular, each:", T::NAME);
    println!("order | stack (× general) auto LAPACK alone (× LAPACK alone)");
    for n in ORDERS {
        if numbers.is_empty() || numbers.contains(&n) {
            row::<T>(n);
        }
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| word != "--bench").collect();
    table::<f64>(&words);
    table::<f32>(&words);
    table::<Complex64>(&words);
    table::<Complex32>(&words);
}
