//! One module per command.

mod bench;
mod check;
mod completions;
mod generate;
mod info;
mod inv;
mod runs;

pub(crate) use bench::bench;
pub(crate) use check::check;
pub(crate) use completions::completions;
pub(crate) use generate::generate;
pub(crate) use info::info;
pub(crate) use inv::inv;
