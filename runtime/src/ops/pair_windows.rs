//! Tiles of pairs filled window by window: inputs whose pixels do not follow each other, and narrow maps, whose tiles
//! run across the ends of rows.
//!
//! ```text
//! offsets   one a column (c, ky, kx): c · channel stride + ky · row stride + kx · pixel stride
//! inside    windows within the input: a column of all pixels of a row at once
//! at edges  one after the other
//! ```

use crate::arch::keep_rolled;
use crate::arena::View;
use crate::dispatch::{expand_edge, expand_lanes};
use crate::gather::first;
use crate::pairs::Lanes;
use core::cell::Cell;
use core::num::NonZeroUsize;
use nnz_format::Window;

/// How the windows of a convolution lie in its input.
pub(super) struct Windows<'s> {
    window: &'s Window,
    offsets: &'s [Cell<u32>],
    /// Columns of the output.
    width: NonZeroUsize,
    /// Columns of the output whose windows lie inside the input's columns.
    inside: (usize, usize),
}

impl<'s> Windows<'s> {
    /// Notes the offsets of the columns in `room`; `None` where they do not fit it, or 16 bits.
    pub(super) fn new(
        input: &View<'_, i8>,
        width: usize,
        window: &'s Window,
        room: &'s [Cell<u32>],
    ) -> Option<Self> {
        let (kernel_h, kernel_w) = (usize::from(window.kernel_h), usize::from(window.kernel_w));
        let columns = input.channels.wrapping_mul(kernel_h).wrapping_mul(kernel_w);
        let offsets = room.get(..columns.div_ceil(4).wrapping_mul(2))?;
        let last = (input.channels, kernel_h, kernel_w);
        let [c, y, x] = [last.0, last.1, last.2].map(|extent| extent.wrapping_sub(1));
        u16::try_from(input.index(c, y, x)).ok()?;
        note(input, last, offsets);
        let stride = NonZeroUsize::new(window.stride_w.into()).unwrap_or(NonZeroUsize::MIN);
        let left = usize::from(window.pad_left);
        let room = input.width.wrapping_add(left).checked_sub(kernel_w);
        let end = room.map_or(0, |room| (room / stride).wrapping_add(1));
        Some(Self {
            window,
            offsets,
            width: NonZeroUsize::new(width).unwrap_or(NonZeroUsize::MIN),
            inside: (left.div_ceil(stride.get()), end.min(width)),
        })
    }

    /// Fills `lanes` lanes of a tile with what output pixel `pixel` and those after it see of `input`.
    #[inline(never)]
    pub(super) fn fill(
        &self,
        input: &View<'_, i8>,
        (pixel, lanes): (usize, usize),
        tile: &[Cell<u32>],
    ) {
        let (mut y, mut x) = (pixel / self.width, pixel % self.width);
        let mut lane = 0_usize;
        while lane < lanes {
            let top = first(y, self.window.stride_h, self.window.pad_top).cast_unsigned();
            let left = first(x, self.window.stride_w, self.window.pad_left).cast_unsigned();
            let count =
                if self.has_rows(input.height, top) && self.inside.0 <= x && x < self.inside.1 {
                    let count = self.inside.1.wrapping_sub(x);
                    let count = count.min(lanes.wrapping_sub(lane));
                    let windows = Lanes {
                        from: input.at(0, top, left),
                        step: usize::from(self.window.stride_w).wrapping_mul(input.pixel_stride),
                        first: lane,
                        count,
                    };
                    expand_lanes(&windows, self.offsets, tile);
                    count
                } else {
                    let taps = (input.channels, self.window);
                    expand_edge(&super::source(input), taps, (top, left), (tile, lane));
                    1
                };
            lane = lane.wrapping_add(count);
            x = x.wrapping_add(count);
            if x == self.width.get() {
                (y, x) = (y.wrapping_add(1), 0);
            }
        }
    }

    /// Whether all rows of a window from row `top` on are among `height` rows.
    fn has_rows(&self, height: usize, top: usize) -> bool {
        top <= height && top.wrapping_add(self.window.kernel_h.into()) <= height
    }
}

/// Writes the offsets of all columns, two a word; those that make the last quad whole are 0.
fn note(
    input: &View<'_, i8>,
    (channels, kernel_h, kernel_w): (usize, usize, usize),
    offsets: &[Cell<u32>],
) {
    let (mut left, mut column) = (offsets.iter(), 0_usize);
    let mut word = 0_u32;
    for channel in 0..channels {
        for ky in 0..kernel_h {
            for kx in 0..kernel_w {
                let offset = u32::try_from(input.index(channel, ky, kx)).unwrap_or(0);
                // The earlier column of two is the low half.
                word = word >> 16 | offset << 16;
                if column % 2 == 1
                    && let Some(cell) = left.next()
                {
                    cell.set(word);
                }
                column = column.wrapping_add(1);
            }
        }
    }
    word = if column % 2 == 1 { word >> 16 } else { 0 };
    for cell in left {
        keep_rolled();
        cell.set(word);
        word = 0;
    }
}
