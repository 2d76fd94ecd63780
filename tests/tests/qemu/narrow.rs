//! Random convolutions of the backend `arm-dsp`: assembly against its twin in plain Rust, many in one file.
//!
//! ```text
//! arena    | input: a vector that every step sees as a tensor of its own | outputs, one vector | scratch |
//! ```

#[path = "../../../runtime/tests/common/mod.rs"]
mod common;

use crate::machines::{on_host, rows, run, targets};
use common::Random;
use common::conv::{clamp_of, narrow_geometry, narrow_rows, sparse_s8};
use nnz_format::encode::{self, Matrix};
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{
    AxisOrder, Backend, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, scratch_len,
};

/// Convolutions in a file.
const STEPS: usize = 120;
/// Bytes of the input: more than any of them reads.
const INPUT: u32 = 16_384;
/// Bytes of all outputs, whose vector counts them with 16 bits.
const OUTPUTS: u32 = 65_535;

/// A vector of `len` bytes at `offset`.
fn vector(len: u32, offset: u32) -> Tensor {
    Tensor {
        dtype: DType::S8,
        layout: TensorLayout::Planar,
        region: 0,
        c: u16::try_from(len).unwrap(),
        h: 1,
        w: 1,
        plane_stride: 1,
        offset,
        len,
        scale: 1.0,
        zero_point: 0,
    }
}

/// One convolution: its tensors, not yet placed, and its step.
fn convolution(random: &mut Random) -> (Tensor, Tensor, StepDesc) {
    let (window, mut input, mut output) = narrow_geometry(random);
    input.zero_point = random.s8().into();
    output.zero_point = random.s8().into();
    let (cin, count) = (usize::from(input.c), usize::from(output.c));
    let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
    let zeros = random.one_of(&[0, 5, 9, 10]);
    let weights = sparse_s8(random, count * cin * taps, zeros);
    let matrix = Matrix {
        rows: count,
        cin,
        kernel_h: window.kernel_h,
        kernel_w: window.kernel_w,
        stride_w: window.stride_w,
        is_fully_connected: false,
        data: &weights,
    };
    let layout = random.one_of(&[WeightLayout::CsrP, WeightLayout::CsrN]);
    let blob = encode::s8(layout, &matrix, &narrow_rows(random, count, &weights)).unwrap();
    let clamp = clamp_of(random);
    let step = StepDesc {
        op: Op::Conv2d { window, clamp },
        input: 0,
        input2: None,
        output: 0,
        weights: Some(blob.narrowed(count)),
        scratch_offset: 0,
        scratch_len: 0,
    };
    (input, output, step)
}

/// A file of random convolutions.
fn file(seed: u64, rounding: Rounding) -> Vec<u8> {
    let mut random = Random::new(seed);
    let mut tensors = vec![vector(INPUT, 0)];
    let mut steps = Vec::new();
    let (mut end, mut scratch) = (INPUT, 0);
    while steps.len() < STEPS {
        let (input, mut output, mut step) = convolution(&mut random);
        assert!(input.len <= INPUT);
        output.offset = end;
        end = (end + output.len).next_multiple_of(8);
        if end - INPUT > OUTPUTS {
            break;
        }
        let index = u16::try_from(tensors.len()).unwrap();
        (step.input, step.output) = (index, index + 1);
        step.scratch_len = scratch_len(
            Backend::ArmDsp,
            &step.op,
            step.weights
                .as_ref()
                .map_or(WeightLayout::None, |blob| blob.layout),
            &input,
            &output,
        );
        scratch = scratch.max(step.scratch_len);
        tensors.extend([input, output]);
        steps.push(step);
    }
    let last = tensors.last().unwrap();
    let outputs = vector((last.offset + last.len - INPUT).min(OUTPUTS), INPUT);
    let place = outputs.offset + OUTPUTS.next_multiple_of(8);
    for step in &mut steps {
        step.scratch_offset = place;
    }
    let io = |tensor: u16, name: &str, len: u32| IoDesc {
        tensor,
        name: name.to_owned(),
        dims: vec![1, len],
        order: AxisOrder::Nchw,
        source_dtype: DType::S8,
        mean: 0.0,
        std: 1.0,
    };
    let output = u16::try_from(tensors.len()).unwrap();
    tensors.push(outputs);
    let desc = ModelDesc {
        backend: Backend::ArmDsp,
        rounding,
        arena_len: place + scratch,
        macs: 0,
        stored_macs: 0,
        inputs: vec![io(0, "input", INPUT)],
        outputs: vec![io(output, "outputs", outputs.len)],
        tensors,
        steps,
        meta: None,
    };
    write(&desc).unwrap()
}

#[test]
fn every_dsp_core_convolves_as_this_machine_does() {
    let cores: Vec<_> = targets()
        .into_iter()
        .filter(|target| target.backend == "arm-dsp")
        .collect();
    for (seed, rounding) in [(1, Rounding::Single), (2, Rounding::Double)] {
        let model = file(seed, rounding);
        let input = rows(&model, seed);
        let expected = on_host(&model, &input);
        for target in &cores {
            let Some(outcome) = run(target, &model, &input) else {
                continue;
            };
            let differs = outcome
                .output
                .iter()
                .zip(&expected)
                .position(|(a, b)| a != b);
            assert!(
                differs.is_none() && outcome.output.len() == expected.len(),
                "seed {seed}, {rounding:?}: {} differs at output {differs:?}",
                target.name
            );
        }
    }
}
