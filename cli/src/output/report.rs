//! The JSON file of `--report`. Its schema is in the help of `matinv inv`.

use crate::output::matrix::{Entry, index_of};
use crate::talk::visible::visible_json;
use matinv::{Error, Status, Verdict};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};

/// What stands above the list of matrices.
#[derive(Debug, Serialize)]
pub(crate) struct Head<'a> {
    pub(crate) matinv: &'static str,
    pub(crate) input: &'a str,
    pub(crate) output: Option<String>,
    pub(crate) shape: &'a [usize],
    pub(crate) dtype: &'static str,
    pub(crate) computed_in: &'static str,
    pub(crate) options: Options,
    pub(crate) seconds: f64,
    pub(crate) count: usize,
    pub(crate) inverted: usize,
    pub(crate) pseudo_inverted: usize,
    pub(crate) failed: usize,
}

/// The options that bear on the result.
#[derive(Debug, Serialize)]
pub(crate) struct Options {
    pub(crate) structure: String,
    pub(crate) triangle: &'static str,
    pub(crate) on_failure: String,
    pub(crate) min_rcond: Option<f64>,
    pub(crate) check_finite: bool,
    pub(crate) engine: String,
    pub(crate) threads: Option<usize>,
    pub(crate) blas_threads: usize,
}

#[derive(Serialize)]
struct Entries<'a> {
    index: Vec<usize>,
    status: &'static str,
    error: Option<Reason<'a>>,
    pivot: Option<usize>,
    minor: Option<usize>,
    rcond: Number,
    structure: String,
    engine: String,
    sign: Sign,
    log_abs_det: Number,
    quality: Option<Number>,
}

#[derive(Serialize)]
struct Reason<'a> {
    kind: &'static str,
    text: &'a str,
}

/// A number, as a word where JSON has none for it. Python's `float` and JavaScript's `Number` read
/// these words.
struct Number(f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            x if x.is_nan() => serializer.serialize_str("NaN"),
            f64::INFINITY => serializer.serialize_str("Infinity"),
            f64::NEG_INFINITY => serializer.serialize_str("-Infinity"),
            x => serializer.serialize_f64(x),
        }
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Sign {
    Real(Number),
    Complex([Number; 2]),
}

/// Writes the file: the head, then one matrix a line.
pub(crate) fn write<T: Entry>(
    head: &Head<'_>,
    verdicts: &[Verdict<T>],
    out: &mut dyn Write,
) -> io::Result<()> {
    around(head, out, |out| {
        let leading = &head.shape[..head.shape.len() - 2];
        let mut verdicts = verdicts.iter().enumerate();
        verdicts.try_for_each(|(position, verdict)| write_one(position, leading, verdict, out))
    })
}

/// Writes what stands around the matrices; `matrices` writes these.
pub(crate) fn around(
    head: &Head<'_>,
    out: &mut dyn Write,
    matrices: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let text = serde_json::to_string_pretty(head)?;
    let text = visible_json(&text);
    let open = text.strip_suffix("\n}").unwrap_or(&text);
    write!(out, "{open},\n  \"matrices\": [")?;
    matrices(out)?;
    out.write_all(if head.count == 0 { b"]\n}\n" } else { b"\n  ]\n}\n" })
}

/// What became of the matrices, as a report says.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Summary {
    pub(crate) count: usize,
    pub(crate) inverted: usize,
    pub(crate) pseudo_inverted: usize,
    pub(crate) failed: usize,
}

impl Summary {
    /// Whether it can be that of so many matrices.
    pub(crate) fn is_of(self, count: usize) -> bool {
        let parts = [self.inverted, self.pseudo_inverted, self.failed].map(|part| part as u128);
        self.count == count && parts.iter().sum::<u128>() == count as u128
    }
}

/// Bytes that no head has.
const LONGEST_HEAD: u64 = 1 << 20;

/// Reads the head of a report; `None` if it is none of the same input, output and options, or not
/// whole.
pub(crate) fn summary(mut file: &File, expected: &Head<'_>) -> io::Result<Option<Summary>> {
    let mut text = Vec::new();
    file.take(LONGEST_HEAD).read_to_end(&mut text)?;
    let end = b",\n  \"matrices\": [";
    let Some(at) = text.windows(end.len()).position(|bytes| bytes == end) else { return Ok(None) };
    text.truncate(at);
    text.push(b'}');
    let mut tail = Vec::new();
    let back = file.metadata()?.len().min(4);
    file.seek(SeekFrom::End(-i64::try_from(back).unwrap_or_default()))?;
    file.take(4).read_to_end(&mut tail)?;
    let (Ok(mut found), Ok(mut expected)) =
        (serde_json::from_slice::<Value>(&text), serde_json::to_value(expected))
    else {
        return Ok(None);
    };
    let summary = serde_json::from_value::<Summary>(found.clone());
    for head in [&mut found, &mut expected] {
        if let Some(head) = head.as_object_mut() {
            head.retain(|key, _| {
                ["matinv", "input", "output", "shape", "dtype", "computed_in", "options"]
                    .contains(&key.as_str())
            });
            if let Some(Value::Object(options)) = head.get_mut("options") {
                // They do not shape the result.
                options.remove("threads");
            }
        }
    }
    Ok(summary.ok().filter(|_| found == expected && tail == b"]\n}\n"))
}

/// Writes the line of the matrix at a position in index order.
pub(crate) fn write_one<T: Entry>(
    position: usize,
    leading: &[usize],
    verdict: &Verdict<T>,
    out: &mut dyn Write,
) -> io::Result<()> {
    out.write_all(if position == 0 { b"\n    " } else { b",\n    " })?;
    let text = verdict.error.as_ref().map(ToString::to_string);
    let error = verdict.error.as_ref().map(kind).zip(text.as_deref());
    let entry = Entries {
        index: index_of(position, leading),
        status: match verdict.status {
            Status::Inverted => "inverted",
            Status::PseudoInverted => "pseudo-inverted",
            _ => "failed",
        },
        error: error.map(|(kind, text)| Reason { kind, text }),
        pivot: verdict.pivot(),
        minor: verdict.minor(),
        rcond: Number(verdict.rcond),
        structure: verdict.structure.to_string(),
        engine: verdict.engine.to_string(),
        sign: match verdict.sign.parts() {
            (re, None) => Sign::Real(Number(re)),
            (re, Some(im)) => Sign::Complex([Number(re), Number(im)]),
        },
        log_abs_det: Number(verdict.log_abs_det),
        quality: verdict.quality.map(Number),
    };
    Ok(serde_json::to_writer(out, &entry)?)
}

/// The name of an error in the library.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::NonFinite { .. } => "NonFinite",
        Error::Singular { .. } => "Singular",
        Error::NotPositiveDefinite { .. } => "NotPositiveDefinite",
        Error::IllConditioned { .. } => "IllConditioned",
        Error::Overflow { .. } => "Overflow",
        Error::NoConvergence => "NoConvergence",
        Error::TooLarge { .. } => "TooLarge",
        Error::OutOfMemory { .. } => "OutOfMemory",
        _ => "Other",
    }
}
