//! Random matrices, real or complex.

use matinv::Scalar;
use matinv::num_complex::Complex64;
use ndarray::{Array1, Array2, s};
use rand::Rng;
use rand_distr::StandardNormal;

/// A scalar that can be drawn from the standard normal distribution.
pub(crate) trait Normal: Scalar {
    /// Draws one; complex: both parts.
    fn draw(source: &mut impl Rng) -> Self;
}

impl Normal for f64 {
    fn draw(source: &mut impl Rng) -> Self {
        source.sample(StandardNormal)
    }
}

impl Normal for Complex64 {
    fn draw(source: &mut impl Rng) -> Self {
        let re = source.sample(StandardNormal);
        Complex64::new(re, source.sample(StandardNormal))
    }
}

/// Independent standard normal elements.
pub(crate) fn normal<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    Array2::from_shape_simple_fn((n, n), || T::draw(source))
}

/// GGᴴ/n + I.
pub(crate) fn positive_definite<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    let g: Array2<T> = normal(n, source);
    let product = g.dot(&g.t().mapv(Scalar::conj));
    let mut a = product.mapv(|x| x.over(n as f64));
    a.diag_mut().mapv_inplace(|x| x + T::one());
    // Rounding may differ between the triangles: only one of them counts.
    mean(&a, Scalar::conj)
}

/// (G + Gᵀ)/2.
pub(crate) fn symmetric<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    mean(&normal(n, source), |x| x)
}

/// (G + Gᴴ)/2.
pub(crate) fn hermitian<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    mean(&normal(n, source), Scalar::conj)
}

/// The mean of a matrix and its mirror image; exactly equal to its own mirror image.
fn mean<T: Normal>(a: &Array2<T>, mirror: fn(T) -> T) -> Array2<T> {
    Array2::from_shape_fn(a.raw_dim(), |(i, j)| (a[(i, j)] + mirror(a[(j, i)])).over(2.0))
}

/// Elements of modulus 1 to 2 or so, on a diagonal.
pub(crate) fn diagonal<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    Array2::from_diag(&Array1::from_shape_simple_fn(n, || away_from_zero(source)))
}

fn away_from_zero<T: Normal>(source: &mut impl Rng) -> T {
    let x = T::draw(source);
    x + phase(x)
}

/// x / |x|, or 1.
fn phase<T: Normal>(x: T) -> T {
    if x.modulus() > 0.0 { x.over(x.modulus()) } else { T::one() }
}

/// A dominant diagonal, and small normal elements above it: a random triangle as it comes would
/// have a condition that grows as 2ⁿ.
pub(crate) fn upper<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    Array2::from_shape_fn((n, n), |(i, j)| match i.cmp(&j) {
        std::cmp::Ordering::Less => T::draw(source).over(n as f64),
        std::cmp::Ordering::Equal => away_from_zero(source),
        std::cmp::Ordering::Greater => T::zero(),
    })
}

/// Uniformly distributed (Haar): a product of random reflections, Stewart's method (SIAM J. Numer.
/// Anal. 17, 1980).
pub(crate) fn orthogonal<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    let mut q = Array2::eye(n);
    for k in (0..n).rev() {
        let mut v = Array1::from_shape_simple_fn(n - k, || T::draw(source));
        let sign = phase(v[0]);
        let norm = v.iter().map(|x| x.modulus().powi(2)).sum::<f64>().sqrt();
        v[0] = v[0] + sign.scale(norm);
        let square: f64 = v.iter().map(|x| x.modulus().powi(2)).sum();
        let mut block = q.slice_mut(s![k.., k..]);
        if square > 0.0 {
            let row = v.mapv(Scalar::conj).dot(&block);
            for (mut line, &x) in block.rows_mut().into_iter().zip(&v) {
                line.scaled_add(-x.scale(2.0 / square), &row);
            }
        }
        // The reflection sends the random vector to −sign times the axis.
        block.row_mut(0).mapv_inplace(|x| -(sign * x));
    }
    q
}

/// Normal elements, and a column of zeros in the middle.
pub(crate) fn singular<T: Normal>(n: usize, source: &mut impl Rng) -> Array2<T> {
    let mut a = normal(n, source);
    if n > 0 {
        a.column_mut(n / 2).fill(T::zero());
    }
    a
}

/// `UΣVᴴ` with singular values from 1 down to 1/`condition` in geometric progression.
pub(crate) fn ill_conditioned<T: Normal>(
    n: usize,
    condition: f64,
    source: &mut impl Rng,
) -> Array2<T> {
    let mut u: Array2<T> = orthogonal(n, source);
    for (j, mut column) in u.columns_mut().into_iter().enumerate() {
        let power = j as f64 / n.saturating_sub(1).max(1) as f64;
        let singular_value = condition.powf(-power);
        column.mapv_inplace(|x| x.scale(singular_value));
    }
    u.dot(&orthogonal::<T>(n, source))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    fn source() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    fn deviates_from_identity<T: Normal>(a: &Array2<T>) -> f64 {
        let rest = a - &Array2::eye(a.nrows());
        rest.iter().map(|x| x.modulus()).fold(0.0, f64::max)
    }

    #[test]
    fn orthogonal_matrices_are() {
        for n in [0, 1, 2, 7, 50] {
            let q: Array2<f64> = orthogonal(n, &mut source());
            assert!(deviates_from_identity(&q.dot(&q.t())) < 1e-14);
            let u: Array2<Complex64> = orthogonal(n, &mut source());
            assert!(deviates_from_identity(&u.dot(&u.t().mapv(Scalar::conj))) < 1e-14);
        }
    }

    #[test]
    fn orthogonal_matrices_have_no_preferred_direction() {
        let mut source = source();
        let mut sums = [0.0; 4];
        for _ in 0..4000 {
            let q: Array2<f64> = orthogonal(2, &mut source);
            for (sum, x) in sums.iter_mut().zip(&q) {
                *sum += x / 4000.0;
            }
        }
        assert!(sums.iter().all(|mean| mean.abs() < 0.05), "{sums:?}");
    }

    #[test]
    fn symmetry_is_exact() {
        let a: Array2<Complex64> = symmetric(9, &mut source());
        assert_eq!(a, a.t());
        for a in [hermitian::<Complex64>(9, &mut source()), positive_definite(9, &mut source())] {
            assert_eq!(a, a.t().mapv(Scalar::conj));
        }
    }
}
