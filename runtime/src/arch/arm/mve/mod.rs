//! Cores with Helium (M52, M55, M85): sixteen 8-bit multiply-accumulates an instruction, along the columns.
//!
//! They run the files of `arm-dsp`, in whose scratch a tile of bytes, pixel by pixel, fits twice. What has no kernel of
//! its own here runs that of the DSP extension.

mod blocks;
pub(crate) mod pairs;
mod runs;

use core::arch::global_asm;

// One block, so that later files may use the macros of earlier ones.
global_asm!(
    include_str!("finish.S"),
    include_str!("add.S"),
    include_str!("dense.S"),
    include_str!("blocks.S"),
    include_str!("runs.S"),
    options(raw)
);

use crate::kernels::Post as Bounds;
use nnz_format::Rows;

pub(super) use blocks::conv_1x4;
pub(super) use pairs::dot4;
pub(crate) use runs::write_runs;

/// What `NNZ_MVE_FINISH` reads and changes.
#[derive(Debug)]
#[repr(C)]
struct Post {
    row_bytes: usize,
    count: usize,
    zero_point: i32,
    channel_stride: usize,
    lo: i32,
    hi: i32,
    out: *mut i8,
    lanes: usize,
    pixel_stride: usize,
}

unsafe extern "C" {
    fn nnz_mve_planes(x: *const i8, tile: *mut i8, columns: &Columns);
}

/// Columns that are equally far apart, in the input and in a tile of pixels.
#[derive(Debug)]
#[repr(C)]
struct Columns {
    /// Bytes from a column to the next in the input.
    stride: usize,
    /// Bytes from a column to the next in a pixel of the tile.
    step: usize,
    /// How many columns, at least 1.
    count: usize,
    /// Bytes from a pixel to the next in the tile.
    between: usize,
}

/// Where a tile's outputs go.
struct Outputs {
    /// Pixel 0 of channel 0.
    at: *mut i8,
    /// Bytes between channels.
    channel_stride: usize,
    /// Bytes between pixels.
    pixel_stride: usize,
    /// Pixels to store, 1 to 8.
    lanes: usize,
}

impl Post {
    /// What follows the sums of a table's rows.
    #[inline(always)]
    fn new(rows: Rows<'_>, bounds: &Bounds<i8>, to: &Outputs) -> Self {
        let is_apart = to.pixel_stride != 1;
        Self {
            row_bytes: if rows.is_wide() { 16 } else { 12 },
            count: rows.len(),
            zero_point: bounds.zero_point,
            channel_stride: to.channel_stride,
            lo: bounds.lo.into(),
            hi: bounds.hi.into(),
            out: to.at,
            lanes: to.lanes | usize::from(is_apart) << 8,
            pixel_stride: to.pixel_stride,
        }
    }
}
