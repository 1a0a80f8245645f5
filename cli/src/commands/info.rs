//! `matinv info`: what the program runs on, and what a file holds.

use crate::cli::InfoArgs;
use crate::commands::runs::{each_run, memory_of_runs};
use crate::format::{self, Data, FormatError, ReadOptions};
use crate::job::check_shape;
use crate::machine::{self, bytes, default_threads, memory, memory_limit};
use crate::output::stdout;
use crate::output::summary::{finding, listed};
use crate::output::words::{counted, shape, short};
use crate::scalars::{Scalars, with_scalars};
use crate::stop::{Outcome, Stop, name};
use crate::stream::Extras;
use crate::with_array;
use flate2::bufread::MultiGzDecoder;
use matinv::{Blas, DefaultThreads, Inverter, OnFailure, Scalar, Structure, Threading};
use ndarray::ArrayD;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Prints what is known.
pub(crate) fn info(args: &InfoArgs) -> Result<Outcome, Stop> {
    let threads = default_threads()?;
    let lines = match &args.file {
        None => of_machine(threads),
        Some(path) => of_file(path, args)?,
    };
    stdout(|out| {
        for (label, text) in lines {
            writeln!(out, "{label:<11}{text}")?;
        }
        Ok(())
    })?;
    Ok(Outcome::Success)
}

type Lines = Vec<(&'static str, String)>;

fn of_machine(by_default: DefaultThreads) -> Lines {
    let platform = matinv::platform();
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = memory();
    let lapack = if platform.blas.is_some() { ", lapack" } else { "; no LAPACK in this build" };
    let mut lines = vec![
        ("matinv", platform.version.to_owned()),
        ("engines", format!("native ({}){lapack}", platform.native_set)),
        ("processor", format!("{}, {}", std::env::consts::ARCH, threads(processors))),
        ("vectors", platform.instruction_sets.join(" ")),
        ("threads", format!("{}, {}", by_default.count(), reason(by_default))),
    ];
    lines.extend(platform.blas.iter().flat_map(of_blas));
    let memory = format!("{}, {} free", bytes(memory.total.into()), bytes(memory.free.into()));
    lines.push(("memory", memory));
    lines
}

fn of_blas(blas: &Blas) -> Lines {
    let threading = match blas.threading {
        Threading::Serial => "one thread".to_owned(),
        Threading::OpenMp => format!("{} by OpenMP", threads(blas.threads)),
        _ => threads(blas.threads),
    };
    let linked = match blas.linked {
        "unknown" => String::new(),
        how => format!(", linked: {how}"),
    };
    let mut lines = vec![
        ("BLAS", blas.config.split_whitespace().collect::<Vec<_>>().join(" ")),
        ("", format!("kernels {}, {threading}{linked}", blas.core)),
    ];
    if !blas.sound {
        let text = "it fails its test (wrong results), so the native engine inverts everything; a newer \
                    OpenBLAS, or OPENBLAS_CORETYPE=Haswell in the environment, mends that";
        lines.push(("", text.to_owned()));
    }
    lines
}

/// Why there are so many threads.
fn reason(threads: DefaultThreads) -> &'static str {
    match threads {
        DefaultThreads::Variable(_) => "as MATINV_NUM_THREADS says",
        _ => "by processors and CPU quota",
    }
}

fn threads(count: usize) -> String {
    counted(count, "thread", "threads")
}

/// What a file holds. The inverse is tried to tell structure and condition, if that takes no more
/// than a second or so.
fn of_file(path: &Path, args: &InfoArgs) -> Result<Lines, Stop> {
    let limit = memory_limit(args.memory);
    let options = ReadOptions { key: args.key.clone(), ..ReadOptions::new(limit) };
    let (format, data) = if path == Path::new("-") {
        let mut input = BufReader::with_capacity(1 << 16, std::io::stdin().lock());
        let named = |error: FormatError| error.named(&name(path));
        let format = format_of(input.fill_buf().map_err(|error| named(error.into()))?);
        (format, format::read_from(input, &name(path), &options)?)
    } else {
        let data = format::read(path, &options)?;
        let mut head = Vec::new();
        // It could be read just now; if not any more, the format stays unnamed.
        if let Ok(file) = File::open(path) {
            let _ = file.take(1 << 12).read_to_end(&mut head);
        }
        (format_of(&head), data)
    };
    let mut lines = vec![("file", name(path)), ("format", format)];
    lines.extend([
        ("type", data.type_name().to_owned()),
        ("shape", described(data.shape())),
        ("size", format!("{} in memory", bytes(data.bytes().into()))),
    ]);
    let on_disk = path.metadata().ok().filter(std::fs::Metadata::is_file);
    if let (Some(metadata), Some((_, text))) = (on_disk, lines.last_mut()) {
        *text = format!("{} on disk, {text}", bytes(metadata.len().into()));
    }
    lines.extend(of_array(data, limit));
    Ok(lines)
}

fn described(lengths: &[usize]) -> String {
    match lengths {
        [] => "a single number".to_owned(),
        [length] => format!("{length}, one axis"),
        [_, _] => shape(lengths),
        [leading @ .., rows, cols] => {
            let count = leading.iter().product();
            let matrices = counted(count, "matrix", "matrices");
            format!("{}: {matrices} {}", shape(lengths), shape(&[*rows, *cols]))
        }
    }
}

/// The format, by the first bytes.
fn format_of(head: &[u8]) -> String {
    if head.starts_with(b"\x1f\x8b") {
        let mut inner = Vec::new();
        // As much as there is: the input is cut short.
        let _ = MultiGzDecoder::new(head).take(64).read_to_end(&mut inner);
        return format!("{}, gzipped", format_of(&inner));
    }
    let banner = head.get(..14).is_some_and(|word| word.eq_ignore_ascii_case(b"%%MatrixMarket"));
    let word = match head {
        _ if banner => "Matrix Market",
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => "npy",
        [b'P', b'K', ..] => "npz",
        _ => "text",
    };
    word.to_owned()
}

/// Operations that are worth an answer.
const WORK: f64 = 2e10;

fn of_array(data: Data, limit: u64) -> Lines {
    let mut lines = Lines::new();
    let shape = data.shape();
    if shape.len() > 1 {
        let is_c = with_array!(&data, array => array.is_standard_layout());
        let order = if is_c { "C, row by row" } else { "Fortran, column by column" };
        lines.push(("order", order.to_owned()));
    }
    if let Err(error) = check_shape(shape) {
        lines.push(("inverse", format!("none: {error}")));
        return lines;
    }
    let order = shape[shape.len() - 1];
    let count: usize = shape[..shape.len() - 2].iter().product();
    if data.len() == 0 {
        return lines;
    }
    if 2.0 * (order as f64).powi(3) * count as f64 > WORK {
        lines.push(("structure", "not looked at, it would take long; see `matinv inv`".to_owned()));
        return lines;
    }
    let extras = Extras { pseudo_inverses: false, quality: false };
    let (arrays, beside) = memory_of_runs(&data, machine::threads(), extras, false);
    let needed = arrays.saturating_add(beside);
    if needed > u128::from(limit) {
        let (needed, limit) = (bytes(needed), bytes(limit.into()));
        let text = format!("not looked at, it would take {needed} of memory; the limit is {limit}");
        lines.push(("structure", text));
        return lines;
    }
    match Scalars::of(data) {
        Ok(scalars) => lines.extend(with_scalars!(scalars, array => tried(&array))),
        Err(error) => lines.push(("inverse", format!("not tried: {error}"))),
    }
    lines
}

/// Structure and condition, as the inversion finds them.
fn tried<T: Scalar>(a: &ArrayD<T>) -> Lines {
    let inverter = Inverter::new().on_failure(OnFailure::FillNan);
    let mut structures: Vec<(Structure, usize)> = Vec::new();
    let (mut least, mut failed, mut first) = (f64::INFINITY, 0, None);
    let tried = each_run(&inverter, a, "looking at the matrices", false, |verdict| {
        match structures.iter_mut().find(|(structure, _)| *structure == verdict.structure) {
            Some((_, count)) => *count += 1,
            None => structures.push((verdict.structure, 1)),
        }
        match verdict.error {
            None => least = least.min(verdict.rcond),
            Some(error) => {
                failed += 1;
                first.get_or_insert(error);
            }
        }
    });
    if let Err(error) = tried {
        return vec![("inverse", format!("not tried: {error}"))];
    }
    structures.sort_by_key(|&(_, count)| std::cmp::Reverse(count));
    let structure = match structures.as_slice() {
        [(structure, _)] => structure.to_string(),
        several => listed(several),
    };
    let mut lines = vec![("structure", structure)];
    let is_stack = a.ndim() > 2;
    if least.is_finite() {
        let which = if is_stack { ", the least" } else { "" };
        lines.push(("rcond", format!("{}{which}", short(least))));
    }
    if let Some(error) = first {
        let text = if is_stack {
            format!("none of {failed}, the first because {}", finding(&error))
        } else {
            format!("none: {}", finding(&error))
        };
        lines.push(("inverse", text));
    }
    lines
}
