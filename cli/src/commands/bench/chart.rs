//! The figures as a picture.

use super::measure::Figure;
use super::table::gain;
use super::{Measured, Single};
use plotters::prelude::*;

type Error<'a> = DrawingAreaErrorKind<<SVGBackend<'a> as DrawingBackend>::ErrorType>;
type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

/// Name, colour, and points: order and value.
type Line = (&'static str, RGBColor, Vec<(f64, f64)>);

const SIZE: (u32, u32) = (1000, 420);
const NATIVE: RGBColor = RGBColor(0xd9, 0x5f, 0x02);
const LAPACK: RGBColor = RGBColor(0x1b, 0x6c, 0xa8);
const GREY: RGBColor = RGBColor(0x66, 0x66, 0x66);
const FONT: &str = "sans-serif";

/// Two panels: one matrix in times of GEMM, and the gain of the native engine on stacks.
pub(super) fn svg(measured: &Measured, about: &str) -> String {
    let mut text = String::new();
    draw(measured, about, &mut text)
        .expect("a string takes every text, and the axes are not empty");
    text
}

fn draw<'a>(measured: &Measured, about: &str, text: &'a mut String) -> Result<(), Error<'a>> {
    let root = SVGBackend::with_string(text, SIZE).into_drawing_area();
    root.fill(&WHITE)?;
    root.draw(&Text::new(about.to_owned(), (20, 398), (FONT, 13).into_font().color(&GREY)))?;
    let (panels, _) = root.split_vertically(390);
    let (left, right) = panels.split_horizontally(SIZE.0 / 2);
    singles(measured, &left)?;
    stacks(measured, &right)?;
    root.present()
}

fn singles<'a>(measured: &Measured, area: &Area<'a>) -> Result<(), Error<'a>> {
    let line = |figure: fn(&Single) -> &Option<Figure>| -> Vec<(f64, f64)> {
        let rows = measured.singles.iter();
        let point =
            |row: &Single| Some((row.order as f64, figure(row).as_ref()?.median()? / row.gemm));
        rows.filter_map(point).collect()
    };
    let lines =
        [("native", NATIVE, line(|row| &row.native)), ("lapack", LAPACK, line(|row| &row.lapack))];
    let orders: Vec<usize> = measured.singles.iter().map(|row| row.order).collect();
    panel(area, "One matrix: times of a multiplication (1 is the limit)", &orders, &lines)
}

fn stacks<'a>(measured: &Measured, area: &Area<'a>) -> Result<(), Error<'a>> {
    let rows = measured.stacks.iter();
    let points = rows
        .filter_map(|row| Some((row.order as f64, gain(row.native.as_ref(), row.lapack.as_ref())?)))
        .collect();
    let orders: Vec<usize> = measured.stacks.iter().map(|row| row.order).collect();
    panel(area, "Stacks: native, times as fast as lapack", &orders, &[("native", NATIVE, points)])
}

/// Logarithmic on both axes, with a line at 1.
fn panel<'a>(
    area: &Area<'a>,
    title: &str,
    orders: &[usize],
    lines: &[Line],
) -> Result<(), Error<'a>> {
    let (first, last) = (orders[0] as f64 / 1.15, orders[orders.len() - 1] as f64 * 1.15);
    let values = || lines.iter().flat_map(|line| line.2.iter().map(|point| point.1));
    let top = values().fold(2.0, f64::max) * 1.3;
    let bottom = values().fold(1.0, f64::min) / 1.2;
    let mut chart = ChartBuilder::on(area)
        .caption(title, (FONT, 16))
        .margin(15)
        .x_label_area_size(40)
        .y_label_area_size(45)
        .build_cartesian_2d(
            (first..last).log_scale().with_key_points(orders.iter().map(|&n| n as f64).collect()),
            (bottom..top).log_scale().with_key_points(ticks(bottom, top)),
        )?;
    let plain = |x: &f64| if *x < 1.0 { format!("{x:.1}") } else { format!("{x:.0}") };
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GREY.mix(0.15))
        .axis_style(GREY)
        .x_desc("order")
        .x_label_formatter(&plain)
        .y_label_formatter(&plain)
        .label_style((FONT, 13))
        .draw()?;
    chart.draw_series(LineSeries::new([(first, 1.0), (last, 1.0)], GREY.stroke_width(1)))?;
    for (name, color, points) in lines {
        let color = *color;
        chart
            .draw_series(
                LineSeries::new(points.iter().copied(), color.stroke_width(2)).point_size(3),
            )?
            .label(*name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .label_font((FONT, 13))
        .border_style(TRANSPARENT)
        .background_style(WHITE.mix(0.8))
        .draw()
}

/// 1, 2, 5, 10, 20, … within the range.
fn ticks(bottom: f64, top: f64) -> Vec<f64> {
    let decades = (-3..7).map(|power| 10_f64.powi(power));
    let all = decades.flat_map(|decade| [decade, 2.0 * decade, 5.0 * decade]);
    all.filter(|tick| (bottom..=top).contains(tick)).collect()
}
