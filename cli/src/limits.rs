//! Limits that the system sets for a process.

/// Lets a file that grows beyond the limit of the system (`ulimit -f`) be an error in words, where
/// the signal would end the program at once and leave its temporary files.
#[cfg(unix)]
pub(crate) fn outgrown_files_are_errors() {
    use signal_hook::consts::SIGXFSZ;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    // It is enough that the signal does something else than to end the program.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::new(AtomicBool::new(false)));
}

/// Nothing to do where there are no such signals.
#[cfg(not(unix))]
pub(crate) fn outgrown_files_are_errors() {}
