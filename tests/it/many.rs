//! Many matrices, and matrices of many orders.

use crate::lapack_matrices::gaussian;
use crate::scalars::{Field, for_every_scalar};
use crate::storage::same_bits;
use matinv::ndarray::{Array1, Array2, Array3, ArrayView2, Axis, array};
use matinv::num_complex::Complex64;
use matinv::{Error, Inverter, OnFailure, Status, inv};
use rand::SeedableRng;
use rand::rngs::StdRng;

const MANY: usize = 1_000_000;
const EVERY: usize = 100;

/// A million matrices of order 2, every hundredth of them singular.
fn a_million() -> Array3<f64> {
    let mut stack = Array3::zeros((MANY, 2, 2));
    for (i, mut a) in stack.outer_iter_mut().enumerate() {
        let x = (i % 1000) as f64 / 1000.0 + 2.0;
        // The second row is twice the first, exactly.
        let last = if i % EVERY == 7 { 2.0 * x } else { x };
        a.assign(&array![[1.0, x], [2.0, last]]);
    }
    stack
}

#[test]
fn a_million_matrices_name_ten_thousand_failures_in_order() {
    let stack = a_million();
    let report = Inverter::new().on_failure(OnFailure::FillNan).report(&stack).unwrap();
    let failures: Vec<_> = report.failures().collect();
    assert_eq!(failures.len(), MANY / EVERY);
    assert!(failures.windows(2).all(|pair| pair[0].index < pair[1].index));
    for failure in &failures {
        assert_eq!(failure.index[0] % EVERY, 7);
        assert_eq!(failure.error, Error::Singular { pivot: 1 });
        assert!(report.inverse[[failure.index[0], 0, 0]].is_nan());
    }

    let Err(error) = inv(&stack) else { panic!("some are singular") };
    let Error::InStack { failures: listed } = &error else { panic!("{error}") };
    assert_eq!(*listed, failures);
    let text = error.to_string();
    assert_eq!(text.lines().count(), 12, "{text}");
    assert!(text.contains(&format!("and {} more", failures.len() - 10)), "{text}");
}

#[test]
fn what_fails_changes_nothing_for_the_others_under_any_policy() {
    let rng = &mut StdRng::seed_from_u64(21);
    let mut stack = Array3::zeros((300, 9, 9));
    stack.outer_iter_mut().for_each(|mut a| a.assign(&gaussian::<f64>(9, rng)));
    let good = inv(&stack).unwrap();
    let bad = |i: usize| i % 10 == 3;
    for (i, mut a) in stack.outer_iter_mut().enumerate().filter(|&(i, _)| bad(i)) {
        match i % 20 {
            3 => a.row_mut(4).fill(0.0),
            _ => a[[2, 5]] = f64::NAN,
        }
    }
    for policy in [OnFailure::FillNan, OnFailure::Keep, OnFailure::PseudoInverse] {
        for threads in [1, 2, 5] {
            let inverter = Inverter::new().on_failure(policy).threads(threads);
            let report = inverter.report(&stack).unwrap();
            for i in 0..stack.len_of(Axis(0)) {
                let same =
                    same_bits(&report.inverse.index_axis(Axis(0), i), &good.index_axis(Axis(0), i));
                assert_eq!(same, !bad(i), "{policy:?} {threads} {i}");
                assert_eq!(report.verdicts[[i]].status == Status::Inverted, !bad(i));
            }
            let plain = inverter.inv(&stack).unwrap();
            assert!(same_bits(&plain, &report.inverse), "{policy:?} {threads}");
        }
    }
}

fn each_of_a_list<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(22);
    let orders = (0..60).map(|i| i * i % 41).chain([150, 1, 97, 0, 260, 210]);
    let mut matrices: Vec<Array2<T>> = orders.map(|n| gaussian(n, rng)).collect();
    let expected: Vec<_> = matrices.iter().map(|a| inv(a).unwrap()).collect();
    // The last but one is large enough for a team of threads.
    for singular in [9, 64] {
        matrices[singular].row_mut(1).fill(T::zero());
    }
    let wide = Array2::<T>::zeros((3, 4));
    let mut views: Vec<_> = matrices.iter().map(|a| a.view()).collect();
    views.push(wide.view());
    for threads in [1, 2, 5] {
        let inverter = Inverter::new().threads(threads);
        let results = inverter.inv_many(&views).unwrap();
        assert_eq!(results.len(), views.len());
        for (i, result) in results.iter().enumerate() {
            match i {
                9 | 64 => {
                    let pivot = matrices[i].nrows() - 1;
                    assert_eq!(*result, Err(Error::Singular { pivot }));
                }
                _ if i == expected.len() => {
                    assert_eq!(*result, Err(Error::NotSquare { rows: 3, cols: 4 }));
                }
                _ => assert!(same_bits(result.as_ref().unwrap(), &expected[i]), "{threads} {i}"),
            }
        }
        let filling = inverter.clone().on_failure(OnFailure::FillNan);
        let filled = filling.inv_many(&views).unwrap();
        assert!(filled[9].as_ref().unwrap().iter().all(|x| !x.is_finite()));
    }
}

#[test]
fn a_list_of_any_orders_gives_each_its_own_result() {
    for_every_scalar!(each_of_a_list());
    let nothing: &[ArrayView2<'_, Complex64>] = &[];
    assert_eq!(Inverter::new().inv_many(nothing), Ok(Vec::new()));
    let one = Array1::<f64>::ones(1).into_shape_with_order((1, 1)).unwrap();
    let refused = Inverter::new().min_rcond(f64::NAN).inv_many(&[one.view()]);
    assert!(matches!(refused, Err(Error::InvalidOption { option: "min_rcond", .. })));
}

#[test]
fn two_stacks_and_lists_at_once_do_not_disturb_each_other() {
    let rng = &mut StdRng::seed_from_u64(23);
    let mut stack = Array3::zeros((200, 20, 20));
    stack.outer_iter_mut().for_each(|mut a| a.assign(&gaussian::<f64>(20, rng)));
    let expected = inv(&stack).unwrap();
    let list: Vec<_> = stack.outer_iter().collect();
    let shared = Inverter::new().threads(3);
    std::thread::scope(|scope| {
        for caller in 0..64 {
            let (shared, stack, expected, list) = (&shared, &stack, &expected, &list);
            scope.spawn(move || match caller % 3 {
                0 => assert!(same_bits(&shared.inv(stack).unwrap(), expected)),
                1 => assert!(same_bits(&inv(stack).unwrap(), expected)),
                _ => {
                    for (x, expected) in
                        shared.inv_many(list).unwrap().iter().zip(expected.outer_iter())
                    {
                        assert!(same_bits(x.as_ref().unwrap(), &expected));
                    }
                }
            });
        }
    });
}

#[test]
fn matrices_of_order_zero_take_no_time_however_many() {
    let endless = Array3::<f64>::zeros((1 << 40, 0, 0));
    assert_eq!(inv(&endless).unwrap().shape(), [1 << 40, 0, 0]);
    let refused = Inverter::new().report(&endless);
    assert!(matches!(refused, Err(Error::OutOfMemory { .. })));
}
