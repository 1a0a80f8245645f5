//! The algorithms compiled for every set and every scalar.
//!
//! Each kernel is a module of its own: the compiler makes machine code module by module, and as
//! many of them at once as there are cores.

#![allow(clippy::wildcard_imports)] // the modules that macros make know what this one knows

use crate::columnwise;
use crate::columnwise::Single;
use crate::columnwise::cholesky::Definite;
use crate::interleaved::args::GroupArgs;
use crate::interleaved::lu::tiny;
use crate::interleaved::{bunch_kaufman, cholesky, classify, lu, triangular};
use crate::kernel::{ALONE, EVERY, Kernel, OneByOneUpTo};
use crate::scalar::{Each, PerScalar, Scalar};
use crate::simd::lanes::{Complex, Real};
#[cfg(target_arch = "aarch64")]
use crate::simd::neon as arm;
use crate::simd::set::Set;
use crate::simd::vector::{Fused, One, Vector};
#[cfg(target_arch = "x86_64")]
use crate::simd::x86;
use num_complex::{Complex32, Complex64};

/// The kernel of a set, for each scalar.
struct Kernels;

impl PerScalar for Kernels {
    type Of<T: Scalar> = fn(Set) -> Kernel<T>;
}

/// The kernel of a set, which the machine must have.
#[inline]
pub(crate) fn kernel<T: Scalar>(set: Set) -> Kernel<T> {
    T::choose::<Kernels>(Each {
        f32: of_f32::kernel,
        f64: of_f64::kernel,
        complex32: of_complex32::kernel,
        complex64: of_complex64::kernel,
    })(set)
}

/// An entry that goes over groups: `$work` for each, to the end or to the first one that has a
/// matrix which is not inverted.
macro_rules! entry {
    ($scalar:ty, $vector:ty, $name:ident $(<$order:ident>)?, $work:expr $(, $features:literal)?) => {
        $(#[target_feature(enable = $features)])?
        unsafe fn $name$(<const $order: usize>)?(task: &mut GroupArgs<'_, $scalar>) {
            // SAFETY: the caller's promise.
            unsafe {
                loop {
                    $work(task);
                    if !task.next() {
                        break;
                    }
                }
                <$vector>::flush_stream();
            }
        }
    };
}

/// A module with the kernel of lanes `$lanes` of a vector; `$alone` are its scalars one by one.
/// Each small order is a function of its own: debug builds keep every temporary on the stack.
/// `$six` makes the one of order 6; `$wide` is 1 where orders 9 to 12 have their own too, which
/// pays with many registers only.
/// `$order` are the functions for structures, order by order; 0 is that for every order.
macro_rules! kernel {
    ($module:ident, $scalar:ty, $lanes:ty, $alone:ty, $vector:ty, $small:literal $six:ident $wide:literal,
     [$($order:literal)*],
     $r:literal $c:literal $rx:literal $cx:literal,
     $blocks:literal $tile:literal $steps:literal $pass:literal, $few:expr, $definite:expr
     $(, $features:literal)?) => {
        mod $module {
            use super::*;

            entry!($scalar, $vector, order<N>,
                lu::invert::<$lanes, _, N, $r, $c, $rx, $cx> $(, $features)?);
            entry!($scalar, $vector, tiny<N>, tiny::invert::<$lanes, _, N> $(, $features)?);
            entry!($scalar, $vector, cholesky<N>, cholesky::invert::<$lanes, _, N> $(, $features)?);
            entry!($scalar, $vector, triangle<N>, triangular::invert::<$lanes, _, N> $(, $features)?);
            entry!($scalar, $vector, cholesky_alone, cholesky::invert::<$alone, _, 0> $(, $features)?);
            entry!($scalar, $vector, triangle_alone, triangular::invert::<$alone, _, 0> $(, $features)?);
            entry!($scalar, $vector, indefinite, bunch_kaufman::invert::<$lanes, _> $(, $features)?);
            entry!($scalar, $vector, indefinite_alone, bunch_kaufman::invert::<$alone, _> $(, $features)?);
            entry!($scalar, $vector, find, classify::find::<$lanes, _> $(, $features)?);

            /// # Safety
            ///
            /// `task` is sound, `lane` one of its matrices. The CPU has the features of this entry.
            $(#[target_feature(enable = $features)])?
            unsafe fn single(task: &mut GroupArgs<'_, $scalar>, lane: usize) {
                // SAFETY: the caller's promise.
                unsafe { columnwise::invert::<$lanes, _>(task, lane, factor, solve) }
            }

            /// # Safety
            ///
            /// As [`columnwise::factor`](fn@columnwise::factor). The CPU has the features of this entry.
            $(#[target_feature(enable = $features)])?
            unsafe fn factor(
                m: &mut Single<$lanes>,
                task: &mut GroupArgs<'_, $scalar>,
                lane: usize,
            ) -> bool {
                // SAFETY: the caller's promise.
                unsafe { columnwise::factor::<$lanes, $steps, $pass>(m, task, lane) }
            }

            /// # Safety
            ///
            /// As [`columnwise::solve`](fn@columnwise::solve). The CPU has the features of this entry.
            $(#[target_feature(enable = $features)])?
            unsafe fn solve(m: &Single<$lanes>) -> bool {
                // SAFETY: the caller's promise.
                unsafe { columnwise::solve::<$lanes, $blocks, $tile>(m) }
            }

            /// # Safety
            ///
            /// `task` is sound, `lane` one of its matrices. The CPU has the features of this entry.
            $(#[target_feature(enable = $features)])?
            unsafe fn single_definite(task: &mut GroupArgs<'_, $scalar>, lane: usize) {
                // SAFETY: the caller's promise.
                unsafe {
                    columnwise::cholesky::invert::<$lanes, _>(task, lane, factor_definite, solve_definite);
                }
            }

            /// Blocks of four columns in the registers.
            const BLOCKS: usize = if $blocks * $tile < 4 { 1 } else { $blocks * $tile / 4 };

            /// # Safety
            ///
            /// As [`columnwise::cholesky::factor`]. The CPU has the features of this entry.
            $(#[target_feature(enable = $features)])?
            unsafe fn factor_definite(m: &Definite<$lanes>, task: &GroupArgs<'_, $scalar>, lane: usize) {
                // SAFETY: the caller's promise.
                unsafe { columnwise::cholesky::factor::<$lanes, _, BLOCKS>(m, task, lane) }
            }

            /// # Safety
            ///
            /// As [`columnwise::cholesky::solve`]. The CPU has the features of this entry.
            $(#[target_feature(enable = $features)])?
            unsafe fn solve_definite(m: &Definite<$lanes>) {
                // SAFETY: the caller's promise.
                unsafe { columnwise::cholesky::solve::<$lanes, BLOCKS>(m) }
            }

            #[allow(clippy::erasing_op)] // order 0 is any order
            pub(crate) fn kernel() -> Kernel<$scalar> {
                Kernel {
                    lanes: <$vector>::LANES,
                    vector: size_of::<$vector>(),
                    entries: [
                        order::<0>,
                        tiny::<1>,
                        tiny::<2>,
                        tiny::<3>,
                        tiny::<4>,
                        tiny::<5>,
                        $six::<{ 6 * $small }>,
                        order::<{ 7 * $small }>,
                        order::<{ 8 * $small }>,
                        order::<{ 9 * $wide }>,
                        order::<{ 10 * $wide }>,
                        order::<{ 11 * $wide }>,
                        order::<{ 12 * $wide }>,
                    ],
                    single,
                    single_definite,
                    few: $few,
                    few_definite: $definite,
                    positive_definite: [$(cholesky::<$order>),*],
                    indefinite,
                    triangular: [$(triangle::<$order>),*],
                    positive_definite_alone: cholesky_alone,
                    indefinite_alone,
                    triangular_alone: triangle_alone,
                    find,
                }
            }
        }
    };
}

/// A group of a few matrices is not worth the lanes, and the larger ones are too much for the second
/// level of the cache there: measured. Tiny orders always are worth them.
const FEW: OneByOneUpTo = &[(7, 1), (16, 2), (24, 4), (32, 5), (48, 6), (64, 7), (96, EVERY)];

/// The same of positive definite matrices.
const DEFINITE_REAL: OneByOneUpTo = &[(6, ALONE), (12, 1), (20, 2), (40, 3), (60, 4), (65, EVERY)];
const DEFINITE_COMPLEX: OneByOneUpTo =
    &[(6, ALONE), (12, 1), (16, 2), (28, 3), (48, 4), (60, 5), (65, EVERY)];

/// One lane has nothing to gain but a better order of work.
const FEW_OF_ONE: OneByOneUpTo = &[(20, EVERY)];
const NONE: OneByOneUpTo = &[];

/// The kernels of one scalar: one per set. `$small` is 1 where orders 6 to 8 have functions
/// of their own, and `$six` makes the first of them for as many registers as AVX-512 has; then the
/// tiles that fit the set's registers, see [`lu::invert`]; of a single
/// matrix, blocks and columns, steps and columns of elimination.
///
/// [`lu::invert`]: crate::interleaved::lu::invert
macro_rules! kernels {
    ($module:ident, $scalar:ty, $parts:ident, $real:ty, $small:literal $six:ident, $few_of_one:ident $few:ident $definite:ident,
     $avx2:ident [$($a:literal)*] [$($b:literal)*],
     $avx512:ident [$($c:literal)*] [$($d:literal)*], $neon:ident) => {
        mod $module {
            use super::*;

            kernel!(portable, $scalar, $parts<One<$real>>, $parts<One<$real>>, One<$real>, 0 order 0, [0 0 0 0 0 0],
                2 2 4 2, 4 2 2 2, $few_of_one, NONE);
            #[cfg(target_arch = "x86_64")]
            kernel!(avx2, $scalar, $parts<x86::$avx2>, $parts<Fused<$real>>, x86::$avx2, $small order 0,
                [0 1 2 3 4 5], $($a)*, $($b)*, $few, $definite, "avx2,fma");
            #[cfg(target_arch = "x86_64")]
            kernel!(avx512, $scalar, $parts<x86::$avx512>, $parts<Fused<$real>>, x86::$avx512,
                $small $six $small, [0 1 2 3 4 5], $($c)*, $($d)*, $few, $definite, "avx512f,avx512dq,avx512vl,avx512bw,fma");
            // As many registers as AVX-512, so the same tiles.
            #[cfg(target_arch = "aarch64")]
            kernel!(neon, $scalar, $parts<arm::$neon>, $parts<Fused<$real>>, arm::$neon, $small order 0,
                [0 1 2 3 4 5], $($c)*, $($d)*, $few, $definite, "neon");

            // Else every crate that calls it would compile all kernels once more.
            #[inline(never)]
            pub(super) fn kernel(set: Set) -> Kernel<$scalar> {
                match set {
                    Set::Portable => portable::kernel(),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx2 => avx2::kernel(),
                    #[cfg(target_arch = "x86_64")]
                    Set::Avx512 => avx512::kernel(),
                    #[cfg(target_arch = "aarch64")]
                    Set::Neon => neon::kernel(),
                }
            }
        }
    };
}

kernels!(of_f32, f32, Real, f32, 1 tiny, FEW_OF_ONE FEW DEFINITE_REAL,
    F32x8 [2 4 4 2] [2 4 2 4], F32x16 [4 4 8 3] [4 4 4 4], F32x4);
kernels!(of_f64, f64, Real, f64, 1 tiny, FEW_OF_ONE FEW DEFINITE_REAL,
    F64x4 [2 4 4 2] [2 4 2 4], F64x8 [4 4 8 3] [4 4 4 4], F64x2);
kernels!(of_complex32, Complex32, Complex, f32, 0 order, NONE FEW DEFINITE_COMPLEX,
    F32x8 [2 2 2 2] [2 2 2 2], F32x16 [2 4 4 2] [2 4 2 4], F32x4);
kernels!(of_complex64, Complex64, Complex, f64, 0 order, NONE FEW DEFINITE_COMPLEX,
    F64x4 [2 2 2 2] [2 2 2 2], F64x8 [2 4 4 2] [2 4 2 4], F64x2);
