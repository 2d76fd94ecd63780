//! A seeded generator of models that use every kernel once, shared by the suites over files.

#![allow(dead_code, reason = "each suite uses its own part")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "numbers are small or random, and a suite that fails may panic"
)]

mod parts;

use nnz_format::encode::{Blob, Matrix, RowQuant};
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{
    AxisOrder, Backend, Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window,
    encode, scratch_len,
};

/// A small generator of random numbers (xorshift64*).
pub(crate) struct Rng(u64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    /// `len` weights, `percent` of them 0.
    pub(crate) fn weights(&mut self, len: usize, percent: usize) -> Vec<i8> {
        let mut weight = || {
            if self.below(100) < percent {
                0
            } else {
                (self.below(255) as i64 - 127) as i8
            }
        };
        (0..len).map(|_| weight()).collect()
    }

    pub(crate) fn rows(&mut self, len: usize, wide: bool) -> Vec<RowQuant> {
        let first = if wide { -3 } else { 4 };
        let mut row = || RowQuant {
            bias: self.below(2000) as i32 - 1000,
            multiplier: (1 << 30) + self.below(1 << 29) as i32,
            shift: first + self.below(6) as i32,
        };
        (0..len).map(|_| row()).collect()
    }
}

pub(crate) const CLAMP_S8: Clamp = Clamp::S8 { lo: -120, hi: 121 };
pub(crate) const CLAMP_F32: Clamp = Clamp::F32 {
    lo: f32::NEG_INFINITY,
    hi: 6.0,
};

pub(crate) fn window(kernel: u8, stride: u8, pad: u8) -> Window {
    Window {
        kernel_h: kernel,
        kernel_w: kernel,
        stride_h: stride,
        stride_w: stride,
        pad_top: pad,
        pad_left: pad,
        pad_bottom: pad,
        pad_right: pad,
    }
}

/// Builds a model step by step; tensors never share memory, scratch lies behind them.
pub(crate) struct Builder {
    pub(crate) rng: Rng,
    pub(crate) tensors: Vec<Tensor>,
    pub(crate) steps: Vec<StepDesc>,
    end: u32,
}

impl Builder {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: Rng::new(seed),
            tensors: Vec::new(),
            steps: Vec::new(),
            end: 0,
        }
    }

    /// A new activation; planar ones of more than a pixel get planes of a multiple of 8.
    pub(crate) fn tensor(&mut self, dtype: DType, layout: TensorLayout, shape: [u16; 3]) -> u16 {
        let [c, h, w] = shape;
        let plane = u32::from(h) * u32::from(w);
        let plane_stride = match layout {
            TensorLayout::Planar if plane == 1 => 1,
            TensorLayout::Planar => plane.next_multiple_of(8),
            TensorLayout::Interleaved => 0,
        };
        let (scale, zero_point) = match dtype {
            DType::S8 => (0.05, -3),
            _ => (1.0, 0),
        };
        let mut tensor = Tensor {
            dtype,
            layout,
            region: 0,
            c,
            h,
            w,
            plane_stride,
            offset: self.end,
            len: 0,
            scale,
            zero_point,
        };
        tensor.len = tensor.implied_len().unwrap();
        self.end = (self.end + tensor.len).next_multiple_of(16);
        self.tensors.push(tensor);
        u16::try_from(self.tensors.len() - 1).unwrap()
    }

    pub(crate) fn planar(&mut self, dtype: DType, shape: [u16; 3]) -> u16 {
        self.tensor(dtype, TensorLayout::Planar, shape)
    }

    pub(crate) fn push(&mut self, op: Op, input: u16, output: u16, weights: Option<Blob>) -> usize {
        self.steps.push(StepDesc {
            op,
            input,
            input2: None,
            output,
            weights,
            scratch_offset: 0,
            scratch_len: 0,
        });
        self.steps.len() - 1
    }

    /// Random weights for an operator between two tensors.
    pub(crate) fn blob(&mut self, op: &Op, layout: WeightLayout, input: u16, output: u16) -> Blob {
        let (from, to) = (
            self.tensors[usize::from(input)],
            self.tensors[usize::from(output)],
        );
        let (cin, kernel_h, kernel_w, stride_w) = match op {
            Op::Conv2d { window, .. } => (
                usize::from(from.c),
                window.kernel_h,
                window.kernel_w,
                window.stride_w,
            ),
            Op::DepthwiseConv2d { window, .. } => (1, window.kernel_h, window.kernel_w, 1),
            _ => (from.elements() as usize, 1, 1, 1),
        };
        let rows = usize::from(to.c);
        let len = rows * cin * usize::from(kernel_h) * usize::from(kernel_w);
        let ints = self.rng.weights(len, 70);
        let floats: Vec<f32> = ints.iter().map(|w| f32::from(*w) / 64.0).collect();
        let is_fully_connected = matches!(op, Op::FullyConnected { .. });
        if to.dtype == DType::F32 {
            let bias: Vec<f32> = (0..rows).map(|row| row as f32 / 8.0).collect();
            let data = &floats[..];
            let matrix = Matrix {
                rows,
                cin,
                kernel_h,
                kernel_w,
                stride_w,
                is_fully_connected,
                data,
            };
            return encode::f32(layout, &matrix, &bias).unwrap();
        }
        let wide = is_fully_connected && layout == WeightLayout::CsrP;
        let quants = self.rng.rows(rows, wide);
        let data = &ints[..];
        let matrix = Matrix {
            rows,
            cin,
            kernel_h,
            kernel_w,
            stride_w,
            is_fully_connected,
            data,
        };
        encode::s8(layout, &matrix, &quants).unwrap()
    }

    /// A step with random weights.
    pub(crate) fn weighted(
        &mut self,
        op: Op,
        layout: WeightLayout,
        input: u16,
        output: u16,
    ) -> usize {
        let blob = self.blob(&op, layout, input, output);
        self.push(op, input, output, Some(blob))
    }

    pub(crate) fn desc(mut self, inputs: &[(&str, u16)], outputs: &[(&str, u16)]) -> ModelDesc {
        let end = self.end;
        let mut arena_len = end;
        for step in &mut self.steps {
            let input = self.tensors[usize::from(step.input)];
            let output = self.tensors[usize::from(step.output)];
            let layout = step
                .weights
                .as_ref()
                .map_or(WeightLayout::None, |blob| blob.layout);
            step.scratch_len = scratch_len(Backend::Planar, &step.op, layout, &input, &output);
            step.scratch_offset = if step.scratch_len == 0 { 0 } else { end };
            arena_len = arena_len.max(end + step.scratch_len);
        }
        let tensors = self.tensors;
        let io = |(name, tensor): &(&str, u16)| {
            let t = tensors[usize::from(*tensor)];
            IoDesc {
                tensor: *tensor,
                name: String::from(*name),
                dims: vec![1, u32::from(t.h), u32::from(t.w), u32::from(t.c)],
                order: AxisOrder::Nhwc,
                source_dtype: DType::U8,
                mean: 127.5,
                std: 64.0,
            }
        };
        ModelDesc {
            backend: Backend::Planar,
            rounding: Rounding::Double,
            arena_len,
            macs: 1000,
            stored_macs: 300,
            inputs: inputs.iter().map(io).collect(),
            outputs: outputs.iter().map(io).collect(),
            tensors,
            steps: self.steps,
            meta: Some(String::from(r#"{"producer":"tests"}"#)),
        }
    }
}

/// A network with one step for every kernel, in both element types.
pub(crate) fn every_kernel(seed: u64) -> ModelDesc {
    let mut b = Builder::new(seed);
    let input = b.tensor(DType::S8, TensorLayout::Interleaved, [3, 9, 7]);
    let middle = parts::integer_part(&mut b, input);
    let floats = b.planar(DType::F32, [6, 1, 1]);
    b.push(Op::Dequantize, middle, floats, None);
    let output = parts::float_part(&mut b, floats);
    let quantized = b.planar(DType::S8, [5, 1, 1]);
    b.push(Op::Quantize, output, quantized, None);
    b.desc(
        &[("image", input)],
        &[("probabilities", output), ("quantized", quantized)],
    )
}

/// A file with one step for every kernel.
pub(crate) fn every_kernel_file(seed: u64) -> Vec<u8> {
    write(&every_kernel(seed)).unwrap()
}
