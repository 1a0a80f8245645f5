//! Matrices of any bits through the kernels of every instruction set that this machine has, with
//! LAPACK as the oracle: equal verdicts unless the matrix is near a limit, residuals within LAPACK's
//! threshold, and the same bits alone, in a stack and in its place.
#![no_main]

use libfuzzer_sys::fuzz_target;
use matinv::ndarray::{Array2, Array3, ArrayView2, Axis};
use matinv::num_complex::{Complex32, Complex64};
use matinv::{
    Engine, Error, Inversion, Inverter, OnFailure, Residuals, Scalar, Status, Structure, Triangle,
    Verdict, force_instruction_set, platform, residuals,
};
use std::mem::discriminant;

/// The input, and when it is used up, numbers that follow from it.
struct Bytes<'a> {
    bytes: &'a [u8],
    state: u64,
}

impl<'a> Bytes<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let state = bytes.iter().fold(0x9e37_79b9_7f4a_7c15, |state: u64, &byte| {
            (state ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Bytes { bytes, state }
    }

    fn byte(&mut self) -> u8 {
        if let Some((&byte, rest)) = self.bytes.split_first() {
            self.bytes = rest;
            return byte;
        }
        self.state = self.state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.state >> 56) as u8
    }

    fn below(&mut self, limit: usize) -> usize {
        (usize::from(self.byte()) * 256 + usize::from(self.byte())) % limit
    }

    fn bits(&mut self) -> u64 {
        (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte()))
    }

    /// A number between −1 and 1.
    fn unit(&mut self) -> f64 {
        self.bits() as i64 as f64 / 2f64.powi(63)
    }
}

/// A scalar as the fuzzer sees it.
trait Any: Scalar {
    /// From anything at all.
    fn any(bytes: &mut Bytes<'_>) -> Self;
    /// From its parts; reals drop the imaginary one.
    fn of(re: f64, im: f64) -> Self;
    /// Equal bits; all that is not finite is one.
    fn same(self, other: Self) -> bool;
}

macro_rules! any {
    ($($real:ident, $complex:ident, $tiny:expr, $huge:expr);*) => {$(
        impl Any for $real {
            fn any(bytes: &mut Bytes<'_>) -> Self {
                const SPECIAL: [$real; 12] = [
                    0.0, -0.0, 1.0, -1.0, $real::NAN, $real::INFINITY, $real::NEG_INFINITY,
                    $real::MIN_POSITIVE, $tiny, -$tiny, $real::MAX, $huge,
                ];
                match bytes.byte() % 16 {
                    place @ 0..12 => SPECIAL[usize::from(place)],
                    _ => $real::from_bits(bytes.bits() as _),
                }
            }
            fn of(re: f64, _: f64) -> Self {
                Self::from_f64(re)
            }
            fn same(self, other: Self) -> bool {
                self.to_bits() == other.to_bits() || !(self.is_finite() || other.is_finite())
            }
        }
        impl Any for $complex {
            fn any(bytes: &mut Bytes<'_>) -> Self {
                Self::new($real::any(bytes), $real::any(bytes))
            }
            fn of(re: f64, im: f64) -> Self {
                Self::new($real::from_f64(re), $real::from_f64(im))
            }
            fn same(self, other: Self) -> bool {
                self.re.same(other.re) && self.im.same(other.im)
                    || !(Scalar::is_finite(self) || Scalar::is_finite(other))
            }
        }
    )*};
}

any!(f32, Complex32, 1e-45, 1e37; f64, Complex64, 5e-324, 1e307);

/// A matrix of some sort: of tame numbers, small whole ones, or of any; with some structure.
fn matrix<T: Any>(bytes: &mut Bytes<'_>, n: usize) -> Array2<T> {
    let real = |x: f64| T::from_f64(x);
    let (numbers, shape) = (bytes.below(8), bytes.below(10));
    let exponent = if T::UNIT_ROUNDOFF < 1e-10 { 300.0 } else { 35.0 };
    let mut a = Array2::from_shape_simple_fn((n, n), || match numbers {
        0 => T::any(bytes),
        1 => real((bytes.unit() * 2.5).round()),
        2 => real(bytes.unit() * 10f64.powf(bytes.unit() * exponent)),
        3 if bytes.byte() < 40 => T::any(bytes),
        4 => real(bytes.unit()),
        _ => T::of(bytes.unit(), bytes.unit()),
    });
    for j in 0..n {
        for i in 0..j {
            match shape {
                0 => a[[i, j]] = T::zero(),
                1 => a[[j, i]] = T::zero(),
                2..5 => a[[i, j]] = a[[j, i]].conj(),
                5 => a[[i, j]] = a[[j, i]],
                _ => {}
            }
        }
        let size = 2.0 * n as f64 * bytes.unit().abs();
        match shape {
            2 => a[[j, j]] = real(size),
            3 => a[[j, j]] = real(1.0 + size),
            4 => a[[j, j]] = T::from_f64(a[[j, j]].re().into()),
            _ => {}
        }
    }
    let at = bytes.below(n);
    match bytes.below(12) {
        0 => a.column_mut(at).fill(T::zero()),
        1 => {
            let row = a.row(at).to_owned();
            a.row_mut(n - 1).assign(&row);
        }
        2 => a[[at, at]] = T::any(bytes),
        _ => {}
    }
    a
}

fn compare<T: Any>(bytes: &mut Bytes<'_>) {
    let n = 1 + match bytes.below(8) {
        0 => bytes.below(64),
        1..4 => bytes.below(6),
        _ => bytes.below(18),
    };
    let count = 1 + bytes.below(if n > 20 { 3 } else { 20 });
    let mut stack = Array3::<T>::zeros((count, n, n));
    let columns = bytes.byte() % 2 == 0;
    if columns {
        stack.swap_axes(1, 2);
    }
    for mut place in stack.outer_iter_mut() {
        place.assign(&matrix::<T>(bytes, n));
    }
    let structures = [
        Structure::Auto,
        Structure::Auto,
        Structure::General,
        Structure::PositiveDefinite,
        Structure::PositiveDefinite,
        Structure::UpperTriangular,
        Structure::LowerTriangular,
        Structure::Symmetric,
        Structure::Hermitian,
    ];
    let structure = structures[bytes.below(structures.len())];
    let triangle = if bytes.byte() % 2 == 0 { Triangle::Lower } else { Triangle::Upper };
    let check = bytes.byte() % 4 > 0;
    let mut inverter = Inverter::new().structure(structure).triangle(triangle).threads(1);
    inverter = inverter.on_failure(OnFailure::Keep).check_finite(check);
    if bytes.byte() % 4 == 0 {
        inverter = inverter.min_rcond(1e-6);
    }
    // Where LAPACK fails its own test, plain Rust is the oracle.
    let oracle = if platform().blas.is_some_and(|blas| blas.sound) {
        Engine::Lapack
    } else {
        force_instruction_set(0);
        Engine::Native
    };
    let lapack = inverter.clone().engine(oracle).report(&stack).expect("kept");
    let native = inverter.engine(Engine::Native);
    let probe = bytes.below(count);
    for set in (0..).map_while(force_instruction_set) {
        let report = native.report(&stack).expect("kept");
        let plain = native.inv(&stack).expect("kept");
        let mut in_place = stack.clone();
        native.inv_inplace(&mut in_place).expect("kept");
        let single = native.report(&stack.index_axis(Axis(0), probe).to_owned()).expect("kept");
        let failures = [single.verdict(), &report.verdicts[[probe]]]
            .map(|verdict| verdict.error.as_ref().map(discriminant));
        assert_eq!(failures[0], failures[1]);
        for k in 0..count {
            let a = stack.index_axis(Axis(0), k);
            let what = || format!("{set} {} {structure} {triangle:?} {columns} {a}", T::NAME);
            let x = report.inverse.index_axis(Axis(0), k);
            let same = |y: ArrayView2<'_, T>| x.iter().zip(y).all(|(&x, &y)| x.same(y));
            assert!(same(plain.index_axis(Axis(0), k)), "{}", what());
            assert!(same(in_place.index_axis(Axis(0), k)), "{}: in place", what());
            // Stored as in the stack, so that the same side is factored.
            let mut alone = Array2::zeros((n, n));
            if columns {
                alone.swap_axes(0, 1);
            }
            alone.assign(&a);
            if k == probe {
                let alone = native.inv(&alone).expect("kept");
                assert!(same(alone.view()), "{}: alone {alone}", what());
            }
            if check {
                judge(&report, &lapack, k, structure, triangle, &alone, what);
            }
        }
    }
}

/// Compares what the engines say of matrix `k`.
fn judge<T: Any>(
    ours: &Inversion<T, matinv::ndarray::Ix3>,
    theirs: &Inversion<T, matinv::ndarray::Ix3>,
    k: usize,
    structure: Structure,
    triangle: Triangle,
    a: &Array2<T>,
    what: impl Fn() -> String,
) {
    let (native, lapack) = (&ours.verdicts[[k]], &theirs.verdicts[[k]]);
    let mut understood = a.clone();
    for ((i, j), x) in understood.indexed_iter_mut() {
        let other = i != j && (i < j) == (triangle == Triangle::Lower);
        match structure {
            Structure::UpperTriangular if i > j => *x = T::zero(),
            Structure::LowerTriangular if i < j => *x = T::zero(),
            Structure::Symmetric if other => *x = a[[j, i]],
            Structure::PositiveDefinite | Structure::Hermitian if other => *x = a[[j, i]].conj(),
            Structure::PositiveDefinite | Structure::Hermitian if i == j => {
                *x = T::from_f64(x.re().into());
            }
            _ => {}
        }
    }
    let passes = |x: &Inversion<T, matinv::ndarray::Ix3>| {
        let x = x.inverse.index_axis(Axis(0), k);
        residuals(&understood, &x).expect("same shapes").better() < Residuals::THRESHOLD
    };
    let rcond = native.rcond.max(lapack.rcond);
    if rcond > 1000.0 * T::UNIT_ROUNDOFF {
        let error = |error: &Option<Error>| error.as_ref().map(discriminant);
        let near_limit = (native.rcond.min(lapack.rcond) / 1e-6 - 1.0).abs() < 10.0;
        let same = native.status == lapack.status
            && error(&native.error) == error(&lapack.error)
            && native.pivot() == lapack.pivot();
        // Next to the largest numbers a factor may overflow in one order of steps and not in another;
        // further from them, ours is the one that outlasts. What either inverts is looked at below.
        let overflows =
            |verdict: &Verdict<T>| matches!(verdict.error, Some(Error::Overflow { .. }));
        let largest = if T::UNIT_ROUNDOFF < 1e-10 { f64::MAX } else { f32::MAX.into() };
        let huge = |x: &T| f64::max(x.re().into().abs(), x.im().into().abs()) > largest / 64.0;
        let outlasts = overflows(lapack) && native.status == Status::Inverted;
        let either = overflows(native) && understood.iter().any(huge);
        let allowed = same || near_limit || outlasts || either;
        assert!(allowed, "{}: {native:?} and {lapack:?}", what());
    }
    if native.status != Status::Inverted {
        return;
    }
    assert!(native.rcond <= 1.0, "{}: {native:?}", what());
    // Below, the norms of a matrix and of its inverse are at both ends of the scalar's range; and
    // an inverse of less than normal numbers has fewer digits.
    let (least, normal) = if T::UNIT_ROUNDOFF < 1e-10 {
        (1e-300, f64::MIN_POSITIVE)
    } else {
        (1e-37, f32::MIN_POSITIVE.into())
    };
    let is_normal = |x: &T| f64::hypot(x.re().into(), x.im().into()) >= normal;
    let expected = if lapack.status == Status::Inverted {
        passes(theirs)
    } else {
        ours.inverse.index_axis(Axis(0), k).iter().any(is_normal)
    };
    // Of a matrix next to singular, what LU finds may be far from symmetric before it is made so.
    let mirrors = |image: fn(&T) -> T| a.indexed_iter().all(|((i, j), x)| *x == image(&a[[j, i]]));
    let rescued = native.structure == Structure::General
        && native.rcond < T::UNIT_ROUNDOFF
        && match structure {
            Structure::Symmetric | Structure::Hermitian => true,
            Structure::Auto => mirrors(|x| *x) || mirrors(|x| x.conj()),
            _ => false,
        };
    if expected && native.rcond > least && !rescued {
        assert!(passes(ours), "{}: {native:?}", what());
    }
}

fuzz_target!(|bytes: &[u8]| {
    let bytes = &mut Bytes::new(bytes);
    match bytes.byte() % 4 {
        0 => compare::<f32>(bytes),
        1 => compare::<f64>(bytes),
        2 => compare::<Complex32>(bytes),
        _ => compare::<Complex64>(bytes),
    }
});
