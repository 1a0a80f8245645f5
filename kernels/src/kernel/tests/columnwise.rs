//! A matrix has the same bits, and the same fate, alone and in lanes.

use crate::columnwise::MAX_SINGLE;
use crate::contract::{Kind, Norm, Triangle};
use crate::interleaved::MAX_ORDER;
use crate::interleaved::args::{Limit, Request};
use crate::interleaved::lu::tiny;
use crate::kernel::tests::spoil;
use crate::kernel::{EVERY, Group, Kernel, Scratch};
use crate::testing::{Parts, random, sets};
use num_complex::{Complex32, Complex64};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// The kinds of matrices that [`matrix`] makes.
const KINDS: usize = 21;

/// A matrix of some kind: none must tell the two ways apart.
fn matrix<T: Parts>(kind: usize, n: usize, rng: &mut StdRng) -> Vec<T> {
    let len = n * n;
    let mut a = random::<T>(len, rng);
    // In f32 some of these under- and overflow, as they should.
    let power = |exponent: f64| 2f64.powf(exponent);
    match kind {
        0..7 => spoil(kind, n, &mut a),
        // Graded by columns, by rows, and at will.
        7 => a.iter_mut().enumerate().for_each(|(at, x)| *x = x.scale(power((at / n) as f64))),
        8 => a.iter_mut().enumerate().for_each(|(at, x)| *x = x.scale(power(-((at % n) as f64)))),
        9 => a.iter_mut().for_each(|x| *x = x.scale(power(rng.random_range(-60.0..60.0)))),
        // Ties between pivots, and zeros of either sign.
        10..13 => {
            let most = (kind - 9) as f64;
            let mut number = || rng.random_range(-most..=most).round();
            a.fill_with(|| T::of(number(), number()));
        }
        13 => a.iter_mut().for_each(|x| {
            *x =
                T::of(if rng.random() { 0.5 } else { -0.5 }, if rng.random() { 0.0 } else { -0.0 });
        }),
        // Few numbers that are not zero: a permutation, one with a triangle, a block.
        14..17 => {
            let mut order: Vec<usize> = (0..n).collect();
            order.shuffle(rng);
            for j in 0..n {
                for i in 0..n {
                    let other = match kind {
                        14 => false,
                        15 => i > j,
                        _ => i / 5 == j / 5,
                    };
                    if !other && i != j {
                        a[j * n + order[i]] = T::of(if rng.random() { 0.0 } else { -0.0 }, 0.0);
                    }
                }
            }
        }
        // A column or a row that depends on others, up to rounding.
        17 => {
            let at = rng.random_range(1..n);
            for i in 0..n {
                a[at * n + i] = a[i] + a[(at - 1) * n + i];
            }
        }
        // A pivot whose inverse overflows.
        18 => a[..n].iter_mut().for_each(|x| *x = T::of(T::UNIT_ROUNDOFF * f64::MIN_POSITIVE, 0.0)),
        // Any bits at all; then without NaN and infinity.
        19 => a.iter_mut().for_each(|x| *x = T::of_bits(rng.random(), rng.random())),
        _ => a.iter_mut().for_each(|x| {
            let bits = T::of_bits(rng.random(), rng.random());
            *x = if bits.is_finite() { bits } else { T::zero() };
        }),
    }
    a
}

/// How many changes [`definite`] makes.
const CHANGES: usize = 13;

/// A positive definite matrix, mostly, of which something was changed.
fn definite<T: Parts>(change: usize, n: usize, rng: &mut StdRng) -> Vec<T> {
    let mut a = Kind::PositiveDefinite(Triangle::Lower).matrix::<T>(n, rng);
    let at = rng.random_range(0..n * n);
    let tiny = T::UNIT_ROUNDOFF * if T::UNIT_ROUNDOFF < 1e-10 { 1e-290 } else { 1e-30 };
    match change {
        0 | 1 => {}
        // Graded, of any scale.
        2 => {
            for (e, x) in a.iter_mut().enumerate() {
                *x = x.scale(0.5f64.powf((e / n + e % n) as f64));
            }
        }
        3 => a.iter_mut().for_each(|x| *x = x.scale(tiny)),
        4 => a.iter_mut().for_each(|x| *x = x.over(tiny)),
        // Not positive somewhere, or nowhere.
        5 => a[at / n * (n + 1)] = T::of(-1.0, 0.0),
        6 => a[at / n * (n + 1)] = T::of(0.0, 0.0),
        7 => a.fill(T::zero()),
        8 => a[at] = T::nan(),
        9 => a[at] = T::of(f64::INFINITY, 0.0),
        // What no imaginary part of the diagonal, and no other triangle, does to it.
        10 => (0..n).for_each(|i| a[i * (n + 1)] = T::of(a[i * (n + 1)].re().into(), f64::NAN)),
        11 => a[at] = T::of(1e-3, 1e-3),
        _ => a.iter_mut().for_each(|x| *x = T::of_bits(rng.random(), rng.random())),
    }
    a
}

fn alone_as_in_lanes<T: Parts>(kind: Kind, orders: impl Iterator<Item = usize>) {
    let rng = &mut StdRng::seed_from_u64(8);
    let (mut work, mut work_of_one) = (Scratch::<T>::default(), Scratch::<T>::default());
    let kernels: Vec<_> = sets().into_iter().map(|set| (set, Kernel::<T>::of(set))).collect();
    let (mut inverted, mut singular) = (0, 0);
    for n in orders {
        for change in 0..if kind == Kind::General { KINDS } else { CHANGES } {
            let of_kind = |rng: &mut StdRng| match kind {
                Kind::General => matrix(change, n, rng),
                _ => definite(change, n, rng),
            };
            let all: Vec<T> = (0..3).flat_map(|_| of_kind(rng)).collect();
            for &(set, kernel) in &kernels {
                let (none, every) = (&[], &[(0, EVERY)]);
                let lanes = Kernel { few: none, few_definite: none, ..kernel };
                let mut alone = Kernel { few: every, ..kernel };
                if kernel.lanes() > 1 {
                    alone.few_definite = every;
                }
                // One alone goes through one lane, if there are no few.
                let most = if kind == Kind::General { 3 } else { [1, 3][rng.random_range(0..2)] };
                let count = kernel.lanes().min(most);
                let a = &all[..count * n * n];
                let request = Request {
                    detect: rng.random(),
                    rcond: [None, Some(Norm::One), Some(Norm::Infinity)][rng.random_range(0..3)],
                    report: true,
                    min_rcond: [None, Some(Limit::new(1e-6))][rng.random_range(0..2)],
                    determinant: true,
                    reject_tiny_pivots: rng.random(),
                    stream: rng.random(),
                };
                let what =
                    format!("{} {} order {n}, {change}: {kind:?} {request:?}", set.name(), T::NAME);
                let (mut x, mut y) = (vec![T::nan(); a.len()], a.to_vec());
                let all = u32::MAX;
                let group = Group::Into(a, &mut x);
                let one = alone.invert_as(kind, all, &mut work_of_one, n, group, request);
                let group = Group::InPlace(&mut y);
                let many = lanes.invert_as(kind, all, &mut work, n, group, request);
                assert_eq!(one.inverted(), many.inverted(), "{what}");
                for lane in 0..count {
                    let at = lane * n * n..(lane + 1) * n * n;
                    assert_eq!(one.singular(lane), many.singular(lane), "{what}");
                    singular += usize::from(one.singular(lane).is_some());
                    if one.inverted() >> lane & 1 == 0 {
                        assert!(x[at].iter().all(|x| x.bits() == T::nan().bits()), "{what}");
                        continue;
                    }
                    inverted += 1;
                    for (e, (x, y)) in x[at.clone()].iter().zip(&y[at]).enumerate() {
                        assert_eq!(x.bits(), y.bits(), "{what}: element {e} of lane {lane}");
                    }
                    if request.rcond.is_some() {
                        assert_eq!(one.rcond(lane).to_bits(), many.rcond(lane).to_bits(), "{what}");
                    }
                    let (sign, log) = one.determinant(lane);
                    let (their_sign, their_log) = many.determinant(lane);
                    assert_eq!(sign.bits(), their_sign.bits(), "{what}");
                    assert_eq!(log.to_bits(), their_log.to_bits(), "{what}");
                }
            }
        }
    }
    assert!(inverted > 0 && singular > 0, "{inverted} inverted, {singular} singular");
}

/// Every order in release; some in debug, where the kernels are slow.
fn orders() -> impl Iterator<Item = usize> {
    let step = if cfg!(debug_assertions) { 5 } else { 1 };
    let large = [65, 79, 97, 120, 127, MAX_SINGLE];
    (tiny::MAX_ORDER + 1..=MAX_ORDER).chain(large).step_by(step)
}

#[test]
fn a_real_matrix_is_the_same_alone_and_in_lanes() {
    alone_as_in_lanes::<f32>(Kind::General, orders());
    alone_as_in_lanes::<f64>(Kind::General, orders());
}

#[test]
fn a_complex_matrix_is_the_same_alone_and_in_lanes() {
    alone_as_in_lanes::<Complex32>(Kind::General, orders());
    alone_as_in_lanes::<Complex64>(Kind::General, orders());
}

#[test]
fn a_positive_definite_matrix_is_the_same_alone_and_in_lanes() {
    for triangle in [Triangle::Lower, Triangle::Upper] {
        let kind = Kind::PositiveDefinite(triangle);
        alone_as_in_lanes::<f32>(kind, orders());
        alone_as_in_lanes::<f64>(kind, orders());
        alone_as_in_lanes::<Complex32>(kind, orders());
        alone_as_in_lanes::<Complex64>(kind, orders());
    }
}
