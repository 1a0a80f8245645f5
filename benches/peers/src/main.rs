//! The Rust peers as a server: bench.py asks for one run at a time, so that they take turns with
//! the Python peers on the same machine at the same time.
//!
//! One JSON object a line on standard input, one on standard output:
//!
//! | request | answer |
//! |---|---|
//! | `{"do": "describe"}` | versions, kernels, peers |
//! | `{"do": "load", "path": …, "threads": …, "definite": …}`: an npy file of shape (k, n, n) | `{}` |
//! | `{"do": "check", "peer": …, "path": …}`: one run, its result into an npy file | `{}` |
//! | `{"do": "run", "peer": …, "times": …}` | `{"seconds": …}` of one run |
//!
//! What cannot be done is answered by `{"error": …}`.

mod invert;
mod work;

use invert::Peer;
use ndarray::Array3;
use ndarray_npy::{ReadNpyError, read_npy};
use num_complex::{Complex32, Complex64};
use serde::Deserialize;
use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use work::{AnyWork, Work};

#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Request {
    Describe,
    Load { path: PathBuf, threads: usize, definite: bool },
    Check { peer: Peer, path: PathBuf },
    Run { peer: Peer, times: usize },
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut work: Option<Box<dyn AnyWork>> = None;
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?, &mut work);
        let answer = answer.unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(line: &str, work: &mut Option<Box<dyn AnyWork>>) -> Result<Value, Box<dyn Error>> {
    let loaded = "nothing is loaded";
    match serde_json::from_str(line)? {
        Request::Describe => Ok(describe()),
        Request::Load { path, threads, definite } => {
            // The work before it gives its memory back first.
            *work = None;
            *work = Some(load(&path, threads, definite)?);
            Ok(json!({}))
        }
        Request::Check { peer, path } => {
            work.as_mut().ok_or(loaded)?.check(peer, &path)?;
            Ok(json!({}))
        }
        Request::Run { peer, times } => {
            let seconds = work.as_mut().ok_or(loaded)?.run(peer, times.max(1))?;
            Ok(json!({ "seconds": seconds }))
        }
    }
}

fn describe() -> Value {
    let platform = matinv::platform();
    json!({
        "matinv": platform.version,
        "native": platform.native_set,
        "blas": platform.blas,
        "blas_core": platform.blas_core,
        "faer": version("faer"),
        "nalgebra": version("nalgebra"),
        "threads": std::thread::available_parallelism().map_or(1, usize::from),
    })
}

/// The version of a crate that the lock file names.
fn version(name: &str) -> Option<&'static str> {
    let lock = include_str!("../../../Cargo.lock");
    let entry =
        lock.split("[[package]]").find(|entry| entry.contains(&format!("name = \"{name}\"")));
    entry?.lines().find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'))
}

fn load(path: &Path, threads: usize, definite: bool) -> Result<Box<dyn AnyWork>, Box<dyn Error>> {
    macro_rules! try_each {
        ($($scalar:ty),*) => {$(
            match read_npy::<_, Array3<$scalar>>(path) {
                Ok(a) => return Ok(Box::new(Work::new(a, threads, definite)?)),
                Err(ReadNpyError::WrongDescriptor(_)) => {}
                Err(error) => return Err(error.into()),
            }
        )*};
    }
    try_each!(f64, f32, Complex64, Complex32);
    Err("the elements are none of f32, f64, c64, c128".into())
}
