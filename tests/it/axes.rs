//! Any number of axes, in any order in memory, of any length.

use crate::lapack_matrices::{Spectrum, general};
use crate::ratios::{THRESHOLD, better};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::same_bits;
use matinv::ndarray::{
    Array, Array2, Array3, ArrayD, ArrayRef, Axis, Dim, Dimension, Ix2, Ix3, IxDyn, array, s,
};
use matinv::{Error, Failure, Inverter, OnFailure, Status, inv, inv_inplace};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// A stack of `count` well-conditioned matrices.
fn random_stack<T: Field>(count: usize, n: usize) -> Array3<T> {
    let rng = &mut StdRng::seed_from_u64(8);
    let mut stack = Array3::from_elem((count, n, n), T::zero());
    for mut a in stack.outer_iter_mut() {
        a.assign(&general::<T>(n, Spectrum::conditioned(10.0), rng));
    }
    stack
}

/// The inverses of a stack, one by one.
fn one_by_one<T: Field>(stack: &ArrayRef<T, Ix3>) -> Array3<T> {
    let mut inverses = Array3::from_elem(stack.raw_dim(), T::nan());
    for (a, mut x) in stack.outer_iter().zip(inverses.outer_iter_mut()) {
        x.assign(&inv(&a).unwrap());
        assert!(better(&a, &x) < THRESHOLD);
    }
    inverses
}

fn stacks_of_any_strides<T: Field>() {
    for n in [1, 2, 3, 8] {
        let stack = random_stack::<T>(12, n);
        let expected = one_by_one(&stack);
        assert!(same_bits(&inv(&stack).unwrap(), &expected));

        // Axes permuted: the stack's axis last, and in the middle, in memory.
        for permutation in [[1, 2, 0], [1, 0, 2]] {
            let mut back = [0; 3];
            for (i, &axis) in permutation.iter().enumerate() {
                back[axis] = i;
            }
            let elements = stack.clone().permuted_axes(permutation).iter().copied().collect();
            let shape = stack.clone().permuted_axes(permutation).raw_dim();
            let stored = Array::from_shape_vec(shape, elements).unwrap();
            let mut permuted = stored.permuted_axes(back);
            assert!(same_bits(&permuted, &stack));
            assert!(same_bits(&inv(&permuted).unwrap(), &expected), "{permutation:?}");
            let mut out = permuted.clone();
            out.fill(T::nan());
            Inverter::new().inv_into(&stack, &mut out).unwrap();
            assert!(same_bits(&out, &expected), "{permutation:?}");
            inv_inplace(&mut permuted).unwrap();
            assert!(same_bits(&permuted, &expected), "{permutation:?}");
        }

        // Every second matrix, backwards; the others are left alone.
        let mut part = stack.clone();
        let every_second = inv(&part.slice(s![..;-2, .., ..])).unwrap();
        assert!(same_bits(&every_second, &expected.slice(s![..;-2, .., ..])));
        inv_inplace(&mut part.slice_mut(s![..;-2, .., ..])).unwrap();
        for i in 0..12 {
            let whole = if i % 2 == 1 { &expected } else { &stack };
            assert!(same_bits(&part.index_axis(Axis(0), i), &whole.index_axis(Axis(0), i)));
        }

        // One matrix, many times over, without memory for each.
        let one = stack.index_axis(Axis(0), 5);
        let xs = inv(&one.broadcast((7, n, n)).unwrap()).unwrap();
        assert!(xs.outer_iter().all(|x| same_bits(&x, &expected.index_axis(Axis(0), 5))));
    }
}

#[test]
fn stacks_of_any_strides_invert_matrix_by_matrix() {
    for_every_scalar!(stacks_of_any_strides());
}

fn more_axes<T: Field>() {
    let (n, stack) = (3, random_stack::<T>(24, 3));
    let expected = one_by_one(&stack);
    let same = |x: &[T]| x.iter().zip(&expected).all(|(x, y)| x.bits() == y.bits());

    let four = stack.clone().into_shape_with_order((4, 6, n, n)).unwrap();
    assert!(same(inv(&four).unwrap().as_slice().unwrap()));
    let five = stack.clone().into_shape_with_order((2, 3, 4, n, n)).unwrap();
    assert!(same(inv(&five).unwrap().as_slice().unwrap()));
    let report = Inverter::new().report(&five).unwrap();
    assert_eq!(report.verdicts.shape(), [2, 3, 4]);
    let dynamic = stack.clone().into_shape_with_order(IxDyn(&[2, 2, 3, 2, n, n])).unwrap();
    let mut x = inv(&dynamic).unwrap();
    assert_eq!(x.shape(), dynamic.shape());
    assert!(same(x.as_slice().unwrap()));
    x.assign(&dynamic);
    inv_inplace(&mut x).unwrap();
    assert!(same(x.as_slice().unwrap()));
    let report = Inverter::new().report(&dynamic).unwrap();
    assert_eq!(report.verdicts.shape(), [2, 2, 3, 2]);

    // Two leading axes exchanged in memory.
    let exchanged = four.clone().permuted_axes([1, 0, 2, 3]);
    let x = inv(&exchanged).unwrap();
    assert_eq!(x.shape(), [6, 4, n, n]);
    for ((i, j), place) in (0..6).flat_map(|i| (0..4).map(move |j| (i, j))).zip(0..) {
        let x = x.slice(s![i, j, .., ..]);
        assert!(same_bits(&x, &expected.index_axis(Axis(0), 6 * j + i)), "{place}");
    }
}

#[test]
fn more_axes_are_more_of_the_same() {
    for_every_scalar!(more_axes());
}

#[test]
fn every_kind_of_array_will_do() {
    let a = array![[1.0, 2.0], [1.0, 3.0]];
    let x = array![[3.0, -2.0], [-1.0, 1.0]];
    assert_eq!(inv(&a).unwrap(), x);
    assert_eq!(inv(&a.view()).unwrap(), x);
    assert_eq!(inv(&a.to_shared()).unwrap(), x);
    assert_eq!(inv(&matinv::ndarray::CowArray::from(a.view())).unwrap(), x);
    let reference: &ArrayRef<f64, Ix2> = &a;
    assert_eq!(inv(reference).unwrap(), x);
    let dynamic: ArrayD<f64> = a.clone().into_dyn();
    assert_eq!(inv(&dynamic).unwrap(), x.clone().into_dyn());
    let mut b = a.clone();
    inv_inplace(&mut b.view_mut()).unwrap();
    assert_eq!(b, x);
    let mut shared = a.to_shared();
    let other = shared.clone();
    inv_inplace(&mut shared).unwrap();
    assert_eq!(shared, x);
    assert_eq!(other, a);
}

fn empty<D: Dimension>(shape: D) {
    let a = Array::<f64, D>::zeros(shape);
    assert_eq!(inv(&a).unwrap(), a);
    assert_eq!(inv_inplace(&mut a.clone()), Ok(()));
    assert_eq!(Inverter::new().inv_into(&a, &mut a.clone()), Ok(()));
    let report = Inverter::new().quality(true).min_rcond(0.5).report(&a).unwrap();
    assert_eq!(report.inverse.shape(), a.shape());
    assert_eq!(report.verdicts.shape(), &a.shape()[..a.ndim() - 2]);
    for verdict in &report.verdicts {
        assert_eq!(verdict.status, Status::Inverted);
        // The determinant of nothing is an empty product.
        assert_eq!((verdict.sign, verdict.log_abs_det, verdict.rcond), (1.0, 0.0, 1.0));
        assert_eq!(verdict.quality, Some(0.0));
    }
}

#[test]
fn empty_shapes_give_empty_results() {
    empty(Dim([0, 0]));
    empty(Dim([0, 3, 3]));
    empty(Dim([5, 0, 0]));
    empty(Dim([2, 0, 3, 3]));
    empty(Dim([0, 0, 0]));
    empty(Dim([2, 3, 0, 0]));
    empty(IxDyn(&[0, 2, 0, 1, 1]));
    let none = Array3::<f64>::zeros((4, 6, 6));
    assert_eq!(inv(&none.slice(s![4.., .., ..])).unwrap().shape(), [0, 6, 6]);
}

fn reciprocals<T: Field>() {
    let x = T::of(4.0, -2.0);
    for n in [1, 3] {
        let stack = Array3::from_elem((n, 1, 1), x);
        let expected = if T::COMPLEX { T::of(0.2, 0.1) } else { T::of(0.25, 0.0) };
        for y in inv(&stack).unwrap() {
            assert!((y - expected).modulus() <= 2.0 * T::UNIT_ROUNDOFF, "{y}");
        }
    }
    let zero = Array2::from_elem((1, 1), T::zero());
    assert_eq!(inv(&zero), Err(Error::Singular { pivot: 0 }));
    let report = Inverter::new().report(&Array2::from_elem((1, 1), x)).unwrap();
    assert_eq!(report.verdict().rcond, 1.0);
    assert!((report.verdict().log_abs_det - x.modulus().ln()).abs() < 1e-15);
    assert!((report.verdict().sign - x.over(x.modulus())).modulus() <= 2.0 * T::UNIT_ROUNDOFF);
}

#[test]
fn a_matrix_of_order_one_is_a_number() {
    for_every_scalar!(reciprocals());
}

#[test]
fn a_stack_of_one_is_a_stack() {
    let singular = Array3::<f64>::zeros((1, 2, 2));
    let failures = vec![Failure { index: vec![0], error: Error::Singular { pivot: 0 } }];
    assert_eq!(inv(&singular), Err(Error::InStack { failures }));
    let report = Inverter::new().on_failure(OnFailure::Keep).report(&singular).unwrap();
    assert_eq!(report.verdicts.shape(), [1]);
}
