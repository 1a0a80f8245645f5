//! The figures as text.

use super::measure::Figure;
use super::{Measured, Single, Stack};
use crate::output::words::seconds;
use std::io::{self, Write};

/// Two tables: one matrix, and stacks.
pub(super) fn write(measured: &Measured, about: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{about}\n")?;
    writeln!(out, "One matrix, in times of a multiplication of the same order (GEMM):\n")?;
    writeln!(
        out,
        "{:>6}{:>11}{:>9}  {:<14}{:>9}{:>9}",
        "order", "GEMM", "GFLOP/s", "by", "native", "lapack"
    )?;
    let complex = measured.scalar.starts_with("complex");
    for row in &measured.singles {
        let Single { order, gemm, gemm_by, native, lapack } = row;
        let rate = 2.0 * (*order as f64).powi(3) * if complex { 4.0 } else { 1.0 } / gemm / 1e9;
        write!(out, "{order:>6}{:>11}{rate:>9.1}  {gemm_by:<14}", seconds(*gemm))?;
        let times = |figure: &Option<Figure>| cell(figure.as_ref(), |t| format!("{:.2}", t / gemm));
        writeln!(out, "{:>9}{:>9}", times(native), times(lapack))?;
    }
    writeln!(out, "\nStacks, time per matrix:\n")?;
    let head = ["order", "matrices", "native", "lapack", "speed-up"];
    writeln!(out, "{:>6}{:>11}{:>12}{:>12}{:>10}", head[0], head[1], head[2], head[3], head[4])?;
    for Stack { order, count, native, lapack } in &measured.stacks {
        let each = |figure: &Option<Figure>| cell(figure.as_ref(), seconds);
        write!(out, "{order:>6}{count:>11}{:>12}{:>12}", each(native), each(lapack))?;
        writeln!(
            out,
            "{:>10}",
            gain(native.as_ref(), lapack.as_ref()).map_or("–".into(), |x| format!("{x:.1}"))
        )?;
    }
    writeln!(
        out,
        "\n– : the engine has no kernel of its own for this order. Medians of runs taken in turn."
    )
}

fn cell(figure: Option<&Figure>, text: impl Fn(f64) -> String) -> String {
    match figure {
        None => "–".to_owned(),
        Some(Figure::Wrong) => "wrong".to_owned(),
        Some(Figure::Time { median, .. }) => text(*median),
    }
}

/// How many times as fast the native engine is, if both have a time.
pub(super) fn gain(native: Option<&Figure>, lapack: Option<&Figure>) -> Option<f64> {
    Some(lapack?.median()? / native?.median()?)
}
