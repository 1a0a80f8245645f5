//! Singular values by rotations of columns (Jacobi, one-sided), after QR with column pivoting.
//!
//! A Π = Q R, and rotations make the columns of Rᴴ orthogonal: Rᴴ V = U Σ. Then A = (Q V) Σ (Π U)ᴴ.
//! Drmač & Veselić, *New fast and accurate Jacobi SVD algorithm*, SIAM J. Matrix Anal. Appl. 29
//! (2008): after the QR step few sweeps are left, and small singular values of a matrix with badly
//! scaled columns are as accurate as the large ones.

use crate::contract::Svd;
use crate::scalar::Scalar;
use crate::simd::set::vectorized;

/// Sweeps over all pairs after which it is given up. Ten are many.
const SWEEPS: usize = 60;

vectorized! {
    /// Decomposes a matrix of order `n`, whose largest elements are near 1 (see `pseudo_inverse`), so
    /// that squares neither overflow nor underflow where it matters. `None` if it does not converge, or
    /// is stopped.
    pub(crate) fn decompose[T: Scalar](
        n: usize,
        a: &mut [T],
        is_stopped: &dyn Fn() -> bool,
    ) -> Option<Svd<T>> {
        let mut q = vec![T::zero(); n * n];
        let order = triangularize(n, a, &mut q, is_stopped)?;
        orthogonalize(n, a, &mut q, is_stopped).then(|| sorted(n, a, &q, &order))
    }
}

/// ‖x‖₂².
#[inline(always)]
fn square<T: Scalar>(x: &[T]) -> f64 {
    dot(x, x).re().into()
}

/// xᴴy, in eight sums that a vector can hold.
#[inline(always)]
fn dot<T: Scalar>(x: &[T], y: &[T]) -> T {
    let mut sums = [T::zero(); 8];
    let (x, x_rest) = x.as_chunks::<8>();
    let (y, y_rest) = y.as_chunks::<8>();
    for (x, y) in x.iter().zip(y) {
        for ((sum, &x), &y) in sums.iter_mut().zip(x).zip(y) {
            *sum = *sum + x.conj() * y;
        }
    }
    for ((sum, &x), &y) in sums.iter_mut().zip(x_rest).zip(y_rest) {
        *sum = *sum + x.conj() * y;
    }
    sums.into_iter().fold(T::zero(), |sum, x| sum + x)
}

/// Replaces A by Rᴴ and makes `q` Q; returns the columns of A in the order of R's, unless it is stopped.
#[inline(always)]
fn triangularize<T: Scalar>(
    n: usize,
    a: &mut [T],
    q: &mut [T],
    is_stopped: &dyn Fn() -> bool,
) -> Option<Vec<usize>> {
    let mut order: Vec<usize> = (0..n).collect();
    let mut squares: Vec<f64> = a.chunks_exact(n).map(square).collect();
    let mut reference = squares.clone();
    // R's diagonal, and twice the reciprocal squares of the reflectors that stand below it.
    let (mut diagonal, mut factors) = (vec![T::zero(); n], vec![0.0; n]);
    for k in 0..n {
        if is_stopped() {
            return None;
        }
        let mut largest = k;
        for j in k + 1..n {
            if squares[j] > squares[largest] {
                largest = j;
            }
        }
        if largest != k {
            let (left, right) = a.split_at_mut(largest * n);
            left[k * n..][..n].swap_with_slice(&mut right[..n]);
            order.swap(k, largest);
            squares.swap(k, largest);
            reference.swap(k, largest);
        }
        let (left, right) = a.split_at_mut((k + 1) * n);
        let v = &mut left[k * n + k..];
        let norm = square(v).sqrt();
        let head = v[0].modulus();
        // The sign that adds up.
        let beta = if head > 0.0 { -v[0].over(head).scale(norm) } else { T::from_f64(-norm) };
        diagonal[k] = beta;
        v[0] = v[0] - beta;
        let length = square(v);
        factors[k] = if length > 0.0 { 2.0 / length } else { 0.0 };
        for (j, y) in right.chunks_exact_mut(n).enumerate() {
            let j = j + k + 1;
            reflect(v, factors[k], &mut y[k..]);
            // What the column has left. Computed anew once cancellation has eaten half its digits.
            squares[j] -= y[k].modulus().powi(2);
            if squares[j] <= T::UNIT_ROUNDOFF.sqrt() * reference[j] {
                squares[j] = square(&y[k + 1..]);
                reference[j] = squares[j];
            }
        }
    }
    for k in (0..n).rev() {
        if is_stopped() {
            return None;
        }
        q[k * n + k] = T::one();
        for column in q[k * n..].chunks_exact_mut(n) {
            reflect(&a[k * n + k..(k + 1) * n], factors[k], &mut column[k..]);
        }
    }
    for i in 0..n {
        a[i * n + i] = diagonal[i].conj();
        for j in i + 1..n {
            a[i * n + j] = a[j * n + i].conj();
            a[j * n + i] = T::zero();
        }
    }
    Some(order)
}

/// y = (I − f v vᴴ) y.
#[inline(always)]
fn reflect<T: Scalar>(v: &[T], f: f64, y: &mut [T]) {
    let factor = dot(v, y).scale(f);
    for (y, &v) in y.iter_mut().zip(v) {
        *y = *y - v * factor;
    }
}

/// Rotates columns of `x`, and those of `q` with them, until all are orthogonal, or it is stopped.
#[inline(always)]
fn orthogonalize<T: Scalar>(
    n: usize,
    x: &mut [T],
    q: &mut [T],
    is_stopped: &dyn Fn() -> bool,
) -> bool {
    let orthogonal = 2.0 * T::UNIT_ROUNDOFF * (n as f64).sqrt();
    let mut squares = vec![0.0; n];
    for _ in 0..SWEEPS {
        for (square_of, column) in squares.iter_mut().zip(x.chunks_exact(n)) {
            *square_of = square(column);
        }
        let mut rotated = false;
        for p in 0..n {
            if is_stopped() {
                return false;
            }
            // De Rijk's pivoting: the largest column that is left comes first.
            let largest =
                (p + 1..n).fold(p, |best, j| if squares[j] > squares[best] { j } else { best });
            if largest != p {
                swap_columns(n, x, p, largest);
                swap_columns(n, q, p, largest);
                squares.swap(p, largest);
            }
            for j in p + 1..n {
                let (first, second) = columns(n, x, p, j);
                // A square that underflows belongs to no singular value that counts.
                let bound = orthogonal * squares[p].sqrt() * squares[j].sqrt();
                let product = dot(first, second);
                let size = product.modulus();
                if size <= bound {
                    continue;
                }
                rotated = true;
                let zeta = (squares[j] - squares[p]) / (2.0 * size);
                let tangent = zeta.signum() / (zeta.abs() + zeta.hypot(1.0));
                let cosine = 1.0 / tangent.hypot(1.0);
                let sine = product.over(size).scale(cosine * tangent);
                let cosine_of = T::from_f64(cosine);
                rotate(first, second, cosine_of, sine);
                let (left, right) = columns(n, q, p, j);
                rotate(left, right, cosine_of, sine);
                squares[p] = square(&x[p * n..][..n]);
                squares[j] = square(&x[j * n..][..n]);
            }
        }
        if !rotated {
            return true;
        }
    }
    false
}

/// x, y = c x − s̄ y, s x + c y.
#[inline(always)]
fn rotate<T: Scalar>(x: &mut [T], y: &mut [T], c: T, s: T) {
    let conj = s.conj();
    for (x, y) in x.iter_mut().zip(y) {
        (*x, *y) = (c * *x - conj * *y, s * *x + c * *y);
    }
}

/// Columns `i` < `j`.
fn columns<T>(n: usize, a: &mut [T], i: usize, j: usize) -> (&mut [T], &mut [T]) {
    let (left, right) = a.split_at_mut(j * n);
    (&mut left[i * n..][..n], &mut right[..n])
}

fn swap_columns<T>(n: usize, a: &mut [T], i: usize, j: usize) {
    let (left, right) = columns(n, a, i, j);
    left.swap_with_slice(right);
}

/// U Σ in `x`, Q V in `q`: the decomposition, largest singular value first.
fn sorted<T: Scalar>(n: usize, x: &[T], q: &[T], order: &[usize]) -> Svd<T> {
    let values: Vec<f64> = x.chunks_exact(n).map(|column| square(column).sqrt()).collect();
    let mut ranks: Vec<usize> = (0..n).collect();
    ranks.sort_by(|&i, &j| values[j].total_cmp(&values[i]));
    let mut svd = Svd {
        u: Vec::with_capacity(n * n),
        s: ranks.iter().map(|&j| values[j]).collect(),
        vt: vec![T::zero(); n * n],
    };
    for (row, &j) in ranks.iter().enumerate() {
        svd.u.extend_from_slice(&q[j * n..][..n]);
        if values[j] > 0.0 {
            for (&column, &x) in order.iter().zip(&x[j * n..][..n]) {
                svd.vt[column * n + row] = x.over(values[j]).conj();
            }
        }
    }
    svd
}
