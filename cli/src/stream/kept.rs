//! What a run with `--resume` keeps if it is ended: for the words of whoever ends it.

use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

/// How far the journal of the run under way is, in words.
static KEPT: Mutex<Option<String>> = Mutex::new(None);

/// Keeps the words up to date while it lives.
#[derive(Debug)]
pub(super) struct Keeping {
    partial: String,
    count: usize,
}

impl Keeping {
    /// Begins with what the journal counts already, of so many matrices.
    pub(super) fn begin(partial: &Path, done: usize, count: usize) -> Self {
        let keeping = Keeping { partial: partial.display().to_string(), count };
        keeping.update(done);
        keeping
    }

    /// The journal counts so many now.
    pub(super) fn update(&self, done: usize) {
        set(Some(format!("{} keeps {done} of {} matrices", self.partial, self.count)));
    }
}

impl Drop for Keeping {
    fn drop(&mut self) {
        set(None);
    }
}

fn set(words: Option<String>) {
    *KEPT.lock().unwrap_or_else(PoisonError::into_inner) = words;
}

/// How much is kept of a run with `--resume` that is ended now, and what goes on there; `None` if
/// nothing is to be said.
pub(crate) fn kept_words() -> Option<String> {
    let kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let command = command(std::env::args_os());
    Some(format!("{}; {command} goes on there", kept.as_ref()?))
}

/// The command to give again, as it can be typed.
fn command(arguments: impl Iterator<Item = OsString>) -> String {
    // What stands before it is the program, be it behind an interpreter.
    let words: Option<Vec<String>> = arguments
        .skip_while(|word| word != "inv")
        .map(|word| word.to_str().and_then(quoted))
        .collect();
    match words.filter(|words| !words.is_empty()) {
        Some(words) => format!("`matinv {}`", words.join(" ")),
        None => "the same command".to_owned(),
    }
}

/// A word for a shell; `None` for what cannot be shown.
fn quoted(word: &str) -> Option<String> {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./=,:+@%".contains(c);
    if word.chars().any(char::is_control) {
        None
    } else if !word.is_empty() && word.chars().all(is_plain) {
        Some(word.to_owned())
    } else {
        Some(format!("'{}'", word.replace('\'', r"'\''")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_can_be_typed() {
        let of = |words: &[&str]| command(words.iter().map(OsString::from));
        assert_eq!(of(&["/bin/matinv", "inv", "A.npy", "-o", "X"]), "`matinv inv A.npy -o X`");
        assert_eq!(of(&["python", "-m", "matinv", "inv", "a b'"]), r"`matinv inv 'a b'\'''`");
        assert_eq!(of(&["matinv", "inv", "\x1b[2J"]), "the same command");
        assert_eq!(of(&["matinv"]), "the same command");
    }
}
