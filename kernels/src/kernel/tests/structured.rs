//! The kernels for structures, on every set that this machine has: against LAPACK, against
//! themselves, and lane by lane.

use crate::columnwise::MAX_SINGLE;
use crate::contract::{Ask, Breakdown, Facts, Invert, Kind, Norm, Symmetry, Triangle};
use crate::interleaved::MAX_ORDER;
use crate::interleaved::args::Request;
use crate::kernel::tests::{ALL, NOTHING, assert_close, orders};
use crate::kernel::{Group, Kernel, Scratch};
use crate::native::Native;
use crate::structure::{Found, detect};
use crate::team::Alone;
use crate::testing::{Parts, Ratios, bits, for_every_scalar, random, sets};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) const KINDS: [Kind; 8] = [
    Kind::PositiveDefinite(Triangle::Lower),
    Kind::PositiveDefinite(Triangle::Upper),
    Kind::Indefinite(Symmetry::Hermitian, Triangle::Lower),
    Kind::Indefinite(Symmetry::Hermitian, Triangle::Upper),
    Kind::Indefinite(Symmetry::Symmetric, Triangle::Lower),
    Kind::Indefinite(Symmetry::Symmetric, Triangle::Upper),
    Kind::Triangular(Triangle::Lower),
    Kind::Triangular(Triangle::Upper),
];

impl Kind {
    /// What stands across the diagonal from x.
    pub(crate) fn image<T: Parts>(self, x: T) -> T {
        if self.is_hermitian() { x.conj() } else { x }
    }

    /// Whether row i, column j is in the triangle that is read.
    fn reads(self, i: usize, j: usize) -> bool {
        i == j || (i > j) == (self.triangle() == Some(Triangle::Lower))
    }

    /// A matrix of this kind, both triangles.
    pub(crate) fn matrix<T: Parts>(self, n: usize, rng: &mut StdRng) -> Vec<T> {
        let b = random::<T>(n * n, rng);
        let mut a = b.clone();
        for j in 0..n {
            for i in 0..n {
                a[j * n + i] = match self {
                    Kind::PositiveDefinite(_) => {
                        (0..n).fold(T::zero(), |sum, k| sum + b[k * n + i] * b[k * n + j].conj())
                    }
                    Kind::Indefinite(..) => b[j * n + i] + self.image(b[i * n + j]),
                    _ if i == j => b[j * n + i] + T::of(1.5, 0.5),
                    _ if self.reads(i, j) => b[j * n + i].over((n as f64).sqrt()),
                    _ => T::zero(),
                };
            }
            if let Kind::PositiveDefinite(_) = self {
                // Far from singular, and a whole number of rounding errors away from Hermitian.
                a[j * n + j] = T::of(a[j * n + j].re().into() + 0.1, 0.0);
                for i in j + 1..n {
                    a[i * n + j] = a[j * n + i].conj();
                }
            }
        }
        a
    }

    /// The same matrix with NaN wherever nothing is read.
    fn veiled<T: Parts>(self, n: usize, a: &[T]) -> Vec<T> {
        let mut veiled = a.to_vec();
        for j in 0..n {
            for i in 0..n {
                if !self.reads(i, j) {
                    veiled[j * n + i] = T::nan();
                }
            }
            if self.is_hermitian() {
                veiled[j * n + j] = T::of(a[j * n + j].re().into(), f64::NAN);
            }
        }
        veiled
    }

    /// What the engine for one matrix says.
    fn by_native<T: Parts>(self, n: usize, a: &mut [T], ask: Ask) -> Result<Facts<T>, Breakdown> {
        let mut native = Native::default();
        match self {
            Kind::PositiveDefinite(triangle) => {
                native.positive_definite(&Alone, n, a, triangle, ask)
            }
            Kind::Indefinite(symmetry, triangle) => {
                native.indefinite(&Alone, n, a, symmetry, triangle, ask)
            }
            _ => native.triangular(&Alone, n, a, self.triangle().unwrap(), ask),
        }
    }
}

fn agrees_with_native<T: Parts>(kind: Kind) {
    let rng = &mut StdRng::seed_from_u64(11);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        // Above, one after the other; with one lane there is no such way.
        let definite = matches!(kind, Kind::PositiveDefinite(_)) && kernel.lanes() > 1;
        let above = [MAX_ORDER + 1, 96, 111, MAX_SINGLE];
        for n in orders().chain(above.into_iter().filter(|_| definite)) {
            let size = n * n;
            for count in [1, 2, kernel.lanes() - 1, kernel.lanes()] {
                if count == 0 || (n > 18 && count != 2) || count > kernel.lanes() {
                    continue;
                }
                let what = format!("{} {} {kind:?} {count} of order {n}", set.name(), T::NAME);
                let plain: Vec<Vec<T>> = (0..count).map(|_| kind.matrix(n, rng)).collect();
                let a: Vec<T> = plain.iter().flat_map(|a| kind.veiled(n, a)).collect();
                let mut x = vec![T::nan(); count * size];
                let outcome =
                    kernel.invert_as(kind, u32::MAX, &mut work, n, Group::Into(&a, &mut x), ALL);
                assert_eq!(outcome.inverted(), (1 << count) - 1, "{what}");
                let facts: Vec<_> =
                    (0..count).map(|i| (outcome.rcond(i), outcome.determinant(i))).collect();
                for (i, (rcond, (sign, log))) in facts.into_iter().enumerate() {
                    let at = i * size..(i + 1) * size;
                    let x = &x[at.clone()];
                    let ratios = Ratios::of(n, &plain[i], x);
                    assert!(ratios.left < 30.0, "{what}: {ratios:?}");
                    for (row, column) in (0..n).flat_map(|j| (0..n).map(move |i| (i, j))) {
                        let (here, there) = (x[column * n + row], x[row * n + column]);
                        match kind {
                            _ if row == column && kind.is_hermitian() => {
                                let real = T::of(here.re().into(), 0.0);
                                assert_eq!(bits(&[here]), bits(&[real]), "{what}");
                            }
                            Kind::PositiveDefinite(_) | Kind::Indefinite(..) => {
                                assert_eq!(bits(&[here]), bits(&[kind.image(there)]), "{what}");
                            }
                            _ if kind.reads(row, column) => {}
                            _ => assert_eq!(bits(&[here]), bits(&[T::zero()]), "{what}"),
                        }
                    }
                    // Alone, and with what is not read as it should be: the same bits.
                    let ask = Ask {
                        rcond: Some(Norm::One),
                        determinant: true,
                        reject_tiny_pivots: false,
                        finite: false,
                    };
                    for mut alone in [plain[i].clone(), a[at].to_vec()] {
                        let one =
                            kernel.one_as(kind, &mut work, n, Group::InPlace(&mut alone), ask);
                        let one = one.unwrap().unwrap();
                        assert_eq!(bits(&alone), bits(x), "{what}");
                        assert_eq!(one.rcond, Some(rcond), "{what}");
                        assert_eq!(one.determinant, Some((sign, log)), "{what}");
                    }
                    let facts = kind.by_native(n, &mut plain[i].clone(), ask).unwrap();
                    let (their_sign, their_log) = facts.determinant.unwrap();
                    let ratio = facts.rcond.unwrap() / rcond;
                    assert!((0.9..=10.0).contains(&ratio), "{what}: rcond {rcond}, ratio {ratio}");
                    let unit = 1e3 * n as f64 * T::UNIT_ROUNDOFF / rcond;
                    assert_close(their_log, log, unit, &what);
                    assert!((their_sign - sign).modulus() <= unit, "{what}: {their_sign} {sign}");
                }
                let mut again = a.clone();
                let group = Group::InPlace(&mut again);
                let outcome = kernel.invert_as(kind, u32::MAX, &mut work, n, group, NOTHING);
                assert_eq!(outcome.inverted(), (1 << count) - 1, "{what}");
                assert_eq!(bits(&again), bits(&x), "{what}: in place");
            }
        }
    }
}

#[test]
fn every_set_agrees_with_native_on_every_triangle() {
    for kind in KINDS {
        for_every_scalar!(agrees_with_native(kind));
    }
}

/// The norm of the transpose, where there is a difference.
fn both_norms<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(12);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for (kind, n) in KINDS.into_iter().flat_map(|kind| [2, 5, 9].map(|n| (kind, n))) {
            let a = kind.matrix::<T>(n, rng);
            for norm in [Norm::One, Norm::Infinity] {
                let ask = Ask {
                    rcond: Some(norm),
                    determinant: false,
                    reject_tiny_pivots: false,
                    finite: false,
                };
                let ours = kernel.one_as(kind, &mut work, n, Group::InPlace(&mut a.clone()), ask);
                let ours = ours.unwrap().unwrap().rcond.unwrap();
                let mut x = a.clone();
                kernel.one_as(kind, &mut work, n, Group::InPlace(&mut x), ask).unwrap().unwrap();
                let mut sums = Vec::new();
                let part = crate::norm::Part::Full;
                let mut norm = |a: &[T]| {
                    crate::norm::norm(&crate::team::Alone, norm, part, n, a, 1.0, &mut sums)
                };
                let exact = 1.0 / (norm(&a) * norm(&x));
                let what = format!("{} {} {kind:?} order {n}", set.name(), T::NAME);
                let rounding = 4.0 * n as f64 * T::UNIT_ROUNDOFF;
                assert!((ours / exact - 1.0).abs() <= rounding, "{what}: {ours} {exact}");
            }
        }
    }
}

#[test]
fn the_condition_is_that_of_both_norms() {
    for_every_scalar!(both_norms());
}

/// What may stand beside a good matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spoiled {
    /// Its last, its first, or its middle diagonal element is not positive; of an indefinite one,
    /// all of its row and column is zero.
    Last,
    First,
    Middle,
    /// Infinite in the triangle that is read.
    Infinite,
    /// NaN at the end of the diagonal.
    NotANumber,
    /// Its inverse overflows.
    Tiny,
}

impl Spoiled {
    const ALL: [Spoiled; 6] = [
        Spoiled::Last,
        Spoiled::First,
        Spoiled::Middle,
        Spoiled::Infinite,
        Spoiled::NotANumber,
        Spoiled::Tiny,
    ];

    fn spoil<T: Parts>(self, kind: Kind, n: usize, a: &mut [T]) {
        let mut bad = |i: usize| {
            let definite = matches!(kind, Kind::PositiveDefinite(_));
            a[i * n + i] = T::of(if definite { -1.0 } else { 0.0 }, 0.0);
            if let Kind::Indefinite(..) = kind {
                for j in 0..n {
                    (a[i * n + j], a[j * n + i]) = (T::zero(), T::zero());
                }
            }
        };
        match self {
            Spoiled::Last => bad(n - 1),
            Spoiled::First => bad(0),
            Spoiled::Middle => bad(n / 2),
            Spoiled::Infinite => {
                let at = if kind.triangle() == Some(Triangle::Lower) { n - 1 } else { (n - 1) * n };
                a[at] = T::of(f64::INFINITY, 0.0);
            }
            Spoiled::NotANumber => a[n * n - 1] = T::nan(),
            Spoiled::Tiny => {
                let factor = if T::UNIT_ROUNDOFF < 1e-10 { 1e-312 } else { 1e-42 };
                for x in a {
                    *x = x.scale(factor);
                }
            }
        }
    }

    fn breakdown(self, kind: Kind, n: usize) -> Option<Breakdown> {
        let step = match self {
            Spoiled::Last => n - 1,
            Spoiled::First => 0,
            Spoiled::Middle => n / 2,
            _ => return None,
        };
        match kind {
            Kind::PositiveDefinite(_) => Some(Breakdown::NotPositive(step)),
            // LU is asked for the column.
            Kind::Indefinite(..) => None,
            _ => Some(Breakdown::ZeroPivot(step)),
        }
    }
}

fn lanes_are_alone<T: Parts>(kind: Kind) {
    let rng = &mut StdRng::seed_from_u64(13);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders().filter(|&n| n <= 18 || n == 33) {
            let size = n * n;
            let good: Vec<T> = (0..kernel.lanes()).flat_map(|_| kind.matrix::<T>(n, rng)).collect();
            let mut expected = good.clone();
            let group = Group::InPlace(&mut expected);
            kernel.invert_as(kind, u32::MAX, &mut work, n, group, NOTHING);
            for (spoiled, request) in
                Spoiled::ALL.into_iter().flat_map(|s| [(s, NOTHING), (s, ALL)])
            {
                let what = format!("{} {} {kind:?} order {n}, {spoiled:?}", set.name(), T::NAME);
                let mut a = good.clone();
                // Every other lane, the first included.
                for matrix in a.chunks_exact_mut(size).step_by(2) {
                    spoiled.spoil(kind, n, matrix);
                }
                let before = a.clone();
                let group = Group::InPlace(&mut a);
                let outcome = kernel.invert_as(kind, u32::MAX, &mut work, n, group, request);
                let inverted = outcome.inverted();
                let noted = outcome.singular(0);
                for i in 0..kernel.lanes() {
                    let at = i * size..(i + 1) * size;
                    let same = if i % 2 == 1 { &expected } else { &before };
                    assert_eq!(inverted >> i & 1 == 1, i % 2 == 1, "{what}, lane {i}");
                    assert_eq!(bits(&a[at.clone()]), bits(&same[at]), "{what}, lane {i}");
                }
                let ask = Ask {
                    rcond: request.rcond,
                    determinant: false,
                    reject_tiny_pivots: false,
                    finite: false,
                };
                let mut alone = before[..size].to_vec();
                let one = kernel
                    .one_as(kind, &mut work, n, Group::InPlace(&mut alone), ask)
                    .map(Result::err);
                assert_eq!(one.flatten(), spoiled.breakdown(kind, n), "{what}");
                assert_eq!(noted.is_some(), spoiled.breakdown(kind, n).is_some(), "{what}");
                assert_eq!(bits(&alone), bits(&before[..size]), "{what}: as it was");
            }
        }
    }
}

#[test]
fn no_lane_sees_what_happens_in_another() {
    for kind in KINDS {
        for_every_scalar!(lanes_are_alone(kind));
    }
}

/// A minor that is not positive although the diagonal is, at every place.
fn names_every_minor<T: Parts>() {
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders().filter(|&n| n > 1) {
            for minor in (1..n).step_by(if n > 9 { 5 } else { 1 }) {
                for triangle in [Triangle::Lower, Triangle::Upper] {
                    // The determinant of rows and columns 0 and `minor` is zero, then negative.
                    for off in [2.0, 3.0] {
                        let mut a = vec![T::zero(); n * n];
                        (0..n).for_each(|i| a[i * n + i] = T::of(2.0, 0.0));
                        a[minor] = T::of(0.0, off);
                        a[minor * n] = T::of(0.0, -off);
                        if !T::COMPLEX {
                            a[minor] = T::of(off, 0.0);
                            a[minor * n] = T::of(off, 0.0);
                        }
                        let kind = Kind::PositiveDefinite(triangle);
                        let ask = Ask {
                            rcond: None,
                            determinant: false,
                            reject_tiny_pivots: false,
                            finite: false,
                        };
                        let broken = kernel.one_as(kind, &mut work, n, Group::InPlace(&mut a), ask);
                        let expected = Some(Some(Breakdown::NotPositive(minor)));
                        let what = format!("{} {} order {n}", set.name(), T::NAME);
                        assert_eq!(broken.map(Result::err), expected, "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_minor_that_is_not_positive_is_named() {
    for_every_scalar!(names_every_minor());
}

/// A lane whose structure is the kernel's, or some other: `structure::detect` is the oracle.
fn finds_kinds<T: Parts>() {
    let rng = &mut StdRng::seed_from_u64(14);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<T>::of(set);
        for n in orders().filter(|&n| n > 1 && n <= 13) {
            let size = n * n;
            let mut a = vec![T::zero(); kernel.lanes() * size];
            for round in 0..16 {
                let same = |i: usize, j: usize, n: usize| n > 1 && (i, j) == (n - 1, 0);
                for (lane, a) in a.chunks_exact_mut(size).enumerate() {
                    let hermitian = Kind::PositiveDefinite(Triangle::Lower).matrix::<T>(n, rng);
                    a.copy_from_slice(&hermitian);
                    let what = if round < 8 { round } else { (lane + round) % 8 };
                    for i in 0..n {
                        for j in 0..i {
                            match what {
                                0 => a[j * n + i] = T::zero(),
                                1 => a[i * n + j] = T::zero(),
                                2 => a[j * n + i] = a[i * n + j],
                                // Not definite, as the diagonal tells.
                                6 => a[i * n + i] = T::of(-1.0, 0.0),
                                3 => {
                                    a[j * n + i] = T::zero();
                                    a[i * n + j] = T::of(-0.0, 0.0);
                                }
                                // One element only, the last one to be looked at.
                                4 if same(i, j, n) => a[j * n + i] = T::of(7.0, 0.0),
                                5 if !same(i, j, n) => {
                                    a[j * n + i] = T::zero();
                                    a[i * n + j] = T::zero();
                                }
                                _ => {}
                            }
                        }
                    }
                }
                let expected = |found: Found| {
                    a.chunks_exact(size)
                        .enumerate()
                        .fold(0, |mask, (lane, a)| mask | u32::from(detect(n, a) == found) << lane)
                };
                let what = format!("{} {} order {n}, round {round}", set.name(), T::NAME);
                let kinds = kernel.kinds(&mut work, n, &a);
                assert_eq!(kinds.general, expected(Found::General), "{what}");
                let hermitian = kinds.definite | kinds.indefinite;
                assert_eq!(hermitian, expected(Found::Hermitian), "{what}");
                assert_eq!(kinds.definite & kinds.indefinite, 0, "{what}");
                let positive = |a: &[T]| a.iter().step_by(n + 1).all(|d| d.re().into() > 0.0);
                for (lane, a) in a.chunks_exact(size).enumerate() {
                    assert!(kinds.definite >> lane & 1 == 0 || positive(a), "{what}");
                    assert!(kinds.indefinite >> lane & 1 == 0 || !positive(a), "{what}");
                }
                assert_eq!(kinds.symmetric, expected(Found::Symmetric), "{what}");
                let found = [Triangle::Lower, Triangle::Upper].map(Found::Triangular).map(expected);
                assert_eq!([kinds.lower, kinds.upper], found, "{what}");
                // A kernel that looks takes its own kind only.
                for kind in KINDS {
                    let request = Request { detect: true, ..NOTHING };
                    let group = &mut a.clone();
                    let group = Group::InPlace(group);
                    let outcome = kernel.invert_as(kind, u32::MAX, &mut work, n, group, request);
                    let mask = match kind {
                        Kind::Triangular(Triangle::Lower) => kinds.lower,
                        Kind::Triangular(Triangle::Upper) => kinds.upper,
                        Kind::Indefinite(Symmetry::Symmetric, _) if T::COMPLEX => kinds.symmetric,
                        Kind::Indefinite(..) => kinds.indefinite,
                        _ => hermitian,
                    };
                    assert_eq!(outcome.inverted() & !mask, 0, "{what} {kind:?}");
                    if !matches!(kind, Kind::PositiveDefinite(_)) {
                        assert_eq!(outcome.inverted(), mask, "{what} {kind:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn kinds_are_found_lane_by_lane() {
    for_every_scalar!(finds_kinds());
}

/// Lanes that are not asked for stay as they are.
#[test]
fn only_some_lanes_are_inverted() {
    let rng = &mut StdRng::seed_from_u64(15);
    let mut work = Scratch::default();
    for set in sets() {
        let kernel = Kernel::<f64>::of(set);
        for (kind, n) in KINDS.into_iter().flat_map(|kind| [3, 7].map(|n| (kind, n))) {
            let good: Vec<f64> =
                (0..kernel.lanes()).flat_map(|_| kind.matrix::<f64>(n, rng)).collect();
            let mut all = good.clone();
            kernel.invert_as(kind, u32::MAX, &mut work, n, Group::InPlace(&mut all), NOTHING);
            let mut some = good.clone();
            let group = Group::InPlace(&mut some);
            let outcome = kernel.invert_as(kind, 0b1010_0101, &mut work, n, group, NOTHING);
            assert_eq!(outcome.inverted(), 0b1010_0101 & ((1 << kernel.lanes()) - 1));
            for (lane, x) in some.chunks_exact(n * n).enumerate() {
                let from = if 0b1010_0101 >> lane & 1 == 1 { &all } else { &good };
                assert_eq!(bits(x), bits(&from[lane * n * n..][..n * n]), "{kind:?}");
            }
        }
    }
}
