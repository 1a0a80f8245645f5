//! Ctrl-C (and `kill`) at any time, without leaving half a file.
//!
//! SIGHUP is left as it is, so that `nohup` works. Systems without Unix signals end the program as
//! they do.

/// Starts to watch for signals. If that cannot be, they end the program as ever.
#[cfg(unix)]
pub(crate) fn watch() {
    use crate::format::remove_unfinished;
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use std::io::{IsTerminal, Write, stderr};

    let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
    let wait = move || {
        if let Some(signal) = signals.forever().next() {
            remove_unfinished();
            if stderr().is_terminal() {
                // Whatever stood on the line, a progress bar or `^C`, is left behind.
                let _ = writeln!(stderr());
            }
            if let Some(words) = crate::stream::kept_words() {
                crate::output::talk::line(&words);
            }
            // At once: libraries that clean up at exit would wait for threads at work.
            signal_hook::low_level::exit(128 + signal);
        }
    };
    let _ = std::thread::Builder::new().name("matinv-signals".to_owned()).spawn(wait);
}

/// Starts to watch for signals.
#[cfg(not(unix))]
pub(crate) fn watch() {}
