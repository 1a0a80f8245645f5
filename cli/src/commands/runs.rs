//! Inverting a long stack piece by piece, so that progress can be seen.

use crate::format::{Data, SLACK};
use crate::machine::threads;
use crate::output::progress::Progress;
use crate::stream::Extras;
use crate::with_array;
use matinv::{Element, Error, Inverter, Scalar, Verdict};
use ndarray::{ArrayD, Axis, Slice};

/// Operations, roughly, after which the progress bar moves.
const WORK: f64 = 5e8;

/// Matrices after which it does.
const COUNT: usize = 1 << 17;

/// Matrices per thread that a run has at least, so that no thread idles for long.
const PER_THREAD: usize = 8;

/// Inverts an array in runs along its first axis; most arrays are one run. Verdicts come in index
/// order. The result does not depend on where the cuts are.
pub(crate) fn each_run<T: Scalar>(
    inverter: &Inverter,
    a: &ArrayD<T>,
    what: &str,
    quiet: bool,
    mut each: impl FnMut(Verdict<T>),
) -> Result<ArrayD<T>, Error> {
    let axes = a.ndim() - 2;
    let length = if axes == 0 { 1 } else { a.shape()[0] };
    let step = step(&a.shape()[..axes], a.shape()[axes]);
    if a.is_empty() || step >= length {
        let _progress = Progress::begin(what, 1, quiet);
        let inversion = inverter.report(a)?;
        inversion.verdicts.into_iter().for_each(each);
        return Ok(inversion.inverse);
    }
    let per_index = a.len() / length / (a.shape()[axes] * a.shape()[axes]);
    let progress = Progress::begin(what, length * per_index, quiet);
    let mut failed = 0;
    // The last run may be a single matrix, which is not to be treated as one.
    let inverter = inverter.clone().blas_threads(1);
    let bytes = a.len() * size_of::<T>();
    let refused = || Error::OutOfMemory { bytes };
    let mut elements = Vec::new();
    elements.try_reserve_exact(a.len()).map_err(|_| refused())?;
    for start in (0..length).step_by(step) {
        let run = Slice::from(start..length.min(start + step));
        let inversion = inverter.report(&a.slice_axis(Axis(0), run))?;
        match inversion.inverse.as_slice() {
            Some(slice) => elements.extend_from_slice(slice),
            None => elements.extend(&inversion.inverse),
        }
        for verdict in inversion.verdicts {
            failed += usize::from(verdict.error.is_some());
            each(verdict);
        }
        progress.failed(failed);
        progress.advance(step.min(length - start) * per_index);
    }
    ArrayD::from_shape_vec(a.shape(), elements).map_err(|_| refused())
}

/// Bytes that [`each_run`] needs for `data`: of the input in the type of the inverse and the inverse
/// of the same shape, and of all beside them; `verdicts` if every verdict is kept.
pub(crate) fn memory_of_runs(
    data: &Data,
    threads: usize,
    extras: Extras,
    verdicts: bool,
) -> (u128, u128) {
    let shape = data.shape();
    let order = shape[shape.len() - 1];
    let (scalar, verdict, workspace) = with_array!(data, array => sizes(array, order, extras));
    let of = |lengths: &[usize]| {
        lengths.iter().fold(1_u128, |product, &n| product.saturating_mul(n as u128))
    };
    let (elements, count) = (of(shape), of(&shape[..shape.len() - 2]));
    let run = run_of(shape) as u128;
    // A run has an inverse of its own, unless it is all there is.
    let mut beside = if run < count { run * of(&shape[shape.len() - 2..]) * scalar } else { 0 };
    if verdicts {
        beside = beside.saturating_add(count.saturating_mul(verdict));
    }
    if elements > 0 {
        beside = beside.saturating_add(run * verdict);
        beside = beside.saturating_add(run.min(threads as u128) * workspace);
    }
    // Little is free, as it is while reading.
    (elements * 2 * scalar, beside.saturating_sub(SLACK.into()))
}

/// Bytes of a scalar that the elements of an array become, of the verdict on a matrix of them, and
/// of the workspace for one of this order.
fn sizes<A: Element>(_: &ArrayD<A>, order: usize, extras: Extras) -> (u128, u128, u128) {
    let verdict = size_of::<Verdict<A::Scalar>>() + 2 * size_of::<(usize, Error)>();
    (size_of::<A::Scalar>() as u128, verdict as u128, extras.workspace::<A::Scalar>(order))
}

/// How many matrices of an array of this shape are inverted at a time.
fn run_of(shape: &[usize]) -> usize {
    let (leading, order) = (&shape[..shape.len() - 2], shape[shape.len() - 1]);
    let count: usize = leading.iter().product();
    let per_index: usize = leading.iter().skip(1).product();
    count.min(step(leading, order).saturating_mul(per_index))
}

/// How many indices of the first axis make a run.
fn step(leading: &[usize], order: usize) -> usize {
    let threads = threads();
    let per_index: usize = leading.iter().skip(1).product::<usize>().max(1);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // positive; `as` saturates
    let by_work = (WORK / (2.0 * (order as f64).powi(3))) as usize;
    by_work.min(COUNT).max(PER_THREAD * threads).div_ceil(per_index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_long_enough_for_every_thread_and_short_enough_to_see() {
        let threads = threads();
        assert_eq!(step(&[10], 100_000), PER_THREAD * threads);
        assert_eq!(step(&[1 << 30], 1), COUNT);
        assert_eq!(step(&[5, 1 << 20], 1), 1);
        assert!(step(&[0, 0], 0) > 0);
    }

    #[test]
    fn the_result_does_not_depend_on_the_cuts() {
        let count = 40 + 2 * step(&[1], 64);
        let a = ArrayD::from_shape_fn(vec![count, 64, 64], |i| {
            let phase = (i[0] * 7 + i[1] * 64 + i[2] * 31) as f64;
            phase.sin() + f64::from(u8::from(i[1] == i[2])) * 9.0
        });
        let inverter = Inverter::new().blas_threads(2);
        let mut verdicts = Vec::new();
        let inverse = each_run(&inverter, &a, "", true, |v| verdicts.push(v)).unwrap();
        let whole = inverter.report(&a).unwrap();
        assert!(inverse == whole.inverse);
        assert!(verdicts.iter().eq(whole.verdicts.iter()));
    }
}
