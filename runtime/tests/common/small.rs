//! A network of three steps, to be embedded and run.

use nnz_format::encode::{Matrix, RowQuant, csr_p, dense_s8};
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{
    AxisOrder, Backend, Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window,
    scratch_len,
};

const CLAMP: Clamp = Clamp::S8 { lo: -128, hi: 127 };

fn tensor(c: u16, h: u16, w: u16, layout: TensorLayout, offset: u32) -> Tensor {
    let planar = layout == TensorLayout::Planar;
    let mut tensor = Tensor {
        dtype: DType::S8,
        layout,
        region: 0,
        c,
        h,
        w,
        plane_stride: if planar {
            u32::from(h) * u32::from(w)
        } else {
            0
        },
        offset,
        len: 0,
        scale: 0.5,
        zero_point: 1,
    };
    tensor.len = tensor.implied_len().unwrap();
    tensor
}

fn step(op: Op, input: u16, output: u16) -> StepDesc {
    StepDesc {
        op,
        input,
        input2: None,
        output,
        weights: None,
        scratch_offset: 0,
        scratch_len: 0,
    }
}

fn quant(rows: usize) -> Vec<RowQuant> {
    (0..rows)
        .map(|_| RowQuant {
            bias: 77,
            multiplier: 1 << 30,
            shift: 8,
        })
        .collect()
}

/// Weights or pixels, a third of them 0.
pub fn pattern(len: usize) -> Vec<i8> {
    let value = |i: usize| u8::try_from(i * 37 % 251).unwrap().cast_signed();
    (0..len)
        .map(|i| if i % 3 == 0 { 0 } else { value(i) })
        .collect()
}

/// A 3x3 convolution over an interleaved image, a sparse 1x1 one in place, a matrix over the planes.
pub fn network() -> Vec<u8> {
    let window = Window {
        kernel_h: 3,
        kernel_w: 3,
        stride_h: 1,
        stride_w: 1,
        pad_top: 1,
        pad_left: 1,
        pad_bottom: 1,
        pad_right: 1,
    };
    let point = Window {
        kernel_h: 1,
        kernel_w: 1,
        stride_h: 1,
        stride_w: 1,
        ..Window::default()
    };
    let image = tensor(3, 9, 8, TensorLayout::Interleaved, 0);
    let planes = tensor(6, 9, 8, TensorLayout::Planar, 224);
    let scores = tensor(5, 1, 1, TensorLayout::Planar, 0);
    let matrix = |rows, cin, kernel, is_fully_connected, data| Matrix {
        rows,
        cin,
        kernel_h: kernel,
        kernel_w: kernel,
        stride_w: 1,
        is_fully_connected,
        data,
    };
    let (first, second, third) = (pattern(6 * 27), pattern(36), pattern(5 * 432));
    let mut steps = vec![
        step(
            Op::Conv2d {
                window,
                clamp: CLAMP,
            },
            0,
            1,
        ),
        step(
            Op::Conv2d {
                window: point,
                clamp: CLAMP,
            },
            1,
            2,
        ),
        step(Op::FullyConnected { clamp: CLAMP }, 2, 3),
    ];
    steps[0].weights = Some(dense_s8(&matrix(6, 3, 3, false, &first), &quant(6)).unwrap());
    steps[1].weights = Some(csr_p(&matrix(6, 6, 1, false, &second), &quant(6)).unwrap());
    steps[2].weights = Some(csr_p(&matrix(5, 432, 1, true, &third), &quant(5)).unwrap());
    for (step, input) in steps.iter_mut().zip([image, planes]) {
        step.scratch_offset = 672;
        step.scratch_len = scratch_len(
            Backend::Planar,
            &step.op,
            WeightLayout::None,
            &input,
            &planes,
        );
    }
    let arena_len = 672 + steps[0].scratch_len.max(steps[1].scratch_len);
    let io = |tensor, dims: &[u32], order| IoDesc {
        tensor,
        name: String::from("x"),
        dims: dims.to_vec(),
        order,
        source_dtype: DType::S8,
        mean: 0.0,
        std: 1.0,
    };
    let desc = ModelDesc {
        backend: Backend::Planar,
        rounding: Rounding::Double,
        arena_len,
        macs: 0,
        stored_macs: 0,
        tensors: vec![image, planes, planes, scores],
        steps,
        inputs: vec![io(0, &[1, 9, 8, 3], AxisOrder::Nhwc)],
        outputs: vec![io(3, &[1, 5], AxisOrder::Nhwc)],
        meta: None,
    };
    write(&desc).unwrap()
}
