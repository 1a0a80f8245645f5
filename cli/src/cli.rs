//! Every command and option, and its help.

mod choice;

pub(crate) use choice::{EngineArg, FormatArg, Kind, OnFailureArg, ScalarArg, StructureArg};

use crate::machine::parse_size;
use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use matinv::Triangle;
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
    Bench(BenchArgs),
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
  matinv inv stack.npy -o X.npy --on-failure nan --report failed.json
  matinv inv huge.npy -o X.npy --memory 1G --resume
  matinv inv A.npy B.mtx 'data/*.npy' --out-dir inverses";

const REPORT_HELP: &str = "\
Write what is known of every matrix to a JSON file

The file holds an object with `matinv` (the version), `input`, `output` (null if none was written), `shape`, `dtype`, \
`computed_in`, `options`, `seconds` (the inversion alone; of a stack that goes piece by piece, reading and writing \
too), `count`, `inverted`, `pseudo_inverted`, `failed`, and \
`matrices`, a list with one object per matrix, one a line: `index` ([] for a single matrix), `status` (inverted, \
pseudo-inverted or failed), `error` (null, or `kind` and `text`), `pivot`, `minor`, `rcond`, `structure`, `engine`, \
`sign` ([re, im] if complex), `log_abs_det` and `quality`. What is not known is null. Numbers that JSON has not are \
the strings \"NaN\", \"Infinity\" and \"-Infinity\". Indices and pivots count from 0.";

/// Invert a matrix or a stack of matrices
#[derive(Debug, Args)]
#[command(after_help = INV_HELP)]
#[allow(clippy::struct_excessive_bools)] // switches are what they are
pub(crate) struct InvArgs {
    /// File to read; `-` is standard input. Several, also as a quoted pattern such as 'data/*.npy',
    /// need --out-dir
    #[arg(required = true, value_name = "INPUT")]
    pub(crate) inputs: Vec<PathBuf>,

    /// File to write, in the format of its extension (.npy .npz .mtx .csv .tsv .txt, also with .gz);
    /// `-` is standard output
    ///
    /// It appears whole or not at all. It may be INPUT itself if --force is given: INPUT has been
    /// read by then, and is replaced in one step. Without this option a terminal shows the inverse
    /// rounded, and a pipe gets every digit as text, or what --format asks for.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Invert every INPUT into a file of the same name in this directory
    ///
    /// The extension is that of the input's format, or of --format. The directory is made if it is
    /// missing. A file that cannot be read does not keep the others; what is wrong is said at the
    /// end. Two inputs that would become one file are refused before anything is written.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["output", "report", "resume"])]
    pub(crate) out_dir: Option<PathBuf>,

    /// What is known of every matrix
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub(crate) structure: StructureArg,

    /// With --structure pos, sym or her: read the lower triangle only (the default)
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

    /// Threads for a stack; the result is the same for every number [default: MATINV_NUM_THREADS, or all processors]
    #[arg(long, value_name = "N", value_parser = thread_count)]
    pub(crate) threads: Option<usize>,

    /// Threads inside a single matrix; faster from order 200 or so, and the last digits depend on it
    #[arg(long, value_name = "N", value_parser = thread_count, default_value = "1")]
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

    /// Memory to use at most, as 500M or 16G [default: 80 % of what is free]
    ///
    /// A stack in an .npy file (3 axes or more, C order) of any size is inverted piece by piece into
    /// an .npy file, in no more memory than this; other input that needs more is refused. The
    /// program itself and BLAS come on top, with about 16 MiB at two threads.
    #[arg(long, value_name = "SIZE", value_parser = parse_size)]
    pub(crate) memory: Option<u64>,

    /// Keep what is done of a stack, and go on there when the same command is given again
    ///
    /// For stacks that go piece by piece, see --memory. Until FILE is whole, FILE.partial holds what
    /// is done and FILE.partial.json how far it is whole (FILE.partial.report is for --report). They
    /// stay after a kill, Ctrl-C, a full disk or a power cut, and only one run at a time writes them.
    /// If the input (its content, its change time or the file itself), an option that shapes the
    /// result or the instruction set of the processor has changed since, this is refused; --force
    /// then starts over. If FILE.partial.json contradicts itself or the files, a warning says so and
    /// all is done from the beginning. Links, pipes and files of others under these names are
    /// refused, and deleted under --force.
    ///
    /// When FILE is whole, the same command has nothing to do: nothing stays beside FILE to tell, so
    /// it inverts up to 16 matrices again, from the first to the last, and compares the bits. Is one
    /// different, or was the input written, renamed or linked later than FILE, then FILE is refused
    /// as any other that exists. The exit code is that of the first time; --report keeps it, and
    /// without one FILE is refused under --on-failure nan, keep or pinv, which do not tell.
    #[arg(long, requires = "output")]
    pub(crate) resume: bool,

    /// Replace FILE and FILE.json if they exist
    #[arg(long)]
    pub(crate) force: bool,

    /// No summary, progress or warnings on stderr; errors and failures still appear
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

const CHECK_HELP: &str = "\
The residuals are ‖I − XA‖₁ and ‖I − AX‖₁ in the unit n ‖A‖₁ ‖X‖₁ ε of LAPACK's own tests, where ε \
belongs to the type of X: 2⁻⁵³ for float64, 2⁻²⁴ for float32. They are computed in double \
precision. An inverse as good as the arithmetic allows has one side near or below 1; the better \
side below 30 passes.

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

    /// Refuse input that needs more memory than this, as 500M or 16G [default: 80 % of what is free]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, requires = "file")]
    pub(crate) memory: Option<u64>,
}

const GEN_HELP: &str = "\
The same kind, order, count, type and seed give the same matrices (drawn by ChaCha8); the last \
digits of those that are products may differ between processors.

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

    /// Condition number in the 2-norm, for `ill` [default: 1e10; single precision: 1e4]
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

const BENCH_HELP: &str = "\
The unit is one multiplication of the same order, the best of OpenBLAS and the matrixmultiply crate \
at that moment: both take 2n³ operations, so that 1.0 is the limit of what an inversion can reach. \
All are run in turn, general matrices into memory that is there; every inverse is checked before its \
time counts. Figures are medians; a busy machine is told.

Exit codes: 0 done, 1 some inverse was wrong, 2 bad usage, or the chart cannot be written

Examples:
  matinv bench --quick
  matinv bench --type f32 --threads 8 --svg speed.svg";

/// Measure how fast this machine inverts: both engines, beside a multiplication
#[derive(Debug, Args)]
#[command(after_help = BENCH_HELP)]
pub(crate) struct BenchArgs {
    /// Fewer orders and shorter runs: seconds instead of a minute
    #[arg(long)]
    pub(crate) quick: bool,

    /// Threads: for a stack, inside a single matrix, and for the multiplication
    #[arg(long, value_name = "N", value_parser = thread_count, default_value = "1")]
    pub(crate) threads: usize,

    /// Type of the elements
    #[arg(long = "type", value_enum, default_value_t, value_name = "TYPE")]
    pub(crate) scalar: ScalarArg,

    /// Draw a chart, too
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,

    /// Replace FILE if it exists
    #[arg(long, requires = "svg")]
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

impl InvArgs {
    /// The triangle that is read.
    pub(crate) fn triangle(&self) -> Triangle {
        if self.upper { Triangle::Upper } else { Triangle::Lower }
    }
}

/// More threads than this are a slip of the keyboard, and starting them would take for ever.
const MOST_THREADS: usize = 1024;

fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count @ 1..=MOST_THREADS) => Ok(count),
        _ => Err(format!("must be a whole number from 1 to {MOST_THREADS}")),
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
}
