//! One matrix: from a loaded slice to its inverse and verdict.
//!
//! The order of events: finite check, structure, factorization, then the limits on the result,
//! then what the failure policy asks for.

use crate::diagonal;
use crate::element::{Element, Scalar};
use crate::engine::{Ask, Breakdown, Engine, Engines, Facts, General, Norm, Symmetry};
use crate::error::{Error, Result};
use crate::layout::{self, Order};
use crate::mirror;
use crate::native::blocked::{self, Alone, Crew, Half, Team};
use crate::native::{self, Kernel, Kind, all_finite};
use crate::norm::Part;
use crate::pseudo_inverse::pseudo_invert;
use crate::residual;
use crate::structure::{Found, Structure, Triangle, detect};
use crate::verdict::{OnFailure, Status, Verdict};
use ndarray::ArrayView2;
use std::sync::Arc;

/// What is to be done with every matrix of a call.
#[derive(Debug, Clone, PartialEq)]
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
        Ask { rcond: rcond.then_some(norm), determinant: self.report, wary: false }
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
    fn conjugates(&self) -> bool {
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

/// What a computation keeps for the next one.
#[derive(Default)]
pub(crate) struct Kept<T: Scalar> {
    /// The diagonal that a factorization of one triangle destroys.
    diagonal: Vec<T>,
    engines: Engines<T>,
    pub(crate) native: native::Work<T>,
    /// Who helps, where a matrix is worth more than one thread.
    pub(crate) crew: Option<Arc<Crew>>,
}

impl<T: Scalar> Kept<T> {
    /// Who works on a matrix.
    pub(crate) fn team(&self) -> &dyn Team {
        team(self.crew.as_ref())
    }
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
    /// The order.
    pub(crate) n: usize,
    /// The matrix as a slice like `a`, if it is not in `a` yet: only of one whose structure is not
    /// declared, or general.
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
    /// [`Error::OutOfMemory`] for the workspace. That the matrix has no inverse is said
    /// in the verdict.
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
        if let Err(error) = self.attempt(&mut verdict) {
            if matches!(error, Error::OutOfMemory { .. }) {
                return Err(error);
            }
            if matches!(error, Error::Singular { .. }) {
                verdict.rcond = 0.0;
                verdict.sign = T::from_f64(0.0);
                verdict.log_abs_det = f64::NEG_INFINITY;
            }
            (verdict.status, verdict.error) = self.settle(error);
        }
        verdict.structure = found_or_general(verdict.structure);
        verdict.engine = self.engine;
        if self.plan.measures() && verdict.status == Status::Inverted {
            verdict.quality = Some(self.quality()?);
        }
        Ok(verdict)
    }

    /// Everything up to a result that the limits accept.
    fn attempt(&mut self, verdict: &mut Verdict<T>) -> Result<()> {
        let Matrix { plan, n, order, .. } = *self;
        if T::COMPLEX
            && matches!(plan.structure, Structure::PositiveDefinite | Structure::Hermitian)
        {
            // Declared real, so its imaginary part is not looked at.
            blocked::make_diagonal_real(n, self.a);
        }
        if plan.check_finite {
            let team = self.kept.team();
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
        self.check_result()?;
        match overflow {
            Some(step) => Err(Error::Overflow { row: step, col: step }),
            None => Ok(()),
        }
    }

    /// Refuses a result that the scalar cannot represent.
    fn check_result(&self) -> Result<()> {
        if self.plan.check_finite {
            let team = self.kept.team();
            let bad = layout::first_non_finite(team, self.n, self.a, self.order, Part::Full);
            if let Some((row, col)) = bad {
                return Err(Error::Overflow { row, col });
            }
        }
        Ok(())
    }

    /// Inverts with the declared or detected structure, which is noted in `used`.
    fn factor(&mut self, used: &mut Structure) -> Result<Facts<T>> {
        let Matrix { plan, n, order, .. } = *self;
        match plan.structure {
            Structure::Auto => self.detected(used),
            Structure::General => self.general(),
            Structure::Diagonal => {
                layout::zero_outside(n, self.a, Part::Diagonal);
                self.diagonal()
            }
            Structure::UpperTriangular => self.triangular(oriented(order, Triangle::Upper)),
            Structure::LowerTriangular => self.triangular(oriented(order, Triangle::Lower)),
            Structure::PositiveDefinite => self.positive_definite(plan.triangle_in(order)),
            Structure::Symmetric | Structure::Hermitian => {
                self.mirror(plan.triangle_in(order), plan.conjugates());
                self.keep_diagonal();
                let symmetry = match plan.structure {
                    Structure::Hermitian => Symmetry::Hermitian,
                    _ => Symmetry::Symmetric,
                };
                self.indefinite(symmetry, used)
            }
        }
    }

    /// Finds the structure out and inverts with it.
    fn detected(&mut self, used: &mut Structure) -> Result<Facts<T>> {
        let Matrix { n, order, .. } = *self;
        let found = detect(n, self.source.unwrap_or(self.a));
        if found != Found::General {
            self.bring();
        }
        match found {
            Found::Diagonal => {
                *used = Structure::Diagonal;
                self.diagonal()
            }
            Found::Triangular(triangle) => {
                *used = match oriented(order, triangle) {
                    Triangle::Lower => Structure::LowerTriangular,
                    Triangle::Upper => Structure::UpperTriangular,
                };
                self.triangular(triangle)
            }
            Found::Hermitian => self.hermitian(used),
            Found::Symmetric => {
                *used = Structure::Symmetric;
                self.keep_diagonal();
                self.indefinite(Symmetry::Symmetric, used)
            }
            Found::General => {
                *used = Structure::General;
                self.general()
            }
        }
    }

    /// Tries Cholesky, and the diagonal pivoting method if the matrix is not positive definite.
    fn hermitian(&mut self, used: &mut Structure) -> Result<Facts<T>> {
        self.keep_diagonal();
        // No positive definite matrix has another diagonal.
        if self.kept.diagonal.iter().all(|d| d.re().into() > 0.0) {
            *used = Structure::PositiveDefinite;
            match self.by_kernel(Kind::PositiveDefinite(Triangle::Lower)) {
                Some(Ok(facts)) => return Ok(facts),
                // A kernel leaves what it fails on as it was.
                Some(Err(_)) => {}
                None => match self.half_definite(Triangle::Lower) {
                    Err(Error::NotPositiveDefinite { .. }) => self.restore_lower(true),
                    done => return done,
                },
            }
        }
        let symmetry = if T::COMPLEX {
            *used = Structure::Hermitian;
            Symmetry::Hermitian
        } else {
            *used = Structure::Symmetric;
            Symmetry::Symmetric
        };
        self.indefinite(symmetry, used)
    }

    fn diagonal(&mut self) -> Result<Facts<T>> {
        // With the bits that it has in lanes.
        if self.n == 1
            && let Some(done) = self.by_kernel(Kind::General)
        {
            let facts = done.map_err(in_words)?;
            return Ok(Facts { rcond: facts.rcond.map(|_| 1.0), ..facts });
        }
        diagonal::invert(self.n, self.a, self.plan.ask(self.order)).map_err(in_words)
    }

    /// `triangle` is one of the slice.
    fn triangular(&mut self, triangle: Triangle) -> Result<Facts<T>> {
        let Matrix { n, order, .. } = *self;
        layout::zero_outside(n, self.a, Part::Triangular(triangle));
        let done = self
            .by_kernel(Kind::Triangular(triangle))
            .unwrap_or_else(|| self.half(triangle, Half::Triangular));
        match done {
            Ok(facts) => Ok(facts),
            // A zero on the diagonal of an upper triangle has no non-zero below it.
            Err(breakdown) if oriented(order, triangle) == Triangle::Upper => {
                Err(in_words(breakdown))
            }
            Err(_) => Err(self.column_of_lower()),
        }
    }

    /// Names the column of a lower triangular A with a zero on its diagonal, which is still
    /// whole. Elimination goes on past that zero with a row from below, so LU has the last word.
    fn column_of_lower(&mut self) -> Error {
        let Matrix { n, order, .. } = *self;
        if order == Order::Row {
            mirror::transpose(n, self.a);
        }
        let ask = Ask { rcond: None, determinant: false, ..self.plan.ask(order) };
        self.engine = self.plan.engine.beyond_kernels();
        match self.kept.engines.of(self.engine).general(n, self.a, ask) {
            Err(breakdown) => in_words(breakdown),
            // Rounding hid the zero: all columns but the last are independent.
            Ok(_) => Error::Singular { pivot: n - 1 },
        }
    }

    /// `triangle` is one of the slice.
    fn positive_definite(&mut self, triangle: Triangle) -> Result<Facts<T>> {
        if let Some(done) = self.by_kernel(Kind::PositiveDefinite(triangle)) {
            return done.map_err(in_words);
        }
        self.half_definite(triangle)
    }

    /// A positive definite matrix that is in no kernel for small ones.
    fn half_definite(&mut self, triangle: Triangle) -> Result<Facts<T>> {
        let mut triangle = triangle;
        if triangle == Triangle::Upper && self.plan.engine.for_halves(self.n) == Engine::Native {
            // That engine works in the other one: half of what transposing all would take.
            self.mirror(triangle, true);
            triangle = Triangle::Lower;
        }
        let facts = self.half(triangle, Half::Definite).map_err(in_words)?;
        self.mirror(triangle, true);
        Ok(facts)
    }

    /// Inverts half of a matrix that is in no kernel for small ones.
    fn half(&mut self, triangle: Triangle, half: Half) -> Result<Facts<T>, Breakdown> {
        self.engine = self.plan.engine.for_halves(self.n);
        let ask = self.plan.ask(self.order);
        let Kept { engines, crew, .. } = &mut *self.kept;
        engines.half_by(self.engine, team(crew.as_ref()), self.n, self.a, triangle, half, ask)
    }

    /// Inverts with the kernel for this structure; `None` if there is none for the order, or if the
    /// matrix is beyond it.
    fn by_kernel(&mut self, kind: Kind) -> Option<Result<Facts<T>, Breakdown>> {
        let Matrix { plan, n, order, .. } = *self;
        if !plan.engine.in_kernels::<T>(kind, n) {
            return None;
        }
        let native = &mut self.kept.native;
        let done = Kernel::best().one_as(kind, native, n, self.a, plan.ask(order))?;
        self.engine = Engine::Native;
        Some(done)
    }

    /// Inverts a matrix of which both triangles are there and the diagonal is kept. If the
    /// diagonal pivoting method finds it singular, LU has the last word: it names the column, as
    /// for every other structure.
    fn indefinite(&mut self, symmetry: Symmetry, used: &mut Structure) -> Result<Facts<T>> {
        if let Some(Ok(facts)) = self.by_kernel(Kind::Indefinite(symmetry, Triangle::Lower)) {
            return Ok(facts);
        }
        self.engine = self.plan.engine.for_indefinite(self.n);
        let ask = self.plan.ask(self.order);
        let hermitian = symmetry == Symmetry::Hermitian;
        let engine = self.kept.engines.of(self.engine);
        let facts = engine.indefinite(self.n, self.a, symmetry, Triangle::Lower, ask);
        let facts = if let Ok(facts) = facts {
            facts
        } else {
            self.restore_lower(hermitian);
            // A slice that holds Aᵀ holds A or its conjugate: no side to correct.
            let engine = self.kept.engines.of(self.engine);
            let facts = engine.general(self.n, self.a, ask).map_err(in_words)?;
            *used = Structure::General;
            // One triangle must not hide what has overflowed in the other.
            if !all_finite(self.a) {
                return Ok(facts);
            }
            facts
        };
        self.mirror(Triangle::Lower, hermitian);
        Ok(facts)
    }

    fn general(&mut self) -> Result<Facts<T>> {
        if self.order == Order::Column {
            return self.lu(Order::Column).map_err(in_words);
        }
        match self.lu(Order::Row) {
            Ok(facts) => return Ok(facts),
            Err(refused @ Breakdown::OutOfMemory(_)) => return Err(in_words(refused)),
            Err(_) => {}
        }
        // That was LU of Aᵀ. The verdict is that of LU of A, whatever the order in memory: it
        // names the column, or finds that rounding made the zero; or finds a zero where rounding
        // hid it from LU of Aᵀ.
        load_original(self.original, self.a, Order::Column);
        let facts = self.lu(Order::Column).map_err(in_words)?;
        mirror::transpose(self.n, self.a);
        Ok(facts)
    }

    /// LU of a slice that holds A in this order, by the engine that the plan asks for. What is beyond
    /// the plain arithmetic of lanes is not done there.
    fn lu(&mut self, order: Order) -> Result<Facts<T>, Breakdown> {
        let ask = Ask { wary: order == Order::Row, ..self.plan.ask(order) };
        let by = self.plan.engine.for_general::<T>(self.n);
        self.engine = if by == General::Lapack { Engine::Lapack } else { Engine::Native };
        if by != General::Blocked {
            self.bring();
        }
        if by == General::Lanes {
            let done = Kernel::best().one(&mut self.kept.native, self.n, self.a, ask);
            if let Some(done) = done {
                return done;
            }
            self.engine = self.plan.engine.beyond_kernels();
        }
        if self.engine == Engine::Lapack {
            return self.kept.engines.of(self.engine).general(self.n, self.a, ask);
        }
        let Kept { engines, crew, .. } = &mut *self.kept;
        engines.general_by(team(crew.as_ref()), self.n, self.source.take(), self.a, ask)
    }

    /// Copies the matrix to its place, if it is not there yet.
    fn bring(&mut self) {
        if let Some(source) = self.source.take() {
            blocked::share(self.kept.team(), self.a, 1, &|first, part| {
                part.copy_from_slice(&source[first..first + part.len()]);
            });
        }
    }

    /// What stands in the place of a matrix that failed, and what to say of it.
    fn settle(&mut self, error: Error) -> (Status, Option<Error>) {
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
        let team = self.kept.team();
        if let Some((row, col)) = layout::first_non_finite(team, n, self.a, self.order, Part::Full)
        {
            return Err(Error::NonFinite { row, col });
        }
        let found = detect(n, self.a);
        let rounding = n as f64 * 2.0 * T::UNIT_ROUNDOFF;
        // (Aᵀ)⁺ = (A⁺)ᵀ, so the order of the slice does not matter.
        self.engine = self.plan.engine.beyond_kernels();
        pseudo_invert(
            self.kept.engines.of(self.engine),
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
        let quality = residual::left(&layout::view(self.n, self.a, self.order), &inverse);
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
    fn mirror(&mut self, from: Triangle, hermitian: bool) {
        blocked::mirror(self.kept.team(), self.n, self.a, from, hermitian);
    }

    fn keep_diagonal(&mut self) {
        let diagonal = &mut self.kept.diagonal;
        diagonal.clear();
        diagonal.extend(self.a.iter().step_by(self.n + 1));
    }

    /// Undoes a factorization of the lower triangle: the upper one and the kept diagonal are
    /// whole.
    fn restore_lower(&mut self, hermitian: bool) {
        self.mirror(Triangle::Upper, hermitian);
        for (to, &from) in self.a.iter_mut().step_by(self.n + 1).zip(&self.kept.diagonal) {
            *to = from;
        }
    }
}

/// Who works on a matrix.
fn team(crew: Option<&Arc<Crew>>) -> &dyn Team {
    crew.map_or(&Alone, |crew| &**crew)
}

/// Loads the original again. It is a bug of the caller if it is needed and not there.
fn load_original<T>(original: Option<&dyn Original<T>>, a: &mut [T], order: Order) {
    original.expect("the original was kept, as the plan demands").load(a, order);
}

/// The structure used; `General` if the matrix was empty or refused before anything was found out.
fn found_or_general(structure: Structure) -> Structure {
    match structure {
        Structure::Auto => Structure::General,
        known => known,
    }
}

/// A breakdown as an error. The step is a column of A: either the slice held A, or Aᵀ = A (or
/// its conjugate), or the zero is on the diagonal of a triangular matrix.
fn in_words(breakdown: Breakdown) -> Error {
    match breakdown {
        Breakdown::ZeroPivot(pivot) => Error::Singular { pivot },
        Breakdown::TinyPivot(_) => unreachable!("only asked for where LU is done again"),
        Breakdown::NotPositive(step) => Error::NotPositiveDefinite { minor: step + 1 },
        Breakdown::OutOfMemory(bytes) => Error::OutOfMemory { bytes },
    }
}
