//! Integration tests, one binary.

mod axes;
mod cancel;
mod default_threads;
mod elements;
mod engines;
mod errors;
mod gallery;
mod gallery_matrices;
mod lapack_grid;
mod lapack_matrices;
mod lapack_ratios;
mod layouts;
mod many;
mod native;
mod policies;
mod properties;
mod ratios;
mod scalars;
mod scales;
mod single;
mod storage;
mod structured;
mod threads;
mod truth_table;
