//! One matrix: from a loaded slice to its inverse and verdict.
//!
//! The order of events: finite check, structure, factorization, then the limits on the result,
//! then what the failure policy asks for.

use crate::cancel::Cancel;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::layout::{self, Order};
use crate::numeric::pseudo_inverse::pseudo_invert;
use crate::numeric::residual;
use crate::structure::{Structure, Triangle};
use crate::verdict::{OnFailure, Status, Verdict};
use crate::workspace::Kept;
use matinv_kernels::norm::Part;
use matinv_kernels::structure::{Found, detect_while};
use matinv_kernels::{Ask, Element, Norm, Scalar, Team};
use matinv_kernels::{Each, PerScalar};
use ndarray::ArrayView2;
use num_complex::{Complex32, Complex64};

/// What is to be done with every matrix of a call.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(crate) engine: Engine,
    pub(crate) structure: Structure,
    pub(crate) triangle: Triangle,
    pub(crate) min_rcond: Option<f64>,
    pub(crate) on_failure: OnFailure,
    pub(crate) check_finite: bool,
    pub(crate) quality: bool,
    /// Is the whole verdict wanted, or only the failures?
    pub(crate) report: bool,
    /// Is it still wanted?
    pub(crate) cancel: Cancel,
}

impl Plan {
    /// Whether a matrix that is inverted in its place, stored in this order, has to be copied
    /// first.
    pub(crate) fn needs_original(&self, order: Order) -> bool {
        // Row by row, LU works on Aᵀ: if that fails, A itself is factored, to name its column.
        let transposed_lu =
            order == Order::Row && matches!(self.structure, Structure::Auto | Structure::General);
        let restores = matches!(self.on_failure, OnFailure::Keep | OnFailure::PseudoInverse);
        transposed_lu || restores || self.measures()
    }

    /// Whether residuals are to be measured: only a report has a place for them.
    pub(crate) fn measures(&self) -> bool {
        self.quality && self.report
    }

    pub(crate) fn ask(&self, order: Order) -> Ask {
        let norm = match order {
            Order::Column => Norm::One,
            Order::Row => Norm::Infinity,
        };
        let rcond = self.report || self.min_rcond.is_some();
        Ask {
            rcond: rcond.then_some(norm),
            determinant: self.report,
            reject_tiny_pivots: false,
            finite: self.check_finite,
        }
    }

    /// The declared triangle, in terms of a slice stored in this order.
    pub(crate) fn triangle_in(&self, order: Order) -> Triangle {
        oriented(order, self.triangle)
    }

    /// What is read of a matrix stored in this order.
    fn part_in(&self, order: Order) -> Part {
        match self.structure {
            Structure::Auto | Structure::General => Part::Full,
            Structure::Diagonal => Part::Diagonal,
            Structure::UpperTriangular => Part::Triangular(oriented(order, Triangle::Upper)),
            Structure::LowerTriangular => Part::Triangular(oriented(order, Triangle::Lower)),
            Structure::PositiveDefinite | Structure::Symmetric | Structure::Hermitian => {
                Part::Mirrored(self.triangle_in(order))
            }
        }
    }

    /// Whether the declared structure mirrors with conjugation.
    pub(crate) fn conjugates(&self) -> bool {
        self.structure != Structure::Symmetric
    }
}

/// A triangle of A as a triangle of the slice, or the other way round.
pub(crate) fn oriented(order: Order, triangle: Triangle) -> Triangle {
    match order {
        Order::Column => triangle,
        Order::Row => triangle.flipped(),
    }
}

/// Inverts a matrix: [`Matrix::invert`]. All that is behind it is compiled once, here, and not again in every
/// crate that calls it.
pub(crate) fn invert<T: Scalar>(matrix: Matrix<'_, T>) -> Result<Verdict<T>> {
    struct Table;
    impl PerScalar for Table {
        type Of<T: Scalar> = fn(Matrix<'_, T>) -> Result<Verdict<T>>;
    }
    macro_rules! compiled {
        ($($field:ident: $scalar:ty),*) => {{
            $(
                #[inline(never)]
                fn $field(matrix: Matrix<'_, $scalar>) -> Result<Verdict<$scalar>> {
                    matrix.invert()
                }
            )*
            Each { $($field),* }
        }};
    }
    let invert = T::choose::<Table>(
        compiled!(f32: f32, f64: f64, complex32: Complex32, complex64: Complex64),
    );
    invert(matrix)
}

/// A matrix as it was given: of any element that becomes this scalar.
pub(crate) trait Original<T> {
    /// Brings it into a slice without gaps, stored in this order.
    fn load(&self, to: &mut [T], order: Order);
}

impl<A: Element> Original<A::Scalar> for ArrayView2<'_, A> {
    fn load(&self, to: &mut [A::Scalar], order: Order) {
        layout::load(self, to, order);
    }
}

/// A matrix under way.
pub(crate) struct Matrix<'a, T: Scalar> {
    /// What to do.
    pub(crate) plan: &'a Plan,
    /// Workspace.
    pub(crate) kept: &'a mut Kept<T>,
    /// Who works on it.
    pub(crate) team: &'a dyn Team,
    /// The order.
    pub(crate) n: usize,
    /// The matrix as a slice like `a`, if it is not in `a` yet: only of one whose structure is not
    /// declared, or general, or real and positive definite.
    pub(crate) source: Option<&'a [T]>,
    /// The matrix, without gaps; then its inverse. After a failure it holds what the policy says
    /// (under `Fail`: nothing of use).
    pub(crate) a: &'a mut [T],
    /// How `a` is stored.
    pub(crate) order: Order,
    /// The matrix once more, where [`Plan::needs_original`] says so.
    pub(crate) original: Option<&'a dyn Original<T>>,
    /// The engine that was used last.
    pub(crate) engine: Engine,
}

impl<T: Scalar> Matrix<'_, T> {
    /// Inverts it.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`] for the workspace, and [`Error::Cancelled`]: then nothing of use is in the
    /// place of the matrix. That it has no inverse is said in the verdict.
    pub(crate) fn invert(mut self) -> Result<Verdict<T>> {
        let nan = T::nan();
        let mut verdict = Verdict {
            status: Status::Inverted,
            error: None,
            structure: self.plan.structure,
            engine: self.engine,
            rcond: f64::NAN,
            sign: nan,
            log_abs_det: f64::NAN,
            quality: None,
        };
        if self.n == 0 {
            let (rcond, sign, log_abs_det) = (1.0, T::from_f64(1.0), 0.0);
            let quality = self.plan.measures().then_some(0.0);
            let structure = found_or_general(verdict.structure);
            return Ok(Verdict { structure, rcond, sign, log_abs_det, quality, ..verdict });
        }
        let done = self.attempt(&mut verdict);
        // First: where work was left out, whatever else was found means nothing.
        self.plan.cancel.check()?;
        if let Err(error) = done {
            if matches!(error, Error::OutOfMemory { .. } | Error::Cancelled) {
                return Err(error);
            }
            if matches!(error, Error::Singular { .. }) {
                verdict.rcond = 0.0;
                verdict.sign = T::from_f64(0.0);
                verdict.log_abs_det = f64::NEG_INFINITY;
            }
            (verdict.status, verdict.error) = self.apply_policy(error);
        }
        verdict.structure = found_or_general(verdict.structure);
        verdict.engine = self.engine;
        if self.plan.measures() && verdict.status == Status::Inverted {
            verdict.quality = Some(self.quality()?);
        }
        self.plan.cancel.check()?;
        Ok(verdict)
    }

    /// Everything up to a result that the limits accept.
    fn attempt(&mut self, verdict: &mut Verdict<T>) -> Result<()> {
        let Matrix { plan, n, order, .. } = *self;
        if T::COMPLEX
            && matches!(plan.structure, Structure::PositiveDefinite | Structure::Hermitian)
        {
            // Declared real, so its imaginary part is not looked at.
            matinv_kernels::make_diagonal_real(n, self.a);
        }
        if plan.check_finite {
            let team = self.team;
            let a = self.source.unwrap_or(self.a);
            let bad = layout::first_non_finite(team, n, a, order, plan.part_in(order));
            if let Some((row, col)) = bad {
                return Err(Error::NonFinite { row, col });
            }
        }
        let facts = self.factor(&mut verdict.structure)?;
        if let Some(rcond) = facts.rcond {
            verdict.rcond = rcond;
        }
        if let Some((sign, log_abs_det)) = facts.determinant {
            (verdict.sign, verdict.log_abs_det) = (sign, log_abs_det);
        }
        let overflow = facts.overflow.filter(|_| plan.check_finite);
        if let (Some(limit), None) = (plan.min_rcond, overflow) {
            // A NaN is below every limit.
            let rcond = verdict.rcond;
            if rcond.is_nan() {
                // What overflowed says more.
                self.check_result()?;
            }
            if rcond.is_nan() || rcond < limit {
                return Err(Error::IllConditioned { rcond, limit });
            }
        }
        if !facts.finite {
            self.check_result()?;
        }
        match overflow {
            Some(step) => Err(Error::Overflow { row: step, col: step }),
            None => Ok(()),
        }
    }

    /// Refuses a result that the scalar cannot represent.
    fn check_result(&self) -> Result<()> {
        if self.plan.check_finite {
            let team = self.team;
            let bad = layout::first_non_finite(team, self.n, self.a, self.order, Part::Full);
            if let Some((row, col)) = bad {
                return Err(Error::Overflow { row, col });
            }
        }
        Ok(())
    }

    /// What stands in the place of a matrix that failed, and what to say of it.
    fn apply_policy(&mut self, error: Error) -> (Status, Option<Error>) {
        match self.plan.on_failure {
            OnFailure::Fail => {}
            OnFailure::Keep => load_original(self.original, self.a, self.order),
            OnFailure::PseudoInverse if !matches!(error, Error::NonFinite { .. }) => {
                return match self.pseudo_inverse() {
                    Ok(()) => (Status::PseudoInverted, Some(error)),
                    Err(error) => {
                        self.a.fill(T::nan());
                        (Status::Failed, Some(error))
                    }
                };
            }
            OnFailure::FillNan | OnFailure::PseudoInverse => self.a.fill(T::nan()),
        }
        (Status::Failed, Some(error))
    }

    fn pseudo_inverse(&mut self) -> Result<()> {
        let n = self.n;
        self.load_as_understood();
        // Let through by a check that is off; the decomposition takes no NaN.
        let team = self.team;
        if let Some((row, col)) = layout::first_non_finite(team, n, self.a, self.order, Part::Full)
        {
            return Err(Error::NonFinite { row, col });
        }
        let found = detect_while(n, self.a, || !team.is_cancelled());
        let rounding = n as f64 * 2.0 * T::UNIT_ROUNDOFF;
        // (Aᵀ)⁺ = (A⁺)ᵀ, so the order of the slice does not matter.
        self.engine = self.plan.engine.fallback();
        pseudo_invert(
            (&mut self.kept.engines, self.engine),
            team,
            n,
            self.a,
            self.plan.min_rcond.map_or(rounding, |limit| limit.max(rounding)),
        )?;
        if matches!(found, Found::Diagonal | Found::Hermitian | Found::Symmetric) {
            self.mirror(Triangle::Lower, found == Found::Hermitian);
        }
        self.check_result()
    }

    /// ‖I − A⁻¹A‖₁ in LAPACK's unit.
    fn quality(&mut self) -> Result<f64> {
        let mut inverse = layout::zeros(self.a.len())?;
        inverse.copy_from_slice(self.a);
        self.load_as_understood();
        let inverse = layout::view(self.n, &inverse, self.order);
        let a = layout::view(self.n, self.a, self.order);
        let quality = residual::left_unless(&self.plan.cancel, &a, &inverse);
        layout::view_mut(self.n, self.a, self.order).assign(&inverse);
        quality
    }

    /// Loads the original again, with what the declared structure says of the part not read.
    fn load_as_understood(&mut self) {
        load_original(self.original, self.a, self.order);
        match self.plan.part_in(self.order) {
            Part::Full => {}
            Part::Mirrored(triangle) => self.mirror(triangle, self.plan.conjugates()),
            part @ (Part::Triangular(_) | Part::Diagonal) => {
                layout::zero_outside(self.n, self.a, part);
            }
        }
    }

    /// Makes the other triangle of the slice the mirror of this one.
    pub(crate) fn mirror(&mut self, from: Triangle, hermitian: bool) {
        matinv_kernels::mirror(self.team, self.n, self.a, from, hermitian);
    }
}

/// Loads the original again. It is a bug of the caller if it is needed and not there.
pub(crate) fn load_original<T>(original: Option<&dyn Original<T>>, a: &mut [T], order: Order) {
    original.expect("the original was kept, as the plan demands").load(a, order);
}

/// The structure used; `General` if the matrix was empty or refused before anything was found out.
fn found_or_general(structure: Structure) -> Structure {
    match structure {
        Structure::Auto => Structure::General,
        known => known,
    }
}
