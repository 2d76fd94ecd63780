//! How many instructions a step takes, from counts alone.
//!
//! The model is linear: entries, rows, gathered band elements and output values, each times a constant of
//! the table, per tile of 8 pixels. One table, that of the portable kernels, serves every target; its
//! constants are fitted to instruction counts of the kernels on RV32IM.

use nnz_format::encode::Blob;
use nnz_format::{Band, DType, Op, Step, TILE, Tensor, WeightLayout, Weights, Window};

/// What a weight blob holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Weights that a kernel multiplies by, fillers and zeros of blocks included.
    pub weights: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Whether kernels take two pixels a multiplication.
    pub narrow: bool,
}

impl Stored {
    /// The counts of an encoded `matrix` of `rows` rows; of sparse layouts from the blob's length, padding included.
    #[must_use]
    pub const fn of_blob(blob: &Blob, dtype: DType, matrix: usize, rows: usize) -> Self {
        let row = match (dtype, blob.wide_rows) {
            (DType::F32, _) => 8,
            (_, true) => 16,
            (_, false) => 12,
        };
        let stream = (blob.bytes.len() as u64).saturating_sub(rows as u64 * row);
        let weights = match blob.layout {
            WeightLayout::None | WeightLayout::Table => 0,
            WeightLayout::Dense => matrix as u64,
            WeightLayout::CsrP | WeightLayout::CsrQ => stream / 2,
            WeightLayout::CsrN => stream * 2 / 3,
            WeightLayout::Blk1x4 | WeightLayout::Blk4x1 => stream * 4 / 5,
            WeightLayout::CsrF => stream / 5,
        };
        Self {
            weights,
            rows: rows as u64,
            narrow: blob.narrow,
        }
    }

    /// The counts of a file's weights.
    #[must_use]
    pub fn of_view(weights: &Weights<'_>) -> Self {
        let (stored, rows) = match weights {
            Weights::None | Weights::Table(_) => (0, 0),
            Weights::DenseS8(w) => (w.weights().len(), w.rows().len()),
            Weights::CsrP(w) => (w.pairs().len() / 2, w.rows().len()),
            Weights::CsrN(w) => (w.triples().len() / 3 * 2, w.rows().len()),
            Weights::CsrQ(w) => (w.groups().len() / 2, w.rows().len()),
            Weights::Blk1x4(w) => (w.weights().len(), w.rows().len()),
            Weights::Blk4x1(w) => (w.weights().len(), w.rows().len()),
            Weights::DenseF32(w) => (w.weights().len() / 4, w.rows().len()),
            Weights::CsrF(w) => (w.values().len() / 4, w.rows().len()),
        };
        Self {
            weights: stored as u64,
            rows: rows as u64,
            narrow: false,
        }
    }
}

/// Predicted instructions of a step of a file.
#[must_use]
pub fn step(step: &Step<'_>) -> u64 {
    let stored = Stored {
        narrow: step.narrow,
        ..Stored::of_view(&step.weights)
    };
    weighted(&step.op, &step.input, &step.output, step.layout, stored)
}

/// Instructions of a table of kernels, in hundredths.
#[derive(Debug)]
struct Table {
    /// A weight times 8 pixels of a convolution, by layout.
    conv_weight: fn(WeightLayout) -> u64,
    /// A weight times one input of a fully connected layer, by layout.
    fc_weight: fn(WeightLayout) -> u64,
    /// A row times one tile: loads of the row, 8 rescaled values, stores.
    conv_row: u64,
    /// A tile, whatever its rows.
    conv_tile: u64,
    /// A row of a fully connected layer.
    fc_row: u64,
    /// An element of a band.
    band_element: u64,
    /// A multiply-accumulate of a depthwise convolution.
    depthwise_mac: u64,
    /// An input value of a depthwise convolution, copied into the padded plane, and its share of the outputs.
    depthwise_input: u64,
    /// An element of a pool's window.
    pool_element: u64,
    /// An element of a mean.
    mean_element: u64,
    /// A sum of two values.
    sum: u64,
    /// A value of a softmax.
    exponential: u64,
    /// A value that is rescaled by the factor of its side.
    sloped: u64,
    /// A value that is copied, bounded, rescaled or looked up.
    value: u64,
}

const PORTABLE: Table = Table {
    conv_weight: |layout| match layout {
        WeightLayout::None | WeightLayout::Table => 0,
        WeightLayout::Dense => 2_300,
        WeightLayout::CsrP => 3_080,
        WeightLayout::CsrN => 4_000,
        WeightLayout::CsrQ | WeightLayout::CsrF => 3_200,
        WeightLayout::Blk1x4 => 4_200,
        WeightLayout::Blk4x1 => 5_600,
    },
    fc_weight: |layout| match layout {
        WeightLayout::None | WeightLayout::Table => 0,
        WeightLayout::Dense => 400,
        WeightLayout::CsrP => 900,
        WeightLayout::CsrN => 800,
        WeightLayout::CsrQ => 650,
        WeightLayout::CsrF => 1_600,
        WeightLayout::Blk1x4 => 1_700,
        WeightLayout::Blk4x1 => 670,
    },
    conv_row: 22_500,
    conv_tile: 40_000,
    fc_row: 4_500,
    band_element: 500,
    depthwise_mac: 620,
    depthwise_input: 800,
    pool_element: 1_800,
    mean_element: 1_400,
    sum: 9_700,
    exponential: 45_000,
    sloped: 4_500,
    value: 1_500,
};

/// Instructions of the kernels for narrow steps, in hundredths.
struct Words {
    /// A weight times 8 pixels.
    weight: u64,
    /// A row times one tile.
    row: u64,
    /// An element of a band, in a word or left out.
    band_element: u64,
    /// A tile, whatever its rows.
    tile: u64,
}

/// Those of Cortex-M4; CSR-N takes one instruction in ten more.
const WORDS: Words = Words {
    weight: 950,
    row: 8_800,
    band_element: 150,
    tile: 20_000,
};

/// Predicted instructions of a step with weights.
#[must_use]
pub fn weighted(
    op: &Op,
    input: &Tensor,
    output: &Tensor,
    layout: WeightLayout,
    stored: Stored,
) -> u64 {
    let hundredths = match op {
        Op::FullyConnected { .. } => {
            stored.weights * (PORTABLE.fc_weight)(layout) + stored.rows * PORTABLE.fc_row
        }
        Op::DepthwiseConv2d { .. } => {
            let macs = stored.weights * output.plane();
            macs * PORTABLE.depthwise_mac + input.elements() * PORTABLE.depthwise_input
        }
        Op::Conv2d { window, .. } if stored.narrow => {
            let band = u64::from(Band::new(input.c, window).len());
            tiles(window, output)
                * (stored.weights * WORDS.weight
                    + stored.rows * WORDS.row
                    + band * WORDS.band_element
                    + WORDS.tile)
        }
        Op::Conv2d { window, .. } => {
            let tiles = tiles(window, output);
            let band = u64::from(Band::new(input.c, window).len());
            tiles
                * (stored.weights * (PORTABLE.conv_weight)(layout)
                    + stored.rows * PORTABLE.conv_row
                    + band * PORTABLE.band_element
                    + PORTABLE.conv_tile)
        }
        Op::Add { .. }
        | Op::MaxPool2d { .. }
        | Op::AveragePool2d { .. }
        | Op::Mean { .. }
        | Op::SoftmaxS8 { .. }
        | Op::SoftmaxF32 { .. }
        | Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::Prelu { .. }
        | Op::UnaryS8
        | Op::UnaryF32 { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => return unweighted(op, input, output),
    };
    hundredths / 100
}

const fn tiles(window: &Window, output: &Tensor) -> u64 {
    if window.is_pointwise() {
        output.plane().div_ceil(TILE as u64)
    } else {
        output.h as u64 * (output.w as u64).div_ceil(TILE as u64)
    }
}

/// Predicted instructions of a step without weights; 0 for operators that have some.
#[must_use]
pub fn unweighted(op: &Op, input: &Tensor, output: &Tensor) -> u64 {
    let window = |w: &Window| output.elements() * u64::from(w.kernel_h) * u64::from(w.kernel_w);
    let hundredths = match op {
        Op::Conv2d { .. } | Op::DepthwiseConv2d { .. } | Op::FullyConnected { .. } => 0,
        Op::MaxPool2d { window: w, .. } | Op::AveragePool2d { window: w, .. } => {
            window(w) * PORTABLE.pool_element
        }
        Op::Mean { .. } => input.elements() * PORTABLE.mean_element,
        Op::SoftmaxS8 { .. } | Op::SoftmaxF32 { .. } => output.elements() * PORTABLE.exponential,
        Op::UnaryF32 { .. } => output.elements() * PORTABLE.exponential,
        Op::Prelu { .. } => output.elements() * PORTABLE.sloped,
        Op::Add { .. } => output.elements() * PORTABLE.sum,
        Op::Pad { .. }
        | Op::Requantize { .. }
        | Op::Clamp { .. }
        | Op::UnaryS8
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => output.elements() * PORTABLE.value,
    };
    hundredths / 100
}
