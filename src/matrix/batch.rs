//! Runs of small matrices through the native engine, a group at a time, one matrix per lane.
//!
//! A kernel inverts what has its structure and is in good order. If the structure is to be found
//! out, the kernel of the last group is tried first, so that a stack of one structure keeps all
//! lanes busy; what is left is sorted by structure and goes through the kernels that there are, in
//! the lanes where it lies. Every other matrix of a group is left as it
//! was and goes the way of a single one ([`one`]): the same bits, and one place only that knows
//! structures, failures and policies.

use crate::engine::Engine;
use crate::error::Result;
use crate::layout::{self, Order};
use crate::matrix::events::{Plan, oriented};
use crate::matrix::one;
use crate::structure::{Structure, Triangle};
use crate::verdict::{Status, Verdict};
use crate::workspace::Workspace;
use matinv_kernels::memory::room;
use matinv_kernels::structure::{Found, detect};
use matinv_kernels::{
    Element, Group, Kernel, Kind, Kinds, Limit, MAX_ORDER, Request, Scalar, Scratch, Symmetry,
};
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Axis};

/// Whether runs of matrices of order `n` go through lanes.
///
/// Under `Auto` a kernel looks for structures while it has the group at hand, which costs three
/// comparisons where there is none.
pub(crate) fn takes<T: Scalar>(plan: &Plan, n: usize) -> bool {
    let is_native = |kind| plan.engine.in_kernels::<T>(kind, n);
    let some = match declared(plan, n, Order::Column) {
        Some(kind) => is_native(kind),
        None => plan.structure == Structure::Auto && kinds_of_auto().into_iter().any(is_native),
    };
    some && !plan.measures()
}

/// The declared kind of matrices of order `n` that are stored in this order. One of order 1 is
/// diagonal, and LU divides by it.
fn declared(plan: &Plan, n: usize, order: Order) -> Option<Kind> {
    match plan.structure {
        Structure::Auto | Structure::Diagonal if n == 1 => Some(Kind::General),
        Structure::General => Some(Kind::General),
        Structure::PositiveDefinite => Some(Kind::PositiveDefinite(plan.triangle_in(order))),
        Structure::Symmetric => {
            Some(Kind::Indefinite(Symmetry::Symmetric, plan.triangle_in(order)))
        }
        Structure::Hermitian => {
            Some(Kind::Indefinite(Symmetry::Hermitian, plan.triangle_in(order)))
        }
        Structure::UpperTriangular => Some(Kind::Triangular(oriented(order, Triangle::Upper))),
        Structure::LowerTriangular => Some(Kind::Triangular(oriented(order, Triangle::Lower))),
        _ => None,
    }
}

/// The kinds that matrices may turn out to be, the commonest first.
fn kinds_of_auto() -> [Kind; 6] {
    Kinds::default().by_kind().map(|(kind, _)| kind)
}

/// The structure that a kernel for this kind has used, where it was not declared.
fn structure_of<T: Scalar>(kind: Kind, order: Order) -> Structure {
    match kind {
        Kind::General => Structure::General,
        Kind::PositiveDefinite(_) => Structure::PositiveDefinite,
        Kind::Indefinite(Symmetry::Hermitian, _) if T::COMPLEX => Structure::Hermitian,
        Kind::Indefinite(..) => Structure::Symmetric,
        Kind::Triangular(triangle) => match oriented(order, triangle) {
            Triangle::Lower => Structure::LowerTriangular,
            Triangle::Upper => Structure::UpperTriangular,
        },
    }
}

/// What is the same for all groups of a run.
struct Run<'a, T> {
    plan: &'a Plan,
    kernel: Kernel<T>,
    n: usize,
    order: Order,
    request: Request,
    /// Are the verdicts of those that are inverted wanted?
    all: bool,
    /// What the next group is taken for: the declared kind, or what the last group was; `None` if
    /// there was nothing for kernels in it.
    kind: Option<Kind>,
}

impl<'a, T: Scalar> Run<'a, T> {
    fn new(plan: &'a Plan, n: usize, order: Order, all: bool, stream: bool) -> Self {
        let ask = plan.ask(order);
        let request = Request {
            detect: plan.structure == Structure::Auto && n > 1,
            rcond: ask.rcond,
            report: plan.report,
            min_rcond: plan.min_rcond.map(Limit::new),
            determinant: ask.determinant,
            reject_tiny_pivots: order == Order::Row,
            stream,
        };
        let run = Run { plan, kernel: Kernel::best(), n, order, request, all, kind: None };
        let kind = match declared(plan, n, order) {
            None => kinds_of_auto().into_iter().find(|&kind| run.is_native(kind)),
            declared => declared,
        };
        Run { kind, ..run }
    }

    /// Whether matrices are looked at one by one, before the kernel has read them: where there is one
    /// for general matrices alone. Then there must be one group at a time.
    fn looks_first(&self) -> bool {
        self.request.detect && self.n > MAX_ORDER
    }

    fn is_native(&self, kind: Kind) -> bool {
        self.plan.engine.in_kernels::<T>(kind, self.n)
    }

    /// Inverts groups, to the end or to the first one in which not every matrix can be inverted.
    /// Says how many matrices are before the last group that was worked on, all inverted, and which
    /// of its own were. `note` is told of each, if that is wanted: then there must be one group.
    fn groups(
        &mut self,
        native: &mut Scratch<T>,
        mut groups: Group<'_, T>,
        mut note: impl FnMut(usize, Verdict<T>),
    ) -> (usize, u32) {
        let size = self.n * self.n;
        let scalars = groups.input().len();
        if self.looks_first() {
            let bits = groups.input().chunks_exact(size).enumerate();
            let general = bits.filter(|(_, a)| detect(self.n, a) == Found::General);
            let general = general.fold(0, |bits, (at, _)| bits | 1 << at);
            if general == 0 {
                return (0, 0);
            }
            let known = Request { detect: false, ..self.request };
            let done = self.kind(Kind::General, general, known, native, groups, &mut note);
            return (done.first, done.inverted);
        }
        let mut last = Last::default();
        if let Some(kind) = self.kind {
            let all = groups.again(0..scalars);
            last = self.kind(kind, u32::MAX, self.request, native, all, &mut note);
        }
        let Last { first, mut inverted, mut not_positive } = last;
        let count = (scalars / size - first).min(self.kernel.lanes());
        let every = u32::MAX >> (u32::BITS as usize - count);
        if inverted == every || !self.request.detect {
            return (first, inverted);
        }
        let here = first * size..(first + count) * size;
        let left = every & !inverted;
        let kinds = self.kernel.kinds(native, self.n, &groups.input()[here.clone()]).by_kind();
        let (mut most, tried) = (inverted.count_ones(), self.kind);
        for (kind, lanes) in kinds {
            let mut lanes = if Some(kind) == tried { 0 } else { lanes & left };
            // What Cholesky's method has refused was looked at before.
            if let Kind::Indefinite(Symmetry::Hermitian, _) = kind {
                lanes |= not_positive;
            }
            if lanes == 0 || !self.is_native(kind) {
                continue;
            }
            let known = Request { detect: false, ..self.request };
            let group = groups.again(here.clone());
            let done = self.kind(kind, lanes, known, native, group, &mut note);
            inverted |= done.inverted;
            not_positive |= done.not_positive;
            if done.inverted.count_ones() > most {
                (most, self.kind) = (done.inverted.count_ones(), Some(kind));
            }
        }
        (first, inverted)
    }

    /// Inverts groups, or some matrices of a single one, by the kernel for a kind.
    fn kind(
        &self,
        kind: Kind,
        only: u32,
        request: Request,
        native: &mut Scratch<T>,
        group: Group<'_, T>,
        note: &mut impl FnMut(usize, Verdict<T>),
    ) -> Last {
        let outcome = self.kernel.invert_as(kind, only, native, self.n, group, request);
        let (first, inverted) = (outcome.first(), outcome.inverted());
        let last = Last { first, inverted, not_positive: outcome.not_positive(kind) };
        if !self.all {
            return last;
        }
        let structure = match self.plan.structure {
            Structure::Auto if self.n == 1 => Structure::Diagonal,
            Structure::Auto => structure_of::<T>(kind, self.order),
            declared => declared,
        };
        // As for all that is diagonal, without rounding.
        let is_exact = self.n == 1 && structure == Structure::Diagonal;
        for lane in (0..self.kernel.lanes()).filter(|lane| inverted >> lane & 1 == 1) {
            let (sign, log_abs_det) = outcome.determinant(lane);
            let verdict = Verdict {
                status: Status::Inverted,
                error: None,
                structure,
                engine: Engine::Native,
                rcond: if is_exact { 1.0 } else { outcome.rcond(lane) },
                sign,
                log_abs_det,
                quality: None,
            };
            note(lane, verdict);
        }
        last
    }
}

/// What became of the last group that was worked on.
#[derive(Default)]
struct Last {
    /// How many matrices are before it, all inverted.
    first: usize,
    /// Which of its own were.
    inverted: u32,
    /// Which are not positive definite, though the kernel is for such.
    not_positive: u32,
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
/// each that went the way of a single one, and of every one if `all` are wanted. `stream`: write
/// past the cache where that is possible.
pub(crate) fn invert<A: Element>(
    plan: &Plan,
    workspace: &mut Workspace<A::Scalar>,
    input: Option<ArrayView3<'_, A>>,
    output: ArrayViewMut3<'_, A::Scalar>,
    all: bool,
    stream: bool,
    mut note: impl FnMut(usize, Result<Verdict<A::Scalar>>),
) {
    let (count, n, _) = output.dim();
    let order = layout::memory_order(output.strides());
    let mut run = Run::new(plan, n, order, all, stream);
    let source = input.as_ref().and_then(|input| layout::gapless_run(input, order));
    let source = source.and_then(A::as_scalars);
    let mut target = match layout::gapless_run_mut(output, order) {
        Ok(slice) => Target::Slice(slice),
        Err(view) => Target::Strided(view),
    };
    let lanes = run.kernel.lanes();
    // A kernel goes through many groups at once where nothing has to be done between them.
    let in_place = matches!(target, Target::Slice(_)) && (source.is_some() || input.is_none());
    let most = if in_place && !all && !run.looks_first() { count } else { lanes };
    let most = if plan.cancel.is_possible() { most.min(between_looks(n, lanes)) } else { most };
    let mut first = 0;
    while first < count {
        if let Err(cancelled) = plan.cancel.check() {
            return note(first, Err(cancelled));
        }
        let here = first..count.min(first + most);
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
                    Err(error) => return note(first, Err(error.into())),
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
        let (skipped, inverted) = run.groups(&mut kept.native, group, |lane, verdict| {
            note(first + lane, Ok(verdict));
        });
        first += skipped;
        let here = first..here.end.min(first + lanes);
        let is_inverted = |at: usize| inverted >> (at - first) & 1 == 1;
        if let Target::Strided(to) = &mut target {
            // The same place in the buffer, which may begin behind its first elements.
            let packed = match room(packed, here.len() * n * n) {
                Ok(packed) => packed,
                Err(error) => return note(first, Err(error.into())),
            };
            for (at, x) in here.clone().zip(packed.chunks_exact(n * n)) {
                if is_inverted(at) {
                    to.index_axis_mut(Axis(0), at).assign(&layout::view(n, x, order));
                }
            }
        }
        let end = here.end;
        for at in here.filter(|&at| !is_inverted(at)) {
            let matrix = target.matrix(at, n, order);
            let verdict = match &input {
                Some(input) => one::into(plan, workspace, &input.index_axis(Axis(0), at), matrix),
                None => one::in_place(plan, workspace, matrix),
            };
            note(at, verdict);
        }
        first = end;
    }
}

/// Matrices of order `n`, in whole groups, between two looks whether they are still wanted: as many as
/// take some milliseconds.
fn between_looks(n: usize, lanes: usize) -> usize {
    const OPERATIONS: usize = 1 << 24;
    (OPERATIONS / (n * n * n).max(1)).max(1).next_multiple_of(lanes)
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
