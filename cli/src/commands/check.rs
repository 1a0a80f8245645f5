//! `matinv check`: is X the inverse of A?

use crate::cli::CheckArgs;
use crate::format::{self, Data, ElementType, Fault, FormatError, ReadOptions};
use crate::job::{check_shape, refused};
use crate::machine::memory_limit;
use crate::output::matrix::{Entry, index_of};
use crate::output::progress::Progress;
use crate::output::stdout;
use crate::output::words::{counted, ratio};
use crate::stop::{Outcome, Stop, name};
use crate::with_array;
use matinv::num_complex::Complex64;
use matinv::{Element, Error, Residuals, Scalar, residuals};
use ndarray::{Array2, ArrayD, Axis, Ix2};
use std::io::{self, Write};
use std::path::Path;

/// How many matrices are listed one by one.
const LISTED: usize = 20;

/// How many failing indices are named.
const NAMED: usize = 10;

/// Prints the residual ratios and the verdict.
pub(crate) fn check(args: &CheckArgs) -> Result<Outcome, Stop> {
    if args.a == Path::new("-") && args.x == Path::new("-") {
        return Err(Stop::new("only one of the two can come from standard input"));
    }
    let limit = memory_limit(args.memory);
    let a = format::read(&args.a, &ReadOptions::new(limit))?;
    let x = format::read(&args.x, &ReadOptions::new(limit.saturating_sub(a.bytes())))?;
    check_shape(a.shape()).map_err(|error| refused(&name(&args.a), &error))?;
    if a.shape() != x.shape() {
        let (expected, found) = (a.shape().to_vec(), x.shape().to_vec());
        let error = Error::ShapeMismatch { expected, found };
        return Err(refused(&name(&args.x), &error));
    }
    check_memory(&x, limit.saturating_sub(a.bytes()).saturating_sub(x.bytes()))
        .map_err(|error| error.named(&name(&args.x)))?;
    let leading = &a.shape()[..a.shape().len() - 2];
    let ratios = all_ratios(&a, &x).map_err(|error| refused(&name(&args.x), &error))?;
    let passed = ratios.iter().all(Residuals::passes);
    stdout(|out| {
        Ok(if leading.is_empty() { one(&ratios, out) } else { many(&ratios, leading, out) }?)
    })?;
    Ok(if passed { Outcome::Success } else { Outcome::Failures })
}

/// Refuses what would need more memory than the files have left: ratios of each matrix, and one
/// matrix at a time in double precision.
fn check_memory(x: &Data, limit: u64) -> Result<(), FormatError> {
    let (leading, matrix) = x.shape().split_at(x.shape().len() - 2);
    let of = |lengths: &[usize]| {
        lengths.iter().fold(1_u128, |product, &n| product.saturating_mul(n as u128))
    };
    let each = size_of::<Residuals>() + size_of::<usize>();
    let elements = of(matrix).saturating_mul(6 * size_of::<Complex64>() as u128);
    let needed = of(leading).saturating_mul(each as u128).saturating_add(elements);
    if needed.saturating_sub(format::SLACK.into()) > u128::from(limit) {
        return Err(FormatError::new(Fault::TooLarge { needed, limit }));
    }
    Ok(())
}

/// The ratios of every matrix, in index order: computed in double precision, in the unit of the
/// type of `x`.
fn all_ratios(a: &Data, x: &Data) -> Result<Vec<Residuals>, Error> {
    let leading = &a.shape()[..a.shape().len() - 2];
    let count: usize = leading.iter().product();
    let progress = Progress::begin("checking", count, false);
    let unit = f64::UNIT_ROUNDOFF / unit_roundoff(x.element_type());
    let complex = is_complex(a) || is_complex(x);
    (0..count)
        .map(|position| {
            let index = index_of(position, leading);
            let mut ratio = if complex {
                residuals(&complex_matrix(a, &index), &complex_matrix(x, &index))
            } else {
                residuals(&real_matrix(a, &index), &real_matrix(x, &index))
            }?;
            ratio.left *= unit;
            ratio.right *= unit;
            progress.advance(1);
            Ok(ratio)
        })
        .collect()
}

/// LAPACK's ε of a type; integers stand for the `float64` that they become.
fn unit_roundoff(element: ElementType) -> f64 {
    match element {
        ElementType::F16 => f64::from(half::f16::EPSILON) / 2.0,
        ElementType::F32 | ElementType::Complex32 => f32::UNIT_ROUNDOFF,
        _ => f64::UNIT_ROUNDOFF,
    }
}

fn is_complex(data: &Data) -> bool {
    matches!(data.element_type(), ElementType::Complex32 | ElementType::Complex64)
}

fn real_matrix(data: &Data, index: &[usize]) -> Array2<f64> {
    with_array!(data, array => matrix(array, index, |re, _| re))
}

fn complex_matrix(data: &Data, index: &[usize]) -> Array2<Complex64> {
    with_array!(data, array => matrix(array, index, |re, im| Complex64::new(re, im.unwrap_or(0.0))))
}

/// One matrix of a stack, in another type.
fn matrix<A, T>(
    a: &ArrayD<A>,
    index: &[usize],
    convert: impl Fn(f64, Option<f64>) -> T,
) -> Array2<T>
where
    A: Element<Scalar: Entry>,
{
    let mut slice = a.view();
    for &i in index {
        slice.index_axis_inplace(Axis(0), i);
    }
    let slice = slice.into_dimensionality::<Ix2>().expect("the index leaves two axes");
    slice.map(|x| {
        let (re, im) = x.to_scalar().parts();
        convert(re, im)
    })
}

fn verdict(passes: bool) -> &'static str {
    if passes { "PASS" } else { "FAIL" }
}

/// Says it of a single matrix.
fn one(ratios: &[Residuals], out: &mut dyn Write) -> io::Result<()> {
    for r in ratios {
        writeln!(out, "left   ‖I − XA‖  {}", ratio(r.left))?;
        writeln!(out, "right  ‖I − AX‖  {}", ratio(r.right))?;
        let is = if r.passes() { "is below" } else { "has to be below" };
        writeln!(out, "{}: the better side {is} {}", verdict(r.passes()), Residuals::THRESHOLD)?;
    }
    Ok(())
}

/// Says it of a stack.
fn many(ratios: &[Residuals], leading: &[usize], out: &mut dyn Write) -> io::Result<()> {
    let index = |position| format!("{:?}", index_of(position, leading));
    if (1..=LISTED).contains(&ratios.len()) {
        let width = index(ratios.len() - 1).len().max("index".len());
        writeln!(out, "{:<width$}  {:>10}  {:>10}", "index", "‖I − XA‖", "‖I − AX‖")?;
        for (position, r) in ratios.iter().enumerate() {
            let (left, right) = (ratio(r.left), ratio(r.right));
            let (index, verdict) = (index(position), verdict(r.passes()));
            writeln!(out, "{index:<width$}  {left:>10}  {right:>10}  {verdict}")?;
        }
    }
    // NaN is the worst of all.
    let badness = |r: &Residuals| if r.better().is_nan() { f64::INFINITY } else { r.better() };
    let worst = ratios.iter().enumerate().max_by(|p, q| badness(p.1).total_cmp(&badness(q.1)));
    if let Some((position, r)) = worst {
        let (left, right) = (ratio(r.left), ratio(r.right));
        writeln!(out, "worst: {} with {left} (left) and {right} (right)", index(position))?;
    }
    let failing: Vec<usize> = (0..ratios.len()).filter(|&i| !ratios[i].passes()).collect();
    let all = counted(ratios.len(), "matrix", "matrices");
    if failing.is_empty() {
        return writeln!(
            out,
            "PASS: {all}, the better side below {} in each",
            Residuals::THRESHOLD
        );
    }
    let named: Vec<String> = failing.iter().take(NAMED).map(|&position| index(position)).collect();
    let more = match failing.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", … and {more} more"),
    };
    writeln!(
        out,
        "FAIL: {} of {all}, the better side not below {}: {}{more}",
        failing.len(),
        Residuals::THRESHOLD,
        named.join(", ")
    )
}
