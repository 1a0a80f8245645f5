//! `matinv gen`: test matrices from the literature, and random ones.

mod fixed;
pub(crate) mod random;

use crate::cli::{GenArgs, Kind, ScalarArg};
use crate::format::Symmetry;
use crate::machine::{bytes, memory_limit};
use crate::output::matrix::Entry;
use crate::output::sink::{Sink, Wanted};
use crate::output::words::counted;
use crate::stop::{Outcome, Stop};
use matinv::Scalar;
use matinv::num_complex::{Complex32, Complex64};
use ndarray::{Array2, ArrayD};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use random::Normal;

/// Generates what the arguments say.
pub(crate) fn generate(args: &GenArgs) -> Result<Outcome, Stop> {
    if args.cond.is_some() && args.kind != Kind::Ill {
        return Err(Stop::new("--cond is for `matinv gen ill`; the other kinds have their own"));
    }
    let sink = Sink::new(Wanted {
        output: args.output.as_deref(),
        format: args.format.map(Into::into),
        force: args.force,
        key: "matrix",
    })?;
    sink.check_shape(&shape(args))?;
    #[allow(clippy::cast_possible_truncation)] // rounding to single precision is what is asked for
    match args.scalar {
        ScalarArg::F64 => stack(args, &sink, |x: f64| x),
        ScalarArg::F32 => stack(args, &sink, |x: f64| x as f32),
        ScalarArg::C128 => stack(args, &sink, |z: Complex64| z),
        ScalarArg::C64 => {
            stack(args, &sink, |z: Complex64| Complex32::new(z.re as f32, z.im as f32))
        }
    }
}

fn shape(args: &GenArgs) -> Vec<usize> {
    args.count.into_iter().chain([args.order, args.order]).collect()
}

/// Makes every matrix in double precision, `W`, and rounds it to `T`.
fn stack<W: Normal, T: Entry>(
    args: &GenArgs,
    sink: &Sink,
    round: impl Fn(W) -> T,
) -> Result<Outcome, Stop> {
    let n = args.order;
    let shape = shape(args);
    let square = n as u128 * n as u128;
    let count = args.count.unwrap_or(1) as u128;
    // The random kinds need up to three matrices at a time to make one.
    let needed = square
        .saturating_mul(count)
        .saturating_mul(size_of::<T>() as u128)
        .saturating_add(square.saturating_mul(3 * size_of::<W>() as u128));
    let refuse = |why: String| {
        let matrices = counted(args.count.unwrap_or(1), "matrix", "matrices");
        Stop::new(format!(
            "{matrices} of order {n}: {needed} bytes of memory are needed ({}), {why}",
            bytes(needed)
        ))
        .hint("give a smaller -n or --count; the limit is 80 % of the memory that is free")
    };
    let limit = memory_limit(None);
    if needed > u128::from(limit) {
        return Err(refuse(format!("the limit is {limit} bytes ({})", bytes(limit.into()))));
    }
    let not_given = |_| refuse("which the system does not give".to_owned());
    let mut elements: Vec<T> = Vec::new();
    elements.try_reserve_exact(shape.iter().product()).map_err(not_given)?;
    // The work on one matrix cannot report that memory is refused: ask for as much beforehand.
    Vec::<W>::new().try_reserve_exact(3 * n * n).map_err(not_given)?;
    let mut source = ChaCha8Rng::seed_from_u64(args.seed);
    for _ in 0..count {
        let matrix = one::<W>(args, &mut source);
        let start = elements.len();
        elements.extend(matrix.iter().map(|&x| round(x)));
        if !elements[start..].iter().all(|x| x.is_finite()) {
            return Err(Stop::new(format!(
                "this matrix of order {n} has elements beyond the range of {}",
                <T as Scalar>::NAME
            ))
            .hint("give a smaller -n, or a wider --type"));
        }
    }
    let array = ArrayD::from_shape_vec(shape, elements).expect("as many elements as the shape has");
    sink.write(&array.view(), Symmetry::General)?;
    Ok(Outcome::Success)
}

/// Of `ill`: as asked for, or one that leaves some digits.
fn condition(args: &GenArgs) -> f64 {
    args.cond.unwrap_or(match args.scalar {
        ScalarArg::F32 | ScalarArg::C64 => 1e4,
        ScalarArg::F64 | ScalarArg::C128 => 1e10,
    })
}

fn one<W: Normal>(args: &GenArgs, source: &mut ChaCha8Rng) -> Array2<W> {
    let n = args.order;
    let real = |entry: fn(usize, usize, usize) -> f64| {
        Array2::from_shape_fn((n, n), |(i, j)| W::from_f64(entry(n, i, j)))
    };
    match args.kind {
        Kind::Random => random::normal(n, source),
        Kind::Spd => random::positive_definite(n, source),
        Kind::Symmetric => random::symmetric(n, source),
        Kind::Hermitian => random::hermitian(n, source),
        Kind::Upper => random::upper(n, source),
        Kind::Lower => random::upper(n, source).reversed_axes(),
        Kind::Diagonal => random::diagonal(n, source),
        Kind::Orthogonal => random::orthogonal(n, source),
        Kind::Singular => random::singular(n, source),
        Kind::Ill => random::ill_conditioned(n, condition(args), source),
        Kind::Hilbert => real(fixed::hilbert),
        Kind::Pascal => fixed::pascal(n).mapv(W::from_f64),
        Kind::Lehmer => real(fixed::lehmer),
        Kind::Minij => real(fixed::minij),
        Kind::Frank => real(fixed::frank),
        Kind::Kahan => real(fixed::kahan),
        Kind::Moler => real(fixed::moler),
        Kind::Vandermonde => real(fixed::vandermonde),
    }
}
