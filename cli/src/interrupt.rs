//! Ctrl-C (and `kill`, and a terminal that goes away) at any time, without leaving half a file.
//!
//! A signal that was ignored when the program began, as under `nohup`, stays ignored. Systems
//! without Unix signals end the program as they do.

/// Starts to watch for signals. If that cannot be, they end the program as ever.
#[cfg(unix)]
pub(crate) fn watch() {
    use crate::format::remove_unfinished;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;
    use std::io::{IsTerminal, Write, stderr};
    use std::sync::mpsc::channel;

    let mut watched = vec![SIGINT, SIGTERM, SIGHUP];
    watched.retain(|&signal| !is_ignored(signal));
    let (registered, begun) = channel::<()>();
    // The thread itself takes the signals over: where it cannot start, nothing is taken over.
    let wait = move || {
        let signals = Signals::new(watched);
        drop(registered);
        let Ok(mut signals) = signals else { return };
        if let Some(signal) = signals.forever().next() {
            remove_unfinished();
            if signal != SIGHUP && stderr().is_terminal() {
                // Whatever stood on the line, a progress bar or `^C`, is left behind.
                let _ = writeln!(stderr());
            }
            if let Some(words) = crate::stream::kept_words() {
                crate::talk::line(&words);
            }
            // At once: libraries that clean up at exit would wait for threads at work. By the
            // signal itself, so that a shell ends the loop in which the program ran.
            let _ = signal_hook::low_level::emulate_default_handler(signal);
            signal_hook::low_level::exit(128 + signal);
        }
    };
    if std::thread::Builder::new().name("matinv-signals".to_owned()).spawn(wait).is_ok() {
        // Ends when the thread drops its side: the signals are watched from here on.
        let _ = begun.recv();
    }
}

/// Whether the process ignores a signal.
#[cfg(unix)]
#[expect(unsafe_code, reason = "only the system knows")]
fn is_ignored(signal: i32) -> bool {
    let mut action = std::mem::MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: without a new action, `sigaction` changes nothing and writes the present one to
    // `action`, which has its size and alignment and lives during the call. All-zero bytes, which
    // are left if the call fails, are a valid `sigaction`: integers, and an optional pointer.
    let action = unsafe {
        libc::sigaction(signal, std::ptr::null(), action.as_mut_ptr());
        action.assume_init()
    };
    action.sa_sigaction == libc::SIG_IGN
}

/// Starts to watch for signals.
#[cfg(not(unix))]
pub(crate) fn watch() {}
