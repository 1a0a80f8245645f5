//! The same shape over and over, without allocating, until it takes too long:
//! `cargo run --release --example many_times`.

use matinv::{Error, Inverter};
use ndarray::Array3;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

fn main() -> Result<(), Error> {
    let stop = Arc::new(AtomicBool::new(false));
    let inverter = Inverter::new().threads(2).cancel(Arc::clone(&stop));
    std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        stop.store(true, Ordering::Relaxed);
    });
    let a = Array3::from_shape_fn((2000, 16, 16), |(k, i, j)| {
        if i == j { 4.0 } else { ((k + 3 * i + 5 * j) as f64).cos() / 8.0 }
    });
    let mut x = Array3::zeros(a.raw_dim());
    let mut rounds = 0;
    loop {
        match inverter.inv_into(&a, &mut x) {
            Ok(()) => rounds += 1,
            Err(Error::Cancelled) => break,
            Err(other) => return Err(other),
        }
    }
    println!("{} matrices of order 16 in 0.3 s", rounds * a.shape()[0]);
    Ok(())
}
