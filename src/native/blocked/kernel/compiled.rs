//! The operations compiled for each instruction set and scalar.

use super::super::tile::{self, Update};
use super::super::wide::Few;
use super::super::{leaf, pack, solve};
use super::{Kernel, Kernels};
use crate::native::set::Set;
#[cfg(target_arch = "x86_64")]
use crate::native::x86::{F32x8, F32x16, F64x4, F64x8};
use num_complex::{Complex32, Complex64};

/// The operations with a vector of the set, the vectors and real columns of its tile, and the parts
/// of a number.
macro_rules! kernel {
    ($t:ty, $v:ty, $high:literal, $width:literal, $parts:literal $(, $features:literal)?) => {{
        const WIDE: usize = $width / $parts;
        $(#[target_feature(enable = $features)])?
        unsafe fn update(task: &Update<$t>) {
            // SAFETY: the caller's promise, here and below.
            unsafe { tile::update::<$v, $t, $high, $width, $parts>(task) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn left(depth: usize, l: *const $t, stride: usize, strips: *mut $t, count: usize) {
            // SAFETY: see above.
            unsafe { solve::left::<$v, $t, $width, $parts>(depth, l, stride, strips, count) }
        }
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
                solve::right::<$v, $t, $high, $width, $parts>(depth, first, triangle, inverses, strip)
            }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn factor(
            rows: usize,
            columns: usize,
            a: *mut $t,
            stride: usize,
            exchanged: *mut usize,
        ) -> Option<usize> {
            // SAFETY: see above.
            unsafe { leaf::factor::<$v, $t, $parts>(rows, columns, a, stride, exchanged) }
        }
        $(#[target_feature(enable = $features)])?
        unsafe fn pack_rows(
            rows: usize,
            columns: usize,
            from: *const $t,
            stride: usize,
            strip: *mut $t,
        ) {
            // SAFETY: see above.
            unsafe { pack::rows::<$v, $t, $high, $parts>(rows, columns, from, stride, strip) }
        }
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
                pack::unpack_rows::<$v, $t, $high, $parts>(rows, 0..columns, strip, to, stride)
            }
        }
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
            unsafe { pack::unpack_rows::<$v, $t, $high, $parts>(rows, places, strip, to, stride) }
        }
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
        $(#[target_feature(enable = $features)])?
        unsafe fn largest(depth: usize, strip: *const $t, sizes: *mut $t) {
            // SAFETY: see above.
            unsafe { pack::largest::<$v, $t, $width, $parts>(depth, strip, sizes) }
        }
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
            high: $high * <$v as crate::native::vector::Vector>::LANES / $parts,
            wide: WIDE,
            lanes: <$v as crate::native::vector::Vector>::LANES / $parts,
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

macro_rules! kernels {
    ($($t:ty: $parts:literal, $few:ty, $high:literal, $avx2:ident, $avx512:ident;)*) => {$(
        impl Kernels for $t {
            fn blocked(set: Set) -> Kernel<Self> {
                match set {
                    Set::Portable => kernel!($t, $few, $high, 4, $parts),
                    // What the compiler makes of the portable kernel is NEON already.
                    #[cfg(target_arch = "aarch64")]
                    Set::Neon => kernel!($t, $few, $high, 4, $parts),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => kernel!($t, $avx2, 3, 4, $parts, "avx2,fma"),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => kernel!(
                        $t, $avx512, 3, 8, $parts, "avx512f,avx512dq,avx512vl,avx512bw,fma"
                    ),
                }
            }
        }
    )*};
}

kernels! {
    f64: 1, Few<f64, 4>, 1, F64x4, F64x8;
    f32: 1, Few<f32, 4>, 2, F32x8, F32x16;
    Complex64: 2, Few<f64, 4>, 1, F64x4, F64x8;
    Complex32: 2, Few<f32, 4>, 2, F32x8, F32x16;
}
