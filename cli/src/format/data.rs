//! An array of any element type a file may hold.

use half::f16;
use ndarray::{ArrayD, ArrayViewD};
use num_complex::{Complex32, Complex64};

use super::number::{push_complex, push_display, push_half, push_real};

mod sealed {
    pub trait Sealed {}
}

/// The byte order of numbers in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Least significant byte first.
    Little,
    /// Most significant byte first.
    Big,
}

/// The field a Matrix Market file declares for a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Field {
    Real,
    Integer,
    Unsigned,
    Complex,
}

/// A number type that files can hold. Implemented for the fourteen types of [`Data`] only.
pub trait Element: Copy + PartialEq + sealed::Sealed + Send + Sync + 'static {
    /// The type in numpy's words, as `float64`.
    const NAME: &'static str;
    /// The type.
    const TYPE: ElementType;
    /// Bytes per element in memory and in npy files.
    const SIZE: usize;

    /// Wraps an array of this type.
    fn wrap(array: ArrayD<Self>) -> Data;

    #[doc(hidden)]
    #[expect(private_interfaces, reason = "the trait is sealed, its hidden items are ours alone")]
    const FIELD: Field;
    /// Decodes one element from exactly `SIZE` bytes; `Err` holds a byte no boolean has.
    #[doc(hidden)]
    fn decode(bytes: &[u8], endian: Endian) -> Result<Self, u8>;
    /// Appends the element's little-endian bytes.
    #[doc(hidden)]
    fn encode(self, out: &mut Vec<u8>);
    /// Appends the element as text: the shortest decimals that read back equal, complex as `1+2j`.
    #[doc(hidden)]
    fn push_text(self, out: &mut String);
    /// Appends real and imaginary part separated by a blank; a real number alone.
    #[doc(hidden)]
    fn push_parts(self, out: &mut String) {
        self.push_text(out);
    }
    /// The complex conjugate.
    #[doc(hidden)]
    #[must_use]
    fn conjugate(self) -> Self {
        self
    }
    /// Whether two elements are equal, not-a-number being equal to itself.
    #[doc(hidden)]
    fn same(self, other: Self) -> bool {
        self == other
    }
}

/// Generic code to run for an [`ElementType`].
pub trait ElementVisitor {
    /// What it returns.
    type Output;

    /// The code.
    fn visit<T: Element>(self) -> Self::Output;
}

/// Declares [`Data`], its methods, and [`Element`] for each of its types.
macro_rules! declare {
    ($($(#[$doc:meta])* $variant:ident($type:ty) $name:literal $descr:literal $field:ident $size:literal { $($body:tt)* })*) => {
        /// The type of the elements of a [`Data`].
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ElementType {
            $($(#[$doc])* $variant,)*
        }

        impl ElementType {
            /// Every type.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The type in numpy's words, as `float64`.
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The type as an npy header spells it, little endian, as `<f8`.
            pub fn descr(self) -> &'static str {
                match self { $(Self::$variant => $descr,)* }
            }

            /// Bytes per element.
            pub fn size(self) -> usize {
                match self { $(Self::$variant => $size,)* }
            }

            /// Runs generic code for this type.
            pub fn visit<V: ElementVisitor>(self, visitor: V) -> V::Output {
                match self { $(Self::$variant => visitor.visit::<$type>(),)* }
            }
        }

        /// An array read from a file, in the element type and memory order of the file.
        ///
        /// [`with_array!`](crate::with_array) runs generic code on whichever array it holds.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Data {
            $($(#[$doc])* $variant(ArrayD<$type>),)*
        }

        impl Data {
            /// The type of the elements.
            pub fn element_type(&self) -> ElementType {
                match self { $(Self::$variant(_) => ElementType::$variant,)* }
            }

            /// The type in numpy's words, as `float64`.
            pub fn type_name(&self) -> &'static str {
                self.element_type().name()
            }

            /// The length of every axis.
            pub fn shape(&self) -> &[usize] {
                match self { $(Self::$variant(array) => array.shape(),)* }
            }

            /// The number of elements.
            #[expect(clippy::len_without_is_empty, reason = "a count of elements, not a collection")]
            pub fn len(&self) -> usize {
                match self { $(Self::$variant(array) => array.len(),)* }
            }

            /// Bytes of memory the elements take.
            pub fn bytes(&self) -> u64 {
                self.len() as u64 * self.element_type().size() as u64
            }
        }

        $(
            impl sealed::Sealed for $type {}

            impl Element for $type {
                const NAME: &'static str = $name;
                const TYPE: ElementType = ElementType::$variant;
                const SIZE: usize = $size;
                #[expect(private_interfaces, reason = "the trait is sealed, its hidden items are ours alone")]
                const FIELD: Field = Field::$field;

                fn wrap(array: ArrayD<Self>) -> Data {
                    Data::$variant(array)
                }

                $($body)*
            }

            impl From<ArrayD<$type>> for Data {
                fn from(array: ArrayD<$type>) -> Self {
                    Self::$variant(array)
                }
            }
        )*
    };
}

/// The items of [`Element`] for an integer or real type; `$push` writes it as text.
macro_rules! real_items {
    ($type:ty, $size:literal, $push:expr) => {
        fn decode(bytes: &[u8], endian: Endian) -> Result<Self, u8> {
            let mut raw = [0; $size];
            raw.copy_from_slice(bytes);
            Ok(match endian {
                Endian::Little => <$type>::from_le_bytes(raw),
                Endian::Big => <$type>::from_be_bytes(raw),
            })
        }

        fn encode(self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.to_le_bytes());
        }

        fn push_text(self, out: &mut String) {
            $push(self, out);
        }
    };
}

/// The item of [`Element`] that makes not-a-number equal to itself.
macro_rules! float_same {
    () => {
        fn same(self, other: Self) -> bool {
            self == other || (self.is_nan() && other.is_nan())
        }
    };
}

/// The items of [`Element`] for a complex type of two `$part`s.
macro_rules! complex_items {
    ($part:ty, $size:literal) => {
        fn decode(bytes: &[u8], endian: Endian) -> Result<Self, u8> {
            let (re, im) = bytes.split_at($size / 2);
            Ok(Self::new(<$part>::decode(re, endian)?, <$part>::decode(im, endian)?))
        }

        fn encode(self, out: &mut Vec<u8>) {
            self.re.encode(out);
            self.im.encode(out);
        }

        fn push_text(self, out: &mut String) {
            push_complex(self.re, self.im, out);
        }

        fn push_parts(self, out: &mut String) {
            push_real(self.re, out);
            out.push(' ');
            push_real(self.im, out);
        }

        fn conjugate(self) -> Self {
            self.conj()
        }

        fn same(self, other: Self) -> bool {
            self.re.same(other.re) && self.im.same(other.im)
        }
    };
}

declare! {
    /// Booleans.
    Bool(bool) "bool" "|b1" Integer 1 {
        fn decode(bytes: &[u8], _: Endian) -> Result<Self, u8> {
            match bytes {
                [0] => Ok(false),
                [1] => Ok(true),
                other => Err(other.first().copied().unwrap_or_default()),
            }
        }

        fn encode(self, out: &mut Vec<u8>) {
            out.push(u8::from(self));
        }

        fn push_text(self, out: &mut String) {
            out.push(if self { '1' } else { '0' });
        }
    }
    /// Signed integers of 8 bits.
    I8(i8) "int8" "|i1" Integer 1 { real_items!(i8, 1, push_display); }
    /// Signed integers of 16 bits.
    I16(i16) "int16" "<i2" Integer 2 { real_items!(i16, 2, push_display); }
    /// Signed integers of 32 bits.
    I32(i32) "int32" "<i4" Integer 4 { real_items!(i32, 4, push_display); }
    /// Signed integers of 64 bits.
    I64(i64) "int64" "<i8" Integer 8 { real_items!(i64, 8, push_display); }
    /// Unsigned integers of 8 bits.
    U8(u8) "uint8" "|u1" Integer 1 { real_items!(u8, 1, push_display); }
    /// Unsigned integers of 16 bits.
    U16(u16) "uint16" "<u2" Integer 2 { real_items!(u16, 2, push_display); }
    /// Unsigned integers of 32 bits.
    U32(u32) "uint32" "<u4" Integer 4 { real_items!(u32, 4, push_display); }
    /// Unsigned integers of 64 bits.
    U64(u64) "uint64" "<u8" Unsigned 8 { real_items!(u64, 8, push_display); }
    /// Half precision.
    F16(f16) "float16" "<f2" Real 2 { real_items!(f16, 2, push_half); float_same!(); }
    /// Single precision.
    F32(f32) "float32" "<f4" Real 4 { real_items!(f32, 4, push_real); float_same!(); }
    /// Double precision.
    F64(f64) "float64" "<f8" Real 8 { real_items!(f64, 8, push_real); float_same!(); }
    /// Complex numbers of two single-precision parts.
    Complex32(Complex32) "complex64" "<c8" Complex 8 { complex_items!(f32, 8); }
    /// Complex numbers of two double-precision parts.
    Complex64(Complex64) "complex128" "<c16" Complex 16 { complex_items!(f64, 16); }
}

impl Data {
    /// Whether shape, element type and every element are equal, not-a-number being equal to itself.
    pub fn same(&self, other: &Self) -> bool {
        fn same<T: Element>(a: &ArrayViewD<'_, T>, b: &ArrayViewD<'_, T>) -> bool {
            a.shape() == b.shape() && a.iter().zip(b.iter()).all(|(&x, &y)| x.same(y))
        }
        macro_rules! pairs {
            ($($variant:ident)*) => {
                match (self, other) {
                    $((Self::$variant(a), Self::$variant(b)) => same(&a.view(), &b.view()),)*
                    _ => false,
                }
            };
        }
        pairs!(Bool I8 I16 I32 I64 U8 U16 U32 U64 F16 F32 F64 Complex32 Complex64)
    }
}

/// Runs an expression on the array inside a [`Data`], whatever its element
/// type.
///
/// ```
/// use matinv_cli::{format::Data, with_array};
///
/// let data = Data::from(ndarray::ArrayD::<f32>::zeros(vec![2, 3]));
/// assert_eq!(with_array!(&data, array => array.ndim()), 2);
/// ```
#[macro_export]
macro_rules! with_array {
    ($data:expr, $array:ident => $body:expr) => {
        match $data {
            $crate::format::Data::Bool($array) => $body,
            $crate::format::Data::I8($array) => $body,
            $crate::format::Data::I16($array) => $body,
            $crate::format::Data::I32($array) => $body,
            $crate::format::Data::I64($array) => $body,
            $crate::format::Data::U8($array) => $body,
            $crate::format::Data::U16($array) => $body,
            $crate::format::Data::U32($array) => $body,
            $crate::format::Data::U64($array) => $body,
            $crate::format::Data::F16($array) => $body,
            $crate::format::Data::F32($array) => $body,
            $crate::format::Data::F64($array) => $body,
            $crate::format::Data::Complex32($array) => $body,
            $crate::format::Data::Complex64($array) => $body,
        }
    };
}
