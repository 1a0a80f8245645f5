//! One matrix, or a batch of small ones: from an array to inverses and verdicts.

pub(crate) mod batch;
mod by_structure;
pub(crate) mod events;
pub(crate) mod one;
pub(crate) mod watched;
