//! The one place where a safe driver meets an unsafe kernel.
//!
//! `OPS` is the kernel mask that the session was built for: a kernel whose bit is clear is not referenced, so it
//! leaves the image. The layout of a step's weights and the file's rounding choose among the rest.
#![allow(unsafe_code, reason = "kernels are called here, and only here")]

use crate::arch::{self, pairs};
use crate::arena::{Element, View};
use crate::kernels::{FloatKernels, Kernels, Plane, Product, Source, Tile};
use crate::pairs::{Columns, Lanes, PairKernels, PairPlane, PairTile};
use crate::words::{WordKernels, WordTile};
use core::cell::Cell;
use nnz_format::{Rounding, Weights, Window, kernel_bits as bits};

/// Whether the mask has a bit.
pub(crate) const fn has<const OPS: u128>(bit: u8) -> bool {
    OPS & (1 << bit) != 0
}

/// An element type that convolutions and matrices run in.
pub(crate) trait Numeric: Element + crate::kernels::Gather {
    /// Every output channel over one tile.
    fn conv<const OPS: u128>(weights: &Weights<'_>, rounding: Rounding, tile: &Tile<'_, Self>);
    /// Rows of a matrix times a vector; the stored entries of the rows before `product.end`.
    fn matvec<const OPS: u128>(
        weights: &Weights<'_>,
        rounding: Rounding,
        product: &Product<'_, Self>,
    ) -> usize;
    /// One channel of a depthwise convolution.
    fn depthwise<const OPS: u128>(
        weights: &Weights<'_>,
        rounding: Rounding,
        plane: &Plane<'_, Self>,
    );
}

/// Runs `$function` with the kernels of the file's rounding, where the image has them.
macro_rules! by_rounding {
    ($rounding:expr, $function:ident, $($argument:expr),*) => {
        if has::<OPS>(bits::ROUNDING_SINGLE) && (!has::<OPS>(bits::ROUNDING_DOUBLE) || $rounding == Rounding::Single) {
            $function::<OPS, arch::Single>($($argument),*)
        } else if has::<OPS>(bits::ROUNDING_DOUBLE) {
            $function::<OPS, arch::Double>($($argument),*)
        } else {
            Default::default()
        }
    };
}

/// Runs the pair kernel `$function` of the file's rounding, where the image has it.
macro_rules! by_pairs {
    ($rounding:expr, $function:ident, $weights:expr, $argument:expr) => {
        let Weights::DenseS8(weights) = $weights else {
            return;
        };
        if has::<OPS>(bits::ROUNDING_SINGLE)
            && (!has::<OPS>(bits::ROUNDING_DOUBLE) || $rounding == Rounding::Single)
        {
            // SAFETY: as for `conv_s8`.
            unsafe { pairs::PairsSingle::$function(weights, $argument) };
        } else if has::<OPS>(bits::ROUNDING_DOUBLE) {
            // SAFETY: as for `conv_s8`.
            unsafe { pairs::PairsDouble::$function(weights, $argument) };
        }
    };
}

impl Numeric for i8 {
    fn conv<const OPS: u128>(weights: &Weights<'_>, rounding: Rounding, tile: &Tile<'_, Self>) {
        by_rounding!(rounding, conv_s8, weights, tile);
    }

    fn matvec<const OPS: u128>(
        weights: &Weights<'_>,
        rounding: Rounding,
        product: &Product<'_, Self>,
    ) -> usize {
        by_rounding!(rounding, matvec_s8, weights, product)
    }

    fn depthwise<const OPS: u128>(
        weights: &Weights<'_>,
        rounding: Rounding,
        plane: &Plane<'_, Self>,
    ) {
        by_rounding!(rounding, depthwise_s8, weights, plane);
    }
}

/// Whether the image has the dense convolution by bands, which also stands for that by pairs where there is none.
const fn has_dense<const OPS: u128>() -> bool {
    has::<OPS>(bits::CONV_2D_DENSE_S8)
        || (!pairs::AVAILABLE && has::<OPS>(bits::CONV_2D_DENSE_PAIRS))
}

/// The integer convolution of a layout.
fn conv_s8<const OPS: u128, K: Kernels>(weights: &Weights<'_>, tile: &Tile<'_, i8>) {
    // SAFETY of every call: `weights` and the tile's geometry belong to one step of a `Model` (its invariants 1 to 3),
    // the driver sized the band by that geometry and took `out` from the step's output tensor.
    match weights {
        Weights::DenseS8(weights) if has_dense::<OPS>() => {
            // SAFETY: as above.
            unsafe { K::dense_s8_conv(weights, tile) };
        }
        Weights::CsrP(weights) if has::<OPS>(bits::CONV_2D_CSR_P_S8) => {
            // SAFETY: as above.
            unsafe { K::csr_p_s8_conv(weights, tile) };
        }
        Weights::CsrN(weights) if has::<OPS>(bits::CONV_2D_CSR_N_S8) => {
            // SAFETY: as above.
            unsafe { K::csr_n_s8_conv(weights, tile) };
        }
        Weights::Blk1x4(weights) if has::<OPS>(bits::CONV_2D_BLK_1X4_S8) => {
            // SAFETY: as above.
            unsafe { K::blk_1x4_s8_conv(weights, tile) };
        }
        Weights::Blk4x1(weights) if has::<OPS>(bits::CONV_2D_BLK_4X1_S8) => {
            // SAFETY: as above.
            unsafe { K::blk_4x1_s8_conv(weights, tile) };
        }
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::Table(_)
        | Weights::DenseF32(_)
        | Weights::CsrF(_) => {}
    }
}

/// Every output channel of a narrow step over one tile of words.
pub(crate) fn conv_words<const OPS: u128>(
    weights: &Weights<'_>,
    rounding: Rounding,
    tile: &WordTile<'_>,
) {
    if has::<OPS>(bits::ROUNDING_SINGLE)
        && (!has::<OPS>(bits::ROUNDING_DOUBLE) || rounding == Rounding::Single)
    {
        conv_words_by::<OPS, arch::WordsSingle>(weights, tile);
    } else if has::<OPS>(bits::ROUNDING_DOUBLE) {
        conv_words_by::<OPS, arch::WordsDouble>(weights, tile);
    }
}

/// The word convolution of a layout.
fn conv_words_by<const OPS: u128, K: WordKernels>(weights: &Weights<'_>, tile: &WordTile<'_>) {
    match weights {
        Weights::CsrP(weights) if has::<OPS>(bits::CONV_2D_CSR_P_NARROW) => {
            // SAFETY: as for `conv_s8`, and the driver runs narrow steps only.
            unsafe { K::csr_p_conv(weights, tile) };
        }
        Weights::CsrN(weights) if has::<OPS>(bits::CONV_2D_CSR_N_NARROW) => {
            // SAFETY: as above.
            unsafe { K::csr_n_conv(weights, tile) };
        }
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::DenseF32(_)
        | Weights::CsrF(_)
        | Weights::Table(_) => {}
    }
}

/// Every output channel of a dense convolution over one tile of pairs.
pub(crate) fn conv_pairs<const OPS: u128>(
    weights: &Weights<'_>,
    rounding: Rounding,
    tile: &PairTile<'_>,
) {
    by_pairs!(rounding, conv, weights, tile);
}

/// One channel of a depthwise convolution over a plane of pairs.
pub(crate) fn depthwise_pairs<const OPS: u128>(
    weights: &Weights<'_>,
    rounding: Rounding,
    plane: &PairPlane<'_>,
) {
    by_pairs!(rounding, depthwise, weights, plane);
}

/// Fills a tile of pairs.
pub(crate) fn expand(columns: Columns<'_>, tile: &[Cell<u32>]) {
    // SAFETY: the driver cut band and tile by the step's geometry; the columns that make the last quad whole lie in
    // the scratch, too.
    unsafe { pairs::expand(columns, tile) };
}

/// Fills lanes of a tile of pairs from windows inside the input, whose columns lie at `offsets`.
pub(crate) fn expand_lanes(lanes: &Lanes<'_>, offsets: &[Cell<u32>], tile: &[Cell<u32>]) {
    // SAFETY: the driver made the offsets by the step's geometry, one for each column of the tile's quads, and found
    // the windows inside the input, a tensor of the model (invariant 1).
    unsafe { pairs::lanes(lanes, offsets, tile) };
}

/// Fills a lane of a tile of pairs from a window that begins at `top_left`, outside the input in part.
pub(crate) fn expand_edge(
    source: &Source<'_, i8>,
    taps: (usize, &Window),
    top_left: (usize, usize),
    tile_and_lane: (&[Cell<u32>], usize),
) {
    // SAFETY: `source` is a tensor of the model (invariant 1), and the driver cut the tile by the step's geometry.
    unsafe { pairs::edge(source, taps, top_left, tile_and_lane) };
}

/// Copies a channel of the input into a padded plane of `s16`, whose rows have `pitch` words; `at` is the first
/// element.
pub(crate) fn widen(
    input: &View<'_, i8>,
    channel: usize,
    plane: &[Cell<u32>],
    pitch_and_at: (usize, usize),
) {
    let shape = (
        input.width,
        input.height,
        input.row_stride,
        input.pixel_stride,
    );
    // SAFETY: `input` is a tensor of the model (invariant 1) with that channel, and the driver cut the plane so that
    // its rows and their padding fit.
    unsafe { pairs::widen(input.at(channel, 0, 0), plane, pitch_and_at, shape) };
}

/// The integer matrix product of a layout.
fn matvec_s8<const OPS: u128, K: Kernels>(
    weights: &Weights<'_>,
    product: &Product<'_, i8>,
) -> usize {
    // SAFETY of every call: `weights` and the vectors belong to one step of a `Model` (its invariants 1 to 3), and the
    // driver steps through the rows in order.
    match weights {
        Weights::DenseS8(weights) if has::<OPS>(bits::FULLY_CONNECTED_DENSE_S8) => {
            // SAFETY: as above.
            unsafe { K::dense_s8_matvec(weights, product) }
        }
        Weights::CsrP(weights) if has::<OPS>(bits::FULLY_CONNECTED_CSR_P_S8) => {
            // SAFETY: as above.
            unsafe { K::csr_p_s8_matvec(weights, product) }
        }
        Weights::CsrN(weights) if has::<OPS>(bits::FULLY_CONNECTED_CSR_N_S8) => {
            // SAFETY: as above.
            unsafe { K::csr_n_s8_matvec(weights, product) }
        }
        Weights::CsrQ(weights) if has::<OPS>(bits::FULLY_CONNECTED_CSR_Q_S8) => {
            // SAFETY: as above.
            unsafe { K::csr_q_s8_matvec(weights, product) }
        }
        Weights::Blk1x4(weights) if has::<OPS>(bits::FULLY_CONNECTED_BLK_1X4_S8) => {
            // SAFETY: as above.
            unsafe { K::blk_1x4_s8_matvec(weights, product) }
        }
        Weights::Blk4x1(weights) if has::<OPS>(bits::FULLY_CONNECTED_BLK_4X1_S8) => {
            // SAFETY: as above.
            unsafe { K::blk_4x1_s8_matvec(weights, product) }
        }
        Weights::None
        | Weights::DenseS8(_)
        | Weights::CsrP(_)
        | Weights::CsrN(_)
        | Weights::CsrQ(_)
        | Weights::Blk1x4(_)
        | Weights::Blk4x1(_)
        | Weights::Table(_)
        | Weights::DenseF32(_)
        | Weights::CsrF(_) => 0,
    }
}

/// The integer depthwise convolution.
fn depthwise_s8<const OPS: u128, K: Kernels>(weights: &Weights<'_>, plane: &Plane<'_, i8>) {
    if let Weights::DenseS8(weights) = weights {
        // SAFETY: `weights` and the plane's geometry belong to one step of a `Model` (its invariants 1 to 3), and the
        // driver sized the padded plane by that geometry.
        unsafe { K::dense_s8_depthwise(weights, plane) };
    }
}

impl Numeric for f32 {
    fn conv<const OPS: u128>(weights: &Weights<'_>, _rounding: Rounding, tile: &Tile<'_, Self>) {
        match weights {
            Weights::DenseF32(weights) if has::<OPS>(bits::CONV_2D_DENSE_F32) => {
                // SAFETY: as for `conv_s8`.
                unsafe { arch::Float::dense_f32_conv(weights, tile) };
            }
            Weights::CsrF(weights) if has::<OPS>(bits::CONV_2D_CSR_F_F32) => {
                // SAFETY: as for `conv_s8`.
                unsafe { arch::Float::csr_f_f32_conv(weights, tile) };
            }
            Weights::None
            | Weights::DenseS8(_)
            | Weights::CsrP(_)
            | Weights::CsrN(_)
            | Weights::CsrQ(_)
            | Weights::Blk1x4(_)
            | Weights::Blk4x1(_)
            | Weights::Table(_)
            | Weights::DenseF32(_)
            | Weights::CsrF(_) => {}
        }
    }

    fn matvec<const OPS: u128>(
        weights: &Weights<'_>,
        _rounding: Rounding,
        product: &Product<'_, Self>,
    ) -> usize {
        match weights {
            Weights::DenseF32(weights) if has::<OPS>(bits::FULLY_CONNECTED_DENSE_F32) => {
                // SAFETY: as for `matvec_s8`.
                unsafe { arch::Float::dense_f32_matvec(weights, product) }
            }
            Weights::CsrF(weights) if has::<OPS>(bits::FULLY_CONNECTED_CSR_F_F32) => {
                // SAFETY: as for `matvec_s8`.
                unsafe { arch::Float::csr_f_f32_matvec(weights, product) }
            }
            Weights::None
            | Weights::DenseS8(_)
            | Weights::CsrP(_)
            | Weights::CsrN(_)
            | Weights::CsrQ(_)
            | Weights::Blk1x4(_)
            | Weights::Blk4x1(_)
            | Weights::Table(_)
            | Weights::DenseF32(_)
            | Weights::CsrF(_) => 0,
        }
    }

    fn depthwise<const OPS: u128>(
        weights: &Weights<'_>,
        _rounding: Rounding,
        plane: &Plane<'_, Self>,
    ) {
        if let Weights::DenseF32(weights) = weights {
            // SAFETY: as for `depthwise_s8`.
            unsafe { arch::Float::dense_f32_depthwise(weights, plane) };
        }
    }
}
