//! How many matrices may be in memory at a time.

use crate::machine::bytes;
use crate::stop::Stop;
use matinv::{Error, Verdict};

/// Bytes of elements in one piece, if memory allows: enough for every thread, and little enough to
/// stay in the caches on the way from the reader to the writer.
const PIECE: usize = 4 << 20;

/// Operations in one piece, roughly: some tenths of a second, so that progress can be seen and a
/// kill costs little.
const WORK: f64 = 2e9;

/// Pieces that exist at a time: one is being read and one written while a third is inverted, and
/// that one has input and output.
const INPUTS: usize = 2;
const OUTPUTS: usize = 2;

/// The buffers of reader, writer and report.
const BUFFERS: usize = 1 << 18;

/// Bytes that a stream needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Needs {
    order: usize,
    threads: usize,
    /// Per matrix of a piece.
    matrix: u128,
    /// Per thread at work.
    workspace: u128,
}

/// What the computation does beside the inversion.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Extras {
    pub(crate) pseudo_inverses: bool,
    pub(crate) quality: bool,
}

impl Extras {
    /// Bytes beside input and output that a thread needs for a matrix of elements `S`.
    pub(crate) fn workspace<S>(self, order: usize) -> u128 {
        let n = order as u128;
        let of = |per_square: u128, per_row: u128| {
            (n * n * per_square + n * per_row) * size_of::<S>() as u128
        };
        let mut workspace = of(1, 256);
        if self.pseudo_inverses {
            workspace += of(5, 256);
        }
        if self.quality {
            // In double precision.
            workspace += 4 * n * n * 16;
        }
        workspace
    }
}

impl Needs {
    /// Of matrices of this order, of elements `S`.
    pub(super) fn new<S: matinv::Scalar>(order: usize, threads: usize, extras: Extras) -> Self {
        let n = order as u128;
        let elements = n * n * ((INPUTS + OUTPUTS) * size_of::<S>()) as u128;
        // A list of failures may take twice what it holds, while it grows.
        let verdict = size_of::<Option<Verdict<S>>>() + 2 * size_of::<(usize, Error)>();
        let workspace = extras.workspace::<S>(order);
        Needs { order, threads, matrix: elements + (OUTPUTS * verdict) as u128, workspace }
    }

    /// Bytes for pieces of so many matrices.
    fn of(self, piece: usize) -> u128 {
        BUFFERS as u128
            + piece as u128 * self.matrix
            + piece.min(self.threads) as u128 * self.workspace
    }

    /// How many matrices make a piece under a limit.
    pub(super) fn piece(self, limit: u64, name: &str) -> Result<usize, Stop> {
        let limit = u128::from(limit);
        let least = self.of(1);
        if limit < least {
            return Err(Stop::new(format!(
                "{name}: one matrix at a time needs {least} bytes of memory ({}), the limit is \
                 {limit} bytes ({})",
                bytes(least),
                bytes(limit)
            ))
            .hint(format!("give --memory {least} or more")));
        }
        let squared = (self.order * self.order).max(1);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        // positive; `as` saturates
        let by_work = (WORK * self.threads as f64 / (2.0 * (self.order as f64).powi(3))) as usize;
        let wanted = (PIECE / (16 * squared)).min(by_work).max(4 * self.threads);
        // More threads than matrices: the workspaces are fewer, too.
        let few = (limit - BUFFERS as u128) / (self.matrix + self.workspace);
        let many = (limit - BUFFERS as u128).saturating_sub(self.threads as u128 * self.workspace)
            / self.matrix;
        let allowed = if few < self.threads as u128 { few } else { many };
        Ok(usize::try_from(allowed).unwrap_or(usize::MAX).min(wanted).max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Extras = Extras { pseudo_inverses: false, quality: false };

    #[test]
    fn a_piece_fits_and_one_more_matrix_would_not() {
        for order in [1, 4, 31, 300, 5000] {
            for threads in [1, 2, 64] {
                let needs = Needs::new::<f64>(order, threads, NONE);
                let wanted = needs.piece(u64::MAX, "a").unwrap();
                for limit in [1 << 19, 1 << 22, 1 << 26, 1 << 32] {
                    let Ok(piece) = needs.piece(limit, "a") else {
                        assert!(needs.of(1) > u128::from(limit));
                        continue;
                    };
                    assert!(needs.of(piece) <= u128::from(limit), "{order} {threads} {limit}");
                    let more = needs.of(piece + 1) > u128::from(limit);
                    assert!(piece == wanted || more, "{order} {threads} {limit}");
                }
            }
        }
    }

    #[test]
    fn the_least_bound_holds_one_matrix_and_a_byte_less_none() {
        let needs = Needs::new::<f64>(100, 2, NONE);
        let least = u64::try_from(needs.of(1)).unwrap();
        assert_eq!(needs.piece(least, "a").unwrap(), 1);
        let refused = format!("{:?}", needs.piece(least - 1, "a.npy").unwrap_err());
        assert!(refused.contains("a.npy: one matrix at a time needs"), "{refused}");
        assert!(refused.contains(&format!("--memory {least} or more")), "{refused}");
    }
}
