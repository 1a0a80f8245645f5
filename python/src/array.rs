//! numpy arrays as they lie in memory. This module and `module` are where memory is shared with Python.

use crate::errors;
use matinv::ndarray::{ArrayView, ArrayViewMut, Axis, Dimension, IxDyn, ShapeBuilder, StrideShape};
use numpy::npyffi::PY_ARRAY_API;
use numpy::npyffi::flags::{NPY_ARRAY_ALIGNED, NPY_ARRAY_WRITEABLE};
use numpy::{PyArrayDescr, PyArrayDescrMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::type_object::PyTypeInfo;
use std::ffi::c_int;
use std::ops::Range;
use std::ptr::null_mut;

/// The scalar of an array.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Float32,
    Float64,
    Complex64,
    Complex128,
}

impl Kind {
    fn of(dtype: &Bound<'_, PyArrayDescr>) -> Option<Self> {
        if dtype.is_native_byteorder() != Some(true) {
            return None;
        }
        // By letter: it tells these four from long double, whatever its size.
        match dtype.char() {
            b'f' => Some(Kind::Float32),
            b'd' => Some(Kind::Float64),
            b'F' => Some(Kind::Complex64),
            b'D' => Some(Kind::Complex128),
            _ => None,
        }
    }

    fn bytes(self) -> usize {
        match self {
            Kind::Float32 => 4,
            Kind::Float64 | Kind::Complex64 => 8,
            Kind::Complex128 => 16,
        }
    }
}

/// ndarray's and numpy 1's limit.
const MOST_AXES: usize = 32;

/// A `numpy.ndarray`, not of a subclass, of one of the four scalars, whose elements can be read where
/// they lie: aligned, in the byte order of the machine, and whole elements apart.
///
/// It is looked at once, by [`new`](Plain::new); what was found is what counts from then on, whatever
/// becomes of the array: Python code may give it another dtype, shape or strides at any time. So all
/// that can run Python code before the views are made (truth and numbers of the user's objects) has to
/// be done before that look; from the look to the views, nothing here runs any. numpy makes an `ndarray`
/// without: it calls `__array_finalize__` for subclasses only, and no garbage collection, since arrays
/// take no part in that.
///
/// What is left is memory that is freed under the views: by another thread, or a signal handler, that
/// calls `a.resize(..., refcheck=False)` or gives the array other memory (`a.data = ...`) while the
/// work goes on. That is the caller's to refrain from, as with every function of numpy that lets other
/// threads run.
#[derive(Clone)]
pub(crate) struct Plain<'py> {
    /// Keeps the memory alive.
    array: Bound<'py, PyUntypedArray>,
    dtype: Bound<'py, PyArrayDescr>,
    pub(crate) kind: Kind,
    shape: IxDyn,
    /// In bytes, each an `isize` as its bits.
    strides: IxDyn,
    data: *mut u8,
    flags: c_int,
}

impl<'py> Plain<'py> {
    /// The array, if it is plain.
    pub(crate) fn new(object: &Bound<'py, PyAny>) -> Option<Self> {
        let array = object.cast_exact::<PyUntypedArray>().ok()?;
        let dtype = array.dtype();
        let kind = Kind::of(&dtype)?;
        let (shape, strides) = (array.shape(), array.strides());
        let bytes = kind.bytes().cast_signed();
        if shape.len() > MOST_AXES || strides.iter().any(|stride| stride % bytes != 0) {
            return None;
        }
        let shape = IxDyn(shape);
        let mut bits = IxDyn::zeros(strides.len());
        for (bits, stride) in bits.slice_mut().iter_mut().zip(strides) {
            *bits = stride.cast_unsigned();
        }
        // SAFETY: the pointer is to the array object, which `array` keeps alive.
        let (data, flags) = unsafe {
            let fields = &raw const (*array.as_array_ptr()).fields;
            ((*fields).data.cast(), (*fields).flags)
        };
        let array = array.clone();
        let plain = Plain { array, dtype, kind, shape, strides: bits, data, flags };
        plain.has(NPY_ARRAY_ALIGNED).then_some(plain)
    }

    pub(crate) fn shape(&self) -> &[usize] {
        self.shape.slice()
    }

    /// Bytes from element to element, axis by axis.
    fn strides(&self) -> impl DoubleEndedIterator<Item = isize> {
        self.strides.slice().iter().map(|bits| bits.cast_signed())
    }

    /// A new array, of elements that hold nothing of use, whose matrices are stored by columns if those
    /// of this one are.
    ///
    /// # Errors
    ///
    /// `MemoryError`.
    pub(crate) fn fresh_like(&self) -> PyResult<Self> {
        let (py, bytes) = (self.array.py(), self.kind.bytes());
        let shape = self.shape();
        let mut strides = [0_isize; MOST_AXES];
        let mut size = bytes;
        for (stride, &len) in strides.iter_mut().zip(shape).rev() {
            // An axis without elements counts as one: the array then has no memory, but strides.
            *stride = size.cast_signed();
            size = size.checked_mul(len.max(1)).filter(|size| size.cast_signed() > 0).ok_or_else(
                || PyMemoryError::new_err("the result is larger than the address space"),
            )?;
        }
        let ndim = shape.len();
        let mut last = self.strides().rev().map(isize::unsigned_abs);
        if let (Some(columns), Some(rows)) = (last.next(), last.next())
            && rows < columns
        {
            strides.swap(ndim - 2, ndim - 1);
        }
        let axes = c_int::try_from(ndim).expect("there are at most 32");
        let mut dims = [0_isize; MOST_AXES];
        for (dim, &len) in dims.iter_mut().zip(shape) {
            *dim = len.cast_signed();
        }
        // SAFETY: the interpreter is attached (`py`). The type object is numpy's. The descriptor is
        // alive; the call takes a reference of its own, which `into_dtype_ptr` gives away. `dims` and
        // `strides` have room for `axes` ≤ 32 numbers and are only read. Without data numpy allocates for
        // the product of `dims`; the strides stay inside it: they are those of the standard layout of these
        // dimensions, with the last two, which are equal for a stack of square matrices, exchanged at most.
        let object = unsafe {
            PY_ARRAY_API.PyArray_NewFromDescr(
                py,
                PyUntypedArray::type_object_raw(py),
                self.dtype.clone().into_dtype_ptr(),
                axes,
                dims.as_mut_ptr(),
                strides.as_mut_ptr(),
                null_mut(),
                0,
                null_mut(),
            )
        };
        // SAFETY: a new reference, or null with a Python error set.
        let array = unsafe { Bound::from_owned_ptr_or_err(py, object) }?;
        Ok(Plain::new(&array).expect("numpy made what it was asked for"))
    }

    /// The order of the matrices.
    ///
    /// # Errors
    ///
    /// `LinAlgError` if this is no matrix and no stack of them, or they are not square.
    pub(crate) fn order(&self) -> PyResult<usize> {
        match *self.shape() {
            [.., rows, columns] if rows == columns => Ok(rows),
            [.., rows, columns] => {
                Err(errors::of_call(&matinv::Error::NotSquare { rows, cols: columns }))
            }
            _ => Err(errors::of_call(&matinv::Error::NotMatrix { ndim: self.shape().len() })),
        }
    }

    pub(crate) fn into_object(self) -> Bound<'py, PyAny> {
        self.array.into_any()
    }

    /// Whether the results of an inversion of `input` can be written here directly: same type and shape,
    /// and no element shared with another one or with the input.
    pub(crate) fn takes_inverse_of(&self, input: &Self) -> bool {
        self.can_be_written()
            && self.kind == input.kind
            && self.shape == input.shape
            && !self.overlaps(input)
    }

    /// Whether this array can be overwritten element by element.
    pub(crate) fn can_be_written(&self) -> bool {
        self.has(NPY_ARRAY_WRITEABLE) && self.is_injective()
    }

    /// Whether these are the same elements in the same order.
    pub(crate) fn is_same_memory(&self, other: &Self) -> bool {
        self.data == other.data
            && self.kind == other.kind
            && self.shape == other.shape
            && self.strides == other.strides
    }

    /// Whether every index is known to have an element of its own. Arrays that only number theory
    /// could clear count as not.
    fn is_injective(&self) -> bool {
        let mut axes: Vec<(usize, usize)> = self.extents().collect();
        axes.sort_unstable();
        let mut reach = self.kind.bytes();
        self.is_empty()
            || axes.into_iter().all(|(stride, steps)| {
                let beyond = stride >= reach;
                reach += stride * steps;
                beyond
            })
    }

    /// Whether the memory of two arrays may have bytes in common.
    fn overlaps(&self, other: &Self) -> bool {
        let (a, b) = (self.memory(), other.memory());
        !a.is_empty() && !b.is_empty() && a.start < b.end && b.start < a.end
    }

    /// The addresses from the first element to the last.
    fn memory(&self) -> Range<usize> {
        if self.is_empty() {
            return 0..0;
        }
        let (mut first, mut last) = (self.data.addr(), self.data.addr());
        for (&len, stride) in self.shape().iter().zip(self.strides()) {
            let length = stride.unsigned_abs() * (len - 1);
            if stride < 0 { first -= length } else { last += length }
        }
        first..last + self.kind.bytes()
    }

    /// Of every axis that is longer than 1, its stride in bytes and the steps that can be taken.
    fn extents(&self) -> impl Iterator<Item = (usize, usize)> {
        let axes = self.shape().iter().zip(self.strides());
        axes.filter(|&(&len, _)| len > 1).map(|(&len, stride)| (stride.unsigned_abs(), len - 1))
    }

    fn is_empty(&self) -> bool {
        self.shape().contains(&0)
    }

    fn has(&self, flag: c_int) -> bool {
        self.flags & flag == flag
    }

    /// The elements, to read.
    ///
    /// # Safety
    ///
    /// `T` is the type that `kind` says. While the view is in use the memory is not freed (see [`Plain`]) and
    /// nobody writes to it; Python code in other threads may only as it may with any function of numpy
    /// that lets other threads run: what is read is then up to the race, and nothing but numbers can be
    /// read.
    pub(crate) unsafe fn view<T>(&self) -> ArrayView<'_, T, IxDyn> {
        let (first, shape, backwards) = self.upwards::<T>();
        // SAFETY: the type is the caller's word; alignment, strides and the number of axes were checked by
        // `new`, and that numpy has these elements for this shape and these strides is its own rule.
        // `array` keeps them alive. The pointer is to the one with the lowest address.
        let mut view = unsafe { ArrayView::from_shape_ptr(shape, first) };
        backwards.for_each(|axis| view.invert_axis(axis));
        view
    }

    /// The elements, to write.
    ///
    /// # Safety
    ///
    /// As [`view`](Self::view); and nobody else reads either, `can_be_written`, and elements that nothing was
    /// written to yet are not read. (They are bytes of numpy's allocator; any bytes are a number.)
    pub(crate) unsafe fn view_mut<T>(&self) -> ArrayViewMut<'_, T, IxDyn> {
        let (first, shape, backwards) = self.upwards::<T>();
        // SAFETY: as in `view`; that no two indices share an element is what `can_be_written` says.
        let mut view = unsafe { ArrayViewMut::from_shape_ptr(shape, first) };
        backwards.for_each(|axis| view.invert_axis(axis));
        view
    }

    /// The element with the lowest address, the shape with strides that all lead upwards from there,
    /// and the axes along which the array goes the other way.
    fn upwards<T>(&self) -> (*mut T, StrideShape<IxDyn>, impl Iterator<Item = Axis>) {
        assert_eq!(size_of::<T>(), self.kind.bytes(), "elements of {:?}", self.kind);
        let mut strides = self.strides.clone();
        let mut below = 0;
        for (stride, &len) in strides.slice_mut().iter_mut().zip(self.shape()) {
            let signed = stride.cast_signed();
            if signed < 0 && !self.is_empty() {
                below += signed.unsigned_abs() * (len - 1);
            }
            *stride = signed.unsigned_abs() / size_of::<T>();
        }
        let backwards = self.strides().enumerate().filter(|&(_, stride)| stride < 0);
        let first = self.data.wrapping_sub(below).cast();
        let backwards = backwards.map(|(axis, _)| Axis(axis));
        (first, self.shape.clone().strides(strides), backwards)
    }
}
