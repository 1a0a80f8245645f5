//! The first line: what the file holds and how.

use super::super::error::{Fault, FormatError, excerpt};

/// How the entries are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// Every entry, column after column.
    Array,
    /// Row, column and value of some entries.
    Coordinate,
}

/// The kind of numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Real,
    Integer,
    Unsigned,
    Complex,
    /// No numbers: the places only.
    Pattern,
}

/// Which entries are stored, and what the others are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Symmetry {
    General,
    Symmetric,
    SkewSymmetric,
    Hermitian,
}

impl Symmetry {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Symmetric => "symmetric",
            Self::SkewSymmetric => "skew-symmetric",
            Self::Hermitian => "hermitian",
        }
    }
}

/// The banner's words.
#[derive(Debug, Clone, Copy)]
pub(super) struct Banner {
    pub(super) layout: Layout,
    pub(super) field: Field,
    pub(super) symmetry: Symmetry,
}

const OBJECTS: &[(&str, ())] = &[("matrix", ())];
const LAYOUTS: &[(&str, Layout)] = &[("array", Layout::Array), ("coordinate", Layout::Coordinate)];
const FIELDS: &[(&str, Field)] = &[
    ("real", Field::Real),
    ("double", Field::Real),
    ("integer", Field::Integer),
    ("unsigned-integer", Field::Unsigned),
    ("complex", Field::Complex),
    ("pattern", Field::Pattern),
];
const SYMMETRIES: &[(&str, Symmetry)] = &[
    ("general", Symmetry::General),
    ("symmetric", Symmetry::Symmetric),
    ("skew-symmetric", Symmetry::SkewSymmetric),
    ("hermitian", Symmetry::Hermitian),
];

impl Banner {
    pub(super) fn parse(line: &[u8]) -> Result<Self, FormatError> {
        let mut words = line
            .split(u8::is_ascii_whitespace)
            .filter(|word| !word.is_empty());
        choose(words.next(), 1, &[("%%MatrixMarket", ())], "%%MatrixMarket")?;
        choose(words.next(), 2, OBJECTS, "matrix")?;
        let layout = choose(words.next(), 3, LAYOUTS, "array or coordinate")?;
        let field = choose(words.next(), 4, FIELDS, "real, integer, complex or pattern")?;
        let symmetry = choose(
            words.next(),
            5,
            SYMMETRIES,
            "general, symmetric, skew-symmetric or hermitian",
        )?;
        if let Some(word) = words.next() {
            let fault = Fault::Banner {
                word: 6,
                found: excerpt(word),
                expected: "the end of the line",
            };
            return Err(FormatError::new(fault));
        }
        let conflict = match (layout, field, symmetry) {
            (Layout::Array, Field::Pattern, _) => ("array", "pattern", "declare it coordinate"),
            (_, Field::Pattern, Symmetry::SkewSymmetric) => {
                ("pattern", "skew-symmetric", "declare it real")
            }
            (_, Field::Unsigned, Symmetry::SkewSymmetric) => {
                ("unsigned-integer", "skew-symmetric", "declare it integer")
            }
            (
                _,
                Field::Real | Field::Integer | Field::Unsigned | Field::Pattern,
                Symmetry::Hermitian,
            ) => ("hermitian", "real", "declare it symmetric"),
            _ => {
                return Ok(Self {
                    layout,
                    field,
                    symmetry,
                });
            }
        };
        let (first, second, advice) = conflict;
        Err(FormatError::new(Fault::BannerConflict {
            first,
            second,
            advice,
        }))
    }
}

/// The meaning of a word, whatever its case.
fn choose<T: Copy>(
    found: Option<&[u8]>,
    word: usize,
    known: &[(&str, T)],
    expected: &'static str,
) -> Result<T, FormatError> {
    let found = found.unwrap_or_default();
    known
        .iter()
        .find(|(name, _)| found.eq_ignore_ascii_case(name.as_bytes()))
        .map(|&(_, meaning)| meaning)
        .ok_or_else(|| {
            FormatError::new(Fault::Banner {
                word,
                found: excerpt(found),
                expected,
            })
        })
}
