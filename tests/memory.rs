//! Small matrices of every kind through every verb: for checkers that are a hundred times slower than
//! the processor (`./dev sanitize`), and quick without one.

use matinv::ndarray::{Array2, Array3, ArrayRef, Axis, Ix3, ShapeBuilder, s};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, OnFailure, Scalar, Status, Structure, Triangle, residuals};

/// Matrices of a stack; a row-major group of them is cut in two by two threads.
const COUNT: usize = if cfg!(miri) { 3 } else { 5 };

/// How many triangles are declared.
const TRIANGLES: usize = if cfg!(miri) { 1 } else { 2 };

/// Small ones, and one that is beyond what a register holds.
const ORDERS: &[usize] = if cfg!(miri) { &[1, 3] } else { &[1, 2, 5, 9] };

/// Multiples of the golden section: as good as random, and the same everywhere.
fn of_number<T: Scalar>(i: usize) -> T {
    T::from_f64((i as f64 * 0.618_033_988_749_895).fract() - 0.5)
}

/// A stack of well-conditioned matrices with this structure.
fn stack<T: Scalar>(structure: Structure, n: usize) -> Array3<T> {
    Array3::from_shape_fn((COUNT, n, n), |(k, i, j)| {
        let heavy =
            if structure == Structure::PositiveDefinite || (i + k) % 2 == 0 { 1.0 } else { -1.0 };
        let mirrored = of_number((k * n + i.max(j)) * n + i.min(j) + 1);
        match structure {
            _ if i == j => T::from_f64(heavy * (1.0 + n as f64)),
            Structure::Diagonal => T::zero(),
            Structure::UpperTriangular if i > j => T::zero(),
            Structure::LowerTriangular if i < j => T::zero(),
            Structure::PositiveDefinite | Structure::Symmetric | Structure::Hermitian => mirrored,
            _ => of_number((k * n + i) * n + j + 1),
        }
    })
}

fn assert_inverts<T: Scalar>(a: &ArrayRef<T, Ix3>, x: &ArrayRef<T, Ix3>, what: &str) {
    for (a, x) in a.outer_iter().zip(x.outer_iter()) {
        assert!(residuals(&a, &x).unwrap().passes(), "{what}");
    }
}

/// Every verb and layout.
fn inverts<T: Scalar>(threads: usize) {
    for structure in Structure::ALL.into_iter().chain([Structure::Auto]) {
        for &n in ORDERS {
            let what = format!("{} {structure} of order {n}", T::NAME);
            let a = stack::<T>(structure, n);
            let inverter = Inverter::new().engine(Engine::Native).structure(structure);
            let inverter = inverter.threads(threads);
            for triangle in [Triangle::Upper, Triangle::Lower].into_iter().take(TRIANGLES) {
                let inverter = inverter.clone().triangle(triangle);
                assert_inverts(&a, &inverter.inv(&a).unwrap(), &what);
                let report = inverter.clone().quality(true).report(&a).unwrap();
                assert_inverts(&a, &report.inverse, &what);
                let mut x = a.clone();
                inverter.inv_inplace(&mut x).unwrap();
                assert_inverts(&a, &x, &what);
                // Backwards and by columns, into every second column of something larger.
                let mut from = Array3::zeros((n, COUNT, n).f());
                from.swap_axes(0, 1);
                from.assign(&a);
                from.invert_axis(Axis(0));
                let mut room = Array3::from_elem((COUNT, n, 2 * n + 1), T::nan());
                inverter.inv_into(&from, &mut room.slice_mut(s![.., .., 1..;2])).unwrap();
                assert_inverts(&from, &room.slice(s![.., .., 1..;2]), &what);
                assert!(room.slice(s![.., .., ..;2]).iter().all(|x| !x.is_finite()), "{what}");
            }
        }
    }
}

/// One bad matrix in a stack, for every policy.
fn fails<T: Scalar>() {
    for &n in ORDERS {
        let good = stack::<T>(Structure::General, n);
        for spoiled in [T::zero(), T::nan()] {
            let mut a = good.clone();
            a.slice_mut(s![1, .., 0]).fill(spoiled);
            for policy in [OnFailure::Keep, OnFailure::FillNan, OnFailure::PseudoInverse] {
                let inverter = Inverter::new().engine(Engine::Native).on_failure(policy).threads(1);
                let report = inverter.report(&a).unwrap();
                let failed =
                    report.verdicts.iter().filter(|v| v.status != Status::Inverted).count();
                assert_eq!(failed, 1, "{} {policy:?} order {n}", T::NAME);
                let mut x = a.clone();
                inverter.inv_inplace(&mut x).unwrap();
                for k in (0..COUNT).filter(|&k| k != 1) {
                    assert_eq!(x.index_axis(Axis(0), k), report.inverse.index_axis(Axis(0), k));
                }
            }
            assert!(Inverter::new().engine(Engine::Native).inv(&a).is_err());
        }
    }
}

/// Matrices of different orders.
fn many<T: Scalar>(threads: usize) {
    let matrices: Vec<Array2<T>> = ORDERS
        .iter()
        .map(|&n| stack::<T>(Structure::General, n).index_axis(Axis(0), 1).to_owned())
        .collect();
    let views: Vec<_> = matrices.iter().map(|a| a.view()).collect();
    let inverter = Inverter::new().engine(Engine::Native).threads(threads);
    for (a, x) in views.iter().zip(inverter.inv_many(&views).unwrap()) {
        assert!(residuals(a, &x.unwrap()).unwrap().passes());
    }
}

/// Rows in descending order, in the midst of a larger matrix whose margin stays.
fn keeps_the_margin<T: Scalar>() {
    for &n in ORDERS {
        let a = stack::<T>(Structure::General, n).index_axis(Axis(0), 0).to_owned();
        let mut room = Array2::from_elem((n + 2, n + 2), T::nan());
        let place = s![1..=n;-1, 1..=n];
        room.slice_mut(place).assign(&a);
        Inverter::new().engine(Engine::Native).inv_inplace(&mut room.slice_mut(place)).unwrap();
        assert!(residuals(&a, &room.slice(place)).unwrap().passes());
        room.slice_mut(place).fill(T::nan());
        assert!(room.iter().all(|x| !x.is_finite()));
    }
}

macro_rules! for_every_scalar {
    ($($test:ident: $function:ident($($argument:expr)?);)*) => {$(
        #[test]
        fn $test() {
            $function::<f32>($($argument)?);
            $function::<Complex64>($($argument)?);
            if !cfg!(miri) {
                $function::<f64>($($argument)?);
                $function::<Complex32>($($argument)?);
            }
        }
    )*};
}

for_every_scalar! {
    every_structure_verb_and_layout_inverts: inverts(1);
    every_structure_verb_and_layout_inverts_on_two_threads: inverts(2);
    a_bad_matrix_is_alone: fails();
    lists_invert: many(1);
    lists_invert_on_two_threads: many(2);
    margins_stay: keeps_the_margin();
}
