//! What the library adds to LAPACK: stacks through `Inverter`, against a loop of `getrf` and `getri`
//! into the same memory with a workspace that is kept.
//!
//! `OPENBLAS_NUM_THREADS=1 cargo bench --bench overhead` prints nanoseconds per matrix, the best of
//! rounds in turn: LAPACK alone, and the library with and without its checks for finite numbers.

#![allow(missing_docs, unsafe_code)] // LAPACK is called as a C programmer would

use matinv::ndarray::{Array3, Axis};
use matinv::{Engine, Inverter, Structure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ORDERS: [usize; 8] = [2, 4, 8, 16, 32, 64, 128, 256];
const BYTES: usize = 8 << 20;

/// Inverts matrix after matrix, with as little around it as there can be.
fn bare(n: usize, a: &[f64], x: &mut [f64], pivots: &mut [i32], work: &mut [f64]) {
    let order = i32::try_from(n).expect("small");
    let len = i32::try_from(work.len()).expect("small");
    for (a, x) in a.chunks_exact(n * n).zip(x.chunks_exact_mut(n * n)) {
        x.copy_from_slice(a);
        let (mut factored, mut inverted) = (0, 0);
        // SAFETY: x holds n² numbers, there are n pivots, and `work` is as long as it says.
        unsafe {
            lapack::dgetrf(order, order, x, order, pivots, &mut factored);
            lapack::dgetri(order, x, order, pivots, work, len, &mut inverted);
        }
        assert_eq!((factored, inverted), (0, 0), "invertible");
    }
}

fn main() {
    println!("float64, stacks of {} MiB, one thread, ns per matrix", BYTES >> 20);
    println!("order  getrf+getri    engine   (over)  unchecked   (over)");
    for n in ORDERS {
        let count = BYTES / (n * n * size_of::<f64>());
        let mut rng = StdRng::seed_from_u64(n as u64);
        let a = Array3::from_shape_simple_fn((count, n, n), || rng.random_range(-1.0..1.0));
        let mut x = a.clone();
        let checked =
            Inverter::new().structure(Structure::General).engine(Engine::Lapack).threads(1);
        let unchecked = checked.clone().check_finite(false);
        let (mut pivots, mut work) = (vec![0; n], vec![0.0; 64 * n]);
        let mut best = [f64::INFINITY; 3];
        let begin = Instant::now();
        while begin.elapsed() < Duration::from_secs(2) {
            for (which, best) in best.iter_mut().enumerate() {
                let start = Instant::now();
                match which {
                    0 => {
                        let (a, x) = (a.as_slice().unwrap(), x.as_slice_mut().unwrap());
                        bare(n, black_box(a), x, &mut pivots, &mut work);
                    }
                    1 => checked.inv_into(black_box(&a), &mut x).expect("invertible"),
                    _ => unchecked.inv_into(black_box(&a), &mut x).expect("invertible"),
                }
                *best = best.min(start.elapsed().as_secs_f64() * 1e9 / a.len_of(Axis(0)) as f64);
            }
        }
        let [bare, checked, unchecked] = best;
        let over = |time: f64| (time / bare - 1.0) * 100.0;
        println!(
            "{n:5}  {bare:11.0}  {checked:8.0}  {:5.1} %  {unchecked:9.0}  {:5.1} %",
            over(checked),
            over(unchecked)
        );
    }
}
