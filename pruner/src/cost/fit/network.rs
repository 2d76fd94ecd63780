//! Files of independent steps: every step reads the same bytes as if they were its input.
//!
//! ```text
//! arena   0 ─ all inputs, one over the other ─ all outputs ─ all scratch
//! ```
//!
//! The network's one input is a vector over the first part, so that steps compute with bytes that vary.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "steps without a shape of their own keep that of their input"
)]

use super::Kind;
use super::shapes::Shape;
use nnz_format::encode::{self, Blob, Matrix, RowQuant};
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{
    AxisOrder, Backend, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window,
    scratch_len, tile_room,
};

/// A step to measure, with its weights.
#[derive(Debug, Clone)]
pub(super) struct Micro {
    pub(super) op: Op,
    pub(super) input: Tensor,
    pub(super) output: Tensor,
    pub(super) blob: Option<Blob>,
}

impl Micro {
    /// The layout of the weights.
    pub(super) fn layout(&self) -> WeightLayout {
        self.blob
            .as_ref()
            .map_or(WeightLayout::None, |blob| blob.layout)
    }
}

/// A generator of weights and inputs.
struct Random(u64);

impl Random {
    fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % n
    }

    fn byte(&mut self) -> u8 {
        self.below(256).to_le_bytes()[0]
    }
}

/// The step of a shape; `None` where the operator does not take the layout.
pub(super) fn micro(
    shape: &Shape,
    (layout, narrow): (WeightLayout, bool),
    seed: u64,
) -> Option<Micro> {
    let input = tensor(shape.layout, shape.input);
    let [_, h, w] = shape.input;
    let (out_h, out_w) = match shape.op {
        Op::Conv2d { window, .. } | Op::DepthwiseConv2d { window, .. } => out(&window, h, w),
        Op::MaxPool2d { window, .. } | Op::AveragePool2d { window, .. } => out(&window, h, w),
        Op::Mean { .. } | Op::FullyConnected { .. } => (1, 1),
        Op::Pad { top, left, .. } => (h + u16::from(top) * 2, w + u16::from(left) * 2),
        _ => (h, w),
    };
    // A copy to the same layout would be no repack.
    let out_layout = match shape.op {
        Op::Repack { .. } => TensorLayout::Interleaved,
        _ => TensorLayout::Planar,
    };
    let output = tensor(out_layout, [shape.cout, out_h, out_w]);
    let (window, is_fully_connected) = match shape.op {
        Op::Conv2d { window, .. } | Op::DepthwiseConv2d { window, .. } => (window, false),
        Op::FullyConnected { .. } => (
            Window {
                kernel_h: 1,
                kernel_w: 1,
                stride_w: 1,
                ..Window::default()
            },
            true,
        ),
        _ => {
            return Some(Micro {
                op: shape.op,
                input,
                output,
                blob: None,
            });
        }
    };
    let cin = match shape.op {
        Op::DepthwiseConv2d { .. } => 1,
        _ => usize::from(shape.input[0]),
    };
    let rows = usize::from(shape.cout);
    let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
    let density = if layout == WeightLayout::Dense {
        100
    } else {
        shape.density
    };
    let data = weights(
        [rows, cin, taps],
        layout,
        density,
        &mut Random::new(seed + 1),
    );
    let matrix = Matrix {
        rows,
        cin,
        kernel_h: window.kernel_h,
        kernel_w: window.kernel_w,
        stride_w: window.stride_w,
        is_fully_connected,
        data: &data,
    };
    let quant = RowQuant {
        bias: 0,
        multiplier: 1 << 30,
        shift: 8,
    };
    let mut blob = encode::s8(layout, &matrix, &vec![quant; rows]).ok()?;
    if narrow {
        blob = blob.narrowed(rows);
        // Only what is proved runs the kernel of words.
        blob.narrow.then_some(())?;
    }
    let micro = Micro {
        op: shape.op,
        input,
        output,
        blob: Some(blob),
    };
    // The encoder takes more combinations than there are kernels.
    let backend = if narrow {
        Backend::ArmDsp
    } else {
        Backend::Planar
    };
    file(
        backend.into(),
        Rounding::Single,
        core::slice::from_ref(&micro),
    )
    .map(|_| micro)
}

fn out(window: &Window, h: u16, w: u16) -> (u16, u16) {
    let len = |len: u16, before: u8, after: u8, kernel: u8, stride: u8| {
        (len + u16::from(before) + u16::from(after) - u16::from(kernel)) / u16::from(stride) + 1
    };
    (
        len(
            h,
            window.pad_top,
            window.pad_bottom,
            window.kernel_h,
            window.stride_h,
        ),
        len(
            w,
            window.pad_left,
            window.pad_right,
            window.kernel_w,
            window.stride_w,
        ),
    )
}

/// Weights of which `density` percent, in the layout's blocks, are not zero.
fn weights(
    [rows, cin, taps]: [usize; 3],
    layout: WeightLayout,
    density: usize,
    random: &mut Random,
) -> Vec<i8> {
    let (high, wide) = match layout {
        WeightLayout::Blk1x4 => (1, 4),
        WeightLayout::Blk4x1 => (4, 1),
        _ => (1, 1),
    };
    let (blocks_h, blocks_w) = (rows.div_ceil(high), cin.div_ceil(wide));
    let kept: Vec<bool> = (0..blocks_h * blocks_w * taps)
        .map(|_| random.below(100) < density as u64)
        .collect();
    let mut data = Vec::with_capacity(rows * cin * taps);
    for row in 0..rows {
        for c in 0..cin {
            for tap in 0..taps {
                let block = (row / high * blocks_w + c / wide) * taps + tap;
                let value = i8::try_from(random.below(63)).unwrap_or(0) - 31;
                data.push(if kept[block] { value | 1 } else { 0 });
            }
        }
    }
    data
}

fn tensor(layout: TensorLayout, [c, h, w]: [u16; 3]) -> Tensor {
    let pixels = u32::from(h) * u32::from(w);
    let stride = if pixels == 1 {
        1
    } else {
        pixels.next_multiple_of(8)
    };
    let plane_stride = match layout {
        TensorLayout::Planar => stride,
        TensorLayout::Interleaved => 0,
    };
    let mut tensor = Tensor {
        dtype: DType::S8,
        layout,
        region: 0,
        c,
        h,
        w,
        plane_stride,
        offset: 0,
        len: 0,
        scale: 1.0,
        zero_point: 0,
    };
    tensor.len = tensor.implied_len().unwrap_or(0);
    tensor
}

/// Bytes of the part of the arena that holds the inputs.
fn input_room(steps: &[Micro]) -> u32 {
    steps
        .iter()
        .map(|s| s.input.len)
        .max()
        .unwrap_or(0)
        .next_multiple_of(8)
}

/// One row of input.
pub(super) fn input(steps: &[Micro]) -> Vec<u8> {
    let mut random = Random::new(7);
    (0..input_room(steps)).map(|_| random.byte()).collect()
}

/// The file of these steps; `None` where a reader refuses it.
pub(super) fn file(kind: Kind, rounding: Rounding, steps: &[Micro]) -> Option<Vec<u8>> {
    let room = input_room(steps);
    let outputs = steps
        .iter()
        .map(|s| s.output.len)
        .max()?
        .next_multiple_of(8);
    let scratch = |s: &Micro| {
        let needed = scratch_len(kind.backend, &s.op, s.layout(), &s.input, &s.output);
        let room = tile_room(&s.op, s.layout(), &s.input);
        needed + if kind.tiles { room } else { 0 }
    };
    let scratch_room = steps.iter().map(scratch).max()?.next_multiple_of(8);
    let whole = tensor(TensorLayout::Planar, [1, u16::try_from(room / 8).ok()?, 8]);
    let mut tensors = vec![whole];
    let mut descs = Vec::new();
    for step in steps {
        let index = u16::try_from(tensors.len()).ok()?;
        let mut output = step.output;
        output.offset = room;
        tensors.extend([step.input, output]);
        descs.push(StepDesc {
            op: step.op,
            input: index,
            input2: matches!(step.op, Op::Add { .. } | Op::AddLinear { .. }).then_some(index),
            output: index + 1,
            weights: step.blob.clone(),
            scratch_offset: if scratch(step) == 0 {
                0
            } else {
                room + outputs
            },
            scratch_len: scratch(step),
        });
    }
    let io = |tensor: u16, name: &str, dims: Vec<u32>| IoDesc {
        tensor,
        name: name.to_owned(),
        dims,
        order: AxisOrder::Nchw,
        source_dtype: DType::S8,
        mean: 0.0,
        std: 1.0,
    };
    let last = steps.last()?.output;
    let dims = vec![1, u32::from(last.c), u32::from(last.h), u32::from(last.w)];
    let desc = ModelDesc {
        backend: kind.backend,
        rounding,
        arena_len: room + outputs + scratch_room,
        macs: 0,
        stored_macs: 0,
        inputs: vec![io(0, "x", vec![room])],
        outputs: vec![io(u16::try_from(tensors.len() - 1).ok()?, "y", dims)],
        tensors,
        steps: descs,
        meta: None,
    };
    write(&desc).ok()
}
