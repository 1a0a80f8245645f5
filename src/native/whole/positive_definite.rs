//! Symmetric or Hermitian positive definite matrices: Cholesky's A = L Lᴴ, then A⁻¹ = L⁻ᴴ L⁻¹,
//! in the lower triangle.
//!
//! Golub & Van Loan, *Matrix Computations*, section 4.2; Higham, chapter 10.

use super::triangular::{adjoint_of, cuts, invert_lower, solve_adjoint, weighed_square};
use super::update::{set_product, subtract_product, subtract_scaled, two_columns, view, view_mut};
use super::{BLOCK, Divisor, room};
use crate::element::Scalar;
use crate::engine::{Breakdown, Facts};
use crate::native::set::vectorized;
use ndarray::{ArrayViewMut2, Axis, s};

/// Inverts in the lower triangle; the strictly upper one is not touched.
pub(super) fn invert<T: Scalar>(
    blocks: &mut Vec<T>,
    n: usize,
    a: &mut [T],
    determinant: bool,
) -> Result<Facts<T>, Breakdown> {
    factor(blocks, n, a)?;
    let determinant = determinant.then(|| {
        let log = a.iter().step_by(n + 1).map(|d| 2.0 * d.modulus().ln()).sum();
        (T::one(), log)
    });
    invert_lower(blocks, n, a);
    weighed_square(blocks, n, a, true, cuts(n), |_, _| {});
    Ok(Facts { rcond: None, determinant, overflow: None })
}

/// By block columns, each updated with all those before it.
fn factor<T: Scalar>(blocks: &mut Vec<T>, n: usize, a: &mut [T]) -> Result<(), Breakdown> {
    let buffer = room(blocks, n * BLOCK + BLOCK * BLOCK);
    let (rows, corner) = buffer.split_at_mut(n * BLOCK);
    for start in (0..n).step_by(BLOCK) {
        let end = n.min(start + BLOCK);
        let width = end - start;
        let (before, columns) = a.split_at_mut(start * n);
        let below = view_mut(&mut columns[start..], n, n - start, width);
        let (mut diagonal, mut below) = below.split_at(Axis(0), width);
        if start > 0 {
            let done = view(before, n, n, start);
            let here = done.slice(s![start..end, ..]);
            let adjoint = adjoint_of(rows, &here);
            let mut square = view_mut(corner, width, width, width);
            set_product(&mut square, &here, &adjoint);
            for j in 0..width {
                for i in j..width {
                    diagonal[[i, j]] = diagonal[[i, j]] - square[[i, j]];
                }
            }
            subtract_product(&mut below, &done.slice(s![end.., ..]), &adjoint);
        }
        vectorized(|| factor_small(&mut diagonal))
            .map_err(|step| Breakdown::NotPositive(start + step))?;
        solve_adjoint(below, &diagonal.view(), corner);
    }
    Ok(())
}

/// Column by column, for one block; `Err` is the step that finds no positive number.
#[inline(always)]
fn factor_small<T: Scalar>(a: &mut ArrayViewMut2<'_, T>) -> Result<(), usize> {
    let n = a.nrows();
    for j in 0..n {
        for k in 0..j {
            let (to, from) = two_columns(a, j, k);
            subtract_scaled(&mut to[j..], &from[j..], from[j].conj());
        }
        let square: f64 = a[[j, j]].re().into();
        // A NaN is not positive.
        if square.is_nan() || square <= 0.0 {
            return Err(j);
        }
        let root = T::from_f64(square.sqrt());
        let divisor = Divisor::new(root);
        a[[j, j]] = root;
        a.column_mut(j).iter_mut().skip(j + 1).for_each(|x| *x = divisor.of(*x));
    }
    Ok(())
}
