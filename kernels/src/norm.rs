//! 1-norms, computed so that they neither overflow nor read what must not be read.

use crate::contract::{Norm, Team, Triangle};
use crate::scalar::{SQUARES_IN_RANGE, Scalar};
use crate::simd::set::vectorized;
use crate::team::share;

/// Which elements of a column-major slice belong to the matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
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
    pub fn rows(self, n: usize, j: usize) -> std::ops::Range<usize> {
        match self {
            Part::Full => 0..n,
            Part::Triangular(Triangle::Lower) | Part::Mirrored(Triangle::Lower) => j..n,
            Part::Triangular(Triangle::Upper) | Part::Mirrored(Triangle::Upper) => 0..j + 1,
            Part::Diagonal => j..j + 1,
        }
    }
}

/// Groups of columns whose row sums are taken apart from each other, for threads to read whole columns;
/// as many for every team.
const GROUPS: usize = 8;

/// Numbers of workspace, at most, for a norm of a matrix of order `n`.
pub const fn workspace(n: usize) -> usize {
    n * (1 + GROUPS)
}

/// The norm of a matrix of order `n`, times `factor`, with the same bits for every team.
///
/// `sums` is workspace. LAPACK's `lange`, `lantr` and `lansy` with norm `1` or `I`.
pub fn norm<T: Scalar>(
    team: &dyn Team,
    which: Norm,
    part: Part,
    n: usize,
    a: &[T],
    factor: f64,
    sums: &mut Vec<f64>,
) -> f64 {
    // A mirrored triangle is in the sums of its columns and, without the diagonal, of its rows.
    let mirrored = matches!(part, Part::Mirrored(_));
    sums.clear();
    let by_rows = mirrored || which == Norm::Infinity;
    sums.resize(if by_rows { workspace(n) } else { n }, 0.0);
    let (sums, groups) = sums.split_at_mut(n);
    if mirrored || which == Norm::One {
        share(team, sums, 1, &|first, sums| {
            for (j, sum) in (first..).zip(sums) {
                *sum = sum_of(&a[j * n..][part.rows(n, j)], factor);
            }
        });
    }
    if by_rows {
        share(team, groups, n, &|first, groups| {
            for (group, sums) in (first / n..).zip(groups.chunks_mut(n)) {
                for j in n * group / GROUPS..n * (group + 1) / GROUPS {
                    let mut rows = part.rows(n, j);
                    match part {
                        Part::Mirrored(Triangle::Lower) => rows.start += 1,
                        Part::Mirrored(Triangle::Upper) => rows.end -= 1,
                        _ => {}
                    }
                    if !rows.is_empty() {
                        add_sizes(&mut sums[rows.clone()], &a[j * n..][rows], n, factor);
                    }
                }
            }
        });
        for group in groups.chunks(n) {
            sums.iter_mut().zip(group).for_each(|(sum, of_group)| *sum += of_group);
        }
    }
    largest(sums.iter().copied())
}

vectorized! {
    /// The sum of the sizes of some numbers times `factor`: several sums side by side.
    fn sum_of[T: Scalar](numbers: &[T], factor: f64) -> f64 {
        let (mut sums, mut last, mut sizes) = ([0.0; 32], [0.0; 32], [0.0; RUN]);
        if !T::COMPLEX && factor == 1.0 {
            let (whole, rest) = numbers.as_chunks::<32>();
            for run in whole {
                sums.iter_mut().zip(run).for_each(|(sum, &x)| *sum += x.modulus());
            }
            last.iter_mut().zip(rest).for_each(|(to, &x)| *to = x.modulus());
        } else {
            for run in numbers.chunks(RUN) {
                for some in sizes_of(run, factor, &mut sizes).chunks(sums.len()) {
                    sums.iter_mut().zip(some).for_each(|(sum, size)| *sum += size);
                }
            }
        }
        sums.iter_mut().zip(last).for_each(|(sum, last)| *sum += last);
        let mut count = sums.len();
        while count > 1 {
            count /= 2;
            for i in 0..count {
                sums[i] += sums[i + count];
            }
        }
        sums[0]
    }

    /// Adds the size of each number times `factor` to the sum beside it, column for column, which
    /// are `stride` numbers apart.
    pub fn add_sizes[T: Scalar](
        sums: &mut [f64],
        columns: &[T],
        stride: usize,
        factor: f64,
    ) -> () {
        let rows = sums.len();
        let mut sizes = [0.0; RUN];
        for column in columns.chunks(stride) {
            if !T::COMPLEX && factor == 1.0 {
                sums.iter_mut().zip(&column[..rows]).for_each(|(sum, &x)| *sum += x.modulus());
                continue;
            }
            for (sums, run) in sums.chunks_mut(RUN).zip(column[..rows].chunks(RUN)) {
                let sizes = sizes_of(run, factor, &mut sizes);
                sums.iter_mut().zip(sizes).for_each(|(sum, size)| *sum += *size);
            }
        }
    }
}

/// Numbers whose sizes are taken together.
const RUN: usize = 64;

/// The sizes of [`RUN`] numbers at most, times `factor`.
#[allow(clippy::inline_always)] // for the registers of its callers
#[inline(always)]
fn sizes_of<'a, T: Scalar>(numbers: &[T], factor: f64, sizes: &'a mut [f64; RUN]) -> &'a [f64] {
    let sizes = &mut sizes[..numbers.len()];
    let mut in_range = T::COMPLEX && factor == 1.0;
    if in_range {
        // What `modulus` does, without a decision for every number.
        for (size, &x) in sizes.iter_mut().zip(numbers) {
            let (re, im): (f64, f64) = (x.re().into(), x.im().into());
            let squares = re * re + im * im;
            in_range &= SQUARES_IN_RANGE.contains(&squares) | (x == T::zero());
            *size = squares.sqrt();
        }
    }
    if !in_range {
        sizes.iter_mut().zip(numbers).for_each(|(to, &x)| *to = size(x, factor));
    }
    sizes
}

/// |x| times a power of two, which is taken first: the modulus of a complex number may overflow
/// where its parts do not.
#[inline]
pub fn size<T: Scalar>(x: T, factor: f64) -> f64 {
    if factor == 1.0 { x.modulus() } else { x.scale(factor).modulus() }
}

/// The largest of some sums; NaN if there is a NaN.
pub fn largest(sums: impl Iterator<Item = f64>) -> f64 {
    sums.fold(0.0, |largest, sum| if sum > largest || sum.is_nan() { sum } else { largest })
}

/// A norm as LAPACK's condition estimators take it, in the precision of the scalar: `value`
/// times `factor`, where `factor` is 1 unless the norm itself would overflow.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ScaledNorm {
    /// The norm times the factor.
    pub value: f64,
    /// The factor, a power of two.
    pub factor: f64,
}

/// Below 2⁻¹⁶ / n for every order that fits, and a power of two: scaling by it is exact.
const SHRINK: f64 = 1.0 / (1u64 << 40) as f64;

/// The norm of A for a condition estimator of `T`; see [`ScaledNorm`].
pub fn for_condition<T: Scalar>(
    team: &dyn Team,
    which: Norm,
    part: Part,
    n: usize,
    a: &[T],
    sums: &mut Vec<f64>,
) -> ScaledNorm {
    scaled(|factor| norm(team, which, part, n, a, factor, sums), fits::<T>)
}

/// Whether a norm is in the range of the scalar.
pub fn fits<T: Scalar>(value: f64) -> bool {
    T::Real::from_f64(value).is_finite()
}

/// A norm that is computed times a factor: 1 if it fits then, else one that makes it fit.
pub fn scaled(mut norm: impl FnMut(f64) -> f64, fits: impl FnOnce(f64) -> bool) -> ScaledNorm {
    let value = norm(1.0);
    if fits(value) || value.is_nan() {
        return ScaledNorm { value, factor: 1.0 };
    }
    ScaledNorm { value: norm(SHRINK), factor: SHRINK }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::team::{Alone, Crew};
    use num_complex::{Complex32, Complex64};

    #[test]
    fn a_norm_beyond_the_range_is_scaled() {
        let a = [f64::MAX, -f64::MAX, f64::MAX, f64::MAX];
        let scaled = for_condition(&Alone, Norm::One, Part::Full, 2, &a, &mut Vec::new());
        assert_eq!(scaled.factor, SHRINK);
        assert_eq!(scaled.value, 2.0 * (f64::MAX * SHRINK));
    }

    /// Numbers whose sizes are whole, so that their sums are exact in any order.
    fn is_the_largest_sum<T: Scalar>(number: impl Fn(f64) -> T) {
        let parts = [
            Part::Full,
            Part::Diagonal,
            Part::Triangular(Triangle::Lower),
            Part::Triangular(Triangle::Upper),
            Part::Mirrored(Triangle::Lower),
            Part::Mirrored(Triangle::Upper),
        ];
        for n in [1, 2, 7, 8, 9, 31, 65, 130] {
            let a: Vec<T> = (0..n * n).map(|at| number((at * 7919 % 101) as f64)).collect();
            let stored = |part: Part, i: usize, j: usize| part.rows(n, j).contains(&i);
            let of = |part, i: usize, j: usize| match part {
                _ if stored(part, i, j) => a[j * n + i].modulus(),
                Part::Mirrored(_) => a[i * n + j].modulus(),
                _ => 0.0,
            };
            for part in parts {
                for which in [Norm::One, Norm::Infinity] {
                    let sum = |k: usize| -> f64 {
                        let of =
                            |l| if which == Norm::One { of(part, l, k) } else { of(part, k, l) };
                        (0..n).map(of).sum()
                    };
                    let expected = largest((0..n).map(sum));
                    for factor in [1.0, 0.5] {
                        let crew = Crew::new(3);
                        let teams: [&dyn Team; 2] = [&Alone, &crew];
                        for team in teams {
                            let mut sums = Vec::new();
                            let found = norm(team, which, part, n, &a, factor, &mut sums);
                            let what = format!("{} {part:?} {which:?} of order {n}", T::NAME);
                            assert_eq!(found, factor * expected, "{what}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn a_norm_is_the_largest_sum() {
        is_the_largest_sum(|x| x);
        #[allow(clippy::cast_possible_truncation)]
        is_the_largest_sum(|x| -x as f32);
        is_the_largest_sum(|x| Complex64::new(3.0 * x, -4.0 * x));
        #[allow(clippy::cast_possible_truncation)]
        is_the_largest_sum(|x| Complex32::new(-4.0 * x as f32, 3.0 * x as f32));
    }

    #[test]
    fn sizes_whose_squares_are_out_of_range_are_right() {
        for scale in [1e-300, 1e-150, 1.0, 1e150, 1e300] {
            for n in [1, 16, 70] {
                let mut a = vec![Complex64::new(1.0, 0.0) * scale; n * n];
                a[n * n - 1] = Complex64::new(3.0, 4.0) * scale;
                for which in [Norm::One, Norm::Infinity] {
                    let found = norm(&Alone, which, Part::Full, n, &a, 1.0, &mut Vec::new());
                    let expected = (n + 4) as f64 * scale;
                    assert!((found / expected - 1.0).abs() < 1e-13, "{found} {expected}");
                }
            }
        }
    }

    #[test]
    fn one_that_is_no_number_is_in_every_norm() {
        let n = 70;
        for at in (0..n * n).step_by(61) {
            for bad in [f64::NAN, f64::INFINITY] {
                let mut real = vec![1.0; n * n];
                real[at] = bad;
                let mut complex = vec![Complex64::new(1.0, 1.0); n * n];
                complex[at].im = bad;
                for which in [Norm::One, Norm::Infinity] {
                    let sums = &mut Vec::new();
                    assert!(!norm(&Alone, which, Part::Full, n, &real, 1.0, sums).is_finite());
                    assert!(!norm(&Alone, which, Part::Full, n, &complex, 1.0, sums).is_finite());
                }
            }
        }
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
