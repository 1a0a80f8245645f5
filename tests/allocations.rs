//! In steady state, nothing is allocated.
//!
//! A binary of its own, with one test that runs on the main thread: the counter counts the whole process, and the
//! usual harness allocates on its own thread while the test runs on another.

use libtest_mimic::{Arguments, Trial};
use matinv::num_complex::Complex64;
use matinv::{Inverter, OnFailure, Scalar, Structure};
use ndarray::{Array3, Array5, ArrayRef, Dimension};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use std::alloc::System;
use std::process::ExitCode;

#[global_allocator]
static COUNTED: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A stack of matrices that have the structure; `i` tells them apart.
fn stack<T: Scalar>(structure: Structure, count: usize, n: usize) -> Array3<T> {
    Array3::from_shape_fn((count, n, n), |(k, i, j)| {
        let noise = ((k * 31 + i * 17 + j * 7) % 23) as f64 / 23.0;
        let mirrored = ((k * 31 + i.min(j) * 17 + i.max(j) * 7) % 23) as f64 / 23.0;
        let diagonal = if i == j { 2.0 * n as f64 } else { 0.0 };
        T::from_f64(match structure {
            Structure::Diagonal => diagonal,
            Structure::UpperTriangular if i > j => 0.0,
            Structure::LowerTriangular if i < j => 0.0,
            // Not definite: the signs of the diagonal alternate.
            Structure::Symmetric | Structure::Hermitian if i % 2 == 0 => mirrored - diagonal,
            Structure::PositiveDefinite | Structure::Symmetric | Structure::Hermitian => {
                mirrored + diagonal
            }
            _ => diagonal + noise,
        })
    })
}

/// Allocations of the third call, after two that may warm up.
fn allocations<T: Scalar, D: Dimension>(inverter: &Inverter, a: &ArrayRef<T, D>) -> usize {
    let mut out = a.to_owned();
    inverter.inv_into(a, &mut out).unwrap();
    inverter.inv_into(a, &mut out).unwrap();
    let region = Region::new(COUNTED);
    inverter.inv_into(a, &mut out).unwrap();
    let change = region.change();
    change.allocations + change.reallocations
}

fn check<T: Scalar>() {
    for structure in Structure::ALL {
        for declared in [structure, Structure::Auto] {
            for (count, n) in [(1, 1), (1, 40), (300, 4), (20, 40), (3, 130)] {
                let a = stack::<T>(structure, count, n);
                let inverter = Inverter::new().structure(declared).threads(1);
                let name = format!("{} {structure} as {declared} {count} × {n}", T::NAME);
                // Without LAPACK, matrix products pack their operands in memory of their own.
                let has_lapack = matinv::platform().blas.is_some_and(|blas| blas.sound);
                let most = if has_lapack { 0 } else { count * n };
                assert!(allocations(&inverter, &a) <= most, "{name}");
                let with_rcond = inverter.clone().min_rcond(1e-12);
                assert!(allocations(&with_rcond, &a) <= most, "{name}, rcond");
                let mut backwards = a.view();
                backwards.invert_axis(ndarray::Axis(1));
                backwards.invert_axis(ndarray::Axis(2));
                assert!(allocations(&inverter, &backwards) <= most, "{name}, strided");
            }
        }
    }
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let test = Trial::test("inv_into_allocates_nothing_when_called_again", || {
        inv_into_allocates_nothing_when_called_again();
        Ok(())
    });
    libtest_mimic::run(&arguments, vec![test]).exit_code()
}

fn inv_into_allocates_nothing_when_called_again() {
    check::<f32>();
    check::<f64>();
    check::<matinv::num_complex::Complex32>();
    check::<Complex64>();

    let filling = Inverter::new().threads(1).on_failure(OnFailure::FillNan);
    let deep = Array5::<f64>::from_shape_fn((2, 3, 2, 5, 5), |(_, _, _, i, j)| {
        f64::from(u8::from(i == j))
    });
    assert!(
        allocations(&filling, &deep) < 100,
        "views of more than four axes keep their shapes on the heap"
    );

    // With workers, rayon's queues grow now and then, but not with the number of matrices.
    let parallel = Inverter::new().threads(2);
    let (few, many) =
        (stack::<f64>(Structure::General, 1000, 8), stack::<f64>(Structure::General, 40_000, 8));
    assert!(allocations(&parallel, &few) < 20);
    assert!(allocations(&parallel, &many) < 20);
}
