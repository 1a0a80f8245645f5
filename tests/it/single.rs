//! One matrix: the first examples anyone tries.

use matinv::num_complex::Complex64;
use matinv::{Error, Inverter, OnFailure, Status, Structure, inv, inv_inplace, residuals};
use ndarray::{Array2, Array3, array};

#[test]
fn tutorial_matrices_invert() -> Result<(), Error> {
    let a = array![[52, 22], [43, 24]];
    let x = inv(&a)?;
    assert!(residuals(&a.mapv(f64::from), &x)?.passes());
    let a = array![[52, 32, 14], [24, 25, 36], [27, 28, 29]];
    let x = inv(&a)?;
    assert!(residuals(&a.mapv(f64::from), &x)?.passes());
    assert_eq!(inv(&array![[1, 2], [2, 4]]), Err(Error::Singular { pivot: 1 }));
    Ok(())
}

#[test]
fn every_structure_is_detected() {
    let c = Complex64::new;
    let report = |a: Array2<Complex64>| {
        let r = Inverter::new().quality(true).report(&a).unwrap();
        let v = r.verdict().clone();
        assert!(v.quality.unwrap() < 30.0, "{a} {v:?}");
        assert_eq!(v.status, Status::Inverted);
        v.structure
    };
    let o = c(0.0, 0.0);
    assert_eq!(report(array![[c(1.0, 2.0), o], [o, c(0.0, 1.0)]]), Structure::Diagonal);
    assert_eq!(
        report(array![[c(1.0, 2.0), o], [c(1.0, 1.0), c(0.0, 1.0)]]),
        Structure::LowerTriangular
    );
    assert_eq!(
        report(array![[c(1.0, 2.0), c(1.0, 1.0)], [o, c(0.0, 1.0)]]),
        Structure::UpperTriangular
    );
    assert_eq!(
        report(array![[c(4.0, 0.0), c(1.0, 1.0)], [c(1.0, -1.0), c(3.0, 0.0)]]),
        Structure::PositiveDefinite
    );
    assert_eq!(
        report(array![[c(1.0, 0.0), c(1.0, 3.0)], [c(1.0, -3.0), c(3.0, 0.0)]]),
        Structure::Hermitian
    );
    assert_eq!(
        report(array![[c(1.0, 0.0), c(1.0, 3.0)], [c(1.0, 3.0), c(3.0, 0.0)]]),
        Structure::Symmetric
    );
    assert_eq!(
        report(array![[c(1.0, 0.0), c(1.0, 3.0)], [c(1.0, 4.0), c(3.0, 0.0)]]),
        Structure::General
    );
}

#[test]
fn stacks_name_their_failures() {
    let mut stack = Array3::<f64>::zeros((1000, 3, 3));
    for (i, mut a) in stack.outer_iter_mut().enumerate() {
        for j in 0..3 {
            a[[j, j]] = 1.0 + i as f64;
        }
        a[[0, 2]] = 1.0;
        a[[2, 0]] = 0.5;
        if i % 100 == 7 {
            a.row_mut(1).fill(0.0);
            a[[1, 0]] = 3.0;
        }
    }
    let Err(Error::InStack { failures }) = inv(&stack) else { panic!() };
    assert_eq!(failures.len(), 10);
    assert_eq!(failures[3].index, [307]);
    assert_eq!(failures[3].error, Error::Singular { pivot: 1 });
    let report = Inverter::new().on_failure(OnFailure::PseudoInverse).report(&stack).unwrap();
    assert_eq!(report.failures().count(), 10);
    assert_eq!(report.verdicts[[7]].status, Status::PseudoInverted);
    let mut b = stack.clone();
    Inverter::new().on_failure(OnFailure::Keep).threads(2).inv_inplace(&mut b).unwrap();
    assert_eq!(b.index_axis(ndarray::Axis(0), 107), stack.index_axis(ndarray::Axis(0), 107));
    assert!(inv_inplace(&mut stack).is_err());
}
