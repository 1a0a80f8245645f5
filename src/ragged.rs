//! Matrices of different orders in one call, each with its own result.

use crate::element::Element;
use crate::error::Result;
use crate::layout;
use crate::place;
use crate::schedule::{TASK_NS, cost_ns};
use crate::stack::{Call, leading_and_order};
use crate::threads;
use crate::verdict::{OnFailure, Status};
use crate::workspace::{Slot, Workspace};
use ndarray::{Array2, ArrayView2};

/// The result of one matrix.
type Inverse<A> = Result<Array2<<A as Element>::Scalar>>;

/// Inverts each matrix of a list.
pub(crate) fn invert_many<A: Element>(
    call: &Call<'_, A::Scalar>,
    matrices: &[ArrayView2<'_, A>],
) -> Result<Vec<Inverse<A>>> {
    let mut results = Vec::new();
    layout::reserve(&mut results, matrices.len())?;
    results.resize_with(matrices.len(), || None);
    let work = |matrices: &[ArrayView2<'_, A>], results: &mut [Option<Inverse<A>>]| {
        threads::on_worker(|| {
            let mut slot = Slot::borrow(call.pool);
            for (matrix, result) in matrices.iter().zip(results) {
                *result = Some(one(call, slot.workspace(), matrix));
            }
        });
    };
    threads::with_one(|| {
        if cost(matrices) < 2.0 * TASK_NS || call.workers.count() <= 1 {
            work(matrices, &mut results);
        } else {
            call.workers.install(|| halve(matrices, &mut results, &work));
        }
    });
    Ok(results.into_iter().map(|result| result.expect("every matrix was visited")).collect())
}

fn cost<A: Element>(matrices: &[ArrayView2<'_, A>]) -> f64 {
    matrices.iter().map(|matrix| cost_ns::<A::Scalar>(matrix.nrows(), false)).sum()
}

/// Cuts a list where half of its cost lies on either side, until no part is worth a cut, and does
/// the parts in parallel.
fn halve<A: Element>(
    matrices: &[ArrayView2<'_, A>],
    results: &mut [Option<Inverse<A>>],
    work: &(impl Fn(&[ArrayView2<'_, A>], &mut [Option<Inverse<A>>]) + Sync),
) {
    let whole = cost(matrices);
    if matrices.len() < 2 || whole < TASK_NS {
        return work(matrices, results);
    }
    let mut left = 0.0;
    let reaches_half = |matrix: &ArrayView2<'_, A>| {
        left += cost_ns::<A::Scalar>(matrix.nrows(), false);
        left >= whole / 2.0
    };
    let middle = matrices.iter().position(reaches_half).unwrap_or(0) + 1;
    let middle = middle.min(matrices.len() - 1);
    let (matrices, right) = matrices.split_at(middle);
    let (results, right_results) = results.split_at_mut(middle);
    rayon::join(|| halve(matrices, results, work), || halve(right, right_results, work));
}

fn one<A: Element>(
    call: &Call<'_, A::Scalar>,
    workspace: &mut Workspace<A::Scalar>,
    matrix: &ArrayView2<'_, A>,
) -> Inverse<A> {
    leading_and_order(matrix.shape())?;
    let order = layout::memory_order(matrix.strides());
    let mut inverse = layout::fresh(matrix.raw_dim(), order)?;
    let verdict = place::into(call.plan, workspace, matrix, inverse.view_mut())?;
    match verdict.error {
        Some(error)
            if verdict.status == Status::Failed && call.plan.on_failure == OnFailure::Fail =>
        {
            Err(error)
        }
        _ => Ok(inverse),
    }
}
