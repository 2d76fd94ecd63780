//! Weight layouts: views over blobs that [`Model::parse`](crate::Model::parse) has proved.
//!
//! A blob is a rows table and a stream. Each view cuts the blob into its pieces in constant time; `check` walks the
//! stream once. To add a layout, add a file here, a variant of [`Weights`] and of
//! [`WeightLayout`](crate::WeightLayout), and follow the compiler.

mod blk;
mod csr;
mod csr_q;
mod dense;
pub(crate) mod narrow;
mod rows;
mod table;

pub use blk::{Blk1x4, Blk4x1};
pub use csr::{CsrF, CsrN, CsrP};
pub use csr_q::CsrQ;
pub use dense::{DenseF32, DenseS8};
#[cfg(feature = "write")]
pub(crate) use rows::{COMPACT, FLOAT, MAX_NNZ, WIDE};
pub use rows::{Row, RowF32, Rows, RowsF32};
pub use table::Table;

use crate::bytes::{ensure, is_zero, some};
use crate::kernel_mask::{FLOATS, any_of, has_tables, layout_bits};
use crate::{Band, DType, FormatError, Op, Tensor, WeightLayout, Window};

/// The weights of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weights<'a> {
    /// The operator has none.
    None,
    /// Every `s8` weight.
    DenseS8(DenseS8<'a>),
    /// Pairs of delta and weight.
    CsrP(CsrP<'a>),
    /// Two nibble deltas and two weights in three bytes.
    CsrN(CsrN<'a>),
    /// Groups of four with absolute indices in segments of 256 columns.
    CsrQ(CsrQ<'a>),
    /// Blocks of 1 output channel × 4 input channels.
    Blk1x4(Blk1x4<'a>),
    /// Blocks of 4 output channels × 1 input channel.
    Blk4x1(Blk4x1<'a>),
    /// Every `f32` weight.
    DenseF32(DenseF32<'a>),
    /// Deltas, then `f32` weights.
    CsrF(CsrF<'a>),
    /// Numbers that are no matrix.
    Table(Table<'a>),
}

/// The weight matrix that an operator implies by its tensors' shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Output channels.
    pub(crate) rows: u32,
    /// Input channels; fully connected: columns; depthwise: 1.
    pub(crate) cin: u32,
    /// Kernel rows × kernel columns; fully connected: 1.
    pub(crate) taps: u32,
    /// Places that `csr_p` and `csr_f` can address.
    pub(crate) positions: u32,
    /// Bytes of a table, padding aside.
    pub(crate) table: u32,
    /// Rows and columns of input and output, of tables that address pixels.
    pub(crate) pixels: [u16; 4],
    /// What the table holds.
    pub(crate) content: table::Content,
}

impl Geometry {
    /// The matrix of `op`, empty for an operator without weights.
    pub(crate) const fn of<const OPS: u128>(op: &Op, input: &Tensor, output: &Tensor) -> Self {
        let (rows, cin, taps, positions) = matrix(op, input, output);
        let (table, content) = if const { has_tables::<OPS>() } {
            (table::len(op, output), table::content(op))
        } else {
            (0, table::Content::Plain)
        };
        Self {
            rows,
            cin,
            taps,
            positions,
            table,
            pixels: [input.h, input.w, output.h, output.w],
            content,
        }
    }

    /// Weights of a row.
    pub(crate) const fn columns(&self) -> u32 {
        self.cin.saturating_mul(self.taps)
    }
}

/// Rows, input channels, taps and positions of `op`'s matrix; zeros for an operator without.
#[inline(always)]
const fn matrix(op: &Op, input: &Tensor, output: &Tensor) -> (u32, u32, u32, u32) {
    let rows = output.c as u32;
    match op {
        Op::Conv2d { window, .. } => {
            let positions = Band::new(input.c, window).positions();
            (rows, input.c as u32, taps(window), positions)
        }
        Op::DepthwiseConv2d { window, .. } => (rows, 1, taps(window), 0),
        Op::FullyConnected { .. } => {
            let columns = saturated(input.elements());
            (rows, columns, 1, columns)
        }
        Op::Add { .. }
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
        | Op::Dequantize => (0, 0, 0, 0),
    }
}

/// Kernel rows × kernel columns.
const fn taps(window: &Window) -> u32 {
    (window.kernel_h as u32).saturating_mul(window.kernel_w as u32)
}

impl<'a> Weights<'a> {
    /// Cuts a blob into rows and streams.
    pub(crate) const fn view<const OPS: u128>(
        layout: WeightLayout,
        dtype: DType,
        blob: &'a [u8],
        wide: bool,
        shape: &Geometry,
        step: u16,
    ) -> Result<Self, FormatError> {
        use WeightLayout as L;
        let len = shape.rows as usize;
        if const { has_tables::<OPS>() } && matches!(layout, L::Table) {
            return Ok(some!(
                Table::view(blob, dtype, shape),
                FormatError::WeightsLen { step }
            ));
        }
        if const { any_of::<OPS>(FLOATS) } && matches!(dtype, DType::F32) {
            let split = RowsF32::split(blob, len);
            let (rows, stream) = some!(split, FormatError::WeightsRows { step });
            let weights = match layout {
                L::Dense => wrap_f32(DenseF32::view(rows, stream, shape)),
                L::CsrF => wrap_csr_f(CsrF::view(rows, stream)),
                L::None | L::CsrP | L::CsrN | L::CsrQ | L::Blk1x4 | L::Blk4x1 | L::Table => {
                    return Err(FormatError::StepCombination { step });
                }
            };
            return Ok(some!(weights, FormatError::WeightsLen { step }));
        }
        let split = Rows::split(blob, len, wide);
        let (rows, stream) = some!(split, FormatError::WeightsRows { step });
        let weights = match layout {
            L::Dense if const { any_of::<OPS>(layout_bits(L::Dense)) } => {
                DenseS8::view(rows, stream, shape)
            }
            L::CsrP if const { any_of::<OPS>(layout_bits(L::CsrP)) } => {
                Some(Self::CsrP(CsrP::view(rows, stream)))
            }
            L::CsrN if const { any_of::<OPS>(layout_bits(L::CsrN)) } => {
                Some(Self::CsrN(CsrN::view(rows, stream)))
            }
            L::CsrQ if const { any_of::<OPS>(layout_bits(L::CsrQ)) } => {
                CsrQ::view(rows, stream, shape)
            }
            L::Blk1x4 if const { any_of::<OPS>(layout_bits(L::Blk1x4)) } => {
                Blk1x4::view(rows, stream)
            }
            L::Blk4x1 if const { any_of::<OPS>(layout_bits(L::Blk4x1)) } => {
                Blk4x1::view(rows, stream)
            }
            L::None
            | L::Dense
            | L::CsrP
            | L::CsrN
            | L::CsrQ
            | L::Blk1x4
            | L::Blk4x1
            | L::CsrF
            | L::Table => return Err(FormatError::StepCombination { step }),
        };
        Ok(some!(weights, FormatError::WeightsLen { step }))
    }

    /// Walks the streams and proves what SPEC.md section 6 says.
    pub(crate) const fn check<const OPS: u128>(
        &self,
        shape: &Geometry,
        step: u16,
    ) -> Result<(), FormatError> {
        use WeightLayout as L;
        match self {
            Self::DenseS8(view) if const { any_of::<OPS>(layout_bits(L::Dense)) } => {
                view.check(step)
            }
            Self::CsrP(view) if const { any_of::<OPS>(layout_bits(L::CsrP)) } => {
                view.check(shape, step)
            }
            Self::CsrN(view) if const { any_of::<OPS>(layout_bits(L::CsrN)) } => {
                view.check(shape, step)
            }
            Self::CsrQ(view) if const { any_of::<OPS>(layout_bits(L::CsrQ)) } => {
                view.check(shape, step)
            }
            Self::Blk1x4(view) if const { any_of::<OPS>(layout_bits(L::Blk1x4)) } => {
                view.check(shape, step)
            }
            Self::Blk4x1(view) if const { any_of::<OPS>(layout_bits(L::Blk4x1)) } => {
                view.check(shape, step)
            }
            Self::DenseF32(view) if const { any_of::<OPS>(FLOATS) } => view.check(shape, step),
            Self::CsrF(view) if const { any_of::<OPS>(FLOATS) } => view.check(shape, step),
            Self::Table(view) if const { has_tables::<OPS>() } => view.check(shape, step),
            Self::None => Ok(()),
            // No view of a layout is made without a kernel that reads it.
            Self::DenseS8(_)
            | Self::CsrP(_)
            | Self::CsrN(_)
            | Self::CsrQ(_)
            | Self::Blk1x4(_)
            | Self::Blk4x1(_)
            | Self::DenseF32(_)
            | Self::CsrF(_)
            | Self::Table(_) => Err(FormatError::StepCombination { step }),
        }
    }
}

const fn wrap_f32(view: Option<DenseF32<'_>>) -> Option<Weights<'_>> {
    match view {
        Some(view) => Some(Weights::DenseF32(view)),
        None => None,
    }
}

const fn wrap_csr_f(view: Option<CsrF<'_>>) -> Option<Weights<'_>> {
    match view {
        Some(view) => Some(Weights::CsrF(view)),
        None => None,
    }
}

/// What is left of a stream is padding to a multiple of 4.
const fn check_end(rest: &[u8], step: u16) -> Result<(), FormatError> {
    ensure!(rest.len() < 4, FormatError::WeightsLen { step });
    ensure!(is_zero(rest), FormatError::WeightsPadding { step });
    Ok(())
}

/// `n` where `round_up(n, 4) + 4n = len`: a stream of `n` bytes, padded, and `n` words behind it.
const fn words_of(len: usize) -> Option<usize> {
    let (Some(fours), Some(rest)) = (len.checked_div(20), len.checked_rem(20)) else {
        return None;
    };
    let extra: usize = match rest {
        0 => 0,
        8 => 1,
        12 => 2,
        16 => 3,
        _ => return None,
    };
    Some(fours.saturating_mul(4).saturating_add(extra))
}

const fn saturated(value: u64) -> u32 {
    if value > u32::MAX as u64 {
        u32::MAX
    } else {
        (value & 0xFFFF_FFFF) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::words_of;

    #[test]
    fn a_stream_length_determines_its_number_of_words() {
        for n in 0..1000_usize {
            assert_eq!(words_of(n.next_multiple_of(4) + 4 * n), Some(n));
        }
        for len in [1, 4, 5, 10, 19, 24] {
            assert_eq!(words_of(len), None, "{len}");
        }
    }
}
