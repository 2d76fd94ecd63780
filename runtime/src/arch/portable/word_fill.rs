//! Filling tiles and bands of words from planes of bytes.
//!
//! ```text
//! tile    a0 a1 a2 a3 | a4 a5 a6 a7      two words of the plane give four: mask bytes 0 and 3, rotate, mask again
//! band    column x−1: L a0 a1 a2 a3 a4 a5 a6 a7 R          words (L, a3) (a0, a4) (a1, a5) (a2, a6) (a3, a7) (a4, R)
//! ```
//!
//! Tiles are visited down a strip of columns, so that a band keeps the rows that the next tile shares: they move up,
//! and only new rows are filled.

use super::lanes::{load, store};
use crate::kernels::{Geometry, LANES, Source};
use crate::words::WORDS;

/// Bytes 0 and 3.
const OUTER: u32 = 0xFF00_00FF;
/// Turns bytes 0 and 2 into 0…255.
const LOW_LANES: u32 = 0x0080_0080;
/// Turns every byte into 0…255.
const ALL_LANES: u32 = 0x8080_8080;

/// The word of two elements.
#[inline(always)]
#[expect(clippy::cast_sign_loss, reason = "bytes are placed bit by bit")]
const fn word(low: i8, high: i8) -> u32 {
    ((low as u8) ^ 0x80) as u32 | ((high as u32) << 24)
}

/// Fills the tile of a 1x1 window, four words a channel, from pixel `pixel` on; lanes past `pixels` are not read.
///
/// # Safety
///
/// `tile` holds four words a channel and `source` has `pixels` pixels from `pixel` on.
#[inline(always)]
pub(crate) unsafe fn tile(
    source: &Source<'_, i8>,
    tile: *mut u32,
    channels: usize,
    pixel: usize,
    pixels: usize,
) {
    let start = source.input.as_ptr().cast::<i8>();
    let mut from = start.wrapping_add(pixel.wrapping_mul(source.pixel_stride));
    let mut to = tile;
    let words = source.pixel_stride == 1
        && pixels >= LANES
        && from.addr().is_multiple_of(4)
        && source.channel_stride.is_multiple_of(4);
    for _ in 0..channels {
        if words {
            // SAFETY: eight bytes of the channel at a multiple of 4; four words of the tile.
            unsafe { quads(to, from.cast()) };
        } else {
            // SAFETY: `pixels` elements of the channel, four words of the tile.
            unsafe { gathered(to, from, source.pixel_stride, pixels.min(LANES)) };
        }
        to = to.wrapping_add(WORDS);
        from = from.wrapping_add(source.channel_stride);
    }
}

/// Eight pixels of a plane as four words.
///
/// # Safety
///
/// Two words at `from` can be read and four at `to` written.
#[inline(always)]
unsafe fn quads(to: *mut u32, from: *const u32) {
    for half in 0..2 {
        // SAFETY: the caller's contract.
        let quad = unsafe { load(from, half) } ^ LOW_LANES;
        // SAFETY: the caller's contract.
        unsafe { store(to, half.wrapping_mul(2), quad & OUTER) };
        let turned = quad.rotate_right(16) & OUTER;
        // SAFETY: the caller's contract.
        unsafe { store(to, half.wrapping_mul(2).wrapping_add(1), turned) };
    }
}

/// Up to eight elements that lie `step` apart as the four words of a tile.
///
/// # Safety
///
/// `count` elements at `from` can be read and four words at `to` written.
#[inline(never)]
unsafe fn gathered(to: *mut u32, from: *const i8, step: usize, count: usize) {
    let pixel = |index: usize| {
        if index < count {
            // SAFETY: below `count`.
            unsafe { load(from, index.wrapping_mul(step)) }
        } else {
            0
        }
    };
    for (index, (low, high)) in [(0, 3), (2, 1), (4, 7), (6, 5)].into_iter().enumerate() {
        // SAFETY: below four.
        unsafe { store(to, index, word(pixel(low), pixel(high))) };
    }
}

/// Fills the band of the tile whose first window begins at input row `y` and column `x`. The first `kept` kernel rows
/// are what the band's last `kept` rows hold.
///
/// # Safety
///
/// `band` holds `geometry.band_len()` words, `source` describes its input truthfully, `kept ≤ kernel_h`.
#[inline(always)]
pub(crate) unsafe fn band(
    source: &Source<'_, i8>,
    band: *mut u32,
    geometry: &Geometry,
    (y, x): (isize, isize),
    kept: usize,
) {
    if kept > 0 {
        // SAFETY: the caller's contract.
        unsafe { move_up(band, geometry, kept) };
    }
    for ky in kept..geometry.kernel_h {
        let to = band.wrapping_add(ky.wrapping_mul(geometry.pitch));
        let row = y.wrapping_add_unsigned(ky);
        if row < 0 || row >= source.height {
            // SAFETY: a kernel row of the band.
            unsafe { blank_row(to, geometry, source.outside) };
            continue;
        }
        let at = row.cast_unsigned().wrapping_mul(source.row_stride);
        let from = source.input.as_ptr().cast::<i8>().wrapping_add(at);
        // SAFETY: a kernel row of the band and a row of the input.
        unsafe { fill_row(source, to, from, geometry, x) };
    }
}

/// Words of a phase that taps read.
#[inline(always)]
fn phase_words(geometry: &Geometry, phase: usize) -> usize {
    geometry.taps(phase).wrapping_add(WORDS - 1)
}

/// Calls `f` with the place and length of each phase of a band row.
#[inline(always)]
fn each_phase(geometry: &Geometry, mut f: impl FnMut(usize, usize, usize)) {
    let mut start = 0_usize;
    for phase in 0..geometry.phases() {
        f(phase, start, phase_words(geometry, phase));
        start = start.wrapping_add(geometry.taps(phase).wrapping_add(LANES - 1));
    }
}

/// Moves the last `kept` kernel rows to the front.
///
/// # Safety
///
/// `band` holds the band and `kept < kernel_h`.
#[inline(always)]
unsafe fn move_up(band: *mut u32, geometry: &Geometry, kept: usize) {
    let shift = geometry
        .kernel_h
        .wrapping_sub(kept)
        .wrapping_mul(geometry.pitch);
    let is_six = geometry.stride_w.get() == 1 && geometry.kernel_w == 3;
    let mut channel = band;
    for _ in 0..geometry.cin {
        let mut to = channel;
        for _ in 0..kept {
            if is_six {
                // SAFETY: six words of a kernel row and of one further down; `[u32; 6]` is as aligned as a word.
                unsafe { copy_six(to.cast(), to.wrapping_add(shift).cast()) };
            } else {
                each_phase(geometry, |_, start, len| {
                    for index in start..start.wrapping_add(len) {
                        // SAFETY: words of a kernel row further down.
                        let word = unsafe { load(to.wrapping_add(shift), index) };
                        // SAFETY: words of a kernel row.
                        unsafe { store(to, index, word) };
                    }
                });
            }
            to = to.wrapping_add(geometry.pitch);
        }
        channel = channel.wrapping_add(geometry.channel_pitch());
    }
}

/// Copies six words.
///
/// # Safety
///
/// Six words at `from` can be read and six at `to` written.
#[inline(always)]
unsafe fn copy_six(to: *mut [u32; 6], from: *const [u32; 6]) {
    // SAFETY: the caller's contract.
    let words = unsafe { from.read() };
    // SAFETY: the caller's contract.
    unsafe { to.write(words) };
}

/// A kernel row outside the input, every channel.
///
/// # Safety
///
/// `to` begins a kernel row of the band.
#[inline(never)]
unsafe fn blank_row(to: *mut u32, geometry: &Geometry, outside: i8) {
    let blank = word(outside, outside);
    let mut channel = to;
    for _ in 0..geometry.cin {
        each_phase(geometry, |_, start, len| {
            for index in start..start.wrapping_add(len) {
                // SAFETY: words of the kernel row.
                unsafe { store(channel, index, blank) };
            }
        });
        channel = channel.wrapping_add(geometry.channel_pitch());
    }
}

/// A kernel row inside the input, every channel; `from` is column 0 of channel 0, the first window begins at `x`.
///
/// # Safety
///
/// `to` begins a kernel row of the band, `from` a row of the input.
#[inline(always)]
unsafe fn fill_row(
    source: &Source<'_, i8>,
    to: *mut u32,
    from: *const i8,
    geometry: &Geometry,
    x: isize,
) {
    let middle = x.wrapping_add(1);
    let is_three = geometry.kernel_w == 3
        && geometry.stride_w.get() == 1
        && source.pixel_stride == 1
        && middle >= 0
        && middle.wrapping_add(LANES.cast_signed()) <= source.width
        && from.wrapping_offset(middle).addr().is_multiple_of(4)
        && source.channel_stride.is_multiple_of(4);
    if !is_three {
        // SAFETY: the caller's contract.
        unsafe { general_row(source, to, from, geometry, x) };
        return;
    }
    let from = from.wrapping_offset(middle);
    let (left, right) = (
        middle > 0,
        middle.wrapping_add(LANES.cast_signed()) < source.width,
    );
    // SAFETY of each: eight bytes at `from`, a multiple of 4, lie in the row, and so do those before and behind it that
    // the flags name.
    match (left, right) {
        // SAFETY: as above.
        (false, false) => unsafe { three_taps::<false, false>(source, to, from, geometry) },
        // SAFETY: as above.
        (true, false) => unsafe { three_taps::<true, false>(source, to, from, geometry) },
        // SAFETY: as above.
        (false, true) => unsafe { three_taps::<false, true>(source, to, from, geometry) },
        // SAFETY: as above.
        (true, true) => unsafe { three_taps::<true, true>(source, to, from, geometry) },
    }
}

/// A row of three taps and stride 1: eight bytes at `from`, and those beside them where `LEFT`, `RIGHT` say so.
///
/// # Safety
///
/// The bytes can be read in every channel, `from` is a multiple of 4, `to` begins a kernel row of the band.
#[inline(never)]
unsafe fn three_taps<const LEFT: bool, const RIGHT: bool>(
    source: &Source<'_, i8>,
    mut to: *mut u32,
    mut from: *const i8,
    geometry: &Geometry,
) {
    let step = geometry.channel_pitch();
    for _ in 0..geometry.cin {
        // SAFETY: the caller's contract.
        let a = unsafe { load(from.cast::<u32>(), 0) };
        // SAFETY: the caller's contract.
        let b = unsafe { load(from.cast::<u32>(), 1) };
        let left = if LEFT {
            // SAFETY: the caller's contract.
            unsafe { load(from.wrapping_sub(1), 0) }
        } else {
            source.outside
        };
        let right = if RIGHT {
            // SAFETY: the caller's contract.
            unsafe { load(from, LANES) }
        } else {
            source.outside
        };
        let (low_a, low_b) = (a ^ ALL_LANES, b ^ ALL_LANES);
        let words = [
            word(left, 0) | (a & 0xFF00_0000),
            (low_a & 0xFF) | (b << 24),
            ((low_a >> 8) & 0xFF) | ((b & 0xFF00) << 16),
            ((low_a >> 16) & 0xFF) | ((b & 0x00FF_0000) << 8),
            (low_a >> 24) | (b & 0xFF00_0000),
            (low_b & 0xFF) | (word(0, right) & 0xFF00_0000),
        ];
        // SAFETY: six words of the kernel row.
        unsafe { to.cast::<[u32; 6]>().write(words) };
        to = to.wrapping_add(step);
        from = from.wrapping_add(source.channel_stride);
    }
}

/// Any row: each word is gathered from its two elements.
///
/// # Safety
///
/// As [`fill_row`].
#[inline(never)]
unsafe fn general_row(
    source: &Source<'_, i8>,
    to: *mut u32,
    from: *const i8,
    geometry: &Geometry,
    x: isize,
) {
    let stride = geometry.stride_w.get();
    let step = stride.wrapping_mul(source.pixel_stride);
    each_phase(geometry, |phase, start, len| {
        let first = x.wrapping_add_unsigned(phase);
        let inside = |index: usize| {
            let column = first.wrapping_add_unsigned(index.wrapping_mul(stride));
            column >= 0 && column < source.width
        };
        let at = first.wrapping_mul(source.pixel_stride.cast_signed());
        let begin = from.wrapping_offset(at);
        let element = |channel: *const i8, index: usize| {
            if inside(index) {
                // SAFETY: the column is one of the row's.
                unsafe { load(channel, index.wrapping_mul(step)) }
            } else {
                source.outside
            }
        };
        let all_inside = inside(0) && inside(len.wrapping_add(WORDS - 1));
        let (mut channel, mut to) = (begin, to.wrapping_add(start));
        for _ in 0..geometry.cin {
            if all_inside {
                // SAFETY: the first and the last element are inside, and so are those between.
                unsafe { pairs(to, channel, step, len) };
            } else {
                for index in 0..len {
                    let (low, high) = (index, index.wrapping_add(WORDS));
                    let word = word(element(channel, low), element(channel, high));
                    // SAFETY: a word of the phase.
                    unsafe { store(to, index, word) };
                }
            }
            channel = channel.wrapping_add(source.channel_stride);
            to = to.wrapping_add(geometry.channel_pitch());
        }
    });
}

/// `len` words from elements `step` apart, all of which exist.
///
/// # Safety
///
/// `len + 4` elements at `from` can be read, `len` words at `to` written.
#[inline(always)]
unsafe fn pairs(to: *mut u32, mut from: *const i8, step: usize, len: usize) {
    let ahead = step.wrapping_mul(WORDS);
    for index in 0..len {
        // SAFETY: the caller's contract.
        let low = unsafe { load(from, 0) };
        // SAFETY: the caller's contract.
        let high = unsafe { load(from, ahead) };
        // SAFETY: the caller's contract.
        unsafe { store(to, index, word(low, high)) };
        from = from.wrapping_add(step);
    }
}
