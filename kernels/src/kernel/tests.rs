//! Every kernel that this machine can run, against LAPACK and against itself.

mod columnwise;
mod graded;
#[cfg(all(unix, not(miri)))]
mod guard_pages;
mod norms;
mod places;
mod structured;

use crate::blocked;
use crate::columnwise::MAX_SINGLE;
use crate::contract::{Ask, Breakdown, Invert, Kind, Norm};
use crate::interleaved::MAX_ORDER;
use crate::interleaved::args::Request;
use crate::kernel::{Group, Kernel, Scratch};
use crate::native::Native;
use crate::simd::set::Set;
use crate::simd::vector::MAX_LANES;
use crate::team::Alone;
use crate::testing::{Parts, Ratios, bits, for_every_scalar, on_large_stack, random, sets};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Small orders all; then those around the lanes, the tiles and the ends of both.
pub(crate) fn orders() -> impl Iterator<Item = usize> {
    let large: &[usize] =
        if cfg!(miri) { &[] } else { &[23, 24, 25, 31, 32, 33, 47, 48, 63, MAX_ORDER] };
    (1..=if cfg!(miri) { 7 } else { 18 }).chain(large.iter().copied())
}

/// Those, and the ones that there are kernels for general matrices alone for.
fn orders_of_general() -> impl Iterator<Item = usize> {
    let large = [MAX_ORDER + 1, 96, 111, MAX_SINGLE];
    orders().chain(large.into_iter().take(if cfg!(miri) { 0 } else { 4 }))
}

pub(crate) const ALL: Request = Request {
    detect: false,
    rcond: Some(Norm::One),
    report: true,
    min_rcond: None,
    determinant: true,
    reject_tiny_pivots: false,
    stream: false,
};

pub(crate) const NOTHING: Request = Request { rcond: None, determinant: false, ..ALL };

pub(crate) fn assert_close(a: f64, b: f64, within: f64, what: &str) {
    assert!((a - b).abs() <= within * a.abs().max(b.abs()).max(1.0), "{what}: {a} and {b}");
}

/// Every count of matrices gives what LAPACK gives, and one matrix's bits do not depend on it.
fn agrees_with_native<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(4);
    let (mut work, mut native) = (Scratch::default(), Native::<T>::default());
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders_of_general() {
            let size = n * n;
            for count in 1..=kernel.lanes().min(if n > 18 { 1 } else { MAX_LANES }) {
                let what = format!("{} {} {count} of order {n}", set.name(), T::NAME);
                let a = random::<T>(count * size, rng);
                let mut x = vec![T::nan(); count * size];
                let outcome = kernel.invert(&mut work, n, Group::Into(&a, &mut x), ALL);
                assert_eq!(outcome.inverted(), (1 << count) - 1, "{what}");
                let facts: Vec<_> =
                    (0..count).map(|i| (outcome.rcond(i), outcome.determinant(i))).collect();
                for (i, (rcond, (sign, log))) in facts.into_iter().enumerate() {
                    let at = i * size..(i + 1) * size;
                    let ratios = Ratios::of(n, &a[at.clone()], &x[at.clone()]);
                    assert!(ratios.left < 30.0, "{what}: {ratios:?}");
                    let mut alone = a[at.clone()].to_vec();
                    let ask = Ask {
                        rcond: Some(Norm::One),
                        determinant: true,
                        reject_tiny_pivots: false,
                        finite: false,
                    };
                    let one = kernel
                        .one_as(Kind::General, &mut work, n, Group::InPlace(&mut alone), ask)
                        .unwrap()
                        .unwrap();
                    assert_eq!(bits(&alone), bits(&x[at.clone()]), "{what}");
                    assert_eq!(one.rcond, Some(rcond), "{what}");
                    assert_eq!(one.determinant, Some((sign, log)), "{what}");
                    let mut theirs = a[at].to_vec();
                    let facts = native.general(&Alone, n, None, &mut theirs, ask).unwrap();
                    let (their_sign, their_log) = facts.determinant.unwrap();
                    // An estimate may be too optimistic, not much so for such orders.
                    let ratio = facts.rcond.unwrap() / rcond;
                    assert!((0.9..=10.0).contains(&ratio), "{what}: rcond {rcond}, ratio {ratio}");
                    let unit = 1e3 * n as f64 * T::UNIT_ROUNDOFF / rcond;
                    assert_close(their_log, log, unit, &what);
                    assert!((their_sign - sign).modulus() <= unit, "{what}: {their_sign} {sign}");
                }
                let mut again = a.clone();
                let outcome = kernel.invert(&mut work, n, Group::InPlace(&mut again), NOTHING);
                assert_eq!(outcome.inverted(), (1 << count) - 1, "{what}");
                assert_eq!(bits(&again), bits(&x), "{what}: in place");
            }
        }
    }
}

#[test]
fn every_set_agrees_with_native_at_every_count() {
    on_large_stack(|| {
        for_every_scalar!(agrees_with_native());
    });
}

/// What may stand beside a matrix: each comes from a good one.
fn spoil<T: Parts>(kind: usize, n: usize, a: &mut [T]) {
    match kind {
        // Singular in its last column, in its first, and throughout.
        0 => a[n * n - n..].fill(T::zero()),
        1 => a[..n].fill(T::zero()),
        2 => a.fill(T::zero()),
        3 => a[n * n - 1] = T::nan(),
        4 => a[n / 2] = T::of(f64::INFINITY, 0.0),
        // The inverse overflows.
        5 => a
            .iter_mut()
            .for_each(|x| *x = x.scale(if T::UNIT_ROUNDOFF < 1e-10 { 1e-310 } else { 1e-40 })),
        // Finite, and every product overflows.
        _ => a
            .iter_mut()
            .for_each(|x| *x = x.scale(if T::UNIT_ROUNDOFF < 1e-10 { 1e307 } else { 1e37 })),
    }
}

fn lanes_are_alone<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(5);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders_of_general() {
            let size = n * n;
            let good = random::<T>(kernel.lanes() * size, rng);
            let mut expected = good.clone();
            kernel.invert(&mut work, n, Group::InPlace(&mut expected), NOTHING);
            for kind in 0..7 {
                for request in [NOTHING, ALL] {
                    let what = format!("{} {} order {n}, spoiled {kind}", set.name(), T::NAME);
                    let mut a = good.clone();
                    // Every other lane, the first included.
                    for matrix in a.chunks_exact_mut(size).step_by(2) {
                        spoil(kind, n, matrix);
                    }
                    let before = a.clone();
                    let outcome = kernel.invert(&mut work, n, Group::InPlace(&mut a), request);
                    let inverted = outcome.inverted();
                    for i in 0..kernel.lanes() {
                        let at = i * size..(i + 1) * size;
                        if i % 2 == 1 {
                            assert!(inverted >> i & 1 == 1, "{what}, lane {i}");
                            assert_eq!(bits(&a[at.clone()]), bits(&expected[at]), "{what}, {i}");
                        } else if kind < 6 {
                            assert!(inverted >> i & 1 == 0, "{what}, lane {i}");
                            assert_eq!(bits(&a[at.clone()]), bits(&before[at]), "{what}, {i}");
                        }
                    }
                    let pivot = match kind {
                        0 => Some(n - 1),
                        1 | 2 => Some(0),
                        _ => None,
                    };
                    assert_eq!(outcome.singular(0), pivot, "{what}");
                }
            }
        }
    }
}

#[test]
fn no_lane_sees_what_happens_in_another() {
    for_every_scalar!(lanes_are_alone());
}

/// A column that depends on those before it, without rounding, at every place.
fn names_every_pivot<T: Parts>() {
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders_of_general() {
            for pivot in (0..n).step_by(if n > 9 { 7 } else { 1 }) {
                // The identity with its rows reversed, and one column a multiple of the first.
                let mut a = vec![T::zero(); n * n];
                for j in 0..n {
                    a[j * n + n - 1 - j] = T::of(2.0, 0.0);
                }
                let row = if pivot == 0 { None } else { Some(n - 1) };
                a[pivot * n..(pivot + 1) * n].fill(T::zero());
                if let Some(row) = row {
                    a[pivot * n + row] = T::of(4.0, 0.0);
                }
                let ask = Ask {
                    rcond: None,
                    determinant: false,
                    reject_tiny_pivots: false,
                    finite: false,
                };
                let broken = kernel
                    .one_as(Kind::General, &mut work, n, Group::InPlace(&mut a), ask)
                    .map(Result::err);
                let expected = Some(Some(Breakdown::ZeroPivot(pivot)));
                assert_eq!(broken, expected, "{} {} order {n}", set.name(), T::NAME);
            }
        }
    }
}

#[test]
fn the_column_without_a_pivot_is_named() {
    for_every_scalar!(names_every_pivot());
}

/// Lanes with a structure are left alone if that is asked for: `structure::detect` is the oracle.
fn finds_structures<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(6);
    let mut work = Scratch::default();
    let request = Request { detect: true, ..NOTHING };
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders().filter(|&n| n <= 9) {
            let size = n * n;
            let mut a = random::<T>(kernel.lanes() * size, rng);
            for round in 0..12 {
                for (lane, a) in a.chunks_exact_mut(size).enumerate() {
                    a.copy_from_slice(&random::<T>(size, rng));
                    for i in 0..n {
                        a[i * n + i] = a[i * n + i] + T::of(4.0, 0.0);
                        for j in 0..i {
                            match (lane + round) % 6 {
                                0 => a[j * n + i] = T::zero(),
                                1 => a[i * n + j] = T::zero(),
                                2 => a[j * n + i] = a[i * n + j],
                                3 => a[j * n + i] = a[i * n + j].conj(),
                                // One pair only: general but for order 2.
                                4 if (i, j) == (1, 0) => a[j * n + i] = T::zero(),
                                _ => {}
                            }
                        }
                    }
                    if (lane + round) % 6 == 3 {
                        blocked::make_diagonal_real(n, a);
                    }
                }
                let expected = a.chunks_exact(size).enumerate().fold(0, |mask, (lane, a)| {
                    let general =
                        crate::structure::detect(n, a) == crate::structure::Found::General;
                    mask | u32::from(general) << lane
                });
                let outcome = kernel.invert(&mut work, n, Group::InPlace(&mut a), request);
                assert_eq!(outcome.inverted(), expected, "{} {} order {n}", set.name(), T::NAME);
            }
        }
    }
}

#[test]
fn matrices_with_a_structure_are_left_alone() {
    for_every_scalar!(finds_structures());
}

#[test]
fn one_set_is_the_best_and_the_portable_one_is_always_there() {
    assert!(Set::Portable.is_available());
    assert_eq!(Some(&crate::simd::set::best()), sets().last());
}
