//! The numbers of an entry.

use num_complex::Complex64;

use super::super::data::Element;
use super::super::error::{Fault, excerpt};
use super::super::number::parse_real;

/// A type that a Matrix Market field is read into.
pub(super) trait Entry: Element {
    const ZERO: Self;
    const ONE: Self;
    /// Numbers per entry.
    const PARTS: usize;
    /// The numbers of an entry; `first` is the field, counted from 1, where they begin.
    fn parse(fields: &[&[u8]], first: usize) -> Result<Self, Fault>;
    fn plus(self, other: Self) -> Option<Self>;
    fn negated(self) -> Option<Self>;
    /// Whether it may stand on the diagonal of a hermitian matrix. Not-a-number may: a matrix of
    /// nothing else, as for a failed inversion, is written as hermitian where that was asked for.
    fn is_real(self) -> bool {
        true
    }
}

fn real(field: &[u8], position: usize) -> Result<f64, Fault> {
    parse_real(field).ok_or_else(|| Fault::NotANumber {
        field: position,
        found: excerpt(field),
        expected: "a real number",
    })
}

impl Entry for f64 {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const PARTS: usize = 1;

    fn parse(fields: &[&[u8]], first: usize) -> Result<Self, Fault> {
        real(fields[0], first)
    }

    fn plus(self, other: Self) -> Option<Self> {
        Some(self + other)
    }

    fn negated(self) -> Option<Self> {
        Some(-self)
    }
}

impl Entry for Complex64 {
    const ZERO: Self = Self::new(0.0, 0.0);
    const ONE: Self = Self::new(1.0, 0.0);
    const PARTS: usize = 2;

    fn parse(fields: &[&[u8]], first: usize) -> Result<Self, Fault> {
        Ok(Self::new(real(fields[0], first)?, real(fields[1], first + 1)?))
    }

    fn plus(self, other: Self) -> Option<Self> {
        Some(self + other)
    }

    fn negated(self) -> Option<Self> {
        Some(-self)
    }

    fn is_real(self) -> bool {
        self.im == 0.0 || self.im.is_nan()
    }
}

/// Implements [`Entry`] for an integer type.
macro_rules! integer_entry {
    ($type:ty) => {
        impl Entry for $type {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const PARTS: usize = 1;

            fn parse(fields: &[&[u8]], first: usize) -> Result<Self, Fault> {
                let text = fields[0];
                std::str::from_utf8(text).ok().and_then(|text| text.parse().ok()).ok_or_else(|| {
                    let digits =
                        text.strip_prefix(b"-").or(text.strip_prefix(b"+")).unwrap_or(text);
                    let found = excerpt(text);
                    if !digits.is_empty() && digits.iter().all(u8::is_ascii_digit) {
                        Fault::IntegerRange { field: first, found, expected: Self::NAME }
                    } else {
                        Fault::NotANumber { field: first, found, expected: "an integer" }
                    }
                })
            }

            fn plus(self, other: Self) -> Option<Self> {
                self.checked_add(other)
            }

            fn negated(self) -> Option<Self> {
                self.checked_neg()
            }
        }
    };
}

integer_entry!(i64);
integer_entry!(u64);
