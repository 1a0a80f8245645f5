//! The operations compiled for each instruction set and scalar.

use crate::blocked::kernel::Kernel;
use crate::blocked::microkernel::GemmArgs;
use crate::blocked::{leaf, microkernel, pack, trsm};
use crate::scalar::{Each, PerScalar, Scalar};
use crate::simd::rows::Array;
use crate::simd::set::Set;
#[cfg(target_arch = "x86_64")]
use crate::simd::x86::F32x8;
use crate::simd::x86::{F32x16, F64x4, F64x8};
use num_complex::{Complex32, Complex64};

/// The operations with a vector of the set, the vectors and real columns of its tile, and the parts
/// of a number.
macro_rules! kernel {
    ($t:ty, $v:ty, $mr:literal, $width:literal, $parts:literal $(, $features:literal)?) => {{
        const WIDE: usize = $width / $parts;
        /// # Safety
        ///
        /// As [`microkernel::update`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn update(task: &GemmArgs<$t>) {
            // SAFETY: the caller's promise, here and below.
            unsafe { microkernel::update::<$v, $t, $mr, $width, $parts>(task) }
        }
        /// # Safety
        ///
        /// As [`trsm::left`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn left(depth: usize, l: *const $t, stride: usize, strips: *mut $t, count: usize) {
            // SAFETY: see above.
            unsafe { trsm::left::<$v, $t, $width, $parts>(depth, l, stride, strips, count) }
        }
        /// # Safety
        ///
        /// As [`trsm::right`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn right(
            depth: usize,
            first: usize,
            triangle: *const $t,
            inverses: Option<*const $t>,
            strip: *mut $t,
        ) {
            // SAFETY: see above.
            unsafe {
                trsm::right::<$v, $t, $mr, $width, $parts>(depth, first, triangle, inverses, strip)
            }
        }
        /// # Safety
        ///
        /// As [`leaf::factor`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn factor(
            rows: usize,
            columns: usize,
            a: *mut $t,
            stride: usize,
            ipiv: *mut usize,
        ) -> Option<usize> {
            // SAFETY: see above.
            unsafe { leaf::factor::<$v, $t, $parts>(rows, columns, a, stride, ipiv) }
        }
        /// # Safety
        ///
        /// As [`pack::rows`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn pack_rows(
            rows: usize,
            columns: usize,
            from: *const $t,
            stride: usize,
            strip: *mut $t,
        ) {
            // SAFETY: see above.
            unsafe { pack::rows::<$v, $t, $mr, $parts>(rows, columns, from, stride, strip) }
        }
        /// # Safety
        ///
        /// As [`pack::unpack_rows`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn unpack_rows(
            rows: usize,
            columns: usize,
            strip: *const $t,
            to: *mut $t,
            stride: usize,
        ) {
            // SAFETY: see above.
            unsafe {
                pack::unpack_rows::<$v, $t, $mr, $parts>(rows, 0..columns, strip, to, stride)
            }
        }
        /// # Safety
        ///
        /// As [`pack::unpack_rows`]; the places are columns of `to`. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn unpack_rows_to(
            rows: usize,
            places: &[usize],
            strip: *const $t,
            to: *mut $t,
            stride: usize,
        ) {
            let places = places.iter().copied();
            // SAFETY: see above.
            unsafe { pack::unpack_rows::<$v, $t, $mr, $parts>(rows, places, strip, to, stride) }
        }
        /// # Safety
        ///
        /// As [`pack::columns`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn pack_columns(
            rows: usize,
            columns: usize,
            depth: usize,
            from: *const $t,
            stride: usize,
            strip: *mut $t,
        ) {
            // SAFETY: see above.
            unsafe {
                pack::columns::<$v, $t, $width, $parts>(rows, columns, depth, from, stride, strip)
            }
        }
        /// # Safety
        ///
        /// As [`pack::unpack_columns`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn unpack_columns(
            rows: usize,
            columns: usize,
            strip: *const $t,
            to: *mut $t,
            stride: usize,
        ) {
            // SAFETY: see above.
            unsafe {
                pack::unpack_columns::<$v, $t, $width, $parts>(rows, columns, strip, to, stride)
            }
        }
        /// # Safety
        ///
        /// As [`pack::largest`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn largest(depth: usize, strip: *const $t, sizes: *mut $t) {
            // SAFETY: see above.
            unsafe { pack::largest::<$v, $t, $width, $parts>(depth, strip, sizes) }
        }
        /// # Safety
        ///
        /// As [`pack::gather`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn gather(
            order: &[usize],
            columns: usize,
            from: *const $t,
            stride: usize,
            strip: *mut $t,
            zero: $t,
        ) {
            // SAFETY: see above.
            unsafe {
                pack::gather::<$v, $t, $width, $parts>(order, columns, from, stride, strip, zero)
            }
        }
        /// # Safety
        ///
        /// As [`pack::move_rows`]. The CPU has the features of this entry.
        $(#[target_feature(enable = $features)])?
        unsafe fn move_rows(
            from: &[usize],
            to: &[usize],
            columns: usize,
            a: *mut $t,
            stride: usize,
        ) {
            // SAFETY: see above.
            unsafe { pack::move_rows::<$t, WIDE>(from, to, columns, a, stride) }
        }
        Kernel {
            mr: $mr * <$v as crate::simd::vector::Vector>::LANES / $parts,
            nr: WIDE,
            lanes: <$v as crate::simd::vector::Vector>::LANES / $parts,
            update,
            left,
            right,
            factor,
            pack_rows,
            unpack_rows,
            unpack_rows_to,
            pack_columns,
            unpack_columns,
            largest,
            gather,
            move_rows,
        }
    }};
}

/// The operations with a set, for each scalar.
struct Kernels;

impl PerScalar for Kernels {
    type Of<T: Scalar> = fn(Set) -> Kernel<T>;
}

macro_rules! kernels {
    ($($field:ident, $t:ty: $parts:literal, $array:ty, $mr:literal, $avx2:ident, $avx512:ident;)*) => {
        /// The operations with a set, which the machine must have.
        #[inline]
        pub(crate) fn kernel<T: Scalar>(set: Set) -> Kernel<T> {
            T::choose::<Kernels>(Each { $($field),* })(set)
        }

        $(
            // Else every crate that calls it would compile all of them once more.
            #[inline(never)]
            fn $field(set: Set) -> Kernel<$t> {
                match set {
                    Set::Portable => kernel!($t, $array, $mr, 4, $parts),
                    // What the compiler makes of the portable kernel is NEON already.
                    #[cfg(target_arch = "aarch64")]
                    Set::Neon => kernel!($t, $array, $mr, 4, $parts),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => kernel!($t, $avx2, 3, 4, $parts, "avx2,fma"),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => kernel!(
                        $t, $avx512, 3, 8, $parts, "avx512f,avx512dq,avx512vl,avx512bw,fma"
                    ),
                }
            }
        )*
    };
}

kernels! {
    f64, f64: 1, Array<f64, 4>, 1, F64x4, F64x8;
    f32, f32: 1, Array<f32, 4>, 2, F32x8, F32x16;
    complex64, Complex64: 2, Array<f64, 4>, 1, F64x4, F64x8;
    complex32, Complex32: 2, Array<f32, 4>, 2, F32x8, F32x16;
}
