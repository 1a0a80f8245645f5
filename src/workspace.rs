//! Memory that is kept from matrix to matrix and from call to call.

use crate::engine::Engines;
use matinv_kernels::Scalar;
use matinv_kernels::memory::lock;
use matinv_kernels::team::{Alone, Crew};
use matinv_kernels::{Each, PerScalar, Scratch, Team};
use num_complex::{Complex32, Complex64};
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::Mutex;

/// What a computation keeps for the next one.
#[derive(Default)]
pub(crate) struct Kept<T: Scalar> {
    /// The diagonal that a factorization of one triangle destroys.
    pub(crate) diagonal: Vec<T>,
    pub(crate) engines: Engines<T>,
    pub(crate) native: Scratch<T>,
    /// Who helps, where a matrix is worth more than one thread.
    pub(crate) crew: Option<Arc<Crew>>,
}

impl<T: Scalar> Kept<T> {
    /// Who works on a matrix.
    pub(crate) fn team(&self) -> &dyn Team {
        team(self.crew.as_ref())
    }
}

/// Who works on a matrix.
pub(crate) fn team(crew: Option<&Arc<Crew>>) -> &dyn Team {
    crew.map_or(&Alone, |crew| &**crew)
}

/// Memory that one worker keeps from matrix to matrix.
#[derive(Default)]
pub(crate) struct Workspace<T: Scalar> {
    /// A gapless place for a matrix that is stored with gaps.
    pub(crate) packed: Vec<T>,
    /// The original of a matrix that is inverted in its place.
    pub(crate) original: Vec<T>,
    /// What the computation itself uses.
    pub(crate) kept: Kept<T>,
}

/// Workspaces that outlive a call, for workers to borrow.
pub(crate) type Pool<T> = Mutex<Vec<Workspace<T>>>;

/// Workspaces of an inverter, by scalar.
#[derive(Default)]
pub(crate) struct Pools {
    pub(crate) f32: Pool<f32>,
    pub(crate) f64: Pool<f64>,
    pub(crate) complex32: Pool<Complex32>,
    pub(crate) complex64: Pool<Complex64>,
}

impl std::fmt::Debug for Pools {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pools")
    }
}

/// A workspace borrowed from a pool; it goes back when dropped, also while unwinding (each use
/// overwrites it, so there is nothing in it to spoil).
pub(crate) struct Slot<'a, T: Scalar> {
    pool: &'a Pool<T>,
    workspace: Workspace<T>,
}

impl<'a, T: Scalar> Slot<'a, T> {
    pub(crate) fn borrow(pool: &'a Pool<T>) -> Self {
        let workspace = lock(pool).pop().unwrap_or_default();
        Slot { pool, workspace }
    }

    pub(crate) fn workspace(&mut self) -> &mut Workspace<T> {
        &mut self.workspace
    }
}

impl<T: Scalar> Drop for Slot<'_, T> {
    fn drop(&mut self) {
        lock(self.pool).push(std::mem::take(&mut self.workspace));
    }
}

/// Where an inverter keeps the workspaces of a scalar.
pub(crate) fn pool<T: Scalar>(pools: &Pools) -> &Pool<T> {
    struct Table<'a>(PhantomData<&'a ()>);
    impl<'a> PerScalar for Table<'a> {
        type Of<T: Scalar> = &'a Pool<T>;
    }
    let Pools { f32, f64, complex32, complex64 } = pools;
    T::choose::<Table<'_>>(Each { f32, f64, complex32, complex64 })
}
