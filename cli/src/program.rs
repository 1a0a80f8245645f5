//! From the command line to the exit code.

use crate::cli::{Cli, Command};
use crate::commands;
use crate::interrupt;
use crate::output::talk;
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with the arguments of this process.
///
/// Ends the process by itself for `--help`, bad usage, and signals.
pub fn run() -> ExitCode {
    crate::limits::outgrown_files_are_errors();
    ExitCode::from(run_with(std::env::args_os()))
}

/// Runs the program with these arguments, the first of which is its name, and returns the exit code.
///
/// Ends the process by itself where [`run`] does.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    std::panic::set_hook(Box::new(|panic| {
        talk::error(&format!("this is a bug in matinv, please report it: {panic}"));
    }));
    let cli = Cli::parse_from(arguments);
    interrupt::watch();
    let ended = match &cli.command {
        Command::Inv(args) => commands::inv(args),
        Command::Check(args) => commands::check(args),
        Command::Info(args) => commands::info(args),
        Command::Gen(args) => commands::generate(args),
        Command::Bench(args) => commands::bench(args),
        Command::Completions(args) => commands::completions(args),
    };
    match ended {
        Ok(outcome) => outcome.code(),
        Err(stop) => stop.say(),
    }
}
