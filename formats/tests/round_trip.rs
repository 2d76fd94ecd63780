//! What the writer and the encoders write, parser and decoders read back.

#![allow(
    clippy::cast_possible_truncation,
    clippy::panic,
    clippy::unwrap_used,
    reason = "numbers are small or random, and a suite that fails may panic"
)]

mod common;

use common::{Builder, Rng, every_kernel, every_kernel_file, window};
use nnz_format::decode::{self, Values};
use nnz_format::encode::{self, Matrix};
use nnz_format::write::write;
use nnz_format::{
    Clamp, DType, Model, Op, Rounding, WeightLayout, Window, kernel_bit, kernel_bits, kernel_mask,
};

/// A random layer: operator, shape of input and output, and its matrix's geometry.
struct Layer {
    op: Op,
    input: [u16; 3],
    output: [u16; 3],
    cin: usize,
    window: Window,
}

fn random_layer(rng: &mut Rng, is_fully_connected: bool, clamp: Clamp) -> Layer {
    let cin = 1 + rng.below(if is_fully_connected { 700 } else { 40 }) as u16;
    let rows = 1 + rng.below(30) as u16;
    if is_fully_connected {
        return Layer {
            op: Op::FullyConnected { clamp },
            input: [cin, 1, 1],
            output: [rows, 1, 1],
            cin: usize::from(cin),
            window: window(1, 1, 0),
        };
    }
    let window = Window {
        kernel_h: 1 + rng.below(4) as u8,
        kernel_w: 1 + rng.below(6) as u8,
        stride_h: 1 + rng.below(3) as u8,
        stride_w: 1 + rng.below(7) as u8,
        ..Window::default()
    };
    let (out_h, out_w) = (1 + rng.below(3) as u16, 1 + rng.below(3) as u16);
    let extent =
        |out: u16, kernel: u8, stride: u8| (out - 1) * u16::from(stride) + u16::from(kernel);
    Layer {
        op: Op::Conv2d { window, clamp },
        input: [
            cin,
            extent(out_h, window.kernel_h, window.stride_h),
            extent(out_w, window.kernel_w, window.stride_w),
        ],
        output: [rows, out_h, out_w],
        cin: usize::from(cin),
        window,
    }
}

fn matrix<'a, T>(layer: &Layer, data: &'a [T]) -> Matrix<'a, T> {
    Matrix {
        rows: usize::from(layer.output[0]),
        cin: layer.cin,
        kernel_h: layer.window.kernel_h,
        kernel_w: layer.window.kernel_w,
        stride_w: layer.window.stride_w,
        is_fully_connected: matches!(layer.op, Op::FullyConnected { .. }),
        data,
    }
}

fn len(layer: &Layer) -> usize {
    let taps = usize::from(layer.window.kernel_h) * usize::from(layer.window.kernel_w);
    usize::from(layer.output[0]) * layer.cin * taps
}

/// Writes a model of one layer, parses it, and gives the decoded weights and the rows' wideness.
fn through_a_file(layer: &Layer, dtype: DType, blob: encode::Blob) -> Values {
    let mut b = Builder::new(1);
    let input = b.planar(dtype, layer.input);
    let plane = u32::from(layer.input[1]) * u32::from(layer.input[2]);
    let output = b.planar(dtype, layer.output);
    assert!(plane > 0);
    b.push(layer.op, input, output, Some(blob));
    let file = write(&b.desc(&[("in", input)], &[("out", output)])).unwrap();
    let model = Model::parse(&file).unwrap();
    decode::weights(&model.step(0).unwrap())
        .unwrap()
        .unwrap()
        .values
}

#[test]
fn every_integer_layout_gives_back_the_matrix() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        for layout in WeightLayout::ALL {
            let is_fully_connected = layout == WeightLayout::CsrQ || rng.below(2) == 0;
            let layer = random_layer(&mut rng, is_fully_connected, common::CLAMP_S8);
            let sparsity = [0, 50, 90, 99, 100][rng.below(5)];
            let weights = rng.weights(len(&layer), sparsity);
            let wide = rng.below(3) == 0;
            let rows = rng.rows(usize::from(layer.output[0]), wide);
            let blob = encode::s8(layout, &matrix(&layer, &weights), &rows);
            if layout == WeightLayout::CsrF {
                assert_eq!(blob, Err(encode::EncodeError::Layout(layout)));
                continue;
            }
            let blob = blob.unwrap();
            assert!(blob.wide_rows || !rows.iter().any(|row| row.shift < 0));
            let found = through_a_file(&layer, DType::S8, blob);
            assert_eq!(found, Values::S8(weights), "{layout:?} at seed {seed}");
        }
    }
}

#[test]
fn every_float_layout_gives_back_the_matrix() {
    for seed in 0..400 {
        let mut rng = Rng::new(seed);
        for layout in [WeightLayout::Dense, WeightLayout::CsrF] {
            let is_fully_connected = rng.below(2) == 0;
            let layer = random_layer(&mut rng, is_fully_connected, common::CLAMP_F32);
            let sparsity = [0, 50, 90, 99, 100][rng.below(5)];
            let weights: Vec<f32> = rng
                .weights(len(&layer), sparsity)
                .iter()
                .map(|w| f32::from(*w) / 3.0)
                .collect();
            let bias = vec![0.25; usize::from(layer.output[0])];
            let blob = encode::f32(layout, &matrix(&layer, &weights), &bias).unwrap();
            let found = through_a_file(&layer, DType::F32, blob);
            assert_eq!(found, Values::F32(weights), "{layout:?} at seed {seed}");
        }
    }
}

#[test]
fn rows_read_back_in_both_forms() {
    for wide in [false, true] {
        let mut rng = Rng::new(3);
        let layer = random_layer(&mut rng, true, common::CLAMP_S8);
        let weights = rng.weights(len(&layer), 60);
        let rows = rng.rows(usize::from(layer.output[0]), wide);
        let blob = encode::csr_p(&matrix(&layer, &weights), &rows).unwrap();
        assert_eq!(blob.wide_rows, wide);
        let mut b = Builder::new(1);
        let input = b.planar(DType::S8, layer.input);
        let output = b.planar(DType::S8, layer.output);
        b.push(layer.op, input, output, Some(blob));
        let file = write(&b.desc(&[("in", input)], &[("out", output)])).unwrap();
        let step = Model::parse(&file).unwrap().step(0).unwrap();
        let nnz_format::Weights::CsrP(view) = step.weights else {
            panic!("{:?}", step.weights);
        };
        assert_eq!(view.rows().is_wide(), wide);
        assert_eq!(view.rows().len(), rows.len());
        for (found, expected) in view.rows().iter().zip(&rows) {
            assert_eq!(found.bias, expected.bias);
            assert_eq!(found.multiplier, expected.multiplier);
            assert_eq!(found.shift, expected.shift);
        }
        let nnz: u32 = view.rows().iter().map(|row| row.nnz).sum();
        assert_eq!((nnz as usize * 2).next_multiple_of(4), view.pairs().len());
    }
}

#[test]
fn a_description_reads_back_as_it_was_written() {
    let desc = every_kernel(5);
    let file = write(&desc).unwrap();
    let model = Model::parse(&file).unwrap();
    assert_eq!(model.steps_len(), desc.steps.len());
    assert_eq!(model.steps().count(), desc.steps.len());
    for (index, (step, expected)) in model.steps().zip(&desc.steps).enumerate() {
        assert_eq!(step.index, index);
        assert_eq!(step.op, expected.op);
        assert_eq!(step.input_index, usize::from(expected.input));
        assert_eq!(step.input2_index, expected.input2.map(usize::from));
        assert_eq!(step.output_index, usize::from(expected.output));
        assert_eq!(step.output, desc.tensors[step.output_index]);
        assert_eq!(step.scratch_len, expected.scratch_len);
        assert_eq!(step.scratch_offset, expected.scratch_offset);
    }
    assert_eq!(model.arena_len(), desc.arena_len as usize);
    assert_eq!((model.macs(), model.stored_macs()), (1000, 300));
    assert_eq!(model.rounding(), Rounding::Double);
    assert_eq!(model.meta(), desc.meta.as_deref());
    assert_eq!((model.inputs_len(), model.outputs_len()), (1, 2));
    let output = model.output(1).unwrap();
    assert_eq!(output.name, "quantized");
    assert_eq!(output.dims, [1, 1, 1, 5]);
    assert_eq!((output.mean, output.std), (127.5, 64.0));
    assert!(model.output(2).is_none() && model.input(1).is_none());
    assert!(model.step(desc.steps.len()).is_none());
}

#[test]
fn the_same_description_gives_the_same_bytes() {
    assert_eq!(every_kernel_file(9), every_kernel_file(9));
}

#[test]
fn the_generated_model_needs_every_kernel() {
    let file = every_kernel_file(2);
    let mask = kernel_mask(&file);
    assert_eq!(mask, Model::parse(&file).unwrap().kernel_mask());
    let all = [8..=14, 24..=25, 32..=39, 48..=85];
    let expected = all
        .into_iter()
        .flatten()
        .fold(1 << kernel_bits::ROUNDING_DOUBLE, |mask, bit| {
            mask | 1_u128 << bit
        });
    assert_eq!(mask, expected, "missing {:b}", mask ^ expected);
}

#[test]
fn a_kernel_bit_is_not_given_twice() {
    let file = every_kernel_file(2);
    let model = Model::parse(&file).unwrap();
    let mut seen = std::collections::BTreeMap::new();
    for step in model.steps() {
        let bit = kernel_bit(&step.op, step.layout, step.dtype);
        let name = (step.op.code(), step.layout, step.dtype);
        assert_eq!(*seen.entry(bit).or_insert(name), name);
    }
}

#[test]
fn identical_blobs_are_stored_once() {
    let build = |same: bool| {
        let mut b = Builder::new(1);
        let input = b.planar(DType::S8, [64, 1, 1]);
        let output = b.planar(DType::S8, [64, 1, 1]);
        let op = Op::FullyConnected {
            clamp: common::CLAMP_S8,
        };
        let first = b.weighted(op, WeightLayout::Dense, input, output);
        let second = b.weighted(op, WeightLayout::Dense, input, output);
        if same {
            b.steps[second].weights = b.steps[first].weights.clone();
        }
        write(&b.desc(&[("in", input)], &[("out", output)])).unwrap()
    };
    assert_eq!(build(false).len() - build(true).len(), 64 * (64 + 12));
}

#[test]
fn blobs_that_many_steps_share_are_stored_as_often_as_the_parser_demands() {
    let mut b = Builder::new(1);
    let input = b.planar(DType::S8, [128, 1, 1]);
    let output = b.planar(DType::S8, [128, 1, 1]);
    let op = Op::FullyConnected {
        clamp: common::CLAMP_S8,
    };
    let first = b.weighted(op, WeightLayout::Dense, input, output);
    let blob = b.steps[first].weights.clone();
    for _ in 0..40 {
        b.push(op, input, output, blob.clone());
    }
    let file = write(&b.desc(&[("in", input)], &[("out", output)])).unwrap();
    assert!(file.len() > 41 * 128 * 128);
}

/// The work of one 1x1 convolution of a single row with `entries` filler pairs, over `pixels` pixels.
fn work_of_fillers(entries: usize, pixels: u16) -> u64 {
    let mut b = Builder::new(1);
    let input = b.planar(DType::S8, [1, 1, pixels]);
    let output = b.planar(DType::S8, [1, 1, pixels]);
    let op = Op::Conv2d {
        window: window(1, 1, 0),
        clamp: Clamp::S8 { lo: 0, hi: 1 },
    };
    let mut blob = b.blob(&op, WeightLayout::CsrP, input, output);
    blob.bytes.truncate(8);
    blob.bytes.extend_from_slice(&[0; 2]);
    let packed = u16::try_from(entries).unwrap() | 4 << 11;
    blob.bytes.extend_from_slice(&packed.to_le_bytes());
    blob.bytes.resize((12 + 2 * entries).next_multiple_of(4), 0);
    b.push(op, input, output, Some(blob));
    let mut desc = b.desc(&[("x", input)], &[("y", output)]);
    (desc.macs, desc.stored_macs) = (1, 1);
    for io in desc.inputs.iter_mut().chain(&mut desc.outputs) {
        io.dims = vec![u32::from(pixels)];
    }
    let file = write(&desc).unwrap();
    Model::parse(&file).unwrap().work()
}

#[test]
fn work_counts_the_fillers_that_a_header_does_not_state() {
    let (few, many) = (work_of_fillers(10, 800), work_of_fillers(1_010, 800));
    assert!(few >= 10 * 800, "{few}");
    assert!(many - few >= 1_000 * 800, "{many}");
    assert!(many <= 100 * 1_010 * 800, "{many}");
    assert!(work_of_fillers(10, 8_000) >= 9 * few);
}

#[test]
fn work_is_at_least_the_multiply_accumulates_of_every_step() {
    let file = every_kernel_file(5);
    let model = Model::parse(&file).unwrap();
    let mut macs = 0;
    for step in model.steps() {
        let weights = decode::weights(&step).unwrap();
        macs += match (step.op, weights) {
            (Op::MaxPool2d { window, .. } | Op::AveragePool2d { window, .. }, _) => {
                step.output.elements() * u64::from(window.kernel_h) * u64::from(window.kernel_w)
            }
            (_, Some(weights)) => weights.nonzeros() as u64 * step.output.plane(),
            (_, None) => step.output.elements(),
        };
    }
    assert!((macs..200 * macs).contains(&model.work()), "{macs}");
}

#[test]
fn a_file_asks_for_the_oldest_reader_that_understands_it() {
    let mut b = Builder::new(1);
    let image = b.planar(DType::S8, [2, 3, 3]);
    let clamp = common::CLAMP_S8;
    b.push(Op::Clamp { clamp }, image, image, None);
    let old = write(&b.desc(&[("in", image)], &[("out", image)])).unwrap();
    assert_eq!(Model::parse(&old).unwrap().min_reader(), 1);
    let new = every_kernel_file(1);
    assert_eq!(Model::parse(&new).unwrap().min_reader(), 2);
}

#[test]
fn a_convolution_over_its_own_input_asks_for_the_second_reader() {
    let convolved = |in_place: bool| {
        let mut b = Builder::new(1);
        let input = b.planar(DType::S8, [2, 5, 5]);
        let output = if in_place {
            input
        } else {
            b.planar(DType::S8, [2, 5, 5])
        };
        let op = Op::Conv2d {
            window: window(3, 1, 1),
            clamp: common::CLAMP_S8,
        };
        b.weighted(op, WeightLayout::Dense, input, output);
        write(&b.desc(&[("in", input)], &[("out", output)])).unwrap()
    };
    assert_eq!(Model::parse(&convolved(false)).unwrap().min_reader(), 1);
    assert_eq!(Model::parse(&convolved(true)).unwrap().min_reader(), 2);
}
