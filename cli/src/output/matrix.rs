//! A matrix on a terminal: rounded, aligned, and cut in the middle if it is too large.

use crate::format;
use matinv::Scalar;
use matinv::num_complex::{Complex32, Complex64};
use ndarray::{ArrayView2, ArrayViewD, Axis, Ix2};
use std::io::{self, Write};
use terminal_size::{Height, Width, terminal_size_of};

/// A number that can be computed with, written, and shown.
pub(crate) trait Entry: Scalar + format::Element {
    /// Real and imaginary part; real numbers have none.
    fn parts(self) -> (f64, Option<f64>);
}

impl Entry for f32 {
    fn parts(self) -> (f64, Option<f64>) {
        (self.into(), None)
    }
}

impl Entry for f64 {
    fn parts(self) -> (f64, Option<f64>) {
        (self, None)
    }
}

impl Entry for Complex32 {
    fn parts(self) -> (f64, Option<f64>) {
        (self.re.into(), Some(self.im.into()))
    }
}

impl Entry for Complex64 {
    fn parts(self) -> (f64, Option<f64>) {
        (self.re, Some(self.im))
    }
}

/// Room for the output, in characters.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Screen {
    pub(crate) width: usize,
    pub(crate) height: usize,
}

impl Screen {
    /// That of the terminal behind standard output.
    pub(crate) fn of_terminal() -> Self {
        match terminal_size_of(io::stdout()) {
            Some((Width(width), Height(height))) if width > 0 && height > 0 => {
                Screen { width: width.into(), height: height.into() }
            }
            _ => Screen { width: 80, height: 24 },
        }
    }

    /// Rows of a matrix that can be seen at a time, with the command and the summary.
    fn rows(self) -> usize {
        self.height.saturating_sub(4).max(7)
    }
}

/// Digits that are shown of the largest element.
const DIGITS: i32 = 6;

/// Blanks before each column.
const GAP: usize = 2;

/// Stands for what is left out.
const ELLIPSIS: &str = "…";

/// How many matrices of a longer stack are shown at either end.
const EDGE: usize = 3;

/// Writes a matrix, or the matrices of a stack under headings.
pub(crate) fn show<T: Entry>(
    array: &ArrayViewD<'_, T>,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    if let Ok(matrix) = array.view().into_dimensionality::<Ix2>() {
        return show_matrix(&matrix, screen, out);
    }
    let leading = &array.shape()[..array.ndim() - 2];
    let count: usize = leading.iter().product();
    if count == 0 {
        return writeln!(out, "(no matrices)");
    }
    for position in shown(count, 2 * EDGE + 1) {
        let Some(position) = position else {
            writeln!(out, "{ELLIPSIS} {} more\n", count - 2 * EDGE)?;
            continue;
        };
        let index = index_of(position, leading);
        writeln!(out, "{index:?}:")?;
        let mut slice = array.view();
        for &i in &index {
            slice.index_axis_inplace(Axis(0), i);
        }
        if let Ok(matrix) = slice.into_dimensionality::<Ix2>() {
            show_matrix(&matrix, screen, out)?;
        }
        if position + 1 < count {
            writeln!(out)?;
        }
    }
    Ok(())
}

/// The index, one per leading axis, of the matrix at a position in index order.
pub(crate) fn index_of(mut position: usize, leading: &[usize]) -> Vec<usize> {
    let mut index = vec![0; leading.len()];
    for (place, &length) in index.iter_mut().zip(leading).rev() {
        *place = position % length;
        position /= length;
    }
    index
}

/// Which of `count` things are shown where there is room for `room`: `None` stands for the rest.
fn shown(count: usize, room: usize) -> Vec<Option<usize>> {
    if count <= room {
        return (0..count).map(Some).collect();
    }
    let (head, tail) = (room / 2, (room - 1) / 2);
    let (first, last) = (0..head, count - tail..count);
    first.map(Some).chain([None]).chain(last.map(Some)).collect()
}

fn show_matrix<T: Entry>(
    matrix: &ArrayView2<'_, T>,
    screen: Screen,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (rows, columns) = matrix.dim();
    if matrix.is_empty() {
        return writeln!(out, "(no elements, shape {rows}×{columns})");
    }
    let rows = shown(rows, screen.rows());
    // No more columns than this can fit, at one digit each; how many do is known once they are
    // formatted, and formatting fewer of them can only make them narrower.
    let mut room = (screen.width / (GAP + 1)).max(3);
    loop {
        let visible = shown(columns, room);
        let cells = Cells::new(matrix, &rows, &visible);
        let width = GAP + cells.width();
        let elided =
            if visible.len() < columns { width - GAP - ELLIPSIS.chars().count() } else { 0 };
        if visible.len() * width <= screen.width + elided || room == 3 {
            return cells.write(&rows, &visible, out);
        }
        let fit = (screen.width + width - GAP - 1) / width;
        room = fit.clamp(3, room - 1);
    }
}

/// The visible elements as text.
struct Cells {
    cells: Vec<(String, String)>,
    widths: (usize, usize),
}

impl Cells {
    fn new<T: Entry>(
        matrix: &ArrayView2<'_, T>,
        rows: &[Option<usize>],
        columns: &[Option<usize>],
    ) -> Self {
        let mut parts = Vec::new();
        for &i in rows.iter().flatten() {
            parts.extend(columns.iter().flatten().map(|&j| matrix[(i, j)].parts()));
        }
        let numbers = parts.iter().flat_map(|&(re, im)| [Some(re), im]).flatten();
        let style = Style::of(numbers);
        let mut widths = (0, 0);
        let cells = parts
            .into_iter()
            .map(|(re, im)| {
                let re = style.text(re);
                let im = im.map_or_else(String::new, |im| format!("{}j", signed(style.text(im))));
                widths = (widths.0.max(re.len()), widths.1.max(im.len()));
                (re, im)
            })
            .collect();
        Cells { cells, widths }
    }

    fn width(&self) -> usize {
        self.widths.0 + self.widths.1
    }

    fn write(
        &self,
        rows: &[Option<usize>],
        columns: &[Option<usize>],
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let mut cells = self.cells.iter();
        let width = GAP + self.width();
        for row in rows {
            for column in columns {
                match (row.and(*column)).and_then(|_| cells.next()) {
                    Some((re, im)) => {
                        let (re_width, im_width) = (GAP + self.widths.0, self.widths.1);
                        write!(out, "{re:>re_width$}{im:>im_width$}")?;
                    }
                    None if column.is_none() => write!(out, "{:GAP$}{ELLIPSIS}", "")?,
                    None => write!(out, "{ELLIPSIS:>width$}")?,
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

/// With a sign also if positive.
fn signed(text: String) -> String {
    if text.starts_with('-') { text } else { format!("+{text}") }
}

/// How the numbers of one matrix are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    /// All are whole.
    Whole,
    /// With so many decimals.
    Fixed(usize),
    /// With an exponent.
    Scientific,
}

impl Style {
    /// The style for these numbers: six digits of the largest one.
    fn of(numbers: impl Iterator<Item = f64>) -> Self {
        let (mut largest, mut whole) = (0.0_f64, true);
        for x in numbers.filter(|x| x.is_finite()) {
            largest = largest.max(x.abs());
            whole &= x.fract() == 0.0;
        }
        if largest == 0.0 || (whole && largest < 1e6) {
            return Style::Whole;
        }
        #[allow(clippy::cast_possible_truncation)] // at most 308
        let decimals = DIGITS - 1 - largest.log10().floor() as i32;
        match usize::try_from(decimals) {
            // Smaller ones would be mostly zeros behind the point.
            Ok(decimals @ 0..=7) => Style::Fixed(decimals),
            _ => Style::Scientific,
        }
    }

    fn text(self, x: f64) -> String {
        if !x.is_finite() {
            return x.to_string().to_lowercase();
        }
        if x == 0.0 {
            // A plain 0 is exactly zero, 0.000 is not.
            return "0".to_owned();
        }
        match self {
            Style::Whole => format!("{x:.0}"),
            Style::Fixed(decimals) => format!("{x:.decimals$}"),
            Style::Scientific => {
                let text = format!("{x:.5e}");
                match text.split_once('e') {
                    Some((mantissa, exponent)) if exponent.starts_with('-') => {
                        format!("{mantissa}e-{:0>2}", &exponent[1..])
                    }
                    Some((mantissa, exponent)) => format!("{mantissa}e+{exponent:0>2}"),
                    None => text,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array, Array2, ArrayD, IxDyn, array};

    fn shown_text<T: Entry>(array: &ArrayD<T>, width: usize, height: usize) -> String {
        let mut out = Vec::new();
        show(&array.view(), Screen { width, height }, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_aligned_and_an_exact_zero_is_a_plain_one() {
        let a = array![[1.5, -20.25], [0.0, 1e-9]].into_dyn();
        assert_eq!(shown_text(&a, 80, 24), "    1.5000  -20.2500\n         0    0.0000\n");
        let whole = array![[1.0_f32, -20.0], [0.0, 3.0]].into_dyn();
        assert_eq!(shown_text(&whole, 80, 24), "    1  -20\n    0    3\n");
        let wide = array![[1e-12, f64::NAN], [f64::NEG_INFINITY, -1.0e200]].into_dyn();
        let expected = "    1.00000e-12            nan\n           -inf  -1.00000e+200\n";
        assert_eq!(shown_text(&wide, 80, 24), expected);
    }

    #[test]
    fn complex_numbers_align_both_parts() {
        let a = array![[Complex64::new(1.5, -2.0), Complex64::new(-0.5, 10.25)]].into_dyn();
        assert_eq!(shown_text(&a, 80, 24), "   1.5000 -2.0000j  -0.5000+10.2500j\n");
    }

    #[test]
    fn what_does_not_fit_is_left_out_in_the_middle() {
        let a = Array2::from_shape_fn((100, 100), |(i, j)| (100 * i + j) as f64).into_dyn();
        let text = shown_text(&a, 40, 11);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                "     0     1     2  …    97    98    99",
                "   100   101   102  …   197   198   199",
                "   200   201   202  …   297   298   299",
                "     …     …     …  …     …     …     …",
                "  9700  9701  9702  …  9797  9798  9799",
                "  9800  9801  9802  …  9897  9898  9899",
                "  9900  9901  9902  …  9997  9998  9999",
            ]
        );
        assert!(text.lines().all(|line| line.chars().count() <= 40));
    }

    #[test]
    fn the_narrowest_terminal_still_shows_the_corners() {
        let a = Array2::from_shape_fn((9, 9), |(i, j)| 1.0 / (1 + i + j) as f64).into_dyn();
        let text = shown_text(&a, 5, 1);
        assert_eq!(text.lines().count(), 7);
        assert_eq!(text.lines().next(), Some("  1.00000  …  0.11111"));
    }

    #[test]
    fn stacks_have_headings() {
        let a = Array::from_shape_fn(IxDyn(&[2, 5, 1, 1]), |i| (10 * i[0] + i[1]) as f64);
        assert_eq!(
            shown_text(&a, 80, 24),
            "[0, 0]:\n  0\n\n[0, 1]:\n  1\n\n[0, 2]:\n  2\n\n… 4 more\n\n[1, 2]:\n  12\n\n[1, 3]:\n  \
             13\n\n[1, 4]:\n  14\n"
        );
        assert_eq!(shown_text(&ArrayD::<f64>::zeros(IxDyn(&[0, 2, 2])), 80, 24), "(no matrices)\n");
        let empty = shown_text(&ArrayD::<f64>::zeros(IxDyn(&[0, 0])), 80, 24);
        assert_eq!(empty, "(no elements, shape 0×0)\n");
    }
}
