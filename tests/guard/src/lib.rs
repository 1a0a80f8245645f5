//! The guard around BLAS by itself: loom, which tries every order of steps, builds in seconds without the
//! engines. `RUSTFLAGS="--cfg loom" cargo test --release -p matinv-guard`

// The library uses all of it.
#[allow(dead_code)]
#[path = "../../../src/blas/guard/regimes.rs"]
mod guard;
