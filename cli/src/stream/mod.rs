//! Stacks of any size: an npy file is read, inverted and written piece by piece, in memory that
//! `--memory` bounds.
//!
//! Three threads pass the pieces on: one reads ahead, one inverts (on all processors), and this one
//! counts and writes, in index order. The channels hold nothing, so no more pieces exist than
//! [`bound`] counts. The output is the same to the bit as that of the whole stack at once.

mod again;
mod bound;
mod identity;
mod journal;
mod kept;
mod left;
mod output;
mod own;
mod source;

pub(crate) use again::{Finished, again, left_words};
pub(crate) use bound::Extras;
#[cfg(unix)]
pub(crate) use kept::kept_words;
pub(crate) use source::{FORTRAN, Opened, open};

use crate::cli::OnFailureArg;
use crate::format::{self, Data, ElementVisitor, FormatError};
use crate::job::{Ended, Job, check_shape, refused, types, types_in_words};
use crate::machine;
use crate::output::matrix::Entry;
use crate::output::progress::Progress;
use crate::output::words;
use crate::stop::Stop;
use crate::with_array;
use bound::Needs;
use matinv::{Element, Inverter, Verdict};
use ndarray::{Array3, ArrayD};
use output::Output;
use source::Source;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, Scope};

/// Inverts a stack piece by piece.
pub(crate) fn run(job: &Job<'_>, source: Source) -> Result<Ended, Stop> {
    check_shape(&source.shape).map_err(|error| refused(&job.name, &error))?;
    let empty = source.header.element.visit(Empty);
    with_array!(empty, typed => stream_of(job, source, &typed))
}

/// An array without elements, to carry their type.
struct Empty;

impl ElementVisitor for Empty {
    type Output = Data;

    fn visit<T: format::Element>(self) -> Data {
        T::wrap(ndarray::Array1::from(Vec::new()).into_dyn())
    }
}

/// Reads the next matrices in place of what the vector holds.
type Read<T> = fn(&mut Source, usize, &mut Vec<T>) -> Result<(), FormatError>;

/// Streams a file of elements `A`, which become scalars while they are read: all else is compiled
/// for the four of these only.
fn stream_of<A>(job: &Job<'_>, source: Source, _: &ArrayD<A>) -> Result<Ended, Stop>
where
    A: Element<Scalar: Entry> + format::Element,
{
    stream::<A::Scalar>(job, source, types::<A>(), Source::read::<A>)
}

/// Some inverses, and what was found of each matrix.
struct Piece<T: Entry> {
    inverses: Vec<T>,
    verdicts: Vec<Verdict<T>>,
}

fn stream<T: Entry>(
    job: &Job<'_>,
    mut source: Source,
    types: (&'static str, &'static str),
    next: Read<T>,
) -> Result<Ended, Stop> {
    let args = job.args;
    let (order, count) = (source.order(), source.count());
    let length = needs::<T>(job, &source).piece(job.limit, &job.name)?.min(count);
    let inverter = job.inverter(count);

    let mut output = Output::begin::<T>(job, &source)?;
    let first = output.state.done;
    source.skip(first)?;
    let what = format!("inverting {} {}", words::shape(&source.shape), types_in_words(types));
    let progress = Progress::begin(&what, count, args.quiet);
    progress.resume(first);
    let leading = source.shape[..source.shape.len() - 2].to_vec();

    std::thread::scope(|scope| {
        let (spare, spares) = channel();
        for _ in 0..2 {
            let mut elements = Vec::<T>::new();
            let size = length * order * order;
            elements.try_reserve_exact(size).map_err(|_| {
                let bytes = size * size_of::<T>();
                refused(&job.name, &matinv::Error::OutOfMemory { bytes })
            })?;
            // It is received as long as the reader is there.
            let _ = spare.send(elements);
        }
        let (full, filled) = sync_channel(0);
        let (ready, pieces) = sync_channel(0);
        let reader = &mut source;
        start(scope, "matinv-reader", move || {
            read(reader, next, first..count, length, &spares, &full);
        })?;
        start(scope, "matinv-inverter", move || {
            for elements in filled {
                let inverted = elements
                    .map_err(Stop::from)
                    .and_then(|elements| invert(&inverter, elements, order, &spare, &job.name));
                if ready.send(inverted).is_err() {
                    return;
                }
            }
        })?;
        for piece in pieces {
            let piece: Piece<T> = piece?;
            output.add(&piece.inverses, &piece.verdicts, &leading)?;
            progress.failed(output.state.tally.failures);
            progress.advance(piece.verdicts.len());
        }
        Ok::<(), Stop>(())
    })?;
    drop(progress);

    source.check_unchanged()?;
    let time = output.time();
    let tally = output.finish(&source, types)?;
    let (warning, written) = (tally.warning::<T>(), job.is_written(&tally));
    Ok(Ended { warning, types: types_in_words(types), tally, time, written })
}

/// Bytes that the stream of a source needs.
fn needs<T: Entry>(job: &Job<'_>, source: &Source) -> Needs {
    let args = job.args;
    let extras =
        Extras { pseudo_inverses: args.on_failure == OnFailureArg::Pinv, quality: args.quality };
    Needs::new::<T>(source.order(), job.threads.unwrap_or_else(machine::threads), extras)
}

/// Starts a thread, which the system may refuse.
fn start<'scope>(
    scope: &'scope Scope<'scope, '_>,
    name: &str,
    work: impl FnOnce() + Send + 'scope,
) -> Result<(), Stop> {
    let started: io::Result<_> = Builder::new().name(name.to_owned()).spawn_scoped(scope, work);
    started.map(drop).map_err(|error| Stop::new(format!("a thread could not be started: {error}")))
}

/// Reads piece after piece, into vectors that come back empty.
fn read<T>(
    source: &mut Source,
    next: Read<T>,
    matrices: std::ops::Range<usize>,
    length: usize,
    spares: &Receiver<Vec<T>>,
    full: &SyncSender<Result<Vec<T>, FormatError>>,
) {
    for at in matrices.clone().step_by(length) {
        let Ok(mut elements) = spares.recv() else { return };
        let read = next(source, length.min(matrices.end - at), &mut elements);
        let is_over = read.is_err();
        if full.send(read.map(|()| elements)).is_err() || is_over {
            return;
        }
    }
}

/// Inverts a piece, and gives its vector back.
fn invert<T: Entry>(
    inverter: &Inverter,
    elements: Vec<T>,
    order: usize,
    spare: &Sender<Vec<T>>,
    name: &str,
) -> Result<Piece<T>, Stop> {
    let count = elements.len() / (order * order);
    let a = Array3::from_shape_vec((count, order, order), elements)
        .map_err(|error| Stop::new(format!("{name}: {error}")))?;
    let inversion = inverter.report(&a).map_err(|error| refused(name, &error))?;
    // The reader may have come to its end.
    let _ = spare.send(a.into_raw_vec_and_offset().0);
    Ok(Piece {
        inverses: inversion.inverse.into_raw_vec_and_offset().0,
        verdicts: inversion.verdicts.into_raw_vec_and_offset().0,
    })
}
