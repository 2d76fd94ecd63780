//! Random steps: operator, shapes, layouts, zero points, shifts, clamps, sparsity; extremes are frequent.

use crate::random::Random;
use core::fmt::{self, Display};
use nnz_format::encode::{self, Blob, Matrix, RowQuant};
use nnz_format::{Clamp, DType, Op, Tensor, TensorLayout, WeightLayout, Window, works_in_place};

/// One step with its tensors, not yet placed.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) op: Op,
    pub(crate) input: Tensor,
    pub(crate) input2: Option<Tensor>,
    pub(crate) output: Tensor,
    pub(crate) weights: Option<Blob>,
    pub(crate) in_place: bool,
}

impl Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            op,
            input,
            input2,
            output,
            weights,
            in_place,
        } = self;
        let shape = |t: &Tensor| (t.c, t.h, t.w, t.layout, t.plane_stride, t.zero_point);
        write!(
            f,
            "{op:?}\ninput {:?} {:?}",
            shape(input),
            input2.as_ref().map(shape)
        )?;
        write!(f, "\noutput {:?}, in place {in_place}", shape(output))?;
        let layout = weights.as_ref().map(|w| (w.layout, w.wide_rows));
        write!(f, "\nweights {layout:?}")
    }
}

/// A tensor of a shape; `gap` elements lie behind each plane of a planar one.
pub(crate) fn tensor(
    random: &mut Random,
    layout: TensorLayout,
    (c, h, w): (u16, u16, u16),
    gap: u32,
) -> Tensor {
    let plane = u32::from(h) * u32::from(w);
    let mut tensor = Tensor {
        dtype: DType::S8,
        layout,
        region: 0,
        c,
        h,
        w,
        plane_stride: if layout == TensorLayout::Planar {
            plane + gap
        } else {
            0
        },
        offset: 0,
        len: 0,
        scale: 1.0,
        zero_point: random.s8().into(),
    };
    tensor.len = tensor.implied_len().unwrap();
    tensor
}

/// A planar tensor three times of four, with or without gaps.
pub(crate) fn image(random: &mut Random, shape: (u16, u16, u16)) -> Tensor {
    let gap = if random.one_in(2) {
        0
    } else {
        random.size(0, 9).into()
    };
    let layout = if random.one_in(4) {
        TensorLayout::Interleaved
    } else {
        TensorLayout::Planar
    };
    tensor(random, layout, shape, gap)
}

pub(crate) fn clamp(random: &mut Random) -> Clamp {
    let (a, b) = (random.s8(), random.s8());
    if random.one_in(2) {
        return Clamp::S8 { lo: -128, hi: 127 };
    }
    Clamp::S8 {
        lo: a.min(b),
        hi: a.max(b),
    }
}

/// Weights of one matrix in ten all extreme, else random with a random share of zeros.
fn weights(random: &mut Random, len: usize) -> Vec<i8> {
    if random.one_in(10) {
        return vec![random.one_of(&[-128, 127]); len];
    }
    let zeros = random.one_of(&[0, 5, 8, 9, 10]);
    (0..len)
        .map(|_| {
            if random.within(0, 9) < zeros {
                0
            } else {
                random.s8()
            }
        })
        .collect()
}

/// Constants of rows: mostly what networks have, at times what they may have.
fn rows(random: &mut Random, count: usize) -> Vec<RowQuant> {
    let (wide, strange) = (random.one_in(5), random.one_in(3));
    (0..count)
        .map(|_| {
            let strange = strange && random.one_in(4);
            RowQuant {
                bias: if strange {
                    random.one_of(&[i32::MIN, i32::MAX, 1 << 30])
                } else {
                    random.bits().cast_signed() >> 14
                },
                multiplier: if strange && random.one_in(2) {
                    random.one_of(&[0, 1, i32::MAX, (1 << 30) - 1])
                } else {
                    (random.bits() >> 2 | 1 << 30).cast_signed()
                },
                shift: i32::try_from(if strange {
                    random.within(0, 31)
                } else {
                    random.within(if wide { -4 } else { 1 }, 12)
                })
                .unwrap(),
            }
        })
        .collect()
}

/// A window whose padding is smaller than its kernel: 1x1 with stride 1, 3x3, as wide as kernels of their own know, or any.
fn window(random: &mut Random) -> Window {
    let kind = random.within(0, 3);
    if kind == 0 {
        return Window {
            kernel_h: 1,
            kernel_w: 1,
            stride_h: 1,
            stride_w: 1,
            ..Window::default()
        };
    }
    let (kernel_h, kernel_w) = match kind {
        1 => (3, 3),
        2 => random.one_of(&[(10, 4), (4, 4), (5, 5), (2, 3), (5, 3)]),
        _ => (random.size(1, 6), random.size(1, 7)),
    };
    let stride_h = random.size(1, 3);
    Window {
        kernel_h,
        kernel_w,
        stride_h,
        stride_w: match random.within(0, 2) {
            0 => random.size(1, 4),
            1 => random.size(1, 2),
            _ => 2 - kernel_w % 2,
        },
        pad_top: random.size(0, kernel_h - 1),
        pad_left: random.size(0, kernel_w - 1),
        pad_bottom: random.size(0, kernel_h - 1),
        pad_right: random.size(0, kernel_w - 1),
    }
}

/// Rows and columns of the output.
fn output_size(window: &Window, h: u16, w: u16) -> Option<(u16, u16)> {
    let along = |len: u16, before: u8, after: u8, kernel: u8, stride: u8| {
        let padded = len + u16::from(before) + u16::from(after);
        Some(padded.checked_sub(kernel.into())? / u16::from(stride) + 1)
    };
    let h = along(
        h,
        window.pad_top,
        window.pad_bottom,
        window.kernel_h,
        window.stride_h,
    )?;
    let w = along(
        w,
        window.pad_left,
        window.pad_right,
        window.kernel_w,
        window.stride_w,
    )?;
    Some((h, w))
}

/// A window over an image, with the size of its output.
pub(crate) fn geometry(random: &mut Random) -> (Window, (u16, u16), (u16, u16)) {
    loop {
        let window = window(random);
        let (h, w) = (random.size(1, 14).into(), random.size(1, 27).into());
        if let Some(output) = output_size(&window, h, w) {
            return (window, (h, w), output);
        }
    }
}

/// A matrix times a vector in any layout.
pub(crate) fn fully_connected(random: &mut Random) -> Case {
    const LAYOUTS: [WeightLayout; 6] = [
        WeightLayout::Dense,
        WeightLayout::CsrP,
        WeightLayout::CsrN,
        WeightLayout::CsrQ,
        WeightLayout::Blk1x4,
        WeightLayout::Blk4x1,
    ];
    let columns = random.one_of(&[
        1, 2, 3, 4, 5, 8, 12, 13, 64, 100, 128, 255, 256, 257, 259, 300, 640,
    ]);
    let count = random.size(1, 21);
    let input = tensor(random, TensorLayout::Planar, (columns, 1, 1), 0);
    let gap = random.one_of(&[0, 0, 1, 7]);
    let mut output = tensor(random, TensorLayout::Planar, (count.into(), 1, 1), 0);
    if gap > 0 && random.one_in(2) {
        output = tensor(random, TensorLayout::Interleaved, (count.into(), 1, 1), 0);
    }
    let data = weights(random, usize::from(columns) * usize::from(count));
    let matrix = Matrix {
        rows: count.into(),
        cin: columns.into(),
        kernel_h: 1,
        kernel_w: 1,
        stride_w: 1,
        is_fully_connected: true,
        data: &data,
    };
    let layout = random.one_of(&LAYOUTS);
    let quant = rows(random, count.into());
    Case {
        op: Op::FullyConnected {
            clamp: clamp(random),
        },
        input,
        input2: None,
        output,
        weights: Some(encode::s8(layout, &matrix, &quant).unwrap()),
        in_place: false,
    }
}

/// Layouts of sparse convolutions.
const SPARSE: [WeightLayout; 4] = [
    WeightLayout::CsrP,
    WeightLayout::CsrN,
    WeightLayout::Blk1x4,
    WeightLayout::Blk4x1,
];

/// A convolution in any layout; every second one is dense.
pub(crate) fn convolution(random: &mut Random) -> Case {
    let (window, (h, w), (out_h, out_w)) = geometry(random);
    let (cin, count) = (random.size(1, 21), random.size(1, 11));
    let input = image(random, (cin.into(), h, w));
    let output = image(random, (count.into(), out_h, out_w));
    convolved(random, window, (input, output))
}

/// A convolution of a window of several taps that writes its output over its input.
pub(crate) fn in_place(random: &mut Random) -> Case {
    let (kernel_h, kernel_w) = random.one_of(&[(3, 3), (3, 3), (5, 5), (1, 3), (3, 1), (2, 5)]);
    let window = Window {
        kernel_h,
        kernel_w,
        stride_h: 1,
        stride_w: 1,
        pad_top: (kernel_h - 1) / 2,
        pad_left: (kernel_w - 1) / 2,
        pad_bottom: kernel_h / 2,
        pad_right: kernel_w / 2,
    };
    let (h, w) = (random.size(1, 12).into(), random.size(1, 27).into());
    let gap = random.one_of(&[0, 3, 8]);
    let (cin, count) = (random.size(4, 21), random.size(1, 4));
    let mut of = |c: u8| tensor(random, TensorLayout::Planar, (c.into(), h, w), gap);
    let ports = (of(cin), of(count));
    let case = convolved(random, window, ports);
    assert!(case.in_place, "{case}");
    case
}

/// A convolution with random weights; in place where that works.
fn convolved(random: &mut Random, window: Window, (input, output): (Tensor, Tensor)) -> Case {
    let [cin, count] = [input.c, output.c].map(|c| u8::try_from(c).unwrap());
    let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
    let data = weights(random, usize::from(count) * usize::from(cin) * taps);
    let matrix = Matrix {
        rows: count.into(),
        cin: cin.into(),
        kernel_h: window.kernel_h,
        kernel_w: window.kernel_w,
        stride_w: window.stride_w,
        is_fully_connected: false,
        data: &data,
    };
    let layout = if random.one_in(2) {
        WeightLayout::Dense
    } else {
        random.one_of(&SPARSE)
    };
    let quant = rows(random, count.into());
    let planar = |t: &Tensor| t.layout == TensorLayout::Planar;
    let pointwise = window.is_pointwise()
        && planar(&input)
        && planar(&output)
        && input.plane_stride == output.plane_stride;
    let in_place = pointwise || count <= cin && works_in_place(&window, &input, &output);
    Case {
        op: Op::Conv2d {
            window,
            clamp: clamp(random),
        },
        input,
        input2: None,
        output,
        weights: Some(encode::s8(layout, &matrix, &quant).unwrap()),
        in_place,
    }
}

/// A depthwise convolution.
pub(crate) fn depthwise(random: &mut Random) -> Case {
    let (mut window, (h, w), (mut out_h, mut out_w)) = geometry(random);
    if window.is_pointwise() {
        window = Window {
            kernel_h: 3,
            kernel_w: 3,
            ..window
        };
        (window.pad_top, window.pad_bottom) = (1, 1);
        (window.pad_left, window.pad_right) = (1, 1);
        (out_h, out_w) = (h, w);
    }
    let multiplier = if random.one_in(3) {
        u16::from(random.size(1, 3))
    } else {
        1
    };
    let cin = u16::from(random.size(1, 7));
    let input = image(random, (cin, h, w));
    let output = image(random, (cin * multiplier, out_h, out_w));
    let count = usize::from(cin * multiplier);
    let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
    let data = weights(random, count * taps);
    let matrix = Matrix {
        rows: count,
        cin: 1,
        kernel_h: window.kernel_h,
        kernel_w: window.kernel_w,
        stride_w: window.stride_w,
        is_fully_connected: false,
        data: &data,
    };
    let quant = rows(random, count);
    let in_place = input.layout == TensorLayout::Planar
        && output.layout == TensorLayout::Planar
        && multiplier == 1
        && out_h * out_w <= h * w
        && output.plane_stride <= input.plane_stride;
    Case {
        op: Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp: clamp(random),
        },
        input,
        input2: None,
        output,
        weights: Some(encode::s8(WeightLayout::Dense, &matrix, &quant).unwrap()),
        in_place,
    }
}
