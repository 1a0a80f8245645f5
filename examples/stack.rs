//! A stack of covariance matrices, of which some are singular: `cargo run --release --example stack`.

use matinv::{Inverter, OnFailure, Status, Structure};
use ndarray::{Array2, Array3, Axis};

const SAMPLES: usize = 12;

fn main() -> Result<(), matinv::Error> {
    // Every third has fewer samples than columns, so that its covariance has no inverse.
    let mut stack = Array3::<f64>::zeros((9, 6, 6));
    for (k, mut covariance) in stack.axis_iter_mut(Axis(0)).enumerate() {
        let samples = if k % 3 == 2 { 4 } else { SAMPLES };
        let x =
            Array2::from_shape_fn((samples, 6), |(i, j)| ((7 * i + 3 * j + 5 * k) as f64).sin());
        covariance.assign(&(x.t().dot(&x) / samples as f64));
    }
    let report = Inverter::new()
        .structure(Structure::PositiveDefinite)
        .min_rcond(1e-12)
        .on_failure(OnFailure::PseudoInverse)
        .report(&stack)?;
    for (k, verdict) in report.verdicts.indexed_iter() {
        match (&verdict.status, &verdict.error) {
            (Status::Inverted, _) => println!("{k}: inverted, rcond {:.1e}", verdict.rcond),
            (_, Some(error)) => println!("{k}: pseudo-inverse, because {error}"),
            (status, None) => println!("{k}: {status:?}"),
        }
    }
    assert_eq!(report.inverse.shape(), stack.shape());
    Ok(())
}
