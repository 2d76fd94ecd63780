//! Weight matrices in every layout that fits, and the choice among them.

use super::{Options, Prefer, StepStats, WeightChoice};
use crate::arith;
use crate::cost::Stored;
use crate::ir::{Bias, DType, Quant, Values, Weights};
use nnz_format::encode::{self, Blob, EncodeError, Matrix, RowQuant};
use nnz_format::{WeightLayout, Window};

/// The shape in which a layer's weights are stored.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layer<'a> {
    /// Values and scales.
    pub(super) weights: &'a Weights,
    kernel: [u8; 2],
    stride_w: u8,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Convolution,
    Depthwise,
    FullyConnected,
}

impl<'a> Layer<'a> {
    pub(super) const fn convolution(weights: &'a Weights, window: &Window) -> Self {
        Self::windowed(weights, window, Kind::Convolution)
    }

    pub(super) const fn depthwise(weights: &'a Weights, window: &Window) -> Self {
        Self::windowed(weights, window, Kind::Depthwise)
    }

    pub(super) const fn fully_connected(weights: &'a Weights) -> Self {
        Self {
            weights,
            kernel: [1, 1],
            stride_w: 1,
            kind: Kind::FullyConnected,
        }
    }

    const fn windowed(weights: &'a Weights, window: &Window, kind: Kind) -> Self {
        let kernel = [window.kernel_h, window.kernel_w];
        Self {
            weights,
            kernel,
            stride_w: window.stride_w,
            kind,
        }
    }

    const fn matrix<'v, T>(&self, values: &'v [T]) -> Matrix<'v, T> {
        Matrix {
            rows: self.weights.shape[0],
            cin: self.weights.shape[1],
            kernel_h: self.kernel[0],
            kernel_w: self.kernel[1],
            stride_w: self.stride_w,
            is_fully_connected: matches!(self.kind, Kind::FullyConnected),
            data: values,
        }
    }
}

/// One way to store a matrix.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    pub(super) blob: Blob,
    pub(super) stored: Stored,
}

impl Encoded {
    fn new(blob: Blob, layer: &Layer<'_>) -> Self {
        let dtype = match layer.weights.values {
            Values::F32(_) => DType::F32,
            Values::S8(_) => DType::S8,
        };
        let rows = layer.weights.shape[0];
        let stored = Stored::of_blob(&blob, dtype, layer.weights.len(), rows);
        Self { blob, stored }
    }
}

/// Bias with the input's zero point folded in, multiplier and shift of each row.
pub(super) fn row_quants(
    layer: &Layer<'_>,
    values: &[i8],
    bias: &Bias,
    input: Quant,
    output: Quant,
) -> Vec<RowQuant> {
    let scales = &layer.weights.scales;
    let multipliers = match layer.kind {
        Kind::FullyConnected => arith::fully_connected_multipliers(input, scales, output),
        Kind::Convolution | Kind::Depthwise => arith::conv_multipliers(input, scales, output),
    };
    let rows = values.chunks(layer.weights.row_len().max(1));
    rows.zip(multipliers)
        .enumerate()
        .map(|(row, (weights, (multiplier, shift)))| {
            let sum = weights
                .iter()
                .fold(0_i32, |sum, &w| sum.wrapping_add(w.into()));
            let bias = match bias {
                Bias::S32(values) => values[row],
                Bias::None | Bias::F32(_) => 0,
            };
            let bias = bias.wrapping_sub(input.zero_point.wrapping_mul(sum));
            RowQuant {
                bias,
                multiplier,
                shift,
            }
        })
        .collect()
}

/// The layouts that `options` allow for a layer whose weights contain zeros or not, dense first.
fn layouts(layer: &Layer<'_>, has_zeros: bool, options: &Options) -> &'static [WeightLayout] {
    use WeightLayout::{Blk1x4, Blk4x1, CsrF, CsrN, CsrP, CsrQ, Dense};
    const DENSE: &[WeightLayout] = &[Dense];
    let dense_only = options.weights == WeightChoice::Dense || layer.kind == Kind::Depthwise;
    match (&layer.weights.values, layer.kind) {
        _ if dense_only || !has_zeros => DENSE,
        (Values::F32(_), _) => &[Dense, CsrF],
        (Values::S8(_), Kind::FullyConnected) => &[Dense, CsrP, CsrN, Blk1x4, Blk4x1, CsrQ],
        (Values::S8(_), _) => &[Dense, CsrP, CsrN, Blk1x4, Blk4x1],
    }
}

/// Encodes in each of `layouts`; those after the first may refuse a matrix outside their ranges.
fn encode_each(
    layer: &Layer<'_>,
    layouts: &[WeightLayout],
    encoder: impl Fn(WeightLayout) -> Result<Blob, EncodeError>,
) -> Result<Vec<Encoded>, EncodeError> {
    let mut found = Vec::new();
    for (i, &layout) in layouts.iter().enumerate() {
        match encoder(layout) {
            Ok(blob) => found.push(Encoded::new(blob, layer)),
            Err(error) if i == 0 => return Err(error),
            Err(_) => {}
        }
    }
    Ok(found)
}

/// The integer matrix in every layout that `options` allow and that fits.
pub(super) fn encode_s8(
    layer: &Layer<'_>,
    values: &[i8],
    rows: &[RowQuant],
    options: &Options,
) -> Result<Vec<Encoded>, EncodeError> {
    let matrix = layer.matrix(values);
    let layouts = layouts(layer, values.contains(&0), options);
    encode_each(layer, layouts, |layout| encode::s8(layout, &matrix, rows))
}

/// The float matrix in every layout that `options` allow and that fits.
pub(super) fn encode_f32(
    layer: &Layer<'_>,
    values: &[f32],
    bias: &Bias,
    options: &Options,
) -> Result<Vec<Encoded>, EncodeError> {
    let matrix = layer.matrix(values);
    let bias = match bias {
        Bias::F32(values) => values.clone(),
        Bias::None | Bias::S32(_) => vec![0.0; layer.weights.shape[0]],
    };
    let layouts = layouts(layer, values.contains(&0.0), options);
    encode_each(layer, layouts, |layout| encode::f32(layout, &matrix, &bias))
}

/// Where zeros are dropped for their own sake: the least zeros in a thousand weights, the most extra bytes, and
/// the most time in percent of dense.
const DROPPED: [u64; 3] = [5, 1024, 140];

/// What a layout may take at most of dense weights' time on a microcontroller, in percent: predictions near each other
/// are off by as much.
const CLEARLY_FASTER: u64 = 97;

/// The encoding that `options` ask for, and its predicted cost; `None` without candidates.
///
/// For speed, a layout must be predicted no slower than dense, the first candidate; on microcontrollers faster. With `drop_zeros`, small layers with
/// zeros may take a little longer in files for any machine, whose costs nobody measured.
pub(super) fn choose(
    candidates: Vec<Encoded>,
    layer: &Layer<'_>,
    options: &Options,
    price: impl Fn(&Encoded) -> u64,
) -> Option<(Encoded, u64)> {
    let weights = layer.weights.len() as u64;
    let zeros = weights - layer.weights.nonzeros() as u64;
    let bytes = |encoded: &Encoded| encoded.blob.bytes.len() as u64;
    let mut priced = candidates
        .into_iter()
        .map(|encoded| (price(&encoded), encoded));
    let dense = priced.next()?;
    let worth = |(cost, encoded): &(u64, Encoded)| {
        let extra = bytes(encoded).saturating_sub(bytes(&dense.1));
        let [least, most_bytes, most_time] = DROPPED;
        let drops = zeros * 1000 >= weights * least
            && extra <= most_bytes
            && cost * 100 <= dense.0 * most_time;
        let most = if options.target.microcontroller {
            CLEARLY_FASTER
        } else {
            100
        };
        cost * 100 <= dense.0 * most
            || (options.drop_zeros && !options.target.microcontroller && drops)
    };
    let best = match options.prefer {
        Prefer::Speed => priced.filter(worth).min_by_key(|(i, e)| (*i, bytes(e))),
        Prefer::Flash => priced
            .filter(|(_, e)| bytes(e) < bytes(&dense.1))
            .min_by_key(|(i, e)| (bytes(e), *i)),
    };
    let (cost, encoded) = best.unwrap_or(dense);
    Some((encoded, cost))
}

/// What reports count of a layer stored in `layout`.
pub(super) fn stats(layer: &Layer<'_>, layout: WeightLayout, pixels: u64, cost: u64) -> StepStats {
    let weights = layer.weights.len() as u64;
    let nonzeros = layer.weights.nonzeros() as u64;
    let stored_weights = if layout == WeightLayout::Dense {
        weights
    } else {
        nonzeros
    };
    StepStats {
        weights,
        nonzeros,
        stored_weights,
        macs: weights * pixels,
        stored_macs: stored_weights * pixels,
        cost,
    }
}
