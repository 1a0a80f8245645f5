//! Matrix Market: `%%MatrixMarket matrix array|coordinate FIELD SYMMETRY`, read and written here.
//!
//! Read dense: real and pattern files (each entry 1) as `float64`, integer files as `int64`,
//! scipy's unsigned-integer files as `uint64`, complex files as `complex128`. Symmetric storage is
//! expanded. Entries of a coordinate file that name the same place are summed, as scipy and MATLAB
//! do. Comments may stand anywhere after the banner, the banner's words may be in any case,
//! exponents may be Fortran's `D`.

mod banner;
mod entry;
mod read;
mod write;

pub(crate) use read::read;
pub(crate) use write::write;
