//! What needs no engine, or little of it.

pub(crate) mod diagonal;
pub(crate) mod pseudo_inverse;
pub(crate) mod residual;
