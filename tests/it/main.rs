//! Integration tests, one binary.

mod lapack_grid;
mod lapack_matrices;
mod lapack_ratios;
mod ratios;
mod scalars;
mod single;
mod storage;
