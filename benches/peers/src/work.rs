//! Matrices that are loaded, and the runs of the peers on them.

use crate::invert::{Peer, Peers, Scalar};
use matinv::{Engine, Inverter, Structure};
use ndarray::{Array3, Axis};
use ndarray_npy::write_npy;
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::error::Error;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

/// Whether this program has a LAPACK that can be used.
pub(crate) fn has_lapack() -> bool {
    matinv::platform().blas.is_some_and(|blas| blas.sound)
}
pub(crate) const NO_OPENBLAS: &str = "no OpenBLAS, or none that is sound";

type Done = Result<(), Box<dyn Error>>;

/// [`Work`] of any scalar.
pub(crate) trait AnyWork {
    /// Runs once, and writes what came out.
    fn check(&mut self, peer: Peer, path: &Path) -> Done;

    /// Seconds of one run, on average over so many.
    fn run(&mut self, peer: Peer, times: usize) -> Result<f64, Box<dyn Error>>;
}

/// A stack of matrices (one: a single matrix) and memory for the results.
pub(crate) struct Work<T: Scalar> {
    a: Array3<T>,
    x: Array3<T>,
    threads: usize,
    definite: bool,
    pool: ThreadPool,
    auto: Inverter,
    native: Inverter,
    lapack: Inverter,
}

impl<T: Scalar> Work<T> {
    pub(crate) fn new(
        a: Array3<T>,
        threads: usize,
        definite: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let structure = if definite { Structure::PositiveDefinite } else { Structure::General };
        let inverter = |engine| {
            let inverter = Inverter::new().structure(structure).engine(engine);
            inverter.threads(threads).blas_threads(threads)
        };
        // Of a stack, one matrix is one task, with one thread inside.
        faer::set_global_parallelism(match threads {
            _ if a.len_of(Axis(0)) > 1 => faer::Par::Seq,
            1 => faer::Par::Seq,
            _ => faer::Par::rayon(threads),
        });
        Ok(Work {
            x: a.clone(),
            a,
            threads,
            definite,
            pool: ThreadPoolBuilder::new().num_threads(threads).build()?,
            auto: inverter(Engine::Auto),
            native: inverter(Engine::Native),
            lapack: inverter(Engine::Lapack),
        })
    }

    fn is_single(&self) -> bool {
        self.a.len_of(Axis(0)) == 1
    }

    /// One run; `keep` puts the result of every peer into `x`, also of those that make a new
    /// array.
    fn once(&mut self, peer: Peer, keep: bool) -> Done {
        let single = self.is_single();
        match peer {
            Peer::Matinv => {
                if single {
                    let x = self.auto.inv(&self.a.index_axis(Axis(0), 0))?;
                    let x = black_box(x);
                    if keep {
                        self.x.index_axis_mut(Axis(0), 0).assign(&x);
                    }
                } else {
                    let x = black_box(self.auto.inv(&self.a)?);
                    if keep {
                        self.x = x;
                    }
                }
            }
            Peer::MatinvInto => into(&self.auto, &self.a, &mut self.x)?,
            Peer::MatinvNative => into(&self.native, &self.a, &mut self.x)?,
            Peer::MatinvLapack => into(&self.lapack, &self.a, &mut self.x)?,
            Peer::Faer | Peer::Nalgebra if single => {
                let peers = Peers { peer, definite: self.definite };
                let (n, a) = (self.a.len_of(Axis(1)), slice(&self.a)?);
                if keep {
                    peers.into(n, a, slice_mut(&mut self.x)?)?;
                } else {
                    self.pool.install(|| peers.alone(n, a))?;
                }
            }
            Peer::Faer | Peer::Nalgebra => {
                let peers = Peers { peer, definite: self.definite };
                let (n, a) = (self.a.len_of(Axis(1)), slice(&self.a)?);
                peers.stack(&self.pool, self.threads, n, a, slice_mut(&mut self.x)?)?;
            }
            Peer::GemmOpenblas => {
                let n = self.a.len_of(Axis(1));
                let (a, x) = (slice(&self.a)?, slice_mut(&mut self.x)?);
                multiply(n, a, x, self.threads, 1)?;
            }
            Peer::GemmFaer => {
                let n = self.a.len_of(Axis(1));
                let (a, x) = (slice(&self.a)?, slice_mut(&mut self.x)?);
                self.pool.install(|| T::faer_multiply(n, a, x));
            }
        }
        Ok(())
    }
}

impl<T: Scalar> AnyWork for Work<T> {
    fn check(&mut self, peer: Peer, path: &Path) -> Done {
        if !self.is_single() && matches!(peer, Peer::GemmOpenblas | Peer::GemmFaer) {
            return Err("a multiplication is of single matrices".into());
        }
        if matches!(peer, Peer::MatinvLapack) && !has_lapack() {
            return Err(NO_OPENBLAS.into());
        }
        if matches!(peer, Peer::MatinvNative) {
            let first = self.a.index_axis(Axis(0), 0);
            if self.native.report(&first)?.verdict().engine != Engine::Native {
                return Err("no native kernel".into());
            }
        }
        self.x.fill(T::nan());
        self.once(peer, true)?;
        write_npy(path, &self.x)?;
        Ok(())
    }

    fn run(&mut self, peer: Peer, times: usize) -> Result<f64, Box<dyn Error>> {
        let start = Instant::now();
        if matches!(peer, Peer::GemmOpenblas) {
            // Its threads are started once for all.
            let n = self.a.len_of(Axis(1));
            let (a, x) = (slice(&self.a)?, slice_mut(&mut self.x)?);
            multiply(n, a, x, self.threads, times)?;
        } else {
            for _ in 0..times {
                self.once(peer, false)?;
            }
        }
        Ok(start.elapsed().as_secs_f64() / times as f64)
    }
}

/// x := aa by the OpenBLAS that matinv is linked with.
#[cfg(any(feature = "openblas", feature = "openblas-static"))]
fn multiply<T: Scalar>(n: usize, a: &[T], x: &mut [T], threads: usize, times: usize) -> Done {
    Ok(matinv::blas_multiply(n, a, a, x, threads, times)?)
}

#[cfg(not(any(feature = "openblas", feature = "openblas-static")))]
fn multiply<T: Scalar>(_: usize, _: &[T], _: &mut [T], _: usize, _: usize) -> Done {
    Err(NO_OPENBLAS.into())
}

/// A single matrix is handed over as one, since that is what a user would do.
fn into<T: Scalar>(inverter: &Inverter, a: &Array3<T>, x: &mut Array3<T>) -> Done {
    if a.len_of(Axis(0)) == 1 {
        let mut x = x.index_axis_mut(Axis(0), 0);
        return Ok(inverter.inv_into(&a.index_axis(Axis(0), 0), &mut x)?);
    }
    Ok(inverter.inv_into(a, x)?)
}

fn slice<T>(a: &Array3<T>) -> Result<&[T], &'static str> {
    a.as_slice().ok_or("the file is not in C order")
}

fn slice_mut<T>(a: &mut Array3<T>) -> Result<&mut [T], &'static str> {
    a.as_slice_mut().ok_or("the file is not in C order")
}
