//! Decoders: any weight view becomes a matrix in `[row][c][ky][kx]` order again.
//!
//! For reports, comparison and tests. Entries that share a position add up (saturating); entries of weight 0 may lie
//! anywhere.

use alloc::vec;
use alloc::vec::Vec;

use crate::encode::Matrix;
use crate::encode::places::{Place, band_places, tap_places};
use crate::layout::Geometry;
use crate::{Op, Step, Weights};

/// Weights in `[row][c][ky][kx]` order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Integers.
    S8(Vec<i8>),
    /// Floats.
    F32(Vec<f32>),
}

/// A decoded weight matrix.
#[derive(Debug, Clone, PartialEq)]
pub struct Decoded {
    /// Output channels.
    pub rows: usize,
    /// Input channels; fully connected: columns; depthwise: 1.
    pub cin: usize,
    /// Rows of the kernel.
    pub kernel_h: u8,
    /// Columns of the kernel.
    pub kernel_w: u8,
    /// The weights.
    pub values: Values,
}

impl Decoded {
    /// Number of weights that are not 0.
    #[must_use]
    pub fn nonzeros(&self) -> usize {
        match &self.values {
            Values::S8(values) => values.iter().filter(|w| **w != 0).count(),
            Values::F32(values) => values.iter().filter(|w| **w != 0.0).count(),
        }
    }

    /// Number of weights.
    #[must_use]
    pub fn len(&self) -> usize {
        match &self.values {
            Values::S8(values) => values.len(),
            Values::F32(values) => values.len(),
        }
    }

    /// Whether there are no weights.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A weight of a step stands where no tap of its convolution is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeError {
    /// The output channel.
    pub row: usize,
    /// The position in the order of the layout.
    pub position: u32,
}

impl core::fmt::Display for DecodeError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let Self { row, position } = self;
        write!(
            f,
            "row {row} has a weight at position {position}, where no tap is"
        )
    }
}

impl core::error::Error for DecodeError {}

/// The weight matrix of a step; `None` where its operator has none, or a table.
///
/// # Errors
///
/// A weight that is not 0 and belongs to no tap.
pub fn weights(step: &Step<'_>) -> Result<Option<Decoded>, DecodeError> {
    if matches!(step.weights, Weights::None | Weights::Table(_)) {
        return Ok(None);
    }
    let shape = Geometry::of::<{ crate::kernel_mask::ALL }>(&step.op, &step.input, &step.output);
    let (kernel_h, kernel_w, stride_w) = kernel(&step.op);
    let matrix = Matrix::<()> {
        rows: shape.rows as usize,
        cin: shape.cin as usize,
        kernel_h,
        kernel_w,
        stride_w,
        is_fully_connected: matches!(step.op, Op::FullyConnected { .. }),
        data: &[],
    };
    let values = match &step.weights {
        Weights::DenseF32(_) | Weights::CsrF(_) => Values::F32(floats(step, &matrix)?),
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::Table(_) => Values::S8(integers(step, &matrix)?),
    };
    Ok(Some(Decoded {
        rows: matrix.rows,
        cin: matrix.cin,
        kernel_h,
        kernel_w,
        values,
    }))
}

/// Kernel rows, kernel columns and column stride of a weighted operator.
const fn kernel(op: &Op) -> (u8, u8, u8) {
    match op {
        Op::Conv2d { window, .. } | Op::DepthwiseConv2d { window, .. } => {
            (window.kernel_h, window.kernel_w, window.stride_w)
        }
        Op::FullyConnected { .. }
        | Op::Add { .. }
        | Op::AddLinear { .. }
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
        | Op::Binary { .. }
        | Op::Copy { .. }
        | Op::ResizeNearest
        | Op::ResizeBilinear { .. }
        | Op::Repack { .. }
        | Op::Quantize
        | Op::Dequantize => (1, 1, 1),
    }
}

/// Entries per row, as (position, weight) with the positions of `places`.
struct Scatter<T> {
    values: Vec<T>,
    columns: usize,
    places: Vec<Place>,
}

impl<T: Copy + PartialEq + Default> Scatter<T> {
    fn new(matrix: &Matrix<'_, ()>, places: Vec<Place>) -> Self {
        let len = matrix.columns().saturating_mul(matrix.rows);
        Self {
            values: vec![T::default(); len],
            columns: matrix.columns(),
            places,
        }
    }

    /// Adds a weight with `sum`; one of 0 may stand anywhere.
    fn put(
        &mut self,
        row: usize,
        position: u32,
        weight: T,
        sum: impl Fn(T, T) -> T,
    ) -> Result<(), DecodeError> {
        if weight == T::default() {
            return Ok(());
        }
        let error = DecodeError { row, position };
        let found = self
            .places
            .binary_search_by_key(&position, |place| place.position);
        let place = found.ok().and_then(|index| self.places.get(index));
        let column = place.ok_or(error)?.column;
        let at = row.saturating_mul(self.columns).saturating_add(column);
        let slot = self.values.get_mut(at).ok_or(error)?;
        *slot = sum(*slot, weight);
        Ok(())
    }
}

fn integers(step: &Step<'_>, matrix: &Matrix<'_, ()>) -> Result<Vec<i8>, DecodeError> {
    let places = match &step.weights {
        Weights::CsrP(_) => band_places(matrix),
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::Table(_)
        | Weights::DenseF32(_)
        | Weights::CsrF(_) => tap_places(matrix),
    };
    let mut out = Scatter::new(matrix, places);
    match &step.weights {
        Weights::DenseS8(view) => return Ok(view.weights().iter().map(|b| signed(*b)).collect()),
        Weights::CsrP(view) => {
            let mut pairs = view.pairs().chunks_exact(2);
            for (row, entry) in view.rows().iter().enumerate() {
                let mut position = 0;
                for pair in pairs.by_ref().take(entry.nnz as usize) {
                    if let [delta, weight] = pair {
                        position = advance(position, *delta);
                        out.put(row, position, signed(*weight), i8::saturating_add)?;
                    }
                }
            }
        }
        Weights::CsrN(view) => {
            let mut triples = view.triples().chunks_exact(3);
            for (row, entry) in view.rows().iter().enumerate() {
                let mut position = 0;
                for triple in triples.by_ref().take(entry.nnz as usize >> 1) {
                    if let [deltas, w0, w1] = triple {
                        for (delta, weight) in [(*deltas & 15, *w0), (*deltas >> 4, *w1)] {
                            position = advance(position, delta);
                            out.put(row, position, signed(weight), i8::saturating_add)?;
                        }
                    }
                }
            }
        }
        Weights::CsrQ(_) => csr_q(step, &mut out)?,
        Weights::Blk1x4(_) | Weights::Blk4x1(_) => blocks(step, matrix, &mut out)?,
        Weights::None | Weights::DenseF32(_) | Weights::CsrF(_) | Weights::Table(_) => {}
    }
    Ok(out.values)
}

fn csr_q(step: &Step<'_>, out: &mut Scatter<i8>) -> Result<(), DecodeError> {
    let Weights::CsrQ(view) = &step.weights else {
        return Ok(());
    };
    let mut groups = view.groups().chunks_exact(8);
    let rows = view
        .counts()
        .chunks_exact((view.segments() as usize).max(1));
    for (row, counts) in rows.enumerate() {
        for (segment, count) in (0_u32..).zip(counts) {
            for group in groups.by_ref().take(usize::from(*count)) {
                for (index, weight) in group.iter().zip(group.iter().skip(4)) {
                    let position = segment
                        .saturating_mul(256)
                        .saturating_add(u32::from(*index));
                    out.put(row, position, signed(*weight), i8::saturating_add)?;
                }
            }
        }
    }
    Ok(())
}

fn blocks(
    step: &Step<'_>,
    matrix: &Matrix<'_, ()>,
    out: &mut Scatter<i8>,
) -> Result<(), DecodeError> {
    let (rows, deltas, words, tall) = match &step.weights {
        Weights::Blk1x4(view) => (view.rows(), view.deltas(), view.weights(), false),
        Weights::Blk4x1(view) => (view.rows(), view.deltas(), view.weights(), true),
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::DenseF32(_)
        | Weights::CsrF(_)
        | Weights::Table(_) => return Ok(()),
    };
    let quads = u32::try_from(matrix.cin.div_ceil(4)).unwrap_or(u32::MAX);
    let cin = u32::try_from(matrix.cin).unwrap_or(u32::MAX);
    let mut entries = deltas.iter().zip(words.chunks_exact(4));
    for (row, entry) in rows.iter().enumerate().step_by(if tall { 4 } else { 1 }) {
        let mut block = 0;
        for (delta, weights) in entries.by_ref().take(entry.nnz as usize) {
            block = advance(block, *delta);
            let tap = block.checked_div(quads).unwrap_or(0);
            let quad = block.checked_rem(quads).unwrap_or(0);
            let first = tap
                .saturating_mul(cin)
                .saturating_add(quad.saturating_mul(4));
            for ((lane, down), weight) in (0_u32..).zip(0_usize..).zip(weights) {
                let (row, position) = if tall {
                    (row.saturating_add(down), block)
                } else {
                    (row, first.saturating_add(lane))
                };
                out.put(row, position, signed(*weight), i8::saturating_add)?;
            }
        }
    }
    Ok(())
}

fn floats(step: &Step<'_>, matrix: &Matrix<'_, ()>) -> Result<Vec<f32>, DecodeError> {
    let mut out = Scatter::new(matrix, band_places(matrix));
    match &step.weights {
        Weights::DenseF32(view) => return Ok(view.weights().chunks_exact(4).map(float).collect()),
        Weights::CsrF(view) => {
            let mut entries = view.deltas().iter().zip(view.values().chunks_exact(4));
            for (row, entry) in view.rows().iter().enumerate() {
                let mut position = 0;
                for (delta, value) in entries.by_ref().take(entry.nnz as usize) {
                    position = advance(position, *delta);
                    out.put(row, position, float(value), |a, b| a + b)?;
                }
            }
        }
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::Table(_) => {}
    }
    Ok(out.values)
}

const fn signed(byte: u8) -> i8 {
    i8::from_le_bytes([byte])
}

fn float(bytes: &[u8]) -> f32 {
    bytes
        .first_chunk()
        .map_or(0.0, |bytes| f32::from_le_bytes(*bytes))
}

fn advance(position: u32, delta: u8) -> u32 {
    position.saturating_add(u32::from(delta))
}
