//! What happens to a matrix that fails, and that its neighbours do not notice.

use crate::lapack_matrices::{Mirror, Signs, Spectrum, general, make_exact, symmetric};
use crate::ratios::{THRESHOLD, one_norm};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{
    Storage, is_hermitian, is_symmetric, matrix_of, poisoned, same_bits, stack_of,
};
use matinv::ndarray::{Array2, Array3, Axis, arr1, array, s};
use matinv::{Error, Failure, Inverter, OnFailure, Scalar, Status, Structure, Triangle};
use rand::SeedableRng;
use rand::rngs::StdRng;

const N: usize = 3;

/// A stack of order 3 in which some matrices fail.
struct Mixed<T> {
    inverter: Inverter,
    matrices: Vec<Array2<T>>,
    /// What is wrong with each.
    errors: Vec<Option<Error>>,
}

impl<T: Field> Mixed<T> {
    fn good(&self) -> impl Iterator<Item = usize> {
        (0..self.errors.len()).filter(|&i| self.errors[i].is_none())
    }

    fn bad(&self) -> impl Iterator<Item = (usize, &Error)> {
        self.errors.iter().enumerate().filter_map(|(i, error)| Some((i, error.as_ref()?)))
    }

    /// Bad ones between good ones.
    fn new(inverter: Inverter, good: Vec<Array2<T>>, bad: Vec<(Array2<T>, Error)>) -> Self {
        let (mut matrices, mut errors) = (Vec::new(), Vec::new());
        let mut bad = bad.into_iter();
        for a in good {
            matrices.push(a);
            errors.push(None);
            for (a, error) in bad.by_ref().take(2) {
                matrices.push(a);
                errors.push(Some(error));
            }
        }
        assert_eq!(bad.next(), None);
        Mixed { inverter, matrices, errors }
    }

    /// Structures detected, and every failure that can happen then.
    fn detected() -> Self {
        let rng = &mut StdRng::seed_from_u64(9);
        let good = (0..6).map(|_| general(N, Spectrum::conditioned(10.0), rng)).collect();
        let (limit, rcond) = (128.0 * T::UNIT_ROUNDOFF, 8.0 * T::UNIT_ROUNDOFF);
        let from =
            |rows: [[f64; N]; N]| Array2::from_shape_fn((N, N), |(i, j)| T::from_f64(rows[i][j]));
        let singular = |pivot| Error::Singular { pivot };
        let mut infinite = Array2::from_elem((N, N), T::one());
        infinite[[1, 2]] = T::from_f64(f64::INFINITY);
        let mut not_a_number = Array2::eye(N);
        not_a_number[[2, 0]] = T::nan();
        let tiny = T::from_f64(T::SAFE_MINIMUM / 16.0);
        let overflow = Array2::from_elem((1, 1), tiny);
        let mut small = Array2::eye(N);
        small[[0, 0]] = T::from_f64(rcond);
        let bad = vec![
            (from([[1.0, 0.0, 2.0], [3.0, 0.0, 5.0], [2.0, 0.0, 2.0]]), singular(1)),
            (from([[1.0, 2.0, 4.0], [2.0, 4.0, 8.0], [4.0, 8.0, 16.0]]), singular(1)),
            (infinite, Error::NonFinite { row: 1, col: 2 }),
            (not_a_number, Error::NonFinite { row: 2, col: 0 }),
            (Array2::from_elem((N, N), T::zero()), singular(0)),
            (small, Error::IllConditioned { rcond, limit }),
            (from([[1.0, 5.0, 6.0], [0.0, 0.0, 7.0], [0.0, 0.0, 8.0]]), singular(1)),
            (from([[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]), singular(1)),
            (Array2::from_diag_elem(N, overflow[[0, 0]]), Error::Overflow { row: 0, col: 0 }),
        ];
        Mixed::new(Inverter::new().min_rcond(limit), good, bad)
    }

    /// Declared positive definite, and not.
    fn definite() -> Self {
        let rng = &mut StdRng::seed_from_u64(10);
        let spectrum = Spectrum::conditioned(10.0);
        let good =
            (0..4).map(|_| symmetric(N, Mirror::Adjoint, Signs::Positive, spectrum, rng)).collect();
        let mut indefinite = Array2::<T>::eye(N);
        indefinite[[1, 1]] = T::from_f64(-2.0);
        let semi = Array2::from_elem((N, N), T::one());
        let bad = vec![
            (indefinite, Error::NotPositiveDefinite { minor: 2 }),
            (semi, Error::NotPositiveDefinite { minor: 2 }),
            (Array2::from_elem((N, N), T::zero()), Error::NotPositiveDefinite { minor: 1 }),
        ];
        Mixed::new(Inverter::new().structure(Structure::PositiveDefinite), good, bad)
    }

    /// The good ones alone, inverted.
    fn inverses_of_good(&self, storage: Storage) -> Array3<T> {
        let good: Vec<Array2<T>> = self.good().map(|i| self.matrices[i].clone()).collect();
        self.inverter.inv(&stack_of(&good, storage)).unwrap()
    }

    /// Checks what a verb has made of the stack.
    fn check(&self, policy: OnFailure, storage: Storage, result: &Array3<T>, verb: &str) {
        for (x, i) in self.inverses_of_good(storage).outer_iter().zip(self.good()) {
            let what = format!("{} {policy:?} {storage:?} {verb}, matrix {i}", T::NAME);
            assert!(same_bits(&result.index_axis(Axis(0), i), &x), "{what}");
        }
        for (i, error) in self.bad() {
            let what = format!("{} {policy:?} {storage:?} {verb}, matrix {i}: {error}", T::NAME);
            let (a, x) = (&self.matrices[i], matrix_of(result, i));
            let all_nan = || x.iter().all(|x| x.parts().0.is_nan());
            match policy {
                OnFailure::FillNan => assert!(all_nan(), "{what}"),
                OnFailure::Keep => assert!(same_bits(&x, a), "{what}"),
                OnFailure::PseudoInverse if matches!(error, Error::NonFinite { .. }) => {
                    assert!(all_nan(), "{what}");
                }
                // The whole matrix is below the range in which a reciprocal exists.
                OnFailure::PseudoInverse if matches!(error, Error::Overflow { .. }) => {
                    assert!(all_nan(), "{what}");
                }
                OnFailure::PseudoInverse => assert_pseudo_inverse(a, &x, &what),
                _ => {}
            }
        }
    }
}

/// The four Penrose conditions, each in units of n ε and the norms of its factors; below 30.
fn assert_pseudo_inverse<T: Field>(a: &Array2<T>, x: &Array2<T>, what: &str) {
    let (norm_a, norm_x) = (one_norm(a), one_norm(x));
    if norm_a == 0.0 {
        assert_eq!(norm_x, 0.0, "{what}: the pseudo-inverse of zero is zero");
        return;
    }
    let unit = a.nrows() as f64 * T::UNIT_ROUNDOFF * norm_a * norm_x;
    let (ax, xa) = (a.dot(x), x.dot(a));
    let adjoint = |m: &Array2<T>| m.t().mapv(Scalar::conj);
    let ratios = [
        one_norm(&(ax.dot(a) - a)) / (unit * norm_a),
        one_norm(&(xa.dot(x) - x)) / (unit * norm_x),
        one_norm(&(&ax - &adjoint(&ax))) / unit,
        one_norm(&(&xa - &adjoint(&xa))) / unit,
    ];
    assert!(ratios.iter().all(|&ratio| ratio < THRESHOLD), "{what}: {ratios:?}");
}

/// Every second matrix of a larger stack, with NaN between them, and every second row and column.
fn spread<T: Field>(stack: &Array3<T>) -> Array3<T> {
    let (count, n, _) = stack.dim();
    let mut larger = Array3::from_elem((2 * count, 2 * n, 2 * n), T::nan());
    larger.slice_mut(s![..;2, ..;2, ..;2]).assign(stack);
    larger
}

fn every_policy_on<T: Field>(mixed: &Mixed<T>) {
    let failures: Vec<Failure> =
        mixed.bad().map(|(i, error)| Failure { index: vec![i], error: error.clone() }).collect();
    for storage in Storage::BOTH {
        let stack = stack_of(&mixed.matrices, storage);
        let nothing = storage.of(&Array3::from_elem(stack.raw_dim(), T::zero()));
        for policy in [OnFailure::FillNan, OnFailure::Keep, OnFailure::PseudoInverse] {
            let inverter = mixed.inverter.clone().on_failure(policy);
            mixed.check(policy, storage, &inverter.inv(&stack).unwrap(), "inv");
            let mut out = nothing.clone();
            inverter.inv_into(&stack, &mut out).unwrap();
            mixed.check(policy, storage, &out, "inv_into");
            let mut out = stack.clone();
            inverter.inv_inplace(&mut out).unwrap();
            mixed.check(policy, storage, &out, "inv_inplace");
            if storage == Storage::Row {
                let mut larger = spread(&stack);
                let mut part = larger.slice_mut(s![..;2, ..;2, ..;2]);
                inverter.inv_inplace(&mut part).unwrap();
                mixed.check(policy, storage, &part.to_owned(), "inv_inplace, strided");
                let larger = spread(&stack);
                let x = inverter.inv(&larger.slice(s![..;2, ..;2, ..;2])).unwrap();
                mixed.check(policy, storage, &x, "inv, strided");
            }
            let report = inverter.report(&stack).unwrap();
            mixed.check(policy, storage, &report.inverse, "report");
            assert_eq!(report.failures().collect::<Vec<_>>(), failures);
            for (verdict, error) in report.verdicts.iter().zip(&mixed.errors) {
                let pseudo = policy == OnFailure::PseudoInverse;
                let status = match error {
                    None => Status::Inverted,
                    Some(Error::NonFinite { .. } | Error::Overflow { .. }) => Status::Failed,
                    Some(_) if pseudo => Status::PseudoInverted,
                    Some(_) => Status::Failed,
                };
                assert_eq!((verdict.status, &verdict.error), (status, error), "{policy:?}");
            }
        }

        let inverter = mixed.inverter.clone().on_failure(OnFailure::Fail);
        let error = Error::InStack { failures: failures.clone() };
        assert_eq!(inverter.inv(&stack), Err(error.clone()));
        assert_eq!(inverter.report(&stack).err(), Some(error.clone()));
        let mut out = nothing.clone();
        assert_eq!(inverter.inv_into(&stack, &mut out), Err(error.clone()));
        mixed.check(OnFailure::Fail, storage, &out, "inv_into");
        let mut out = stack.clone();
        assert_eq!(inverter.inv_inplace(&mut out), Err(error));
        mixed.check(OnFailure::Fail, storage, &out, "inv_inplace");
    }
}

fn every_policy<T: Field>() {
    every_policy_on(&Mixed::<T>::detected());
    every_policy_on(&Mixed::<T>::definite());
}

#[test]
fn every_policy_does_what_it_says_and_neighbours_are_inverted() {
    for_every_scalar!(every_policy());
}

/// Accepts singular values down to here.
fn limit<T: Field>() -> f64 {
    T::UNIT_ROUNDOFF.sqrt()
}

fn pseudo_inverse<T: Field>(inverter: Inverter, a: &Array2<T>) -> Array2<T> {
    let inverter = inverter.min_rcond(limit::<T>()).on_failure(OnFailure::PseudoInverse);
    let report = inverter.report(a).unwrap();
    assert_eq!(report.verdict().status, Status::PseudoInverted, "{a}");
    report.inverse
}

/// A matrix of given rank: a well-conditioned one times a projection.
fn of_rank<T: Field>(n: usize, rank: usize, rng: &mut StdRng) -> Array2<T> {
    let left = general::<T>(n, Spectrum::conditioned(4.0), rng);
    let right = general::<T>(n, Spectrum::conditioned(4.0), rng);
    left.slice(s![.., ..rank]).dot(&right.slice(s![..rank, ..]))
}

fn penrose_conditions_hold<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(11);
    for n in [2, 3, 8, 30] {
        for rank in [0, 1, n / 2, n - 1] {
            let a = of_rank::<T>(n, rank, rng);
            let mut hermitian = a.dot(&a.t().mapv(Scalar::conj));
            make_exact(&mut hermitian, Mirror::Adjoint);
            let mut symmetric = a.dot(&a.t());
            make_exact(&mut symmetric, Mirror::Transpose);
            for storage in Storage::BOTH {
                let what = format!("{} order {n} rank {rank} by {storage:?}", T::NAME);
                let x = pseudo_inverse(Inverter::new(), &storage.of(&a));
                assert_pseudo_inverse(&a, &x, &what);

                let hermitian = storage.of(&hermitian);
                let x = pseudo_inverse(Inverter::new(), &hermitian);
                assert_pseudo_inverse(&hermitian, &x, &what);
                assert!(is_hermitian(&x), "{what} {x}");
                for triangle in [Triangle::Lower, Triangle::Upper] {
                    let declared =
                        Inverter::new().structure(Structure::Hermitian).triangle(triangle);
                    let y = pseudo_inverse(declared, &poisoned(&hermitian, triangle));
                    assert_eq!(x, y, "{what} {triangle:?}");
                }

                let symmetric = storage.of(&symmetric);
                let x = pseudo_inverse(Inverter::new(), &symmetric);
                assert_pseudo_inverse(&symmetric, &x, &what);
                assert!(is_symmetric(&x), "{what}");
            }
        }
    }
}

#[test]
fn pseudo_inverses_fulfil_the_penrose_conditions() {
    for_every_scalar!(penrose_conditions_hold());
}

#[test]
fn the_pseudo_inverse_of_a_declared_triangle_is_that_of_the_triangle() {
    let lower = array![[2.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 4.0]];
    for storage in Storage::BOTH {
        let a = poisoned(&storage.of(&lower), Triangle::Lower);
        let x = pseudo_inverse(Inverter::new().structure(Structure::LowerTriangular), &a);
        assert_pseudo_inverse(&lower, &x, "lower");
        let a = poisoned(&storage.of(&lower.t()), Triangle::Upper);
        let x = pseudo_inverse(Inverter::new().structure(Structure::UpperTriangular), &a);
        assert_pseudo_inverse(&lower.t().to_owned(), &x, "upper");
        let diagonal = array![[2.0, 0.0], [0.0, 0.0]];
        let mut a = storage.of(&diagonal);
        a[[1, 0]] = f64::NAN;
        let x = pseudo_inverse(Inverter::new().structure(Structure::Diagonal), &a);
        assert_pseudo_inverse(&diagonal, &x, "diagonal");
    }
}

fn nothing_is_made_of_nan<T: Field>() {
    // Unchecked, a NaN comes as far as the singular value decomposition.
    let mut a = Array2::from_elem((N, N), T::one());
    a[[0, 2]] = T::nan();
    let inverter =
        Inverter::new().check_finite(false).min_rcond(0.5).on_failure(OnFailure::PseudoInverse);
    for structure in [Structure::General, Structure::PositiveDefinite, Structure::Symmetric] {
        let inverter = inverter.clone().structure(structure).triangle(Triangle::Upper);
        let report = inverter.report(&a).unwrap();
        assert_eq!(report.verdict().status, Status::Failed, "{structure}");
        assert!(report.inverse.iter().all(|x| x.parts().0.is_nan()), "{structure}");
    }
}

#[test]
fn a_pseudo_inverse_of_unchecked_nan_is_nan() {
    for_every_scalar!(nothing_is_made_of_nan());
}

#[test]
fn singular_values_at_the_limit_are_kept() {
    let pseudo = |limit| Inverter::new().min_rcond(limit).on_failure(OnFailure::PseudoInverse);
    let a = array![[4.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 0.5]];
    let kept = |x: [f64; 3]| Array2::from_diag(&arr1(&x));
    assert_eq!(pseudo(0.5).inv(&a).unwrap(), kept([0.25, 0.5, 0.0]));
    assert_eq!(pseudo(1.0).inv(&a).unwrap(), kept([0.25, 0.0, 0.0]));
    assert_eq!(pseudo(0.25).inv(&a).unwrap(), kept([0.25, 0.5, 0.0]));
}

fn refused_inverses<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(11);
    for (n, storage) in [2, 5, 20].into_iter().flat_map(|n| Storage::BOTH.map(|s| (n, s))) {
        let spectrum = Spectrum::conditioned(10.0);
        let matrices: Vec<Array2<T>> = (0..40).map(|_| general(n, spectrum, rng)).collect();
        let stack = stack_of(&matrices, storage);
        let accepted = Inverter::new().inv(&stack).unwrap();
        // Nothing but a multiple of the identity reaches 1.
        let picky = Inverter::new().min_rcond(1.0);
        let (mut into, mut in_place) = (stack.clone(), stack.clone());
        for (verb, result) in [
            ("into", picky.inv_into(&stack, &mut into)),
            ("inplace", picky.inv_inplace(&mut in_place)),
        ] {
            let what = format!("{} order {n} {storage:?} {verb}", T::NAME);
            let Err(Error::InStack { failures }) = result else { panic!("{what}") };
            assert_eq!(failures.len(), 40, "{what}");
        }
        assert!(same_bits(&into, &accepted), "{} order {n} {storage:?}", T::NAME);
        assert!(same_bits(&in_place, &accepted), "{} order {n} {storage:?}", T::NAME);
    }
}

#[test]
fn an_ill_conditioned_matrix_leaves_its_inverse() {
    for_every_scalar!(refused_inverses());
}
