//! Where a matrix goes: to a terminal, down a pipe, or into a file.

use crate::format::{
    self, Compression, Existing, Fault, Format, FormatError, Symmetry, WriteOptions,
};
use crate::output::matrix::{self, Entry};
use crate::output::stdout;
use crate::stop::Stop;
use ndarray::ArrayViewD;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) output: Option<&'a Path>,
    pub(crate) format: Option<Format>,
    pub(crate) force: bool,
    /// The name of the array in an npz archive.
    pub(crate) key: &'a str,
}

/// Where a matrix goes.
#[derive(Debug)]
pub(crate) enum Sink {
    /// Rounded and aligned, for people.
    Terminal,
    /// Whole, to standard output.
    Stdout(WriteOptions),
    /// Whole, to a file.
    File(PathBuf, WriteOptions, Existing),
}

/// Whether existing files may be replaced.
pub(crate) fn existing(force: bool) -> Existing {
    if force { Existing::Replace } else { Existing::Keep }
}

impl Sink {
    /// Decides, and refuses early what could not be written later.
    pub(crate) fn new(wanted: Wanted<'_>) -> Result<Self, Stop> {
        let Wanted { output, format, force, key } = wanted;
        let file = output.filter(|&path| path != Path::new("-"));
        let key = key.to_owned();
        let Some(path) = file else {
            let terminal = std::io::stdout().is_terminal();
            return match format {
                None if terminal => Ok(Sink::Terminal),
                Some(Format::Npy | Format::Npz) if terminal => Err(Stop::new(
                    "standard output is a terminal, which cannot show binary formats",
                )
                .hint("give -o FILE, or send the output down a pipe")),
                _ => Ok(Sink::Stdout(WriteOptions {
                    key,
                    ..WriteOptions::new(format.unwrap_or(Format::Text))
                })),
            };
        };
        let options = match format {
            None => WriteOptions::for_path(path)?,
            Some(format) => {
                let gzipped = path.extension().is_some_and(|word| word.eq_ignore_ascii_case("gz"));
                let compression = if gzipped { Compression::Gzip } else { Compression::None };
                WriteOptions { compression, ..WriteOptions::new(format) }
            }
        };
        let existing = existing(force);
        format::check_target(path, existing)?;
        Ok(Sink::File(path.to_owned(), WriteOptions { key, ..options }, existing))
    }

    /// Refuses a shape that the format cannot hold.
    pub(crate) fn check_shape(&self, shape: &[usize]) -> Result<(), Stop> {
        let (name, options) = match self {
            Sink::Terminal => return Ok(()),
            Sink::Stdout(options) => ("standard output".to_owned(), options),
            Sink::File(path, options, _) => (crate::stop::name(path), options),
        };
        let (format, shape) = (options.format, shape.to_vec());
        let one_matrix = !matches!(format, Format::Npy | Format::Npz);
        let needs_elements = one_matrix && format != Format::MatrixMarket;
        let fault = if one_matrix && shape.len() != 2 {
            Fault::NotAMatrix { format, shape }
        } else if needs_elements && shape.contains(&0) {
            Fault::NoElements { format, shape }
        } else {
            return Ok(());
        };
        let stop = Stop::from(FormatError::new(fault).named(&name));
        Err(match self {
            Sink::Stdout(_) => {
                stop.hint("--format npy writes npy to a pipe, -o FILE.npy to a file")
            }
            _ => stop,
        })
    }

    /// The file it goes to, if it does.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Sink::File(path, ..) => Some(path),
            _ => None,
        }
    }

    /// Writes the array. A format that can declare `symmetry` does.
    pub(crate) fn write<T: Entry>(
        &self,
        array: &ArrayViewD<'_, T>,
        symmetry: Symmetry,
    ) -> Result<(), Stop> {
        match self {
            Sink::Terminal => stdout(|out| {
                let screen = matrix::Screen::of_terminal();
                Ok(matrix::show(array, screen, out)?)
            }),
            Sink::Stdout(options) => {
                let options = WriteOptions { symmetry, ..options.clone() };
                stdout(|out| format::write_array(array, out, &options))
            }
            Sink::File(path, options, existing) => {
                let options = WriteOptions { symmetry, ..options.clone() };
                let write = |out: &mut dyn Write| format::write_array(array, out, &options);
                Ok(format::save_atomically::<FormatError>(path, *existing, write)?)
            }
        }
    }
}
