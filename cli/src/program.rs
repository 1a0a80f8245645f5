//! From the command line to the exit code.

use crate::cli::{Cli, Command};
use crate::commands;
use crate::interrupt;
use crate::talk;
use crate::talk::visible::visible_lines;
use clap::Parser;
use std::borrow::Cow;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the program with the arguments of this process.
///
/// Ends the process by itself for `--help`, bad usage, and signals.
pub fn run() -> ExitCode {
    ExitCode::from(run_as_process(std::env::args_os()))
}

/// Runs the program with these arguments, the first of which is its name, as all that this process
/// is for, and returns the exit code.
///
/// Takes signals and panics of the process over, for good. Ends the process by itself where [`run`]
/// does.
pub fn run_as_process(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    crate::limits::outgrown_files_are_errors();
    std::panic::set_hook(Box::new(|panic| {
        talk::error(&format!("this is a bug in matinv, please report it: {panic}"));
    }));
    let cli = parse(arguments);
    interrupt::watch();
    ended(&cli)
}

/// Runs the program with these arguments, the first of which is its name, inside another program,
/// and returns the exit code.
///
/// Signals and panics stay with that program: one that ends it may leave a temporary file. Ends the
/// process for `--help` and bad usage.
pub fn run_with(arguments: impl IntoIterator<Item = OsString>) -> u8 {
    ended(&parse(arguments))
}

/// The arguments as they are meant, or the end of the process.
fn parse(arguments: impl IntoIterator<Item = OsString>) -> Cli {
    Cli::try_parse_from(arguments).unwrap_or_else(|error| {
        // A pattern of the shell may have made an argument of the name of a hostile file.
        let plain = error.render().to_string();
        if let Cow::Owned(text) = visible_lines(&plain) {
            talk::line(text.trim_end());
            std::process::exit(error.exit_code());
        }
        error.exit()
    })
}

/// Runs the command to its exit code.
fn ended(cli: &Cli) -> u8 {
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
