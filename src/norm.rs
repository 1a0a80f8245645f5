//! 1-norms, computed so that they neither overflow nor read what must not be read.

use crate::element::Scalar;
use crate::engine::Norm;
use crate::native::blocked::{Team, share};
use crate::native::set::vectorized;
use crate::structure::Triangle;

/// Which elements of a column-major slice belong to the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of them.
    Full,
    /// One triangle; the rest is zero.
    Triangular(Triangle),
    /// One triangle; the other one mirrors it.
    Mirrored(Triangle),
    /// The diagonal; the rest is zero.
    Diagonal,
}

impl Part {
    /// The rows that are stored of column `j`.
    pub(crate) fn rows(self, n: usize, j: usize) -> std::ops::Range<usize> {
        match self {
            Part::Full => 0..n,
            Part::Triangular(Triangle::Lower) | Part::Mirrored(Triangle::Lower) => j..n,
            Part::Triangular(Triangle::Upper) | Part::Mirrored(Triangle::Upper) => 0..j + 1,
            Part::Diagonal => j..j + 1,
        }
    }
}

/// The norm of a matrix of order `n`, times `factor`, with the same bits for every team.
///
/// `sums` is workspace. LAPACK's `lange`, `lantr` and `lansy` with norm `1` or `I`.
pub(crate) fn norm<T: Scalar>(
    team: &dyn Team,
    which: Norm,
    part: Part,
    n: usize,
    a: &[T],
    factor: f64,
    sums: &mut Vec<f64>,
) -> f64 {
    sums.clear();
    sums.resize(n, 0.0);
    // A mirrored triangle is in the sums of its columns and, without the diagonal, of its rows.
    let mirrored = matches!(part, Part::Mirrored(_));
    if mirrored || which == Norm::One {
        share(team, sums, 1, &|first, sums| {
            vectorized(|| {
                for (j, sum) in (first..).zip(sums) {
                    *sum = sum_of(&a[j * n..][part.rows(n, j)], factor);
                }
            });
        });
    }
    if mirrored || which == Norm::Infinity {
        share(team, sums, 1, &|first, sums| {
            vectorized(|| {
                for j in 0..n {
                    let mut rows = part.rows(n, j);
                    match part {
                        Part::Mirrored(Triangle::Lower) => rows.start += 1,
                        Part::Mirrored(Triangle::Upper) => rows.end -= 1,
                        _ => {}
                    }
                    let rows = rows.start.max(first)..rows.end.min(first + sums.len());
                    if rows.is_empty() {
                        continue;
                    }
                    let sums = &mut sums[rows.start - first..rows.end - first];
                    for (sum, &x) in sums.iter_mut().zip(&a[j * n..][rows]) {
                        *sum += size(x, factor);
                    }
                }
            });
        });
    }
    largest(sums.iter().copied())
}

/// The sum of the sizes of some numbers times `factor`: several sums side by side, for the compiler
/// to put into registers.
#[inline]
fn sum_of<T: Scalar>(column: &[T], factor: f64) -> f64 {
    let mut sums = [0.0; 16];
    let (whole, rest) = column.as_chunks::<16>();
    for some in whole.iter().map(|some| &some[..]).chain([rest]) {
        for (sum, &x) in sums.iter_mut().zip(some) {
            *sum += size(x, factor);
        }
    }
    sums.into_iter().sum()
}

/// |x| times a power of two, which is taken first: the modulus of a complex number may overflow
/// where its parts do not.
pub(crate) fn size<T: Scalar>(x: T, factor: f64) -> f64 {
    if factor == 1.0 { x.modulus() } else { x.scale(factor).modulus() }
}

/// The largest of some sums; NaN if there is a NaN.
pub(crate) fn largest(sums: impl Iterator<Item = f64>) -> f64 {
    sums.fold(0.0, |largest, sum| if sum > largest || sum.is_nan() { sum } else { largest })
}

/// A norm as LAPACK's condition estimators take it, in the precision of the scalar: `value`
/// times `factor`, where `factor` is 1 unless the norm itself would overflow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct ScaledNorm {
    pub(crate) value: f64,
    pub(crate) factor: f64,
}

/// Below 2⁻¹⁶ / n for every order that fits, and a power of two: scaling by it is exact.
const SHRINK: f64 = 1.0 / (1u64 << 40) as f64;

/// The norm of A for a condition estimator of `T`; see [`ScaledNorm`].
pub(crate) fn for_condition<T: Scalar>(
    team: &dyn Team,
    which: Norm,
    part: Part,
    n: usize,
    a: &[T],
    sums: &mut Vec<f64>,
) -> ScaledNorm {
    let fits = |value: f64| T::Real::from_f64(value).is_finite();
    scaled(|factor| norm(team, which, part, n, a, factor, sums), fits)
}

/// A norm that is computed times a factor: 1 if it fits then, else one that makes it fit.
pub(crate) fn scaled(
    mut norm: impl FnMut(f64) -> f64,
    fits: impl FnOnce(f64) -> bool,
) -> ScaledNorm {
    let value = norm(1.0);
    if fits(value) || value.is_nan() {
        return ScaledNorm { value, factor: 1.0 };
    }
    ScaledNorm { value: norm(SHRINK), factor: SHRINK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::native::blocked::Alone;

    #[test]
    fn a_norm_beyond_the_range_is_scaled() {
        let a = [f64::MAX, -f64::MAX, f64::MAX, f64::MAX];
        let scaled = for_condition(&Alone, Norm::One, Part::Full, 2, &a, &mut Vec::new());
        assert_eq!(scaled.factor, SHRINK);
        assert_eq!(scaled.value, 2.0 * (f64::MAX * SHRINK));
    }

    #[test]
    fn each_part_reads_its_own_elements_only() {
        let nan = f64::NAN;
        // Column-major [[1, ·], [-2, 3]].
        let lower = [1.0, -2.0, nan, 3.0];
        let mut sums = Vec::new();
        let mut of = |which, part| norm(&Alone, which, part, 2, &lower, 1.0, &mut sums);
        assert_eq!(of(Norm::One, Part::Triangular(Triangle::Lower)), 3.0);
        assert_eq!(of(Norm::Infinity, Part::Triangular(Triangle::Lower)), 5.0);
        assert_eq!(of(Norm::One, Part::Mirrored(Triangle::Lower)), 5.0);
        assert_eq!(of(Norm::Infinity, Part::Mirrored(Triangle::Lower)), 5.0);
        assert!(of(Norm::One, Part::Full).is_nan());
    }
}
