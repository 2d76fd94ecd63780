//! Word kernels of Cortex-M4, M7 and M33: the arguments of `words.S`.

use crate::arch::portable::csr_n_words;
use crate::kernels::Post;
use crate::requantize::{Double, Single};
use crate::words::{WordKernels, WordTile};
use core::arch::global_asm;
use nnz_format::{CsrN, CsrP, Rows};

global_asm!(include_str!("words.S"), options(raw));

/// Word kernels that round once.
pub(crate) struct WordsSingle;
/// Word kernels that round twice.
pub(crate) struct WordsDouble;

/// What a kernel keeps on its stack, in the order of `words.S`.
#[derive(Debug)]
#[repr(C)]
struct Args {
    ones: u32,
    centre: i32,
    band: *const u32,
    rows: *const u8,
    end: *const u8,
    current: [u32; 2],
    zero: u32,
    out: *mut i8,
    stride: usize,
    low: u32,
    high: u32,
    lanes: usize,
    pixel: usize,
}

/// A kernel of `words.S`.
type Kernel = unsafe extern "C" fn(args: *const Args, stream: *const u8);

unsafe extern "C" {
    fn nnz_csr_p_tile_single(args: *const Args, stream: *const u8);
    fn nnz_csr_p_tile_double(args: *const Args, stream: *const u8);
    fn nnz_csr_p_band_single(args: *const Args, stream: *const u8);
    fn nnz_csr_p_band_double(args: *const Args, stream: *const u8);
    fn nnz_csr_n_tile_single(args: *const Args, stream: *const u8);
    fn nnz_csr_n_tile_double(args: *const Args, stream: *const u8);
}

impl Args {
    /// The arguments of a tile of compact rows.
    #[inline(always)]
    fn new(rows: Rows<'_>, tile: &WordTile<'_>) -> Self {
        let Post { lo, hi, zero_point } = tile.post;
        let out = tile.out.as_ptr().cast::<i8>().cast_mut();
        let in_words = tile.lanes >= 8
            && tile.pixel_stride == 1
            && out.addr().is_multiple_of(4)
            && tile.channel_stride.is_multiple_of(4);
        let bounded = lo != i8::MIN || hi != i8::MAX;
        let slow = u32::from(bounded || !in_words) << 31;
        let is_positive = u32::from(i32::from(lo) >= zero_point);
        let table = rows.bytes();
        Self {
            ones: 0x0100_0001,
            centre: -128,
            band: tile.band.as_ptr().cast(),
            rows: table.as_ptr(),
            end: table.as_ptr().wrapping_add(table.len()),
            current: [0; 2],
            zero: slow | is_positive << 30 | zero_point.wrapping_add(128).cast_unsigned(),
            out,
            stride: tile.channel_stride,
            low: four(lo),
            high: four(hi),
            lanes: if in_words { 0 } else { tile.lanes },
            pixel: tile.pixel_stride,
        }
    }
}

/// `value + 128` in each byte.
#[inline(always)]
fn four(value: i8) -> u32 {
    u32::from(value.cast_unsigned() ^ 0x80).wrapping_mul(0x0101_0101)
}

/// Runs a kernel of `words.S` over every row.
///
/// # Safety
///
/// Contracts of [`WordKernels`], and the kernel is that of the layout and of the tile's form.
#[inline(always)]
unsafe fn run(kernel: Kernel, rows: Rows<'_>, stream: &[u8], tile: &WordTile<'_>) {
    if rows.is_empty() {
        return;
    }
    let args = Args::new(rows, tile);
    // SAFETY: the caller's contract; there is a row, and rows of narrow steps are compact.
    unsafe { kernel(&raw const args, stream.as_ptr()) };
}

/// Binds the kernels to a rounding.
macro_rules! word_kernels {
    ($table:ty, $rounding:ty, $tile_p:ident, $band_p:ident, $tile_n:ident) => {
        impl WordKernels for $table {
            unsafe fn csr_p_conv(weights: &CsrP<'_>, tile: &WordTile<'_>) {
                let kernel: Kernel = if tile.geometry.is_tile() {
                    $tile_p
                } else {
                    $band_p
                };
                // SAFETY: the caller's contract.
                unsafe { run(kernel, weights.rows(), weights.pairs(), tile) };
            }

            unsafe fn csr_n_conv(weights: &CsrN<'_>, tile: &WordTile<'_>) {
                if tile.geometry.is_tile() {
                    // SAFETY: the caller's contract.
                    unsafe { run($tile_n, weights.rows(), weights.triples(), tile) };
                } else {
                    // SAFETY: the caller's contract.
                    unsafe { csr_n_words::<$rounding>(weights, tile) };
                }
            }
        }
    };
}

word_kernels!(
    WordsSingle,
    Single,
    nnz_csr_p_tile_single,
    nnz_csr_p_band_single,
    nnz_csr_n_tile_single
);
word_kernels!(
    WordsDouble,
    Double,
    nnz_csr_p_tile_double,
    nnz_csr_p_band_double,
    nnz_csr_n_tile_double
);
