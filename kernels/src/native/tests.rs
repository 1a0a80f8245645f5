//! What the tests of the public interface cannot see: the other triangle, and the decompositions
//! behind pseudo-inverses.

use crate::blocked::mirror;
use crate::contract::{Ask, Breakdown, Invert, Norm, Symmetry, Triangle};
use crate::native::Native;
use crate::plain::BLOCK;
use crate::plain::gemm::{Block, set_product};
use crate::scalar::Scalar;
use crate::team::Alone;
use crate::team::watched::Stops;
use crate::testing::Ratios;
use num_complex::{Complex32, Complex64};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

const ASK: Ask =
    Ask { rcond: Some(Norm::One), determinant: true, reject_tiny_pivots: false, finite: false };

/// On both sides of leaves, of blocks, and of blocks that a pair of pivots makes longer.
const ORDERS: &[usize] = if cfg!(miri) {
    &[1, 2, 3, 17]
} else {
    &[1, 2, 3, 15, 16, 17, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK + 2, 2 * BLOCK + 1]
};

/// Random numbers, complex ones from two real ones.
fn random<T: Scalar>(rng: &mut StdRng, of: impl Fn(f64, f64) -> T) -> T {
    of(rng.random_range(-1.0..1.0), rng.random_range(-1.0..1.0))
}

/// A matrix that is its own mirror; `definite` by a heavy diagonal, else with zeros on it, which
/// only pivots of order 2 get past.
fn mirrored<T: Scalar>(
    n: usize,
    symmetry: Symmetry,
    definite: bool,
    rng: &mut StdRng,
    of: impl Fn(f64, f64) -> T,
) -> Vec<T> {
    let mut a = vec![T::zero(); n * n];
    for j in 0..n {
        for i in j..n {
            let x = random(rng, &of);
            a[j * n + i] = x;
            a[i * n + j] = if symmetry == Symmetry::Hermitian { x.conj() } else { x };
        }
        let diagonal = match (definite, j % 3) {
            (true, _) => T::from_f64(2.0 * n as f64),
            (false, 0) if n > 2 => T::from_f64(0.5),
            (false, _) if n > 1 => T::zero(),
            _ => T::one(),
        };
        a[j * n + j] = diagonal;
    }
    a
}

/// Inverts one triangle of `a`, with NaN in the other one, and checks that it stays there.
fn check_triangle<T: Scalar>(
    n: usize,
    a: &[T],
    triangle: Triangle,
    hermitian: bool,
    invert: impl Fn(&mut Native<T>, &mut [T]),
) -> Ratios {
    let is_other = |i: usize, j: usize| match triangle {
        Triangle::Lower => i < j,
        Triangle::Upper => i > j,
    };
    let mut x = a.to_vec();
    for j in 0..n {
        (0..n).filter(|&i| is_other(i, j)).for_each(|i| x[j * n + i] = T::nan());
    }
    let mut work = Native::default();
    invert(&mut work, &mut x);
    for j in 0..n {
        for i in 0..n {
            assert_eq!(is_other(i, j), !x[j * n + i].is_finite(), "order {n}: ({i}, {j})");
        }
    }
    mirror(&Alone, n, &mut x, triangle, hermitian);
    Ratios::of(n, a, &x)
}

fn one_triangle_is_used<T: Scalar>(of: impl Fn(f64, f64) -> T + Copy) {
    let rng = &mut StdRng::seed_from_u64(21);
    for &n in ORDERS {
        for triangle in [Triangle::Lower, Triangle::Upper] {
            let a = mirrored(n, Symmetry::Hermitian, true, rng, of);
            let residuals = check_triangle(n, &a, triangle, true, |work, a| {
                let facts = work.positive_definite(&Alone, n, a, triangle, ASK).unwrap();
                assert!(facts.determinant.unwrap().0 == T::one());
            });
            assert!(residuals.passes(), "{} order {n}: {residuals:?}", T::NAME);
            for symmetry in [Symmetry::Symmetric, Symmetry::Hermitian] {
                let a = mirrored(n, symmetry, false, rng, of);
                let hermitian = symmetry == Symmetry::Hermitian;
                let residuals = check_triangle(n, &a, triangle, hermitian, |work, a| {
                    work.indefinite(&Alone, n, a, symmetry, triangle, ASK).unwrap();
                });
                assert!(residuals.passes(), "{} {symmetry:?} {n}: {residuals:?}", T::NAME);
            }
        }
    }
}

#[test]
fn the_other_triangle_is_neither_read_nor_touched() {
    one_triangle_is_used::<f32>(|x, _| Scalar::from_f64(x));
    one_triangle_is_used::<f64>(|x, _| x);
    one_triangle_is_used(|x, y| Complex32::new(Scalar::from_f64(x), Scalar::from_f64(y)));
    one_triangle_is_used(Complex64::new);
}

fn graded_is_inverted<T: Scalar>(of: impl Fn(f64, f64) -> T + Copy) {
    let rng = &mut StdRng::seed_from_u64(22);
    let powers = if T::UNIT_ROUNDOFF > 1e-10 { 15.0 } else { 100.0 };
    let times = if cfg!(miri) { 1 } else { 50 };
    let many = [8, 16].into_iter().flat_map(|n| std::iter::repeat_n(n, times));
    for n in ORDERS.iter().copied().chain(many) {
        for symmetry in [Symmetry::Symmetric, Symmetry::Hermitian] {
            let mut a = mirrored(n, symmetry, true, rng, of);
            for j in 0..n {
                for i in j + 1..n {
                    let scale = T::from_f64(10f64.powf(rng.random_range(-powers..powers)));
                    a[j * n + i] = a[j * n + i] * scale;
                    a[i * n + j] = a[i * n + j] * scale;
                }
            }
            let hermitian = symmetry == Symmetry::Hermitian;
            let residuals = check_triangle(n, &a, Triangle::Lower, hermitian, |work, a| {
                work.indefinite(&Alone, n, a, symmetry, Triangle::Lower, ASK).unwrap();
            });
            assert!(residuals.passes(), "{} {symmetry:?} {n}: {residuals:?}", T::NAME);
        }
    }
}

/// Where pivots are much smaller than other elements of their row and column, the multipliers of
/// partial pivoting by Bunch and Kaufman have no bound.
#[test]
fn elements_of_very_different_sizes_are_kept_apart() {
    graded_is_inverted::<f32>(|x, _| Scalar::from_f64(x));
    graded_is_inverted::<f64>(|x, _| x);
    graded_is_inverted(|x, y| Complex32::new(Scalar::from_f64(x), Scalar::from_f64(y)));
    graded_is_inverted(Complex64::new);
}

#[test]
fn every_step_that_fails_is_named() {
    for &n in ORDERS {
        for step in [0, n / 2, n - 1] {
            let mut work = Native::<f64>::default();
            let mut a = vec![0.0; n * n];
            a.iter_mut().step_by(n + 1).for_each(|d| *d = 2.0);
            a[step * n + step] = 0.0;
            let zero = Err(Breakdown::ZeroPivot(step));
            let lower = Triangle::Lower;
            assert_eq!(work.general(&Alone, n, None, &mut a.clone(), ASK), zero);
            assert_eq!(work.triangular(&Alone, n, &mut a.clone(), lower, ASK), zero);
            let done = work.positive_definite(&Alone, n, &mut a.clone(), lower, ASK);
            assert_eq!(done, Err(Breakdown::NotPositive(step)));
            let done = work.indefinite(&Alone, n, &mut a.clone(), Symmetry::Symmetric, lower, ASK);
            assert_eq!(done, zero);
        }
    }
}

fn product<T: Scalar>(n: usize, left: Block<'_, T>, right: Block<'_, T>) -> Vec<T> {
    let mut product = vec![T::zero(); n * n];
    set_product(&mut product, n, left, right);
    product
}

/// The singular values are those put in, the vectors are orthonormal, and the product is A.
fn decomposes<T: Scalar>(of: impl Fn(f64, f64) -> T + Copy) {
    let rng = &mut StdRng::seed_from_u64(22);
    for n in [1_usize, 2, 3, 10, 40, 65].into_iter().take(if cfg!(miri) { 4 } else { 6 }) {
        for rank in [n, n.div_ceil(2)] {
            let mut factor = || -> Vec<T> { (0..n * n).map(|_| random(rng, of)).collect() };
            let (left, mut right) = (factor(), factor());
            // Graded rows, and nothing at all behind the rank.
            for column in right.chunks_exact_mut(n) {
                for (i, x) in column.iter_mut().enumerate() {
                    *x = if i < rank { x.over(f64::from(1_u32 << (i % 9))) } else { T::zero() };
                }
            }
            let a = product(n, Block::new(&left, n, n, n), Block::new(&right, n, n, n));
            let svd = Native::default().svd(&Alone, n, &mut a.clone()).unwrap();
            assert!(svd.s.is_sorted_by(|a, b| a >= b));
            let unit = T::UNIT_ROUNDOFF * n as f64 * 30.0;
            let columns = svd.u.chunks_exact(n).zip(&svd.s);
            let scaled: Vec<T> =
                columns.flat_map(|(column, &s)| column.iter().map(move |x| x.scale(s))).collect();
            let rest = product(n, Block::new(&scaled, n, n, n), Block::new(&svd.vt, n, n, n));
            let is_near = |(&x, &a): (&T, &T)| (x - a).modulus() <= unit * svd.s[0];
            assert!(rest.iter().zip(&a).all(is_near), "{} {n}", T::NAME);
            // Rows of Vᴴ are conjugated columns of V: orthonormal all the same.
            let rows = (0..n * n).map(|at| svd.vt[at % n * n + at / n]).collect();
            for (vectors, what) in [(svd.u, "left"), (rows, "right")] {
                let conjugated: Vec<T> = vectors.iter().map(|x| x.conj()).collect();
                let product = product(
                    n,
                    Block::new(&conjugated, n, n, n).transposed(),
                    Block::new(&vectors, n, n, n),
                );
                for (i, j) in (0..rank).flat_map(|j| (0..rank).map(move |i| (i, j))) {
                    let (x, unity) =
                        (product[j * n + i], if i == j { T::one() } else { T::zero() });
                    assert!((x - unity).modulus() <= unit, "{} {n} {what}: {x}", T::NAME);
                }
            }
        }
    }
}

#[test]
fn singular_value_decompositions_are_orthogonal_and_multiply_to_the_matrix() {
    decomposes::<f32>(|x, _| Scalar::from_f64(x));
    decomposes::<f64>(|x, _| x);
    decomposes(|x, y| Complex32::new(Scalar::from_f64(x), Scalar::from_f64(y)));
    decomposes(Complex64::new);
}

#[test]
fn work_ends_wherever_it_is_stopped() {
    let rng = &mut StdRng::seed_from_u64(30);
    let mut work = Native::default();
    let orders: &[usize] = if cfg!(miri) { &[1, 2, 9] } else { &[1, 2, 40, 2 * BLOCK + 1, 150] };
    for &n in orders {
        let a = mirrored(n, Symmetry::Hermitian, false, rng, Complex64::new);
        let mut expected = a.clone();
        let (symmetry, lower) = (Symmetry::Hermitian, Triangle::Lower);
        work.indefinite(&Alone, n, &mut expected, symmetry, lower, ASK).unwrap();
        let x = Stops::ever_later(&Alone, |team| {
            let mut x = a.clone();
            work.indefinite(team, n, &mut x, symmetry, lower, ASK).map(|_| x)
        });
        assert!(x == expected, "order {n}");
        let s = work.svd(&Alone, n, &mut a.clone()).unwrap().s;
        let after = Stops::ever_later(&Alone, |team| {
            let svd = work.svd(team, n, &mut a.clone());
            svd.ok_or(Breakdown::Cancelled).map(|svd| svd.s)
        });
        assert_eq!(s, after, "order {n}");
    }
}
