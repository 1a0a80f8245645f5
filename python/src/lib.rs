//! The extension module `matinv._matinv`, below the Python package `matinv`.
//!
//! It knows plain numpy arrays of the four scalars only, as they lie in memory; everything else (lists,
//! other types, subclasses, tensors of other libraries) is brought into that form by `matinv/_arrays.py`.

#[allow(unsafe_code)]
mod array;
mod errors;
mod info;
#[allow(unsafe_code)]
mod module;
mod options;
#[allow(unsafe_code)]
mod process;
mod work;
