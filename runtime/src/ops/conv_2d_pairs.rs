//! Dense `conv_2d` of files for `arm-dsp`: tiles whose inputs are gathered into 16-bit pairs.

use super::conv_2d::readable;
use super::in_place::Kept;
use super::pair_windows::Windows;
use super::{Job, post, source};
use crate::arena::View;
use crate::cursor::{Cursor, Progress};
use crate::dispatch::{conv_pairs, expand};
use crate::gather;
use crate::kernels::{Geometry, LANES};
use crate::pairs::{Columns, PairTile, QUAD};
use core::cell::Cell;
use core::num::NonZeroUsize;
use nnz_format::{Clamp, Window};

/// The parts of the scratch.
struct Scratch<'s> {
    taps: &'s [Cell<u32>],
    band: &'s [Cell<i8>],
    tile: &'s [Cell<u32>],
    /// Room for the columns' offsets, in place of the band.
    offsets: &'s [Cell<u32>],
}

impl<'s> Scratch<'s> {
    fn of(job: &Job<'s, '_>, geometry: &Geometry) -> Option<Self> {
        let words = job.scratch::<u32>();
        let bytes = job.scratch::<i8>();
        let kernel_w = geometry.kernel_w;
        let band = kernel_w.wrapping_mul(4)..;
        let len = geometry.band_len();
        let first = kernel_w
            .wrapping_add(len.next_multiple_of(8) / 4)
            .next_multiple_of(2);
        let tile = geometry.columns().div_ceil(4).wrapping_mul(QUAD);
        Some(Self {
            taps: words.get(..kernel_w)?,
            band: bytes.get(band)?.get(..len)?,
            tile: words.get(first..)?.get(..tile)?,
            offsets: words.get(kernel_w..first)?,
        })
    }

    /// Notes where each tap begins in a row of the band: SPEC.md section 6.
    fn note_taps(&self, geometry: &Geometry) {
        for (kx, tap) in self.taps.iter().enumerate() {
            tap.set(u32::try_from(geometry.tap_start(kx)).unwrap_or(0));
        }
    }
}

/// How tiles are filled.
enum Way<'s> {
    /// A window of one tap: eight pixels of every plane.
    Planes,
    /// Window by window.
    Windows(Windows<'s>),
    /// Through bands: down strips where the output lies over the input, else along rows.
    Bands(Option<Kept<'s, i8>>),
}

/// A convolution: where its tiles come from, and where they go.
struct Convolution<'s> {
    input: View<'s, i8>,
    output: View<'s, i8>,
    geometry: Geometry,
    window: &'s Window,
    scratch: Scratch<'s>,
    way: Way<'s>,
}

impl<'s> Convolution<'s> {
    /// Chooses the way.
    #[inline(never)]
    fn new(job: &Job<'s, '_>, window: &'s Window) -> Option<Self> {
        let (input, output) = (job.input::<i8>(), job.output::<i8>());
        let geometry = Geometry::new(job.step.input.c, window);
        let scratch = Scratch::of(job, &geometry)?;
        scratch.note_taps(&geometry);
        let is_apart = input.pixel_stride != 1 || geometry.kernel_w < usize::from(window.stride_w);
        let way = if window.is_pointwise() {
            Way::Planes
        } else {
            let kept = Kept::of(job, window).0;
            let windows = if kept.is_none() && (is_apart || output.width < LANES) {
                Windows::new(&input, output.width, window, scratch.offsets)
            } else {
                None
            };
            windows.map_or(Way::Bands(kept), Way::Windows)
        };
        Some(Self {
            input,
            output,
            geometry,
            window,
            scratch,
            way,
        })
    }

    /// Tiles of the output.
    fn tiles(&self) -> usize {
        match self.way {
            Way::Planes | Way::Windows(_) => self.output.pixels().div_ceil(LANES),
            Way::Bands(_) => self
                .output
                .width
                .div_ceil(LANES)
                .wrapping_mul(self.output.height),
        }
    }

    /// Fills a tile; where its outputs begin, and how many there are. Out of line, as for bytes.
    #[inline(never)]
    fn fill(&self, unit: usize) -> (&'s [Cell<i8>], usize) {
        let Way::Bands(kept) = &self.way else {
            let pixel = unit.wrapping_mul(LANES);
            let left = self.output.pixels().wrapping_sub(pixel);
            match &self.way {
                Way::Windows(windows) => {
                    windows.fill(&self.input, (pixel, left.min(LANES)), self.scratch.tile);
                }
                Way::Planes | Way::Bands(_) => self.planes(pixel, left),
            }
            return (self.output.at_pixel(pixel), left.min(LANES));
        };
        let (y, x) = match kept {
            Some(_) => place(unit, self.output.height, false),
            None => place(unit, self.output.width.div_ceil(LANES), true),
        };
        self.band((y, x), kept.as_ref());
        let lanes = self.output.width.wrapping_sub(x).min(LANES);
        (self.output.at(0, y, x), lanes)
    }

    /// Fills the tile of a window of one tap from pixel `pixel` on, `left` of which are left.
    #[inline(always)]
    fn planes(&self, pixel: usize, left: usize) {
        let there = readable(&self.input, pixel, left);
        let columns = if there >= LANES && is_whole(&self.input) {
            Columns::Apart(self.input.at_pixel(pixel), self.input.channel_stride)
        } else {
            let (from, band) = (source(&self.input), self.scratch.band);
            gather::tile_1x1(&from, band, &self.geometry, pixel, there);
            Columns::Apart(band, LANES)
        };
        expand(columns, self.scratch.tile);
    }

    /// Fills the tile that begins at `(y, x)` of the output through its band.
    #[inline(always)]
    fn band(&self, (y, x): (usize, usize), kept: Option<&Kept<'_, i8>>) {
        let rows = kept.map_or(0, |kept| kept.rows(y));
        let band = self.scratch.band;
        Kept::around(kept, &self.input, (y, x), || {
            let (from, at) = (source(&self.input), ((y, x), rows));
            gather::band(&from, band, &self.geometry, self.window, at);
        });
        expand(
            Columns::Band(band, self.scratch.taps, self.geometry.pitch),
            self.scratch.tile,
        );
    }
}

/// Row and column of tile `unit`, where `count` tiles follow each other along a row, or down a strip.
#[inline(always)]
fn place(unit: usize, count: usize, is_along: bool) -> (usize, usize) {
    let count = NonZeroUsize::new(count).unwrap_or(NonZeroUsize::MIN);
    let (far, near) = (unit / count, unit % count);
    if is_along {
        (far, near.wrapping_mul(LANES))
    } else {
        (near, far.wrapping_mul(LANES))
    }
}

/// Runs the tiles that are left.
#[inline(never)]
pub(super) fn run<const OPS: u128>(
    job: &Job<'_, '_>,
    window: &Window,
    clamp: &Clamp,
    cursor: &mut Cursor,
) -> Progress {
    // By reference: a copy would stand beside it.
    let Some(convolution) = &Convolution::new(job, window) else {
        return Progress::Done;
    };
    let columns = convolution.geometry.columns();
    let output = &convolution.output;
    let cost = columns
        .saturating_mul(output.channels)
        .saturating_mul(LANES);
    cursor.each(convolution.tiles(), cost, |unit| {
        let (out, lanes) = convolution.fill(unit);
        let tile = PairTile {
            tile: convolution.scratch.tile,
            columns,
            out,
            channel_stride: output.channel_stride,
            pixel_stride: output.pixel_stride,
            lanes,
            post: post(clamp, output.zero_point),
        };
        conv_pairs::<OPS>(&job.step.weights, job.rounding, &tile);
    })
}

/// Whether eight bytes of every plane make whole quads.
fn is_whole(input: &View<'_, i8>) -> bool {
    input.pixel_stride == 1 && input.channels.is_multiple_of(4)
}
