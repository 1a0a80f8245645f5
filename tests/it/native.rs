//! The native engine against LAPACK, through the public interface.

use crate::engines::has_lapack;
use crate::lapack_matrices::{Spectrum, gaussian, general};
use crate::ratios::{THRESHOLD, left, right};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, matrix_of, same_bits, stack_of};
use matinv::ndarray::{Array2, Array3, Axis, s};
use matinv::{Engine, Inverter, OnFailure, Status, Structure};
use rand::SeedableRng;
use rand::rngs::StdRng;

const ORDERS: [usize; 18] = [2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 48, 64];

/// Matrices that strain an elimination, each in its own way.
#[derive(Debug, Clone, Copy)]
enum Family {
    Random,
    /// Rows and columns that shrink towards the end.
    Graded,
    RowScaled,
    ColumnScaled,
    /// Condition 10⁸; in single precision 10³.
    IllConditioned,
}

impl Family {
    const ALL: [Family; 5] = [
        Family::Random,
        Family::Graded,
        Family::RowScaled,
        Family::ColumnScaled,
        Family::IllConditioned,
    ];

    fn matrix<T: Field>(self, n: usize, rng: &mut StdRng) -> Array2<T> {
        let double = T::UNIT_ROUNDOFF < 1e-10;
        let mut a = gaussian::<T>(n, rng);
        let decades = if double { 8.0 } else { 3.0 };
        // Exact, so that scaling adds no error of its own.
        let scale = |i: usize| {
            let bits = i as f64 / n as f64 * decades * std::f64::consts::LOG2_10;
            2f64.powf(-bits.round())
        };
        // In no order that elimination could profit from.
        let mixed = |i: usize| scale(i * 7 % n);
        match self {
            Family::Random => {}
            Family::Graded => {
                for ((i, j), x) in a.indexed_iter_mut() {
                    *x = x.scale(scale(i)).scale(scale(j));
                }
            }
            Family::RowScaled => {
                for ((i, _), x) in a.indexed_iter_mut() {
                    *x = x.scale(mixed(i));
                }
            }
            Family::ColumnScaled => {
                for ((_, j), x) in a.indexed_iter_mut() {
                    *x = x.scale(mixed(j));
                }
            }
            Family::IllConditioned => {
                a = general(n, Spectrum::conditioned(if double { 1e8 } else { 1e3 }), rng);
            }
        }
        a
    }
}

/// Ratios of a family's matrices.
#[derive(Debug, Clone, Copy, Default)]
struct Sides {
    /// The largest of the better side.
    largest: f64,
    /// Means of the better and of the other side: maxima of so few matrices are chance.
    better: f64,
    other: f64,
}

fn sides<T: Field>(matrices: &[Array2<T>], inverses: &Array3<T>) -> Sides {
    let mut sides = Sides::default();
    for (a, x) in matrices.iter().zip(inverses.outer_iter()) {
        let (left, right) = (left(a, &x), right(a, &x));
        sides.largest = sides.largest.max(left.min(right));
        sides.better += left.min(right) / matrices.len() as f64;
        sides.other += left.max(right) / matrices.len() as f64;
    }
    sides
}

fn residuals_are_lapacks<T: Field>(orders: &[usize]) {
    println!("{:10} {:>14}  largest mean residual / multiple of LAPACK's", T::NAME, "family");
    for family in Family::ALL {
        let (mut better, mut other) = ((0.0, 0.0), (0.0, 0.0));
        for &n in orders {
            let rng = &mut StdRng::seed_from_u64(1000 + n as u64);
            // The smaller, the more chance is in a single one.
            let count = match n {
                ..=64 => 12 + 600 / n.pow(2),
                65..1000 => 3,
                _ => 1,
            };
            let matrices: Vec<Array2<T>> = (0..count).map(|_| family.matrix(n, rng)).collect();
            for storage in Storage::BOTH {
                let stack = stack_of(&matrices, storage);
                let inverter = Inverter::new().structure(Structure::General);
                let ours = inverter.clone().engine(Engine::Native).inv(&stack).unwrap();
                let theirs = inverter.engine(Engine::Lapack).inv(&stack).unwrap();
                let (ours, theirs) = (sides(&matrices, &ours), sides(&matrices, &theirs));
                let what = format!("{} {family:?} order {n} by {storage:?}", T::NAME);
                let ratios = (ours.better / theirs.better, ours.other / theirs.other);
                assert!(ours.largest < THRESHOLD, "{what}: {ours:?}");
                assert!(ratios.0 <= 2.0, "{what}: better side {ours:?}, LAPACK {theirs:?}");
                assert!(ratios.1 <= 10.0, "{what}: other side {ours:?}, LAPACK {theirs:?}");
                better = (f64::max(better.0, ours.better), f64::max(better.1, ratios.0));
                other = (f64::max(other.0, ours.other), f64::max(other.1, ratios.1));
            }
        }
        println!(
            "{:10} {:>14}  better {:6.3} / {:4.2}  other {:9.3} / {:4.2}",
            T::NAME,
            format!("{family:?}"),
            better.0,
            better.1,
            other.0,
            other.1
        );
    }
}

#[test]
#[cfg_attr(not(feature = "openblas"), ignore = "there is no LAPACK in this build")]
fn residuals_are_as_small_as_lapacks() {
    if !has_lapack() {
        return;
    }
    for_every_scalar!(residuals_are_lapacks(&ORDERS));
}

#[test]
#[cfg_attr(not(feature = "openblas"), ignore = "there is no LAPACK in this build")]
fn residuals_of_large_matrices_are_as_small_as_lapacks() {
    if !has_lapack() {
        return;
    }
    // Without optimization the kernels are a hundred times slower.
    let orders = [65, 100, 145, 193, 257, 401];
    let orders = if cfg!(debug_assertions) { &orders[..2] } else { &orders };
    for_every_scalar!(residuals_are_lapacks(orders));
}

/// More columns of L than are kept beside the matrix at once.
#[test]
#[cfg_attr(
    any(debug_assertions, not(feature = "openblas")),
    ignore = "there is no LAPACK in this build, or without optimization it takes minutes"
)]
fn residuals_of_a_matrix_in_two_spans_are_as_small_as_lapacks() {
    if !has_lapack() {
        return;
    }
    residuals_are_lapacks::<f64>(&[1100]);
}

#[test]
#[ignore = "orders to 3000 take minutes: cargo test --release --test it -- --ignored"]
fn residuals_of_very_large_matrices_are_as_small_as_lapacks() {
    for_every_scalar!(residuals_are_lapacks(&[1100, 1537, 3000]));
}

/// Runs of every length around the lanes, however they lie in memory.
fn every_layout<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(7);
    let native = Inverter::new().engine(Engine::Native).threads(1);
    for n in (1..=9).chain([16, 17, 33]) {
        for count in (1..=9).chain([15, 16, 17, 33]) {
            let matrices: Vec<Array2<T>> = (0..count).map(|_| gaussian(n, rng)).collect();
            let singles: Vec<Array2<T>> = matrices.iter().map(|a| native.inv(a).unwrap()).collect();
            for (a, x) in matrices.iter().zip(&singles) {
                assert!(left(a, x).min(right(a, x)) < THRESHOLD);
            }
            let expected = stack_of(&singles, Storage::Row);
            let stack = stack_of(&matrices, Storage::Row);
            let what = format!("{} {count} of order {n}", T::NAME);
            // With gaps between matrices, between rows, between elements, and backwards.
            let mut wide = Array3::from_elem((count, n + 2, n + 1), T::nan());
            wide.slice_mut(s![.., 1..=n, ..n]).assign(&stack);
            let mut places: Vec<Array3<T>> = Vec::new();
            places.push(native.inv(&wide.slice(s![.., 1..=n, ..n])).unwrap());
            let mut sparse = Array3::from_elem((2 * count, n, 2 * n), T::nan());
            sparse.slice_mut(s![..;2, .., ..;2]).assign(&stack);
            places.push(native.inv(&sparse.slice(s![..;2, .., ..;2])).unwrap());
            let mut out = Array3::from_elem((count, n + 2, n + 1), T::nan());
            native.inv_into(&stack, &mut out.slice_mut(s![.., 1..=n, ..n])).unwrap();
            assert!(out.iter().filter(|x| x.bits() != T::nan().bits()).count() <= count * n * n);
            places.push(out.slice(s![.., 1..=n, ..n]).to_owned());
            native.inv_inplace(&mut sparse.slice_mut(s![..;2, .., ..;2])).unwrap();
            places.push(sparse.slice(s![..;2, .., ..;2]).to_owned());
            let mut in_place = stack.clone();
            native.inv_inplace(&mut in_place).unwrap();
            places.push(in_place);
            for (i, x) in places.iter().enumerate() {
                assert!(same_bits(x, &expected), "{what}, place {i}");
            }
            // By columns it is A, not Aᵀ, that is factored: other bits, the same in every place.
            let columns = stack_of(&matrices, Storage::Column);
            let inverses = native.inv(&columns).unwrap();
            for (i, a) in matrices.iter().enumerate() {
                let single = native.inv(&Storage::Column.of(a)).unwrap();
                assert!(same_bits(&single, &matrix_of(&inverses, i)), "{what} by columns");
            }
        }
    }
}

#[test]
fn every_count_and_layout_gives_the_bits_of_a_single_matrix() {
    for_every_scalar!(every_layout());
}

/// Verdicts of a stack in which every third matrix is singular, on both engines.
fn verdicts_agree<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(8);
    for n in [2, 3, 4, 5, 8, 11, 16, 32] {
        let matrices: Vec<Array2<T>> = (0..40)
            .map(|k| {
                let mut a = gaussian::<T>(n, rng);
                if k % 3 == 1 {
                    a.column_mut(k % n).fill(T::zero());
                }
                a
            })
            .collect();
        for storage in Storage::BOTH {
            let stack = stack_of(&matrices, storage);
            let report = |engine| {
                let inverter = Inverter::new().on_failure(OnFailure::FillNan).engine(engine);
                inverter.report(&stack).unwrap()
            };
            let (native, lapack) = (report(Engine::Native), report(Engine::Lapack));
            for (i, (ours, theirs)) in native.verdicts.iter().zip(&lapack.verdicts).enumerate() {
                let what = format!("{} order {n} by {storage:?}, matrix {i}", T::NAME);
                assert_eq!(theirs.engine, Engine::Lapack, "{what}");
                assert_eq!(ours.structure, theirs.structure, "{what}");
                assert_eq!((ours.status, &ours.error), (theirs.status, &theirs.error), "{what}");
                if ours.structure == Structure::General {
                    assert_eq!(ours.engine, Engine::Native, "{what}");
                }
                if ours.status != Status::Inverted {
                    continue;
                }
                // 1-norms of the same side: an estimate against the exact one.
                let ratio = theirs.rcond / ours.rcond;
                assert!((0.9..=10.0).contains(&ratio), "{what}: {} {}", ours.rcond, theirs.rcond);
                let rounding = 1e3 * n as f64 * T::UNIT_ROUNDOFF / ours.rcond;
                assert!((ours.log_abs_det - theirs.log_abs_det).abs() <= rounding, "{what}");
                assert!((ours.sign - theirs.sign).modulus() <= rounding, "{what}");
            }
        }
    }
}

#[test]
#[cfg_attr(not(feature = "openblas"), ignore = "there is no LAPACK in this build")]
fn verdicts_are_lapacks() {
    if !has_lapack() {
        return;
    }
    for_every_scalar!(verdicts_agree());
}

/// Under `Auto`, what has a structure keeps it, in a stack of all sorts.
fn structures_stay<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(9);
    for n in [2, 3, 4, 6, 8, 17] {
        let matrices: Vec<Array2<T>> = (0..24)
            .map(|k| {
                let mut a = gaussian::<T>(n, rng);
                for i in 0..n {
                    a[[i, i]] = T::from_f64(n as f64 + 3.0);
                    for j in 0..i {
                        match k % 4 {
                            0 => a[[i, j]] = T::zero(),
                            1 => a[[i, j]] = a[[j, i]].conj(),
                            2 => a[[i, j]] = a[[j, i]],
                            _ => {}
                        }
                    }
                }
                a
            })
            .collect();
        for storage in Storage::BOTH {
            let report = Inverter::new().report(&stack_of(&matrices, storage)).unwrap();
            for (k, x) in report.inverse.axis_iter(Axis(0)).enumerate() {
                let what = format!("{} order {n} by {storage:?}, matrix {k}", T::NAME);
                let verdict = &report.verdicts[[k]];
                let single = Inverter::new().report(&storage.of(&matrices[k])).unwrap();
                assert!(same_bits(&single.inverse, &x), "{what}");
                assert_eq!(single.verdict(), verdict, "{what}");
                let holds = x.indexed_iter().all(|((i, j), &y)| match k % 4 {
                    0 => i <= j || y == T::zero(),
                    1 => y == x[[j, i]].conj(),
                    2 => y == x[[j, i]],
                    _ => verdict.structure == Structure::General,
                });
                assert!(holds, "{what}: {x}");
            }
        }
    }
}

#[test]
fn structures_are_found_and_kept_among_general_matrices() {
    for_every_scalar!(structures_stay());
}
