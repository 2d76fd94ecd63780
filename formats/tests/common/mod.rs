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

use nnz_format::encode::{Blob, Matrix, RowQuant};
use nnz_format::write::{IoDesc, ModelDesc, StepDesc, write};
use nnz_format::{
    AddParams, AxisOrder, Backend, Binary, Block, Clamp, DType, Op, PreluParams, RepackOrder,
    Rounding, Tensor, TensorLayout, Unary, WeightLayout, Window, encode, scratch_len,
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
    let middle = integer_part(&mut b, input);
    let floats = b.planar(DType::F32, [6, 1, 1]);
    b.push(Op::Dequantize, middle, floats, None);
    let output = float_part(&mut b, floats);
    let quantized = b.planar(DType::S8, [5, 1, 1]);
    b.push(Op::Quantize, output, quantized, None);
    b.desc(
        &[("image", input)],
        &[("probabilities", output), ("quantized", quantized)],
    )
}

fn integer_part(b: &mut Builder, input: u16) -> u16 {
    use WeightLayout as L;
    let clamp = CLAMP_S8;
    let conv = |window| Op::Conv2d { window, clamp };
    let t = |b: &mut Builder, shape| b.planar(DType::S8, shape);

    let a = t(b, [6, 9, 7]);
    b.weighted(conv(window(3, 1, 1)), L::Dense, input, a);
    let depthwise = Op::DepthwiseConv2d {
        window: window(3, 2, 1),
        multiplier: 2,
        clamp,
    };
    let d = t(b, [12, 5, 4]);
    b.weighted(depthwise, L::Dense, a, d);
    let mut last = d;
    for (layout, shape, window) in [
        (L::CsrP, [10, 5, 4], window(1, 1, 0)),
        (L::CsrP, [8, 3, 2], window(3, 2, 1)),
        (L::CsrN, [11, 3, 2], window(3, 1, 1)),
        (L::Blk1x4, [9, 3, 2], window(1, 1, 0)),
        (L::Blk4x1, [6, 3, 2], window(3, 1, 1)),
    ] {
        let next = t(b, shape);
        b.weighted(conv(window), layout, last, next);
        last = next;
    }
    let params = AddParams {
        m1: 1 << 30,
        m2: 1 << 30,
        mo: 1 << 30,
        s1: 1,
        s2: 1,
        so: 19,
    };
    let sum = t(b, [6, 3, 2]);
    let add = b.push(Op::Add { params, clamp }, last, sum, None);
    b.steps[add].input2 = Some(last);
    let padded = t(b, [6, 5, 5]);
    let value = Clamp::S8 { lo: -3, hi: -3 };
    b.push(
        Op::Pad {
            top: 1,
            left: 1,
            front: 0,
            value,
        },
        sum,
        padded,
        None,
    );
    let most = t(b, [6, 4, 4]);
    b.push(
        Op::MaxPool2d {
            window: window(2, 1, 0),
            clamp,
        },
        padded,
        most,
        None,
    );
    let average = t(b, [6, 2, 2]);
    b.push(
        Op::AveragePool2d {
            window: window(3, 2, 1),
            clamp,
        },
        most,
        average,
        None,
    );
    b.push(
        Op::Requantize {
            multiplier: 1 << 30,
            shift: -1,
            clamp,
        },
        average,
        average,
        None,
    );
    b.push(Op::Clamp { clamp }, average, average, None);
    tables_s8(b, average);
    let interleaved = b.tensor(DType::S8, TensorLayout::Interleaved, [6, 2, 2]);
    b.push(
        Op::Repack {
            order: RepackOrder::Same,
        },
        average,
        interleaved,
        None,
    );
    let flat = t(b, [24, 1, 1]);
    b.push(
        Op::Repack {
            order: RepackOrder::ChannelsLast,
        },
        interleaved,
        flat,
        None,
    );
    integer_tail(b, interleaved, flat)
}

/// The operators with tables, in place.
fn tables_s8(b: &mut Builder, tensor: u16) {
    let channels = usize::from(b.tensors[usize::from(tensor)].c);
    let params = PreluParams {
        m1: 1 << 30,
        m2: 3 << 29,
        s1: -1,
        s2: 6,
    };
    let slopes: Vec<i16> = (0..channels).map(|c| c as i16 * 50 - 120).collect();
    let blob = encode::table_i16(&slopes);
    b.push(Op::Prelu { params }, tensor, tensor, Some(blob));
    let results: Vec<i8> = (0..256).map(|_| b.rng.below(256) as u8 as i8).collect();
    b.push(
        Op::UnaryS8,
        tensor,
        tensor,
        Some(encode::table_s8(&results)),
    );
    pairs(b, tensor);
}

/// The operators of two tensors, a copy and both ways of resizing, in the type of `tensor`.
fn pairs(b: &mut Builder, tensor: u16) {
    let like = b.tensors[usize::from(tensor)];
    let s8 = like.dtype == DType::S8;
    let one = b.planar(like.dtype, [like.c, 1, 1]);
    let clamp = if s8 { CLAMP_S8 } else { CLAMP_F32 };
    let all = [like.c, like.h, like.w];
    let block = Block::dense([0; 3], [0; 3], [like.c, 1, 1]);
    b.push(Op::Copy { block }, tensor, one, None);
    for kind in Binary::ALL.into_iter().filter(|k| !s8 || *k != Binary::Div) {
        let params = match kind {
            Binary::Add | Binary::Sub if s8 => AddParams {
                m1: 1 << 30,
                m2: 1 << 30,
                mo: 1 << 30,
                s1: 1,
                s2: 1,
                so: 19,
            },
            Binary::Mul if s8 => AddParams {
                mo: 1 << 30,
                so: 5,
                ..AddParams::default()
            },
            _ => AddParams::default(),
        };
        let op = Op::Binary {
            kind,
            swapped: kind == Binary::Sub,
            params,
            clamp,
        };
        let step = b.push(op, tensor, tensor, None);
        b.steps[step].input2 = Some(one);
    }
    let wide = b.planar(like.dtype, [all[0], all[1] + 1, all[2] + 2]);
    let [rows, columns] = [all[1] + 1, all[2] + 2];
    let last = |i: u16, limit: u16| i.min(limit - 1);
    let places: Vec<u16> = (0..rows)
        .map(|y| last(y, all[1]))
        .chain((0..columns).map(|x| last(x, all[2])))
        .collect();
    let nearest = encode::table_u16(&places);
    b.push(Op::ResizeNearest, tensor, wide, Some(nearest));
    let weight = if s8 {
        512_i32.to_le_bytes()
    } else {
        0.5_f32.to_le_bytes()
    };
    let taps: Vec<_> = places.iter().map(|p| ([*p, *p], weight)).collect();
    let bilinear = encode::table_taps(&taps);
    b.push(Op::ResizeBilinear, tensor, wide, Some(bilinear));
}

/// Slopes, and every function, in place.
fn functions_f32(b: &mut Builder, tensor: u16) {
    let channels = usize::from(b.tensors[usize::from(tensor)].c);
    let params = PreluParams::default();
    let slopes: Vec<f32> = (0..channels).map(|c| c as f32 / 8.0).collect();
    let blob = encode::table_f32(&slopes);
    b.push(Op::Prelu { params }, tensor, tensor, Some(blob));
    for function in Unary::ALL {
        let parameter = |n| {
            if function.parameters() > n { 0.5 } else { 0.0 }
        };
        let op = Op::UnaryF32 {
            function,
            alpha: parameter(0),
            beta: parameter(1),
        };
        b.push(op, tensor, tensor, None);
    }
    pairs(b, tensor);
}

fn integer_tail(b: &mut Builder, image: u16, flat: u16) -> u16 {
    use WeightLayout as L;
    let mean = b.planar(DType::S8, [6, 1, 1]);
    b.push(
        Op::Mean {
            multiplier: 1 << 30,
            shift: 3,
        },
        image,
        mean,
        None,
    );
    let mut last = flat;
    for (layout, rows) in [
        (L::Dense, 300),
        (L::CsrQ, 21),
        (L::CsrP, 13),
        (L::CsrN, 11),
        (L::Blk1x4, 9),
        (L::Blk4x1, 6),
    ] {
        let next = b.planar(DType::S8, [rows, 1, 1]);
        b.weighted(Op::FullyConnected { clamp: CLAMP_S8 }, layout, last, next);
        last = next;
    }
    let softmax = Op::SoftmaxS8 {
        multiplier: 1 << 30,
        left_shift: 22,
        diff_min: -200,
    };
    b.push(softmax, last, last, None);
    last
}

fn float_part(b: &mut Builder, input: u16) -> u16 {
    use WeightLayout as L;
    let clamp = CLAMP_F32;
    let t = |b: &mut Builder, shape| b.planar(DType::F32, shape);
    let wide = t(b, [4, 5, 3]);
    let long = t(b, [60, 1, 1]);
    b.weighted(Op::FullyConnected { clamp }, L::Dense, input, long);
    // The vector is read as an image through a plane-wise pad of a single pixel.
    let pixel = t(b, [4, 1, 1]);
    b.weighted(Op::FullyConnected { clamp }, L::CsrF, long, pixel);
    let value = Clamp::F32 { lo: 0.5, hi: 0.5 };
    b.push(
        Op::Pad {
            top: 2,
            left: 1,
            front: 0,
            value,
        },
        pixel,
        wide,
        None,
    );
    let mut last = wide;
    for (layout, kernel) in [(L::Dense, 3), (L::CsrF, 3), (L::CsrF, 1)] {
        let next = t(b, [4, 5, 3]);
        let op = Op::Conv2d {
            window: window(kernel, 1, kernel / 2),
            clamp,
        };
        b.weighted(op, layout, last, next);
        last = next;
    }
    let depthwise = Op::DepthwiseConv2d {
        window: window(3, 1, 1),
        multiplier: 1,
        clamp,
    };
    b.weighted(depthwise, L::Dense, last, last);
    let params = AddParams::default();
    let add = b.push(Op::Add { params, clamp }, wide, wide, None);
    b.steps[add].input2 = Some(last);
    let most = t(b, [4, 4, 2]);
    b.push(
        Op::MaxPool2d {
            window: window(2, 1, 0),
            clamp,
        },
        wide,
        most,
        None,
    );
    let average = t(b, [4, 3, 1]);
    b.push(
        Op::AveragePool2d {
            window: window(2, 1, 0),
            clamp,
        },
        most,
        average,
        None,
    );
    b.push(Op::Clamp { clamp }, average, average, None);
    functions_f32(b, average);
    let flat = t(b, [12, 1, 1]);
    b.push(
        Op::Repack {
            order: RepackOrder::ChannelsFirst,
        },
        average,
        flat,
        None,
    );
    let mean = t(b, [4, 1, 1]);
    b.push(
        Op::Mean {
            multiplier: 0,
            shift: 0,
        },
        average,
        mean,
        None,
    );
    let output = t(b, [5, 1, 1]);
    b.weighted(Op::FullyConnected { clamp }, L::CsrF, flat, output);
    b.push(Op::SoftmaxF32 { beta: 1.0 }, output, output, None);
    output
}

/// A file with one step for every kernel.
pub(crate) fn every_kernel_file(seed: u64) -> Vec<u8> {
    write(&every_kernel(seed)).unwrap()
}
