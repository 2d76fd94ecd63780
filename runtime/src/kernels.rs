//! What a kernel promises: the contracts that every architecture implements.
//!
//! A convolution is computed tile by tile. A tile is eight output pixels; the driver gathers what they
//! need into a *band* (SPEC.md section 6), so that every weight meets its eight inputs at eight consecutive
//! addresses. Kernels run over all rows (output channels) of one tile.
#![allow(
    unsafe_code,
    reason = "the contracts of unsafe functions are declared here"
)]

use core::cell::Cell;
use core::num::NonZeroUsize;
use nnz_format::{Blk1x4, Blk4x1, CsrF, CsrN, CsrP, CsrQ, DenseF32, DenseS8, Window};

/// Output pixels of one tile.
pub(crate) const LANES: usize = 8;

/// What follows the accumulation: bounds and, for integers, the output zero point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Post<T> {
    /// Lowest output.
    pub(crate) lo: T,
    /// Highest output.
    pub(crate) hi: T,
    /// Added to integers before the bounds.
    pub(crate) zero_point: i32,
}

/// Geometry of a band, all in elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    /// Input channels.
    pub(crate) cin: usize,
    /// Rows of the kernel.
    pub(crate) kernel_h: usize,
    /// Columns of the kernel.
    pub(crate) kernel_w: usize,
    /// Columns between outputs.
    pub(crate) stride_w: NonZeroUsize,
    /// Elements of one band row.
    pub(crate) pitch: usize,
    /// Taps that every phase has: `kernel_w / stride_w`.
    even_taps: usize,
    /// Phases that have one tap more: `kernel_w mod stride_w`.
    long_phases: usize,
}

impl Geometry {
    /// The geometry of a window over `cin` channels. Once a step: drivers share one copy.
    #[inline(never)]
    pub(crate) fn new(cin: u16, window: &Window) -> Self {
        let kernel_w = usize::from(window.kernel_w);
        let stride_w = NonZeroUsize::new(usize::from(window.stride_w)).unwrap_or(NonZeroUsize::MIN);
        let phases = kernel_w.min(stride_w.get());
        Self {
            cin: usize::from(cin),
            kernel_h: usize::from(window.kernel_h),
            kernel_w,
            stride_w,
            pitch: phases.wrapping_mul(LANES - 1).wrapping_add(kernel_w),
            even_taps: kernel_w / stride_w,
            long_phases: kernel_w % stride_w,
        }
    }

    /// Elements of one channel's band rows.
    #[inline(always)]
    pub(crate) const fn channel_pitch(&self) -> usize {
        self.kernel_h.wrapping_mul(self.pitch)
    }

    /// Band elements that one unit of a `csr_p` or `csr_f` distance stands for.
    #[inline(always)]
    pub(crate) const fn unit(&self) -> usize {
        if self.is_1x1() && self.stride_w.get() == 1 {
            LANES
        } else {
            1
        }
    }

    /// Whether a channel's part of the band is one tile: a 1x1 window.
    #[inline(always)]
    pub(crate) const fn is_1x1(&self) -> bool {
        self.channel_pitch() == LANES
    }

    /// Elements of the whole band.
    #[inline(always)]
    pub(crate) const fn band_len(&self) -> usize {
        self.cin.wrapping_mul(self.channel_pitch())
    }

    /// Weights of one output channel.
    #[inline(always)]
    pub(crate) const fn columns(&self) -> usize {
        self.cin
            .wrapping_mul(self.kernel_h)
            .wrapping_mul(self.kernel_w)
    }

    /// Phases of a band row that hold elements.
    #[inline(always)]
    pub(crate) fn phases(&self) -> usize {
        self.kernel_w.min(self.stride_w.get())
    }

    /// Elements of a band row before the first pixel's input under tap `kx` (SPEC.md section 6).
    #[inline]
    pub(crate) fn tap_start(&self, kx: usize) -> usize {
        let phase = kx % self.stride_w;
        let start = (0..phase).fold(0_usize, |start, before| {
            start
                .wrapping_add(self.taps(before))
                .wrapping_add(LANES - 1)
        });
        start.wrapping_add(kx / self.stride_w)
    }

    /// Taps of a phase: `ceil((kernel_w − phase) / stride_w)`.
    #[inline(always)]
    pub(crate) const fn taps(&self, phase: usize) -> usize {
        self.even_taps
            .wrapping_add((phase < self.long_phases) as usize)
    }
}

/// Eight output pixels of a convolution, every channel.
#[derive(Clone, Copy)]
pub(crate) struct Tile<'s, T> {
    /// The gathered inputs, `geometry.band_len()` elements.
    pub(crate) band: &'s [Cell<T>],
    /// Scratch behind the band, free for kernels.
    #[cfg_attr(
        not(any(isa = "mve", isa = "xpulp")),
        expect(dead_code, reason = "for kernels of cores that gather words")
    )]
    pub(crate) room: &'s [Cell<T>],
    /// The output from the tile's first pixel of channel 0 on.
    pub(crate) out: &'s [Cell<T>],
    /// Elements between output channels.
    pub(crate) channel_stride: usize,
    /// Elements between output pixels.
    pub(crate) pixel_stride: usize,
    /// Pixels to store, 1 to 8.
    pub(crate) lanes: usize,
    /// Activation.
    pub(crate) post: Post<T>,
    /// Geometry of the band.
    pub(crate) geometry: &'s Geometry,
}

/// Some rows of a matrix times a vector.
#[derive(Clone, Copy)]
pub(crate) struct Product<'s, T> {
    /// The vector, as long as the matrix has columns.
    pub(crate) x: &'s [Cell<T>],
    /// The output vector from row 0 on.
    pub(crate) out: &'s [Cell<T>],
    /// Elements between outputs.
    pub(crate) stride: usize,
    /// The first row to compute.
    pub(crate) first: usize,
    /// One past the last row to compute; `first` is a multiple of 4 and so is this, unless it ends the matrix.
    pub(crate) end: usize,
    /// Stored entries (groups, blocks) of the rows before `first`.
    pub(crate) entries: usize,
    /// Activation.
    pub(crate) post: Post<T>,
}

/// One channel of a depthwise convolution over a padded copy of its plane.
#[derive(Clone, Copy)]
pub(crate) struct Plane<'s, T> {
    /// The padded plane: `padded_h · padded_w` elements, rounded up to 8, plus `16 · stride_w` of slack.
    pub(crate) padded: &'s [Cell<T>],
    /// Columns of the padded plane.
    pub(crate) padded_w: usize,
    /// The output plane.
    pub(crate) out: &'s [Cell<T>],
    /// Elements between output rows.
    pub(crate) row_stride: usize,
    /// Elements between output pixels.
    pub(crate) pixel_stride: usize,
    /// Output rows.
    pub(crate) out_h: usize,
    /// Output columns.
    pub(crate) out_w: usize,
    /// Rows of the kernel.
    pub(crate) kernel_h: usize,
    /// Columns of the kernel.
    pub(crate) kernel_w: usize,
    /// Rows between outputs.
    pub(crate) stride_h: usize,
    /// Columns between outputs.
    pub(crate) stride_w: usize,
    /// The output channel: the row of the weights.
    pub(crate) row: usize,
    /// Activation.
    pub(crate) post: Post<T>,
}

/// Where a band or a 1x1 tile is gathered from.
#[derive(Clone, Copy)]
pub(crate) struct Source<'s, T> {
    /// The whole input tensor.
    pub(crate) input: &'s [Cell<T>],
    /// Elements between channels.
    pub(crate) channel_stride: usize,
    /// Elements between rows.
    pub(crate) row_stride: usize,
    /// Elements between pixels.
    pub(crate) pixel_stride: usize,
    /// Rows of the input.
    pub(crate) height: isize,
    /// Columns of the input.
    pub(crate) width: isize,
    /// What stands outside the input.
    pub(crate) outside: T,
}

/// The border of a depthwise convolution's padded plane, in elements.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Padding {
    /// Rows above the input.
    pub(crate) top: usize,
    /// Columns left of the input.
    pub(crate) left: usize,
    /// Columns of the padded plane.
    pub(crate) padded_w: usize,
    /// Elements of the padded plane, without slack.
    pub(crate) len: usize,
}

/// The integer kernels of one architecture and rounding. Every function is total over its proven arguments.
///
/// # Safety
///
/// All functions require that
///
/// 1. the weights come from a [`nnz_format::Model`] (its parser proved counts, indices and shifts), and its bytes
///    lie at a multiple of 4;
/// 2. a tile's `band` holds `geometry.band_len()` elements of the geometry that the weights were checked against,
///    and `out` reaches the last lane of the last row;
/// 3. a product's `x` has as many elements as the matrix has columns, `first ≤ end ≤ rows`, `entries` counts the
///    rows before `first`, and `out` reaches row `end − 1`;
/// 4. a plane's `padded` and `out` have the sizes that their documentation gives, and `row` is a row.
pub(crate) trait Kernels {
    /// Dense convolution.
    unsafe fn dense_s8_conv(weights: &DenseS8<'_>, tile: &Tile<'_, i8>);
    /// CSR-P convolution.
    unsafe fn csr_p_s8_conv(weights: &CsrP<'_>, tile: &Tile<'_, i8>);
    /// CSR-N convolution.
    unsafe fn csr_n_s8_conv(weights: &CsrN<'_>, tile: &Tile<'_, i8>);
    /// Convolution with blocks of one output and four input channels.
    unsafe fn blk_1x4_s8_conv(weights: &Blk1x4<'_>, tile: &Tile<'_, i8>);
    /// Convolution with blocks of four output channels and one input channel.
    unsafe fn blk_4x1_s8_conv(weights: &Blk4x1<'_>, tile: &Tile<'_, i8>);
    /// Dense matrix times vector. Returns the entries of all rows before `end`, 0 for dense ones, as all
    /// products do.
    unsafe fn dense_s8_matvec(weights: &DenseS8<'_>, product: &Product<'_, i8>) -> usize;
    /// CSR-P matrix times vector.
    unsafe fn csr_p_s8_matvec(weights: &CsrP<'_>, product: &Product<'_, i8>) -> usize;
    /// CSR-N matrix times vector.
    unsafe fn csr_n_s8_matvec(weights: &CsrN<'_>, product: &Product<'_, i8>) -> usize;
    /// CSR-Q matrix times vector.
    unsafe fn csr_q_s8_matvec(weights: &CsrQ<'_>, product: &Product<'_, i8>) -> usize;
    /// Matrix in 1x4 blocks times vector.
    unsafe fn blk_1x4_s8_matvec(weights: &Blk1x4<'_>, product: &Product<'_, i8>) -> usize;
    /// Matrix in 4x1 blocks times vector.
    unsafe fn blk_4x1_s8_matvec(weights: &Blk4x1<'_>, product: &Product<'_, i8>) -> usize;
    /// Depthwise convolution of one plane.
    unsafe fn dense_s8_depthwise(weights: &DenseS8<'_>, plane: &Plane<'_, i8>);
}

/// The float kernels of one architecture; contracts as [`Kernels`].
///
/// # Safety
///
/// As [`Kernels`].
pub(crate) trait FloatKernels {
    /// Dense convolution.
    unsafe fn dense_f32_conv(weights: &DenseF32<'_>, tile: &Tile<'_, f32>);
    /// CSR-F convolution.
    unsafe fn csr_f_f32_conv(weights: &CsrF<'_>, tile: &Tile<'_, f32>);
    /// Dense matrix times vector.
    unsafe fn dense_f32_matvec(weights: &DenseF32<'_>, product: &Product<'_, f32>) -> usize;
    /// CSR-F matrix times vector.
    unsafe fn csr_f_f32_matvec(weights: &CsrF<'_>, product: &Product<'_, f32>) -> usize;
    /// Depthwise convolution of one plane.
    unsafe fn dense_f32_depthwise(weights: &DenseF32<'_>, plane: &Plane<'_, f32>);
}

/// How the inputs of a tile or plane are gathered into scratch.
///
/// # Safety
///
/// `source` describes its input truthfully; the destination has the size that each function names.
pub(crate) trait Gather: Sized {
    /// Fills a band of `geometry.band_len()` elements for the tile whose first window begins at input row `y`
    /// and column `x`, negative in padding. The first `kept` kernel rows, fewer than all, are what the band's last
    /// `kept` rows hold.
    unsafe fn band(
        source: &Source<'_, Self>,
        band: &[Cell<Self>],
        geometry: &Geometry,
        y_and_x: (isize, isize),
        kept: usize,
    );
    /// Fills a tile of 8 elements a channel with `pixels` (1 to 8, more count as 8) pixels from `pixel` on.
    unsafe fn tile_1x1(
        source: &Source<'_, Self>,
        tile: &[Cell<Self>],
        channels: usize,
        pixel: usize,
        pixels: usize,
    );
    /// Copies channel `channel` into the middle of a padded plane of `padding.len` elements.
    unsafe fn plane(
        source: &Source<'_, Self>,
        padded: &[Cell<Self>],
        padding: &Padding,
        channel: usize,
    );
}
