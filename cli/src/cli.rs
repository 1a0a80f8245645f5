//! Every command and option, and its help.

use crate::format::Format;
use crate::machine::parse_size;
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use matinv::{Engine, OnFailure, Structure, Triangle};
use std::path::PathBuf;

const EXIT_CODES: &str = "\
Exit codes:
  0  done
  1  some matrix could not be inverted, or `check` found a bad inverse
  2  bad usage, or a file that cannot be read or written; nothing was written";

/// Invert matrices, one or a stack of many, through LAPACK
#[derive(Debug, Parser)]
#[command(name = "matinv", version, after_help = EXIT_CODES, max_term_width = 100)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Inv(InvArgs),
    Check(CheckArgs),
    Info(InfoArgs),
    Gen(GenArgs),
    Completions(CompletionsArgs),
}

const INV_HELP: &str = "\
Input is told by its content: npy, npz, Matrix Market, CSV, TSV or text, each also gzipped.
Integers are inverted as float64, half precision as float32; other types stay what they are.

Exit codes:
  0  every matrix was inverted
  1  some could not be: the first 10 are named on stderr, all in --report. Under --on-failure nan,
     keep or pinv the output is written all the same, under fail it is not
  2  bad usage, or a file that cannot be read or written, or no square matrix; nothing was written

Examples:
  matinv inv A.npy                         show the inverse
  matinv inv A.npy -o X.npy                write it
  matinv inv A.mtx.gz -o X.csv             convert on the way
  matinv inv A.csv > X.txt                 as text, every digit
  matinv gen spd -n 4 | matinv inv -       from a pipe
  matinv inv stack.npy -o X.npy --on-failure nan --report failed.json";

const REPORT_HELP: &str = "\
Write what is known of every matrix to a JSON file

The file holds an object with `matinv` (the version), `input`, `output` (null if none was written), `shape`, `dtype`, \
`computed_in`, `options`, `seconds` (the inversion alone), `count`, `inverted`, `pseudo_inverted`, `failed`, and \
`matrices`, a list with one object per matrix, one a line: `index` ([] for a single matrix), `status` (inverted, \
pseudo-inverted or failed), `error` (null, or `kind` and `text`), `pivot`, `minor`, `rcond`, `structure`, `engine`, \
`sign` ([re, im] if complex), `log_abs_det` and `quality`. What is not known is null. Numbers that JSON has not are \
the strings \"NaN\", \"Infinity\" and \"-Infinity\". Indices and pivots count from 0.";

/// Invert a matrix or a stack of matrices
#[derive(Debug, Args)]
#[command(after_help = INV_HELP)]
#[allow(clippy::struct_excessive_bools)] // switches are what they are
pub(crate) struct InvArgs {
    /// File to read; `-` is standard input
    pub(crate) input: PathBuf,

    /// File to write, in the format of its extension (.npy .npz .mtx .csv .tsv .txt, also with .gz);
    /// `-` is standard output
    ///
    /// It appears whole or not at all. It may be INPUT itself if --force is given: INPUT has been
    /// read by then, and is replaced in one step. Without this option a terminal shows the inverse
    /// rounded, and a pipe gets every digit as text, or what --format asks for.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// What is known of every matrix
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub(crate) structure: StructureArg,

    /// With --structure pos, sym or her: read the lower triangle only [default]
    #[arg(long, conflicts_with = "upper")]
    pub(crate) lower: bool,

    /// With --structure pos, sym or her: read the upper triangle only
    #[arg(long)]
    pub(crate) upper: bool,

    /// What to write for a matrix that cannot be inverted
    #[arg(long, value_enum, default_value_t, value_name = "POLICY")]
    pub(crate) on_failure: OnFailureArg,

    /// Treat matrices with a reciprocal condition number below X (0 to 1) as singular
    #[arg(long, value_name = "X", value_parser = rcond)]
    pub(crate) min_rcond: Option<f64>,

    /// Let NaN and infinity through instead of refusing them
    #[arg(long)]
    pub(crate) no_check_finite: bool,

    /// Measure how good every inverse is, in the unit of `matinv check`; takes about as long again
    #[arg(long)]
    pub(crate) quality: bool,

    /// Threads for a stack; the result is the same for every number [default: all processors]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub(crate) threads: Option<usize>,

    /// Threads inside a single matrix; faster from order 200 or so, and the last digits depend on it
    #[arg(long, value_name = "N", value_parser = at_least_one, default_value = "1")]
    pub(crate) blas_threads: usize,

    /// What computes
    #[arg(long, value_enum, default_value_t, value_name = "ENGINE")]
    pub(crate) engine: EngineArg,

    /// The array to take from an npz archive that holds several
    #[arg(long, value_name = "NAME")]
    pub(crate) key: Option<String>,

    /// Format of the output, whatever its name
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArg>,

    #[arg(long, value_name = "FILE.json", help = "Write what is known of every matrix to a JSON file", long_help = REPORT_HELP)]
    pub(crate) report: Option<PathBuf>,

    /// Refuse input that needs more memory than this, as 500M or 16G [default: 80 % of what is free]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<u64>,

    /// Replace FILE and FILE.json if they exist
    #[arg(long)]
    pub(crate) force: bool,

    /// No summary, progress or warnings on stderr; errors and failures still appear
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

const CHECK_HELP: &str = "\
The residuals are ‖I − XA‖₁ and ‖I − AX‖₁ in the unit n ‖A‖₁ ‖X‖₁ ε of LAPACK's own tests, where ε belongs to the
type of X: 2⁻⁵³ for float64, 2⁻²⁴ for float32. They are computed in double precision. An inverse as
good as the arithmetic allows has one side near or below 1; the better side below 30 passes.

Exit codes: 0 all pass, 1 some fail, 2 a file cannot be read or the shapes differ

Example:
  matinv inv A.npy -o X.npy && matinv check A.npy X.npy";

/// Check that X is the inverse of A, by LAPACK's residual ratios
#[derive(Debug, Args)]
#[command(after_help = CHECK_HELP)]
pub(crate) struct CheckArgs {
    /// The matrix or stack; `-` is standard input
    pub(crate) a: PathBuf,

    /// What should be its inverse; `-` is standard input
    pub(crate) x: PathBuf,

    /// Refuse input that needs more memory than this, as 500M or 16G [default: 80 % of what is free]
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<u64>,
}

/// Show what this program runs on, or what a file holds
#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// File to look into; `-` is standard input
    pub(crate) file: Option<PathBuf>,

    /// The array to look at in an npz archive that holds several
    #[arg(long, value_name = "NAME", requires = "file")]
    pub(crate) key: Option<String>,
}

const GEN_HELP: &str = "\
The same kind, order, count, type and seed give the same numbers on every machine of one kind (ChaCha8).

Examples:
  matinv gen hilbert -n 5
  matinv gen random -n 8 --count 1000 --type f32 --seed 7 -o stack.npy
  matinv gen ill -n 100 --cond 1e12 -o hard.npy";

/// Generate test matrices
#[derive(Debug, Args)]
#[command(after_help = GEN_HELP)]
pub(crate) struct GenArgs {
    /// What kind of matrix
    #[arg(value_enum)]
    pub(crate) kind: Kind,

    /// Order: the number of rows and of columns
    #[arg(short = 'n', long, value_name = "N")]
    pub(crate) order: usize,

    /// Make a stack of K matrices, of shape (K, N, N)
    #[arg(long, value_name = "K")]
    pub(crate) count: Option<usize>,

    /// Where the random numbers start
    #[arg(long, value_name = "S", default_value_t = 0)]
    pub(crate) seed: u64,

    /// Type of the elements
    #[arg(long = "type", value_enum, default_value_t, value_name = "TYPE")]
    pub(crate) scalar: ScalarArg,

    /// Condition number in the 2-norm, for `ill` [default: 1e10]
    #[arg(long, value_name = "X", value_parser = condition)]
    pub(crate) cond: Option<f64>,

    /// File to write, in the format of its extension; `-` is standard output
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Format of the output, whatever its name
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<FormatArg>,

    /// Replace FILE if it exists
    #[arg(long)]
    pub(crate) force: bool,
}

/// Print the completion script of a shell
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  matinv completions bash > ~/.local/share/bash-completion/completions/matinv"
)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub(crate) shell: Shell,
}

/// [`Structure`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum StructureArg {
    /// Find out, matrix by matrix
    #[default]
    Auto,
    /// No structure
    General,
    /// Only the diagonal is read
    Diagonal,
    /// Upper triangular: the rest is not read
    Upper,
    /// Lower triangular: the rest is not read
    Lower,
    /// Symmetric or Hermitian, positive definite
    Pos,
    /// Symmetric
    Sym,
    /// Hermitian
    Her,
}

impl StructureArg {
    /// Whether one triangle is read and the other is its mirror.
    pub(crate) fn mirrors(self) -> bool {
        matches!(self, Self::Pos | Self::Sym | Self::Her)
    }
}

impl From<StructureArg> for Structure {
    fn from(structure: StructureArg) -> Self {
        match structure {
            StructureArg::Auto => Structure::Auto,
            StructureArg::General => Structure::General,
            StructureArg::Diagonal => Structure::Diagonal,
            StructureArg::Upper => Structure::UpperTriangular,
            StructureArg::Lower => Structure::LowerTriangular,
            StructureArg::Pos => Structure::PositiveDefinite,
            StructureArg::Sym => Structure::Symmetric,
            StructureArg::Her => Structure::Hermitian,
        }
    }
}

/// [`OnFailure`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum OnFailureArg {
    /// Nothing: one failure, and no output is written at all
    #[default]
    Fail,
    /// NaN throughout
    Nan,
    /// The matrix itself
    Keep,
    /// The Moore–Penrose pseudo-inverse
    Pinv,
}

impl From<OnFailureArg> for OnFailure {
    fn from(policy: OnFailureArg) -> Self {
        match policy {
            OnFailureArg::Fail => OnFailure::Fail,
            OnFailureArg::Nan => OnFailure::FillNan,
            OnFailureArg::Keep => OnFailure::Keep,
            OnFailureArg::Pinv => OnFailure::PseudoInverse,
        }
    }
}

/// [`Engine`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum EngineArg {
    /// The fastest for the matrix
    #[default]
    Auto,
    /// SIMD kernels, many small general matrices at once; LAPACK where there is none
    Native,
    /// LAPACK's own routines
    Lapack,
}

impl From<EngineArg> for Engine {
    fn from(engine: EngineArg) -> Self {
        match engine {
            EngineArg::Auto => Engine::Auto,
            EngineArg::Native => Engine::Native,
            EngineArg::Lapack => Engine::Lapack,
        }
    }
}

/// [`Format`] on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// numpy's array
    Npy,
    /// numpy's archive, with one array named `inverse` or `matrix`
    Npz,
    /// Matrix Market
    Mtx,
    /// Numbers separated by commas
    Csv,
    /// Numbers separated by tabs
    Tsv,
    /// Numbers separated by blanks
    Text,
}

impl From<FormatArg> for Format {
    fn from(format: FormatArg) -> Self {
        match format {
            FormatArg::Npy => Format::Npy,
            FormatArg::Npz => Format::Npz,
            FormatArg::Mtx => Format::MatrixMarket,
            FormatArg::Csv => Format::Csv,
            FormatArg::Tsv => Format::Tsv,
            FormatArg::Text => Format::Text,
        }
    }
}

/// The type of generated elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum ScalarArg {
    /// float32
    F32,
    /// float64
    #[default]
    F64,
    /// complex64
    C64,
    /// complex128
    C128,
}

/// What `gen` can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// Independent normal numbers
    Random,
    /// Symmetric (complex: Hermitian) positive definite: GGᴴ/n + I, G random
    Spd,
    /// Symmetric, also if complex: (G + Gᵀ)/2, G random
    Symmetric,
    /// Hermitian: (G + Gᴴ)/2, G random
    Hermitian,
    /// Upper triangular, random, well-conditioned
    Upper,
    /// Lower triangular, random, well-conditioned
    Lower,
    /// Diagonal, random, no element near zero
    Diagonal,
    /// Orthogonal (complex: unitary), uniformly distributed
    Orthogonal,
    /// Random with one column of zeros: of rank n − 1
    Singular,
    /// Random with the condition number --cond: singular values in geometric progression
    Ill,
    /// 1 / (i + j + 1): positive definite, its condition grows as 33ⁿ
    Hilbert,
    /// Binomial coefficients (i + j over i): positive definite, its inverse is whole
    Pascal,
    /// min / max of i + 1 and j + 1: positive definite, its inverse is tridiagonal
    Lehmer,
    /// min(i, j) + 1: positive definite, its inverse is tridiagonal
    Minij,
    /// Frank's: upper Hessenberg, determinant 1
    Frank,
    /// Kahan's upper triangular one, angle 1.2
    Kahan,
    /// Moler's: positive definite with one tiny eigenvalue
    Moler,
    /// Powers xʲ of the points x = 1/n, 2/n, … 1
    Vandermonde,
}

impl InvArgs {
    /// The triangle that is read.
    pub(crate) fn triangle(&self) -> Triangle {
        if self.upper { Triangle::Upper } else { Triangle::Lower }
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number, at least 1".to_owned()),
    }
}

fn rcond(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(limit) if (0.0..=1.0).contains(&limit) => Ok(limit),
        _ => Err("must be a number between 0 and 1, as 1e-12".to_owned()),
    }
}

fn condition(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(x) if (1.0..f64::INFINITY).contains(&x) => Ok(x),
        _ => Err("must be a number of at least 1, as 1e10".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_structure_of_the_library_can_be_declared() {
        let mut found: Vec<Structure> =
            StructureArg::value_variants().iter().map(|&s| s.into()).collect();
        assert_eq!(found.len(), Structure::ALL.len());
        found.retain(|structure| !Structure::ALL.contains(structure));
        assert_eq!(found, []);
    }

    #[test]
    fn every_format_can_be_asked_for_by_its_own_word() {
        for &format in &Format::ALL {
            let arg = FormatArg::from_str(format.word(), false);
            assert_eq!(arg.map(Format::from), Ok(format));
        }
    }
}
