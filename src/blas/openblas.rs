//! What OpenBLAS says of itself, and how many threads it may use.

use std::ffi::{CStr, c_char, c_int};

// Part of OpenBLAS's public interface (cblas.h) since 0.3.0, in its serial, pthread and OpenMP
// builds alike.
unsafe extern "C" {
    fn openblas_get_num_threads() -> c_int;
    fn openblas_set_num_threads(threads: c_int);
    fn openblas_get_parallel() -> c_int;
    fn openblas_get_config() -> *mut c_char;
    fn openblas_get_corename() -> *mut c_char;
}

/// The number of threads that calls may use at present.
pub(crate) fn threads() -> usize {
    // SAFETY: takes nothing, reads one global integer.
    let threads = unsafe { openblas_get_num_threads() };
    usize::try_from(threads).unwrap_or(1).max(1)
}

/// Sets the number of threads for the calls that follow.
pub(crate) fn set_threads(threads: usize) {
    let threads = c_int::try_from(threads.max(1)).unwrap_or(c_int::MAX);
    // SAFETY: any positive number is allowed (OpenBLAS clamps it). Callers hold the lock of
    // `crate::blas::guard` or are alone in its regime `Many`, so that no call of ours runs while the
    // number changes.
    unsafe { openblas_set_num_threads(threads) };
}

/// How it was built: 0 to run on one thread, 1 with threads of its own, 2 with OpenMP.
pub(crate) fn parallel() -> i32 {
    // SAFETY: takes nothing, returns a constant of the build.
    unsafe { openblas_get_parallel() }
}

/// Has `before` called before every fork of this process, and `after` after it, in parent and child, by
/// the thread that forks. They are called outside of what OpenBLAS does there, which was registered when
/// it was loaded: it ends its threads, also under a call that waits for them.
#[cfg(unix)]
pub(crate) fn around_forks(before: extern "C" fn(), after: extern "C" fn()) {
    type Handler = Option<extern "C" fn()>;
    // Part of POSIX, and of every C library that Rust's own links.
    unsafe extern "C" {
        fn pthread_atfork(prepare: Handler, parent: Handler, child: Handler) -> c_int;
    }
    // SAFETY: the handlers are functions of the type that is asked for and live as long as the program.
    // Should there be no memory to register them, forks go on as without.
    unsafe { pthread_atfork(Some(before), Some(after), Some(after)) };
}

/// There are no forks here.
#[cfg(not(unix))]
pub(crate) fn around_forks(_before: extern "C" fn(), _after: extern "C" fn()) {}

/// Version and build options, such as `OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH … MAX_THREADS=64`.
pub(crate) fn config() -> String {
    // SAFETY: takes nothing; `text` copies the string it returns.
    text(unsafe { openblas_get_config() })
}

/// The kernels chosen for this processor, such as `SkylakeX`.
pub(crate) fn core_name() -> String {
    // SAFETY: takes nothing; `text` copies the string it returns.
    text(unsafe { openblas_get_corename() })
}

fn text(string: *mut c_char) -> String {
    if string.is_null() {
        return String::from("unknown");
    }
    // SAFETY: OpenBLAS returns a pointer to a NUL-terminated string of static storage; it is not
    // null (checked above) and copied before anything else can be called.
    unsafe { CStr::from_ptr(string) }.to_string_lossy().into_owned()
}
