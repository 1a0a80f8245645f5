//! Ctrl-C (and `kill`) at any time, without leaving half a file.
//!
//! While a file is being written, the signal is noted and the writing fails, so that the temporary
//! file is removed on the way out; at any other time the program ends at once. SIGHUP is left as it
//! is, so that `nohup` works. Systems without Unix signals end the program as they do.

use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[derive(Debug)]
struct State {
    writing: bool,
    signal: Option<i32>,
}

static STATE: Mutex<State> = Mutex::new(State { writing: false, signal: None });

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts to watch for signals. If that cannot be, they end the program as ever.
#[cfg(unix)]
pub(crate) fn watch() {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use std::io::IsTerminal;

    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let wait = move || {
        for signal in signals.forever() {
            // Holding the lock, so that no file is begun from here on.
            let mut state = state();
            state.signal = Some(signal);
            if !state.writing {
                if io::stderr().is_terminal() {
                    // Whatever stood on the line, a progress bar or `^C`, is left behind.
                    let _ = writeln!(io::stderr());
                }
                // At once: libraries that clean up at exit would wait for threads at work.
                signal_hook::low_level::exit(128 + signal);
            }
        }
    };
    let _ = std::thread::Builder::new().name("matinv-signals".to_owned()).spawn(wait);
}

/// Starts to watch for signals.
#[cfg(not(unix))]
pub(crate) fn watch() {}

/// The signal that arrived while a file was being written.
pub(crate) fn signal() -> Option<i32> {
    state().signal
}

/// Runs what writes a file, through [`Interruptible`].
pub(crate) fn while_writing<R>(body: impl FnOnce() -> R) -> R {
    struct Writing;
    impl Drop for Writing {
        fn drop(&mut self) {
            state().writing = false;
        }
    }
    state().writing = true;
    let _writing = Writing;
    body()
}

/// A writer that fails once a signal has arrived.
pub(crate) struct Interruptible<'a>(pub(crate) &'a mut dyn Write);

impl Write for Interruptible<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if signal().is_some() {
            return Err(io::Error::other("interrupted"));
        }
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
