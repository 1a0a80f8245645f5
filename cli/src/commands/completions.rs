//! `matinv completions`: scripts that complete commands and options in a shell.

use crate::cli::{Cli, CompletionsArgs};
use crate::output::stdout;
use crate::stop::{Outcome, Stop};
use clap::CommandFactory;

/// Prints the script.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Outcome, Stop> {
    // Into memory first: clap_complete panics where it cannot write.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "matinv", &mut script);
    stdout(|out| Ok(out.write_all(&script)?))?;
    Ok(Outcome::Success)
}
