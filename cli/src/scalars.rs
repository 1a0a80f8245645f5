//! Arrays in the four types that inverses are computed in. Whatever else a file holds is converted
//! to one of them first: the computation is compiled for four types, not for fourteen.

use crate::format::Data;
use matinv::num_complex::{Complex32, Complex64};
use matinv::{Element, Error};
use ndarray::{ArrayD, ShapeBuilder};

/// An array in a type that inverses are computed in.
pub(crate) enum Scalars {
    F32(ArrayD<f32>),
    F64(ArrayD<f64>),
    Complex32(ArrayD<Complex32>),
    Complex64(ArrayD<Complex64>),
}

impl Scalars {
    /// The array in the type that its inverses have, and in its memory order.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`].
    pub(crate) fn of(data: Data) -> Result<Self, Error> {
        Ok(match data {
            Data::Bool(a) => Scalars::F64(converted(&a)?),
            Data::I8(a) => Scalars::F64(converted(&a)?),
            Data::I16(a) => Scalars::F64(converted(&a)?),
            Data::I32(a) => Scalars::F64(converted(&a)?),
            Data::I64(a) => Scalars::F64(converted(&a)?),
            Data::U8(a) => Scalars::F64(converted(&a)?),
            Data::U16(a) => Scalars::F64(converted(&a)?),
            Data::U32(a) => Scalars::F64(converted(&a)?),
            Data::U64(a) => Scalars::F64(converted(&a)?),
            Data::F16(a) => Scalars::F32(converted(&a)?),
            Data::F32(a) => Scalars::F32(a),
            Data::F64(a) => Scalars::F64(a),
            Data::Complex32(a) => Scalars::Complex32(a),
            Data::Complex64(a) => Scalars::Complex64(a),
        })
    }
}

fn converted<A: Element>(a: &ArrayD<A>) -> Result<ArrayD<A::Scalar>, Error> {
    let bytes = a.len().saturating_mul(size_of::<A::Scalar>());
    let refused = || Error::OutOfMemory { bytes };
    let mut elements = Vec::new();
    elements.try_reserve_exact(a.len()).map_err(|_| refused())?;
    let (in_order, is_fortran) = match a.as_slice() {
        Some(slice) => (Some(slice), false),
        // Readers leave no gaps.
        None => (a.as_slice_memory_order(), true),
    };
    match in_order {
        Some(slice) => elements.extend(slice.iter().map(|x| x.to_scalar())),
        None => elements.extend(a.iter().map(|x| x.to_scalar())),
    }
    let shape = a.raw_dim().set_f(is_fortran && in_order.is_some());
    ArrayD::from_shape_vec(shape, elements).map_err(|_| refused())
}

/// Runs an expression on the array inside a [`Scalars`], whatever its type.
macro_rules! with_scalars {
    ($scalars:expr, $array:ident => $body:expr) => {
        match $scalars {
            $crate::scalars::Scalars::F32($array) => $body,
            $crate::scalars::Scalars::F64($array) => $body,
            $crate::scalars::Scalars::Complex32($array) => $body,
            $crate::scalars::Scalars::Complex64($array) => $body,
        }
    };
}
pub(crate) use with_scalars;

#[cfg(test)]
mod tests {
    use super::*;
    use half::f16;
    use ndarray::IxDyn;

    #[test]
    fn elements_keep_their_places_and_their_memory_order() {
        for fortran in [false, true] {
            let shape = IxDyn(&[2, 3, 3]).set_f(fortran);
            let a = ArrayD::from_shape_vec(shape, (0..18_i64).map(|x| x << 54).collect()).unwrap();
            let Ok(Scalars::F64(x)) = Scalars::of(a.clone().into()) else { panic!("no float64") };
            assert_eq!(x.strides(), a.strides());
            assert_eq!(x, a.map(|&x| x as f64));
        }
    }

    #[test]
    fn integers_are_rounded_and_half_precision_becomes_single() {
        let shape = || IxDyn(&[1, 1]);
        let a = ArrayD::from_elem(shape(), (1_u64 << 53) + 1);
        let Ok(Scalars::F64(x)) = Scalars::of(a.into()) else { panic!("no float64") };
        assert_eq!(x[[0, 0]], 9_007_199_254_740_992.0);
        let a = ArrayD::from_elem(shape(), f16::from_f32(0.1));
        let Ok(Scalars::F32(x)) = Scalars::of(a.into()) else { panic!("no float32") };
        assert_eq!(x[[0, 0]], f16::from_f32(0.1).to_f32());
    }
}
