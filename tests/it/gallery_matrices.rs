//! Named test matrices (Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd ed.,
//! chapter 28, and his MATLAB `gallery`), with exact inverses where there is a formula.

use matinv::ndarray::Array2;
use std::f64::consts::PI;

fn from(n: usize, element: impl Fn(usize, usize) -> f64) -> Array2<f64> {
    Array2::from_shape_fn((n, n), |(i, j)| element(i, j))
}

/// Binomial coefficient; exact below 2⁵³.
fn choose(n: usize, k: usize) -> f64 {
    if k > n { 0.0 } else { (0..k).fold(1.0, |c, i| c * (n - i) as f64 / (i + 1) as f64) }
}

fn alternating(exponent: usize) -> f64 {
    if exponent.is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// 1 / (i + j + 1).
pub(crate) fn hilbert(n: usize) -> Array2<f64> {
    from(n, |i, j| 1.0 / (i + j + 1) as f64)
}

/// The exact (integer) inverse of the Hilbert matrix; its elements are below 2⁵³ up to order 12.
pub(crate) fn inverse_hilbert(n: usize) -> Array2<f64> {
    from(n, |i, j| {
        alternating(i + j)
            * (i + j + 1) as f64
            * choose(n + i, n - j - 1)
            * choose(n + j, n - i - 1)
            * choose(i + j, i).powi(2)
    })
}

/// The Hilbert matrix with a first row of ones.
pub(crate) fn lotkin(n: usize) -> Array2<f64> {
    from(n, |i, j| if i == 0 { 1.0 } else { 1.0 / (i + j + 1) as f64 })
}

/// Binomial coefficients.
pub(crate) fn pascal(n: usize) -> Array2<f64> {
    from(n, |i, j| choose(i + j, i))
}

/// The exact (integer) inverse of the Pascal matrix: LᵀL with signs, of its Cholesky factor L.
pub(crate) fn inverse_pascal(n: usize) -> Array2<f64> {
    from(n, |i, j| {
        let terms = (i.max(j)..n).map(|k| choose(k, i) * choose(k, j));
        alternating(i + j) * terms.sum::<f64>()
    })
}

/// min(i, j) / max(i, j), counted from 1.
pub(crate) fn lehmer(n: usize) -> Array2<f64> {
    from(n, |i, j| (i.min(j) + 1) as f64 / (i.max(j) + 1) as f64)
}

/// min(i, j), counted from 1.
pub(crate) fn minij(n: usize) -> Array2<f64> {
    from(n, |i, j| (i.min(j) + 1) as f64)
}

/// The exact inverse of [`minij`]: second differences.
pub(crate) fn inverse_minij(n: usize) -> Array2<f64> {
    from(n, |i, j| match i.abs_diff(j) {
        0 if i == n - 1 => 1.0,
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    })
}

/// Moler's: UᵀU with U upper triangular, ones on its diagonal and −1 above it.
pub(crate) fn moler(n: usize) -> Array2<f64> {
    from(n, |i, j| if i == j { (i + 1) as f64 } else { i.min(j) as f64 - 1.0 })
}

/// The exact (integer) inverse of [`moler`]: U⁻¹ has 2^(j−i−1) above its diagonal of ones.
pub(crate) fn inverse_moler(n: usize) -> Array2<f64> {
    let inverse = from(n, |i, j| match j.checked_sub(i) {
        None => 0.0,
        Some(0) => 1.0,
        Some(distance) => 2f64.powi(i32::try_from(distance).unwrap() - 1),
    });
    inverse.dot(&inverse.t())
}

/// Kahan's upper triangular matrix with sine `s`: ill-conditioned without a small diagonal.
pub(crate) fn kahan(n: usize, s: f64) -> Array2<f64> {
    let c = (1.0 - s * s).sqrt();
    from(n, |i, j| {
        let row = s.powi(i32::try_from(i).unwrap());
        match i.cmp(&j) {
            std::cmp::Ordering::Less => -c * row,
            std::cmp::Ordering::Equal => row,
            std::cmp::Ordering::Greater => 0.0,
        }
    })
}

/// Frank's upper Hessenberg matrix, of determinant 1.
pub(crate) fn frank(n: usize) -> Array2<f64> {
    from(n, |i, j| if j + 1 < i { 0.0 } else { (n - i.max(j)) as f64 })
}

/// Chebyshev polynomials at Chebyshev's points, or powers at equidistant ones.
pub(crate) fn chebyshev_vandermonde(n: usize) -> Array2<f64> {
    from(n, |i, j| (i as f64 * ((2 * j + 1) as f64 * PI / (2 * n) as f64)).cos())
}

/// Powers of the points 1/n, 2/n, …, 1.
pub(crate) fn vandermonde(n: usize) -> Array2<f64> {
    from(n, |i, j| ((j + 1) as f64 / n as f64).powi(i32::try_from(i).unwrap()))
}

/// Second differences: tridiagonal (−1, 2, −1).
pub(crate) fn tridiagonal(n: usize) -> Array2<f64> {
    from(n, |i, j| match i.abs_diff(j) {
        0 => 2.0,
        1 => -1.0,
        _ => 0.0,
    })
}

/// n + 1 times the exact inverse of [`tridiagonal`], in integers.
pub(crate) fn inverse_tridiagonal_scaled(n: usize) -> Array2<f64> {
    from(n, |i, j| ((i.min(j) + 1) * (n - i.max(j))) as f64)
}

/// Kac, Murdock and Szegő's: 2^−|i−j|.
pub(crate) fn kms(n: usize) -> Array2<f64> {
    from(n, |i, j| 0.5f64.powi(i32::try_from(i.abs_diff(j)).unwrap()))
}

/// Three times the exact inverse of [`kms`].
pub(crate) fn inverse_kms_tripled(n: usize) -> Array2<f64> {
    from(n, |i, j| match i.abs_diff(j) {
        0 if n == 1 => 3.0,
        0 if i == 0 || i == n - 1 => 4.0,
        0 => 5.0,
        1 => -2.0,
        _ => 0.0,
    })
}

/// Cauchy's 1 / (xᵢ + yⱼ), with x and y the integers from 1.
pub(crate) fn cauchy(n: usize) -> Array2<f64> {
    from(n, |i, j| 1.0 / (i + j + 2) as f64)
}

/// The exact (integer) inverse of [`cauchy`], from the product formula.
pub(crate) fn inverse_cauchy(n: usize) -> Array2<f64> {
    // (i + j + 2) C(n + i + 1, n − j − 1) C(n + j + 1, n − i − 1) C(i + j + 1, i) C(i + j + 1, j)
    from(n, |i, j| {
        alternating(i + j)
            * (i + j + 2) as f64
            * choose(n + i + 1, n - j - 1)
            * choose(n + j + 1, n - i - 1)
            * choose(i + j + 1, i)
            * choose(i + j + 1, j)
    })
}

/// Clement's tridiagonal matrix with a zero diagonal: eigenvalues ±(n − 1), ±(n − 3), …
pub(crate) fn clement(n: usize) -> Array2<f64> {
    from(n, |i, j| match (i + 1 == j, j + 1 == i) {
        (true, _) => j as f64,
        (_, true) => (n - i) as f64,
        _ => 0.0,
    })
}

/// Forsythe's perturbed Jordan block: eigenvalue 0, and `corner` in the corner.
pub(crate) fn forsythe(n: usize, corner: f64) -> Array2<f64> {
    from(n, |i, j| match (i, j) {
        _ if j == i + 1 => 1.0,
        (i, 0) if i == n - 1 => corner,
        _ => 0.0,
    })
}

/// The companion matrix of xⁿ − xⁿ⁻¹ − … − 1.
pub(crate) fn companion(n: usize) -> Array2<f64> {
    from(n, |i, j| if i == 0 || i == j + 1 { 1.0 } else { 0.0 })
}

/// Wilkinson's symmetric tridiagonal W⁺: |i − (n−1)/2| on the diagonal, ones beside it.
pub(crate) fn wilkinson(n: usize) -> Array2<f64> {
    from(n, |i, j| match i.abs_diff(j) {
        0 => (i as f64 - (n - 1) as f64 / 2.0).abs(),
        1 => 1.0,
        _ => 0.0,
    })
}

/// The magic square of order 4, of rank 3.
pub(crate) fn magic4() -> Array2<f64> {
    let rows = [[16, 2, 3, 13], [5, 11, 10, 8], [9, 7, 6, 12], [4, 14, 15, 1]];
    from(4, |i, j| f64::from(rows[i][j]))
}

/// Wilkinson's example of growth 2ⁿ⁻¹ in LU with partial pivoting.
pub(crate) fn gfpp(n: usize) -> Array2<f64> {
    from(n, |i, j| match i.cmp(&j) {
        _ if i == j || j == n - 1 => 1.0,
        std::cmp::Ordering::Greater => -1.0,
        _ => 0.0,
    })
}

/// Rosser's, of order 8: eigenvalues that are equal, nearly equal, zero and of opposite signs.
pub(crate) fn rosser() -> Array2<f64> {
    let rows = [
        [611, 196, -192, 407, -8, -52, -49, 29],
        [196, 899, 113, -192, -71, -43, -8, -44],
        [-192, 113, 899, 196, 61, 49, 8, 52],
        [407, -192, 196, 611, 8, 44, 59, -23],
        [-8, -71, 61, 8, 411, -599, 208, 208],
        [-52, -43, 49, 44, -599, 411, 208, 208],
        [-49, -8, 8, 59, 208, 208, 99, -911],
        [29, -44, 52, -23, 208, 208, -911, 99],
    ];
    from(8, |i, j| f64::from(rows[i][j]))
}

/// Hankel: 0.5 / (n − i − j − 0.5), with eigenvalues near ±π/2 (Ris; also called Ding Dong).
pub(crate) fn ris(n: usize) -> Array2<f64> {
    from(n, |i, j| 0.5 / (n as f64 - i as f64 - j as f64 - 0.5))
}

/// Toeplitz: 1 / (i − j + 0.5), with singular values near π (Parter).
pub(crate) fn parter(n: usize) -> Array2<f64> {
    from(n, |i, j| 1.0 / (i as f64 - j as f64 + 0.5))
}
