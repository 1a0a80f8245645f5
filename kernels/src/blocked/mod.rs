//! The native engine for one matrix of any order: LU with partial pivoting and the inverse from
//! it, in little more time than a product of two matrices of that order takes.
//!
//! [`lu_inverse`] is the algorithm, on the parts of its [`workspace`]; [`lower`] the one for a triangle;
//! [`panel`] and [`leaf`] factor a block of columns, [`exchange`] says where its rows go; [`microkernel`] is
//! the product that nearly all of the work is, [`trsm`] the triangular systems within a block; both
//! read [`strips`] of matrices, which [`pack`] makes. [`kernel`] has all of these for each instruction
//! set. [`permute`] moves the columns of the inverse to their places, [`mirror`](mod@mirror) the
//! other triangle of a symmetric one to its; [`sizes`] says how wide the blocks are.
//!
//! Every element is computed by the same operations in the same order, whoever computes it: threads
//! share rows and columns, never a sum. Beside the matrix there is memory for a block of columns
//! several times, and for those of up to 1024 columns of L: n · (1024 + 5 · 240) numbers at most,
//! whatever the order n; and for all of a small matrix, of 4 MiB at most.

mod exchange;
mod kernel;
mod leaf;
mod lower;
mod lu_inverse;
mod microkernel;
mod mirror;
mod pack;
mod panel;
mod permute;
mod sizes;
mod strips;
#[cfg(test)]
mod tests;
mod trsm;
mod workspace;

use crate::contract::{Ask, Breakdown, Facts, Norm, Team};
use crate::determinant::Product;
use crate::memory;
use crate::norm::{self, Part, ScaledNorm};
use crate::scalar::Scalar;
use crate::shared_matrix::Matrix;
pub(crate) use kernel::Kernel;
pub(crate) use lower::{LowerKind, invert as invert_lower, reserve as reserve_lower};
pub use mirror::{copy_in_lower, make_diagonal_real, mirror, transpose};
use sizes::{Aside, Sizes};
use workspace::{Memory, Of};

/// Memory that is kept from matrix to matrix.
pub(crate) struct Scratch<T> {
    scalars: Vec<T>,
    indices: Vec<usize>,
    sums: Vec<f64>,
}

impl<T> Default for Scratch<T> {
    fn default() -> Self {
        Scratch { scalars: Vec::new(), indices: Vec::new(), sums: Vec::new() }
    }
}

/// Scalars that are left out between the parts of the memory, for each to begin a cache line.
const APART: usize = 64;

/// Parts of these lengths of memory that is made large enough, each at the beginning of a cache
/// line.
///
/// # Errors
///
/// [`Breakdown::OutOfMemory`].
fn parts<T: Scalar, const N: usize>(
    scalars: &mut Vec<T>,
    lengths: [usize; N],
) -> Result<[&mut [T]; N], Breakdown> {
    let length = lengths.iter().map(|length| length + APART).sum::<usize>();
    let refused = |_| Breakdown::OutOfMemory(length * size_of::<T>());
    let mut rest = memory::room(scalars, length).map_err(refused)?;
    Ok(lengths.map(|length| {
        let (here, behind) = std::mem::take(&mut rest).split_at_mut(length + APART);
        rest = behind;
        let first = here.as_ptr().align_offset(64).min(APART);
        &mut here[first..first + length]
    }))
}

/// Inverts the matrix of order `n ≥ 1` in `a` by columns, or the one in `source` into `a`.
///
/// # Errors
///
/// [`Breakdown::OutOfMemory`]: `a` is as it was. Otherwise, as after [`Breakdown::Cancelled`], `a` holds
/// nothing of use.
pub(crate) fn invert<T: Scalar>(
    kernel: &Kernel<T>,
    team: &dyn Team,
    work: &mut Scratch<T>,
    n: usize,
    source: Option<&[T]>,
    a: &mut [T],
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    invert_by(kernel, &Sizes::of(kernel, n, team.threads()), team, work, source, a, ask)
}

/// [`invert`], cut into blocks like this.
fn invert_by<T: Scalar>(
    kernel: &Kernel<T>,
    sizes: &Sizes,
    team: &dyn Team,
    work: &mut Scratch<T>,
    source: Option<&[T]>,
    a: &mut [T],
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let n = sizes.n;
    assert!(n >= 1 && n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    assert!(source.is_none_or(|source| source.len() == a.len()), "two orders");
    let lengths = sizes.lengths(kernel, team.threads(), ask.reject_tiny_pivots);
    let Scratch { scalars, indices, sums } = work;
    let refused = |_| Breakdown::OutOfMemory(5 * n * size_of::<usize>());
    memory::reserve(indices, 5 * n).map_err(refused)?;
    let room = norm::workspace(n);
    let refused = |_| Breakdown::OutOfMemory(room * size_of::<f64>());
    memory::reserve(sums, room).map_err(refused)?;
    indices.resize(5 * n, 0);
    let [rows, columns, diagonal, squares, factors, inverses, pivots, aside, above] =
        parts(scalars, lengths)?;
    let (nr, mr) = (kernel.nr(), kernel.mr());
    let strips = |slice: &mut [T], size| Matrix::new(slice, size, size, slice.len() / size);
    let norm_before = ask
        .rcond
        .map(|which| norm::for_condition(team, which, Part::Full, n, source.unwrap_or(a), sums));

    let of_rows = match ask.rcond {
        Some(Norm::Infinity) => Of::Sums,
        _ if ask.finite => Of::Finite,
        _ => Of::Nothing,
    };
    sums.clear();
    sums.resize(n, 0.0);

    let rows = strips(rows, mr);
    let columns = strips(columns, nr);
    let diagonal = strips(diagonal, nr);
    let squares = strips(squares, nr);
    let factors = Matrix::new(factors, sizes.block, sizes.block, sizes.block);
    let inverses = Matrix::new(inverses, sizes.block, sizes.block, 1);
    let pivots = Matrix::new(pivots, n, n, 1);
    let aside = Matrix::new(aside, sizes.stride::<T>(), n, sizes.columns_aside());
    above.fill(T::zero());
    let count = above.len();
    let above = ask.reject_tiny_pivots.then(|| Matrix::new(above, count, count, 1));
    let mut indices = indices.chunks_exact_mut(n).map(|indices| Matrix::new(indices, n, n, 1));
    let [ipiv, order, place, columns_order, cycles] =
        std::array::from_fn(|_| indices.next().expect("as many were taken"));
    // SAFETY: it is `Memory::source`, which is copied from only; the slice outlives the call.
    let source = source.map(|source| unsafe { Matrix::to_read(source, n) });
    let result = Matrix::new(a, n, n, n);
    let (source, under_way, aside) = match sizes.aside {
        Aside::Nothing => (source, result, None),
        Aside::Block => (source, result, Some(aside)),
        Aside::Matrix => (Some(source.unwrap_or(result)), aside, None),
    };
    let memory = Memory {
        source,
        a: under_way,
        aside,
        factors,
        diagonal,
        inverses,
        squares,
        rows,
        columns,
        pivots,
        ipiv,
        order,
        place,
        columns_order,
        cycles,
        result,
        above,
        sums: Matrix::new(sums, n, n, 1),
        of_rows,
    };
    team.check()?;
    lu_inverse::invert(kernel, sizes, team, &memory)?;
    // SAFETY: two parts of memory, which no other thread has any more.
    let (pivots, ipiv) = unsafe { (pivots.column(0), ipiv.column(0)) };

    let largest = norm::largest(sums[..n].iter().copied());
    let finite = of_rows != Of::Nothing && largest.is_finite();
    let norm_after = ask.rcond.map(|which| match of_rows {
        Of::Sums if norm::fits::<T>(largest) => ScaledNorm { value: largest, factor: 1.0 },
        _ => norm::for_condition(team, which, Part::Full, n, a, sums),
    });
    team.check()?;
    let rcond = norm_before.zip(norm_after).map(|(before, after)| rcond(before, after));
    let determinant = ask.determinant.then(|| {
        let mut product = Product::default();
        for j in 0..n {
            product.times(pivots[j]);
            if ipiv[j] != j % sizes.block {
                product.flip();
            }
        }
        product.sign_and_log()
    });
    let overflow = pivots.iter().position(|pivot| !Scalar::is_finite(*pivot));
    Ok(Facts { rcond, determinant, overflow, finite })
}

/// The reciprocal condition number from the norms of A and its inverse.
fn rcond(a: ScaledNorm, inverse: ScaledNorm) -> f64 {
    if !a.value.is_finite() {
        return f64::NAN;
    }
    // By logarithms, since neither product nor quotients have to be in range.
    let log = |norm: ScaledNorm| norm.value.log2() - norm.factor.log2();
    let product = a.value * inverse.value;
    let plain = a.factor == 1.0 && inverse.factor == 1.0 && product.is_normal();
    let rcond = if plain { 1.0 / product } else { (-log(a) - log(inverse)).exp2() };
    if rcond > 1.0 { 1.0 } else { rcond }
}
