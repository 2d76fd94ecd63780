//! Filling tiles and bands of words from planes of bytes.
//!
//! ```text
//! tile    a0 a1 a2 a3 | a4 a5 a6 a7      two words of the plane give four: mask bytes 0 and 3, rotate, mask again
//! band    column x−1: L a0 a1 a2 a3 a4 a5 a6 a7 R          words (L, a3) (a0, a4) (a1, a5) (a2, a6) (a3, a7) (a4, R)
//! ```
//!
//! Tiles are visited down a strip of columns, so that a band keeps the rows that the next tile shares: they move up,
//! and only new rows are filled.
//!
//! Entry points stay out of line: drivers are compiled for size, this for speed.

use super::lanes::{load, store};
use crate::arch::{copy_six, keep_rolled, store_six};
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
#[inline(never)]
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
    if words {
        for _ in 0..channels {
            // SAFETY: eight bytes of the channel at a multiple of 4; four words of the tile.
            unsafe { quads(to.cast(), from.cast()) };
            to = to.wrapping_add(WORDS);
            from = from.wrapping_add(source.channel_stride);
        }
        return;
    }
    for _ in 0..channels {
        // SAFETY: `pixels` elements of the channel, four words of the tile.
        unsafe { gathered(to, from, source.pixel_stride, pixels.min(LANES)) };
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
unsafe fn quads(to: *mut [u32; WORDS], from: *const [u32; 2]) {
    // SAFETY: the caller's contract.
    let [a, b] = unsafe { from.read() }.map(|quad| quad ^ LOW_LANES);
    let words = [a, a.rotate_right(16), b, b.rotate_right(16)].map(|word| word & OUTER);
    // SAFETY: the caller's contract.
    unsafe { to.write(words) };
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
#[inline(never)]
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
#[inline(never)]
unsafe fn move_up(band: *mut u32, geometry: &Geometry, kept: usize) {
    match (geometry.kernel_w, geometry.stride_w.get()) {
        // SAFETY: the six words of a kernel row and of one further down.
        (3, 1) => each_kept(band, geometry, kept, |to, from| unsafe {
            copy_six(to, from);
        }),
        (3, 2) => each_kept(band, geometry, kept, |to, from| {
            // SAFETY: the five words of phase 0 and one more of the seventeen of a kernel row.
            unsafe { copy_six(to, from) };
            // SAFETY: the four words of phase 1, from the tenth on, and those beside them.
            unsafe { copy_six(to.wrapping_add(8), from.wrapping_add(8)) };
        }),
        // SAFETY: a kernel row and one further down.
        _ => each_kept(band, geometry, kept, |to, from| unsafe {
            copy_row(to, from, geometry);
        }),
    }
}

/// Calls `copy` for each of the first `kept` kernel rows of every channel with the row that moves there.
#[inline(always)]
fn each_kept(
    band: *mut u32,
    geometry: &Geometry,
    kept: usize,
    copy: impl Fn(*mut u32, *const u32),
) {
    let shift = geometry
        .kernel_h
        .wrapping_sub(kept)
        .wrapping_mul(geometry.pitch);
    let mut channel = band;
    for _ in 0..geometry.cin {
        let mut to = channel;
        for _ in 0..kept {
            copy(to, to.wrapping_add(shift));
            to = to.wrapping_add(geometry.pitch);
        }
        channel = channel.wrapping_add(geometry.channel_pitch());
    }
}

/// Copies the words of a kernel row.
///
/// # Safety
///
/// `to` and `from` begin kernel rows of the band.
#[inline(always)]
unsafe fn copy_row(to: *mut u32, from: *const u32, geometry: &Geometry) {
    each_phase(geometry, |_, start, len| {
        for index in start..start.wrapping_add(len) {
            // SAFETY: a word of the kernel row.
            let word = unsafe { load(from, index) };
            // SAFETY: a word of the kernel row.
            unsafe { store(to, index, word) };
            keep_rolled();
        }
    });
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
                keep_rolled();
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
    let stride = geometry.stride_w.get().cast_signed();
    // The whole words of the row: from the column after the left one, or from the first.
    let middle = if stride == 1 || x & 1 != 0 {
        x.wrapping_add(1)
    } else {
        x
    };
    let end = middle.wrapping_add(stride.wrapping_mul(LANES.cast_signed()));
    let is_aligned = geometry.kernel_w == 3
        && source.pixel_stride == 1
        && middle >= 0
        && end <= source.width
        && from.wrapping_offset(middle).addr().is_multiple_of(4)
        && source.channel_stride.is_multiple_of(4);
    let from_middle = from.wrapping_offset(middle);
    let row = Row {
        source,
        geometry,
        from: from_middle,
        to,
    };
    let beside = (middle > 0, end < source.width);
    // SAFETY of each: the bytes from `middle` to `end` lie in the row and begin at a multiple of 4; beside them, the row
    // goes on where the flags say so.
    match (is_aligned, stride) {
        // SAFETY: as above.
        (true, 1) => unsafe { stride_1(row, beside) },
        // SAFETY: as above.
        (true, 2) if middle != x => unsafe { stride_2::<true>(row, beside.0) },
        // SAFETY: as above.
        (true, 2) => unsafe { stride_2::<false>(row, beside.1) },
        // SAFETY: the caller's contract.
        _ => unsafe { general_row(source, to, from, geometry, x) },
    }
}

/// A kernel row of three taps to fill from whole words of the input.
#[derive(Clone, Copy)]
struct Row<'s> {
    source: &'s Source<'s, i8>,
    geometry: &'s Geometry,
    /// The first whole word of channel 0.
    from: *const i8,
    /// The kernel row in channel 0's part of the band.
    to: *mut u32,
}

/// Stride 1: eight bytes, and those beside them where `left`, `right` say so.
///
/// # Safety
///
/// As [`three_taps`].
#[inline(never)]
unsafe fn stride_1(row: Row<'_>, (left, right): (bool, bool)) {
    match (left, right) {
        // SAFETY: the caller's contract.
        (false, false) => unsafe { three_taps::<false, false>(row) },
        // SAFETY: the caller's contract.
        (true, false) => unsafe { three_taps::<true, false>(row) },
        // SAFETY: the caller's contract.
        (false, true) => unsafe { three_taps::<false, true>(row) },
        // SAFETY: the caller's contract.
        (true, true) => unsafe { three_taps::<true, true>(row) },
    }
}

/// Eight bytes of every channel, and those beside them where `LEFT`, `RIGHT` say so.
///
/// # Safety
///
/// The bytes can be read in every channel, `from` is a multiple of 4, `to` begins a kernel row of the band.
#[inline(always)]
unsafe fn three_taps<const LEFT: bool, const RIGHT: bool>(row: Row<'_>) {
    let (mut from, mut to) = (row.from, row.to);
    let (step, stride) = (row.geometry.channel_pitch(), row.source.channel_stride);
    let outside = row.source.outside;
    for _ in 0..row.geometry.cin {
        // SAFETY: the caller's contract.
        let [a, b] = unsafe { from.cast::<[u32; 2]>().read() };
        let left = if LEFT {
            // SAFETY: the caller's contract.
            unsafe { load(from.wrapping_sub(1), 0) }
        } else {
            outside
        };
        let right = if RIGHT {
            // SAFETY: the caller's contract.
            unsafe { load(from, LANES) }
        } else {
            outside
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
        unsafe { store_six(to, words) };
        to = to.wrapping_add(step);
        from = from.wrapping_add(stride);
    }
}

/// Stride 2: sixteen bytes, one before them where `ODD` (one column of padding or a tile further right), else one
/// behind them, if it `is_inside` the row.
///
/// ```text
/// even columns pair to E0 … E3, odd ones to O0 … O3: (0, 8) (2, 10) (4, 12) (6, 14); (1, 9) …
/// begins at 0        E0 E1 E2 E3 (8, 16) | O0 O1 O2 O3
/// begins at −1       (−1, 7) O0 O1 O2 O3 | E0 E1 E2 E3
/// ```
///
/// # Safety
///
/// The bytes can be read in every channel, `from` is a multiple of 4, `to` begins a kernel row of the band.
#[inline(never)]
unsafe fn stride_2<const ODD: bool>(row: Row<'_>, is_inside: bool) {
    let (mut from, mut to) = (row.from, row.to);
    let step = row.geometry.channel_pitch();
    // Where there is no element, one that never moves stands for it.
    let (mut beside, beside_stride) = match (is_inside, ODD) {
        (false, _) => (&raw const row.source.outside, 0),
        (true, true) => (from.wrapping_sub(1), row.source.channel_stride),
        (true, false) => (from.wrapping_add(2 * LANES), row.source.channel_stride),
    };
    for _ in 0..row.geometry.cin {
        // SAFETY: the caller's contract.
        let [a, b, c, d] = unsafe { from.cast::<[u32; 4]>().read() };
        // SAFETY: an element of the channel, or what stands outside.
        let edge = unsafe { load(beside, 0) };
        beside = beside.wrapping_add(beside_stride);
        let (low_a, low_b) = (a ^ ALL_LANES, b ^ ALL_LANES);
        let even = [
            (low_a & 0xFF) | (c << 24),
            ((low_a >> 16) & 0xFF) | ((c & 0x00FF_0000) << 8),
            (low_b & 0xFF) | (d << 24),
            ((low_b >> 16) & 0xFF) | ((d & 0x00FF_0000) << 8),
        ];
        let odds = [
            ((low_a >> 8) & 0xFF) | ((c & 0xFF00) << 16),
            (low_a >> 24) | (c & 0xFF00_0000),
            ((low_b >> 8) & 0xFF) | ((d & 0xFF00) << 16),
            (low_b >> 24) | (d & 0xFF00_0000),
        ];
        let second = to.wrapping_add(WORDS + 5);
        if ODD {
            // SAFETY: the first of the five words of phase 0.
            unsafe { store(to, 0, word(edge, 0) | (b & 0xFF00_0000)) };
            // SAFETY: the other four.
            unsafe { to.wrapping_add(1).cast::<[u32; WORDS]>().write(odds) };
            // SAFETY: the four words of phase 1.
            unsafe { second.cast::<[u32; WORDS]>().write(even) };
        } else {
            // SAFETY: the first four words of phase 0.
            unsafe { to.cast::<[u32; WORDS]>().write(even) };
            let last = ((c ^ ALL_LANES) & 0xFF) | (word(0, edge) & 0xFF00_0000);
            // SAFETY: the fifth.
            unsafe { store(to, WORDS, last) };
            // SAFETY: the four words of phase 1.
            unsafe { second.cast::<[u32; WORDS]>().write(odds) };
        }
        to = to.wrapping_add(step);
        from = from.wrapping_add(row.source.channel_stride);
    }
}

/// Any row: word by word, every channel of a word from its two elements.
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
    each_phase(geometry, |phase, start, len| {
        for index in 0..len {
            let column = |index: usize| {
                x.wrapping_add_unsigned(phase.wrapping_add(index.wrapping_mul(stride)))
            };
            let at = |column: isize| {
                let is_inside = column >= 0 && column < source.width;
                let offset = column.wrapping_mul(source.pixel_stride.cast_signed());
                is_inside.then(|| from.wrapping_offset(offset))
            };
            let (low, high) = (at(column(index)), at(column(index.wrapping_add(WORDS))));
            let to = to.wrapping_add(start.wrapping_add(index));
            // SAFETY: a word of the kernel row in every channel, and columns of the row.
            unsafe { column_words(source, geometry, to, (low, high)) };
        }
    });
}

/// One word of every channel, from the elements at `low` and `high` of channel 0, where there are any.
///
/// # Safety
///
/// The elements are in the input, and `to` is a word of the band's first channel.
#[inline(never)]
unsafe fn column_words(
    source: &Source<'_, i8>,
    geometry: &Geometry,
    mut to: *mut u32,
    (low, high): (Option<*const i8>, Option<*const i8>),
) {
    // Where there is no element, one that never moves stands for it.
    let outside = &raw const source.outside;
    let stride = source.channel_stride;
    let step = |from: Option<*const i8>| if from.is_some() { stride } else { 0 };
    let (low_step, high_step) = (step(low), step(high));
    let (mut low, mut high) = (low.unwrap_or(outside), high.unwrap_or(outside));
    for _ in 0..geometry.cin {
        // SAFETY: an element of the channel, or what stands outside.
        let a = unsafe { load(low, 0) };
        // SAFETY: as above.
        let b = unsafe { load(high, 0) };
        // SAFETY: a word of the band.
        unsafe { store(to, 0, word(a, b)) };
        low = low.wrapping_add(low_step);
        high = high.wrapping_add(high_step);
        to = to.wrapping_add(geometry.channel_pitch());
    }
}
