//! The real program, run as a user runs it.

#[cfg(target_os = "linux")]
mod again;
mod arguments;
mod bench;
mod check;
mod examples;
mod formats;
#[cfg(target_os = "linux")]
mod full;
mod generate;
#[cfg(target_os = "linux")]
mod hostile;
mod info;
mod inv;
#[cfg(target_os = "linux")]
mod journal;
mod memory;
mod output;
mod pipes;
#[cfg(target_os = "linux")]
mod race;
mod report;
#[cfg(target_os = "linux")]
mod resume;
mod several;
#[cfg(unix)]
mod signals;
mod stacks;
mod stream;
#[cfg(target_os = "linux")]
mod terminal;
mod threads;

use assert_cmd::Command;
use matinv_cli::format::{self, Data, Existing, FormatError, ReadOptions, WriteOptions};
use ndarray::ArrayD;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The engine for what no kernel takes, in summaries.
fn fallback() -> &'static str {
    if matinv::platform().blas.is_some_and(|blas| blas.sound) { "lapack" } else { "native" }
}

/// A directory of its own for every test, in which the program runs.
struct Place(TempDir);

impl Place {
    fn new() -> Self {
        Place(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The program, with arguments separated by blanks.
    fn matinv(&self, arguments: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_matinv"));
        command.args(arguments.split_whitespace()).current_dir(self.0.path());
        command
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        fs::write(self.path(name), content).unwrap();
        self
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Saves an array in the format of the name.
    fn save<T: format::Element>(&self, name: &str, array: &ArrayD<T>) -> &Self {
        save(&self.path(name), array);
        self
    }

    fn load(&self, name: &str) -> Data {
        format::read(&self.path(name), &ReadOptions::new(1 << 30)).unwrap()
    }

    fn load_f64(&self, name: &str) -> ArrayD<f64> {
        match self.load(name) {
            Data::F64(array) => array,
            other => panic!("expected float64, found {}", other.type_name()),
        }
    }

    /// Every file there is, in order.
    fn files(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn save<T: format::Element>(path: &Path, array: &ArrayD<T>) {
    let options = WriteOptions::for_path(path).unwrap();
    let body = |out: &mut dyn std::io::Write| format::write_array(&array.view(), out, &options);
    format::save_atomically::<FormatError>(path, Existing::Keep, body).unwrap();
}

/// A diagonal 2×2, and a matrix whose inverse is exact by LU.
const DIAGONAL: &str = "2 0\n0 4\n";
const GENERAL: &str = "4 4\n2 4\n";
const SINGULAR: &str = "1 2\n2 4\n";

/// Matches the whole of stderr or stdout.
fn whole(pattern: &str) -> predicates::str::RegexPredicate {
    predicates::str::is_match(format!(r"\A(?s:{pattern})\z")).unwrap()
}

/// The time at the end of a summary.
const TIME: &str = r"[0-9.]+ (µs|ms|s)\n";
