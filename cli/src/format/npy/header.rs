//! The header of an npy file: a Python dictionary of element type, memory order and shape.

use std::fmt::Write as _;
use std::io::Read;

use super::super::data::{ElementType, Endian};
use super::super::error::{Fault, FormatError, Place, excerpt};
use super::descr::element_type;
use super::fill;

/// Longest header accepted. numpy itself stops at 10000 bytes unless asked.
const LONGEST: u64 = 1 << 20;

/// Most axes accepted, as in numpy.
const MOST_AXES: usize = 64;

/// The order of the elements in memory and file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// Last axis fastest: row after row.
    C,
    /// First axis fastest: column after column.
    Fortran,
}

/// What an npy file says about its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// The type of the elements.
    pub element: ElementType,
    /// Their byte order.
    pub endian: Endian,
    /// Their order.
    pub order: Order,
    /// The length of every axis.
    pub shape: Vec<u64>,
    /// Where the data begins, in bytes from the start of the file.
    pub data_offset: u64,
}

impl Header {
    /// Reads magic, version and header; the reader is left where the data begins.
    ///
    /// # Errors
    ///
    /// [`Fault::Syntax`], [`Fault::Truncated`], [`Fault::NpyVersion`], [`Fault::HeaderLength`],
    /// [`Fault::ElementType`] and [`Fault::TooManyAxes`], each with its byte offset.
    pub fn read(reader: &mut dyn Read) -> Result<Self, FormatError> {
        let mut start = [0; 8];
        exact(reader, &mut start, 0)?;
        let [magic @ .., major, minor] = start;
        if magic != *b"\x93NUMPY" {
            let found = magic.escape_ascii().to_string();
            return Err(FormatError::at(
                Place::Byte(0),
                Fault::Syntax { expected: "npy magic \\x93NUMPY", found },
            ));
        }
        let (length, begin) = match (major, minor) {
            (1, 0) => {
                let mut raw = [0; 2];
                exact(reader, &mut raw, 8)?;
                (u64::from(u16::from_le_bytes(raw)), 10)
            }
            (2 | 3, 0) => {
                let mut raw = [0; 4];
                exact(reader, &mut raw, 8)?;
                (u64::from(u32::from_le_bytes(raw)), 12)
            }
            _ => {
                return Err(FormatError::at(Place::Byte(6), Fault::NpyVersion { major, minor }));
            }
        };
        if length > LONGEST {
            let fault = Fault::HeaderLength { found: length, limit: LONGEST };
            return Err(FormatError::at(Place::Byte(8), fault));
        }
        let mut text = Vec::new();
        reader.take(length).read_to_end(&mut text)?;
        if (text.len() as u64) < length {
            let found = text.len() as u64;
            return Err(FormatError::at(
                Place::Byte(begin + found),
                Fault::Truncated { found, expected: length },
            ));
        }
        Parser { text: &text, at: 0, begin }.header()
    }

    /// The bytes before the data, in version 1.0: magic and header, padded to a multiple of 64.
    ///
    /// # Errors
    ///
    /// [`Fault::TooManyAxes`].
    pub fn encode(
        element: ElementType,
        order: Order,
        shape: &[usize],
    ) -> Result<Vec<u8>, FormatError> {
        const PREFIX: usize = 10;
        if shape.len() > MOST_AXES {
            return Err(FormatError::new(Fault::TooManyAxes {
                found: shape.len(),
                limit: MOST_AXES,
            }));
        }
        let order = match order {
            Order::C => "False",
            Order::Fortran => "True",
        };
        let mut text =
            format!("{{'descr': '{}', 'fortran_order': {order}, 'shape': (", element.descr());
        for (axis, length) in shape.iter().enumerate() {
            let separator = if axis == 0 { "" } else { " " };
            let comma = if shape.len() > 1 && axis + 1 == shape.len() { "" } else { "," };
            let _ = write!(text, "{separator}{length}{comma}");
        }
        text.push_str("), }");
        let length = (PREFIX + text.len() + 1).next_multiple_of(64) - PREFIX;
        text.extend(std::iter::repeat_n(' ', length - 1 - text.len()));
        text.push('\n');
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        let [low, high, ..] = length.to_le_bytes();
        bytes.extend([low, high]);
        bytes.extend(text.bytes());
        Ok(bytes)
    }
}

/// Fills the buffer from byte `offset` of the file, or says how much there was.
fn exact(reader: &mut dyn Read, buffer: &mut [u8], offset: u64) -> Result<(), FormatError> {
    let expected = buffer.len() as u64;
    let found = fill(reader, buffer)? as u64;
    if found < expected {
        return Err(FormatError::at(
            Place::Byte(offset + found),
            Fault::Truncated { found, expected },
        ));
    }
    Ok(())
}

/// Reads just the Python that numpy writes: a dictionary of a string, a boolean and a tuple of
/// integers.
struct Parser<'a> {
    text: &'a [u8],
    at: usize,
    begin: u64,
}

impl<'a> Parser<'a> {
    fn header(mut self) -> Result<Header, FormatError> {
        let (mut descr, mut order, mut shape) = (None, None, None);
        self.expect(b'{', "'{' that opens the header dictionary")?;
        while self.peek() != Some(b'}') {
            let key_at = self.at;
            match self.string("one of the keys 'descr', 'fortran_order', 'shape'")? {
                b"descr" if descr.is_none() => {
                    self.expect(b':', "':' after the key")?;
                    descr = Some(self.descr()?);
                }
                b"fortran_order" if order.is_none() => {
                    self.expect(b':', "':' after the key")?;
                    order = Some(self.order()?);
                }
                b"shape" if shape.is_none() => {
                    self.expect(b':', "':' after the key")?;
                    shape = Some(self.shape()?);
                }
                _ => {
                    self.at = key_at;
                    return Err(
                        self.syntax("each of the keys 'descr', 'fortran_order', 'shape' once")
                    );
                }
            }
            if self.peek() == Some(b',') {
                self.at += 1;
            } else if self.peek() != Some(b'}') {
                return Err(self.syntax("',' or '}' after the value"));
            }
        }
        self.at += 1;
        if self.peek().is_some() {
            return Err(self.syntax("blanks after the header dictionary"));
        }
        let (Some((element, endian)), Some(order), Some(shape)) = (descr, order, shape) else {
            return Err(self.syntax("each of the keys 'descr', 'fortran_order', 'shape' once"));
        };
        let data_offset = self.begin + self.text.len() as u64;
        Ok(Header { element, endian, order, shape, data_offset })
    }

    /// The next byte that is no blank.
    fn peek(&mut self) -> Option<u8> {
        while self.text.get(self.at).is_some_and(u8::is_ascii_whitespace) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn place(&self) -> Place {
        Place::Byte(self.begin + self.at as u64)
    }

    fn syntax(&self, expected: &'static str) -> FormatError {
        let rest = &self.text[self.at.min(self.text.len())..];
        let found =
            if rest.is_empty() { "the end of the header".to_owned() } else { excerpt(rest) };
        FormatError::at(self.place(), Fault::Syntax { expected, found })
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), FormatError> {
        if self.peek() != Some(byte) {
            return Err(self.syntax(expected));
        }
        self.at += 1;
        Ok(())
    }

    fn string(&mut self, expected: &'static str) -> Result<&'a [u8], FormatError> {
        let Some(quote @ (b'\'' | b'"')) = self.peek() else {
            return Err(self.syntax(expected));
        };
        let body = &self.text[self.at + 1..];
        let Some(end) = body.iter().position(|&byte| byte == quote) else {
            return Err(self.syntax(expected));
        };
        self.at += end + 2;
        Ok(&body[..end])
    }

    /// The longest run of letters, digits and signs.
    fn word(&mut self) -> &'a [u8] {
        self.peek();
        let rest = &self.text[self.at..];
        let end = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len());
        &rest[..end]
    }

    fn order(&mut self) -> Result<Order, FormatError> {
        let word = self.word();
        let order = match word {
            b"True" => Order::Fortran,
            b"False" => Order::C,
            _ => return Err(self.syntax("True or False for 'fortran_order'")),
        };
        self.at += word.len();
        Ok(order)
    }

    fn shape(&mut self) -> Result<Vec<u64>, FormatError> {
        const EXPECTED: &str = "a tuple of lengths like (3, 3) for 'shape'";
        let start = self.at;
        self.expect(b'(', EXPECTED)?;
        let mut shape = Vec::new();
        while self.peek() != Some(b')') {
            let word = self.word();
            // Python 2 wrote long integers with an L.
            let digits = word.strip_suffix(b"L").unwrap_or(word);
            let length = std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok());
            shape.push(length.ok_or_else(|| self.syntax(EXPECTED))?);
            self.at += word.len();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b')') if shape.len() > 1 => {}
                _ => return Err(self.syntax(EXPECTED)),
            }
        }
        self.at += 1;
        if shape.len() > MOST_AXES {
            let place = Place::Byte(self.begin + start as u64);
            return Err(FormatError::at(
                place,
                Fault::TooManyAxes { found: shape.len(), limit: MOST_AXES },
            ));
        }
        Ok(shape)
    }

    fn descr(&mut self) -> Result<(ElementType, Endian), FormatError> {
        if matches!(self.peek(), Some(b'[' | b'(')) {
            let fault = Fault::ElementType {
                descr: excerpt(&self.text[self.at..]),
                what: "a structured type",
                advice: "save one field of it, as a['name']",
            };
            return Err(FormatError::at(self.place(), fault));
        }
        let place = self.place();
        let descr = self.string("a type like '<f8' for 'descr'")?;
        element_type(descr).map_err(|fault| FormatError::at(place, fault))
    }
}
