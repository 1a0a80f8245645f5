//! Build script: finds `OpenBLAS`.
fn main() {}
