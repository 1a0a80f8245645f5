//! What the second sweep finds out of the rows of the inverse.

use crate::blocked::{Aside, Kernel, Scratch, Sizes, invert_by};
use crate::contract::{Ask, Facts, Norm};
use crate::norm;
use crate::norm::Part;
use crate::scalar::Scalar;
use crate::simd::set;
use crate::team::Alone;
use crate::testing::{Parts, for_every_scalar, random, sets};
use rand::SeedableRng;
use rand::rngs::StdRng;

const ASIDES: [Aside; 3] = [Aside::Nothing, Aside::Block, Aside::Matrix];

/// One row after the other whose inverse is out of range.
fn finds_the_row<T: Parts>() {
    let mut work = Scratch::default();
    // Its reciprocal overflows.
    let tiny = T::of(if T::UNIT_ROUNDOFF > 1e-10 { 1e-39 } else { 1e-309 }, 0.0);
    let asks = [None, Some(Norm::One), Some(Norm::Infinity)].map(|rcond| Ask {
        rcond,
        determinant: false,
        reject_tiny_pivots: false,
        finite: true,
    });
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in [1, 2, 23, 49, 150].into_iter().take(if cfg!(miri) { 2 } else { 5 }) {
            for aside in ASIDES {
                let sizes = Sizes { aside, ..Sizes::of(&kernel, n, 1) };
                let mut invert = |row: Option<usize>, ask| -> Facts<T> {
                    let mut a = vec![T::zero(); n * n];
                    (0..n).for_each(|i| a[i * (n + 1)] = T::one());
                    if let Some(row) = row {
                        a[row * (n + 1)] = tiny;
                    }
                    invert_by(&kernel, &sizes, &Alone, &mut work, None, &mut a, ask).unwrap()
                };
                for ask in asks {
                    let what = format!("{} {} of order {n}, {ask:?}", set.name(), T::NAME);
                    assert!(invert(None, ask).finite, "{what}");
                    for row in (0..n).step_by(if n > 50 { 13 } else { 1 }).chain([n - 1]) {
                        assert!(!invert(Some(row), ask).finite, "{what}: {row}");
                    }
                }
                let silent = Ask { finite: false, ..asks[0] };
                assert!(!invert(None, silent).finite, "nobody has looked");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "many inversions on paths that others take")]
fn no_row_that_is_out_of_range_passes_as_finite() {
    for_every_scalar!(finds_the_row());
}

/// The sums of the sweep, and those of a pass over the inverse.
fn has_the_norm_of_the_inverse<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(33);
    let (mut work, mut sums) = (Scratch::default(), Vec::new());
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        // The last one has more columns than those whose L is kept at once.
        let count = match cfg!(debug_assertions) || set != set::best() {
            _ if cfg!(miri) => 2,
            true => 4,
            false => 5,
        };
        for n in [1, 30, 97, 256, 1030].into_iter().take(count) {
            let a = random::<T>(n * n, rng);
            let cases = ASIDES.map(|aside| (Norm::Infinity, aside));
            for (which, aside) in cases.into_iter().chain([(Norm::One, Aside::Nothing)]) {
                let ask = Ask {
                    rcond: Some(which),
                    determinant: false,
                    reject_tiny_pivots: false,
                    finite: true,
                };
                let sizes = Sizes { aside, ..Sizes::of(&kernel, n, 1) };
                let mut x = a.clone();
                let facts =
                    invert_by(&kernel, &sizes, &Alone, &mut work, None, &mut x, ask).unwrap();
                let mut norm =
                    |a: &[T]| norm::norm(&Alone, which, Part::Full, n, a, 1.0, &mut sums);
                // A product below 1 is rounding.
                let expected = (1.0 / (norm(&a) * norm(&x))).min(1.0);
                let ratio = facts.rcond.unwrap() / expected;
                // Two orders of sums of positive numbers in double precision.
                let rounding = 4.0 * n as f64 * f64::UNIT_ROUNDOFF;
                let what = format!("{} {} of order {n}, {which:?}, {aside:?}", set.name(), T::NAME);
                assert!((ratio - 1.0).abs() <= rounding, "{what}: {ratio}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "many inversions on paths that others take")]
fn rcond_comes_from_the_norm_of_the_inverse() {
    for_every_scalar!(has_the_norm_of_the_inverse());
}
