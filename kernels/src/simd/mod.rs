//! Registers and instruction sets.
//!
//! [`set`] says which instruction sets this machine has. A [`vector`] is a register of one of them; [`lanes`] are
//! the real and complex scalars made of them, [`rows`] the same registers with as many of a row as there are;
//! [`scan`] passes over many numbers.

pub(crate) mod lanes;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod rows;
pub mod scan;
pub mod set;
pub(crate) mod vector;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub use vector::MAX_LANES;
