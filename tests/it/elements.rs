//! What may be put in: integers of every width, bool, half precision; and what comes out.

use matinv::half::{bf16, f16};
use matinv::ndarray::{Array2, Array3, array};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Element, Error, Inverter, Scalar, inv};
use std::sync::Mutex;
use std::thread::ThreadId;

/// A lower times an upper triangular matrix, both of zeros and ones with ones on the diagonal:
/// every pivot is 1, and nothing is rounded on the way to the inverse.
const UNIMODULAR: [[u8; 4]; 4] = [[1, 1, 0, 1], [1, 2, 1, 1], [0, 1, 2, 1], [1, 1, 1, 3]];

const ITS_INVERSE: [[i8; 4]; 4] = [[7, -4, 3, -2], [-4, 3, -2, 1], [3, -2, 2, -1], [-2, 1, -1, 1]];

fn inverse<T: Scalar>() -> Array2<T> {
    Array2::from_shape_fn((4, 4), |(i, j)| T::from_f64(ITS_INVERSE[i][j].into()))
}

/// Inverts the matrix as elements of type `A`, by every verb that takes them.
fn inverts_exactly<A: Element>(element: impl Fn(u8) -> A, name: &str) {
    let a = Array2::from_shape_fn((4, 4), |(i, j)| element(UNIMODULAR[i][j]));
    let x: Array2<A::Scalar> = inv(&a).unwrap();
    assert_eq!(x, inverse(), "{name}");
    assert_eq!(inv(&a.t()).unwrap(), x.t(), "{name}");
    let report = Inverter::new().quality(true).report(&a).unwrap();
    assert_eq!(report.inverse, x, "{name}");
    assert_eq!(report.verdict().quality, Some(0.0), "{name}");
    assert_eq!(report.verdict().sign, A::Scalar::from_f64(1.0), "{name}");
    assert_eq!(report.verdict().log_abs_det, 0.0, "{name}");
    let mut out = Array2::from_elem((4, 4), A::Scalar::nan());
    Inverter::new().inv_into(&a, &mut out).unwrap();
    assert_eq!(out, x, "{name}");
    let stack = a.broadcast((3, 4, 4)).unwrap();
    let xs: Array3<A::Scalar> = inv(&stack).unwrap();
    assert_eq!(xs, x.broadcast((3, 4, 4)).unwrap(), "{name}");
    assert_eq!(<A::Scalar as Scalar>::NAME, name);
}

#[test]
fn integers_of_every_width_give_exact_doubles() {
    macro_rules! integers {
        ($($integer:ty),*) => {$(
            let same: fn($integer) -> <$integer as Element>::Scalar = |x| x.to_scalar();
            let _: f64 = same(1);
            inverts_exactly(|x| <$integer>::try_from(x).unwrap(), "float64");
        )*};
    }
    integers!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);
}

#[test]
fn scalars_give_themselves_and_halves_give_singles() {
    inverts_exactly(f32::from, "float32");
    inverts_exactly(f64::from, "float64");
    inverts_exactly(|x| Complex32::from(f32::from(x)), "complex64");
    inverts_exactly(|x| Complex64::from(f64::from(x)), "complex128");
    inverts_exactly(f16::from, "float32");
    inverts_exactly(bf16::from, "float32");
}

#[test]
fn truth_values_are_zeros_and_ones() {
    let x: Array2<f64> = inv(&array![[true, true], [false, true]]).unwrap();
    assert_eq!(x, array![[1.0, -1.0], [0.0, 1.0]]);
    assert_eq!(inv(&array![[true, true], [true, true]]), Err(Error::Singular { pivot: 1 }));
    let x = inv(&array![[false, true], [true, true]]).unwrap();
    assert_eq!(x, array![[-1.0, 1.0], [1.0, 0.0]]);
}

#[test]
fn the_extremes_of_every_width_are_inverted() {
    assert_eq!(inv(&array![[i8::MIN]]).unwrap(), array![[-0.007_812_5]]);
    assert_eq!(inv(&array![[u16::MAX]]).unwrap(), array![[1.0 / 65_535.0]]);
    assert_eq!(inv(&array![[i64::MIN]]).unwrap(), array![[-(2f64.powi(-63))]]);
    assert_eq!(inv(&array![[u64::MAX]]).unwrap(), array![[2f64.powi(-64)]]);
    assert_eq!(inv(&array![[i128::MIN]]).unwrap(), array![[-(2f64.powi(-127))]]);
    assert_eq!(inv(&array![[u128::MAX]]).unwrap(), array![[2f64.powi(-128)]]);
    // Beyond 2⁵³ integers are rounded to the nearest double.
    let odd = (1_i64 << 53) + 1;
    assert_eq!(inv(&array![[odd]]).unwrap(), array![[2f64.powi(-53)]]);
    assert_eq!(inv(&array![[f16::MIN_POSITIVE_SUBNORMAL]]).unwrap(), array![[2f32.powi(24)]]);
    assert_eq!(inv(&array![[f16::MAX]]).unwrap(), array![[1.0 / 65_504.0]]);
    let x = inv(&array![[bf16::MIN_POSITIVE]]).unwrap();
    assert_eq!(x, array![[2f32.powi(126)]]);
}

#[test]
fn halves_that_are_not_finite_are_named() {
    let bad = Error::NonFinite { row: 0, col: 1 };
    let one = f16::ONE;
    assert_eq!(inv(&array![[one, f16::NAN], [one, one]]), Err(bad.clone()));
    let one = bf16::ONE;
    assert_eq!(inv(&array![[one, bf16::INFINITY], [one, one]]), Err(bad));
}

#[test]
fn integers_that_are_kept_come_back_as_doubles() {
    let stack = array![[[1, 2], [2, 4]], [[2, 0], [0, 4]]];
    let keep = Inverter::new().on_failure(matinv::OnFailure::Keep);
    let x = keep.inv(&stack).unwrap();
    assert_eq!(x, array![[[1.0, 2.0], [2.0, 4.0]], [[0.5, 0.0], [0.0, 0.25]]]);
}

/// Sixteenths, as somebody else's crate might have them; and where they were read.
#[derive(Clone, Copy)]
struct Sixteenths(i32);

static READ_ON: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

impl Element for Sixteenths {
    type Scalar = f64;

    fn to_scalar(self) -> f64 {
        READ_ON.lock().unwrap().push(std::thread::current().id());
        f64::from(self.0) / 16.0
    }
}

#[test]
fn an_element_of_ones_own_is_read_on_the_threads_asked_for() {
    let stack = Array3::from_shape_fn((20_000, 4, 4), |(k, i, j)| {
        Sixteenths(if i == j { 1 << (k % 8) } else { 0 })
    });
    let x = Inverter::new().threads(1).inv(&stack).unwrap();
    assert!((0..20_000).all(|k| x[[k, 1, 1]] * f64::from(1 << (k % 8)) == 16.0));
    let here = std::thread::current().id();
    assert!(READ_ON.lock().unwrap().drain(..).all(|id| id == here));
    assert_eq!(Inverter::new().threads(3).inv(&stack).unwrap(), x);
    assert!(READ_ON.lock().unwrap().drain(..).all(|id| id != here));
}
