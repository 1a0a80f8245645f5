//! One matrix, any strides: the same inverse, and nothing beside it is touched.

use crate::lapack_matrices::{Mirror, Signs, Spectrum, gaussian, general, symmetric};
use crate::ratios::{THRESHOLD, better};
use crate::scalars::{Field, for_every_scalar};
use crate::storage::{Storage, same_bits};
use matinv::ndarray::{Array2, ArrayView2, ArrayViewMut2, array, s};
use matinv::{Error, Inverter, OnFailure, inv, inv_inplace};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// Where in a larger array, and how, a matrix lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Row,
    Column,
    /// Every second row and column.
    Stepped,
    SteppedColumn,
    /// Rows in ascending order, but every third element only.
    SteppedAlongRows,
    ReversedRows,
    ReversedColumns,
    ReversedBoth,
    ReversedColumnMajor,
    SteppedReversed,
}

impl Place {
    const ALL: [Place; 10] = [
        Place::Row,
        Place::Column,
        Place::Stepped,
        Place::SteppedColumn,
        Place::SteppedAlongRows,
        Place::ReversedRows,
        Place::ReversedColumns,
        Place::ReversedBoth,
        Place::ReversedColumnMajor,
        Place::SteppedReversed,
    ];

    /// The shape of an array with room for a matrix of order `n` and a margin on every side.
    fn room(n: usize) -> (usize, usize) {
        (2 * n + 3, 3 * n + 4)
    }

    /// The matrix of order `n` in an array of that shape.
    fn of<T>(self, room: &mut Array2<T>, n: usize) -> ArrayViewMut2<'_, T> {
        match self {
            Place::Row => room.slice_mut(s![1..=n, 2..n + 2]),
            Place::Column => room.slice_mut(s![1..=n, 2..n + 2]).reversed_axes(),
            Place::Stepped => room.slice_mut(s![1..=2 * n;2, 2..2 * n + 2;2]),
            Place::SteppedColumn => room.slice_mut(s![1..=2 * n;2, 2..2 * n + 2;2]).reversed_axes(),
            Place::SteppedAlongRows => room.slice_mut(s![1..=n, 2..3 * n + 2;3]),
            Place::ReversedRows => room.slice_mut(s![1..=n;-1, 2..n + 2]),
            Place::ReversedColumns => room.slice_mut(s![1..=n, 2..n + 2;-1]),
            Place::ReversedBoth => room.slice_mut(s![1..=n;-1, 2..n + 2;-1]),
            Place::ReversedColumnMajor => room.slice_mut(s![1..=n;-1, 2..n + 2]).reversed_axes(),
            Place::SteppedReversed => room.slice_mut(s![1..=2 * n;-2, 2..2 * n + 2;2]),
        }
    }

    /// A copy of the matrix there, with NaN all around it.
    fn framed<T: Field>(self, a: &Array2<T>) -> Array2<T> {
        let mut room = Array2::from_elem(Self::room(a.nrows()), T::nan());
        self.of(&mut room, a.nrows()).assign(a);
        room
    }

    /// The matrix, for reading.
    fn read<T: Field>(self, room: &mut Array2<T>, n: usize) -> Array2<T> {
        self.of(room, n).to_owned()
    }

    /// Whether nothing but the matrix differs from what [`framed`](Self::framed) made.
    fn margin_is_untouched<T: Field>(self, room: &Array2<T>, n: usize) -> bool {
        let mut room = room.clone();
        self.of(&mut room, n).fill(T::one());
        same_bits(&room, &self.framed(&Array2::from_elem((n, n), T::one())))
    }
}

fn every_layout_inverts<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(5);
    // The last one is beyond the kernels for small matrices.
    for n in [1, 2, 3, 5, 17, 40, 150] {
        let a = general::<T>(n, Spectrum::conditioned(100.0), rng);
        for from in Place::ALL {
            let what = format!("{} order {n} {from:?}", T::NAME);
            let mut room = from.framed(&a);
            let x = inv(&from.of(&mut room, n)).unwrap();
            assert!(better(&a, &x) < THRESHOLD, "{what}");
            let report = Inverter::new().quality(true).report(&from.of(&mut room, n)).unwrap();
            assert!(same_bits(&report.inverse, &x), "{what}");
            assert!(report.verdict().quality.unwrap() < THRESHOLD, "{what}");
            assert!(from.margin_is_untouched(&room, n), "{what}");
            assert!(same_bits(&from.read(&mut room, n), &a), "{what}: the input was changed");

            inv_inplace(&mut from.of(&mut room, n)).unwrap();
            assert!(from.margin_is_untouched(&room, n), "{what} in place");
            assert!(better(&a, &from.read(&mut room, n)) < THRESHOLD, "{what} in place");

            for to in Place::ALL {
                let mut source = from.framed(&a);
                let mut target = to.framed(&Array2::from_elem((n, n), T::nan()));
                let source = from.of(&mut source, n);
                Inverter::new().inv_into(&source, &mut to.of(&mut target, n)).unwrap();
                assert!(to.margin_is_untouched(&target, n), "{what} into {to:?}");
                let x = to.read(&mut target, n);
                assert!(better(&a, &x) < THRESHOLD, "{what} into {to:?}");
            }
        }
    }
}

#[test]
fn every_layout_inverts_and_its_margin_stays() {
    for_every_scalar!(every_layout_inverts());
}

fn symmetric_results_do_not_depend_on_layout<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(6);
    for n in [1, 2, 3, 5, 17, 40, 150] {
        for (mirror, signs, spoiled) in [
            (Mirror::Adjoint, Signs::Positive, false),
            // Not positive definite, which is found out at the end: the diagonal is positive.
            (Mirror::Adjoint, Signs::Positive, true),
            (Mirror::Adjoint, Signs::Alternating, false),
            (Mirror::Transpose, Signs::Alternating, false),
        ] {
            let mut a = symmetric::<T>(n, mirror, signs, Spectrum::conditioned(100.0), rng);
            if spoiled && n > 1 {
                a[[n - 1, n - 2]] = T::of(3.0, 0.5);
                a[[n - 2, n - 1]] = T::of(3.0, -0.5);
            }
            let x = inv(&a).unwrap();
            assert!(better(&a, &x) < THRESHOLD, "{} order {n} {mirror:?} {signs:?}", T::NAME);
            for place in Place::ALL {
                let what =
                    format!("{} order {n} {mirror:?} {signs:?} {spoiled} {place:?}", T::NAME);
                let mut room = place.framed(&a);
                assert!(same_bits(&inv(&place.of(&mut room, n)).unwrap(), &x), "{what}");
                inv_inplace(&mut place.of(&mut room, n)).unwrap();
                assert!(same_bits(&place.read(&mut room, n), &x), "{what}");
            }
        }
    }
}

#[test]
fn the_inverse_of_a_symmetric_matrix_is_the_same_bits_for_every_layout() {
    for_every_scalar!(symmetric_results_do_not_depend_on_layout());
}

fn every_layout_names_the_same_pivot<T: Field>() {
    let rng = &mut StdRng::seed_from_u64(7);
    for n in [2, 3, 5, 17, 150] {
        for pivot in [0, n / 2, n - 1] {
            let mut a = gaussian::<T>(n, rng);
            a.column_mut(pivot).fill(T::zero());
            for place in Place::ALL {
                let what = format!("{} order {n} {place:?}", T::NAME);
                let error = Some(Error::Singular { pivot });
                let mut room = place.framed(&a);
                assert_eq!(inv(&place.of(&mut room, n)).err(), error, "{what}");
                let keep = Inverter::new().on_failure(OnFailure::Keep);
                let kept = keep.report(&place.of(&mut room, n)).unwrap();
                assert_eq!(kept.verdict().error, error, "{what}");
                assert!(same_bits(&kept.inverse, &a), "{what}");
                keep.inv_inplace(&mut place.of(&mut room, n)).unwrap();
                assert!(same_bits(&place.read(&mut room, n), &a), "{what}");
                assert_eq!(inv_inplace(&mut place.of(&mut room, n)).err(), error, "{what}");
                assert!(place.margin_is_untouched(&room, n), "{what}");
            }
        }
    }
    // No zero column: the third is the first less the second. Elimination of A and of Aᵀ divides
    // by powers of two only, so that nothing is rounded.
    let a = array![
        [8.0, 4.0, 4.0, 2.0],
        [4.0, 6.0, -2.0, 3.0],
        [4.0, 0.0, 4.0, 4.0],
        [0.0, 2.0, -2.0, 4.0]
    ]
    .mapv(T::from_f64);
    for place in Place::ALL {
        let error = inv(&place.of(&mut place.framed(&a), 4)).err();
        assert_eq!(error, Some(Error::Singular { pivot: 2 }), "{} {place:?}", T::NAME);
    }
}

#[test]
fn the_pivot_is_a_column_of_a_for_every_layout() {
    for_every_scalar!(every_layout_names_the_same_pivot());
}

#[test]
fn the_first_bad_element_is_named_for_every_layout() {
    let mut a = Array2::<f64>::eye(5);
    a[[3, 1]] = f64::NAN;
    a[[1, 4]] = f64::NEG_INFINITY;
    a[[4, 0]] = f64::INFINITY;
    for place in Place::ALL {
        let error = inv(&place.of(&mut place.framed(&a), 5)).err();
        assert_eq!(error, Some(Error::NonFinite { row: 1, col: 4 }), "{place:?}");
    }
}

#[test]
fn the_storage_of_the_result_is_that_of_the_input() {
    let a = array![[1.0, 2.0], [3.0, 4.0]];
    assert!(inv(&Storage::Row.of(&a)).unwrap().is_standard_layout());
    assert!(inv(&Storage::Column.of(&a)).unwrap().t().is_standard_layout());
    let view: ArrayView2<'_, f64> = a.t();
    assert!(inv(&view).unwrap().t().is_standard_layout());
}

#[test]
fn the_verdict_on_a_singular_matrix_does_not_depend_on_its_storage() {
    let rng = &mut StdRng::seed_from_u64(31);
    let mut failed = 0;
    for n in 2..12 {
        for round in 0..40 {
            // A row that is a multiple of another, or the sum of two: LU of A sees an exact zero
            // more often than not, LU of Aᵀ hides it behind rounding, or the other way round.
            let mut a = gaussian::<f64>(n, rng).mapv(|x| (x * 1000.0).round() / 8.0);
            let last = match round % 3 {
                0 => a.row(0).mapv(|x| 2.0 * x),
                1 => a.row(0).mapv(|x| -x),
                _ => &a.row(0) + &a.row(n / 2),
            };
            a.row_mut(n - 1).assign(&last);
            let by_rows = inv(&a);
            let by_columns = inv(&a.t().as_standard_layout().t());
            match (&by_rows, &by_columns) {
                (Err(rows), Err(columns)) => {
                    assert_eq!(rows, columns);
                    failed += 1;
                }
                (Ok(_), Ok(_)) => {}
                _ => panic!("order {n}, round {round}: {by_rows:?}, {by_columns:?}"),
            }
        }
    }
    assert!(failed > 100, "{failed}");
}
