//! Runs of small matrices through the native engine, a group at a time, one matrix per lane.
//!
//! A kernel inverts what is general and in good order. Every other matrix of a group is left as it
//! was and goes the way of a single one ([`place`]): the same bits, and one place only that knows
//! structures, failures and policies.

use crate::element::{Element, Scalar};
use crate::engine::{Engine, General};
use crate::error::Result;
use crate::inverse::Plan;
use crate::layout::{self, Order};
use crate::native::{Group, Kernel, Request};
use crate::place;
use crate::structure::Structure;
use crate::verdict::{Status, Verdict};
use crate::workspace::{Workspace, room};
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis};

/// Whether runs of matrices of order `n` go through lanes.
///
/// Of the structures only general matrices have kernels. Under `Auto` the kernel looks for a
/// structure while it has the group at hand, which costs three comparisons where there is none;
/// matrices of order 1 all are diagonal.
pub(crate) fn takes<T: Scalar>(plan: &Plan, n: usize) -> bool {
    let general = match plan.structure {
        Structure::General => true,
        Structure::Auto => n > 1,
        _ => false,
    };
    general && !plan.measures() && plan.engine.for_general::<T>(n) == General::Lanes
}

/// Where the inverses of a run go.
enum Target<'a, T> {
    /// One behind the other, without gaps.
    Slice(&'a mut [T]),
    /// Any strides.
    Strided(ArrayViewMut3<'a, T>),
}

impl<T> Target<'_, T> {
    fn matrix(&mut self, at: usize, n: usize, order: Order) -> ArrayViewMut2<'_, T> {
        match self {
            Target::Slice(slice) => layout::view_mut(n, &mut slice[at * n * n..][..n * n], order),
            Target::Strided(view) => view.index_axis_mut(Axis(0), at),
        }
    }
}

/// Inverts a run of matrices that [`takes`] accepts. `note` is told, by its place in the run, of
/// each that went the way of a single one, and of every one if `all` are wanted.
pub(crate) fn invert<A: Element>(
    plan: &Plan,
    workspace: &mut Workspace<A::Scalar>,
    input: Option<ArrayView3<'_, A>>,
    output: ArrayViewMut3<'_, A::Scalar>,
    all: bool,
    mut note: impl FnMut(usize, Result<Verdict<A::Scalar>>),
) {
    let (count, n, _) = output.dim();
    let kernel = Kernel::<A::Scalar>::best();
    let order = layout::memory_order(output.strides());
    let ask = plan.ask(order);
    let request = Request {
        detect: plan.structure == Structure::Auto,
        rcond: ask.rcond,
        min_rcond: plan.min_rcond,
        determinant: ask.determinant,
        wary: order == Order::Row,
    };
    let source = input.as_ref().and_then(|input| layout::gapless_run(input, order));
    let source = source.and_then(A::as_scalars);
    let mut target = match layout::gapless_run_mut(output, order) {
        Ok(slice) => Target::Slice(slice),
        Err(view) => Target::Strided(view),
    };
    for first in (0..count).step_by(kernel.lanes()) {
        let here = first..count.min(first + kernel.lanes());
        let scalars = here.start * n * n..here.end * n * n;
        let Workspace { packed, kept, .. } = &mut *workspace;
        // What cannot be read as it lies is brought into slices first: those of the output if it
        // has some.
        let group = match (&mut target, source, &input) {
            (Target::Slice(to), Some(from), _) => {
                Group::Into(&from[scalars.clone()], &mut to[scalars.clone()])
            }
            (Target::Slice(to), None, None) => Group::InPlace(&mut to[scalars.clone()]),
            (Target::Slice(to), None, Some(input)) => {
                let to = &mut to[scalars.clone()];
                load(here.clone().map(|at| input.index_axis(Axis(0), at)), to, order);
                Group::InPlace(to)
            }
            (Target::Strided(to), _, input) => {
                let packed = match room(packed, scalars.len()) {
                    Ok(packed) => packed,
                    Err(error) => return note(first, Err(error)),
                };
                match input {
                    Some(input) => {
                        load(here.clone().map(|at| input.index_axis(Axis(0), at)), packed, order);
                    }
                    None => load(here.clone().map(|at| to.index_axis(Axis(0), at)), packed, order),
                }
                Group::InPlace(packed)
            }
        };
        let outcome = kernel.invert(&mut kept.native, n, group, request);
        let inverted = outcome.inverted();
        let is_inverted = |at: usize| inverted >> (at - first) & 1 == 1;
        if all {
            for at in here.clone().filter(|&at| is_inverted(at)) {
                let lane = at - first;
                let (sign, log_abs_det) = outcome.determinant(lane);
                let verdict = Verdict {
                    status: Status::Inverted,
                    error: None,
                    structure: Structure::General,
                    engine: Engine::Native,
                    rcond: outcome.rcond(lane),
                    sign,
                    log_abs_det,
                    quality: None,
                };
                note(at, Ok(verdict));
            }
        }
        if let Target::Strided(to) = &mut target {
            for (at, x) in here.clone().zip(packed.chunks_exact(n * n)) {
                if is_inverted(at) {
                    to.index_axis_mut(Axis(0), at).assign(&layout::view(n, x, order));
                }
            }
        }
        for at in here.filter(|&at| !is_inverted(at)) {
            let matrix = target.matrix(at, n, order);
            let verdict = match &input {
                Some(input) => place::into(plan, workspace, &input.index_axis(Axis(0), at), matrix),
                None => place::in_place(plan, workspace, matrix),
            };
            note(at, verdict);
        }
    }
}

/// Brings matrices into a slice, one behind the other.
fn load<'a, A: Element>(
    matrices: impl Iterator<Item = ArrayView2<'a, A>>,
    slice: &mut [A::Scalar],
    order: Order,
) {
    let mut slice = slice;
    for matrix in matrices {
        let (here, behind) = slice.split_at_mut(matrix.len());
        layout::load(&matrix, here, order);
        slice = behind;
    }
}
