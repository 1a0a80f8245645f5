//! The `matinv` program.
fn main() {}
