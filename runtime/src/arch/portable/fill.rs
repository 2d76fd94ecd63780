//! Gathering a tile's inputs: the band of a K×K window, the tile of a 1x1 window, the padded plane of a
//! depthwise convolution.
//!
//! ```text
//! input row   · · a b c d e f g h i j · ·        3 wide, stride 1, first tile, one column of padding
//! band row    z a b c d e f g h i                 z = what stands outside the input
//! ```

use super::lanes::{load, store};
use crate::arch::{OVERLAPPED_WORDS, UNALIGNED_WORDS, copy_two, copy_word, keep_rolled};
use crate::kernels::{Geometry, LANES, Padding, Source};

/// Bytes of a word.
const WORD: usize = 4;

/// A run of `len` elements: `lead` outside the input, then `copied` from it, `step` apart, then outside again.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    pub(crate) lead: usize,
    pub(crate) copied: usize,
    pub(crate) len: usize,
    pub(crate) step: usize,
}

/// The same run of several channels.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs<T> {
    /// The run of each channel.
    pub(crate) run: Run,
    /// Where the first channel's run is written.
    pub(crate) to: *mut T,
    /// Elements from a channel's run to the next.
    pub(crate) to_stride: usize,
    /// The first element that is copied of the first channel.
    pub(crate) from: *const T,
    /// Elements from a channel to the next.
    pub(crate) from_stride: usize,
    /// How many channels.
    pub(crate) count: usize,
    /// What stands outside the input.
    pub(crate) outside: T,
}

impl<T: Copy> Runs<T> {
    /// Writes the run of every channel.
    ///
    /// # Safety
    ///
    /// The elements of every run may be written, and those that are copied read.
    #[inline(always)]
    pub(crate) unsafe fn write(&self) {
        let (mut to, mut from) = (self.to, self.from);
        for _ in 0..self.count {
            // SAFETY: the caller's contract.
            unsafe { self.run.write(to, from, self.outside) };
            to = to.wrapping_add(self.to_stride);
            from = from.wrapping_add(self.from_stride);
        }
    }
}

impl Run {
    /// Writes the run at `to`; `from` is the first element that is copied.
    ///
    /// # Safety
    ///
    /// `len` elements at `to` may be written, and `copied` elements, `step` apart, read at `from`.
    #[inline(always)]
    unsafe fn write<T: Copy>(&self, to: *mut T, from: *const T, outside: T) {
        let inside = to.wrapping_add(self.lead);
        // SAFETY: `lead ≤ len` elements.
        unsafe { fill(to, self.lead, outside) };
        // SAFETY: `lead + copied ≤ len` elements.
        unsafe { copy(inside, from, self.copied, self.step) };
        let rest = self.len.wrapping_sub(self.lead).wrapping_sub(self.copied);
        // SAFETY: the rest of the `len` elements.
        unsafe { fill(inside.wrapping_add(self.copied), rest, outside) };
    }
}

/// Writes runs of bytes.
///
/// # Safety
///
/// As [`Runs::write`].
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn write_runs(runs: &Runs<i8>) {
    // SAFETY: the caller's contract.
    unsafe { runs.write() };
}

/// Writes `value` `count` times.
///
/// # Safety
///
/// `count` elements at `to` may be written.
#[inline(always)]
unsafe fn fill<T: Copy>(to: *mut T, count: usize, value: T) {
    for index in 0..count {
        // SAFETY: below `count`.
        unsafe { store(to, index, value) };
        keep_rolled();
    }
}

/// Copies `count` elements that lie `step` apart, eight at a time.
///
/// # Safety
///
/// `count` elements at `to` may be written and read `step` apart at `from`.
#[inline(always)]
unsafe fn copy<T: Copy>(mut to: *mut T, mut from: *const T, count: usize, step: usize) {
    let mut left = count;
    if step == 1 {
        while left >= LANES {
            // SAFETY: eight elements are left.
            unsafe { copy_lanes(to, from) };
            to = to.wrapping_add(LANES);
            from = from.wrapping_add(LANES);
            left = left.wrapping_sub(LANES);
        }
        if OVERLAPPED_WORDS && size_of::<T>() == 1 && count >= WORD {
            // SAFETY: the last `count` elements from `to` and `from` on are `left`, and there are four before their end.
            unsafe { copy_tail(to, from, left) };
            return;
        }
    }
    while left > 0 {
        // SAFETY: an element is left to read.
        let value = unsafe { load(from, 0) };
        // SAFETY: and to write.
        unsafe { store(to, 0, value) };
        to = to.wrapping_add(1);
        from = from.wrapping_add(step);
        left = left.wrapping_sub(1);
    }
}

/// Copies four bytes of any alignment.
///
/// # Safety
///
/// They can be written and read.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn copy_word_portable(to: *mut u32, from: *const u32) {
    // SAFETY: the caller's contract.
    let bytes = unsafe { from.read_unaligned() };
    // SAFETY: as above.
    unsafe { to.write_unaligned(bytes) };
}

/// Copies eight bytes of any alignment, all read before any is written.
///
/// # Safety
///
/// They can be written and read.
#[allow(dead_code, reason = "some targets have their own")]
#[inline(always)]
pub(crate) unsafe fn copy_two_portable(to: *mut [u32; 2], from: *const [u32; 2]) {
    // SAFETY: the caller's contract.
    let both = unsafe { from.read_unaligned() };
    // SAFETY: as above.
    unsafe { to.write_unaligned(both) };
}

/// Copies the last `left` bytes, fewer than eight, of at least four: as words, of which one may reach back.
///
/// # Safety
///
/// `left` bytes at `to` and `from` can be written and read, and so can the four before their ends.
#[inline(always)]
unsafe fn copy_tail<T: Copy>(to: *mut T, from: *const T, left: usize) {
    let word = |at: usize| {
        // SAFETY: the caller's contract: four bytes, of any alignment.
        unsafe { copy_word(to.wrapping_add(at).cast(), from.wrapping_add(at).cast()) };
    };
    if left > WORD {
        word(0);
    }
    if left > 0 {
        word(left.wrapping_sub(WORD));
    }
}

/// Copies eight elements, which may be the same ones.
///
/// # Safety
///
/// Eight elements at `to` may be written and eight read at `from`.
#[inline(always)]
unsafe fn copy_lanes<T: Copy>(to: *mut T, from: *const T) {
    if UNALIGNED_WORDS && size_of::<T>() == 1 {
        // SAFETY: the caller's contract: eight bytes, of any alignment.
        unsafe { copy_two(to.cast(), from.cast()) };
        return;
    }
    for lane in 0..LANES {
        // SAFETY: the caller's contract.
        let value = unsafe { load(from, lane) };
        // SAFETY: the caller's contract.
        unsafe { store(to, lane, value) };
    }
}

/// Copies eight bytes as two words.
///
/// # Safety
///
/// As [`copy_lanes`], and both addresses are multiples of 4.
#[inline(always)]
unsafe fn copy_words(to: *mut u32, from: *const u32) {
    // SAFETY: the caller's contract.
    let low = unsafe { load(from, 0) };
    // SAFETY: the caller's contract.
    let high = unsafe { load(from, 1) };
    // SAFETY: the caller's contract.
    unsafe { store(to, 0, low) };
    // SAFETY: the caller's contract.
    unsafe { store(to, 1, high) };
}

/// A phase's part, `len` elements, of a kernel row that the last `kept` rows of the band have, as the row at `to`.
#[inline(always)]
fn moved_up<T: Copy>(
    to: *mut T,
    geometry: &Geometry,
    (kept, len): (usize, usize),
    outside: T,
) -> Runs<T> {
    let further = geometry.kernel_h.wrapping_sub(kept);
    Runs {
        run: Run {
            lead: 0,
            copied: len,
            len,
            step: 1,
        },
        to,
        to_stride: geometry.channel_pitch(),
        from: to.wrapping_add(further.wrapping_mul(geometry.pitch)),
        from_stride: geometry.channel_pitch(),
        count: geometry.cin,
        outside,
    }
}

/// The runs at `to` of every channel's input row `row`, from column `column` on; outside the input it has no elements.
#[inline(always)]
fn rows<T: Copy>(
    source: &Source<'_, T>,
    to: *mut T,
    geometry: &Geometry,
    (run, row, column): (Run, isize, usize),
) -> Runs<T> {
    let run = if row >= 0 && row < source.height {
        run
    } else {
        Run {
            lead: run.len,
            copied: 0,
            ..run
        }
    };
    let at = row
        .cast_unsigned()
        .wrapping_mul(source.row_stride)
        .wrapping_add(column.wrapping_mul(source.pixel_stride));
    Runs {
        run,
        to,
        to_stride: geometry.channel_pitch(),
        from: source.input.as_ptr().cast::<T>().wrapping_add(at),
        from_stride: source.channel_stride,
        count: geometry.cin,
        outside: source.outside,
    }
}

/// Fills the band of the tile whose first window begins at input row `y` and column `x` (negative in padding). The
/// first `kept` kernel rows are what the band's last `kept` rows hold; `write` writes runs that may be written and read.
///
/// # Safety
///
/// `band` holds `geometry.band_len()` elements, `source` describes its input truthfully and `kept < kernel_h`.
#[inline(always)]
pub(crate) unsafe fn band<T: Copy>(
    source: &Source<'_, T>,
    band: *mut T,
    geometry: &Geometry,
    (y, x): (isize, isize),
    kept: usize,
    write: impl Fn(&Runs<T>),
) {
    let mut start = 0_usize;
    for phase in 0..geometry.phases() {
        let len = geometry.taps(phase).wrapping_add(LANES - 1);
        let first = x.wrapping_add_unsigned(phase);
        let run = run(source, first, len, geometry);
        let column = first
            .wrapping_add_unsigned(run.lead.wrapping_mul(geometry.stride_w.get()))
            .cast_unsigned();
        let mut to = band.wrapping_add(start);
        for ky in 0..geometry.kernel_h {
            let runs = if ky < kept {
                moved_up(to, geometry, (kept, len), source.outside)
            } else {
                let row = y.wrapping_add_unsigned(ky);
                rows(source, to, geometry, (run, row, column))
            };
            write(&runs);
            to = to.wrapping_add(geometry.pitch);
        }
        start = start.wrapping_add(len);
    }
}

/// The run of a phase whose first element is input column `first`, clipped to the input's columns.
#[inline(always)]
fn run<T>(source: &Source<'_, T>, first: isize, len: usize, geometry: &Geometry) -> Run {
    let stride = geometry.stride_w;
    let before = usize::try_from(first.wrapping_neg()).unwrap_or(0);
    let until = usize::try_from(source.width.wrapping_sub(first)).unwrap_or(0);
    let lead = ceil_div(before, stride).min(len);
    let end = ceil_div(until, stride).min(len).max(lead);
    Run {
        lead,
        copied: end.wrapping_sub(lead),
        len,
        step: stride.get().wrapping_mul(source.pixel_stride),
    }
}

/// `ceil(value / divisor)` for values far below `usize::MAX`.
#[inline(always)]
fn ceil_div(value: usize, divisor: core::num::NonZeroUsize) -> usize {
    if divisor.get() == 1 {
        return value;
    }
    value.wrapping_add(divisor.get().wrapping_sub(1)) / divisor
}

/// Fills the tile of a 1x1 window from pixel `pixel` on; lanes past `pixels` are not read.
///
/// # Safety
///
/// `tile` holds eight elements a channel and `source` has `pixels` pixels from `pixel` on.
#[inline(always)]
pub(crate) unsafe fn tile_1x1<T: Copy>(
    source: &Source<'_, T>,
    tile: *mut T,
    channels: usize,
    pixel: usize,
    pixels: usize,
) {
    let mut from = source
        .input
        .as_ptr()
        .cast::<T>()
        .wrapping_add(pixel.wrapping_mul(source.pixel_stride));
    let mut to = tile;
    let contiguous = source.pixel_stride == 1 && pixels >= LANES;
    let words = contiguous
        && size_of::<T>() == 1
        && from.addr().is_multiple_of(4)
        && to.addr().is_multiple_of(4)
        && source.channel_stride.is_multiple_of(4);
    if words {
        for _ in 0..channels {
            // SAFETY: eight bytes of the channel, both addresses multiples of 4.
            unsafe { copy_words(to.cast(), from.cast()) };
            to = to.wrapping_add(LANES);
            from = from.wrapping_add(source.channel_stride);
        }
        return;
    }
    for _ in 0..channels {
        // SAFETY: `pixels` elements of the channel, at most the eight of the tile.
        unsafe { copy(to, from, pixels.min(LANES), source.pixel_stride) };
        to = to.wrapping_add(LANES);
        from = from.wrapping_add(source.channel_stride);
    }
}

/// Copies channel plane `channel` of `source` into the middle of a padded plane.
///
/// # Safety
///
/// `padded` holds the padded plane as `padding` says.
#[inline(always)]
pub(crate) unsafe fn plane<T: Copy>(
    source: &Source<'_, T>,
    padded: *mut T,
    padding: &Padding,
    channel: usize,
) {
    let (height, width) = (source.height.cast_unsigned(), source.width.cast_unsigned());
    let lead = padding
        .top
        .wrapping_mul(padding.padded_w)
        .wrapping_add(padding.left);
    let mut to = padded.wrapping_add(lead);
    let mut from = source
        .input
        .as_ptr()
        .cast::<T>()
        .wrapping_add(channel.wrapping_mul(source.channel_stride));
    for _ in 0..height {
        // SAFETY: one row of the plane.
        unsafe { copy(to, from, width, source.pixel_stride) };
        to = to.wrapping_add(padding.padded_w);
        from = from.wrapping_add(source.row_stride);
    }
}
