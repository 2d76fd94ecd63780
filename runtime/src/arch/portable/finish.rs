//! From accumulators to stored outputs; out of line, because every kernel ends here.

use super::arithmetic::{Arithmetic, S8};
use super::lanes::{Lanes, store};
use super::rows::RowS8;
use crate::kernels::{LANES, Product, Tile};
use crate::requantize::Round;

/// Stores the outputs of output channel `channel`; lanes that the tile does not have are dropped.
///
/// # Safety
///
/// `channel` is a row of the weights that the tile is convolved with.
#[inline(always)]
pub(crate) unsafe fn finish_tile<A: Arithmetic>(
    accs: &Lanes<A>,
    row: &A::Row,
    tile: &Tile<'_, A::Element>,
    channel: usize,
) {
    // A copy whose address may be known elsewhere, so that the accumulators themselves stay in registers.
    let accs = accs.map(|acc| acc);
    // SAFETY: the caller's contract.
    unsafe { store_lanes::<A>(&accs, row, tile, channel) };
}

/// [`finish_tile`] of integers, for kernels that leave unusual rows to it.
///
/// # Safety
///
/// As [`finish_tile`].
#[allow(dead_code, reason = "most targets have no such kernels")]
#[inline(always)]
pub(crate) unsafe fn store_tile<R: Round>(
    accs: &[i32; LANES],
    row: &RowS8,
    tile: &Tile<'_, i8>,
    channel: usize,
) {
    // SAFETY: the caller's contract.
    unsafe { store_lanes::<S8<R>>(accs, row, tile, channel) };
}

/// [`finish_tile`] out of line.
///
/// # Safety
///
/// As [`finish_tile`].
#[inline(never)]
unsafe fn store_lanes<A: Arithmetic>(
    accs: &Lanes<A>,
    row: &A::Row,
    tile: &Tile<'_, A::Element>,
    channel: usize,
) {
    let accs = accs.get(..tile.lanes).unwrap_or(accs);
    let offset = channel.wrapping_mul(tile.channel_stride);
    let mut at = tile
        .out
        .as_ptr()
        .cast::<A::Element>()
        .cast_mut()
        .wrapping_add(offset);
    A::finish_all(accs, row, &tile.post, |value| {
        // SAFETY: contract 2 of `Kernels`: `out` reaches the last lane of the last row.
        unsafe { store(at, 0, value) };
        at = at.wrapping_add(tile.pixel_stride);
    });
}

/// Stores output `index` of a product.
///
/// # Safety
///
/// `index` is in `product.first..product.end`.
#[inline(always)]
pub(crate) unsafe fn finish_row<A: Arithmetic>(
    acc: A::Acc,
    row: &A::Row,
    product: &Product<'_, A::Element>,
    index: usize,
) {
    let value = A::finish(acc, row, &product.post);
    let at = product.out.as_ptr().cast::<A::Element>().cast_mut();
    // SAFETY: contract 3 of `Kernels`: `out` reaches row `end − 1`.
    unsafe { store(at, index.wrapping_mul(product.stride), value) };
}
