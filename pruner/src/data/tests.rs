//! Tests of reading, matching and refusing data.

use super::{
    Array, DataError, Dataset, Elements, Preprocess, Targets, npy, read_npy, to_bytes, write_npy,
};
use crate::ir::{DType, Order, Quant, Shape, Source, Tensor};
use std::io::Write;
use std::path::PathBuf;

/// A directory that disappears with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("nnz-data-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn npz(&self, arrays: &[(&str, Vec<u8>)]) -> PathBuf {
        let path = self.0.join("data.npz");
        let mut zip = zip::ZipWriter::new(std::fs::File::create(&path).unwrap());
        for (name, bytes) in arrays {
            zip.start_file(
                format!("{name}.npy"),
                zip::write::SimpleFileOptions::default(),
            )
            .unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap();
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn array(shape: &[usize], elements: Elements) -> Array {
    Array::new(shape.to_vec(), elements).unwrap()
}

fn ramp(shape: &[usize]) -> Array {
    let n = u16::try_from(shape.iter().product::<usize>()).unwrap();
    array(shape, Elements::F32((0..n).map(f32::from).collect()))
}

fn input(shape: Shape, order: Order) -> Tensor {
    let dims = match order {
        Order::Nchw => vec![1, shape.c, shape.h, shape.w],
        Order::Nhwc => vec![1, shape.h, shape.w, shape.c],
    };
    let source = Source { dims, order };
    Tensor {
        name: "input".into(),
        shape,
        dtype: DType::F32,
        quant: None,
        source,
    }
}

fn raw(descr: &str, shape: &str, fortran: &str, data: &[u8]) -> Vec<u8> {
    let header =
        format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend(u16::try_from(header.len()).unwrap().to_le_bytes());
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

fn read(bytes: &[u8]) -> Result<Array, String> {
    npy::read(&mut &bytes[..])
}

#[test]
fn arrays_survive_writing_and_reading() {
    let scratch = Scratch::new("round-trip");
    let path = scratch.0.join("a.npy");
    for a in [
        ramp(&[2, 3, 4]),
        ramp(&[5]),
        array(&[], Elements::S64(vec![-7])),
        array(&[3, 1], Elements::S8(vec![-128, 0, 127])),
        array(&[2, 2], Elements::U8(vec![0, 1, 254, 255])),
        array(&[0, 4], Elements::U8(vec![])),
    ] {
        write_npy(&path, &a).unwrap();
        assert_eq!(read_npy(&path).unwrap(), a);
        assert_eq!(
            (to_bytes(&a).len() - a.elements.len() * width(&a)) % 64,
            0,
            "header is not aligned"
        );
    }
}

fn width(a: &Array) -> usize {
    match a.elements {
        Elements::F32(_) => 4,
        Elements::U8(_) | Elements::S8(_) => 1,
        Elements::S64(_) => 8,
    }
}

#[test]
fn every_numeric_type_of_numpy_is_understood() {
    let cases: [(&str, Vec<u8>, Elements); 8] = [
        (
            "<f8",
            1.5f64.to_le_bytes().to_vec(),
            Elements::F32(vec![1.5]),
        ),
        (
            ">f4",
            (-2.25f32).to_be_bytes().to_vec(),
            Elements::F32(vec![-2.25]),
        ),
        ("<f2", vec![0x00, 0x3e], Elements::F32(vec![1.5])),
        (
            "<f2",
            vec![0x01, 0x80],
            Elements::F32(vec![-1.0 / 16_777_216.0]),
        ),
        ("<i2", vec![0xfe, 0xff], Elements::S64(vec![-2])),
        (">u2", vec![0x01, 0x02], Elements::S64(vec![258])),
        ("|b1", vec![1], Elements::S64(vec![1])),
        (
            "<i4",
            vec![0, 0, 0, 0x80],
            Elements::S64(vec![i64::from(i32::MIN)]),
        ),
    ];
    for (descr, bytes, expected) in cases {
        let found = read(&raw(descr, "(1,)", "False", &bytes)).unwrap();
        assert_eq!(found.elements, expected, "{descr}");
    }
}

#[test]
fn fortran_order_is_turned_into_c_order() {
    let found = read(&raw("|u1", "(2, 3)", "True", &[1, 4, 2, 5, 3, 6])).unwrap();
    assert_eq!(found, array(&[2, 3], Elements::U8(vec![1, 2, 3, 4, 5, 6])));
}

#[test]
fn broken_headers_and_impossible_shapes_are_refused_before_memory_is_taken() {
    let huge = "(18446744073709551615, 18446744073709551615)";
    for (bytes, reason) in [
        (b"PK\x03\x04 not numpy".to_vec(), ".npy format"),
        (Vec::new(), ".npy format"),
        (
            b"\x93NUMPY\x02\x00\xff\xff\xff\xff".to_vec(),
            "header claims 4294967295 bytes",
        ),
        (raw("<f4", huge, "False", &[]), "exceeds"),
        (raw("<f4", "(99999999999,)", "False", &[]), "exceeds"),
        (raw("<f4", "(-1,)", "False", &[]), "not understood"),
        (
            raw("<f4", "(4,)", "False", &[0; 15]),
            "needs 16 bytes of elements, 15 are there",
        ),
        (
            raw("<U5", "(1,)", "False", &[0; 20]),
            "'<U5' is not supported",
        ),
        (raw("|O", "(1,)", "False", &[0; 8]), "'|O' is not supported"),
        (raw("<u8", "(1,)", "False", &[0xff; 8]), "exceeds 2^63"),
        (
            raw(&"(".repeat(60_000), "(1,)", "False", &[]),
            "not supported",
        ),
    ] {
        let found = read(&bytes).unwrap_err();
        assert!(found.contains(reason), "{found:.120} lacks {reason}");
    }
}

#[test]
fn an_archive_gives_samples_and_labels() {
    let scratch = Scratch::new("labels");
    let y = array(&[2], Elements::S64(vec![3, 0]));
    let path = scratch.npz(&[("x", to_bytes(&ramp(&[2, 3, 1, 1]))), ("y", to_bytes(&y))]);
    let data = Dataset::open(&path).unwrap();
    assert_eq!((data.len(), data.dims()), (2, &[3, 1, 1][..]));
    assert_eq!(data.labels(), Some(&[3, 0][..]));
    assert_eq!(super::array_names(&path).unwrap(), ["x", "y"]);
}

#[test]
fn float_targets_are_no_labels() {
    let data = Dataset::new("m", "x", ramp(&[2, 1]), Some(ramp(&[2, 1]))).unwrap();
    assert_eq!(data.labels(), None);
    assert_eq!(*data.targets(), Targets::Values(ramp(&[2, 1])));
}

#[test]
fn every_truncation_of_an_archive_is_an_error_or_the_whole_data() {
    let scratch = Scratch::new("truncated");
    let path = scratch.npz(&[("x", to_bytes(&ramp(&[4, 9])))]);
    let bytes = std::fs::read(&path).unwrap();
    for len in 0..bytes.len() {
        std::fs::write(&path, &bytes[..len]).unwrap();
        assert!(
            Dataset::open(&path).is_err(),
            "{len} of {} bytes were accepted",
            bytes.len()
        );
    }
}

#[test]
fn errors_name_file_and_array_and_what_is_there() {
    let scratch = Scratch::new("errors");
    let path = scratch.npz(&[
        ("images", to_bytes(&ramp(&[1]))),
        ("y", to_bytes(&ramp(&[1]))),
    ]);
    let text = Dataset::open(&path).unwrap_err().to_string();
    assert!(
        text.contains("data.npz: has no array 'x' (found: images, y)"),
        "{text}"
    );
    let missing = Dataset::open(&scratch.0.join("no.npz"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("no.npz: no such file"), "{missing}");
    std::fs::write(&path, b"not a zip").unwrap();
    let text = Dataset::open(&path).unwrap_err().to_string();
    assert!(text.contains("is not an .npz archive"), "{text}");
}

#[test]
fn data_that_make_no_sense_are_refused() {
    let nan = array(&[2, 2], Elements::F32(vec![0.0, 0.0, 0.0, f32::NAN]));
    let error = Dataset::new("m", "x", nan, None).unwrap_err();
    assert_eq!(
        error,
        DataError::NotFinite {
            file: "m".into(),
            array: "x".into(),
            sample: 1
        }
    );
    assert!(Dataset::new("m", "x", ramp(&[0, 3]), None).is_err());
    assert!(Dataset::new("m", "x", array(&[], Elements::S64(vec![1])), None).is_err());
    let labels = |values: Vec<i64>| Some(array(&[values.len()], Elements::S64(values)));
    for (y, reason) in [
        (labels(vec![1, 2, 3]), "expected [2] as 'x' has 2 samples"),
        (labels(vec![0, -1]), "-1 is not a class index"),
        (
            Some(array(&[2, 2], Elements::U8(vec![0; 4]))),
            "one class a sample",
        ),
        (
            Some(array(&[2], Elements::F32(vec![0.0, f32::INFINITY]))),
            "NaN or an infinity",
        ),
    ] {
        let text = Dataset::new("m", "x", ramp(&[2, 1]), y)
            .unwrap_err()
            .to_string();
        assert!(text.contains(reason), "{text}");
    }
}

#[test]
fn both_axis_orders_arrive_channel_by_channel() {
    let shape = Shape::new(2, 1, 3);
    let nhwc = Dataset::new(
        "m",
        "x",
        array(&[1, 1, 3, 2], Elements::U8(vec![0, 10, 1, 11, 2, 12])),
        None,
    )
    .unwrap();
    let wanted = vec![0.0, 1.0, 2.0, 10.0, 11.0, 12.0];
    let by_layout = nhwc.samples(
        &input(shape, Order::Nchw),
        Some(Order::Nhwc),
        &Preprocess::NONE,
    );
    assert_eq!(by_layout.unwrap().get(0), wanted);
    let by_source = nhwc.samples(&input(shape, Order::Nhwc), None, &Preprocess::NONE);
    assert_eq!(by_source.unwrap().get(0), wanted);
}

#[test]
fn missing_axes_of_one_and_flattened_samples_fit() {
    let image = Shape::new(1, 4, 3);
    let deep = Shape::new(2, 2, 3);
    for (dims, shape) in [
        (vec![2, 4, 3], image),
        (vec![2, 1, 4, 3], image),
        (vec![2, 4, 3, 1], image),
        (vec![2, 12], image),
        (vec![2, 12], deep),
        (vec![2, 3, 4], Shape::vector(12)),
    ] {
        let data = Dataset::new("m", "x", ramp(&dims), None).unwrap();
        let input = input(shape, Order::Nchw);
        let second = data
            .samples(&input, None, &Preprocess::NONE)
            .unwrap()
            .get(1);
        assert_eq!(
            second,
            (12..24u8).map(f32::from).collect::<Vec<_>>(),
            "{dims:?}"
        );
    }
}

#[test]
fn a_wrong_shape_is_explained_with_the_layout_that_would_fit() {
    let data = Dataset::new("pets.npz", "x", ramp(&[2, 4, 5, 3]), None).unwrap();
    let text = data
        .samples(
            &input(Shape::new(3, 4, 5), Order::Nchw),
            None,
            &Preprocess::NONE,
        )
        .unwrap_err()
        .to_string();
    assert_eq!(
        text,
        "pets.npz: array 'x' has shape [2, 4, 5, 3], expected [N, 3, 4, 5] (nchw); the samples look like --layout nhwc"
    );
    let none = data.samples(
        &input(Shape::new(3, 9, 9), Order::Nchw),
        None,
        &Preprocess::NONE,
    );
    assert!(!none.unwrap_err().to_string().contains("--layout"));
}

#[test]
fn mean_and_deviation_apply_to_all_or_to_each_channel() {
    let data = Dataset::new(
        "m",
        "x",
        array(&[1, 2, 1, 1], Elements::U8(vec![10, 20])),
        None,
    )
    .unwrap();
    let input = input(Shape::new(2, 1, 1), Order::Nchw);
    let get = |mean: &[f32], std: &[f32]| {
        let preprocess = Preprocess {
            mean: mean.to_vec(),
            std: std.to_vec(),
        };
        data.samples(&input, None, &preprocess).map(|s| s.get(0))
    };
    assert_eq!(get(&[10.0], &[5.0]).unwrap(), [0.0, 2.0]);
    assert_eq!(get(&[10.0, 0.0], &[1.0, 2.0]).unwrap(), [0.0, 10.0]);
    for (mean, std) in [
        (&[1.0, 2.0, 3.0][..], &[1.0][..]),
        (&[0.0], &[0.0]),
        (&[f32::NAN], &[1.0]),
        (&[0.0], &[-1.0]),
    ] {
        assert!(get(mean, std).is_err(), "{mean:?} {std:?}");
    }
}

#[test]
fn integer_inputs_take_bytes_as_they_are_and_reals_through_the_contract() {
    let quant = Quant {
        scale: 0.5,
        zero_point: -3,
    };
    let input = input(Shape::vector(3), Order::Nchw);
    let bytes = Dataset::new(
        "m",
        "x",
        array(&[1, 3], Elements::S8(vec![-128, 5, 127])),
        None,
    )
    .unwrap();
    let samples = bytes.samples(&input, None, &Preprocess::NONE).unwrap();
    assert_eq!(samples.get_s8(0, quant), [-128, 5, 127]);
    let reals = array(&[1, 3], Elements::F32(vec![0.25, 0.75, 1e9]));
    let reals = Dataset::new("m", "x", reals, None).unwrap();
    let samples = reals.samples(&input, None, &Preprocess::NONE).unwrap();
    assert_eq!(
        samples.get_s8(0, quant),
        [-3, -1, 127],
        "ties go to even, sums saturate"
    );
}
