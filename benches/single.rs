//! One matrix: order × storage × structure, beside a multiplication of the same order.
//!
//! `cargo bench --bench single`. The multiplication is ndarray's `dot` (the `matrixmultiply`
//! crate, one thread): a yardstick on the same machine, not the fastest there is.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use matinv::{Inverter, Structure, residuals};
use ndarray::{Array2, ShapeBuilder};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::hint::black_box;
use std::time::Duration;

const ORDERS: [usize; 6] = [4, 16, 64, 128, 256, 512];

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

criterion_group!(benches, single);
criterion_main!(benches);
