//! `matinv bench`: how fast this machine inverts, beside the fastest it can be.

mod chart;
mod measure;
mod table;

use crate::cli::{BenchArgs, ScalarArg};
use crate::commands::generate::random::{Normal, normal};
use crate::format::{FormatError, check_target, save_atomically};
use crate::output::progress::Progress;
use crate::output::sink::existing;
use crate::output::stdout;
use crate::stop::{Outcome, Stop};
use crate::talk;
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Engine, Inverter, Scalar, Structure, residuals};
use measure::{Contender, Effort, Figure, measure};
use ndarray::{Array2, Array3, ArrayD, ArrayView3, Axis};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

/// What was measured.
struct Measured {
    /// Name of the scalar, in numpy's words.
    scalar: &'static str,
    threads: usize,
    singles: Vec<Single>,
    stacks: Vec<Stack>,
}

/// One matrix of an order.
struct Single {
    order: usize,
    /// The fastest multiplication, in seconds, and who did it.
    gemm: f64,
    gemm_by: &'static str,
    native: Option<Figure>,
    lapack: Option<Figure>,
}

/// Stacks of matrices of an order; the times are per matrix.
struct Stack {
    order: usize,
    count: usize,
    native: Option<Figure>,
    lapack: Option<Figure>,
}

/// How large and how long.
struct Size {
    singles: &'static [usize],
    stacks: &'static [usize],
    /// Bytes of a stack.
    bytes: usize,
    effort: Effort,
}

const FULL: Size = Size {
    singles: &[4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048],
    stacks: &[2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 128],
    bytes: 64 << 20,
    effort: Effort { slice: 0.02, budget: 0.5, rounds: 9 },
};

const QUICK: Size = Size {
    singles: &[8, 32, 128, 512],
    stacks: &[2, 4, 8, 16, 32, 64],
    bytes: 4 << 20,
    effort: Effort { slice: 0.002, budget: 0.04, rounds: 5 },
};

/// Measures, prints the tables, and writes the chart if one is asked for.
pub(crate) fn bench(args: &BenchArgs) -> Result<Outcome, Stop> {
    if let Some(path) = &args.svg {
        check_target(path, existing(args.force))?;
    }
    #[allow(clippy::cast_possible_truncation)] // rounding to single precision is what is asked for
    let measured = match args.scalar {
        ScalarArg::F64 => all(args, |x: f64| x),
        ScalarArg::F32 => all(args, |x: f64| x as f32),
        ScalarArg::C128 => all(args, |z: Complex64| z),
        ScalarArg::C64 => all(args, |z: Complex64| Complex32::new(z.re as f32, z.im as f32)),
    }
    .map_err(|error| Stop::new(error.to_string()))?;
    let about = about(&measured);
    stdout(|out| Ok(table::write(&measured, &about, out)?))?;
    if let Some(path) = &args.svg {
        let svg = chart::svg(&measured, &about);
        save_atomically::<FormatError>(path, existing(args.force), |out| {
            Ok(out.write_all(svg.as_bytes())?)
        })?;
    }
    let figures: Vec<&Figure> = measured.figures().collect();
    if figures.iter().any(|figure| figure.spread().is_some_and(|spread| spread > NOISE)) {
        talk::warning("times varied by more than 15 %: other programs are running; try again");
    }
    let wrong = figures.iter().any(|figure| matches!(figure, Figure::Wrong));
    Ok(if wrong { Outcome::Failures } else { Outcome::Success })
}

/// A spread, as a share of the median, that is worth a warning.
const NOISE: f64 = 0.15;

impl Measured {
    fn figures(&self) -> impl Iterator<Item = &Figure> {
        let singles = self.singles.iter().flat_map(|row| [&row.native, &row.lapack]);
        let stacks = self.stacks.iter().flat_map(|row| [&row.native, &row.lapack]);
        singles.chain(stacks).flatten()
    }
}

/// What the figures belong to, in one line.
fn about(measured: &Measured) -> String {
    let platform = matinv::platform();
    let blas = platform.blas.map_or(String::new(), |blas| {
        let name = blas.config.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
        format!(", {name} ({})", blas.core)
    });
    let threads = crate::output::words::counted(measured.threads, "thread", "threads");
    let (version, set) = (platform.version, platform.native_set);
    format!("matinv {version}, {}, {threads}, native ({set}){blas}", measured.scalar)
}

/// `W` is drawn and rounded to `T`.
fn all<W: Normal, T: Scalar>(
    args: &BenchArgs,
    round: impl Fn(W) -> T + Copy,
) -> Result<Measured, matinv::Error> {
    let size = if args.quick { QUICK } else { FULL };
    let progress = Progress::begin("measuring", size.singles.len() + size.stacks.len(), false);
    let mut source = ChaCha8Rng::seed_from_u64(0);
    let mut singles = Vec::new();
    for &n in size.singles {
        let draw = |source: &mut ChaCha8Rng| normal::<W>(n, source).mapv(round);
        let (a, b) = (draw(&mut source), draw(&mut source));
        singles.push(single(args.threads, size.effort, &a, &b)?);
        progress.advance(1);
    }
    let mut stacks = Vec::new();
    for &n in size.stacks {
        let count = (size.bytes / (n * n * size_of::<T>())).max(1);
        let mut a = Array3::zeros((count, n, n));
        for mut matrix in a.axis_iter_mut(Axis(0)) {
            matrix.assign(&normal::<W>(n, &mut source).mapv(round));
        }
        let a = a.into_dyn();
        let [native, lapack] = inversions(args.threads, size.effort, &a, Vec::new())?.1;
        let each = |figure: Option<Figure>| figure.map(|figure| figure.over(count));
        stacks.push(Stack { order: n, count, native: each(native), lapack: each(lapack) });
        progress.advance(1);
    }
    Ok(Measured { scalar: T::NAME, threads: args.threads, singles, stacks })
}

fn single<T: Scalar>(
    threads: usize,
    effort: Effort,
    a: &Array2<T>,
    b: &Array2<T>,
) -> Result<Single, matinv::Error> {
    let n = a.nrows();
    let mut product = a.clone();
    let dot = |times| {
        for _ in 0..times {
            ndarray::linalg::general_mat_mul(T::one(), a, b, T::zero(), &mut product);
        }
    };
    #[cfg_attr(not(feature = "openblas"), allow(unused_mut))]
    let mut gemms: Vec<(&str, Contender<'_>)> = vec![("matrixmultiply", Box::new(dot))];
    #[cfg(feature = "openblas")]
    {
        let slice = |x: &Array2<T>| x.as_slice().map(<[T]>::to_vec).unwrap_or_default();
        let (a, b, mut product) = (slice(a), slice(b), vec![T::zero(); n * n]);
        let blas = move |times| {
            matinv::blas_multiply(n, &a, &b, &mut product, threads, times)
                .expect("the slices are of this order");
        };
        gemms.push(("OpenBLAS", Box::new(blas)));
    }
    let (names, gemms): (Vec<&str>, Vec<Contender<'_>>) = gemms.into_iter().unzip();
    let matrix = a.clone().into_dyn();
    let (gemms, [native, lapack]) = inversions(threads, effort, &matrix, gemms)?;
    let times = gemms.into_iter().map(|gemm| gemm.median().unwrap_or(f64::NAN));
    let (gemm, gemm_by) =
        times.zip(names).min_by(|a, b| a.0.total_cmp(&b.0)).expect("there is one");
    Ok(Single { order: n, gemm, gemm_by, native, lapack })
}

/// Whether this program has a LAPACK that can be used.
fn has_lapack() -> bool {
    matinv::platform().blas.is_some_and(|blas| blas.sound)
}

/// Times both engines, in turn with `others`; an engine that does not invert such matrices itself
/// has no figure.
fn inversions<T: Scalar>(
    threads: usize,
    effort: Effort,
    a: &ArrayD<T>,
    others: Vec<Contender<'_>>,
) -> Result<(Vec<Figure>, [Option<Figure>; 2]), matinv::Error> {
    let mut contenders = others;
    let gemms = contenders.len();
    let mut correct = Vec::new();
    for engine in [Engine::Native, Engine::Lapack] {
        let inverter = Inverter::new()
            .structure(Structure::General)
            .engine(engine)
            .threads(threads)
            .blas_threads(threads);
        let inverts_itself = || {
            let first = inverter.report(&matrices(a).index_axis(Axis(0), 0))?;
            Ok::<_, matinv::Error>(first.verdict().engine == engine)
        };
        if (engine == Engine::Lapack && !has_lapack()) || !inverts_itself()? {
            correct.push(None);
            continue;
        }
        let mut x = inverter.inv(a)?;
        correct.push(Some(is_inverse(a, &x)?));
        contenders.push(Box::new(move |times| {
            for _ in 0..times {
                inverter.inv_into(a, &mut x).expect("it was inverted before");
            }
        }));
    }
    let mut figures = measure(contenders, effort);
    let mut inversions = figures.split_off(gemms).into_iter();
    let mut of = |correct: Option<bool>| {
        let correct = correct?;
        inversions.next().map(|figure| if correct { figure } else { Figure::Wrong })
    };
    let pair = [of(correct[0]), of(correct[1])];
    Ok((figures, pair))
}

/// Whether every matrix passes LAPACK's test.
fn is_inverse<T: Scalar>(a: &ArrayD<T>, x: &ArrayD<T>) -> Result<bool, matinv::Error> {
    for (a, x) in matrices(a).outer_iter().zip(matrices(x).outer_iter()) {
        if !residuals(&a, &x)?.passes() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A matrix or a stack, as a stack.
fn matrices<T>(a: &ArrayD<T>) -> ArrayView3<'_, T> {
    let n = a.shape()[a.ndim() - 1];
    let flat = a.view().into_shape_with_order((a.len() / (n * n), n, n));
    flat.expect("it is stored without gaps, as it was made")
}
