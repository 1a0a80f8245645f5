//! The first examples anyone tries.

use crate::ratios::{THRESHOLD, left, right};
use matinv::ndarray::array;
use matinv::{Error, Inverter, Status, inv, inv_inplace};

#[test]
fn tutorial_matrices_invert() -> Result<(), Error> {
    let a = array![[52, 22], [43, 24]];
    let x = inv(&a)?;
    assert!(right(&a.mapv(f64::from), &x) < THRESHOLD);
    // 1/302 [[24, -22], [-43, 52]], rounded.
    assert!((x[[1, 0]] + 43.0 / 302.0_f64).abs() < 1e-16);
    let mut a = array![[52.0, 32.0, 14.0], [24.0, 25.0, 36.0], [27.0, 28.0, 29.0]];
    let x = inv(&a)?;
    assert!(left(&a, &x) < THRESHOLD && right(&a, &x) < THRESHOLD);
    inv_inplace(&mut a)?;
    assert_eq!(a, x);
    Ok(())
}

#[test]
fn a_singular_matrix_is_an_error_and_not_infinite() {
    assert_eq!(inv(&array![[1, 2], [2, 4]]), Err(Error::Singular { pivot: 1 }));
    assert_eq!(inv(&array![[0.0]]), Err(Error::Singular { pivot: 0 }));
}

#[test]
fn a_report_tells_what_a_textbook_asks() -> Result<(), Error> {
    let report = Inverter::new().quality(true).report(&array![[1.0, 2.0], [3.0, 4.0]])?;
    let verdict = report.verdict();
    assert_eq!(verdict.status, Status::Inverted);
    // det = −2; ‖A‖₁ = 6 and ‖A⁻¹‖₁ = 3.5.
    assert_eq!(verdict.sign, -1.0);
    assert!((verdict.log_abs_det - 2f64.ln()).abs() < 1e-15);
    assert!((verdict.rcond * 21.0 - 1.0).abs() < 1e-14);
    assert!(verdict.quality.is_some_and(|ratio| ratio < THRESHOLD));
    Ok(())
}
