//! A call: which matrix of a stack, or of a list, which thread inverts, and who collects what became of them.

#[allow(unsafe_code)]
pub(crate) mod output;
pub(crate) mod ragged;
pub(crate) mod schedule;
pub(crate) mod stack;
pub(crate) mod workers;
