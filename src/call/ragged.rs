//! Matrices of different orders in one call, each with its own result.

use crate::blas::guard;
use crate::call::schedule::{Schedule, TASK_NS, cost_ns};
use crate::call::stack::{Call, leading_and_order};
use crate::error::Result;
use crate::layout;
use crate::matrix::one;
use crate::verdict::{OnFailure, Status};
use crate::workspace::{Slot, Workspace};
use matinv_kernels::cpus::DistinctCpus;
use matinv_kernels::{Element, memory};
use ndarray::{Array2, ArrayView2};
use std::cmp::Reverse;
use std::ops::Range;

/// The result of one matrix.
type Inverse<A> = Result<Array2<<A as Element>::Scalar>>;

/// A matrix of a list, and where its result goes.
struct Item<'a, 'v, A: Element> {
    matrix: &'a ArrayView2<'v, A>,
    result: &'a mut Option<Inverse<A>>,
}

impl<A: Element> Item<'_, '_, A> {
    fn invert(&mut self, call: &Call<'_, A::Scalar>, workspace: &mut Workspace<A::Scalar>) {
        *self.result = Some(one(call, workspace, self.matrix));
    }

    fn cost(&self) -> f64 {
        cost_ns::<A::Scalar>(self.matrix.nrows(), false)
    }
}

/// Inverts each matrix of a list.
///
/// # Errors
///
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory) for the list of results, and
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub(crate) fn invert_many<A: Element>(
    call: &Call<'_, A::Scalar>,
    matrices: &[ArrayView2<'_, A>],
) -> Result<Vec<Inverse<A>>> {
    let mut results = Vec::new();
    memory::reserve(&mut results, matrices.len())?;
    results.resize_with(matrices.len(), || None);
    let mut items = Vec::new();
    memory::reserve(&mut items, matrices.len())?;
    items.extend(matrices.iter().zip(&mut results).map(|(matrix, result)| Item { matrix, result }));
    let work = |items: &mut [Item<'_, '_, A>]| {
        guard::on_worker(|| {
            let mut slot = Slot::borrow(call.pool);
            for item in items {
                item.invert(call, slot.workspace());
            }
        });
    };
    // Asking for the workers may start them.
    let workers = if cost(&items) < 2.0 * TASK_NS { 1 } else { call.workers.count()? };
    guard::with_one(|| {
        if workers <= 1 {
            return work(&mut items);
        }
        let (together, others) = largest_first(call, workers, &mut items);
        for item in together {
            if let Ok(Schedule::Together { threads }) = call.schedule(item.matrix.nrows(), 1) {
                call.together(threads, |workspace| item.invert(call, workspace));
            }
        }
        let apart = DistinctCpus::new(workers);
        let work_apart = |items: &mut [Item<'_, '_, A>]| {
            apart.go_on(rayon::current_thread_index().unwrap_or(0));
            work(items);
        };
        call.workers.install(|| halve(others, &work_apart));
    });
    call.plan.cancel.check()?;
    Ok(results.into_iter().map(|result| result.expect("every matrix was visited")).collect())
}

fn cost<A: Element>(items: &[Item<'_, '_, A>]) -> f64 {
    items.iter().map(Item::cost).sum()
}

/// What a team makes of its threads' time, as seen for matrices that are worth one.
const TEAMWORK: f64 = 0.8;

/// Splits a list in two: the largest matrices, each to be inverted by all threads, and the others
/// for threads of their own, so that all are done soonest by estimate. Where there is a matrix of
/// the first kind, the list is sorted.
fn largest_first<'i, 'a, 'v, A: Element>(
    call: &Call<'_, A::Scalar>,
    workers: usize,
    items: &'i mut [Item<'a, 'v, A>],
) -> (&'i mut [Item<'a, 'v, A>], &'i mut [Item<'a, 'v, A>]) {
    let is_large = |item: &Item<'_, '_, A>| {
        let n = item.matrix.nrows();
        item.matrix.is_square() && matches!(call.schedule(n, 1), Ok(Schedule::Together { .. }))
    };
    // Many large ones even out.
    let large = items.iter().filter(|item| is_large(item)).take(2 * workers).count();
    if large == 0 || large == 2 * workers {
        return items.split_at_mut(0);
    }
    items.sort_unstable_by_key(|item| (!is_large(item), Reverse(item.matrix.nrows())));
    let costs = |i: usize| items[i].cost();
    let together = worth_a_team(&costs, items.len(), large, workers);
    items.split_at_mut(together)
}

/// How many of `count` matrices, of which the first `large` ones are large and descending, all
/// workers invert together for all to be done soonest.
fn worth_a_team(cost: &dyn Fn(usize) -> f64, count: usize, large: usize, workers: usize) -> usize {
    let mut soonest = (f64::INFINITY, 0);
    let mut before = 0.0;
    for together in 0..=large {
        let time = before + time_apart(cost, together..count, workers);
        if time < soonest.0 {
            soonest = (time, together);
        }
        if together < large {
            before += cost(together) / (TEAMWORK * workers as f64);
        }
    }
    soonest.1
}

/// How long some workers need for matrices in descending order, each of which goes to the worker
/// who is done first.
fn time_apart(cost: &dyn Fn(usize) -> f64, matrices: Range<usize>, workers: usize) -> f64 {
    let first = matrices.start..matrices.end.min(matrices.start + 4 * workers);
    let mut done = vec![0.0; workers];
    for i in first.clone() {
        let next = done.iter_mut().min_by(|x, y| f64::total_cmp(x, y)).expect("somebody works");
        *next += cost(i);
    }
    // Small ones fill what the others leave.
    let rest = (first.end..matrices.end).map(cost);
    let even = done.iter().copied().chain(rest).sum::<f64>() / workers as f64;
    done.into_iter().fold(even, f64::max)
}

/// Cuts a list where half of its cost lies on either side, until no part is worth a cut, and does
/// the parts in parallel.
fn halve<'a, 'v, A: Element>(
    items: &mut [Item<'a, 'v, A>],
    work: &(impl Fn(&mut [Item<'a, 'v, A>]) + Sync),
) {
    let whole = cost(items);
    if items.len() < 2 || whole < TASK_NS {
        return work(items);
    }
    let mut left = 0.0;
    let reaches_half = |item: &Item<'_, '_, A>| {
        left += item.cost();
        left >= whole / 2.0
    };
    let middle = items.iter().position(reaches_half).unwrap_or(0) + 1;
    let middle = middle.min(items.len() - 1);
    let (items, right) = items.split_at_mut(middle);
    rayon::join(|| halve(items, work), || halve(right, work));
}

fn one<A: Element>(
    call: &Call<'_, A::Scalar>,
    workspace: &mut Workspace<A::Scalar>,
    matrix: &ArrayView2<'_, A>,
) -> Inverse<A> {
    leading_and_order(matrix.shape())?;
    let order = layout::memory_order(matrix.strides());
    let mut inverse = layout::fresh(matrix.raw_dim(), order)?;
    let verdict = one::into(&call.plan, workspace, matrix, inverse.view_mut())?;
    match verdict.error {
        Some(error)
            if verdict.status == Status::Failed && call.plan.on_failure == OnFailure::Fail =>
        {
            Err(error)
        }
        _ => Ok(inverse),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_works_on_what_one_thread_would_be_late_with() {
        let of = |costs: &[f64], large, workers| {
            worth_a_team(&|i| costs[i], costs.len(), large, workers)
        };
        assert_eq!(of(&[8.0, 1.0, 1.0, 1.0], 1, 2), 1);
        assert_eq!(of(&[1.0], 1, 2), 1);
        assert_eq!(of(&[1.0, 1.0], 2, 2), 0, "one for each");
        assert_eq!(of(&[1.0, 1.0, 1.0], 3, 2), 1, "one together, then one for each");
        assert_eq!(of(&[9.0, 9.0, 9.0, 1.0], 3, 8), 3);
        assert_eq!(of(&[4.0, 1.0, 1.0, 1.0, 1.0], 1, 2), 0, "four against four");
        assert_eq!(of(&[1.0, 1.0, 1.0], 0, 2), 0, "not worth a team");
        let many: Vec<f64> = std::iter::once(5.0).chain(vec![0.1; 1000]).collect();
        assert_eq!(of(&many, 1, 2), 0, "the small ones fill up");
    }
}
