//! The lower triangle: the parts of it that a step changes, who does it, and what is beyond its
//! diagonal, which is kept.

use crate::blocked::lower::Job;
use crate::blocked::sizes::Sizes;
use crate::blocked::strips::{strip_of, strips_of};
use crate::scalar::Scalar;
use std::ops::Range;

impl<T: Scalar> Job<'_, T> {
    /// Calls `work` for the parts of some rows, of `across` columns, that have something on or below
    /// the diagonal, and `other` for so many things beside them, which come first. A thread comes to
    /// the same rows in every step, as far as it can: it has them in its cache. The long rows come
    /// before the short ones.
    pub(crate) fn each_chunk(
        &self,
        rows: Range<usize>,
        across: usize,
        work: &(dyn Fn(Range<usize>, Range<usize>) + Sync),
        others: usize,
        other: &(dyn Fn(usize) + Sync),
    ) {
        let Sizes { chunk, share, .. } = *self.sizes;
        let threads = self.team.threads();
        let shares = across.div_ceil(share);
        // As many rounds of chunks for every thread; some chunks are beyond the ends.
        let rounds = rows.start / chunk / threads..rows.end.div_ceil(chunk).div_ceil(threads);
        let others_each = others.div_ceil(threads);
        let each = others_each + rounds.len() * shares;
        self.team.each(each * threads, &|_, index| {
            let (thread, index) = (index / each, index % each);
            let Some(index) = index.checked_sub(others_each) else {
                let index = index * threads + thread;
                if index < others {
                    other(index);
                }
                return;
            };
            let round = rounds.end - 1 - index / shares;
            // Back and forth, for everyone to have as much to do.
            let place = if round.is_multiple_of(2) { thread } else { threads - 1 - thread };
            let first = (round * threads + place) * chunk;
            let rows = first.max(rows.start)..(first + chunk).min(rows.end);
            let part = strip_of(0..across, share, index % shares);
            let part = part.start..part.end.min(rows.end);
            if !rows.is_empty() && !part.is_empty() {
                work(rows, part);
            }
        });
    }

    /// Some columns of some rows, as far as they are in the lower triangle: minus rows times
    /// columns of the operands, added to what is there unless that is `fresh`.
    pub(crate) fn lower(
        &self,
        fresh: bool,
        depth: usize,
        rows: Range<usize>,
        columns: Range<usize>,
    ) {
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let (nr, mr) = (self.kernel.nr(), self.kernel.mr());
        let a = |rows: &Range<usize>| {
            self.rows.part(0..mr, rows.start / mr * depth..rows.end.div_ceil(mr) * depth)
        };
        let b = |columns: &Range<usize>| {
            let columns = columns.start / nr..columns.end.div_ceil(nr);
            self.columns.part(0..nr, columns.start * depth..columns.end * depth)
        };
        let update = |rows: Range<usize>, columns: Range<usize>| {
            if !columns.is_empty() {
                let (a, b) = (a(&rows), b(&columns));
                let c = self.a.part(rows, columns);
                self.kernel.update(fresh, 0, depth, a, depth, b, depth, c);
            }
        };
        let whole = columns.start..columns.end.min(rows.start);
        let rest = columns.start.max(rows.start)..columns.end;
        update(rows.clone(), whole);
        for here in strips_of(rows, mr) {
            update(here.clone(), rest.start..rest.end.min(here.start).max(rest.start));
            let columns = rest.start.max(here.start)..rest.end.min(here.end);
            if !columns.is_empty() {
                let (a, b) = (a(&here), b(&columns));
                assert!(columns.start == here.start, "columns {columns:?} of rows {here:?}");
                self.kernel.update_below(fresh, depth, a, b, self.a.part(here, columns));
            }
        }
    }

    pub(crate) fn keep_beyond(&self) {
        self.team.each(self.sizes.blocks(), &|_, block| {
            let columns = self.sizes.columns_of(block);
            let kept = self.beyond.part(0..columns.len(), columns.clone());
            kept.copy_from(self.a.part(columns.clone(), columns));
        });
    }

    pub(crate) fn bring_back_beyond(&self) {
        self.team.each(self.sizes.blocks(), &|_, block| {
            let columns = self.sizes.columns_of(block);
            for j in columns.clone() {
                let above = self.a.part(columns.start..j, j..j + 1);
                above.copy_from(self.beyond.part(0..j - columns.start, j..j + 1));
            }
        });
    }
}
