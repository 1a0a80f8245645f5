//! How a command ends: what is said, and the exit code.

use crate::format::{Fault, FormatError};
use crate::talk;
use crate::talk::visible::visible;
use std::path::Path;

/// How a command that did its work ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything is as asked for.
    Success,
    /// Some matrix could not be inverted or is no inverse. It has been said which.
    Failures,
    /// Some file could not be read or written. It has been said which.
    Unreadable,
}

impl Outcome {
    /// The exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Outcome::Success => 0,
            Outcome::Failures => 1,
            Outcome::Unreadable => 2,
        }
    }
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Bad usage, or a file that cannot be read or written.
    Refused {
        /// What is wrong, beginning with the file if there is one.
        message: String,
        /// The way out, where the message does not tell it.
        hint: Option<String>,
    },
    /// Nobody reads the output any more, which is not an error.
    BrokenPipe,
}

impl Stop {
    /// A refusal without a hint.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Stop::Refused { message: message.into(), hint: None }
    }

    /// Adds the way out.
    #[must_use]
    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Stop::Refused { message, .. } => Stop::Refused { message, hint: Some(text.into()) },
            Stop::BrokenPipe => self,
        }
    }

    /// Says why on stderr, and tells the exit code.
    pub(crate) fn say(self) -> u8 {
        match self {
            Stop::Refused { message, hint } => {
                talk::error(&message);
                if let Some(hint) = hint {
                    talk::hint(&hint);
                }
                2
            }
            Stop::BrokenPipe => 0,
        }
    }
}

impl From<FormatError> for Stop {
    fn from(error: FormatError) -> Self {
        if error.is_broken_pipe() {
            return Stop::BrokenPipe;
        }
        let stop = Stop::new(error.to_string());
        match *error.fault {
            Fault::TooLarge { .. } | Fault::OverLimit { .. } => stop.hint(MEMORY_HINT),
            _ => stop,
        }
    }
}

/// What to do when memory is short.
pub(crate) const MEMORY_HINT: &str =
    "the limit is 80 % of the memory that is free, unless --memory SIZE sets it";

/// A file in messages, in one line.
pub(crate) fn name(path: &Path) -> String {
    if path == Path::new("-") {
        "standard input".to_owned()
    } else {
        visible(&path.to_string_lossy()).into_owned()
    }
}
