//! How the matrices of a call are spread over threads. This is the one place that decides.
//!
//! Nothing here changes a bit of any result, but for [`Schedule::Blas`], which the user has to ask
//! for (`Inverter::blas_threads`).

use crate::engine::Method;
use crate::structure::Structure;
use matinv_kernels::{MAX_LANES, Scalar};

/// A way to work through the matrices of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schedule {
    /// One after the other on the calling thread.
    InTurn,
    /// Over the workers, in runs of at most this many matrices; whoever is idle takes half of
    /// somebody else's.
    Spread {
        /// Matrices per task.
        grain: usize,
    },
    /// One after the other, each by this many threads of BLAS: few and large matrices.
    Blas {
        /// Threads of BLAS.
        threads: usize,
    },
    /// One after the other, each by this many workers: few and large matrices.
    Together {
        /// Workers.
        threads: usize,
    },
}

/// Work that is worth a task: splitting, stealing and waking a worker cost some microseconds.
pub(crate) const TASK_NS: f64 = 50_000.0;

/// Below this order BLAS does not use more than one thread.
const INSIDE_ORDER: usize = 128;

/// From this order on a general matrix of `f64` is worth more than one worker; others from the order
/// on at which they take as long.
const TOGETHER_ORDER: f64 = 200.0;

/// What threads can share of the work on a matrix of this structure, in that on a general one, as
/// measured: less than its part of the operations, as blocks are narrower and more is done by one.
fn share_of_general(structure: Structure) -> f64 {
    match structure {
        Structure::PositiveDefinite => 1.0 / 5.0,
        Structure::UpperTriangular | Structure::LowerTriangular => 1.0 / 8.0,
        _ => 1.0,
    }
}

/// Whether a matrix that is inverted like this is worth more than one worker: only the blocked engine
/// shares one.
pub(crate) fn is_shared_by<T: Scalar>(n: usize, structure: Structure, by: Method) -> bool {
    let general = (n as f64).powi(3) * if T::COMPLEX { 4.0 } else { 1.0 };
    let products = general * share_of_general(structure);
    let size = size_of::<T::Real>() as f64 / size_of::<f64>() as f64;
    by == Method::Blocked && products * size >= TOGETHER_ORDER.powi(3)
}

/// An estimate, for cutting work and nothing else, of what one matrix costs: the calls of LAPACK,
/// and 2n³ operations at a rate that rises with the order; in lanes, as measured with AVX-512.
pub(crate) fn cost_ns<T: Scalar>(n: usize, in_lanes: bool) -> f64 {
    let n = n as f64;
    let operations = 2.0 * n * n * n * if T::COMPLEX { 4.0 } else { 1.0 };
    if in_lanes {
        return 2.0 + operations / 16.0;
    }
    500.0 + operations / (1.0 + n / 16.0).min(20.0)
}

/// Decides for `count` matrices of order `n` and of a structure, as far as it is known, inverted by one
/// of the engines. `workers` is asked for only where it matters, since asking may start the global
/// pool.
pub(crate) fn schedule<T: Scalar>(
    n: usize,
    structure: Structure,
    by: Method,
    count: usize,
    blas_threads: usize,
    workers: impl FnOnce() -> usize,
) -> Schedule {
    let inside = blas_threads > 1 && n >= INSIDE_ORDER && by == Method::Lapack;
    if inside && count == 1 {
        return Schedule::Blas { threads: blas_threads };
    }
    let cost = cost_ns::<T>(n, by == Method::Interleaved);
    let together = is_shared_by::<T>(n, structure, by);
    if (count <= 1 && !together) || count == 0 || cost * (count as f64) < 2.0 * TASK_NS {
        return Schedule::InTurn;
    }
    let workers = workers();
    if inside && count < workers {
        return Schedule::Blas { threads: blas_threads };
    }
    if workers <= 1 {
        return Schedule::InTurn;
    }
    // As long as the workers would not share the matrices well.
    if together && count < 2 * workers && !count.is_multiple_of(workers) {
        return Schedule::Together { threads: workers };
    }
    // Some tasks per worker are needed to even out, more only cost.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // between 0 and 100
    let worth_a_task = (TASK_NS / cost) as usize;
    // Fewer than the lanes would leave some of them empty.
    let least = if by == Method::Interleaved { MAX_LANES.min(count.div_ceil(workers)) } else { 1 };
    Schedule::Spread { grain: worth_a_task.min(count.div_ceil(4 * workers)).max(least) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(n: usize, count: usize, blas_threads: usize, workers: usize) -> Schedule {
        schedule::<f64>(n, Structure::General, Method::Lapack, count, blas_threads, || workers)
    }

    #[test]
    fn little_work_wakes_nobody() {
        let asked = || -> usize { panic!("asked for the workers") };
        assert_eq!(
            schedule::<f64>(4, Structure::Auto, Method::Interleaved, 10, 1, asked),
            Schedule::InTurn
        );
        assert_eq!(
            schedule::<f64>(5000, Structure::Auto, Method::Lapack, 1, 1, asked),
            Schedule::InTurn
        );
        assert_eq!(
            schedule::<f64>(0, Structure::Auto, Method::Lapack, 0, 4, asked),
            Schedule::InTurn
        );
    }

    #[test]
    fn small_matrices_go_in_runs_and_large_ones_one_by_one() {
        let Schedule::Spread { grain } = of(4, 1_000_000, 1, 8) else { panic!("not spread") };
        assert!((10..1000).contains(&grain), "{grain}");
        assert_eq!(of(300, 1000, 1, 8), Schedule::Spread { grain: 1 });
    }

    #[test]
    fn every_worker_gets_some_tasks() {
        for count in [500, 1000, 100_000] {
            let Schedule::Spread { grain } = of(16, count, 1, 8) else {
                panic!("{count}: not spread")
            };
            assert!(grain <= count.div_ceil(32), "{count}: {grain}");
        }
    }

    #[test]
    fn no_task_leaves_lanes_empty() {
        let of =
            |n, count| schedule::<f64>(n, Structure::General, Method::Interleaved, count, 1, || 2);
        assert_eq!(of(64, 2048), Schedule::Spread { grain: MAX_LANES });
        assert_eq!(of(64, 20), Schedule::Spread { grain: 10 });
        let Schedule::Spread { grain } = of(4, 1_000_000) else { panic!("not spread") };
        assert!(grain > MAX_LANES, "{grain}");
    }

    #[test]
    fn few_large_matrices_share_the_threads_of_blas_if_asked_to() {
        assert_eq!(of(2000, 3, 8, 8), Schedule::Blas { threads: 8 });
        assert_eq!(of(2000, 1, 8, 8), Schedule::Blas { threads: 8 });
        assert_eq!(of(2000, 3, 1, 8), Schedule::Spread { grain: 1 });
        assert_eq!(of(2000, 30, 8, 8), Schedule::Spread { grain: 1 });
        assert_eq!(of(50, 1, 8, 8), Schedule::InTurn);
    }

    #[test]
    fn few_large_matrices_share_the_workers() {
        let with = |structure, n, count, workers| {
            schedule::<f64>(n, structure, Method::Blocked, count, 1, || workers)
        };
        let of = |n, count, workers| with(Structure::General, n, count, workers);
        assert_eq!(of(1000, 1, 2), Schedule::Together { threads: 2 });
        assert_eq!(of(1000, 2, 2), Schedule::Spread { grain: 1 });
        assert_eq!(of(1000, 3, 2), Schedule::Together { threads: 2 });
        assert_eq!(of(1000, 5, 2), Schedule::Spread { grain: 1 });
        assert_eq!(of(1000, 1, 1), Schedule::InTurn);
        let threads_of_blas =
            schedule::<f64>(1000, Structure::General, Method::Blocked, 1, 2, || 2);
        assert_eq!(
            threads_of_blas,
            Schedule::Together { threads: 2 },
            "of no use to the native engine"
        );
        let is_shared = |structure, n| with(structure, n, 1, 2) != Schedule::InTurn;
        assert!(is_shared(Structure::Auto, 210) && !is_shared(Structure::Auto, 190));
        assert!(is_shared(Structure::PositiveDefinite, 350));
        assert!(!is_shared(Structure::PositiveDefinite, 330));
        assert!(is_shared(Structure::LowerTriangular, 410));
        assert!(!is_shared(Structure::LowerTriangular, 390));
    }
}
