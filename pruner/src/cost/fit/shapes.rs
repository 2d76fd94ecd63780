//! The shapes that each kernel is measured on: those of networks for microcontrollers, small and large.

use nnz_format::{
    AddParams, Clamp, LinearSum, Op, RepackOrder, Rounding, TensorLayout, Ties, Window,
};

/// One step to measure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    pub(super) op: Op,
    /// Channels, rows and columns of the input.
    pub(super) input: [u16; 3],
    pub(super) layout: TensorLayout,
    /// Channels of the output.
    pub(super) cout: u16,
    /// Weights that are not zero, in percent, where the layout drops zeros.
    pub(super) density: usize,
}

/// Pixels of a tile.
const LANES: usize = 8;

impl Shape {
    /// The shape with as many rows as make at most `most` products with dense weights, as the others cost alike; `None`
    /// where a single row makes far more.
    pub(super) fn within(mut self, most: usize) -> Option<Self> {
        let (window, cout) = if let Op::Conv2d { window, .. } = self.op {
            (window, usize::from(self.cout))
        } else if let Op::DepthwiseConv2d { window, .. } = self.op {
            (window, 1)
        } else {
            return Some(self);
        };
        let [channels, height, width] = self.input.map(usize::from);
        let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
        let strides = usize::from(window.stride_h) * usize::from(window.stride_w);
        let row = (channels * width * taps * cout / strides.max(1)).max(1);
        // Two tiles, where a tile runs across the ends of rows.
        let least = if taps == 1 {
            (2 * LANES).div_ceil(width)
        } else {
            1
        };
        let least = least.max(usize::from(window.stride_h));
        let rows = (most / row).max(least).min(height);
        self.input[1] = u16::try_from(rows).ok()?;
        (row * least <= most.saturating_mul(5)).then_some(self)
    }
}

const CLAMP: Clamp = Clamp::S8 { lo: -128, hi: 127 };
/// Densities in turn; coprime to the number of shapes, mostly.
const DENSITIES: [usize; 5] = [20, 50, 10, 30, 5];

/// A window of equal strides, padded as TensorFlow's SAME.
const fn window(kernel_h: u8, kernel_w: u8, stride: u8) -> Window {
    let (pad_h, pad_w) = (
        kernel_h.saturating_sub(stride),
        kernel_w.saturating_sub(stride),
    );
    Window {
        kernel_h,
        kernel_w,
        stride_h: stride,
        stride_w: stride,
        pad_top: pad_h / 2,
        pad_left: pad_w / 2,
        pad_bottom: pad_h - pad_h / 2,
        pad_right: pad_w - pad_w / 2,
    }
}

/// `(kernel_h, kernel_w, stride, cin, cout, h, w)`.
type Conv = (u8, u8, u8, u16, u16, u16, u16);

const POINTWISE: &[Conv] = &[
    (1, 1, 1, 8, 16, 24, 24),
    (1, 1, 1, 16, 32, 12, 12),
    (1, 1, 1, 32, 32, 12, 12),
    (1, 1, 1, 64, 64, 25, 5),
    (1, 1, 1, 64, 64, 5, 5),
    (1, 1, 1, 32, 64, 6, 6),
    (1, 1, 1, 64, 128, 3, 3),
    (1, 1, 1, 128, 128, 3, 3),
    (1, 1, 1, 16, 64, 8, 8),
    (1, 1, 1, 24, 48, 10, 10),
    (1, 1, 1, 64, 16, 16, 16),
    (1, 1, 1, 27, 40, 12, 12),
    (1, 1, 1, 45, 64, 3, 3),
    (1, 1, 1, 19, 24, 6, 6),
    (1, 1, 1, 30, 32, 6, 6),
];
const WINDOW_3: &[Conv] = &[
    (3, 3, 1, 16, 16, 16, 16),
    (3, 3, 1, 16, 32, 12, 12),
    (3, 3, 1, 32, 32, 16, 16),
    (3, 3, 1, 64, 64, 8, 8),
    (3, 3, 1, 8, 8, 24, 24),
    (3, 3, 1, 4, 16, 20, 20),
    (3, 3, 1, 1, 8, 28, 28),
    (3, 3, 1, 32, 16, 6, 6),
    (3, 3, 1, 3, 16, 32, 32),
    (3, 3, 1, 64, 32, 4, 4),
    (3, 3, 1, 16, 16, 32, 32),
];
const WINDOW: &[Conv] = &[
    (5, 5, 1, 6, 16, 10, 10),
    (5, 5, 1, 1, 8, 28, 28),
    (5, 5, 1, 16, 16, 16, 16),
    (4, 4, 1, 8, 16, 12, 12),
    (2, 2, 1, 16, 16, 15, 15),
    (7, 7, 1, 4, 8, 14, 14),
    (5, 5, 1, 16, 24, 5, 5),
    (1, 5, 1, 16, 16, 9, 20),
];
const STRIDED_3: &[Conv] = &[
    (3, 3, 2, 16, 32, 32, 32),
    (3, 3, 2, 32, 64, 16, 16),
    (3, 3, 2, 8, 16, 48, 48),
    (3, 3, 2, 3, 16, 32, 32),
    (3, 3, 2, 64, 64, 16, 16),
    (3, 3, 2, 16, 24, 48, 48),
    (3, 3, 2, 24, 32, 32, 32),
];
const STRIDED_4: &[Conv] = &[
    (10, 4, 2, 1, 64, 49, 10),
    (4, 4, 2, 3, 16, 32, 32),
    (4, 4, 2, 16, 16, 16, 16),
    (10, 4, 2, 1, 16, 25, 20),
    (8, 4, 2, 1, 32, 40, 10),
    (4, 4, 2, 8, 24, 12, 12),
    (4, 4, 2, 32, 32, 8, 8),
];
const STRIDED: &[Conv] = &[
    (5, 5, 2, 4, 16, 24, 24),
    (5, 5, 2, 1, 8, 28, 28),
    (5, 5, 2, 16, 16, 16, 16),
    (7, 7, 2, 3, 16, 32, 32),
    (2, 2, 2, 16, 32, 16, 16),
    (5, 5, 2, 24, 24, 8, 8),
    (3, 3, 3, 8, 16, 24, 24),
];
const ONE_STRIDED: &[Conv] = &[
    (1, 1, 2, 16, 32, 32, 32),
    (1, 1, 2, 32, 64, 16, 16),
    (1, 1, 2, 8, 16, 24, 24),
    (1, 1, 2, 64, 64, 8, 8),
    (1, 1, 2, 32, 32, 20, 20),
];
const INTERLEAVED_3: &[Conv] = &[
    (3, 3, 1, 3, 16, 32, 32),
    (3, 3, 1, 3, 8, 24, 24),
    (3, 3, 1, 4, 16, 20, 20),
    (3, 3, 1, 2, 12, 16, 16),
    (3, 3, 1, 3, 24, 12, 12),
    (3, 3, 1, 3, 8, 48, 48),
];
const INTERLEAVED_STRIDED_3: &[Conv] = &[
    (3, 3, 2, 3, 8, 64, 64),
    (3, 3, 2, 3, 16, 48, 48),
    (3, 3, 2, 3, 32, 32, 32),
    (3, 3, 2, 4, 16, 32, 32),
    (3, 3, 2, 3, 8, 96, 96),
    (3, 3, 2, 2, 12, 32, 32),
];
const INTERLEAVED: &[Conv] = &[
    (5, 5, 2, 3, 24, 32, 32),
    (5, 5, 2, 4, 16, 24, 24),
    (5, 5, 1, 3, 12, 16, 16),
    (7, 7, 2, 3, 8, 40, 40),
    (5, 5, 1, 2, 16, 20, 20),
    (7, 7, 2, 3, 16, 24, 24),
];
const DEPTHWISE_3X3: &[Conv] = &[
    (3, 3, 1, 64, 64, 25, 5),
    (3, 3, 1, 8, 8, 48, 48),
    (3, 3, 1, 16, 16, 24, 24),
    (3, 3, 1, 32, 32, 12, 12),
    (3, 3, 1, 64, 64, 6, 6),
    (3, 3, 1, 128, 128, 3, 3),
    (3, 3, 1, 32, 32, 16, 16),
    (3, 3, 1, 16, 16, 32, 32),
    (3, 3, 1, 24, 24, 9, 9),
    (3, 3, 1, 64, 64, 4, 4),
    (3, 3, 1, 128, 128, 8, 8),
];
const DEPTHWISE_3X3_STRIDED: &[Conv] = &[
    (3, 3, 2, 8, 8, 48, 48),
    (3, 3, 2, 16, 16, 24, 24),
    (3, 3, 2, 32, 32, 12, 12),
    (3, 3, 2, 64, 64, 6, 6),
    (3, 3, 2, 32, 32, 32, 32),
    (3, 3, 2, 64, 64, 16, 16),
    (3, 3, 2, 128, 128, 8, 8),
    (3, 3, 2, 24, 24, 20, 20),
];
const DEPTHWISE_WINDOW: &[Conv] = &[
    (5, 5, 1, 16, 16, 14, 14),
    (5, 5, 1, 8, 8, 24, 24),
    (5, 5, 1, 32, 32, 7, 7),
    (3, 5, 1, 16, 16, 20, 20),
    (7, 7, 1, 8, 8, 16, 16),
    (1, 5, 1, 16, 16, 8, 8),
    (5, 5, 1, 64, 64, 4, 4),
    (4, 4, 1, 8, 8, 12, 12),
];
const DEPTHWISE_STRIDED: &[Conv] = &[
    (5, 5, 2, 16, 16, 14, 14),
    (5, 5, 2, 8, 8, 24, 24),
    (5, 5, 2, 32, 32, 28, 28),
    (2, 2, 2, 16, 16, 20, 20),
    (7, 7, 2, 8, 8, 32, 32),
    (4, 4, 2, 16, 16, 16, 16),
    (5, 5, 2, 64, 64, 8, 8),
    (5, 5, 2, 24, 24, 10, 10),
];
const POOLS: &[Conv] = &[
    (2, 2, 2, 16, 16, 24, 24),
    (2, 2, 2, 6, 6, 24, 24),
    (2, 2, 2, 64, 64, 8, 8),
    (3, 3, 2, 16, 16, 15, 15),
    (3, 3, 2, 32, 32, 9, 9),
];
const WIDE_POOLS: &[Conv] = &[
    (25, 5, 25, 64, 64, 25, 5),
    (8, 8, 8, 64, 64, 8, 8),
    (3, 3, 3, 128, 128, 3, 3),
    (6, 6, 6, 32, 32, 6, 6),
    (4, 4, 4, 16, 16, 4, 4),
    (10, 7, 10, 24, 24, 10, 7),
];
/// Rows and columns.
const MATRICES: &[(u16, u16)] = &[
    (12, 64),
    (128, 640),
    (128, 128),
    (8, 128),
    (128, 8),
    (640, 128),
    (10, 64),
    (100, 784),
    (64, 32),
    (256, 256),
    (32, 400),
];
/// Channels, rows and columns of operators on values.
const MAPS: &[[u16; 3]] = &[
    [16, 32, 32],
    [64, 8, 8],
    [32, 16, 16],
    [64, 5, 5],
    [8, 48, 48],
    [128, 3, 3],
];
const VECTORS: &[[u16; 3]] = &[[2, 1, 1], [10, 1, 1], [12, 1, 1], [64, 1, 1], [200, 1, 1]];

fn convolutions(list: &[Conv], layout: TensorLayout, op: impl Fn(Window) -> Op) -> Vec<Shape> {
    let shape = |index: usize, turn: usize| {
        let (kernel_h, kernel_w, stride, cin, cout, h, w) = list[index];
        Shape {
            op: op(window(kernel_h, kernel_w, stride)),
            input: [cin, h, w],
            layout,
            cout,
            density: DENSITIES[(index + turn) % DENSITIES.len()],
        }
    };
    let all = |turn| (0..list.len()).map(move |index| (index, turn));
    all(0)
        .chain(all(2))
        .map(|(index, turn)| shape(index, turn))
        .collect()
}

fn matrices(op: Op) -> Vec<Shape> {
    let density = |index: usize| DENSITIES[index % DENSITIES.len()];
    let all = MATRICES.iter().chain(MATRICES).enumerate();
    all.map(|(index, &(rows, columns))| Shape {
        op,
        input: [columns, 1, 1],
        layout: TensorLayout::Planar,
        cout: rows,
        density: density(index + index / MATRICES.len() * 2),
    })
    .collect()
}

fn values(op: Op, maps: &[[u16; 3]]) -> Vec<Shape> {
    maps.iter()
        .map(|&input| Shape {
            op,
            input,
            layout: TensorLayout::Planar,
            cout: input[0],
            density: 100,
        })
        .collect()
}

/// One list of shapes for each kernel without its weight layout.
pub(super) fn families() -> Vec<Vec<Shape>> {
    let planar = TensorLayout::Planar;
    let conv = |window| Op::Conv2d {
        window,
        clamp: CLAMP,
    };
    let depthwise = |window| Op::DepthwiseConv2d {
        window,
        multiplier: 1,
        clamp: CLAMP,
    };
    let max_pool = |window| Op::MaxPool2d {
        window,
        clamp: CLAMP,
    };
    let average_pool = |window| Op::AveragePool2d {
        window,
        clamp: CLAMP,
        ties: Ties::Away,
    };
    let half = 1 << 30;
    let params = AddParams {
        m1: half,
        m2: half,
        mo: half,
        s1: 0,
        s2: 0,
        so: 19,
    };
    let pool = |list: &[Conv], op: &dyn Fn(Window) -> Op| {
        // A pool's window is not padded.
        let bare = |w: Window| Window {
            pad_top: 0,
            pad_left: 0,
            pad_bottom: 0,
            pad_right: 0,
            ..w
        };
        let mut shapes = convolutions(list, planar, |w| op(bare(w)));
        shapes.truncate(list.len());
        shapes
    };
    vec![
        convolutions(POINTWISE, planar, conv),
        convolutions(WINDOW_3, planar, conv),
        convolutions(WINDOW, planar, conv),
        convolutions(STRIDED_3, planar, conv),
        convolutions(STRIDED_4, planar, conv),
        convolutions(STRIDED, planar, conv),
        convolutions(ONE_STRIDED, planar, conv),
        convolutions(INTERLEAVED_3, TensorLayout::Interleaved, conv),
        convolutions(INTERLEAVED_STRIDED_3, TensorLayout::Interleaved, conv),
        convolutions(INTERLEAVED, TensorLayout::Interleaved, conv),
        convolutions(DEPTHWISE_3X3, planar, depthwise),
        convolutions(DEPTHWISE_3X3_STRIDED, planar, depthwise),
        convolutions(DEPTHWISE_WINDOW, planar, depthwise),
        convolutions(DEPTHWISE_STRIDED, planar, depthwise),
        matrices(Op::FullyConnected { clamp: CLAMP }),
        pool(POOLS, &max_pool),
        pool(WIDE_POOLS, &max_pool),
        pool(POOLS, &average_pool),
        pool(WIDE_POOLS, &average_pool),
        values(
            Op::Add {
                params,
                clamp: CLAMP,
            },
            MAPS,
        ),
        values(
            Op::AddLinear {
                sum: LinearSum {
                    // A third is bounded, as before an activation: some cores take longer for it.
                    first: 3 << 20,
                    second: 3 << 20,
                    bias: 1 << 21,
                },
                clamp: CLAMP,
            },
            MAPS,
        ),
        values(
            Op::Mean {
                multiplier: half,
                shift: 6,
                rounding: Rounding::Double,
            },
            MAPS,
        ),
        values(
            Op::SoftmaxS8 {
                multiplier: half,
                left_shift: 23,
                diff_min: -248,
            },
            VECTORS,
        ),
        values(
            Op::Pad {
                top: 1,
                left: 1,
                front: 0,
                value: Clamp::S8 { lo: 0, hi: 0 },
            },
            MAPS,
        ),
        values(
            Op::Requantize {
                multiplier: half,
                shift: 0,
                clamp: CLAMP,
                rounding: Rounding::Double,
            },
            MAPS,
        ),
        values(Op::Clamp { clamp: CLAMP }, MAPS),
        values(
            Op::Repack {
                order: RepackOrder::Same,
            },
            MAPS,
        ),
    ]
}
