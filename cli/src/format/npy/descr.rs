//! Type strings like `<f8`.

use super::super::data::{ElementType, Endian};
use super::super::error::{Fault, excerpt};

/// The element type and byte order that a type string like `<f8` stands for.
pub(super) fn element_type(descr: &[u8]) -> Result<(ElementType, Endian), Fault> {
    let (endian, kind) = match descr {
        [b'<', kind @ ..] => (Some(Endian::Little), kind),
        [b'>', kind @ ..] => (Some(Endian::Big), kind),
        [b'|', kind @ ..] => (None, kind),
        kind => (Some(NATIVE), kind.strip_prefix(b"=").unwrap_or(kind)),
    };
    let (what, advice) = match kind {
        b"b1" | b"?" => return Ok((ElementType::Bool, Endian::Little)),
        b"i1" => return Ok((ElementType::I8, Endian::Little)),
        b"u1" => return Ok((ElementType::U8, Endian::Little)),
        _ => match (wide_type(kind), endian) {
            (Some(element), Some(endian)) => return Ok((element, endian)),
            (Some(_), None) => (
                "a type without byte order",
                "write '<' or '>' in place of '|'",
            ),
            (None, _) => unreadable(kind),
        },
    };
    Err(Fault::ElementType {
        descr: excerpt(descr),
        what,
        advice,
    })
}

#[cfg(target_endian = "little")]
const NATIVE: Endian = Endian::Little;
#[cfg(target_endian = "big")]
const NATIVE: Endian = Endian::Big;

/// The element types of more than one byte.
fn wide_type(kind: &[u8]) -> Option<ElementType> {
    Some(match kind {
        b"i2" => ElementType::I16,
        b"i4" => ElementType::I32,
        b"i8" => ElementType::I64,
        b"u2" => ElementType::U16,
        b"u4" => ElementType::U32,
        b"u8" => ElementType::U64,
        b"f2" => ElementType::F16,
        b"f4" => ElementType::F32,
        b"f8" => ElementType::F64,
        b"c8" => ElementType::Complex32,
        b"c16" => ElementType::Complex64,
        _ => return None,
    })
}

/// What a type is that holds no number we know, and what to do about it.
fn unreadable(kind: &[u8]) -> (&'static str, &'static str) {
    match kind.first() {
        Some(b'f') => (
            "a long double",
            "convert with .astype('float64') before saving",
        ),
        Some(b'c') => (
            "complex long double",
            "convert with .astype('complex128') before saving",
        ),
        Some(b'O') => (
            "Python objects",
            "convert with .astype('float64') before saving",
        ),
        Some(b'S' | b'U' | b'a') => ("text", "convert with .astype('float64') before saving"),
        Some(b'V') => (
            "raw bytes or bfloat16",
            "convert with .astype('float32') before saving",
        ),
        Some(b'M' | b'm') => (
            "dates or times",
            "convert with .astype('int64') before saving",
        ),
        _ => ("unknown", "save a bool, int, uint, float or complex array"),
    }
}
