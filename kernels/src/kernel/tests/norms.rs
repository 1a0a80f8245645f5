//! Condition numbers are right where squares of moduli over- or underflow, and beside such lanes.

use crate::contract::{Ask, Kind, Norm, Triangle};
use crate::interleaved::args::{Limit, Request};
use crate::kernel::tests::ALL;
use crate::kernel::{Group, Kernel, Scratch};
use crate::norm;
use crate::norm::Part;
use crate::team::Alone;
use crate::testing::{Parts, for_every_scalar, sets};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// A matrix of a kind with a strong diagonal, times a power of two: beside the diagonal it has
/// numbers whose squares are of every size.
fn matrix<T: Parts>(kind: Kind, n: usize, exponent: f64, rng: &mut StdRng) -> Vec<T> {
    let most = if T::UNIT_ROUNDOFF < 1e-10 { 600.0 } else { 70.0 };
    let mut a = vec![T::zero(); n * n];
    for j in 0..n {
        for i in 0..n {
            let small = if rng.random() { 0.0 } else { rng.random_range(-most..0.0) };
            let mut number = || rng.random_range(-1.0..1.0) / n as f64 * f64::exp2(small);
            let beside = T::of(number(), number());
            let number = match kind {
                _ if i == j && kind == Kind::General => T::of(1.5, -1.5),
                _ if i == j => T::of(2.0, 0.0),
                Kind::Triangular(_) if i < j => T::zero(),
                Kind::PositiveDefinite(_) if i < j => a[i * n + j].conj(),
                _ => beside,
            };
            a[j * n + i] = number;
        }
    }
    a.iter().map(|x| x.scale(f64::exp2(exponent))).collect()
}

fn conditions<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(13);
    let (mut work, mut sums) = (Scratch::default(), Vec::new());
    let double = T::UNIT_ROUNDOFF < 1e-10;
    // Where norms may be shrunk by 2¹⁰ and stay normal.
    let most: f64 = if double { 1000.0 } else { 110.0 };
    let kinds =
        [Kind::General, Kind::PositiveDefinite(Triangle::Lower), Kind::Triangular(Triangle::Lower)];
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 17, 33] {
            for (kind, which) in
                kinds.into_iter().flat_map(|kind| [(kind, Norm::One), (kind, Norm::Infinity)])
            {
                for round in 0..4 {
                    let a: Vec<Vec<T>> = (0..kernel.lanes())
                        .map(|lane| {
                            let far = if (lane + round) % 2 == 0 { 0.0 } else { most };
                            matrix(kind, n, rng.random_range(-far..=far), rng)
                        })
                        .collect();
                    let mut x = a.concat();
                    let request = Request { rcond: Some(which), ..ALL };
                    let group = Group::InPlace(&mut x);
                    let outcome = kernel.invert_as(kind, u32::MAX, &mut work, n, group, request);
                    let inverted = outcome.inverted();
                    let rcond: Vec<f64> = (0..a.len()).map(|lane| outcome.rcond(lane)).collect();
                    // Nothing is divided where the number is held against a limit only.
                    for limit in [0.0, rcond[0], rcond[0].next_up().min(1.0), 1.0] {
                        let min_rcond = Some(Limit::new(limit));
                        let request = Request { report: false, min_rcond, ..request };
                        let (mut y, fits) = (a.concat(), |lane| rcond[lane] >= limit);
                        let group = Group::InPlace(&mut y);
                        let inverted = kernel
                            .invert_as(kind, u32::MAX, &mut work, n, group, request)
                            .inverted();
                        let expected = (0..a.len()).filter(|&lane| fits(lane));
                        let expected = expected.fold(0, |bits, lane| bits | 1 << lane);
                        assert_eq!(inverted, expected, "{} {kind:?} order {n}", T::NAME);
                    }
                    for (lane, (a, x)) in a.iter().zip(x.chunks_exact(n * n)).enumerate() {
                        let what = format!("{} {} {kind:?} order {n}", set.name(), T::NAME);
                        assert!(inverted >> lane & 1 == 1, "{what}");
                        // Exact powers of two, so that the product does not overflow here.
                        let mut norm = |a: &[T]| {
                            let scaled = norm::norm(
                                &Alone,
                                which,
                                Part::Full,
                                n,
                                a,
                                f64::exp2(-12.0),
                                &mut sums,
                            );
                            scaled * f64::exp2(12.0)
                        };
                        let exact = 1.0 / norm(a) / norm(x);
                        let rounding = (4.0 * n as f64 + 8.0) * T::UNIT_ROUNDOFF;
                        let ratio = rcond[lane] / exact;
                        assert!((ratio - 1.0).abs() <= rounding, "{what}: {ratio}");
                        let ask = Ask {
                            rcond: Some(which),
                            determinant: false,
                            reject_tiny_pivots: false,
                            finite: false,
                        };
                        let alone =
                            kernel.one_as(kind, &mut work, n, Group::InPlace(&mut a.clone()), ask);
                        assert_eq!(alone.unwrap().unwrap().rcond, Some(rcond[lane]), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn conditions_are_right_at_every_scale() {
    for_every_scalar!(conditions());
}
