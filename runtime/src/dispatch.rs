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

/// Whether a file of this rounding runs the kernels of an image that round once; else it runs those that round twice,
/// where [`is_double`] says that the image has them.
fn is_single<const OPS: u128>(rounding: Rounding) -> bool {
    let is_only = !is_double::<OPS>();
    has::<OPS>(bits::ROUNDING_SINGLE) && (is_only || rounding == Rounding::Single)
}

/// Whether the image has kernels that round twice.
const fn is_double<const OPS: u128>() -> bool {
    has::<OPS>(bits::ROUNDING_DOUBLE)
}

/// Runs `$function` with the kernels of the file's rounding, of the table `$single` or `$double`.
macro_rules! by_rounding {
    ($rounding:expr, $single:ty, $double:ty, $function:ident, $($argument:expr),*) => {
        if is_single::<OPS>($rounding) {
            $function::<OPS, $single>($($argument),*)
        } else if is_double::<OPS>() {
            $function::<OPS, $double>($($argument),*)
        } else {
            Default::default()
        }
    };
}

/// Runs the kernel of the weights' layout, where the image has it.
///
/// Its contract holds: weights and geometry belong to one step of a `Model` (its invariants 1 to 3), and the driver cut
/// what surrounds them by that geometry, took `out` from the step's output tensor and steps through rows in order.
macro_rules! by_layout {
    ($weights:expr, $argument:expr; $($layout:ident if $is_there:expr => $kernel:path),+) => {
        match $weights {
            $(Weights::$layout(weights) if $is_there => {
                // SAFETY: as the macro says.
                unsafe { $kernel(weights, $argument) }
            })+
            Weights::None
            | Weights::DenseS8(_)
            | Weights::CsrP(_)
            | Weights::CsrN(_)
            | Weights::CsrQ(_)
            | Weights::Blk1x4(_)
            | Weights::Blk4x1(_)
            | Weights::Table(_)
            | Weights::DenseF32(_)
            | Weights::CsrF(_) => Default::default(),
        }
    };
}

impl Numeric for i8 {
    #[inline(never)]
    fn conv<const OPS: u128>(weights: &Weights<'_>, rounding: Rounding, tile: &Tile<'_, Self>) {
        by_rounding!(rounding, arch::Single, arch::Double, conv_s8, weights, tile);
    }

    fn matvec<const OPS: u128>(
        weights: &Weights<'_>,
        rounding: Rounding,
        product: &Product<'_, Self>,
    ) -> usize {
        by_rounding!(
            rounding,
            arch::Single,
            arch::Double,
            matvec_s8,
            weights,
            product
        )
    }

    fn depthwise<const OPS: u128>(
        weights: &Weights<'_>,
        rounding: Rounding,
        plane: &Plane<'_, Self>,
    ) {
        by_rounding!(
            rounding,
            arch::Single,
            arch::Double,
            depthwise_s8,
            weights,
            plane
        );
    }
}

/// Whether the image has the dense convolution by bands, which also stands for that by pairs where there is none.
const fn has_dense<const OPS: u128>() -> bool {
    has::<OPS>(bits::CONV_2D_DENSE_S8)
        || (!pairs::AVAILABLE && has::<OPS>(bits::CONV_2D_DENSE_PAIRS))
}

/// The integer convolution of a layout.
fn conv_s8<const OPS: u128, K: Kernels>(weights: &Weights<'_>, tile: &Tile<'_, i8>) {
    by_layout!(weights, tile;
        DenseS8 if has_dense::<OPS>() => K::dense_s8_conv,
        CsrP if has::<OPS>(bits::CONV_2D_CSR_P_S8) => K::csr_p_s8_conv,
        CsrN if has::<OPS>(bits::CONV_2D_CSR_N_S8) => K::csr_n_s8_conv,
        Blk1x4 if has::<OPS>(bits::CONV_2D_BLK_1X4_S8) => K::blk_1x4_s8_conv,
        Blk4x1 if has::<OPS>(bits::CONV_2D_BLK_4X1_S8) => K::blk_4x1_s8_conv);
}

/// Every output channel of a narrow step over one tile of words. Out of line, as are all of its kind: the driver's frame
/// has no room for what kernels need.
#[inline(never)]
pub(crate) fn conv_words<const OPS: u128>(
    weights: &Weights<'_>,
    rounding: Rounding,
    tile: &WordTile<'_>,
) {
    by_rounding!(
        rounding,
        arch::WordsSingle,
        arch::WordsDouble,
        conv_words_by,
        weights,
        tile
    );
}

/// The word convolution of a layout; the driver runs narrow steps only.
fn conv_words_by<const OPS: u128, K: WordKernels>(weights: &Weights<'_>, tile: &WordTile<'_>) {
    by_layout!(weights, tile;
        CsrP if has::<OPS>(bits::CONV_2D_CSR_P_NARROW) => K::csr_p_conv,
        CsrN if has::<OPS>(bits::CONV_2D_CSR_N_NARROW) => K::csr_n_conv);
}

/// Every output channel of a dense convolution over one tile of pairs.
#[inline(never)]
pub(crate) fn conv_pairs<const OPS: u128>(
    weights: &Weights<'_>,
    rounding: Rounding,
    tile: &PairTile<'_>,
) {
    by_rounding!(
        rounding,
        pairs::PairsSingle,
        pairs::PairsDouble,
        conv_pairs_by,
        weights,
        tile
    );
}

/// The pair convolution of a rounding.
fn conv_pairs_by<const OPS: u128, K: PairKernels>(weights: &Weights<'_>, tile: &PairTile<'_>) {
    by_layout!(weights, tile; DenseS8 if has::<OPS>(bits::CONV_2D_DENSE_PAIRS) => K::conv);
}

/// One channel of a depthwise convolution over a plane of pairs.
pub(crate) fn depthwise_pairs<const OPS: u128>(
    weights: &Weights<'_>,
    rounding: Rounding,
    plane: &PairPlane<'_>,
) {
    by_rounding!(
        rounding,
        pairs::PairsSingle,
        pairs::PairsDouble,
        depthwise_pairs_by,
        weights,
        plane
    );
}

/// The depthwise pair convolution of a rounding.
fn depthwise_pairs_by<const OPS: u128, K: PairKernels>(
    weights: &Weights<'_>,
    plane: &PairPlane<'_>,
) {
    let is_there = has::<OPS>(bits::DEPTHWISE_CONV_2D_DENSE_PAIRS);
    by_layout!(weights, plane; DenseS8 if is_there => K::depthwise);
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
    by_layout!(weights, product;
        DenseS8 if has::<OPS>(bits::FULLY_CONNECTED_DENSE_S8) => K::dense_s8_matvec,
        CsrP if has::<OPS>(bits::FULLY_CONNECTED_CSR_P_S8) => K::csr_p_s8_matvec,
        CsrN if has::<OPS>(bits::FULLY_CONNECTED_CSR_N_S8) => K::csr_n_s8_matvec,
        CsrQ if has::<OPS>(bits::FULLY_CONNECTED_CSR_Q_S8) => K::csr_q_s8_matvec,
        Blk1x4 if has::<OPS>(bits::FULLY_CONNECTED_BLK_1X4_S8) => K::blk_1x4_s8_matvec,
        Blk4x1 if has::<OPS>(bits::FULLY_CONNECTED_BLK_4X1_S8) => K::blk_4x1_s8_matvec)
}

/// The integer depthwise convolution.
fn depthwise_s8<const OPS: u128, K: Kernels>(weights: &Weights<'_>, plane: &Plane<'_, i8>) {
    by_layout!(weights, plane; DenseS8 if true => K::dense_s8_depthwise);
}

impl Numeric for f32 {
    #[inline(never)]
    fn conv<const OPS: u128>(weights: &Weights<'_>, _rounding: Rounding, tile: &Tile<'_, Self>) {
        by_layout!(weights, tile;
            DenseF32 if has::<OPS>(bits::CONV_2D_DENSE_F32) => arch::Float::dense_f32_conv,
            CsrF if has::<OPS>(bits::CONV_2D_CSR_F_F32) => arch::Float::csr_f_f32_conv);
    }

    fn matvec<const OPS: u128>(
        weights: &Weights<'_>,
        _rounding: Rounding,
        product: &Product<'_, Self>,
    ) -> usize {
        by_layout!(weights, product;
            DenseF32 if has::<OPS>(bits::FULLY_CONNECTED_DENSE_F32) => arch::Float::dense_f32_matvec,
            CsrF if has::<OPS>(bits::FULLY_CONNECTED_CSR_F_F32) => arch::Float::csr_f_f32_matvec)
    }

    fn depthwise<const OPS: u128>(
        weights: &Weights<'_>,
        _rounding: Rounding,
        plane: &Plane<'_, Self>,
    ) {
        by_layout!(weights, plane; DenseF32 if true => arch::Float::dense_f32_depthwise);
    }
}
