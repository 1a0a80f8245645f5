//! A part of a matrix that several threads may work on.

use std::ops::Range;

/// A matrix by columns, or a part of one: a pointer, so that the parts of a matrix can be worked on
/// at once. Whoever makes one promises that the memory is there while it is used, and that nobody
/// else touches it; whoever copies one or takes a part of it, that no two threads write the same
/// elements at once, or read what another one writes. What is outside of it cannot be reached.
pub(crate) struct Matrix<T> {
    at: *mut T,
    /// From column to column.
    stride: usize,
    rows: usize,
    columns: usize,
}

impl<T> Clone for Matrix<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Matrix<T> {}

// SAFETY: it is what a `&mut [T]` is; that threads keep to their parts is the promise above.
unsafe impl<T: Send> Send for Matrix<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Matrix<T> {}

impl<T: Copy> Matrix<T> {
    /// A matrix in a slice, its columns `stride` elements apart.
    pub(crate) fn new(slice: &mut [T], stride: usize, rows: usize, columns: usize) -> Self {
        assert!(rows <= stride || columns <= 1, "columns overlap");
        let last = columns.checked_sub(1).map_or(Some(0), |last| last.checked_mul(stride));
        let end = last.and_then(|last| last.checked_add(if columns == 0 { 0 } else { rows }));
        assert!(end.is_some_and(|end| end <= slice.len()), "the slice is too short");
        Matrix { at: slice.as_mut_ptr(), stride, rows, columns }
    }

    /// A square matrix of order `n` in a slice, without gaps.
    ///
    /// # Safety
    ///
    /// Nobody writes to it or to a part of it, and the slice is there while it is used.
    pub(crate) unsafe fn to_read(slice: &[T], n: usize) -> Self {
        assert!(n.checked_mul(n) == Some(slice.len()), "{} elements, order {n}", slice.len());
        Matrix { at: slice.as_ptr().cast_mut(), stride: n, rows: n, columns: n }
    }

    pub(crate) fn rows(self) -> usize {
        self.rows
    }

    pub(crate) fn columns(self) -> usize {
        self.columns
    }

    pub(crate) fn stride(self) -> usize {
        self.stride
    }

    /// Its first element.
    pub(crate) fn pointer(self) -> *mut T {
        self.at
    }

    /// Some rows of some columns.
    pub(crate) fn part(self, rows: Range<usize>, columns: Range<usize>) -> Self {
        assert!(rows.start <= rows.end && rows.end <= self.rows, "rows {rows:?}");
        assert!(columns.start <= columns.end && columns.end <= self.columns, "columns {columns:?}");
        let (height, width) = (rows.len(), columns.len());
        let offset =
            if height == 0 || width == 0 { 0 } else { rows.start + columns.start * self.stride };
        // SAFETY: the first element of the part is one of the matrix.
        let at = unsafe { self.at.add(offset) };
        Matrix { at, stride: self.stride, rows: height, columns: width }
    }

    /// The same memory as a matrix of other sizes, without gaps as this one.
    pub(crate) fn reshaped(self, rows: usize, columns: usize) -> Self {
        assert!(self.stride == self.rows && rows * columns <= self.rows * self.columns, "sizes");
        Matrix { at: self.at, stride: rows, rows, columns }
    }

    /// A column.
    ///
    /// # Safety
    ///
    /// It is used up before another thread writes to it, or this one gets it again.
    pub(crate) unsafe fn column<'a>(self, j: usize) -> &'a mut [T] {
        assert!(j < self.columns, "column {j} of {}", self.columns);
        // SAFETY: `rows` elements are there; that nobody else has them is the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.at.add(j * self.stride), self.rows) }
    }

    /// A column, to read.
    ///
    /// # Safety
    ///
    /// It is used up before anybody writes to it.
    pub(crate) unsafe fn column_to_read<'a>(self, j: usize) -> &'a [T] {
        assert!(j < self.columns, "column {j} of {}", self.columns);
        // SAFETY: `rows` elements are there; that nobody changes them is the caller's promise.
        unsafe { std::slice::from_raw_parts(self.at.add(j * self.stride), self.rows) }
    }

    /// An element.
    pub(crate) fn get(self, i: usize, j: usize) -> T {
        assert!(i < self.rows && j < self.columns, "element ({i}, {j})");
        // SAFETY: it is inside.
        unsafe { self.at.add(i + j * self.stride).read() }
    }

    /// Changes an element.
    pub(crate) fn set(self, i: usize, j: usize, value: T) {
        assert!(i < self.rows && j < self.columns, "element ({i}, {j})");
        // SAFETY: it is inside.
        unsafe { self.at.add(i + j * self.stride).write(value) }
    }

    /// Copies an equally large matrix to this place.
    pub(crate) fn copy_from(self, from: Self) {
        assert!(self.rows == from.rows && self.columns == from.columns, "sizes differ");
        for j in 0..self.columns {
            // SAFETY: both columns have that many rows; they are different matrices.
            unsafe {
                let (from, to) = (from.at.add(j * from.stride), self.at.add(j * self.stride));
                std::ptr::copy_nonoverlapping(from, to, self.rows);
            }
        }
    }
}
