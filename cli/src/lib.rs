//! The matinv command line tool: the formats it reads and writes, and the program itself.

mod cli;
mod commands;
pub mod format;
mod interrupt;
mod job;
mod limits;
mod machine;
mod output;
mod program;
mod scalars;
mod stop;
mod stream;
mod talk;

pub use program::{run, run_as_process, run_with};
