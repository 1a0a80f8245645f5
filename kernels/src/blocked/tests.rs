//! Every kernel that this machine can run, against LAPACK and against itself.

mod rows;

use crate::blocked::{
    APART, Aside, Kernel, LowerKind, Scratch, Sizes, invert, invert_by, invert_lower, mirror, parts,
};
use crate::contract::{Ask, Breakdown, Norm, Team, Triangle};
use crate::simd::set;
use crate::simd::set::Set;
use crate::team::watched::Stops;
use crate::team::{Alone, Crew};
use crate::testing::{
    Parts, Ratios, bits, determinant, for_every_scalar, norm_of, on_large_stack, random, sets,
};
use num_complex::{Complex32, Complex64};
use rand::SeedableRng;
use rand::rngs::StdRng;

const ALL: Ask =
    Ask { rcond: Some(Norm::One), determinant: true, reject_tiny_pivots: false, finite: false };

/// The orders to test a set at: all small ones, then those around its blocks and strips. Without
/// optimization kernels are a hundred times slower, and only some of them are tested.
fn orders(set: Set) -> impl Iterator<Item = usize> {
    let all = match set == Set::ALL[Set::ALL.len() - 1] {
        _ if cfg!(miri) => 50,
        true => 300,
        false => 130,
    };
    let (step, others) = match cfg!(debug_assertions) {
        _ if cfg!(miri) => (24, 0),
        true => (11, 0),
        false => (1, 5),
    };
    (1..=all).step_by(step).chain([383, 384, 399, 400, 401].into_iter().take(others))
}

/// How good the inverse is, the condition number from its norm, and the determinant from a textbook.
fn agrees_with_a_textbook<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(14);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders(set) {
            let what = format!("{} {} of order {n}", set.name(), T::NAME);
            let a = random::<T>(n * n, rng);
            let mut x = a.clone();
            let facts = invert(&kernel, &Alone, &mut work, n, None, &mut x, ALL).unwrap();
            let ratios = Ratios::of(n, &a, &x);
            assert!(ratios.left < 30.0, "{what}: {ratios:?}");
            let (rcond, (sign, log)) = (facts.rcond.unwrap(), facts.determinant.unwrap());
            let norms = [norm_of(n, &a), norm_of(n, &x)].map(|norm| norm.value / norm.factor);
            // None is better than 1.
            let expected = (1.0 / (norms[0] * norms[1])).min(1.0);
            assert!((rcond / expected - 1.0).abs() < 1e-12, "{what}: {rcond}, not {expected}");
            if n <= 130 {
                let (their_sign, their_log) = determinant(n, &a);
                let unit = 1e3 * n as f64 * T::UNIT_ROUNDOFF / rcond;
                let scale = log.abs().max(their_log.abs()).max(1.0);
                assert!((log - their_log).abs() <= unit * scale, "{what}: {log} {their_log}");
                let sign = Complex64::new(sign.re().into(), sign.im().into());
                assert!((their_sign - sign).norm() <= unit, "{what}: {sign} {their_sign}");
            }
            assert_eq!(facts.overflow, None, "{what}");
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "many inversions on paths that others take")]
fn every_set_agrees_with_a_textbook() {
    on_large_stack(|| {
        for_every_scalar!(agrees_with_a_textbook());
    });
}

/// Works with a crew of so many threads, of which so many are there.
fn with_crew<R>(threads: usize, present: usize, work: impl FnOnce(&Crew) -> R) -> R {
    let crew = Crew::new(threads);
    std::thread::scope(|scope| {
        for thread in 1..present {
            let crew = &crew;
            scope.spawn(move || crew.help(thread));
        }
        let _end = crew.end_of_work();
        work(&crew)
    })
}

/// Orders at which every pivot is the missing one; at the last one for a team, too.
const PIVOTED: &[usize] =
    if cfg!(miri) { &[1, 9, 30] } else { &[1, 2, 7, 8, 9, 47, 48, 49, 97, 150] };

/// A column that depends on those before it, without rounding, at every place.
fn names_every_pivot<T: Parts>() {
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for &n in PIVOTED {
            for pivot in (0..n).step_by(if n > 9 { 7 } else { 1 }) {
                // The identity with its rows reversed, and one column a multiple of the first.
                let mut a = vec![T::zero(); n * n];
                for j in 0..n {
                    a[j * n + n - 1 - j] = T::of(2.0, 0.0);
                }
                a[pivot * n..(pivot + 1) * n].fill(T::zero());
                if pivot > 0 {
                    a[pivot * n + n - 1] = T::of(4.0, 0.0);
                }
                let expected = Err(Breakdown::ZeroPivot(pivot));
                let what = format!("{} {} order {n}", set.name(), T::NAME);
                if Some(&n) == PIVOTED.last() {
                    let (source, mut x) = (Some(&a[..]), a.clone());
                    let broken = with_crew(2, 2, |crew| {
                        invert(&kernel, crew, &mut Scratch::default(), n, source, &mut x, ALL)
                    });
                    assert_eq!(broken.map(|_| ()), expected, "{what}, a team");
                }
                let broken = invert(&kernel, &Alone, &mut work, n, None, &mut a, ALL).map(|_| ());
                assert_eq!(broken, expected, "{what}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "many inversions on paths that others take")]
fn the_column_without_a_pivot_is_named() {
    for_every_scalar!(names_every_pivot());
}

/// Any number of threads, and helpers that come late or not at all.
fn has_the_same_bits<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(15);
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        // At the last one blocks are factored beside the matrix; a slower set would take long.
        let count = match (cfg!(debug_assertions), set == set::best()) {
            _ if cfg!(miri) => 2,
            (true, _) => 3,
            (false, false) => 5,
            (false, true) => 6,
        };
        for n in [1, 30, 150, 256, 301, 1024].into_iter().take(count) {
            let what = format!("{} {} of order {n}", set.name(), T::NAME);
            let a = random::<T>(n * n, rng);
            let mut alone = a.clone();
            let ask = Ask { rcond: Some(Norm::Infinity), reject_tiny_pivots: true, ..ALL };
            let facts =
                invert(&kernel, &Alone, &mut Scratch::default(), n, None, &mut alone, ask).unwrap();
            let ratios = Ratios::of(n, &a, &alone);
            assert!(ratios.left < 30.0, "{what}: {ratios:?}");
            let teams: &[usize] = if cfg!(miri) { &[2] } else { &[2, 3, 5] };
            for &threads in teams {
                for present in [threads, 1] {
                    let usual = Sizes::of(&kernel, n, threads);
                    let asides = [usual.aside, Aside::Nothing, Aside::Block, Aside::Matrix];
                    // In every place for one of the teams.
                    let asides = if present == 3 { &asides[1..] } else { &asides[..1] };
                    for (&aside, from_elsewhere) in
                        asides.iter().flat_map(|aside| [(aside, false), (aside, true)])
                    {
                        let sizes = Sizes { aside, ..usual };
                        let source = from_elsewhere.then_some(&a[..]);
                        let mut x = if from_elsewhere { vec![T::nan(); n * n] } else { a.clone() };
                        let work = &mut Scratch::default();
                        let found = with_crew(threads, present, |crew| {
                            invert_by(&kernel, &sizes, crew, work, source, &mut x, ask).unwrap()
                        });
                        let what = format!("{what}, {threads} threads: {aside:?}");
                        assert_eq!(bits(&x), bits(&alone), "{what}, {from_elsewhere}");
                        assert_eq!(found, facts, "{what}, {from_elsewhere}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_team_computes_the_same_bits() {
    for_every_scalar!(has_the_same_bits());
}

/// In its place, beside it, or from another place.
fn has_the_same_bits_anywhere<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(20);
    let mut work = Scratch::default();
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
            let mut expected = a.clone();
            let facts = invert(&kernel, &Alone, &mut work, n, None, &mut expected, ALL).unwrap();
            for aside in [Aside::Nothing, Aside::Block, Aside::Matrix] {
                for from_elsewhere in [false, true] {
                    let sizes = Sizes { aside, ..Sizes::of(&kernel, n, 1) };
                    let source = from_elsewhere.then_some(&a[..]);
                    let mut x = if from_elsewhere { vec![T::nan(); n * n] } else { a.clone() };
                    let found =
                        invert_by(&kernel, &sizes, &Alone, &mut work, source, &mut x, ALL).unwrap();
                    let what = format!("{} {} of order {n}: {aside:?}", set.name(), T::NAME);
                    assert_eq!(bits(&x), bits(&expected), "{what}, {from_elsewhere}");
                    assert_eq!(found, facts, "{what}, {from_elsewhere}");
                }
            }
        }
    }
}

#[test]
fn where_a_matrix_is_worked_on_changes_no_bit() {
    for_every_scalar!(has_the_same_bits_anywhere());
}

/// The lower triangle of a random matrix: a triangular one, or half of a definite one.
fn random_half<T: Parts>(n: usize, half: LowerKind, rng: &mut StdRng) -> Vec<T> {
    let mut a = random::<T>(n * n, rng);
    for j in 0..n {
        a[j * n..j * n + j].fill(T::nan());
        // Other triangular matrices of these orders have conditions beyond all numbers.
        let diagonal = match half {
            LowerKind::Triangular => a[j * n + j] + T::from_f64((n as f64).sqrt()),
            LowerKind::Definite => T::from_f64(2.0 * n as f64),
        };
        a[j * n + j] = diagonal;
    }
    a
}

/// What a half stands for.
fn whole<T: Parts>(n: usize, half: LowerKind, a: &[T]) -> Vec<T> {
    let mut whole = a.to_vec();
    match half {
        LowerKind::Definite => mirror(&Alone, n, &mut whole, Triangle::Lower, true),
        LowerKind::Triangular => {
            for j in 0..n {
                whole[j * n..j * n + j].fill(T::zero());
            }
        }
    }
    whole
}

/// Both halves, by every set: good inverses, the other triangle untouched, and the same bits
/// whatever the team.
fn inverts_halves<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(18);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders(set).filter(|n| n % 5 == 0 || n % 24 < 2) {
            for half in [LowerKind::Triangular, LowerKind::Definite] {
                let what = format!("{} {} {half:?} of order {n}", set.name(), T::NAME);
                let a = random_half::<T>(n, half, rng);
                let mut x = a.clone();
                let facts =
                    invert_lower(&kernel, &Alone, &mut work, n, &mut x, half, true).unwrap();
                assert_eq!(facts.overflow, None, "{what}");
                for j in 0..n {
                    let finite = |x: &T| x.is_finite();
                    assert!(!x[j * n..j * n + j].iter().any(finite), "{what}");
                    assert!(x[j * n + j..(j + 1) * n].iter().all(finite), "{what}");
                }
                let (a_whole, x_whole) = (whole(n, half, &a), whole(n, half, &x));
                let ratios = Ratios::of(n, &a_whole, &x_whole);
                assert!(ratios.left < 30.0, "{what}: {ratios:?}");
                let mut copy = a_whole.clone();
                let general =
                    invert(&kernel, &Alone, &mut Scratch::default(), n, None, &mut copy, ALL);
                let (sign, log) = general.unwrap().determinant.unwrap();
                let (found_sign, found_log) = facts.determinant.unwrap();
                let unit = 1e3 * n as f64 * T::UNIT_ROUNDOFF;
                assert!((log - found_log).abs() <= unit * log.abs().max(1.0), "{what}");
                assert!((sign - found_sign).modulus() <= unit, "{what}: {sign} {found_sign}");
                if !cfg!(miri) && (n < 100 || n % 3 > 0) {
                    continue;
                }
                let mut shared = a.clone();
                let work = &mut Scratch::default();
                let done = with_crew(3, 3, |crew| {
                    invert_lower(&kernel, crew, work, n, &mut shared, half, true)
                });
                assert_eq!(done.unwrap(), facts, "{what}");
                let of = |x: &[T]| bits(&whole(n, half, x));
                assert_eq!(of(&shared), of(&x), "{what}");
            }
        }
    }
}

#[test]
fn one_triangle_is_inverted_by_every_set_and_team() {
    for_every_scalar!(inverts_halves());
}

#[test]
fn the_minor_that_is_not_positive_is_named() {
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<Complex64>::of(set);
        let orders: &[usize] = if cfg!(miri) { &[1, 9, 30] } else { &[1, 8, 9, 73, 150] };
        for &n in orders {
            for minor in (0..n).step_by(7) {
                for bad in [0.0, -1.0, f64::NAN] {
                    let mut a = random_half(n, LowerKind::Definite, &mut StdRng::seed_from_u64(19));
                    a[minor * n + minor] = Complex64::new(bad, 0.0);
                    let kept = a.clone();
                    let done = invert_lower(
                        &kernel,
                        &Alone,
                        &mut work,
                        n,
                        &mut a,
                        LowerKind::Definite,
                        false,
                    );
                    assert_eq!(done.map(|_| ()), Err(Breakdown::NotPositive(minor)));
                    for j in 0..n {
                        assert_eq!(bits(&a[j * n..j * n + j]), bits(&kept[j * n..j * n + j]));
                    }
                }
            }
        }
    }
}

/// What is not finite is found in the pivots or in the inverse, whatever the engine makes of it.
fn sees_what_is_not_finite<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(16);
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        let places = [(1, 0), (20, 0), (20, 399), (100, 5050), (150, 7)];
        for (n, at) in places.into_iter().take(if cfg!(miri) { 3 } else { 5 }) {
            for bad in [f64::NAN, f64::INFINITY] {
                let mut a = random::<T>(n * n, rng);
                a[at] = T::of(bad, 0.0);
                let facts =
                    invert(&kernel, &Alone, &mut Scratch::default(), n, None, &mut a, ALL).unwrap();
                let seen = facts.overflow.is_some() || a.iter().any(|x| !x.is_finite());
                assert!(seen, "{} {} of order {n}: {bad} at {at}", set.name(), T::NAME);
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "many inversions on paths that others take")]
fn what_is_not_finite_is_seen() {
    for_every_scalar!(sees_what_is_not_finite());
}

/// A power of two changes nothing but the scale.
fn scales_exactly<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(17);
    let range = if T::UNIT_ROUNDOFF < 1e-10 { 900 } else { 100 };
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in [1, 9, 40, 100].into_iter().take(if cfg!(miri) { 2 } else { 4 }) {
            let a = random::<T>(n * n, rng);
            let inverse = |a: &[T]| {
                let mut x = a.to_vec();
                let facts = invert(&kernel, &Alone, &mut Scratch::default(), n, None, &mut x, ALL);
                facts.unwrap();
                x
            };
            let plain = inverse(&a);
            for by in [-range, range] {
                let scale =
                    |a: &[T]| -> Vec<T> { a.iter().map(|x| x.scale(2f64.powi(by))).collect() };
                let scaled = scale(&inverse(&scale(&a)));
                let what = format!("{} {} of order {n}", set.name(), T::NAME);
                assert_eq!(bits(&scaled), bits(&plain), "{what} by 2^{by}");
            }
        }
    }
}

#[test]
#[cfg_attr(miri, ignore = "many inversions on paths that others take")]
fn a_power_of_two_changes_nothing_but_the_scale() {
    for_every_scalar!(scales_exactly());
}

#[test]
#[cfg_attr(miri, ignore = "Miri itself ends where memory is refused")]
fn more_memory_than_there_is_is_refused() {
    let huge = 1 << 50;
    let refused = parts(&mut Vec::<f64>::new(), [1, huge]).map(|_| ());
    assert_eq!(refused, Err(Breakdown::OutOfMemory((1 + huge + 2 * APART) * size_of::<f64>())));
}

/// Wherever the work is left, that is all that is said of it, and the next inversion with the same
/// memory is as good as any.
fn ends_where_it_is_stopped<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(29);
    let kernel = Kernel::<T>::best();
    let mut work = Scratch::default();
    let ask = Ask { reject_tiny_pivots: true, finite: true, ..ALL };
    let orders: &[usize] = if cfg!(miri) { &[1, 26] } else { &[150, 1, 400, 60, 301] };
    for &n in orders {
        let a = random::<T>(n * n, rng);
        let mut expected = a.clone();
        invert(&kernel, &Alone, &mut Scratch::default(), n, None, &mut expected, ask).unwrap();
        let mut half = a.clone();
        half.iter_mut().step_by(n + 1).for_each(|d| *d = T::of(2.0 * n as f64, 0.0));
        let halves = [LowerKind::Triangular, LowerKind::Definite].map(|half_of| {
            let (work, mut x) = (&mut Scratch::default(), half.clone());
            invert_lower(&kernel, &Alone, work, n, &mut x, half_of, true).unwrap();
            (half_of, x)
        });
        let mut by = |team: &dyn Team| {
            for source in [Some(&a[..]), None] {
                let x = Stops::ever_later(team, |team| {
                    let mut x = a.clone();
                    invert(&kernel, team, &mut work, n, source, &mut x, ask).map(|_| x)
                });
                assert!(bits(&x) == bits(&expected), "{} order {n}", T::NAME);
            }
            for (half_of, expected) in &halves {
                let x = Stops::ever_later(team, |team| {
                    let mut x = half.clone();
                    invert_lower(&kernel, team, &mut work, n, &mut x, *half_of, true).map(|_| x)
                });
                assert!(bits(&x) == bits(expected), "{} {half_of:?} {n}", T::NAME);
            }
        };
        by(&Alone);
        with_crew(2, 2, |crew| by(crew));
        with_crew(7, 4, |crew| by(crew));
    }
}

#[test]
fn work_ends_wherever_it_is_stopped() {
    ends_where_it_is_stopped::<f64>();
    if !cfg!(miri) {
        ends_where_it_is_stopped::<f32>();
        ends_where_it_is_stopped::<Complex32>();
        ends_where_it_is_stopped::<Complex64>();
    }
}
