//! Integration tests, one binary.

mod axes;
mod errors;
mod lapack_grid;
mod lapack_matrices;
mod lapack_ratios;
mod layouts;
mod policies;
mod ratios;
mod scalars;
mod single;
mod storage;
mod threads;
mod truth_table;
