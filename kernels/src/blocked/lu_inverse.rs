//! The two sweeps over one matrix.
//!
//! From left to right, a block of columns at a time: the block is factored, P A = L U, its columns
//! of U⁻¹ follow from those before, and everything to the right of it is updated, in the rows of
//! A that are left as in the rows that already hold U⁻¹. Then from right to left: X L = U⁻¹, again
//! with one update of full height per block. Nearly all of the work is in these updates, of which
//! each is a product with the block's few columns.

mod second;

use crate::blocked::exchange::Exchange;
use crate::blocked::kernel::{GROUP, Kernel};
use crate::blocked::leaf::reciprocal;
use crate::blocked::permute::Columns;
use crate::blocked::sizes::{Aside, Kind, Sizes};
use crate::blocked::strips::{keep_factors, pack_rows, strip_at, strip_of, strips_of, zero};
use crate::blocked::workspace::Memory;
use crate::blocked::{panel, permute};
use crate::contract::{Breakdown, Team};
use crate::memory;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use std::ops::Range;
use std::sync::Mutex;

/// Inverts the matrix in `memory.source`, or in `memory.a`, into `memory.result`.
///
/// # Errors
///
/// A zero pivot; a tiny one, if the sizes above the diagonal are asked for. [`Breakdown::Cancelled`], which
/// is looked for wherever indices that work may have left out are about to be read.
pub(crate) fn invert<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    memory: &Memory<T>,
) -> Result<(), Breakdown> {
    begin(kernel, sizes, team, memory)?;
    team.check()?;
    for block in 0..sizes.blocks() {
        rows_of_u(kernel, sizes, team, memory, block);
        eliminate(kernel, sizes, team, memory, block)?;
        team.check()?;
    }
    // SAFETY: used up at once.
    unsafe { memory.order.column(0) }.iter_mut().enumerate().for_each(|(i, row)| *row = i);
    // SAFETY: parts of memory that nobody else has; what the first sweep had of them is used up.
    let (ipiv, order, cycles) =
        unsafe { (memory.ipiv.column(0), memory.columns_order.column(0), memory.cycles.column(0)) };
    permute::order(sizes, ipiv, order);
    let columns = match sizes.aside {
        Aside::Matrix => Columns::To(permute::places(order, cycles), memory.result),
        _ => Columns::Within(permute::cycles(order, cycles)),
    };
    for span in sizes.spans() {
        second::substitute(kernel, sizes, team, memory, &span, columns);
        team.check()?;
    }
    Ok(())
}

/// Factors the first block; meanwhile a team brings the rest of the matrix to where it is worked on.
fn begin<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    memory: &Memory<T>,
) -> Result<(), Breakdown> {
    let first = || factor(kernel, sizes, team, memory, 0);
    if team.threads() == 1 || memory.source.is_none() {
        return first();
    }
    let few = 2 * kernel.nr();
    let rest = sizes.columns_of(0).end..sizes.n;
    beside(team, first, rest.len().div_ceil(few), &|index| {
        memory.copy_in(strip_of(rest.clone(), few, index));
    })
}

/// Factors a block, all columns to its left being done.
fn factor<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    memory: &Memory<T>,
    block: usize,
) -> Result<(), Breakdown> {
    let n = sizes.n;
    let columns = sizes.columns_of(block);
    let (j, width) = (columns.start, columns.len());
    let depth = width.next_multiple_of(GROUP);
    let panel = memory.panel(sizes, block);
    if let (0, Some(source)) = (block, memory.source) {
        panel.copy_from(source.part(0..n, columns.clone()));
    } else if memory.aside.is_some() {
        panel.copy_from(memory.a.part(j..n, columns.clone()));
    }
    let ipiv = memory.ipiv.part(columns.clone(), 0..1);
    // SAFETY: used up here, by the one thread that factors.
    let ipiv = unsafe { ipiv.column(0) };
    // A column without a pivot ends it, too.
    let leaf = |a, ipiv: &mut [usize]| {
        if team.is_cancelled() { Some(0) } else { kernel.factor(a, ipiv) }
    };
    // SAFETY: used up here; blocks are factored and rows of U computed one after the other, and
    // nobody else has these before the second sweep.
    let mut room = unsafe { memory.room() };
    let done = panel::factor(kernel, panel, ipiv, memory.squares, &mut room, &leaf);
    team.check()?;
    done.map_err(|column| Breakdown::ZeroPivot(j + column))?;
    let factors = memory.factors.part(0..depth, 0..depth);
    let diagonal = memory.diagonal_of(block, sizes, kernel);
    keep_factors(kernel, panel.part(0..width, 0..width), factors, diagonal);
    for k in 0..depth {
        memory.inverses.set(k, 0, reciprocal(factors.get(k, k)));
    }
    for k in 0..width {
        memory.pivots.set(j + k, 0, factors.get(k, k));
    }
    if let Some(above) = memory.above {
        // What is above the square on the diagonal of a strip.
        for (index, here) in strips_of(0..width, kernel.nr()).enumerate() {
            let first = j + here.start;
            let sizes = above.part(first..first + kernel.nr(), 0..1);
            kernel.largest(strip_at(diagonal, index, depth), here.start, sizes);
        }
        if let Some(k) = tiny_pivot(n, factors, above.part(columns, 0..1), kernel.nr()) {
            return Err(Breakdown::TinyPivot(j + k));
        }
    }
    Ok(())
}

/// Computes the rows of U to the right of a block.
fn rows_of_u<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    memory: &Memory<T>,
    block: usize,
) {
    let (n, nr) = (sizes.n, kernel.nr());
    let columns = sizes.columns_of(block);
    let (j, right) = (columns.start, columns.end);
    let depth = columns.len().next_multiple_of(GROUP);
    let factors = memory.factors.part(0..depth, 0..depth);
    // SAFETY: used up here, while nobody else is at work.
    let ipiv = unsafe { memory.ipiv.part(columns, 0..1).column(0) };
    // SAFETY: used up before the next block is factored; a team reads it only. For the rest, as in
    // `factor`.
    let mut room = unsafe { memory.room() };
    let exchange = Exchange::new(ipiv, n - j, &mut room);
    team.each((n - right).div_ceil(2 * nr), &|_, index| {
        let pair = strip_of(right..n, 2 * nr, index);
        if block == 0 && team.threads() == 1 {
            // Right before they are read.
            memory.copy_in(pair.clone());
        }
        let strip = |at: usize| strip_at(memory.columns, 2 * index + at, depth);
        let each = || strips_of(pair.clone(), nr).enumerate();
        for (at, here) in each() {
            exchange.take(kernel, memory.a.part(j..n, here), strip(at), depth);
        }
        let count = pair.len().div_ceil(nr);
        let first = 2 * index * depth;
        let strips = memory.columns.part(0..nr, first..first + count * depth);
        kernel.solve_left(factors, strips, depth, count);
        if let Some(above) = memory.above {
            for (at, here) in each() {
                let above = above.part(here.start..here.start + nr, 0..1);
                kernel.largest(strip(at), depth, above);
            }
        }
    });
}

/// A step from left to right: the block's columns become those of U⁻¹ and of L, everything to the
/// right of them is updated, and the next block is factored.
fn eliminate<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    memory: &Memory<T>,
    block: usize,
) -> Result<(), Breakdown> {
    let (n, right) = (sizes.n, sizes.columns_of(block).end);
    let (tasks, last) = (sizes.tasks(block), block + 1 == sizes.blocks());
    let step = Step { kernel, sizes, team, memory, block };
    if team.threads() == 1 {
        let strips = memory.rows_of(0, sizes, kernel);
        for index in 0..tasks {
            team.check()?;
            step.prepare(index, strips);
            step.update(index, strips, right..n);
        }
        return if last { Ok(()) } else { factor(kernel, sizes, team, memory, block + 1) };
    }
    // The next block first; while one thread factors it, the others go on to its right.
    let next = if last { right..n } else { sizes.columns_of(block + 1) };
    team.each(tasks, &|_, index| {
        let strips = memory.rows_of(index, sizes, kernel);
        step.prepare(index, strips);
        step.update(index, strips, next.clone());
    });
    if last {
        return Ok(());
    }
    let across = (n - next.end).div_ceil(sizes.share);
    let first = || factor(kernel, sizes, team, memory, block + 1);
    beside(team, first, tasks * across, &|index| {
        let strips = memory.rows_of(index / across, sizes, kernel);
        let columns = strip_of(next.end..n, sizes.share, index % across);
        step.update(index / across, strips, columns);
    })
}

/// Calls `first`, which is handed out before the tasks, and beside it `work` with each of these.
///
/// # Errors
///
/// That of `first`.
fn beside(
    team: &dyn Team,
    first: impl Fn() -> Result<(), Breakdown> + Sync,
    tasks: usize,
    work: &(dyn Fn(usize) + Sync),
) -> Result<(), Breakdown> {
    let failed = Mutex::new(None);
    team.each(1 + tasks, &|_, index| match index.checked_sub(1) {
        None => *memory::lock(&failed) = first().err(),
        Some(index) => work(index),
    });
    memory::lock(&failed).take().map_or(Ok(()), Err)
}

/// Columns that a thread updates before it looks whether it is to go on: whole strips, and milliseconds.
const BETWEEN_LOOKS: usize = 1024;

/// A step of the first sweep, to be cut into tasks by rows.
#[derive(Clone, Copy)]
struct Step<'a, T> {
    kernel: &'a Kernel<T>,
    sizes: &'a Sizes,
    team: &'a dyn Team,
    memory: &'a Memory<T>,
    block: usize,
}

impl<T: Scalar> Step<'_, T> {
    /// Rows of the block's columns as strips: of U⁻¹, which they become, and of L.
    fn prepare(&self, index: usize, strips: Matrix<T>) {
        let Step { kernel, sizes, memory, block, .. } = *self;
        let columns = sizes.columns_of(block);
        let (j, width) = (columns.start, columns.len());
        let depth = width.next_multiple_of(GROUP);
        let nr = kernel.nr();
        let diagonal = memory.diagonal_of(block, sizes, kernel);
        let inverses = memory.inverses.part(0..depth, 0..1);
        let (kind, rows) = sizes.task(block, index);
        match kind {
            Kind::Above => {
                pack_rows(kernel, memory.a.part(rows.clone(), columns.clone()), strips, depth);
            }
            Kind::Diagonal => {}
            Kind::Below => {
                let panel = memory.panel(sizes, block);
                let panel = panel.part(rows.start - j..rows.end - j, 0..width);
                pack_rows(kernel, panel, strips, depth);
            }
        }
        for (at, here) in strips_of(rows, kernel.mr()).enumerate() {
            let strip = strip_at(strips, at, depth);
            let target = memory.a.part(here.clone(), columns.clone());
            match kind {
                Kind::Above => {
                    zero(strip, width..depth);
                    kernel.solve_upper(diagonal, inverses, strip, depth, 0);
                    kernel.unpack_rows(strip, target);
                }
                Kind::Diagonal => {
                    let first = here.start - j;
                    zero(strip, 0..depth);
                    for i in 0..here.len() {
                        strip.set(i, first + i, T::one());
                    }
                    kernel.solve_upper(diagonal, inverses, strip, depth, first / nr * nr);
                    kernel.unpack_rows(strip, target);
                }
                Kind::Below if memory.aside.is_some() => kernel.unpack_rows(strip, target),
                Kind::Below => {}
            }
        }
    }

    /// Updates some columns to the right of the block, a multiple of strips from it.
    fn update(&self, index: usize, strips: Matrix<T>, columns: Range<usize>) {
        for columns in strips_of(columns, BETWEEN_LOOKS) {
            if self.team.is_cancelled() {
                return;
            }
            self.update_some(index, strips, columns);
        }
    }

    fn update_some(&self, index: usize, strips: Matrix<T>, columns: Range<usize>) {
        let Step { kernel, sizes, memory, block, .. } = *self;
        let of_block = sizes.columns_of(block);
        let width = of_block.len();
        let depth = width.next_multiple_of(GROUP);
        let nr = kernel.nr();
        let (first, last) = (columns.start - of_block.end, columns.end - of_block.end);
        let u = memory.columns.part(0..nr, first / nr * depth..last.div_ceil(nr) * depth);
        let (kind, rows) = sizes.task(block, index);
        if kind != Kind::Diagonal {
            let target = memory.a.part(rows, columns);
            return kernel.update(false, 0, width, strips, depth, u, depth, target);
        }
        // Rows of a triangle: what is left of its diagonal is zero.
        for (at, here) in strips_of(rows, kernel.mr()).enumerate() {
            let skip = (here.start - of_block.start) / nr * nr;
            let target = memory.a.part(here, columns.clone());
            let strip = strip_at(strips, at, depth);
            kernel.update(true, skip, width - skip, strip, depth, u, depth, target);
        }
    }
}

/// The first pivot of a block that is no larger than the rounding errors of its own computation; see
/// the LAPACK engine. `above` has the largest sizes above squares of order `wide` on the diagonal.
fn tiny_pivot<T: Scalar>(
    n: usize,
    factors: Matrix<T>,
    above: Matrix<T>,
    nr: usize,
) -> Option<usize> {
    let rounding = 4.0 * n as f64 * T::UNIT_ROUNDOFF;
    (0..above.rows()).find(|&k| {
        let above = (k / nr * nr..k).map(|i| factors.get(i, k)).chain([above.get(k, 0)]);
        let most = above.fold(0.0, |most: f64, u| most.max(u.modulus()));
        // Nothing is above the first one.
        most > 0.0 && factors.get(k, k).modulus() <= rounding * most
    })
}
