//! One small matrix, as a program meets it that inverts one now and then: `inv` of a 3 × 3.
//!
//! `cargo bench --bench latency`. Everything counts: checks, structure, and the allocation of the
//! result. Beside it the same with structure declared, into memory that is there, and with the
//! verdict.

#![allow(missing_docs)] // of what criterion's macros define

use criterion::{Criterion, criterion_group, criterion_main};
use matinv::{Inverter, Structure, inv, residuals};
use ndarray::{Array2, array};
use std::hint::black_box;

fn latency(criterion: &mut Criterion) {
    let a: Array2<f64> = array![[52.0, 32.0, 14.0], [24.0, 25.0, 36.0], [27.0, 28.0, 29.0]];
    let mut x = a.clone();
    let inverter = Inverter::new().structure(Structure::General);
    inverter.inv_into(&a, &mut x).expect("invertible");
    for x in [&inv(&a).expect("invertible"), &x] {
        assert!(residuals(&a, x).expect("same shape").passes());
    }
    let mut group = criterion.benchmark_group("latency/3");
    group.bench_function("inv", |bencher| bencher.iter(|| inv(black_box(&a))));
    group.bench_function("inv-into", |bencher| {
        bencher.iter(|| inverter.inv_into(black_box(&a), &mut x));
    });
    group.bench_function("report", |bencher| bencher.iter(|| inverter.report(black_box(&a))));
    group.finish();
}

criterion_group!(benches, latency);
criterion_main!(benches);
