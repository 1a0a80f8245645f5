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
        "blas": platform.blas.as_ref().map_or("no BLAS", |blas| &blas.config),
        "blas_core": platform.blas.as_ref().map_or("none", |blas| &blas.core),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::{NO_OPENBLAS, has_lapack};
    use matinv::residuals;
    use ndarray::Axis;
    use ndarray_npy::write_npy;

    const INVERTING: [&str; 6] =
        ["matinv", "matinv-into", "matinv-native", "matinv-lapack", "faer", "nalgebra"];

    fn ask(request: &Value, work: &mut Option<Box<dyn AnyWork>>) -> Value {
        answer(&request.to_string(), work).unwrap()
    }

    #[test]
    fn every_peer_inverts_what_is_loaded() {
        let folder = std::env::temp_dir().join(format!("matinv-peers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (input, output) = (folder.join("a.npy"), folder.join("x.npy"));
        for (count, n, threads, definite) in
            [(1, 3, 1, false), (1, 40, 2, true), (300, 8, 2, false), (5, 9, 1, true)]
        {
            let element = |k: usize, i: usize, j: usize| {
                Complex64::from(((k + 3 * i * j + i + j) % 7) as f64 / 7.0)
                    + if i == j { n as f64 } else { 0.0 }
            };
            let a = Array3::from_shape_fn((count, n, n), |(k, i, j)| element(k, i, j));
            write_npy(&input, &a).unwrap();
            let mut work = None;
            ask(
                &json!({"do": "load", "path": input, "threads": threads, "definite": definite}),
                &mut work,
            );
            for peer in INVERTING {
                let check = json!({"do": "check", "peer": peer, "path": output}).to_string();
                match answer(&check, &mut work) {
                    Err(error) if peer == "matinv-native" => {
                        assert_eq!(error.to_string(), "no native kernel");
                        continue;
                    }
                    Err(error) if peer == "matinv-lapack" && !has_lapack() => {
                        assert_eq!(error.to_string(), NO_OPENBLAS);
                        continue;
                    }
                    answered => assert_eq!(answered.unwrap(), json!({})),
                }
                let x: Array3<Complex64> = read_npy(&output).unwrap();
                for (a, x) in a.axis_iter(Axis(0)).zip(x.axis_iter(Axis(0))) {
                    assert!(residuals(&a, &x).unwrap().passes(), "{peer} {count} {n}");
                }
                let ran = ask(&json!({"do": "run", "peer": peer, "times": 2}), &mut work);
                assert!(ran["seconds"].as_f64() > Some(0.0));
            }
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn multiplications_are_those_of_rows() {
        let path = std::env::temp_dir().join(format!("matinv-gemm-{}.npy", std::process::id()));
        let a = Array3::from_shape_fn((1, 9, 9), |(_, i, j)| (i * 2 + j * j) as f32);
        write_npy(&path, &a).unwrap();
        let mut work = None;
        ask(&json!({"do": "load", "path": path, "threads": 1, "definite": false}), &mut work);
        let rows = a.index_axis(Axis(0), 0);
        for peer in
            ["gemm-faer", "gemm-openblas"].into_iter().take(if has_lapack() { 2 } else { 1 })
        {
            ask(&json!({"do": "check", "peer": peer, "path": path}), &mut work);
            let product: Array3<f32> = read_npy(&path).unwrap();
            assert_eq!(product.index_axis(Axis(0), 0), rows.dot(&rows));
        }
        std::fs::remove_file(&path).unwrap();
    }

    #[test]
    fn what_cannot_be_done_is_an_error() {
        let mut work = None;
        assert!(answer("{\"do\": \"run\", \"peer\": \"faer\", \"times\": 1}", &mut work).is_err());
        assert!(answer("{\"do\": \"dance\"}", &mut work).is_err());
        let told = ask(&json!({"do": "describe"}), &mut work);
        assert!(told["faer"].as_str().is_some_and(|version| version.starts_with("0.")));
    }
}
