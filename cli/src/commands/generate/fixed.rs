//! Matrices without chance, entry by entry, from Higham's gallery (*Accuracy and Stability of
//! Numerical Algorithms*, 2nd ed., chapter 28, and the Test Matrix Toolbox). Indices count from 0.

use ndarray::Array2;

/// 1 / (i + j + 1).
pub(crate) fn hilbert(_: usize, i: usize, j: usize) -> f64 {
    1.0 / (i + j + 1) as f64
}

/// Lehmer's: the smaller of i + 1 and j + 1 over the larger.
pub(crate) fn lehmer(_: usize, i: usize, j: usize) -> f64 {
    (i.min(j) + 1) as f64 / (i.max(j) + 1) as f64
}

/// min(i, j) + 1; the inverse has 2 (in the last place 1) on the diagonal and −1 beside it.
pub(crate) fn minij(_: usize, i: usize, j: usize) -> f64 {
    (i.min(j) + 1) as f64
}

/// Frank's: n − max(i, j) down to the first subdiagonal, 0 below.
pub(crate) fn frank(n: usize, i: usize, j: usize) -> f64 {
    if i > j + 1 { 0.0 } else { (n - i.max(j)) as f64 }
}

/// Kahan's with θ = 1.2: sinⁱθ times the upper triangle of ones and −cos θ.
pub(crate) fn kahan(_: usize, i: usize, j: usize) -> f64 {
    let (sin, cos) = 1.2_f64.sin_cos();
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)]
    // 2³¹ rows never fit in memory
    let scale = sin.powi(i as i32);
    match i.cmp(&j) {
        std::cmp::Ordering::Less => -cos * scale,
        std::cmp::Ordering::Equal => scale,
        std::cmp::Ordering::Greater => 0.0,
    }
}

/// Moler's, `UᵀU` for U with a diagonal of ones and −1 above: i + 1 on the diagonal,
/// min(i, j) − 1 beside it.
pub(crate) fn moler(_: usize, i: usize, j: usize) -> f64 {
    if i == j { (i + 1) as f64 } else { i.min(j) as f64 - 1.0 }
}

/// xʲ for the points x = (i + 1) / n.
pub(crate) fn vandermonde(n: usize, i: usize, j: usize) -> f64 {
    ((i + 1) as f64 / n as f64).powf(j as f64)
}

/// Pascal's triangle: every element is the sum of those above it and to its left.
pub(crate) fn pascal(n: usize) -> Array2<f64> {
    let mut a = Array2::ones((n, n));
    for i in 1..n {
        for j in 1..n {
            a[(i, j)] = a[(i - 1, j)] + a[(i, j - 1)];
        }
    }
    a
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;

    fn matrix(n: usize, entry: fn(usize, usize, usize) -> f64) -> Array2<f64> {
        Array2::from_shape_fn((n, n), |(i, j)| entry(n, i, j))
    }

    #[test]
    fn entries_are_those_of_the_literature() {
        assert_eq!(matrix(2, hilbert), array![[1.0, 0.5], [0.5, 1.0 / 3.0]]);
        assert_eq!(matrix(2, lehmer), array![[1.0, 0.5], [0.5, 1.0]]);
        assert_eq!(matrix(3, minij), array![[1.0, 1.0, 1.0], [1.0, 2.0, 2.0], [1.0, 2.0, 3.0]]);
        assert_eq!(matrix(3, frank), array![[3.0, 2.0, 1.0], [2.0, 2.0, 1.0], [0.0, 1.0, 1.0]]);
        assert_eq!(pascal(3), array![[1.0, 1.0, 1.0], [1.0, 2.0, 3.0], [1.0, 3.0, 6.0]]);
        assert_eq!(matrix(2, vandermonde), array![[1.0, 0.5], [1.0, 1.0]]);
        let u = array![[1.0, -1.0, -1.0], [0.0, 1.0, -1.0], [0.0, 0.0, 1.0]];
        assert_eq!(matrix(3, moler), u.t().dot(&u));
        let (s, c) = 1.2_f64.sin_cos();
        assert_eq!(matrix(2, kahan), array![[1.0, -c], [0.0, s]]);
    }
}
