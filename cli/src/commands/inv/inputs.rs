//! The files that the arguments name. Patterns are for shells that do not expand them, and for
//! quotes around them.

use crate::stop::Stop;
use std::path::PathBuf;

/// The inputs in the order of the arguments, those of a pattern sorted by name.
pub(super) fn expand(arguments: &[PathBuf]) -> Result<Vec<PathBuf>, Stop> {
    let mut inputs = Vec::new();
    for argument in arguments {
        let is_pattern = |text: &&str| text.contains(['*', '?', '[']);
        match argument.to_str().filter(is_pattern) {
            Some(pattern) if argument.symlink_metadata().is_err() => {
                inputs.extend(matching(pattern)?);
            }
            _ => inputs.push(argument.clone()),
        }
    }
    Ok(inputs)
}

/// The files that a pattern means, one at least.
fn matching(pattern: &str) -> Result<Vec<PathBuf>, Stop> {
    let paths = glob::glob(pattern).map_err(|error| {
        let hint = "* stands for any characters, ? for one, [a-c] for one of these; a name that \
                    holds such a character is taken as it is if there is such a file";
        Stop::new(format!("{pattern}: neither a file nor a pattern: {error}")).hint(hint)
    })?;
    let mut files = Vec::new();
    for path in paths {
        let path = path.map_err(|error| {
            Stop::new(format!("{}: {}", crate::stop::name(error.path()), error.error()))
        })?;
        if !path.is_dir() {
            files.push(path);
        }
    }
    if files.is_empty() {
        return Err(Stop::new(format!("{pattern}: no file matches this pattern")));
    }
    Ok(files)
}
