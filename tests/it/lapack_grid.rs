//! The grid of LAPACK's test suite: which matrices `dchkge`, `dchkpo`, `dchksy`, `zchkhe` and
//! `dchktr` try at every order, and what has to come out.

use crate::lapack_matrices::{
    Mirror, Signs, Spectrum, diagonal, general, symmetric, unit_upper, upper,
};
use crate::scalars::Field;
use crate::storage::poisoned;
use matinv::ndarray::{Array2, s};
use matinv::{Structure, Triangle};
use rand::SeedableRng;
use rand::rngs::StdRng;

/// The orders of `dtest.in`, and two more: 2 and 3 have kernels of their own in some libraries,
/// 16 is in newer releases.
pub(crate) const ORDERS: [usize; 8] = [0, 1, 2, 3, 5, 10, 16, 50];

/// What a matrix was made to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    General,
    Diagonal,
    Triangular(Triangle),
    PositiveDefinite,
    /// Indefinite from order 2.
    Indefinite(Mirror),
}

/// One matrix of the grid.
#[derive(Debug, Clone)]
pub(crate) struct Case<T> {
    pub(crate) kind: Kind,
    /// Its number in LAPACK's test suite.
    pub(crate) number: usize,
    pub(crate) a: Array2<T>,
    /// The first column that depends on those before it, if the matrix is singular.
    pub(crate) pivot: Option<usize>,
}

/// A structure to declare (or `Auto`), the triangle, and the matrix with NaN where the
/// declaration says that nothing is read.
pub(crate) struct Declaration<T> {
    pub(crate) structure: Structure,
    pub(crate) triangle: Triangle,
    pub(crate) a: Array2<T>,
}

impl<T: Field> Case<T> {
    fn new(kind: Kind, number: usize, a: Array2<T>) -> Self {
        Case { kind, number, a, pivot: None }
    }

    fn singular(kind: Kind, number: usize, a: Array2<T>, pivot: usize) -> Self {
        Case { kind, number, a, pivot: Some(pivot) }
    }

    /// The structure that `Auto` uses, from the definitions.
    pub(crate) fn detected(&self) -> Structure {
        let a = &self.a;
        let all = |holds: &dyn Fn(usize, usize, T) -> bool| {
            a.indexed_iter().all(|((i, j), &x)| holds(i, j, x))
        };
        let zero = T::zero();
        let lower = all(&|i, j, x| i >= j || x == zero);
        let upper = all(&|i, j, x| i <= j || x == zero);
        let definite = self.kind == Kind::PositiveDefinite && self.pivot.is_none();
        match (lower, upper) {
            // Nothing is found out about a matrix without elements.
            _ if a.is_empty() => Structure::General,
            (true, true) => Structure::Diagonal,
            (true, false) => Structure::LowerTriangular,
            (false, true) => Structure::UpperTriangular,
            _ if all(&|i, j, x| x == a[[j, i]].conj()) => match (definite, T::COMPLEX) {
                (true, _) => Structure::PositiveDefinite,
                (false, true) => Structure::Hermitian,
                (false, false) => Structure::Symmetric,
            },
            _ if all(&|i, j, x| x == a[[j, i]]) => Structure::Symmetric,
            _ => Structure::General,
        }
    }

    /// Everything that is true of the matrix and can be declared, `Auto` first.
    pub(crate) fn declarations(&self) -> Vec<Declaration<T>> {
        let whole =
            |structure| Declaration { structure, triangle: Triangle::Lower, a: self.a.clone() };
        let half = |structure, triangle| Declaration {
            structure,
            triangle,
            a: poisoned(&self.a, triangle),
        };
        let mut all = vec![whole(Structure::Auto), whole(Structure::General)];
        match self.kind {
            Kind::General => {}
            Kind::Triangular(Triangle::Lower) => {
                all.push(half(Structure::LowerTriangular, Triangle::Lower));
            }
            Kind::Triangular(Triangle::Upper) => {
                all.push(half(Structure::UpperTriangular, Triangle::Upper));
            }
            Kind::Diagonal => {
                all.push(half(Structure::LowerTriangular, Triangle::Lower));
                all.push(half(Structure::UpperTriangular, Triangle::Upper));
                let a = poisoned(&poisoned(&self.a, Triangle::Lower), Triangle::Upper);
                all.push(Declaration { a, ..whole(Structure::Diagonal) });
            }
            Kind::PositiveDefinite | Kind::Indefinite(_) => {
                for triangle in [Triangle::Lower, Triangle::Upper] {
                    if self.kind == Kind::PositiveDefinite {
                        all.push(half(Structure::PositiveDefinite, triangle));
                    }
                    if !T::COMPLEX || self.kind == Kind::Indefinite(Mirror::Transpose) {
                        all.push(half(Structure::Symmetric, triangle));
                    }
                    if !T::COMPLEX || self.kind != Kind::Indefinite(Mirror::Transpose) {
                        all.push(half(Structure::Hermitian, triangle));
                    }
                }
            }
        }
        all
    }
}

fn rng(n: usize) -> StdRng {
    StdRng::seed_from_u64(1988 + n as u64)
}

/// `dchkge`: 11 types, of which 5 to 7 have zero columns.
pub(crate) fn general_cases<T: Field>(n: usize) -> Vec<Case<T>> {
    let rng = &mut rng(n);
    let two = Spectrum::conditioned(2.0);
    let mut cases = vec![Case::new(Kind::General, 1, diagonal(n, two, rng))];
    if n == 0 {
        return cases;
    }
    let mut add = |number, a| cases.push(Case::new(Kind::General, number, a));
    add(2, upper(n, two, rng));
    add(3, upper(n, two, rng).reversed_axes());
    add(4, general(n, two, rng));
    add(8, general(n, Spectrum::bad::<T>(), rng));
    add(9, general(n, Spectrum::worst::<T>(), rng));
    add(10, general(n, Spectrum::small::<T>(), rng));
    add(11, general(n, Spectrum::large::<T>(), rng));
    let zero_columns = [(5, 0..1), (6, n - 1..n), (7, n / 2..n)];
    for (number, columns) in zero_columns.into_iter().filter(|(number, _)| n + 4 >= *number) {
        let mut a = general(n, two, rng);
        a.slice_mut(s![.., columns.clone()]).fill(T::zero());
        cases.push(Case::singular(Kind::General, number, a, columns.start));
    }
    cases
}

/// `dchkpo`: 9 types, of which 3 to 5 have a zero row and column.
pub(crate) fn positive_definite_cases<T: Field>(n: usize) -> Vec<Case<T>> {
    let rng = &mut rng(n);
    let kind = Kind::PositiveDefinite;
    let make = |spectrum, rng: &mut StdRng| {
        symmetric::<T>(n, Mirror::Adjoint, Signs::Positive, spectrum, rng)
    };
    let two = Spectrum::conditioned(2.0);
    let mut identity_like = diagonal::<T>(n, two, rng);
    identity_like.mapv_inplace(|x| T::from_f64(x.modulus()));
    let mut cases = vec![Case::new(kind, 1, identity_like)];
    if n == 0 {
        return cases;
    }
    let spectra = [(2, two), (6, Spectrum::bad::<T>()), (7, Spectrum::worst::<T>())]
        .into_iter()
        .chain([(8, Spectrum::small::<T>()), (9, Spectrum::large::<T>())]);
    cases.extend(spectra.map(|(number, spectrum)| Case::new(kind, number, make(spectrum, rng))));
    let zeros = [(3, 0), (4, n - 1), (5, n / 2)];
    for (number, at) in zeros.into_iter().filter(|(number, _)| n + 2 >= *number) {
        let mut a = make(two, rng);
        a.row_mut(at).fill(T::zero());
        a.column_mut(at).fill(T::zero());
        cases.push(Case::singular(kind, number, a, at));
    }
    cases
}

/// `dchksy`, `zchkhe`, `zchksy`: 10 types, of which 3 to 6 have zero rows and columns.
pub(crate) fn indefinite_cases<T: Field>(n: usize, mirror: Mirror) -> Vec<Case<T>> {
    let rng = &mut rng(n);
    let kind = Kind::Indefinite(mirror);
    let make =
        |spectrum, rng: &mut StdRng| symmetric::<T>(n, mirror, Signs::Alternating, spectrum, rng);
    let two = Spectrum::conditioned(2.0);
    let mut signs = diagonal::<T>(n, two, rng);
    if mirror == Mirror::Adjoint {
        signs.mapv_inplace(|x| T::from_f64(x.parts().0));
    }
    let mut cases = vec![Case::new(kind, 1, signs)];
    if n == 0 {
        return cases;
    }
    let spectra = [(2, two), (7, Spectrum::bad::<T>()), (8, Spectrum::worst::<T>())]
        .into_iter()
        .chain([(9, Spectrum::small::<T>()), (10, Spectrum::large::<T>())]);
    cases.extend(spectra.map(|(number, spectrum)| Case::new(kind, number, make(spectrum, rng))));
    // Number 6 comes twice: for one triangle the leading block is zero, for the other the last.
    let (half, last) = (n / 2, n - 1);
    let zeros =
        [(3, 0..1), (4, last..n), (5, half..half + 1), (6, 0..half + 1), (6, last - half..n)];
    for (number, at) in zeros.into_iter().filter(|(number, _)| n + 2 >= *number) {
        let mut a = make(two, rng);
        a.slice_mut(s![at.clone(), ..]).fill(T::zero());
        a.slice_mut(s![.., at.clone()]).fill(T::zero());
        cases.push(Case::singular(kind, number, a, at.start));
    }
    cases
}

/// `dchktr`: the first 10 types, those with a unit diagonal written out; and zero columns.
pub(crate) fn triangular_cases<T: Field>(n: usize, triangle: Triangle) -> Vec<Case<T>> {
    let rng = &mut rng(n);
    let kind = Kind::Triangular(triangle);
    let oriented = |a: Array2<T>| match triangle {
        Triangle::Upper => a,
        Triangle::Lower => a.reversed_axes(),
    };
    let two = Spectrum::conditioned(2.0);
    let mut cases = vec![Case::new(kind, 1, diagonal(n, two, rng))];
    if n == 0 {
        return cases;
    }
    let (bad, worst) = (Spectrum::bad::<T>(), Spectrum::worst::<T>());
    let mut add = |number, a| cases.push(Case::new(kind, number, oriented(a)));
    add(2, upper(n, two, rng));
    add(3, upper(n, bad, rng));
    add(4, upper(n, worst, rng));
    add(5, upper(n, Spectrum::small::<T>(), rng));
    add(6, upper(n, Spectrum::large::<T>(), rng));
    add(7, Array2::eye(n));
    add(8, unit_upper(n, 2.0, rng));
    add(9, unit_upper(n, bad.condition, rng));
    add(10, unit_upper(n, worst.condition, rng));
    for at in [0, n / 2, n - 1] {
        let mut a = oriented(upper(n, two, rng));
        a.column_mut(at).fill(T::zero());
        cases.push(Case::singular(kind, 2, a, at));
    }
    cases
}

/// Every matrix of one order.
pub(crate) fn cases<T: Field>(n: usize) -> Vec<Case<T>> {
    let mut cases = general_cases(n);
    cases.extend(triangular_cases(n, Triangle::Lower));
    cases.extend(triangular_cases(n, Triangle::Upper));
    cases.extend(positive_definite_cases(n));
    cases.extend(indefinite_cases(n, Mirror::Adjoint));
    if T::COMPLEX {
        cases.extend(indefinite_cases(n, Mirror::Transpose));
    }
    let diagonals = general_cases(n).into_iter().filter(|case| case.number == 1);
    cases.extend(diagonals.map(|case| Case { kind: Kind::Diagonal, ..case }));
    cases
}
