//! Small matrices with a structure on the native engine: in stacks of one structure and of all,
//! against single ones and against LAPACK.

use crate::engines::has_lapack;
use crate::lapack_matrices::{Mirror, Signs, Spectrum, gaussian, make_exact, symmetric, upper};
use crate::ratios::{THRESHOLD, left, right};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, matrix_of, poisoned, same_bits, stack_of};
use matinv::ndarray::{Array2, Array3, s};
use matinv::{Engine, Error, Inverter, OnFailure, Status, Structure, Triangle};
use rand::SeedableRng;
use rand::rngs::StdRng;

const ORDERS: [usize; 15] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 33, 64];

const DECLARED: [(Structure, Triangle); 8] = [
    (Structure::PositiveDefinite, Triangle::Lower),
    (Structure::PositiveDefinite, Triangle::Upper),
    (Structure::Symmetric, Triangle::Lower),
    (Structure::Symmetric, Triangle::Upper),
    (Structure::Hermitian, Triangle::Lower),
    (Structure::Hermitian, Triangle::Upper),
    (Structure::UpperTriangular, Triangle::Upper),
    (Structure::LowerTriangular, Triangle::Lower),
];

/// Matrices that strain a factorization, each in its own way.
#[derive(Debug, Clone, Copy)]
enum Family {
    Random,
    /// Condition 10⁸; in single precision 10³.
    IllConditioned,
    /// Rows and columns that shrink towards the end, and towards the beginning.
    Graded,
    GradedUpwards,
}

impl Family {
    const ALL: [Family; 4] =
        [Family::Random, Family::IllConditioned, Family::Graded, Family::GradedUpwards];

    fn matrix<T: Field>(self, structure: Structure, n: usize, rng: &mut StdRng) -> Array2<T> {
        let decades = if T::UNIT_ROUNDOFF < 1e-10 { 8.0 } else { 3.0 };
        let condition = match self {
            Family::IllConditioned => 10f64.powf(decades),
            _ => 10.0,
        };
        let spectrum = Spectrum::conditioned(condition);
        let mut a = match structure {
            Structure::PositiveDefinite => {
                symmetric::<T>(n, Mirror::Adjoint, Signs::Positive, spectrum, rng)
            }
            Structure::Symmetric => {
                symmetric::<T>(n, Mirror::Transpose, Signs::Alternating, spectrum, rng)
            }
            Structure::Hermitian => {
                symmetric::<T>(n, Mirror::Adjoint, Signs::Alternating, spectrum, rng)
            }
            Structure::UpperTriangular => upper(n, spectrum, rng),
            _ => Storage::Row.of(&upper::<T>(n, spectrum, rng).t()),
        };
        // Powers of two, so that scaling adds no error of its own.
        let scale = |i: usize| {
            let i = if let Family::GradedUpwards = self { n - 1 - i } else { i };
            2f64.powf(-(i as f64 / n as f64 * decades * std::f64::consts::LOG2_10 / 2.0).round())
        };
        if let Family::Graded | Family::GradedUpwards = self {
            for ((i, j), x) in a.indexed_iter_mut() {
                *x = x.scale(scale(i)).scale(scale(j));
            }
        }
        a
    }
}

/// The better and the other side's ratio, means over matrices, and the largest better one.
fn sides<T: Field>(matrices: &[Array2<T>], inverses: &Array3<T>) -> [f64; 3] {
    let mut sides = [0.0; 3];
    for (a, x) in matrices.iter().zip(inverses.outer_iter()) {
        let (left, right) = (left(a, &x), right(a, &x));
        sides[0] += left.min(right) / matrices.len() as f64;
        sides[1] += left.max(right) / matrices.len() as f64;
        sides[2] = f64::max(sides[2], left.min(right));
    }
    sides
}

fn residuals_are_lapacks<T: Field>() {
    println!("{:10} better side, other side: largest multiple of LAPACK's mean", T::NAME);
    for (structure, triangle) in DECLARED {
        for family in Family::ALL {
            let mut multiples = [0.0f64; 2];
            for n in ORDERS.into_iter().filter(|&n| n > 1) {
                let rng = &mut StdRng::seed_from_u64(2000 + n as u64);
                let count = 600 / n.pow(2) + 12;
                let matrices: Vec<Array2<T>> =
                    (0..count).map(|_| family.matrix(structure, n, rng)).collect();
                for storage in Storage::BOTH {
                    let stack = stack_of(&matrices, storage);
                    let inverter = Inverter::new().structure(structure).triangle(triangle);
                    let ours = inverter.clone().engine(Engine::Native).inv(&stack).unwrap();
                    let theirs = inverter.engine(Engine::Lapack).inv(&stack).unwrap();
                    let (ours, theirs) = (sides(&matrices, &ours), sides(&matrices, &theirs));
                    let what =
                        format!("{} {structure} {family:?} order {n} by {storage:?}", T::NAME);
                    assert!(ours[2] < THRESHOLD, "{what}: {ours:?}");
                    // That much the inverse has that is rounded once; less is not to be compared.
                    let rounded = 1.0 / n as f64;
                    for (side, limit) in [(0, 2.0), (1, 10.0)] {
                        let multiple = ours[side] / theirs[side].max(rounded);
                        assert!(multiple <= limit, "{what}: {ours:?}, LAPACK {theirs:?}");
                        multiples[side] = multiples[side].max(multiple);
                    }
                }
            }
            let [better, other] = multiples;
            println!("  {structure:18} {family:14?} {triangle:?}: {better:5.2} {other:5.2}");
        }
    }
}

#[test]
#[cfg_attr(not(feature = "openblas"), ignore = "there is no LAPACK in this build")]
fn residuals_are_as_small_as_lapacks() {
    if !has_lapack() {
        return;
    }
    for_every_scalar!(residuals_are_lapacks());
}

/// A matrix with this structure; what is not read of it is NaN.
fn veiled<T: Field>(
    structure: Structure,
    triangle: Triangle,
    n: usize,
    rng: &mut StdRng,
) -> Array2<T> {
    poisoned(&Family::Random.matrix::<T>(structure, n, rng), triangle)
}

/// Runs of every length around the lanes, however they lie in memory.
fn every_layout<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(21);
    for (structure, triangle) in DECLARED {
        let native = Inverter::new().engine(Engine::Native).threads(1);
        let native = native.structure(structure).triangle(triangle);
        // The last one is beyond the kernels for small matrices.
        for n in [1, 2, 3, 5, 6, 7, 8, 11, 16, 150] {
            for count in [1, 2, 7, 8, 9, 17, 35] {
                if n > 100 && count > 2 {
                    continue;
                }
                let what = format!("{} {structure} {count} of order {n}", T::NAME);
                let matrices: Vec<Array2<T>> =
                    (0..count).map(|_| veiled(structure, triangle, n, rng)).collect();
                for storage in Storage::BOTH {
                    let singles: Vec<Array2<T>> =
                        matrices.iter().map(|a| native.inv(&storage.of(a)).unwrap()).collect();
                    let expected = stack_of(&singles, storage);
                    let stack = stack_of(&matrices, storage);
                    let mut places = vec![native.inv(&stack).unwrap()];
                    let mut in_place = stack.clone();
                    native.inv_inplace(&mut in_place).unwrap();
                    places.push(in_place);
                    // With gaps between matrices, rows and elements.
                    let mut wide =
                        storage.of(&Array3::from_elem((2 * count, n + 2, 2 * n), T::nan()));
                    wide.slice_mut(s![..;2, 1..=n, ..;2]).assign(&stack);
                    let sparse = wide.slice(s![..;2, 1..=n, ..;2]);
                    let by_rows = Storage::of(storage, &sparse);
                    places.push(native.inv(&by_rows).unwrap());
                    let mut out = stack.clone();
                    native.inv_into(&sparse, &mut out).unwrap();
                    places.push(out);
                    for (i, x) in places.iter().enumerate() {
                        assert!(same_bits(x, &expected), "{what} by {storage:?}, place {i}");
                    }
                    native.inv_inplace(&mut wide.slice_mut(s![..;2, 1..=n, ..;2])).unwrap();
                    let sparse = wide.slice(s![..;2, 1..=n, ..;2]);
                    assert!(same_bits(&sparse.to_owned(), &expected), "{what} by {storage:?}");
                    // Only there something was written.
                    let numbers = wide.iter().filter(|x| x.is_finite()).count();
                    assert_eq!(numbers, count * n * n, "{what} by {storage:?}");
                }
            }
        }
    }
}

#[test]
fn every_count_and_layout_gives_the_bits_of_a_single_matrix() {
    for_every_scalar!(every_layout());
}

/// Matrices whose structure is found out, good and bad: what a stack of all sorts may hold.
fn sort_of<T: Field>(sort: usize, n: usize, rng: &mut StdRng) -> Array2<T> {
    let of = |structure, rng| Family::Random.matrix::<T>(structure, n, rng);
    let mut a = match sort {
        0 | 5..8 => of(Structure::PositiveDefinite, rng),
        1 | 8 => of(Structure::UpperTriangular, rng),
        2 | 9 => of(Structure::LowerTriangular, rng),
        3 => Array2::from_diag_elem(n, T::of(2.0, 1.0)),
        4 => symmetric(n, Mirror::Transpose, Signs::Positive, Spectrum::conditioned(9.0), rng),
        _ => gaussian(n, rng),
    };
    match sort {
        // Hermitian, not positive definite: by its diagonal, by a minor, by the last one: singular.
        5 => a[[n / 2, n / 2]] = T::from_f64(-3.0),
        6 => {
            a[[n - 1, 0]] = T::of(40.0, 1.0);
            make_exact(&mut a, Mirror::Adjoint);
        }
        7 => {
            let column = a.column(0).to_owned();
            a.column_mut(n - 1).assign(&column);
            a[[n - 1, n - 1]] = column[0];
            a[[0, n - 1]] = column[0];
            a[[n - 1, 0]] = column[0];
            let row = a.column(n - 1).mapv(T::conj);
            a.row_mut(n - 1).assign(&row);
        }
        8 | 9 => a[[n / 2, n / 2]] = T::zero(),
        // Not positive definite by a minor, where signs of zero must not tell how it was found out.
        14 => {
            let real = [[4.0, 3.0, 3.0], [3.0, 2.0, -1.0], [3.0, -1.0, 2.0]];
            a = Array2::eye(n);
            for (i, j) in (0..n.min(3)).flat_map(|j| (0..n.min(3)).map(move |i| (i, j))) {
                a[[i, j]] = T::of(real[i][j], if (i, j) == (2, 1) { 0.0 } else { -0.0 });
            }
        }
        10 => a.column_mut(n - 1).fill(T::zero()),
        11 => a[[0, n - 1]] = T::nan(),
        _ => {}
    }
    a
}

const SORTS: usize = 15;

fn mixed_stacks<T: Field>(engine: Engine) {
    let rng = &mut StdRng::seed_from_u64(22);
    for n in [1, 2, 3, 5, 6, 8, 9, 16, 17, 40, 67] {
        // Runs of one sort of every length, so that the lanes meet all neighbours.
        let sorts: Vec<usize> = (0..SORTS * 6)
            .map(|k| if k < SORTS * 2 { k % SORTS } else { k * k / 7 % SORTS })
            .chain((0..SORTS).flat_map(|sort| std::iter::repeat_n(sort, 9)))
            // Large ones take their time.
            .take(if n > 64 { SORTS * 4 } else { usize::MAX })
            .collect();
        let matrices: Vec<Array2<T>> = sorts.iter().map(|&sort| sort_of(sort, n, rng)).collect();
        for storage in Storage::BOTH {
            let stack = stack_of(&matrices, storage);
            for on_failure in [OnFailure::FillNan, OnFailure::Keep] {
                let inverter = Inverter::new().engine(engine).on_failure(on_failure).threads(1);
                let report = inverter.report(&stack).unwrap();
                let plain = inverter.inv(&stack).unwrap();
                let mut in_place = stack.clone();
                inverter.inv_inplace(&mut in_place).unwrap();
                for (k, a) in matrices.iter().enumerate() {
                    let what = format!("{} sort {} order {n} {storage:?}", T::NAME, sorts[k]);
                    let single = inverter.report(&storage.of(a)).unwrap();
                    let verdict = &report.verdicts[[k]];
                    let of_single = single.verdict();
                    assert_eq!(verdict.status, of_single.status, "{what}");
                    assert_eq!(verdict.error, of_single.error, "{what}");
                    assert_eq!(verdict.structure, of_single.structure, "{what}");
                    assert_eq!(verdict.engine, of_single.engine, "{what}");
                    assert_eq!(verdict.rcond.to_bits(), of_single.rcond.to_bits(), "{what}");
                    let logs = (verdict.log_abs_det, of_single.log_abs_det);
                    assert_eq!(logs.0.to_bits(), logs.1.to_bits(), "{what}");
                    assert_eq!(verdict.sign.bits(), of_single.sign.bits(), "{what}");
                    for stack in [&report.inverse, &plain, &in_place] {
                        assert!(same_bits(&matrix_of(stack, k), &single.inverse), "{what}");
                    }
                }
            }
        }
    }
}

#[test]
fn a_stack_of_all_sorts_is_what_each_matrix_is_alone() {
    for_every_scalar!(mixed_stacks(Engine::Native));
    for_every_scalar!(mixed_stacks(Engine::Auto));
}

/// What each sort is found to be, by both engines.
fn verdicts_agree<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(23);
    for n in [1, 3, 4, 7, 8, 13, 24] {
        for sort in 0..SORTS {
            let matrices: Vec<Array2<T>> = (0..17).map(|_| sort_of(sort, n, rng)).collect();
            for storage in Storage::BOTH {
                let stack = stack_of(&matrices, storage);
                let report = |engine| {
                    let inverter = Inverter::new().on_failure(OnFailure::FillNan).engine(engine);
                    inverter.report(&stack).unwrap()
                };
                let (native, lapack) = (report(Engine::Native), report(Engine::Lapack));
                for (ours, theirs) in native.verdicts.iter().zip(&lapack.verdicts) {
                    let what = format!("{} sort {sort} order {n} by {storage:?}", T::NAME);
                    // Rounding decides which minor of a singular matrix is not positive.
                    if sort == 7 {
                        continue;
                    }
                    assert_eq!(
                        (ours.status, &ours.error),
                        (theirs.status, &theirs.error),
                        "{what}"
                    );
                    assert_eq!(ours.structure, theirs.structure, "{what}");
                    if ours.status != Status::Inverted {
                        continue;
                    }
                    assert_eq!(ours.engine, Engine::Native, "{what}");
                    let ratio = theirs.rcond / ours.rcond;
                    assert!(
                        (0.9..=10.0).contains(&ratio),
                        "{what}: {} {}",
                        ours.rcond,
                        theirs.rcond
                    );
                    let rounding = 1e3 * n as f64 * T::UNIT_ROUNDOFF / ours.rcond;
                    assert!((ours.log_abs_det - theirs.log_abs_det).abs() <= rounding, "{what}");
                    assert!((ours.sign - theirs.sign).modulus() <= rounding, "{what}");
                }
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

/// A declared structure that does not hold is named, matrix by matrix.
fn failures_are_named<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(24);
    for (structure, triangle) in DECLARED {
        for n in [1, 2, 5, 6, 8, 13] {
            let mut matrices: Vec<Array2<T>> =
                (0..20).map(|_| veiled(structure, triangle, n, rng)).collect();
            let mut expected = vec![None; 20];
            for k in (0..20).step_by(3) {
                let step = k % n;
                let definite = structure == Structure::PositiveDefinite;
                if let Structure::Symmetric | Structure::Hermitian = structure {
                    matrices[k].row_mut(step).fill(T::zero());
                    matrices[k].column_mut(step).fill(T::zero());
                }
                matrices[k][[step, step]] = T::from_f64(if definite { -9.0 } else { 0.0 });
                expected[k] = Some(if definite {
                    Error::NotPositiveDefinite { minor: step + 1 }
                } else {
                    Error::Singular { pivot: step }
                });
            }
            for storage in Storage::BOTH {
                let inverter = Inverter::new().structure(structure).triangle(triangle);
                let inverter = inverter.engine(Engine::Native).on_failure(OnFailure::FillNan);
                let report = inverter.report(&stack_of(&matrices, storage)).unwrap();
                for (k, verdict) in report.verdicts.iter().enumerate() {
                    let what = format!("{} {structure} order {n}, matrix {k}", T::NAME);
                    // Elimination goes on past a zero of a lower triangle.
                    if structure == Structure::LowerTriangular && expected[k].is_some() {
                        assert!(matches!(verdict.error, Some(Error::Singular { .. })), "{what}");
                        continue;
                    }
                    assert_eq!(verdict.error, expected[k], "{what}");
                }
            }
        }
    }
}

#[test]
fn a_structure_that_does_not_hold_is_named() {
    for_every_scalar!(failures_are_named());
}
