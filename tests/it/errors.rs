//! Every error: its variant, its fields, and the numbers in its words.

use crate::scalars::{Field, for_every_scalar};
use crate::storage::Storage;
use matinv::ndarray::{Array, Array1, Array2, Array3, Array4, ArrayView, Ix2, Ix3, IxDyn, array};
use matinv::{
    Engine, Error, Failure, Inverter, OnFailure, Structure, Triangle, inv, inv_inplace, platform,
    residuals,
};

/// The error's words contain all of these.
fn assert_says(error: &Error, words: &[&str]) {
    let text = error.to_string();
    for word in words {
        assert!(text.contains(word), "{word:?} is not in {text:?}");
    }
    assert!(!text.ends_with('.'), "{text:?}");
}

#[test]
fn errors_travel_between_threads_and_compare() {
    fn travels<E: std::error::Error + Clone + PartialEq + Send + Sync + 'static>() {}
    travels::<Error>();
    let error = inv(&Array2::<f64>::zeros((2, 2))).unwrap_err();
    assert_eq!(error.clone(), error);
    assert_ne!(error, Error::Singular { pivot: 1 });
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
    assert_eq!(boxed.downcast_ref(), Some(&Error::Singular { pivot: 0 }));
}

#[test]
fn fewer_than_two_axes_are_no_matrix() {
    let error = inv(&Array1::<f64>::zeros(4)).unwrap_err();
    assert_eq!(error, Error::NotMatrix { ndim: 1 });
    assert_says(&error, &["has 1 ax", "(n, n)"]);
    let scalar = Array::<f64, IxDyn>::zeros(IxDyn(&[]));
    assert_eq!(inv(&scalar), Err(Error::NotMatrix { ndim: 0 }));
    assert_eq!(inv_inplace(&mut scalar.clone()), Err(Error::NotMatrix { ndim: 0 }));
    assert_eq!(Inverter::new().report(&scalar).err(), Some(Error::NotMatrix { ndim: 0 }));
    let none = Array1::<f64>::zeros(0);
    assert_eq!(inv(&none), Err(Error::NotMatrix { ndim: 1 }));
}

#[test]
fn the_last_two_axes_have_to_be_equal() {
    let error = inv(&Array2::<f64>::zeros((2, 3))).unwrap_err();
    assert_eq!(error, Error::NotSquare { rows: 2, cols: 3 });
    assert_says(&error, &["2 rows", "3 columns"]);
    let not_square = Error::NotSquare { rows: 4, cols: 0 };
    assert_eq!(inv(&Array3::<i32>::zeros((7, 4, 0))), Err(not_square.clone()));
    let mut stack = Array3::<f64>::zeros((0, 4, 0));
    assert_eq!(inv_inplace(&mut stack), Err(not_square.clone()));
    assert_eq!(Inverter::new().report(&stack).err(), Some(not_square));
    let (a, x) = (Array2::<f64>::eye(2), Array2::<f64>::zeros((2, 3)));
    assert_eq!(residuals(&x, &a), Err(Error::NotSquare { rows: 2, cols: 3 }));
}

#[test]
fn the_result_goes_into_an_array_of_the_same_shape() {
    let (a, x) = (Array2::<f64>::eye(2), Array2::<f64>::eye(3));
    let mismatch = Error::ShapeMismatch { expected: vec![2, 2], found: vec![3, 3] };
    assert_eq!(Inverter::new().inv_into(&a, &mut x.clone()), Err(mismatch.clone()));
    assert_says(&mismatch, &["[2, 2]", "[3, 3]"]);
    assert_eq!(residuals(&a, &x), Err(mismatch));
    let stack = Array3::<f64>::zeros((2, 3, 3));
    let mismatch = Error::ShapeMismatch { expected: vec![2, 3, 3], found: vec![3, 3, 3] };
    let mut out = Array3::from_elem((3, 3, 3), 7.0);
    assert_eq!(Inverter::new().inv_into(&stack, &mut out), Err(mismatch));
    assert!(out.iter().all(|&x| x == 7.0));
}

fn bad_elements_are_named<T: Field>() {
    for bad in [T::nan(), T::of(f64::INFINITY, 0.0), T::of(f64::NEG_INFINITY, 0.0)] {
        for (row, col) in [(0, 0), (0, 3), (3, 0), (2, 1), (3, 3)] {
            let mut a = Array2::from_elem((4, 4), T::one());
            a[[row, col]] = bad;
            // Later in row-major order, earlier in column-major order.
            if row < 3 {
                a[[row + 1, 0]] = bad;
            }
            for storage in Storage::BOTH {
                let error = inv(&storage.of(&a)).unwrap_err();
                assert_eq!(error, Error::NonFinite { row, col }, "{a}");
                assert_says(&error, &[&format!("({row}, {col})")]);
                let mut b = storage.of(&a);
                assert_eq!(inv_inplace(&mut b), Err(Error::NonFinite { row, col }));
            }
        }
    }
}

#[test]
fn the_first_element_that_is_not_finite_is_named() {
    for_every_scalar!(bad_elements_are_named());
    // Either part of a complex number counts.
    let i = matinv::num_complex::Complex64::I;
    let error = inv(&array![[i, i], [i, i * f64::INFINITY]]).unwrap_err();
    assert_eq!(error, Error::NonFinite { row: 1, col: 1 });
}

#[test]
fn what_is_not_read_may_be_anything() {
    let nan = f64::NAN;
    let lower = array![[4.0, nan], [2.0, 3.0]];
    let upper = array![[4.0, 2.0], [nan, 3.0]];
    for storage in Storage::BOTH {
        for structure in [Structure::PositiveDefinite, Structure::Symmetric, Structure::Hermitian] {
            let inverter = |triangle| Inverter::new().structure(structure).triangle(triangle);
            let x = inverter(Triangle::Lower).inv(&storage.of(&lower)).unwrap();
            assert_eq!(inverter(Triangle::Upper).inv(&storage.of(&upper)).unwrap(), x);
            let error = inverter(Triangle::Upper).inv(&storage.of(&lower)).err();
            assert_eq!(error, Some(Error::NonFinite { row: 0, col: 1 }));
            let error = inverter(Triangle::Lower).inv(&storage.of(&upper)).err();
            assert_eq!(error, Some(Error::NonFinite { row: 1, col: 0 }));
        }
        let inverter = |structure| Inverter::new().structure(structure);
        assert!(inverter(Structure::LowerTriangular).inv(&storage.of(&lower)).is_ok());
        assert!(inverter(Structure::UpperTriangular).inv(&storage.of(&upper)).is_ok());
        assert!(inverter(Structure::Diagonal).inv(&storage.of(&upper)).is_ok());
        let error = inverter(Structure::General).inv(&storage.of(&upper)).err();
        assert_eq!(error, Some(Error::NonFinite { row: 1, col: 0 }));
    }
}

fn unchecked_values_spread<T: Field>() {
    let unchecked = Inverter::new().check_finite(false);
    for n in [1, 2, 5, 20, 65] {
        let mut a = Array2::<T>::eye(n);
        a[[n - 1, 0]] = T::nan();
        a[[0, n - 1]] = T::nan();
        for structure in Structure::ALL {
            for storage in Storage::BOTH {
                let inverter = unchecked.clone().structure(structure);
                let what = format!("{} order {n}, {structure}, by {storage:?}", T::NAME);
                match inverter.inv(&storage.of(&a)) {
                    // The diagonal is all that is read, and NaN only at order 1.
                    Ok(x) if structure == Structure::Diagonal && n > 1 => {
                        assert_eq!(x, Array2::eye(n));
                    }
                    Ok(x) => assert!(x.iter().any(|x| !x.is_finite()), "{what}: {x}"),
                    // A NaN is not positive, and OpenBLAS may find no pivot among NaNs.
                    Err(Error::NotPositiveDefinite { .. } | Error::Singular { .. }) => {}
                    Err(error) => panic!("{what}: {error}"),
                }
                let keep = inverter.on_failure(OnFailure::Keep).report(&storage.of(&a)).unwrap();
                let rcond = keep.verdict().rcond;
                let clean = structure == Structure::Diagonal && n > 1;
                assert!(
                    if clean { rcond == 1.0 } else { rcond.is_nan() || rcond == 0.0 },
                    "{what}: {rcond}"
                );
            }
        }
    }
}

#[test]
fn without_the_check_such_values_spread() {
    for_every_scalar!(unchecked_values_spread());
    let x = Inverter::new().check_finite(false).inv(&array![[f64::NAN, 1.0], [2.0, 3.0]]).unwrap();
    assert!(x.iter().any(|x| x.is_nan()));
    let x = Inverter::new().check_finite(false).inv(&array![[f64::INFINITY]]).unwrap();
    assert_eq!(x, array![[0.0]]);
}

#[test]
fn a_singular_matrix_names_its_column() {
    let error = inv(&array![[1, 2, 3], [2, 4, 5], [4, 8, 5]]).unwrap_err();
    assert_eq!(error, Error::Singular { pivot: 1 });
    assert_says(&error, &["singular", "column 1", "pseudo-inverse"]);
}

#[test]
fn a_matrix_declared_definite_names_its_minor() {
    let definite = Inverter::new().structure(Structure::PositiveDefinite);
    let error = definite.inv(&array![[1.0, 0.0], [2.0, 1.0]]).unwrap_err();
    assert_eq!(error, Error::NotPositiveDefinite { minor: 2 });
    assert_says(&error, &["not positive definite", "order 2", "symmetric"]);
    let error = definite.inv(&array![[-1.0]]).unwrap_err();
    assert_eq!(error, Error::NotPositiveDefinite { minor: 1 });
}

fn ill_conditioned<T: Field>() {
    let a = array![[1.0, 0.0], [0.0, 0.001]].mapv(T::from_f64);
    let rcond = a[[1, 1]].modulus();
    let inverter = Inverter::new().min_rcond(0.5);
    let error = inverter.inv(&a).unwrap_err();
    assert_eq!(error, Error::IllConditioned { rcond, limit: 0.5 });
    assert_says(&error, &["ill-conditioned", "1.000e-3", "5.000e-1"]);
    assert_eq!(inverter.inv_inplace(&mut a.clone()), Err(error));
    // The limit itself is good enough.
    assert!(Inverter::new().min_rcond(rcond).inv(&a).is_ok());
    assert!(Inverter::new().min_rcond(0.0).inv(&a).is_ok());
    // Singular comes first.
    let zero = Array2::<T>::zeros((2, 2));
    assert_eq!(inverter.inv(&zero), Err(Error::Singular { pivot: 0 }));
}

#[test]
fn a_matrix_below_the_limit_is_refused_with_both_numbers() {
    for_every_scalar!(ill_conditioned());
}

fn overflows<T: Field>() {
    let tiny = T::from_f64(T::SAFE_MINIMUM / 16.0);
    let (one, zero) = (T::one(), T::zero());
    let table = [
        (array![[one, zero], [zero, tiny]], (1, 1)),
        (array![[one, one], [zero, tiny]], (0, 1)),
        (array![[one, zero], [one, tiny]], (1, 0)),
        (array![[tiny, zero], [zero, tiny]], (0, 0)),
        (array![[tiny, one + one], [tiny, one]], (0, 0)),
    ];
    for (a, (row, col)) in table {
        for storage in Storage::BOTH {
            let error = inv(&storage.of(&a)).unwrap_err();
            assert_eq!(error, Error::Overflow { row, col }, "{a} {storage:?}");
            assert_says(&error, &["overflows", &format!("({row}, {col})")]);
            let unchecked = Inverter::new().check_finite(false).inv(&storage.of(&a)).unwrap();
            assert!(!unchecked[[row, col]].is_finite());
        }
    }
}

#[test]
fn an_inverse_beyond_the_range_overflows() {
    for_every_scalar!(overflows());
    let error = inv(&array![[1e-310, 0.0], [0.0, 1e-310]]).unwrap_err();
    assert_eq!(error, Error::Overflow { row: 0, col: 0 });
}

/// A matrix or stack of any shape, made of one number.
fn broadcast<D: matinv::ndarray::Dimension>(of: &Array1<f64>, shape: D) -> ArrayView<'_, f64, D> {
    of.broadcast(shape).unwrap()
}

#[test]
fn an_order_beyond_32_bits_is_too_large() {
    if platform().blas.is_none() {
        return; // LAPACK's limit, not the native engine's
    }
    // 17 GB, were it not one number; the order is looked at before any memory is asked for.
    let one = Array1::ones(1);
    for order in [46_341, 100_000, 1 << 30] {
        let error = inv(&broadcast(&one, Ix2(order, order))).unwrap_err();
        assert_eq!(error, Error::TooLarge { order, max: 46_340 });
        assert_says(&error, &[&order.to_string(), "46340"]);
        let error = Inverter::new().report(&broadcast(&one, Ix3(2, order, order))).unwrap_err();
        assert_eq!(error, Error::TooLarge { order, max: 46_340 });
    }
}

#[test]
fn memory_that_is_not_there_is_an_error() {
    let one = Array1::ones(1);
    let huge = broadcast(&one, Ix3(1 << 40, 64, 64));
    let error = inv(&huge).unwrap_err();
    assert_eq!(error, Error::OutOfMemory { bytes: 1 << 55 });
    assert_says(&error, &["out of memory", "36028797018963968 bytes"]);
    let report = Inverter::new().report(&huge).unwrap_err();
    assert!(matches!(report, Error::OutOfMemory { bytes } if bytes > 1 << 40), "{report}");
}

#[test]
fn lapack_is_refused_where_there_is_none_or_none_that_is_sound() {
    let a = Array2::<f64>::eye(2);
    let inverter = Inverter::new().engine(Engine::Lapack);
    let expected = match platform().blas {
        None => Err(Error::NoLapack),
        Some(blas) if blas.sound => Ok(a.clone()),
        Some(blas) => {
            let library = blas.config.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            Err(Error::UnsoundLapack { library, core: blas.core })
        }
    };
    assert_eq!(inverter.inv(&a), expected);
    assert_eq!(inverter.report(&a).map(|report| report.inverse), expected);
    let mut b = a.clone();
    assert_eq!(inverter.inv_inplace(&mut b), expected.map(|_| ()));
    assert_eq!(b, a);
}

#[test]
fn options_without_a_meaning_are_refused() {
    let a = Array2::<f64>::eye(2);
    for limit in [f64::NAN, -0.5, 2.0, f64::INFINITY] {
        let inverter = Inverter::new().min_rcond(limit);
        let Err(Error::InvalidOption { option, value, expected }) = inverter.inv(&a) else {
            panic!("{limit} was taken for a limit");
        };
        assert_eq!((option, expected), ("min_rcond", "between 0 and 1"));
        assert!(value == limit || (value.is_nan() && limit.is_nan()));
        assert!(matches!(inverter.report(&a), Err(Error::InvalidOption { .. })));
        let mut b = a.clone();
        assert!(matches!(inverter.inv_inplace(&mut b), Err(Error::InvalidOption { .. })));
        assert_eq!(b, a);
    }
    let zero = |option| Error::InvalidOption { option, value: 0.0, expected: "at least 1" };
    assert_eq!(Inverter::new().threads(0).inv(&a), Err(zero("threads")));
    assert_eq!(Inverter::new().blas_threads(0).inv(&a), Err(zero("blas_threads")));
    assert_says(&zero("threads"), &["threads is 0", "at least 1"]);
    assert!(Inverter::new().min_rcond(1.0).inv(&a).is_ok());
}

/// Identities, with singular matrices at some places.
fn stack_with_failures(leading: [usize; 2], failing: &[[usize; 2]]) -> Array4<f64> {
    let [k, m] = leading;
    let mut stack = Array4::from_shape_fn((k, m, 3, 3), |(_, _, i, j)| f64::from(u8::from(i == j)));
    for &[i, j] in failing {
        stack[[i, j, (i + j) % 3, (i + j) % 3]] = 0.0;
    }
    stack
}

#[test]
fn a_stack_names_every_failure_in_index_order() {
    // Thousands, so that several threads take part, and failures come in from all of them.
    let failing: Vec<[usize; 2]> = (0..60).map(|k| [k, 7 * k % 100]).collect();
    let stack = stack_with_failures([60, 100], &failing);
    let expected: Vec<Failure> = failing
        .iter()
        .map(|&[i, j]| Failure { index: vec![i, j], error: Error::Singular { pivot: (i + j) % 3 } })
        .collect();
    let error = Error::InStack { failures: expected.clone() };
    for threads in [1, 2, 8] {
        let inverter = Inverter::new().threads(threads);
        assert_eq!(inverter.inv(&stack), Err(error.clone()));
        assert_eq!(inverter.report(&stack).err(), Some(error.clone()));
        assert_eq!(inverter.inv_inplace(&mut stack.clone()), Err(error.clone()));
        assert_eq!(inverter.inv_into(&stack, &mut stack.clone()), Err(error.clone()));
    }
    let report = Inverter::new().on_failure(OnFailure::Keep).report(&stack).unwrap();
    assert_eq!(report.failures().collect::<Vec<_>>(), expected);
    assert_says(&error, &["60 matrices", "\n  matrix [3, 21]: the matrix is singular: column 0"]);
}

#[test]
fn the_words_for_a_stack_spell_ten_and_count_the_rest() {
    for (count, lines, last) in [(1, 2, "[0, 0]"), (10, 11, "[0, 9]"), (13, 12, "... and 3 more")] {
        let failing: Vec<[usize; 2]> = (0..count).map(|i| [i / 10, i % 10]).collect();
        let error = inv(&stack_with_failures([10, 10], &failing)).unwrap_err();
        let Error::InStack { failures } = &error else { panic!("{error}") };
        assert_eq!(failures.len(), count);
        let text = error.to_string();
        assert_eq!(text.lines().count(), lines, "{text}");
        assert!(text.lines().last().unwrap().contains(last), "{text}");
    }
    let one = inv(&stack_with_failures([1, 1], &[[0, 0]])).unwrap_err();
    assert_says(&one, &["1 matrix of the stack"]);
}

#[test]
fn failures_of_different_kinds_stand_side_by_side() {
    let mut stack = Array3::<f64>::zeros((5, 2, 2));
    for (mut a, d) in stack.outer_iter_mut().zip([1.0, 0.0, 1e-310, f64::NAN, 1e-9]) {
        a[[0, 0]] = 1.0;
        a[[1, 1]] = d;
    }
    let Err(Error::InStack { failures }) = Inverter::new().min_rcond(1e-8).inv(&stack) else {
        panic!("four of them fail");
    };
    let of = |i: usize| (failures[i].index[0], &failures[i].error);
    assert_eq!(failures.len(), 4);
    assert_eq!(of(0), (1, &Error::Singular { pivot: 1 }));
    assert!(matches!(of(1), (2, Error::IllConditioned { limit: 1e-8, .. })));
    assert_eq!(of(2), (3, &Error::NonFinite { row: 1, col: 1 }));
    assert!(matches!(of(3), (4, Error::IllConditioned { rcond: 1e-9, .. })));
}

#[test]
fn what_the_system_refuses_is_said_in_its_words() {
    let error = Error::Threads { threads: 4, reason: String::from("no more processes") };
    assert_says(&error, &["4 worker threads", "no more processes"]);
    assert_says(&Error::NoLapack, &["no LAPACK", "native engine", "`openblas`"]);
    let (library, core) = (String::from("OpenBLAS 0.3.21"), String::from("Prescott"));
    let unsound = Error::UnsoundLapack { library, core };
    let parts =
        ["OpenBLAS 0.3.21", "Prescott", "newer OpenBLAS", "OPENBLAS_CORETYPE", "native engine"];
    assert_says(&unsound, &parts);
    assert_says(&Error::NoConvergence, &["did not converge", "pseudo-inverse"]);
}
