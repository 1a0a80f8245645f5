//! What the tests share: sets, scalars, random numbers, and oracles.

use crate::norm::{self, ScaledNorm};
use crate::plain::gemm::{Block, set_product};
use crate::scalar::Scalar;
use crate::simd::set::Set;
use num_complex::{Complex32, Complex64};
use rand::Rng;
use rand::rngs::StdRng;

/// The sets of this machine; those it lacks are named.
pub(crate) fn sets() -> Vec<Set> {
    let (has, lacks): (Vec<Set>, Vec<Set>) = Set::ALL.iter().partition(|set| set.is_available());
    for set in lacks {
        println!("not tested: this machine has no {}", set.name());
    }
    has
}

/// Calls a test for every scalar; for Miri, which takes a thousand times as long, two have to do.
macro_rules! for_every_scalar {
    ($test:ident($($argument:expr),*)) => {{
        $test::<f32>($($argument),*);
        $test::<num_complex::Complex64>($($argument),*);
        if !cfg!(miri) {
            $test::<f64>($($argument),*);
            $test::<num_complex::Complex32>($($argument),*);
        }
    }};
}
pub(crate) use for_every_scalar;

/// What a test knows of a scalar: how to make one of its parts, and its bits.
pub(crate) trait Parts: Scalar {
    fn of(re: f64, im: f64) -> Self;
    fn bits(self) -> [u64; 2];
    /// Any bits for each part: as many as it has.
    fn of_bits(re: u64, im: u64) -> Self;
}

macro_rules! parts {
    ($($real:ident, $complex:ident);*) => {$(
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        impl Parts for $real {
            fn of(re: f64, _: f64) -> Self {
                Self::from_f64(re)
            }
            fn bits(self) -> [u64; 2] {
                [f64::from(self).to_bits(), 0]
            }
            fn of_bits(re: u64, _: u64) -> Self {
                $real::from_bits(re as _)
            }
        }
        #[allow(clippy::cast_possible_truncation)] // any bits will do
        impl Parts for $complex {
            fn of(re: f64, im: f64) -> Self {
                Self::new($real::from_f64(re), $real::from_f64(im))
            }
            fn bits(self) -> [u64; 2] {
                [f64::from(self.re).to_bits(), f64::from(self.im).to_bits()]
            }
            fn of_bits(re: u64, im: u64) -> Self {
                Self::new($real::from_bits(re as _), $real::from_bits(im as _))
            }
        }
    )*};
}

parts!(f32, Complex32; f64, Complex64);

pub(crate) fn random<T: Parts>(len: usize, rng: &mut StdRng) -> Vec<T> {
    let mut number = || rng.random_range(-1.0..1.0);
    (0..len).map(|_| T::of(number(), number())).collect()
}

pub(crate) fn bits<T: Parts>(a: &[T]) -> Vec<[u64; 2]> {
    a.iter().map(|x| x.bits()).collect()
}

/// Runs a test on a stack that is large enough for OpenBLAS with several threads.
pub(crate) fn on_large_stack(test: fn()) {
    let thread = std::thread::Builder::new().stack_size(64 << 20).spawn(test);
    thread.unwrap().join().unwrap();
}

/// ‖I − XA‖₁ and ‖I − AX‖₁ divided by n ‖A‖₁ ‖X‖₁ ε: LAPACK's `dget03`, on either side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ratios {
    pub(crate) left: f64,
    pub(crate) right: f64,
}

impl Ratios {
    /// Of matrices of order `n`, by columns.
    pub(crate) fn of<T: Scalar>(n: usize, a: &[T], x: &[T]) -> Self {
        let norms = [norm_of(n, a), norm_of(n, x)];
        let ratio = |p: &[T], q: &[T]| {
            let mut rest = vec![T::zero(); n * n];
            set_product(&mut rest, n, Block::new(p, n, n, n), Block::new(q, n, n, n));
            rest.iter_mut().step_by(n + 1).for_each(|d| *d = *d - T::one());
            let rest = norm_of(n, &rest);
            // In turn, which keeps clear of overflow.
            let factor = norms[0].factor * norms[1].factor / rest.factor;
            rest.value / norms[0].value / norms[1].value * factor / T::UNIT_ROUNDOFF / n as f64
        };
        Ratios { left: ratio(x, a), right: ratio(a, x) }
    }

    /// Whether the better side is below LAPACK's threshold.
    pub(crate) fn passes(&self) -> bool {
        self.left < 30.0 || self.right < 30.0
    }
}

/// The largest sum of a column.
pub(crate) fn norm_of<T: Scalar>(n: usize, a: &[T]) -> ScaledNorm {
    let norm = |factor: f64| {
        let sum = |column: &[T]| column.iter().map(|&x| norm::size(x, factor)).sum();
        norm::largest(a.chunks_exact(n).map(sum))
    };
    norm::scaled(norm, f64::is_finite)
}

/// det / |det| and log |det| by elimination as in a textbook, in double precision.
pub(crate) fn determinant<T: Scalar>(n: usize, a: &[T]) -> (Complex64, f64) {
    let mut a: Vec<_> = a.iter().map(|x| Complex64::new(x.re().into(), x.im().into())).collect();
    let (mut sign, mut log) = (Complex64::new(1.0, 0.0), 0.0);
    for k in 0..n {
        let size = |i: &usize| a[k * n + i].norm();
        let pivot = (k..n).max_by(|i, j| size(i).total_cmp(&size(j))).expect("rows are left");
        if pivot != k {
            (0..n).for_each(|j| a.swap(j * n + k, j * n + pivot));
            sign = -sign;
        }
        let d = a[k * n + k];
        sign *= d / d.norm();
        log += d.norm().ln();
        for j in k + 1..n {
            let factor = a[j * n + k] / d;
            for i in k + 1..n {
                let l = a[k * n + i];
                a[j * n + i] -= l * factor;
            }
        }
    }
    (sign, log)
}
