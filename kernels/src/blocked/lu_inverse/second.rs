//! The second sweep: from U⁻¹ and L to the inverse.

use crate::blocked::exchange::Rows;
use crate::blocked::kernel::{GROUP, Kernel};
use crate::blocked::permute;
use crate::blocked::permute::Columns;
use crate::blocked::sizes::Sizes;
use crate::blocked::strips::{pack_rows, strip_at, strip_of, strips_of, zero};
use crate::blocked::workspace::{Memory, Of};
use crate::contract::Team;
use crate::norm::add_sizes;
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
use crate::simd::scan::all_finite;
use std::ops::Range;

/// Some steps from right to left: X L = U⁻¹ for the columns of some blocks, those to the right of
/// them being done. After the last ones the columns go to their places. A team that is cancelled
/// leaves it unfinished.
pub(crate) fn substitute<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    memory: &Memory<T>,
    span: &Range<usize>,
    to: Columns<'_, T>,
) {
    let n = sizes.n;
    let (nr, mr) = (kernel.nr(), kernel.mr());
    let first = sizes.columns_of(span.start).start;
    for block in span.clone().rev() {
        follow_exchanges(sizes, memory, block);
        let columns = sizes.columns_of(block);
        // SAFETY: nobody changes it before all are done.
        let order = Rows::new(unsafe { memory.order.column(0) }, n);
        // L below the block leaves the matrix, in the order that its rows have in the end.
        team.each(columns.len().div_ceil(nr), &|_, index| {
            let here = strip_of(columns.clone(), nr, index);
            for to in block + 1..sizes.blocks() {
                let rows = sizes.columns_of(to);
                let strip = (here.start - first) / nr;
                let strips = memory.l_of(to, span, sizes, kernel);
                let column = memory.a.part(0..n, here.clone());
                kernel.gather(
                    order.part(rows.clone()),
                    column,
                    strip_at(strips, strip, rows.len()),
                );
            }
            zero(memory.a.part(columns.end..n, here.clone()), 0..here.len());
        });
    }
    team.each(sizes.chunks, &|worker, index| {
        let rows = sizes.chunk_of_rows(index);
        let strips = memory.rows_of(worker, sizes, kernel);
        for block in (span.start..sizes.blocks()).rev() {
            if team.is_cancelled() {
                return;
            }
            let columns = sizes.columns_of(block);
            let width = columns.len();
            let depth = width.next_multiple_of(GROUP);
            let diagonal = memory.diagonal_of(block, sizes, kernel);
            pack_rows(kernel, memory.a.part(rows.clone(), columns.clone()), strips, depth);
            for (at, here) in strips_of(rows.clone(), mr).enumerate() {
                let strip = strip_at(strips, at, depth);
                if span.contains(&block) {
                    zero(strip, width..depth);
                    kernel.solve_lower(diagonal, strip, depth);
                    if memory.of_rows != Of::Nothing {
                        let sums = memory.sums.part(here.clone(), 0..1);
                        note_rows(memory.of_rows, strip.part(0..mr, 0..width), sums);
                    }
                }
                match to {
                    Columns::To(places, to) if span.start == 0 => {
                        let places = &places[columns.clone()];
                        kernel.unpack_rows_to(places, strip, to.part(here, 0..n));
                    }
                    _ if span.contains(&block) => {
                        kernel.unpack_rows(strip, memory.a.part(here, columns.clone()));
                    }
                    _ => {}
                }
            }
            let until = columns.start.min(sizes.columns_of(span.end - 1).end);
            let l = memory.l_of(block, span, sizes, kernel);
            let target = memory.a.part(rows.clone(), first..until);
            kernel.update(false, 0, width, strips, depth, l, width, target);
        }
        if let (0, Columns::Within(cycles)) = (span.start, to) {
            let spare = strips.reshaped(rows.len(), 1);
            permute::within(cycles, memory.a.part(rows, 0..n), spare);
        }
    });
}

/// Notes what is asked of the rows of a strip in the sums beside them, of which there may be fewer.
fn note_rows<T: Scalar>(of: Of, strip: Matrix<T>, sums: Matrix<f64>) {
    let (mr, count) = (strip.rows(), strip.rows() * strip.columns());
    // SAFETY: both belong to the thread that works on these rows, and are used up here.
    let (strip, sums) = unsafe { (strip.reshaped(count, 1).column(0), sums.column(0)) };
    match of {
        Of::Sums => add_sizes(sums, strip, mr, 1.0),
        // Rows beside the matrix are zero.
        _ if !all_finite(strip) => sums[0] = f64::NAN,
        _ => {}
    }
}

/// Brings `order` from the block's own exchanges to the ones that came after it.
fn follow_exchanges<T: Scalar>(sizes: &Sizes, memory: &Memory<T>, block: usize) {
    if block + 1 == sizes.blocks() {
        return;
    }
    // SAFETY: three parts of memory, used up here while no other thread is at work.
    let (ipiv, order, place) =
        unsafe { (memory.ipiv.column(0), memory.order.column(0), memory.place.column(0)) };
    let next = sizes.columns_of(block + 1);
    for i in next.start..sizes.n {
        place[i] = i;
    }
    for i in next.clone() {
        place.swap(i, next.start + ipiv[i]);
    }
    for row in &mut order[next.start..] {
        *row = place[*row];
    }
}
