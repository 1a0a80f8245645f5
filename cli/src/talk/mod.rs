//! What is said on stderr: errors, hints, warnings, summaries. In colour on a terminal, unless
//! `NO_COLOR` is set. That nobody listens is no reason to fail. The one door to stderr: whatever a
//! text took over from names and contents of files passes [`visible_lines`].

pub(crate) mod visible;

use crate::talk::visible::visible_lines;
use anstream::stderr;
use anstyle::{AnsiColor, Style};
use std::io::Write;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// What went wrong; further lines of the text are details.
pub(crate) fn error(text: &str) {
    labelled(ERROR, "matinv", text);
}

/// What may be wrong.
pub(crate) fn warning(text: &str) {
    labelled(WARNING, "warning", text);
}

/// The way out.
pub(crate) fn hint(text: &str) {
    labelled(HINT, "hint", text);
}

/// What was done.
pub(crate) fn line(text: &str) {
    let _ = writeln!(stderr(), "{}", visible_lines(text));
}

fn labelled(style: Style, label: &str, text: &str) {
    let _ = writeln!(stderr(), "{style}{label}:{style:#} {}", visible_lines(text));
}
