//! Between arrays of any strides and the slices without gaps that engines take.

use crate::error::{Error, Result};
use matinv_kernels::norm::Part;
use matinv_kernels::scan::all_finite;
use matinv_kernels::team::Alone;
use matinv_kernels::{Element, Scalar, Team, memory, team};
use ndarray::{
    Array, ArrayView2, ArrayView3, ArrayViewMut2, ArrayViewMut3, Dimension, ShapeBuilder, Zip, s,
};

/// How a slice without gaps holds a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Row by row: to an engine, which reads columns, it is Aᵀ.
    Row,
    /// Column by column.
    Column,
}

/// The order and the leading axes of a matrix or stack of the given shape.
///
/// # Errors
///
/// [`Error::NotMatrix`] with fewer than two axes, [`Error::NotSquare`] if the last two differ.
pub(crate) fn square(shape: &[usize]) -> Result<(&[usize], usize)> {
    match shape {
        [leading @ .., rows, cols] if rows == cols => Ok((leading, *rows)),
        [.., rows, cols] => Err(Error::NotSquare { rows: *rows, cols: *cols }),
        _ => Err(Error::NotMatrix { ndim: shape.len() }),
    }
}

/// The index, one per leading axis, of the matrix at a position in index order.
pub(crate) fn index_of(mut position: usize, leading: &[usize]) -> Vec<usize> {
    let mut index = vec![0; leading.len()];
    for (place, &len) in index.iter_mut().zip(leading).rev() {
        *place = position % len;
        position /= len;
    }
    index
}

/// The order in which an array with these strides holds its matrices best: column by column if
/// the last axis but one is the densest, else row by row.
pub(crate) fn memory_order(strides: &[isize]) -> Order {
    match strides {
        [.., rows, cols] if rows.unsigned_abs() < cols.unsigned_abs() => Order::Column,
        _ => Order::Row,
    }
}

/// `len` zeros.
///
/// # Errors
///
/// [`Error::OutOfMemory`].
pub(crate) fn zeros<T: Scalar>(len: usize) -> Result<Vec<T>> {
    let mut zeros = Vec::new();
    memory::reserve(&mut zeros, len)?;
    zeros.resize(len, T::zero());
    Ok(zeros)
}

/// An array of zeros of the given shape, whose matrices are stored in the given order.
///
/// # Errors
///
/// [`Error::OutOfMemory`].
pub(crate) fn fresh<T: Scalar, D: Dimension>(shape: D, order: Order) -> Result<Array<T, D>> {
    shaped(shape, order, zeros)
}

/// An array of the given shape, whose matrices are stored in the given order, of as many elements
/// as `memory` is asked for.
///
/// # Errors
///
/// [`Error::OutOfMemory`], and those of `memory`.
pub(crate) fn shaped<T, D: Dimension>(
    shape: D,
    order: Order,
    memory: impl FnOnce(usize) -> Result<Vec<T>>,
) -> Result<Array<T, D>> {
    let too_large = Error::OutOfMemory { bytes: usize::MAX };
    let len = shape.slice().iter().try_fold(1usize, |len, &axis| len.checked_mul(axis));
    let ndim = shape.ndim();
    let memory = memory(len.ok_or_else(|| too_large.clone())?)?;
    // The one reason left: a shape whose non-zero axes alone exceed the address space.
    let mut array = Array::from_shape_vec(shape, memory).map_err(|_| too_large)?;
    if order == Order::Column {
        // The last two axes are equal, so this changes strides, not the shape.
        array.swap_axes(ndim - 2, ndim - 1);
    }
    Ok(array)
}

/// A matrix stored without gaps in the given order, as a view.
pub(crate) fn view<T>(n: usize, slice: &[T], order: Order) -> ArrayView2<'_, T> {
    let view = ArrayView2::from_shape((n, n).set_f(order == Order::Column), slice);
    view.expect("the slice holds n × n elements")
}

/// [`view`], to write to.
pub(crate) fn view_mut<T>(n: usize, slice: &mut [T], order: Order) -> ArrayViewMut2<'_, T> {
    let view = ArrayViewMut2::from_shape((n, n).set_f(order == Order::Column), slice);
    view.expect("the slice holds n × n elements")
}

/// Copies a matrix of any strides into a slice without gaps, as scalars.
pub(crate) fn load<A: Element>(source: &ArrayView2<'_, A>, slice: &mut [A::Scalar], order: Order) {
    load_by(&Alone, source, slice, order);
}

/// [`load`], on the threads of a team.
pub(crate) fn load_by<A: Element>(
    team: &dyn Team,
    source: &ArrayView2<'_, A>,
    slice: &mut [A::Scalar],
    order: Order,
) {
    let rows = match order {
        Order::Row => source.view(),
        Order::Column => source.t(),
    };
    let n = rows.ncols().max(1);
    team::share(team, slice, n, &|first, slice| {
        let rows = rows.slice(s![first / n..(first + slice.len()) / n, ..]);
        if let Some(scalars) = rows.to_slice().and_then(A::as_scalars) {
            return slice.copy_from_slice(scalars);
        }
        let to = ArrayViewMut2::from_shape(rows.raw_dim(), slice).expect("whole rows");
        Zip::from(to).and(rows).for_each(|to, &from| *to = from.to_scalar());
    });
}

/// The matrix as a slice in this order, if it is stored like that and its elements are scalars.
pub(crate) fn scalars<'a, A: Element>(
    matrix: &'a ArrayView2<'_, A>,
    order: Order,
) -> Option<&'a [A::Scalar]> {
    let rows = match order {
        Order::Row => matrix.view(),
        Order::Column => matrix.view().reversed_axes(),
    };
    rows.to_slice().and_then(A::as_scalars)
}

/// The slice of a matrix that is stored without gaps and aligned for an engine, and its order;
/// `None` if it is not.
///
/// Gapless is not enough: an axis may run backwards. `as_slice_mut` accepts the standard layout
/// only, so each orientation is tried in turn.
pub(crate) fn gapless<'a, T>(matrix: &'a mut ArrayViewMut2<'_, T>) -> Option<(&'a mut [T], Order)> {
    let order = if matrix.is_standard_layout() {
        Order::Row
    } else if matrix.t().is_standard_layout() {
        Order::Column
    } else {
        return None;
    };
    // The slice is taken from the whole view's lifetime, in whichever orientation is standard.
    let view = matrix.view_mut();
    let view = if order == Order::Row { view } else { view.reversed_axes() };
    let is_aligned = |slice: &&mut [T]| slice.as_ptr().addr().is_multiple_of(memory::ALIGNMENT);
    view.into_slice().filter(is_aligned).map(|slice| (slice, order))
}

/// The slice of a run of matrices that lie one behind the other without gaps, each stored in this
/// order; `None` if they do not.
pub(crate) fn gapless_run<'a, T>(run: &'a ArrayView3<'_, T>, order: Order) -> Option<&'a [T]> {
    let run = run.view();
    let run = if order == Order::Row { run } else { run.permuted_axes([0, 2, 1]) };
    run.to_slice()
}

/// [`gapless_run`], to write to; the run itself if it is none.
pub(crate) fn gapless_run_mut<T>(
    run: ArrayViewMut3<'_, T>,
    order: Order,
) -> Result<&mut [T], ArrayViewMut3<'_, T>> {
    let permuted = match order {
        Order::Row => run,
        Order::Column => run.permuted_axes([0, 2, 1]),
    };
    if permuted.is_standard_layout() {
        return Ok(permuted.into_slice().expect("the layout is standard"));
    }
    Err(match order {
        Order::Row => permuted,
        Order::Column => permuted.permuted_axes([0, 2, 1]),
    })
}

/// Whether every element of a part of the matrix is finite; else the first that is not, in
/// row-major order, as (row, column).
pub(crate) fn first_non_finite<T: Scalar>(
    team: &dyn Team,
    n: usize,
    a: &[T],
    order: Order,
    part: Part,
) -> Option<(usize, usize)> {
    let all_finite = match part {
        Part::Full => team::all(team, a.len(), &|here| all_finite(&a[here])),
        _ => team::all(team, n, &|mut columns| {
            columns.all(|j| all_finite(&a[j * n..][part.rows(n, j)]))
        }),
    };
    if all_finite {
        return None;
    }
    let bad = |j: usize| part.rows(n, j).filter(move |&i| !a[j * n + i].is_finite());
    match order {
        Order::Row => (0..n).find_map(|j| bad(j).next().map(|i| (j, i))),
        Order::Column => (0..n).filter_map(|j| bad(j).next().map(|i| (i, j))).min(),
    }
}

/// Sets everything outside a triangle to zero.
pub(crate) fn zero_outside<T: Scalar>(n: usize, a: &mut [T], part: Part) {
    for j in 0..n {
        let rows = part.rows(n, j);
        let column = &mut a[j * n..(j + 1) * n];
        column[..rows.start].fill(T::zero());
        column[rows.end..].fill(T::zero());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::Triangle;
    use matinv_kernels::team::Crew;
    use ndarray::{Array2, Axis};

    #[test]
    fn only_standard_layouts_count_as_gapless() {
        // At a multiple of 16, as memory of a size in use is by chance.
        #[repr(align(16))]
        struct Aligned([usize; 9]);
        let mut elements = Aligned(std::array::from_fn(|i| i));
        let mut a = view_mut(3, &mut elements.0, Order::Row);
        assert!(matches!(gapless(&mut a.view_mut()), Some((_, Order::Row))));
        assert!(matches!(gapless(&mut a.view_mut().reversed_axes()), Some((_, Order::Column))));
        let mut backwards = a.view_mut();
        backwards.invert_axis(Axis(0));
        assert!(gapless(&mut backwards).is_none());
        let mut wide = Array2::<usize>::zeros((3, 5));
        assert!(gapless(&mut wide.slice_mut(s![.., 1..4])).is_none());
    }

    #[test]
    fn the_first_bad_element_is_the_first_in_row_major_order() {
        let mut a = vec![1.0; 9];
        a[3] = f64::NAN;
        a[2] = f64::INFINITY;
        let crew = Crew::new(2);
        let teams: [&dyn Team; 2] = [&Alone, &crew];
        for team in teams {
            let find = |order, part| first_non_finite(team, 3, &a, order, part);
            assert_eq!(find(Order::Row, Part::Full), Some((0, 2)));
            assert_eq!(find(Order::Column, Part::Full), Some((0, 1)));
            let mirrored = Part::Mirrored;
            assert_eq!(find(Order::Row, mirrored(Triangle::Lower)), Some((0, 2)));
            assert_eq!(find(Order::Row, mirrored(Triangle::Upper)), Some((1, 0)));
            assert_eq!(find(Order::Row, Part::Triangular(Triangle::Upper)), Some((1, 0)));
            assert_eq!(find(Order::Row, Part::Diagonal), None);
        }
    }
}
