//! The BLAS that the program is linked with, if there is one: the one place that knows both cases.

pub(crate) mod guard;
#[cfg(feature = "openblas")]
#[allow(unsafe_code)]
pub(crate) mod openblas;

/// In place of OpenBLAS: one thread, whatever is asked for.
#[cfg(not(feature = "openblas"))]
mod openblas {
    pub(crate) fn threads() -> usize {
        1
    }

    pub(crate) fn set_threads(_: usize) {}

    pub(crate) fn around_forks(_before: extern "C" fn(), _after: extern "C" fn()) {}

    pub(crate) fn parallel() -> i32 {
        0
    }

    pub(crate) fn config() -> String {
        String::new()
    }

    pub(crate) fn core_name() -> String {
        String::new()
    }
}

/// How OpenBLAS was built to run in parallel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Threading {
    /// Not at all.
    Serial,
    /// With threads of its own.
    Pthreads,
    /// With OpenMP.
    OpenMp,
}

/// The number of threads that calls may use at present.
pub(crate) fn threads() -> usize {
    openblas::threads()
}

/// Sets the number of threads for the calls that follow.
pub(crate) fn set_threads(threads: usize) {
    openblas::set_threads(threads);
}

/// Has functions called before and after a fork, outside of what the BLAS does there.
pub(crate) fn around_forks(before: extern "C" fn(), after: extern "C" fn()) {
    openblas::around_forks(before, after);
}

/// How the BLAS was built.
pub(crate) fn threading() -> Threading {
    match openblas::parallel() {
        0 => Threading::Serial,
        2 => Threading::OpenMp,
        _ => Threading::Pthreads,
    }
}

/// Version and build options, and the kernels chosen for this processor; `None` if there is no
/// BLAS.
pub(crate) fn names() -> Option<[String; 2]> {
    cfg!(feature = "openblas").then(|| [openblas::config(), openblas::core_name()])
}
