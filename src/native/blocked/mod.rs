//! The native engine for one matrix of any order: LU with partial pivoting and the inverse from
//! it, in little more time than a product of two matrices of that order takes.
//!
//! [`sweeps`] is the algorithm, on the parts of its [`memory`]; [`lower`] the one for a triangle;
//! [`panel`] and [`leaf`] factor a block of columns, [`exchange`] says where its rows go; [`tile`] is
//! the product that nearly all of the work is, [`solve`] the triangular systems within a block; both
//! read [`strips`] of matrices, which [`pack`] makes. [`kernel`] has all of these for each instruction
//! set. [`permute`] brings the columns of the inverse to their places, [`mirror`](mod@mirror) the
//! other triangle of a symmetric one to its; [`sizes`] says how wide the blocks are, [`team`] who works
//! on them, [`watched`] until when.
//!
//! Every element is computed by the same operations in the same order, whoever computes it: threads
//! share rows and columns, never a sum. Beside the matrix there is memory for a block of columns
//! several times, and for those of up to 1024 columns of L: n · (1024 + 5 · 240) numbers at most,
//! whatever the order n; and for all of a small matrix, of 4 MiB at most.

mod exchange;
mod kernel;
mod leaf;
mod lower;
mod matrix;
mod memory;
mod mirror;
mod pack;
mod panel;
mod permute;
#[cfg(test)]
mod rows_tests;
mod sizes;
mod solve;
mod strips;
mod sweeps;
mod team;
#[cfg(test)]
mod tests;
mod tile;
mod watched;
mod wide;

use crate::determinant::Product;
use crate::element::Scalar;
use crate::engine::{Ask, Breakdown, Facts, Norm};
use crate::layout;
use crate::norm::{self, Part, ScaledNorm};
use crate::workspace;
pub(crate) use kernel::{Kernel, Kernels};
pub(crate) use lower::{Half, invert as invert_lower, reserve as reserve_lower};
use matrix::Matrix;
use memory::{Memory, Of};
pub(crate) use mirror::{bring_lower, make_diagonal_real, mirror, transpose};
use sizes::{Aside, Sizes};
pub(crate) use team::{Alone, Crew, Team, all, share};
#[cfg(test)]
pub(crate) use watched::Stops;
pub(crate) use watched::Watched;

/// Memory that is kept from matrix to matrix.
pub(crate) struct Work<T> {
    scalars: Vec<T>,
    indices: Vec<usize>,
    sums: Vec<f64>,
}

impl<T> Default for Work<T> {
    fn default() -> Self {
        Work { scalars: Vec::new(), indices: Vec::new(), sums: Vec::new() }
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
    let mut rest = workspace::room(scalars, length).map_err(refused)?;
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
    work: &mut Work<T>,
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
    work: &mut Work<T>,
    source: Option<&[T]>,
    a: &mut [T],
    ask: Ask,
) -> Result<Facts<T>, Breakdown> {
    let n = sizes.n;
    assert!(n >= 1 && n.checked_mul(n) == Some(a.len()), "{} scalars, order {n}", a.len());
    assert!(source.is_none_or(|source| source.len() == a.len()), "two orders");
    let lengths = sizes.lengths(kernel, team.threads(), ask.wary);
    let Work { scalars, indices, sums } = work;
    let refused = |_| Breakdown::OutOfMemory(5 * n * size_of::<usize>());
    layout::reserve(indices, 5 * n).map_err(refused)?;
    let room = norm::workspace(n);
    let refused = |_| Breakdown::OutOfMemory(room * size_of::<f64>());
    layout::reserve(sums, room).map_err(refused)?;
    indices.resize(5 * n, 0);
    let [rows, columns, diagonal, squares, factors, inverses, pivots, aside, above] =
        parts(scalars, lengths)?;
    let (wide, high) = (kernel.wide(), kernel.high());
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

    let rows = strips(rows, high);
    let columns = strips(columns, wide);
    let diagonal = strips(diagonal, wide);
    let squares = strips(squares, wide);
    let factors = Matrix::new(factors, sizes.block, sizes.block, sizes.block);
    let inverses = Matrix::new(inverses, sizes.block, sizes.block, 1);
    let pivots = Matrix::new(pivots, n, n, 1);
    let aside = Matrix::new(aside, sizes.stride::<T>(), n, sizes.columns_aside());
    above.fill(T::zero());
    let count = above.len();
    let above = ask.wary.then(|| Matrix::new(above, count, count, 1));
    let mut indices = indices.chunks_exact_mut(n).map(|indices| Matrix::new(indices, n, n, 1));
    let [exchanged, order, place, columns_order, cycles] =
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
        exchanged,
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
    sweeps::invert(kernel, sizes, team, &memory)?;
    // SAFETY: two parts of memory, which no other thread has any more.
    let (pivots, exchanged) = unsafe { (pivots.column(0), exchanged.column(0)) };

    let largest = norm::largest(sums[..n].iter().copied());
    let finite = of_rows != Of::Nothing && largest.is_finite();
    let norm_after = ask.rcond.map(|which| match of_rows {
        Of::Sums if norm::fits::<T>(largest) => ScaledNorm { value: largest, factor: 1.0 },
        _ => norm::for_condition(team, which, Part::Full, n, a, sums),
    });
    team.check()?;
    let rcond = norm_before.zip(norm_after).map(|(before, after)| rcond(before, after));
    let determinant = ask.determinant.then(|| {
        let mut product = Product::new();
        for j in 0..n {
            product.times(pivots[j]);
            if exchanged[j] != j % sizes.block {
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
