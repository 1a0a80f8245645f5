//! Symmetric and Hermitian indefinite matrices: the diagonal pivoting method of Bunch and Kaufman
//! in its bounded form, with rook pivoting, P A Pᵀ = L D Lᵀ (or L D Lᴴ) with blocks of order 1 and 2
//! in D, in the lower triangle; then A⁻¹ = Pᵀ L⁻ᵀ D⁻¹ L⁻¹ P. No element of L exceeds 2.79; with
//! partial pivoting L has no bound, and neither have the errors of L⁻¹.
//!
//! LAPACK `sytrf_rook`; Ashcraft, Grimes & Lewis, *Accurate symmetric indefinite linear equation
//! solvers*, SIAM J. Matrix Anal. Appl. 20 (1998); Higham, section 11.1.

use crate::contract::{Breakdown, Facts, Symmetry, Team};
use crate::determinant::Product;
use crate::plain::gemm::{Block, set_product, subtract_product, subtract_scaled};
use crate::plain::square::{transpose_of, weighed_square};
use crate::plain::{BLOCK, Divisor, room, size};
use crate::scalar::Scalar;
use crate::simd::set::vectorized;

/// (1 + √17) / 8: balances the growth of a step of order 2 with that of two of order 1.
const ALPHA: f64 = 0.640_388_203_202_208;

/// D, and the exchanges P.
pub(crate) struct BlockDiagonal<T> {
    /// Its diagonal.
    diagonal: Vec<T>,
    /// What is below the diagonal in a block of order 2 that begins here; zero elsewhere.
    below: Vec<T>,
    /// Whether a block of order 2 begins here.
    pairs: Vec<bool>,
    /// The row and column that this one was exchanged with.
    exchanges: Vec<usize>,
    /// The first block of order 2 whose determinant overflowed.
    overflow: Option<usize>,
}

impl<T> Default for BlockDiagonal<T> {
    fn default() -> Self {
        BlockDiagonal {
            diagonal: Vec::new(),
            below: Vec::new(),
            pairs: Vec::new(),
            exchanges: Vec::new(),
            overflow: None,
        }
    }
}

/// Inverts in the lower triangle; the strictly upper one is not touched. `invert_triangle` does so
/// with a triangular matrix.
#[allow(clippy::too_many_arguments)] // a matrix, memory, and who works how
pub(crate) fn invert<T: Scalar>(
    team: &dyn Team,
    blocks: &mut Vec<T>,
    d: &mut BlockDiagonal<T>,
    n: usize,
    a: &mut [T],
    symmetry: Symmetry,
    determinant: bool,
    invert_triangle: impl FnOnce(&mut [T]) -> Result<Facts<T>, Breakdown>,
) -> Result<Facts<T>, Breakdown> {
    let hermitian = symmetry == Symmetry::Hermitian;
    let star = |x: T| if hermitian { x.conj() } else { x };
    d.clear(n);
    let mut start = 0;
    while start < n {
        start = factor_panel(team, blocks, d, n, a, start, hermitian)?;
    }
    let overflow = (0..n)
        .find(|&k| !d.diagonal[k].is_finite() || (d.pairs[k] && !d.below[k].is_finite()))
        .or(d.overflow);
    let determinant = determinant.then(|| d.determinant(hermitian));
    a.iter_mut().step_by(n + 1).for_each(|unit| *unit = T::one());
    invert_triangle(a)?;
    team.check()?;
    d.invert(star);
    let cuts = d.cuts();
    weighed_square(team, blocks, n, a, hermitian, cuts.into_iter(), |start, x| {
        d.multiply(start, x, star);
    });
    for k in (0..n).rev() {
        team.check()?;
        exchange(n, a, k, d.exchanges[k], star);
    }
    Ok(Facts { rcond: None, determinant, overflow, finite: false })
}

/// Exchanges rows and columns `k` and `other` ≥ `k` of a matrix of which the lower triangle is
/// there.
fn exchange<T: Scalar>(n: usize, a: &mut [T], k: usize, other: usize, star: impl Fn(T) -> T) {
    if k == other {
        return;
    }
    for j in 0..k {
        a.swap(j * n + k, j * n + other);
    }
    a.swap(k * n + k, other * n + other);
    for i in k + 1..other {
        let (x, y) = (a[k * n + i], a[i * n + other]);
        (a[k * n + i], a[i * n + other]) = (star(y), star(x));
    }
    a[k * n + other] = star(a[k * n + other]);
    for i in other + 1..n {
        a.swap(k * n + i, other * n + i);
    }
}

/// Factors some columns from `start` on, and updates those behind with them. Returns where the
/// next ones start.
///
/// Columns of L D are kept beside the matrix: behind the panel, A is reduced by (L D) Lᴴ.
#[allow(clippy::too_many_arguments)] // a step inside a loop
fn factor_panel<T: Scalar>(
    team: &dyn Team,
    blocks: &mut Vec<T>,
    d: &mut BlockDiagonal<T>,
    n: usize,
    a: &mut [T],
    start: usize,
    hermitian: bool,
) -> Result<usize, Breakdown> {
    let star = |x: T| if hermitian { x.conj() } else { x };
    let buffer = room(blocks, n * (2 * BLOCK + 1) + BLOCK * BLOCK);
    // The columns of the panel's L D, and one more to try.
    let (columns, buffer) = buffer.split_at_mut(n * (BLOCK + 1));
    // A panel ends early where its last block would not fit.
    let limit = if n - start <= BLOCK { n } else { start + BLOCK - 1 };
    let mut k = start;
    while k < limit {
        team.check()?;
        // Column k as the steps so far have left it, and if it is wanted, another one.
        let (done, room) = columns.split_at_mut((k - start) * n);
        let (first, room) = room.split_at_mut(n);
        let second = &mut room[..n];
        reduced(n, a, done, start, k, k, first, hermitian);
        let mut own = size_on_diagonal(first[k], hermitian);
        let (mut at, mut largest) = largest_of(first, k + 1..n);
        if own == 0.0 && largest == 0.0 {
            return Err(Breakdown::ZeroPivot(k));
        }
        // From a column to that of its largest element, until a diagonal element is large in its
        // column or an element is the largest of both its row and its column.
        let (mut with, mut pair) = (k, false);
        while own < ALPHA * largest {
            reduced(n, a, done, start, k, at, second, hermitian);
            own = size_on_diagonal(second[at], hermitian);
            // Row k has no larger one: it would have been found in column k.
            let (above, below) = (largest_of(second, k + 1..at), largest_of(second, at + 1..n));
            let next = if above.1 < below.1 { below } else { above };
            let is_largest = next.1 <= largest || next.0 == with;
            pair = own < ALPHA * largest.max(next.1) && is_largest;
            if pair {
                break;
            }
            first[k..].copy_from_slice(&second[k..]);
            with = at;
            (at, largest) = next;
        }
        // Exchange the rows of the step with those chosen.
        let last = if pair { k + 1 } else { k };
        for (row, with) in [(k, with), (k + 1, at)].into_iter().take(last + 1 - k) {
            d.exchanges[row] = with;
            if with != row {
                move_column(n, a, row, with, star);
                (0..k).for_each(|j| a.swap(j * n + row, j * n + with));
                done.chunks_exact_mut(n).for_each(|column| column.swap(row, with));
                first.swap(row, with);
                second.swap(row, with);
            }
        }
        let column = &mut a[k * n..];
        if pair {
            d.set_pair(k, first[k], first[k + 1], second[k + 1]);
            let block = Pair::new(first[k], first[k + 1], second[k + 1], star);
            if !block.is_finite() {
                d.overflow.get_or_insert(k);
            }
            let (column, next) = column.split_at_mut(n);
            column[k + 1] = T::zero();
            for i in k + 2..n {
                (column[i], next[i]) = block.divide(first[i], second[i]);
            }
        } else {
            d.diagonal[k] = first[k];
            let divisor = Divisor::new(first[k]);
            for i in k + 1..n {
                column[i] = divisor.of(first[i]);
            }
        }
        k = last + 1;
    }
    let width = k - start;
    let (adjoint, corner) = buffer.split_at_mut(n * BLOCK);
    for from in (k..n).step_by(BLOCK) {
        team.check()?;
        let to = n.min(from + BLOCK);
        let (panel, behind) = a.split_at_mut(k * n);
        let count = to - from;
        let adjoint = transpose_of(adjoint, &panel[start * n + from..], n, count, width, hermitian);
        let target = &mut behind[(from - k) * n..];
        if to < n {
            let below = Block::new(&columns[to..], n, n - to, width);
            subtract_product(&mut target[to..], n, below, adjoint);
        }
        let square = &mut corner[..count * count];
        set_product(square, count, Block::new(&columns[from..], n, count, width), adjoint);
        for j in 0..count {
            let column = &mut target[j * n + from..][..count];
            for (x, &y) in column[j..].iter_mut().zip(&square[j * count + j..]) {
                *x = *x - y;
            }
        }
    }
    Ok(k)
}

vectorized! {
    /// Column `j` of A, rows from `k` on, reduced by the columns of this panel that are done.
    #[allow(clippy::too_many_arguments)] // a step inside a loop
    fn reduced[T: Scalar](
        n: usize,
        a: &[T],
        done: &[T],
        start: usize,
        k: usize,
        j: usize,
        column: &mut [T],
        hermitian: bool,
    ) -> () {
        for i in k..j {
            let x = a[i * n + j];
            column[i] = if hermitian { x.conj() } else { x };
        }
        column[j..].copy_from_slice(&a[j * n + j..(j + 1) * n]);
        for (p, done) in done.chunks_exact(n).enumerate() {
            let factor = a[(start + p) * n + j];
            let factor = if hermitian { factor.conj() } else { factor };
            subtract_scaled(&mut column[k..n], &done[k..], factor);
        }
        if hermitian {
            column[j] = T::from_f64(column[j].re().into());
        }
    }
}

/// Moves what is left of column `from` to where the exchange with row and column `to` puts it.
fn move_column<T: Scalar>(n: usize, a: &mut [T], from: usize, to: usize, star: impl Fn(T) -> T) {
    a[to * n + to] = a[from * n + from];
    for i in from + 1..to {
        a[i * n + to] = star(a[from * n + i]);
    }
    let (left, right) = a.split_at_mut(to * n);
    right[to + 1..n].copy_from_slice(&left[from * n + to + 1..(from + 1) * n]);
}

fn size_on_diagonal<T: Scalar>(x: T, hermitian: bool) -> f64 {
    if hermitian { x.re().into().abs() } else { size(x) }
}

/// The first largest element of some rows.
fn largest_of<T: Scalar>(column: &[T], rows: std::ops::Range<usize>) -> (usize, f64) {
    let mut found = (rows.start, 0.0);
    for i in rows {
        let size = size(column[i]);
        if size > found.1 {
            found = (i, size);
        }
    }
    found
}

/// A block [[a, b*], [b, c]] of D, where b* is b or its conjugate. b is the largest element.
#[derive(Clone, Copy)]
struct Pair<T> {
    /// c / b and a / b*.
    quotients: [T; 2],
    /// b (ac / bb* − 1) and b* times the same: what the quotients of the block's inverse, times b
    /// or b*, are divided by.
    divisors: [Divisor<T>; 2],
}

impl<T: Scalar> Pair<T> {
    fn new(a: T, b: T, c: T, star: impl Fn(T) -> T) -> Self {
        let (c, a) = (Divisor::new(b).of(c), Divisor::new(star(b)).of(a));
        let determinant = a * c - T::one();
        Pair {
            quotients: [c, a],
            divisors: [Divisor::new(star(b) * determinant), Divisor::new(b * determinant)],
        }
    }

    /// Without this, what is divided by it would silently be zero.
    fn is_finite(&self) -> bool {
        self.divisors.iter().all(|of| of.divisor.is_finite())
    }

    /// The row [x, y] with [x, y] D = [u, v].
    fn divide(&self, u: T, v: T) -> (T, T) {
        let ([c, a], [left, right]) = (self.quotients, self.divisors);
        (left.of(c * u - v), right.of(a * v - u))
    }

    /// The inverse as a block like this one: its two diagonal elements and the one below.
    fn inverse(&self) -> [T; 3] {
        let ([c, a], [left, right]) = (self.quotients, self.divisors);
        [left.of(c), right.of(a), left.of(-T::one())]
    }
}

impl<T: Scalar> BlockDiagonal<T> {
    fn clear(&mut self, n: usize) {
        let BlockDiagonal { diagonal, below, pairs, exchanges, overflow } = self;
        *overflow = None;
        for part in [diagonal, below] {
            part.clear();
            part.resize(n, T::zero());
        }
        pairs.clear();
        pairs.resize(n, false);
        exchanges.clear();
        exchanges.extend(0..n);
    }

    fn set_pair(&mut self, k: usize, a: T, b: T, c: T) {
        (self.diagonal[k], self.below[k], self.diagonal[k + 1]) = (a, b, c);
        self.pairs[k] = true;
    }

    fn determinant(&self, hermitian: bool) -> (T, f64) {
        let mut product = Product::default();
        let mut k = 0;
        while k < self.diagonal.len() {
            if self.pairs[k] {
                let (a, b, c) = (self.diagonal[k], self.below[k], self.diagonal[k + 1]);
                product.times_block(a, b, c, hermitian);
                k += 2;
            } else {
                product.times(self.diagonal[k]);
                k += 1;
            }
        }
        product.sign_and_log()
    }

    /// Replaces every block by its inverse.
    fn invert(&mut self, star: impl Fn(T) -> T) {
        let mut k = 0;
        while k < self.diagonal.len() {
            if self.pairs[k] {
                let (a, b, c) = (self.diagonal[k], self.below[k], self.diagonal[k + 1]);
                let [a, c, b] = Pair::new(a, b, c, &star).inverse();
                self.set_pair(k, a, b, c);
                k += 2;
            } else {
                self.diagonal[k] = Divisor::new(self.diagonal[k]).of(T::one());
                k += 1;
            }
        }
    }

    /// The ends of blocks of rows that cut no pair.
    fn cuts(&self) -> Vec<usize> {
        let n = self.diagonal.len();
        let mut cuts = Vec::with_capacity(n / BLOCK + 1);
        let mut start = 0;
        while start < n {
            let end = n.min(start + BLOCK);
            start = if end < n && self.pairs[end - 1] { end + 1 } else { end };
            cuts.push(start);
        }
        cuts
    }

    /// Multiplies rows from `start` on of a column by D.
    fn multiply(&self, start: usize, x: &mut [T], star: impl Fn(T) -> T) {
        let mut i = 0;
        while i < x.len() {
            let k = start + i;
            if self.pairs[k] {
                let (u, v) = (x[i], x[i + 1]);
                x[i] = self.diagonal[k] * u + star(self.below[k]) * v;
                x[i + 1] = self.below[k] * u + self.diagonal[k + 1] * v;
                i += 2;
            } else {
                x[i] = self.diagonal[k] * x[i];
                i += 1;
            }
        }
    }
}
