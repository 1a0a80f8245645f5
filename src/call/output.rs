//! Outputs that a call allocates.
//!
//! Large memory comes from the system page by page, when each is first written to. So nothing is
//! written ahead of the workers: each clears the part that it is about to fill, a piece that its
//! cache holds, and the pages come to all workers at once. Clearing is what makes it safe to hand
//! the memory on, and costs little beside the page; the count of what was cleared proves that at
//! the end all was.

use crate::error::Result;
use crate::layout::{self, Order};
use matinv_kernels::{Team, memory};
use ndarray::{Array, ArrayViewMut, Axis, Dimension, IxDyn};
use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicUsize, Ordering};

/// An array that is not written yet.
pub(crate) struct Fresh<T, D> {
    array: Array<MaybeUninit<T>, D>,
    /// Elements that were cleared, each once: parts do not overlap.
    cleared: AtomicUsize,
}

impl<T: Copy + Default, D: Dimension> Fresh<T, D> {
    /// Of the given shape, its matrices stored in the given order.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`](crate::Error::OutOfMemory).
    pub(crate) fn new(shape: D, order: Order) -> Result<Self> {
        let array = layout::shaped(shape, order, |len| {
            let mut memory = Vec::new();
            memory::reserve(&mut memory, len)?;
            ask_for_huge_pages(memory.spare_capacity_mut());
            // Compiles to nothing but the new length.
            memory.resize_with(len, MaybeUninit::uninit);
            Ok(memory)
        })?;
        Ok(Fresh { array, cleared: AtomicUsize::new(0) })
    }

    /// Has all of it written by `work`.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    ///
    /// # Panics
    ///
    /// If `work` succeeds and has left out a matrix.
    pub(crate) fn written_by<R>(
        mut self,
        work: impl FnOnce(Output<'_, T>) -> Result<R>,
    ) -> Result<(Array<T, D>, R)> {
        let (view, cleared) = (self.array.view_mut().into_dyn(), &self.cleared);
        let done = work(Output::Unwritten { view, cleared })?;
        assert_eq!(self.cleared.into_inner(), self.array.len(), "a matrix was left out");
        // SAFETY: every element was written. The output that `work` was given was the only one there ever is;
        // `split_at` consumes an output for two that do not overlap, and `clear_by` consumes one and counts its
        // elements after it has written them. So no element was counted twice, and all were counted.
        Ok((unsafe { self.array.assume_init() }, done))
    }
}

/// What matrices are written to.
pub(crate) enum Output<'a, T> {
    /// Memory that holds numbers.
    Written(ArrayViewMut<'a, T, IxDyn>),
    /// Memory that is not written yet.
    Unwritten {
        /// The memory.
        view: ArrayViewMut<'a, MaybeUninit<T>, IxDyn>,
        /// Of the array that it is part of.
        cleared: &'a AtomicUsize,
    },
}

impl<'a, T: Copy + Default + Send + Sync> Output<'a, T> {
    pub(crate) fn shape(&self) -> &[usize] {
        match self {
            Output::Written(view) => view.shape(),
            Output::Unwritten { view, .. } => view.shape(),
        }
    }

    /// The same for a shorter time.
    pub(crate) fn reborrow<'b>(self) -> Output<'b, T>
    where
        'a: 'b,
    {
        match self {
            Output::Written(view) => Output::Written(view.reborrow()),
            Output::Unwritten { view, cleared } => {
                Output::Unwritten { view: view.reborrow(), cleared }
            }
        }
    }

    /// Drops the first axis, of length 1.
    pub(crate) fn first(self) -> Self {
        match self {
            Output::Written(view) => Output::Written(view.index_axis_move(Axis(0), 0)),
            Output::Unwritten { view, cleared } => {
                Output::Unwritten { view: view.index_axis_move(Axis(0), 0), cleared }
            }
        }
    }

    /// Cuts along the first axis.
    pub(crate) fn split_at(self, at: usize) -> (Self, Self) {
        match self {
            Output::Written(view) => {
                let (left, right) = view.split_at(Axis(0), at);
                (Output::Written(left), Output::Written(right))
            }
            Output::Unwritten { view, cleared } => {
                let (left, right) = view.split_at(Axis(0), at);
                (
                    Output::Unwritten { view: left, cleared },
                    Output::Unwritten { view: right, cleared },
                )
            }
        }
    }

    /// Whether this has to be cleared in more than one piece, to be in a cache still when it is
    /// filled.
    pub(crate) fn is_long(&self) -> bool {
        const PIECE: usize = 256 << 10;
        match self {
            Output::Written(_) => false,
            Output::Unwritten { view, .. } => view.len() > PIECE / size_of::<T>(),
        }
    }

    /// The memory as numbers: zeros, if it was not written yet, which the threads of a team write. None if the
    /// team is cancelled: nothing is then known of it, and it does not count as written.
    pub(crate) fn clear_by(self, team: &dyn Team) -> Option<ArrayViewMut<'a, T, IxDyn>> {
        match self {
            Output::Written(view) => Some(view),
            Output::Unwritten { mut view, cleared } => {
                let zero = MaybeUninit::new(T::default());
                match view.as_slice_memory_order_mut() {
                    Some(all) => {
                        matinv_kernels::team::share(team, all, 1, &|_, part| part.fill(zero));
                    }
                    None => view.fill(zero),
                }
                if team.is_cancelled() {
                    // Parts may have been left out.
                    return None;
                }
                cleared.fetch_add(view.len(), Ordering::Relaxed);
                // SAFETY: every element was just written: a team that is not cancelled leaves nothing out.
                Some(unsafe { view.assume_init() })
            }
        }
    }
}

/// Asks the system to bring memory that is about to be written in pages of 2 MiB, each of which
/// costs one fault instead of 512. Where it declines, or knows no such pages, nothing changes.
fn ask_for_huge_pages<T>(memory: &mut [MaybeUninit<T>]) {
    #[cfg(all(any(target_os = "linux", target_os = "android"), not(miri)))]
    {
        const PAGE: usize = 2 << 20;
        // As numpy, which does the same: below, the smaller pages cost little.
        const WORTH_IT: usize = 4 << 20;
        let bytes = size_of_val(memory);
        let begin = memory.as_mut_ptr().cast::<u8>();
        let skipped = begin.addr().wrapping_neg() % PAGE;
        let whole = bytes.saturating_sub(skipped) / PAGE * PAGE;
        if bytes >= WORTH_IT && whole > 0 {
            // SAFETY: the pages lie within memory that is borrowed here, and the advice changes
            // what backs them, never what they hold.
            unsafe {
                libc::madvise(begin.wrapping_add(skipped).cast(), whole, libc::MADV_HUGEPAGE);
            }
        }
    }
    #[cfg(not(all(any(target_os = "linux", target_os = "android"), not(miri))))]
    let _ = memory;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;
    use crate::cancel::Cancel;
    use crate::matrix::watched::Watched;
    use matinv_kernels::team::Alone;
    use ndarray::Ix3;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;

    fn fresh() -> Fresh<f64, Ix3> {
        Fresh::new(Ix3(5, 2, 2), Order::Column).unwrap()
    }

    #[test]
    fn what_was_cleared_in_parts_is_written() {
        let written = fresh().written_by(|output| {
            let (left, right) = output.split_at(3);
            let (middle, right) = right.split_at(1);
            right.clear_by(&Alone).unwrap().fill(3.0);
            left.clear_by(&Alone).unwrap().fill(1.0);
            assert_eq!(middle.first().clear_by(&Alone).unwrap().shape(), [2, 2]);
            Ok(())
        });
        let (array, ()) = written.unwrap();
        assert_eq!(array.sum(), 3.0 * 4.0 + 4.0 * 3.0);
        assert_eq!(layout::memory_order(array.strides()), Order::Column);
    }

    #[test]
    #[should_panic(expected = "a matrix was left out")]
    fn what_was_not_cleared_cannot_be_read() {
        let _ = fresh().written_by(|output| {
            let (left, _) = output.split_at(3);
            left.clear_by(&Alone).unwrap();
            Ok(())
        });
    }

    #[test]
    fn nothing_is_cleared_for_a_call_that_is_cancelled() {
        let cancel = Cancel::by(Arc::new(AtomicBool::new(true)));
        let team = Watched::new(&Alone, &cancel);
        let cancelled = fresh().written_by(|output| {
            assert!(output.clear_by(&team).is_none());
            cancel.check()
        });
        assert_eq!(cancelled.map(|_| ()), Err(Error::Cancelled));
    }

    #[test]
    fn what_was_not_written_is_dropped_with_the_error() {
        let failed = fresh().written_by(|_| Err::<(), _>(Error::NoConvergence));
        assert_eq!(failed.map(|_| ()), Err(Error::NoConvergence));
    }

    #[test]
    #[cfg(not(miri))] // it has no such advice to give
    fn memory_is_advised_whatever_its_size_and_place() {
        for bytes in [0, 1, 4096, 4 << 20, (4 << 20) + 1, 9 << 20] {
            let mut memory = vec![MaybeUninit::new(7_u8); bytes];
            for skipped in [0, 1, bytes / 2].into_iter().filter(|&skipped| skipped <= bytes) {
                ask_for_huge_pages(&mut memory[skipped..]);
            }
            // SAFETY: they were written, and advice changes no contents.
            assert!(memory.iter().all(|byte| unsafe { byte.assume_init() } == 7));
        }
    }

    #[test]
    fn more_than_there_is_is_refused() {
        let refused = Fresh::<f64, _>::new(Ix3(1 << 40, 1 << 10, 1 << 10), Order::Row).map(|_| ());
        assert_eq!(refused, Err(Error::OutOfMemory { bytes: 1 << 63 }));
    }
}
