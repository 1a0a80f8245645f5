//! The way of each structure: what is found out of a matrix, and which engine inverts it how.

use crate::engine::{Engine, Method};
use crate::error::{Error, Result};
use crate::layout::{self, Order};
use crate::matrix::events::{Matrix, load_original, oriented};
use crate::numeric::diagonal;
use matinv_kernels::{Ask, Breakdown, Facts, Scalar, Symmetry};

use crate::structure::{Structure, Triangle};
use matinv_kernels::norm::Part;
use matinv_kernels::scan::all_finite;
use matinv_kernels::structure::{Found, detect_while};
use matinv_kernels::{Group, Kernel, Kind};

impl<T: Scalar> Matrix<'_, T> {
    /// Inverts with the declared or detected structure, which is noted in `used`.
    pub(crate) fn factor(&mut self, used: &mut Structure) -> Result<Facts<T>> {
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
        let team = self.team;
        let found = detect_while(n, self.source.unwrap_or(self.a), || !team.is_cancelled());
        team.check().map_err(to_error)?;
        if !matches!(found, Found::General | Found::Hermitian) {
            self.copy_in();
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
                None => {
                    let source = self.source;
                    match self.half_definite(Triangle::Lower) {
                        Err(Error::NotPositiveDefinite { .. }) if source.is_some() => {
                            self.source = source;
                        }
                        Err(Error::NotPositiveDefinite { .. }) => self.restore_lower(true),
                        done => return done,
                    }
                }
            }
        }
        self.copy_in();
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
            let facts = done.map_err(to_error)?;
            return Ok(Facts { rcond: facts.rcond.map(|_| 1.0), ..facts });
        }
        diagonal::invert(self.n, self.a, self.plan.ask(self.order)).map_err(to_error)
    }

    /// `triangle` is one of the slice.
    fn triangular(&mut self, triangle: Triangle) -> Result<Facts<T>> {
        let Matrix { plan, n, order, .. } = *self;
        layout::zero_outside(n, self.a, Part::Triangular(triangle));
        let done = self.by_kernel(Kind::Triangular(triangle)).unwrap_or_else(|| {
            self.engine = plan.engine.for_triangles(n);
            let engine = self.kept.engines.of(self.engine);
            engine.triangular(self.team, n, self.a, triangle, plan.ask(order))
        });
        match done {
            Ok(facts) => Ok(facts),
            // A zero on the diagonal of an upper triangle has no non-zero below it.
            Err(breakdown)
                if oriented(order, triangle) == Triangle::Upper
                    || breakdown == Breakdown::Cancelled =>
            {
                Err(to_error(breakdown))
            }
            Err(_) => Err(self.column_of_lower()),
        }
    }

    /// Names the column of a lower triangular A with a zero on its diagonal, which is still
    /// whole. Elimination goes on past that zero with a row from below, so LU has the last word.
    fn column_of_lower(&mut self) -> Error {
        let Matrix { n, order, .. } = *self;
        if order == Order::Row {
            matinv_kernels::transpose(self.team, n, self.a);
        }
        let ask = Ask { rcond: None, determinant: false, ..self.plan.ask(order) };
        self.engine = self.plan.engine.fallback();
        let Matrix { team, kept, a, .. } = self;
        match kept.engines.of(self.engine).general(*team, n, None, a, ask) {
            Err(breakdown) => to_error(breakdown),
            // Rounding hid the zero: all columns but the last are independent.
            Ok(_) => Error::Singular { pivot: n - 1 },
        }
    }

    /// `triangle` is one of the slice.
    fn positive_definite(&mut self, triangle: Triangle) -> Result<Facts<T>> {
        if let Some(done) = self.by_kernel(Kind::PositiveDefinite(triangle)) {
            return done.map_err(to_error);
        }
        self.half_definite(triangle)
    }

    /// A positive definite matrix that is in no kernel for small ones.
    fn half_definite(&mut self, triangle: Triangle) -> Result<Facts<T>> {
        let mut triangle = triangle;
        self.engine = self.plan.engine.for_triangles(self.n);
        if self.engine == Engine::Native {
            // That engine works in the lower one, which is half of all to bring, or to mirror.
            if let Some(source) = self.source.take() {
                matinv_kernels::copy_in_lower(self.team, self.n, source, self.a, triangle);
            } else if triangle == Triangle::Upper {
                self.mirror(triangle, true);
            }
            triangle = Triangle::Lower;
        } else {
            self.copy_in();
        }
        let ask = self.plan.ask(self.order);
        let engine = self.kept.engines.of(self.engine);
        let facts = engine.positive_definite(self.team, self.n, self.a, triangle, ask);
        let facts = facts.map_err(to_error)?;
        self.mirror(triangle, true);
        Ok(facts)
    }

    /// Inverts with the kernel for this structure; `None` if there is none for the order, or if the
    /// matrix is beyond it.
    fn by_kernel(&mut self, kind: Kind) -> Option<Result<Facts<T>, Breakdown>> {
        let Matrix { plan, n, order, .. } = *self;
        if !plan.engine.in_kernels::<T>(kind, n) {
            return None;
        }
        let done = self.in_lanes(kind, plan.ask(order))?;
        self.engine = Engine::Native;
        Some(done)
    }

    /// Inverts by the kernel of this kind, which reads the matrix where it is. Where that does not
    /// succeed it is then in its place.
    fn in_lanes(&mut self, kind: Kind, ask: Ask) -> Option<Result<Facts<T>, Breakdown>> {
        let matrix = match self.source {
            Some(source) => Group::Into(source, self.a),
            None => Group::InPlace(self.a),
        };
        let done = Kernel::best().one_as(kind, &mut self.kept.native, self.n, matrix, ask);
        if let Some(Ok(_)) = done {
            self.source = None;
        } else {
            self.copy_in();
        }
        done
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
        let lower = Triangle::Lower;
        let engine = self.kept.engines.of(self.engine);
        let facts = engine.indefinite(self.team, self.n, self.a, symmetry, lower, ask);
        let facts = if let Ok(facts) = facts {
            facts
        } else {
            self.team.check().map_err(to_error)?;
            self.restore_lower(hermitian);
            // A slice that holds Aᵀ holds A or its conjugate: no side to correct.
            let engine = self.kept.engines.of(self.engine);
            let facts = engine.general(self.team, self.n, None, self.a, ask);
            let facts = facts.map_err(to_error)?;
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
            return self.lu(Order::Column).map_err(to_error);
        }
        match self.lu(Order::Row) {
            Ok(facts) => return Ok(facts),
            Err(ended @ (Breakdown::OutOfMemory(_) | Breakdown::Cancelled)) => {
                return Err(to_error(ended));
            }
            Err(_) => {}
        }
        // That was LU of Aᵀ. The verdict is that of LU of A, whatever the order in memory: it
        // names the column, or finds that rounding made the zero; or finds a zero where rounding
        // hid it from LU of Aᵀ.
        load_original(self.original, self.a, Order::Column);
        let facts = self.lu(Order::Column).map_err(to_error)?;
        matinv_kernels::transpose(self.team, self.n, self.a);
        Ok(facts)
    }

    /// LU of a slice that holds A in this order, by the engine that the plan asks for. What is beyond
    /// the plain arithmetic of lanes is not done there.
    fn lu(&mut self, order: Order) -> Result<Facts<T>, Breakdown> {
        let ask = Ask { reject_tiny_pivots: order == Order::Row, ..self.plan.ask(order) };
        let by = self.plan.engine.for_general::<T>(self.n);
        self.engine = if by == Method::Lapack { Engine::Lapack } else { Engine::Native };
        if by == Method::Interleaved {
            if let Some(done) = self.in_lanes(Kind::General, ask) {
                return done;
            }
            self.engine = self.plan.engine.fallback();
        }
        let engine = self.kept.engines.of(self.engine);
        engine.general(self.team, self.n, self.source.take(), self.a, ask)
    }

    /// Copies the matrix to its place, if it is not there yet.
    fn copy_in(&mut self) {
        if let Some(source) = self.source.take() {
            matinv_kernels::team::share(self.team, self.a, 1, &|first, part| {
                part.copy_from_slice(&source[first..first + part.len()]);
            });
        }
    }

    fn keep_diagonal(&mut self) {
        let diagonal = &mut self.kept.diagonal;
        diagonal.clear();
        diagonal.extend(self.source.unwrap_or(self.a).iter().step_by(self.n + 1));
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

/// A breakdown as an error. The step is a column of A: either the slice held A, or Aᵀ = A (or
/// its conjugate), or the zero is on the diagonal of a triangular matrix.
fn to_error(breakdown: Breakdown) -> Error {
    match breakdown {
        Breakdown::ZeroPivot(pivot) => Error::Singular { pivot },
        Breakdown::TinyPivot(_) => unreachable!("only asked for where LU is done again"),
        Breakdown::NotPositive(step) => Error::NotPositiveDefinite { minor: step + 1 },
        Breakdown::OutOfMemory(bytes) => Error::OutOfMemory { bytes },
        Breakdown::Cancelled => Error::Cancelled,
    }
}
