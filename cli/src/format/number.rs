//! Numbers as text: the shortest decimals that read back equal, and back.

use std::fmt::{Display, LowerExp, Write};

use half::f16;
use num_complex::Complex64;

/// A real number for the writers: `f32` and `f64`.
pub(crate) trait Real: Display + LowerExp + Copy {
    fn widened(self) -> f64;
}

impl Real for f32 {
    fn widened(self) -> f64 {
        f64::from(self)
    }
}

impl Real for f64 {
    fn widened(self) -> f64 {
        self
    }
}

/// Appends anything displayable.
pub(crate) fn push_display(value: impl Display, out: &mut String) {
    // Writing to a String cannot fail.
    let _ = write!(out, "{value}");
}

/// Appends the shortest decimals that read back as `x`: plain between 1e-5 and 1e16, else with an
/// exponent; `nan`, `inf` and `-inf` as numpy spells them.
pub(crate) fn push_real<T: Real>(x: T, out: &mut String) {
    let wide = x.widened();
    let magnitude = wide.abs();
    if wide.is_nan() {
        out.push_str("nan");
    } else if magnitude == 0.0 || magnitude.is_infinite() || (1e-5..1e16).contains(&magnitude) {
        push_display(x, out);
    } else {
        let _ = write!(out, "{x:e}");
    }
}

/// Appends the shortest decimals that read back as the half precision `x`.
pub(crate) fn push_half(x: f16, out: &mut String) {
    let exact = f64::from(x);
    // Five significant digits tell any two half precision numbers apart; not-a-number and infinity
    // need none.
    let shortest = (0..5).find_map(|digits| {
        let rounded: f64 = format!("{exact:.digits$e}").parse().ok()?;
        (f16::from_f64(rounded) == x).then_some(rounded)
    });
    push_real(shortest.unwrap_or(exact), out);
}

/// Appends a complex number as numpy reads it: `1+2j`.
pub(crate) fn push_complex<T: Real>(re: T, im: T, out: &mut String) {
    push_real(re, out);
    if im.widened().is_nan() || im.widened().is_sign_positive() {
        out.push('+');
    }
    push_real(im, out);
    out.push('j');
}

/// Reads a real number: decimals, `nan` and `inf` words, and Fortran's exponents (`1.0D+05`).
pub(crate) fn parse_real(field: &[u8]) -> Option<f64> {
    let field = std::str::from_utf8(field).ok()?;
    match field.parse() {
        Ok(x) => Some(x),
        Err(_) if field.contains(['d', 'D']) => field.replace(['d', 'D'], "e").parse().ok(),
        Err(_) => None,
    }
}

/// A number of a text file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Number {
    Real(f64),
    Complex(Complex64),
}

/// Reads a real or complex number; complex as `1+2j`, `(1+2j)`, `1+2i`, `2j` or savetxt's
/// `(1+-2j)`.
pub(crate) fn parse_number(field: &[u8]) -> Option<Number> {
    if let Some(x) = parse_real(field) {
        return Some(Number::Real(x));
    }
    let field = match field {
        [b'(', inner @ .., b')'] => inner.trim_ascii(),
        _ => field,
    };
    let Some((b'i' | b'j' | b'I' | b'J', body)) = field.split_last() else {
        return parse_real(field).map(|re| Number::Complex(Complex64::new(re, 0.0)));
    };
    // The imaginary part starts at the last sign that belongs to no exponent.
    let split = (1..body.len())
        .rev()
        .find(|&k| {
            matches!(body[k], b'+' | b'-') && !matches!(body[k - 1], b'e' | b'E' | b'd' | b'D')
        })
        .unwrap_or(0);
    let (re, im) = body.split_at(split);
    let re = match re {
        [] => 0.0,
        re => parse_real(re.strip_suffix(b"+").unwrap_or(re))?,
    };
    let im = match im {
        [] | b"+" => 1.0,
        b"-" => -1.0,
        im => parse_real(im)?,
    };
    Some(Number::Complex(Complex64::new(re, im)))
}
