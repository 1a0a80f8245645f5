//! One matrix of an array, of any strides: brought into a slice without gaps (and aligned),
//! inverted there, and brought back. Where it lies in such a slice already, it is inverted on the
//! spot.

use crate::error::Result;
use crate::layout;
use crate::matrix::events::{self, Matrix, Original, Plan};
use crate::matrix::watched::Watched;
use crate::structure::Structure;
use crate::verdict::Verdict;
use crate::workspace::Workspace;
use crate::workspace::team;
use matinv_kernels::{Element, Scalar, memory};
use ndarray::{ArrayView2, ArrayViewMut2};

/// Inverts a matrix into another array.
///
/// # Errors
///
/// [`Error::OutOfMemory`](crate::Error::OutOfMemory) for the workspace, and
/// [`Error::Cancelled`](crate::Error::Cancelled). That it has no inverse is said in the verdict.
pub(crate) fn into<A: Element>(
    plan: &Plan,
    workspace: &mut Workspace<A::Scalar>,
    input: &ArrayView2<'_, A>,
    mut output: ArrayViewMut2<'_, A::Scalar>,
) -> Result<Verdict<A::Scalar>> {
    let n = input.nrows();
    plan.cancel.check()?;
    let Workspace { packed, kept, .. } = workspace;
    let crew = kept.crew.clone();
    let team = &Watched::new(team(crew.as_ref()), &plan.cancel);
    let original: Option<&dyn Original<_>> = Some(input);
    let engine = plan.engine.of_nothing();
    if let Some((a, order)) = layout::gapless(&mut output) {
        let source = match plan.structure {
            Structure::Auto | Structure::General => layout::scalars(input, order),
            // Of complex ones the diagonal is made real in its place.
            Structure::PositiveDefinite if !A::Scalar::COMPLEX => layout::scalars(input, order),
            _ => None,
        };
        if source.is_none() {
            layout::load_by(team, input, a, order);
        }
        return events::invert(Matrix { plan, kept, team, n, source, a, order, original, engine });
    }
    let order = layout::memory_order(output.strides());
    let a = memory::room(packed, n * n)?;
    layout::load_by(team, input, a, order);
    let verdict =
        events::invert(Matrix { plan, kept, team, n, source: None, a, order, original, engine })?;
    output.assign(&layout::view(n, a, order));
    Ok(verdict)
}

/// Inverts a matrix in its place.
///
/// # Errors
///
/// As [`into`]; after that of memory the matrix is as it was.
pub(crate) fn in_place<T: Scalar>(
    plan: &Plan,
    workspace: &mut Workspace<T>,
    mut matrix: ArrayViewMut2<'_, T>,
) -> Result<Verdict<T>> {
    let n = matrix.nrows();
    plan.cancel.check()?;
    let Workspace { packed, original, kept } = workspace;
    let crew = kept.crew.clone();
    let team = &Watched::new(team(crew.as_ref()), &plan.cancel);
    let engine = plan.engine.of_nothing();
    if let Some((a, order)) = layout::gapless(&mut matrix) {
        let copy = if plan.needs_original(order) {
            let copy = memory::room(original, n * n)?;
            copy.copy_from_slice(a);
            Some(layout::view(n, copy, order))
        } else {
            None
        };
        let original = copy.as_ref().map(|copy| copy as &dyn Original<T>);
        return events::invert(Matrix {
            plan,
            kept,
            team,
            n,
            source: None,
            a,
            order,
            original,
            engine,
        });
    }
    // Otherwise the computation runs in a packed copy, and the original stays where it is.
    let order = layout::memory_order(matrix.strides());
    let a = memory::room(packed, n * n)?;
    layout::load_by(team, &matrix.view(), a, order);
    let view = matrix.view();
    let original: Option<&dyn Original<T>> = Some(&view);
    let verdict =
        events::invert(Matrix { plan, kept, team, n, source: None, a, order, original, engine })?;
    matrix.assign(&layout::view(n, a, order));
    Ok(verdict)
}
