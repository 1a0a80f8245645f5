//! A progress bar for work that takes long, on a terminal.

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use std::fmt::Write;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

/// Work that ends sooner needs no bar.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that appears after a while and leaves nothing behind.
pub(crate) struct Progress {
    bar: ProgressBar,
    /// Matrices that could not be inverted.
    failed: Arc<AtomicUsize>,
    waiting: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Begins work on so many matrices (1: it cannot be told how far it is). `what` says what is
    /// done.
    pub(crate) fn begin(what: &str, matrices: usize, quiet: bool) -> Self {
        let hidden = ProgressDrawTarget::hidden();
        let bar = ProgressBar::with_draw_target(Some(matrices as u64), hidden);
        let failed = Arc::new(AtomicUsize::new(0));
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        if quiet || dumb || !std::io::stderr().is_terminal() {
            return Progress { bar, failed, waiting: None };
        }
        let template = if matrices > 1 {
            "{msg} {wide_bar} {human_pos}/{human_len}  {rate}, {eta} left{failed}"
        } else {
            "{spinner} {msg}  {elapsed}"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            let counter = Arc::clone(&failed);
            let style = style.with_key("rate", rate).with_key(
                "failed",
                move |_: &ProgressState, out: &mut dyn Write| {
                    let failed = counter.load(Ordering::Relaxed);
                    if failed > 0 {
                        let _ = write!(out, ", {} failed", HumanCount(failed as u64));
                    }
                },
            );
            bar.set_style(style.progress_chars("━╸ "));
        }
        bar.set_message(what.to_owned());
        let (sender, ended) = mpsc::channel();
        let shown = bar.clone();
        let wait = move || {
            if ended.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                shown.set_draw_target(ProgressDrawTarget::stderr());
                shown.enable_steady_tick(Duration::from_millis(100));
            }
        };
        let thread = std::thread::Builder::new().name("matinv-progress".to_owned()).spawn(wait);
        Progress { bar, failed, waiting: thread.ok().map(|thread| (sender, thread)) }
    }

    /// So many were done before: they do not count for the speed.
    pub(crate) fn resume(&self, matrices: usize) {
        self.bar.set_position(matrices as u64);
        self.bar.reset_eta();
    }

    /// So many more are done.
    pub(crate) fn advance(&self, matrices: usize) {
        self.bar.inc(matrices as u64);
    }

    /// So many in all could not be inverted.
    pub(crate) fn failed(&self, matrices: usize) {
        self.failed.store(matrices, Ordering::Relaxed);
    }
}

/// Matrices per second.
fn rate(state: &ProgressState, out: &mut dyn Write) {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // not negative
    let whole = state.per_sec() as u64;
    let _ = match whole {
        0 => write!(out, "{:.2}/s", state.per_sec()),
        _ => write!(out, "{}/s", HumanCount(whole)),
    };
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.waiting.take() {
            drop(sender);
            let _ = thread.join();
        }
        self.bar.finish_and_clear();
    }
}
