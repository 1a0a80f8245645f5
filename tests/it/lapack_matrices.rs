//! The matrices of LAPACK's test suite: `dlatb4` says which, `dlatms` (`dlagge`, `dlagsy`,
//! `zlaghe`, `zlagsy`, `dlattr`) how: prescribed singular values between random reflections.

use crate::scalars::Field;
use matinv::Scalar;
use matinv::ndarray::{Array1, Array2, ArrayRef1, ArrayRef2, s};
use rand::Rng;
use rand::rngs::StdRng;
use rand_distr::StandardNormal;

/// Singular values from `norm` down to `norm / condition`, in geometric progression (mode 3).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Spectrum {
    pub(crate) condition: f64,
    pub(crate) norm: f64,
}

impl Spectrum {
    pub(crate) fn conditioned(condition: f64) -> Self {
        Spectrum { condition, norm: 1.0 }
    }

    /// Well conditioned, near underflow: `dlatb4`'s `SMALL`.
    pub(crate) fn small<T: Field>() -> Self {
        Spectrum { condition: 2.0, norm: 0.25 * T::SAFE_MINIMUM / (2.0 * T::UNIT_ROUNDOFF) }
    }

    /// Well conditioned, near overflow: `dlatb4`'s `LARGE`.
    pub(crate) fn large<T: Field>() -> Self {
        Spectrum { condition: 2.0, norm: 1.0 / Self::small::<T>().norm }
    }

    /// Condition √(0.1/ε): `dlatb4`'s `BADC1`.
    pub(crate) fn bad<T: Field>() -> Self {
        Self::conditioned((0.1 / (2.0 * T::UNIT_ROUNDOFF)).sqrt())
    }

    /// Condition 0.1/ε: `dlatb4`'s `BADC2`.
    pub(crate) fn worst<T: Field>() -> Self {
        Self::conditioned(0.1 / (2.0 * T::UNIT_ROUNDOFF))
    }

    /// The singular values, for norm 1. The norm is multiplied in last, so that nothing on the
    /// way there under- or overflows.
    fn values(self, n: usize) -> impl Iterator<Item = f64> {
        let steps = n.saturating_sub(1).max(1) as f64;
        (0..n).map(move |i| self.condition.powf(-(i as f64) / steps))
    }

    fn scaled<T: Field>(self, a: &Array2<T>) -> Array2<T> {
        a.mapv(|x| x.scale(self.norm))
    }
}

/// A number from the (complex) standard normal distribution.
pub(crate) fn normal<T: Field>(rng: &mut StdRng) -> T {
    T::of(rng.sample(StandardNormal), rng.sample(StandardNormal))
}

/// A matrix of independent normal numbers.
pub(crate) fn gaussian<T: Field>(n: usize, rng: &mut StdRng) -> Array2<T> {
    Array2::from_shape_simple_fn((n, n), || normal(rng))
}

fn gaussian_vector<T: Field>(n: usize, rng: &mut StdRng) -> Array1<T> {
    Array1::from_shape_simple_fn(n, || normal(rng))
}

fn squared_norm<T: Field>(v: &ArrayRef1<T>) -> f64 {
    v.iter().map(|x| x.modulus().powi(2)).sum()
}

/// A ← HA with the reflection H = I − 2vvᴴ/vᴴv.
fn reflect_rows<T: Field>(a: &mut ArrayRef2<T>, v: &ArrayRef1<T>) {
    let tau = 2.0 / squared_norm(v);
    for mut column in a.columns_mut() {
        let dot = column.iter().zip(v).fold(T::zero(), |sum, (&x, &v)| sum + v.conj() * x);
        let dot = dot.scale(tau);
        column.zip_mut_with(v, |x, &v| *x = *x - v * dot);
    }
}

/// A ← AH with the reflection H = I − 2vvᴴ/vᴴv.
fn reflect_columns<T: Field>(a: &mut ArrayRef2<T>, v: &ArrayRef1<T>) {
    let tau = 2.0 / squared_norm(v);
    for mut row in a.rows_mut() {
        let dot = row.iter().zip(v).fold(T::zero(), |sum, (&x, &v)| sum + x * v);
        let dot = dot.scale(tau);
        row.zip_mut_with(v, |x, &v| *x = *x - dot * v.conj());
    }
}

fn diagonal_of<T: Field>(values: impl Iterator<Item = f64>) -> Array2<T> {
    Array2::from_diag(&values.map(T::from_f64).collect::<Array1<T>>())
}

/// A diagonal matrix.
pub(crate) fn diagonal<T: Field>(n: usize, spectrum: Spectrum, rng: &mut StdRng) -> Array2<T> {
    let mut a = diagonal_of::<T>(spectrum.values(n));
    for d in a.diag_mut() {
        let phase = normal::<T>(rng);
        *d = *d * phase.over(phase.modulus());
    }
    spectrum.scaled(&a)
}

/// U·D·V with random unitary U and V (`dlagge`).
pub(crate) fn general<T: Field>(n: usize, spectrum: Spectrum, rng: &mut StdRng) -> Array2<T> {
    let mut a = diagonal_of::<T>(spectrum.values(n));
    for i in (0..n).rev() {
        reflect_rows(&mut a.slice_mut(s![i.., ..]), &gaussian_vector(n - i, rng));
        reflect_columns(&mut a.slice_mut(s![.., i..]), &gaussian_vector(n - i, rng));
    }
    spectrum.scaled(&a)
}

/// An upper triangular matrix of given singular values: the R of a general one.
pub(crate) fn upper<T: Field>(n: usize, spectrum: Spectrum, rng: &mut StdRng) -> Array2<T> {
    let mut a = general::<T>(n, Spectrum { norm: 1.0, ..spectrum }, rng);
    for k in 0..n.saturating_sub(1) {
        let mut v = a.slice(s![k.., k]).to_owned();
        let (norm, first) = (squared_norm(&v).sqrt(), v[0]);
        // Away from cancellation: v₀ grows in its own direction.
        let sign = if first == T::zero() { T::one() } else { first.over(first.modulus()) };
        v[0] = first + sign.scale(norm);
        reflect_rows(&mut a.slice_mut(s![k.., k..]), &v);
        a.slice_mut(s![k + 1.., k]).fill(T::zero());
    }
    spectrum.scaled(&a)
}

/// An upper triangular matrix with ones on its diagonal and, but for a well-conditioned factor,
/// singular values √c, 1, …, 1, 1/√c (`dlattr`).
pub(crate) fn unit_upper<T: Field>(n: usize, condition: f64, rng: &mut StdRng) -> Array2<T> {
    let mut a = Array2::<T>::eye(n);
    if n < 2 {
        return a;
    }
    let root = condition.sqrt().sqrt();
    let x = root - 1.0 / root;
    let y = if n > 2 { (2.0 / (n - 2) as f64).sqrt() * x } else { 0.0 };
    a.slice_mut(s![0, 1..n - 1]).fill(T::from_f64(y));
    a.slice_mut(s![1..n - 1, n - 1]).fill(T::from_f64(y));
    a[[0, n - 1]] = T::from_f64(x * x);
    let filler = Array2::from_shape_fn((n, n), |(i, j)| match i.cmp(&j) {
        std::cmp::Ordering::Less => normal::<T>(rng).over(4.0 * n as f64),
        std::cmp::Ordering::Equal => T::one(),
        std::cmp::Ordering::Greater => T::zero(),
    });
    a.dot(&filler)
}

/// What a symmetric matrix stays the same under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mirror {
    /// A = Aᵀ.
    Transpose,
    /// A = Aᴴ.
    Adjoint,
}

/// The eigenvalues of a symmetric matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signs {
    Positive,
    /// Of alternating sign: indefinite from order 2.
    Alternating,
}

/// U·D·Uᴴ, or U·D·Uᵀ, with random unitary U (`dlagsy`, `zlaghe`, `zlagsy`); exactly symmetric.
pub(crate) fn symmetric<T: Field>(
    n: usize,
    mirror: Mirror,
    signs: Signs,
    spectrum: Spectrum,
    rng: &mut StdRng,
) -> Array2<T> {
    let sign = |i| if signs == Signs::Alternating && i % 2 == 1 { -1.0 } else { 1.0 };
    let mut a = diagonal_of::<T>(spectrum.values(n).enumerate().map(|(i, d)| sign(i) * d));
    for i in (0..n.saturating_sub(1)).rev() {
        let v = gaussian_vector::<T>(n - i, rng);
        let mut rest = a.slice_mut(s![i.., i..]);
        reflect_rows(&mut rest, &v);
        match mirror {
            Mirror::Adjoint => reflect_columns(&mut rest, &v),
            Mirror::Transpose => reflect_columns(&mut rest, &v.mapv(Scalar::conj)),
        }
    }
    make_exact(&mut a, mirror);
    spectrum.scaled(&a)
}

/// Makes the upper triangle the mirror of the lower one.
pub(crate) fn make_exact<T: Field>(a: &mut Array2<T>, mirror: Mirror) {
    let n = a.nrows();
    for j in 0..n {
        for i in j..n {
            let x = a[[i, j]];
            match mirror {
                Mirror::Transpose => a[[j, i]] = x,
                Mirror::Adjoint if i == j => a[[j, i]] = T::from_f64(x.parts().0),
                Mirror::Adjoint => a[[j, i]] = x.conj(),
            }
        }
    }
}
