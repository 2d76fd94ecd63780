//! Safe faces of the gathering kernels: what surrounds a window is brought together in scratch.
#![allow(unsafe_code, reason = "kernels are called here")]

use crate::arch::{fill_word_band, fill_word_tile, keep_rolled};
use crate::kernels::{Gather, Geometry, Padding, Source};
use core::cell::Cell;
use nnz_format::Window;

/// Fills the tile of a 1x1 window from pixel `pixel` on, of which `pixels` can be read.
#[inline]
pub(crate) fn tile_1x1<T: Gather>(
    source: &Source<'_, T>,
    band: &[Cell<T>],
    geometry: &Geometry,
    pixel: usize,
    pixels: usize,
) {
    // SAFETY: the driver cut `band` to `band_len` elements; `source` is a tensor of the model (invariant 1), which
    // has that many pixels from `pixel` on.
    unsafe { T::tile_1x1(source, band, geometry.cin, pixel, pixels) };
}

/// Fills the band of the tile that begins at output `(y, x)`; its first `kept` rows, fewer than all, are what the band
/// of the tile above has last.
#[inline]
pub(crate) fn band<T: Gather>(
    source: &Source<'_, T>,
    band: &[Cell<T>],
    geometry: &Geometry,
    window: &Window,
    ((y, x), kept): ((usize, usize), usize),
) {
    let top = first(y, window.stride_h, window.pad_top);
    let left = first(x, window.stride_w, window.pad_left);
    // SAFETY: the driver cut `band` to `band_len` elements, and `source` is a tensor of the model (invariant 1).
    unsafe { T::band(source, band, geometry, (top, left), kept) };
}

/// The first input position of the window at output position `at`.
pub(crate) fn first(at: usize, stride: u8, padding: u8) -> isize {
    at.wrapping_mul(usize::from(stride))
        .wrapping_sub(usize::from(padding))
        .cast_signed()
}

/// Fills the words of a 1x1 window's tile from pixel `pixel` on, of which `pixels` can be read.
#[inline]
pub(crate) fn word_tile(
    source: &Source<'_, i8>,
    band: &[Cell<u32>],
    geometry: &Geometry,
    pixel: usize,
    pixels: usize,
) {
    let to = band.as_ptr().cast::<u32>().cast_mut();
    // SAFETY: the driver cut `band` to `band_len` words, twice what a tile has; `source` is a tensor of the model
    // (invariant 1), which has that many pixels from `pixel` on.
    unsafe { fill_word_tile(source, to, geometry.cin, pixel, pixels) };
}

/// Fills the band of words of the tile that begins at output `(y, x)`; below the first row, the band holds what was
/// filled for the tile above.
#[inline]
pub(crate) fn word_band(
    source: &Source<'_, i8>,
    band: &[Cell<u32>],
    geometry: &Geometry,
    window: &Window,
    (y, x): (usize, usize),
) {
    let top = first(y, window.stride_h, window.pad_top);
    let left = first(x, window.stride_w, window.pad_left);
    let kept = if y == 0 {
        0
    } else {
        geometry
            .kernel_h
            .saturating_sub(usize::from(window.stride_h))
    };
    let to = band.as_ptr().cast::<u32>().cast_mut();
    // SAFETY: the driver cut `band` to `band_len` words, and `source` is a tensor of the model (invariant 1).
    unsafe { fill_word_band(source, to, geometry, (top, left), kept) };
}

/// Copies channel `channel` into the middle of a padded plane.
#[inline]
pub(crate) fn plane<T: Gather>(
    source: &Source<'_, T>,
    padded: &[Cell<T>],
    padding: &Padding,
    channel: usize,
) {
    // SAFETY: the driver cut `padded` to the padded plane and its slack, and `source` is a tensor of the model
    // (invariant 1) with that channel.
    unsafe { T::plane(source, padded, padding, channel) };
}

/// Copies `count` elements of `from`, `strides.1` apart, to `to`, where they lie `strides.0` apart; what was there takes
/// their place where `is_exchange` says so. Nothing happens where they are not all there.
#[inline(never)]
pub(crate) fn column<T: Copy>(
    to: &[Cell<T>],
    from: &[Cell<T>],
    strides: (usize, usize),
    (count, is_exchange): (usize, bool),
) {
    let reaches = |cells: &[Cell<T>], stride: usize| {
        let last = count.wrapping_sub(1).checked_mul(stride);
        last.is_some_and(|last| last < cells.len())
    };
    if count == 0 || !reaches(to, strides.0) || !reaches(from, strides.1) {
        return;
    }
    let (mut to, mut from) = (to.as_ptr(), from.as_ptr());
    for _ in 0..count {
        // SAFETY: the last element of the slice is inside it, and so are those before.
        let kept = unsafe { &*to };
        // SAFETY: as above.
        let cell = unsafe { &*from };
        // `Cell::swap` can panic.
        let held = kept.get();
        kept.set(cell.get());
        if is_exchange {
            cell.set(held);
        }
        to = to.wrapping_add(strides.0);
        from = from.wrapping_add(strides.1);
        keep_rolled();
    }
}
