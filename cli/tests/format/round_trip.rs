//! What is written reads back equal, whatever the type, shape and format.

use half::f16;
use matinv_cli::format::{
    Compression, Data, Element, ElementType, Fault, Format, Place, Symmetry, WriteOptions,
};
use matinv_cli::with_array;
use ndarray::{ArrayD, IxDyn, ShapeBuilder, array};
use num_complex::{Complex, Complex64};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::{assert_fault, read_bytes, write_bytes};

/// Shapes of up to `axes` axes.
fn shapes(
    axes: impl Into<proptest::collection::SizeRange>,
    smallest: usize,
) -> impl Strategy<Value = Vec<usize>> + Clone {
    vec(smallest..4, axes)
}

/// Arrays in either memory order.
fn arrays<T: Element + std::fmt::Debug>(
    shape: impl Strategy<Value = Vec<usize>>,
    element: impl Strategy<Value = T> + Clone,
) -> impl Strategy<Value = Data> {
    (shape, any::<bool>()).prop_flat_map(move |(shape, fortran)| {
        vec(element.clone(), shape.iter().product::<usize>()).prop_map(move |elements| {
            T::wrap(ArrayD::from_shape_vec(IxDyn(&shape).set_f(fortran), elements).unwrap())
        })
    })
}

/// Every type, every value including not-a-number, infinities and -0.
fn any_data(
    shape: impl Strategy<Value = Vec<usize>> + Clone + 'static,
) -> impl Strategy<Value = Data> {
    use proptest::num::{f32, f64};
    let singles = (f32::ANY, f32::ANY).prop_map(|(re, im)| Complex { re, im });
    let doubles = (f64::ANY, f64::ANY).prop_map(|(re, im)| Complex { re, im });
    proptest::strategy::Union::new([
        arrays(shape.clone(), any::<bool>()).boxed(),
        arrays(shape.clone(), any::<i8>()).boxed(),
        arrays(shape.clone(), any::<i16>()).boxed(),
        arrays(shape.clone(), any::<i32>()).boxed(),
        arrays(shape.clone(), any::<i64>()).boxed(),
        arrays(shape.clone(), any::<u8>()).boxed(),
        arrays(shape.clone(), any::<u16>()).boxed(),
        arrays(shape.clone(), any::<u32>()).boxed(),
        arrays(shape.clone(), any::<u64>()).boxed(),
        arrays(shape.clone(), any::<u16>().prop_map(f16::from_bits)).boxed(),
        arrays(shape.clone(), f32::ANY).boxed(),
        arrays(shape.clone(), f64::ANY).boxed(),
        arrays(shape.clone(), singles).boxed(),
        arrays(shape, doubles).boxed(),
    ])
}

/// What a text format makes of the type: float64 or complex128.
fn as_text(data: &Data) -> Data {
    match data {
        Data::Bool(array) => Data::F64(array.mapv(|x| f64::from(u8::from(x)))),
        Data::I8(array) => Data::F64(array.mapv(f64::from)),
        Data::I16(array) => Data::F64(array.mapv(f64::from)),
        Data::I32(array) => Data::F64(array.mapv(f64::from)),
        Data::I64(array) => Data::F64(array.mapv(|x| x as f64)),
        Data::U8(array) => Data::F64(array.mapv(f64::from)),
        Data::U16(array) => Data::F64(array.mapv(f64::from)),
        Data::U32(array) => Data::F64(array.mapv(f64::from)),
        Data::U64(array) => Data::F64(array.mapv(|x| x as f64)),
        Data::F64(array) => Data::F64(array.clone()),
        Data::Complex64(array) => Data::Complex64(array.clone()),
        // The decimals are the shortest for the type, so they are compared in it.
        Data::F16(_) | Data::F32(_) | Data::Complex32(_) => data.clone(),
    }
}

/// What Matrix Market makes of the type: integers stay integers.
fn as_matrix_market(data: &Data) -> Data {
    match data {
        Data::Bool(array) => Data::I64(array.mapv(i64::from)),
        Data::I8(array) => Data::I64(array.mapv(i64::from)),
        Data::I16(array) => Data::I64(array.mapv(i64::from)),
        Data::I32(array) => Data::I64(array.mapv(i64::from)),
        Data::U8(array) => Data::I64(array.mapv(i64::from)),
        Data::U16(array) => Data::I64(array.mapv(i64::from)),
        Data::U32(array) => Data::I64(array.mapv(i64::from)),
        Data::I64(_) | Data::U64(_) => data.clone(),
        _ => as_text(data),
    }
}

/// Rounds what was read from text to the precision of what was written.
#[expect(clippy::cast_possible_truncation, reason = "that is the point")]
fn rounded(found: Data, written: &Data) -> Data {
    match (found, written) {
        (Data::F64(array), Data::F16(_)) => Data::F16(array.mapv(f16::from_f64)),
        (Data::F64(array), Data::F32(_)) => Data::F32(array.mapv(|x| x as f32)),
        (Data::Complex64(array), Data::Complex32(_)) => Data::Complex32(array.mapv(|z| Complex {
            re: z.re as f32,
            im: z.im as f32,
        })),
        (found, _) => found,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn npy_and_npz_keep_everything(data in any_data(shapes(0..5, 0)), gzip in any::<bool>()) {
        for format in [Format::Npy, Format::Npz] {
            let compression = if gzip { Compression::Gzip } else { Compression::None };
            let options = WriteOptions { compression, ..WriteOptions::new(format) };
            let found = read_bytes(&write_bytes(&data, &options).unwrap()).unwrap();
            prop_assert!(found.same(&data), "{found:?}");
        }
    }

    #[test]
    fn text_keeps_every_number(data in any_data(shapes(2, 1)), gzip in any::<bool>()) {
        for format in [Format::Csv, Format::Tsv, Format::Text] {
            let compression = if gzip { Compression::Gzip } else { Compression::None };
            let options = WriteOptions { compression, ..WriteOptions::new(format) };
            let found = rounded(read_bytes(&write_bytes(&data, &options).unwrap()).unwrap(), &data);
            prop_assert!(found.same(&as_text(&data)), "{found:?}");
        }
    }

    #[test]
    fn matrix_market_keeps_every_number(data in any_data(shapes(2, 0))) {
        let bytes = write_bytes(&data, &WriteOptions::new(Format::MatrixMarket)).unwrap();
        let found = rounded(read_bytes(&bytes).unwrap(), &data);
        prop_assert!(found.same(&as_matrix_market(&data)), "{found:?}");
    }

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in vec(any::<u8>(), 0..200)) {
        for prefix in [&b""[..], b"\x93NUMPY\x01\x00", b"%%MatrixMarket matrix ", b"PK\x03\x04", b"\x1f\x8b\x08\x00"] {
            let _ = read_bytes(&[prefix, &bytes].concat());
        }
    }
}

#[test]
fn every_type_is_written_and_read() {
    struct Zeros;
    impl matinv_cli::format::ElementVisitor for Zeros {
        type Output = Data;

        fn visit<T: Element>(self) -> Data {
            let bytes = vec![0; T::SIZE];
            let zero = T::decode(&bytes, matinv_cli::format::Endian::Little).unwrap();
            T::wrap(ArrayD::from_elem(vec![2, 2], zero))
        }
    }
    for &element in ElementType::ALL {
        let data = element.visit(Zeros);
        assert_eq!(data.element_type(), element);
        assert_eq!(data.type_name(), element.name());
        assert_eq!(with_array!(&data, array => array.len()), 4);
        for format in Format::ALL {
            let bytes = write_bytes(&data, &WriteOptions::new(format)).unwrap();
            assert_eq!(
                read_bytes(&bytes).unwrap().shape(),
                [2, 2],
                "{} {format}",
                element.name()
            );
        }
    }
}

#[test]
fn fortran_order_is_written_as_it_lies() {
    let bytes = write_bytes(
        &Data::F64(array![[1.0, 2.0], [3.0, 4.0]].reversed_axes().into_dyn()),
        &WriteOptions::new(Format::Npy),
    )
    .unwrap();
    assert!(bytes[..128].windows(4).any(|word| word == b"True"));
    assert_eq!(bytes.len(), 128 + 32);
    assert_eq!(bytes[128..136], 1_f64.to_le_bytes());
}

#[test]
fn text_is_the_shortest_that_numpy_reads() {
    let text = |data: &Data| {
        String::from_utf8(write_bytes(data, &WriteOptions::new(Format::Csv)).unwrap()).unwrap()
    };
    let reals = array![[0.1, 1e22, -0.0], [f64::NAN, f64::NEG_INFINITY, 3.0]];
    assert_eq!(
        text(&Data::F64(reals.into_dyn())),
        "0.1,1e22,-0\nnan,-inf,3\n"
    );
    let complex = array![[Complex64::new(1.0, 2.0), Complex64::new(0.5, -1e-9)]];
    assert_eq!(
        text(&Data::Complex64(complex.into_dyn())),
        "1+2j,0.5-1e-9j\n"
    );
    assert_eq!(text(&Data::F32(array![[0.1_f32]].into_dyn())), "0.1\n");
    let half = array![[
        f16::from_f64(0.1),
        f16::from_f64(1.0 / 3.0),
        f16::MAX,
        f16::from_bits(1)
    ]];
    assert_eq!(text(&Data::F16(half.into_dyn())), "0.1,0.3333,65500,6e-8\n");
}

#[test]
fn symmetric_output_stores_the_lower_triangle() {
    let options = WriteOptions {
        symmetry: Symmetry::Symmetric,
        ..WriteOptions::new(Format::MatrixMarket)
    };
    let symmetric = Data::F64(array![[1.0, 2.0], [2.0, 3.0]].into_dyn());
    let bytes = write_bytes(&symmetric, &options).unwrap();
    assert_eq!(
        bytes,
        b"%%MatrixMarket matrix array real symmetric\n2 2\n1\n2\n3\n"
    );
    assert_eq!(read_bytes(&bytes).unwrap(), symmetric);

    let options = WriteOptions {
        symmetry: Symmetry::Hermitian,
        ..options
    };
    let z = Complex64::new(1.0, 2.0);
    let hermitian = Data::Complex64(array![[z.re.into(), z.conj()], [z, z.im.into()]].into_dyn());
    let bytes = write_bytes(&hermitian, &options).unwrap();
    assert_eq!(
        bytes,
        b"%%MatrixMarket matrix array complex hermitian\n2 2\n1 0\n1 2\n2 0\n"
    );
    assert_eq!(read_bytes(&bytes).unwrap(), hermitian);

    let nan = Data::Complex64(ArrayD::from_elem(
        vec![2, 2],
        Complex64::new(f64::NAN, f64::NAN),
    ));
    let bytes = write_bytes(&nan, &options).unwrap();
    assert!(read_bytes(&bytes).unwrap().same(&nan));

    let general = Data::F64(array![[1.0, 2.0], [9.0, 3.0]].into_dyn());
    let fault = write_bytes(&general, &options);
    assert_fault!(
        fault,
        Place::Whole,
        Fault::NotSymmetric {
            row: 2,
            column: 1,
            symmetry: "hermitian"
        }
    );
    let tall = Data::F64(array![[1.0], [2.0]].into_dyn());
    assert_fault!(
        write_bytes(&tall, &options),
        Place::Whole,
        Fault::NotSquare {
            rows: 2,
            columns: 1,
            ..
        }
    );
}

#[test]
fn formats_of_one_matrix_refuse_stacks() {
    let stack = Data::F64(ArrayD::zeros(vec![2, 3, 3]));
    for format in [Format::MatrixMarket, Format::Csv, Format::Tsv, Format::Text] {
        let result = write_bytes(&stack, &WriteOptions::new(format));
        assert_fault!(result, Place::Whole, Fault::NotAMatrix { format: f, shape } if *f == format && shape == &[2, 3, 3]);
    }
    let empty = Data::F64(ArrayD::zeros(vec![0, 3]));
    for format in [Format::Csv, Format::Tsv, Format::Text] {
        let result = write_bytes(&empty, &WriteOptions::new(format));
        assert_fault!(result, Place::Whole, Fault::NoElements { shape, .. } if shape == &[0, 3]);
    }
}

#[test]
fn npz_keys_that_no_file_can_bear_are_refused() {
    for key in ["", "a/b", "a\0"] {
        let options = WriteOptions {
            key: key.to_owned(),
            ..WriteOptions::new(Format::Npz)
        };
        let result = write_bytes(&Data::F64(ArrayD::zeros(vec![1, 1])), &options);
        assert_fault!(result, Place::Whole, Fault::BadKey { key: found } if found == key);
    }
}
