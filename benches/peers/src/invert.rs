//! faer and nalgebra, each as its documentation shows: LU with partial pivoting, Cholesky where
//! the matrices are known to be definite.
//!
//! Both store by columns, so the rows of a file come as the transpose; (A⁻¹)ᵀ = (Aᵀ)⁻¹ makes that
//! no difference. nalgebra's matrices of orders 2, 3, 4, 6 and 8 are of fixed size, which is its
//! fastest form.

use faer::linalg::solvers::DenseSolveCore;
use faer::{Accum, Mat, MatMut, MatRef, Side};
use nalgebra::{DMatrix, SMatrix};
use num_complex::{Complex32, Complex64};
use rayon::ThreadPool;
use rayon::prelude::*;
use serde::Deserialize;
use std::hint::black_box;

/// Who runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Peer {
    /// `Inverter::inv`, which makes its result.
    Matinv,
    /// `Inverter::inv_into` memory that is there.
    MatinvInto,
    /// The same by the native engine alone.
    MatinvNative,
    /// The same by LAPACK alone.
    MatinvLapack,
    Faer,
    Nalgebra,
    /// One multiplication.
    GemmOpenblas,
    /// One multiplication.
    GemmFaer,
}

/// A scalar that every peer knows.
pub(crate) trait Scalar:
    matinv::Scalar + faer::traits::ComplexField + nalgebra::ComplexField + ndarray_npy::WritableElement
{
    /// out := aa, of order n, by columns.
    fn faer_multiply(n: usize, a: &[Self], out: &mut [Self]);
}

macro_rules! scalars {
    ($($scalar:ty),*) => {$(
        impl Scalar for $scalar {
            fn faer_multiply(n: usize, a: &[Self], out: &mut [Self]) {
                let a = MatRef::from_column_major_slice(a, n, n);
                let out = MatMut::from_column_major_slice_mut(out, n, n);
                let one = <Self as matinv::Scalar>::from_f64(1.0);
                let par = faer::get_global_parallelism();
                faer::linalg::matmul::matmul(out, Accum::Replace, a, a, one, par);
            }
        }
    )*};
}

scalars!(f32, f64, Complex32, Complex64);

type Done = Result<(), &'static str>;
const REFUSED: &str = "the peer found the matrix singular or not definite";

/// faer or nalgebra, and what it is told of the matrices.
#[derive(Clone, Copy)]
pub(crate) struct Peers {
    pub(crate) peer: Peer,
    pub(crate) definite: bool,
}

impl Peers {
    /// Inverts one matrix, and drops the result where it was made.
    pub(crate) fn alone<T: Scalar>(self, n: usize, a: &[T]) -> Done {
        match (self.peer, n) {
            (Peer::Faer, _) => drop(black_box(self.faer(n, a)?)),
            (_, 2) => drop(black_box(self.fixed::<T, 2>(a)?)),
            (_, 3) => drop(black_box(self.fixed::<T, 3>(a)?)),
            (_, 4) => drop(black_box(self.fixed::<T, 4>(a)?)),
            (_, 6) => drop(black_box(self.fixed::<T, 6>(a)?)),
            (_, 8) => drop(black_box(self.fixed::<T, 8>(a)?)),
            _ => drop(black_box(self.nalgebra(n, a)?)),
        }
        Ok(())
    }

    /// Inverts one matrix into memory that is there.
    pub(crate) fn into<T: Scalar>(self, n: usize, a: &[T], x: &mut [T]) -> Done {
        match (self.peer, n) {
            (Peer::Faer, _) => {
                let inverse = self.faer(n, a)?;
                for (j, column) in x.chunks_exact_mut(n).enumerate() {
                    let from = inverse.col_as_slice(j);
                    column.copy_from_slice(from);
                }
            }
            (_, 2) => x.copy_from_slice(self.fixed::<T, 2>(a)?.as_slice()),
            (_, 3) => x.copy_from_slice(self.fixed::<T, 3>(a)?.as_slice()),
            (_, 4) => x.copy_from_slice(self.fixed::<T, 4>(a)?.as_slice()),
            (_, 6) => x.copy_from_slice(self.fixed::<T, 6>(a)?.as_slice()),
            (_, 8) => x.copy_from_slice(self.fixed::<T, 8>(a)?.as_slice()),
            _ => x.copy_from_slice(self.nalgebra(n, a)?.as_slice()),
        }
        Ok(())
    }

    /// Inverts one after the other, or in parallel by rayon: neither peer has stacks.
    pub(crate) fn stack<T: Scalar>(
        self,
        pool: &ThreadPool,
        threads: usize,
        n: usize,
        a: &[T],
        x: &mut [T],
    ) -> Done {
        let square = n * n;
        if threads == 1 {
            let pairs = a.chunks_exact(square).zip(x.chunks_exact_mut(square));
            return pairs.into_iter().try_for_each(|(a, x)| self.into(n, a, x));
        }
        // As many matrices to a task as make it worth one.
        let run = (4096 / square).max(1) * square;
        pool.install(|| {
            a.par_chunks(run).zip(x.par_chunks_mut(run)).try_for_each(|(a, x)| {
                let mut pairs = a.chunks_exact(square).zip(x.chunks_exact_mut(square));
                pairs.try_for_each(|(a, x)| self.into(n, a, x))
            })
        })
    }

    fn faer<T: Scalar>(self, n: usize, a: &[T]) -> Result<Mat<T>, &'static str> {
        let a = MatRef::from_column_major_slice(a, n, n);
        if self.definite {
            return Ok(a.llt(Side::Lower).map_err(|_| REFUSED)?.inverse());
        }
        Ok(a.partial_piv_lu().inverse())
    }

    fn nalgebra<T: Scalar>(self, n: usize, a: &[T]) -> Result<DMatrix<T>, &'static str> {
        let a = DMatrix::from_column_slice(n, n, a);
        if self.definite {
            return Ok(a.cholesky().ok_or(REFUSED)?.inverse());
        }
        a.try_inverse().ok_or(REFUSED)
    }

    fn fixed<T: Scalar, const N: usize>(self, a: &[T]) -> Result<SMatrix<T, N, N>, &'static str> {
        let a = SMatrix::<T, N, N>::from_column_slice(a);
        if self.definite {
            return Ok(a.cholesky().ok_or(REFUSED)?.inverse());
        }
        a.try_inverse().ok_or(REFUSED)
    }
}
