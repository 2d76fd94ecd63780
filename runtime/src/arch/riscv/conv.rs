//! Convolutions over tiles, as many lanes as the map is wide.
//!
//! A map narrower than a tile fills only some of the eight lanes. The tile says how many, and the sums of the others
//! are not computed: keyword spotting's maps are five columns wide.

use super::finish::{Finish, are_small, store_all, unmarked};
use super::lanes::{begun, mac_lanes, mac_pair, three_taps_s8};
use crate::arch::keep_rolled;
use crate::arch::portable::{Jumps, RowS8, RowTable, store_tile};
use crate::kernels::Geometry;
use crate::kernels::{LANES, Tile};
use nnz_format::{CsrP, DenseS8, Rows};

/// Runs `$function` with the lanes that the tile needs.
macro_rules! by_lanes {
    ($tile:expr, $function:ident::<$rounding:ty $(, $more:tt)*>($($argument:expr),*)) => {
        match $tile.lanes {
            // SAFETY: the caller's contract.
            0..=4 => unsafe { $function::<$rounding, 4 $(, $more)*>($($argument),*) },
            // SAFETY: the caller's contract.
            5 => unsafe { $function::<$rounding, 5 $(, $more)*>($($argument),*) },
            // SAFETY: the caller's contract.
            6 => unsafe { $function::<$rounding, 6 $(, $more)*>($($argument),*) },
            // SAFETY: the caller's contract.
            _ => unsafe { $function::<$rounding, 8 $(, $more)*>($($argument),*) },
        }
    };
}

#[allow(unused_imports, reason = "for cores with kernels of their own")]
pub(super) use by_lanes;

/// Every row of a CSR-P matrix over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn csr_p<R: Finish>(weights: &CsrP<'_>, tile: &Tile<'_, i8>) {
    if tile.geometry.unit() != LANES {
        by_lanes!(tile, sparse::<R, 1>(weights, tile));
    } else if tile.lanes > 4 {
        // SAFETY: the caller's contract.
        unsafe { sparse::<R, 8, LANES>(weights, tile) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { sparse::<R, 4, LANES>(weights, tile) };
    }
}

/// As [`csr_p`], `N` lanes; distances count `UNIT` band elements.
///
/// # Safety
///
/// As [`csr_p`].
#[inline(never)]
unsafe fn sparse<R: Finish, const N: usize, const UNIT: usize>(
    weights: &CsrP<'_>,
    tile: &Tile<'_, i8>,
) {
    let mut rows = table(weights.rows());
    let mut outputs = Outputs::<N>::new(tile);
    let mut at = weights.pairs().as_ptr();
    for _ in 0..weights.rows().len() {
        // SAFETY: a row is left.
        let row = R::marked(unsafe { rows.take_s8() });
        let mut acc = begun::<N>(row.bias);
        let mut x = tile.band.as_ptr().cast::<i8>();
        // Four entries a turn, as an addition and a branch that is taken cost a tenth of an entry.
        let end = at.wrapping_add(row.nnz.wrapping_mul(2));
        let turns = at.wrapping_add((row.nnz & !3).wrapping_mul(2));
        while at != turns {
            for _ in 0..4 {
                // SAFETY: four entries of the row are left.
                x = unsafe { entry::<N, UNIT>(&mut acc, at, x) };
                at = at.wrapping_add(2);
            }
        }
        while at != end {
            // SAFETY: an entry of the row is left.
            x = unsafe { entry::<N, UNIT>(&mut acc, at, x) };
            at = at.wrapping_add(2);
        }
        // SAFETY: the tile has an output for each row.
        unsafe { outputs.finish::<R>(&acc, &row) };
    }
}

/// The entry of a CSR-P stream at `at`, whose distance counts from `x`; where it was in the band.
///
/// # Safety
///
/// As [`sparse`]; the entry is the one behind that which led to `x`.
#[inline(always)]
unsafe fn entry<const N: usize, const UNIT: usize>(
    acc: &mut [i32; N],
    at: *const u8,
    x: *const i8,
) -> *const i8 {
    // SAFETY: the stream holds two bytes an entry of every row (proved by parse).
    let delta = usize::from(unsafe { at.read() });
    // SAFETY: as above.
    let weight = unsafe { at.cast::<i8>().wrapping_add(1).read() };
    let x = x.wrapping_add(delta.wrapping_mul(UNIT));
    // SAFETY: the running sum stays in the band with its eight lanes (proved by parse).
    unsafe { mac_lanes(acc, x, i32::from(weight)) };
    x
}

/// Every row of a dense matrix over one tile.
///
/// # Safety
///
/// Contracts 1 and 2 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn dense<R: Finish>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) -> bool {
    let geometry = tile.geometry;
    if geometry.is_1x1() {
        if tile.lanes > 4 {
            // SAFETY: the caller's contract.
            unsafe { pairs::<R, 8, 1>(weights, tile, &[]) };
        } else {
            // SAFETY: the caller's contract.
            unsafe { pairs::<R, 4, 1>(weights, tile, &[]) };
        }
        return true;
    }
    if geometry.kernel_w == 3 && geometry.phases() == 1 {
        // SAFETY: the caller's contract.
        unsafe { three_columns::<R>(weights, tile) };
        return true;
    }
    let Some(jumps) = Jumps::new(geometry) else {
        return false;
    };
    by_lanes!(tile, pairs::<R, 0>(weights, tile, jumps.row()));
    true
}

/// As [`dense`], two rows at a time: `POINTWISE` is 1 for windows of 1x1; otherwise `jumps` lead from tap to tap.
///
/// # Safety
///
/// As [`dense`].
#[inline(never)]
unsafe fn pairs<R: Finish, const N: usize, const POINTWISE: usize>(
    weights: &DenseS8<'_>,
    tile: &Tile<'_, i8>,
    jumps: &[i16],
) {
    let (mut rows, mut left) = (table(weights.rows()), weights.rows().len());
    let mut outputs = Outputs::<N>::new(tile);
    let columns = tile.geometry.columns();
    let mut w: *const i8 = weights.weights().as_ptr().cast();
    while left > 0 {
        // The last row of an odd number is its own partner, and stored once.
        let has_two = left > 1;
        // SAFETY: a row is left.
        let one = R::marked(unsafe { rows.take_s8() });
        let two = if has_two {
            // SAFETY: another row is left.
            R::marked(unsafe { rows.take_s8() })
        } else {
            one
        };
        let mut accs = ([one.bias; N], [two.bias; N]);
        let v = if has_two { w.wrapping_add(columns) } else { w };
        if POINTWISE == 1 {
            // SAFETY: the rows begin at `w` and `v`.
            unsafe { channels(&mut accs, (w, v), tile) };
        } else {
            // SAFETY: as above.
            unsafe { taps(&mut accs, (w, v), tile, jumps) };
        }
        // SAFETY: the tile has an output for each row.
        unsafe { outputs.finish::<R>(&accs.0, &one) };
        if has_two {
            // SAFETY: as above.
            unsafe { outputs.finish::<R>(&accs.1, &two) };
        }
        w = v.wrapping_add(columns);
        left = left.saturating_sub(2);
    }
}

/// Accumulators of two rows.
type Sums<const N: usize> = ([i32; N], [i32; N]);

/// One column of two rows.
///
/// # Safety
///
/// A weight of each row and `N` elements at `x` can be read.
#[inline(always)]
unsafe fn column<const N: usize>(accs: &mut Sums<N>, (w, v): (*const i8, *const i8), x: *const i8) {
    // SAFETY: the caller's contract.
    let (a, b) = unsafe { (w.read(), v.read()) };
    let weights = (i32::from(a), i32::from(b));
    // SAFETY: the caller's contract.
    unsafe { mac_pair((&mut accs.0, &mut accs.1), x, weights) };
}

/// The columns of a 1x1 window, four channels a turn.
///
/// # Safety
///
/// `w` and `v` begin rows of the weights that the tile is convolved with.
#[inline(always)]
unsafe fn channels<const N: usize>(
    accs: &mut Sums<N>,
    (mut w, mut v): (*const i8, *const i8),
    tile: &Tile<'_, i8>,
) {
    let mut x = tile.band.as_ptr().cast::<i8>();
    for _ in 0..tile.geometry.cin / 4 {
        for k in 0..4_usize {
            let at = (w.wrapping_add(k), v.wrapping_add(k));
            // SAFETY: the rows have a weight and the band eight elements a channel.
            unsafe { column(accs, at, x.wrapping_add(k.wrapping_mul(LANES))) };
        }
        (w, v) = (w.wrapping_add(4), v.wrapping_add(4));
        x = x.wrapping_add(4 * LANES);
    }
    for _ in 0..tile.geometry.cin % 4 {
        // SAFETY: as above.
        unsafe { column(accs, (w, v), x) };
        keep_rolled();
        (w, v) = (w.wrapping_add(1), v.wrapping_add(1));
        x = x.wrapping_add(LANES);
    }
}

/// The columns of a window, one row of taps after the other.
///
/// # Safety
///
/// As [`channels`], and `jumps` are those of the geometry.
#[inline(always)]
unsafe fn taps<const N: usize>(
    accs: &mut Sums<N>,
    (mut w, mut v): (*const i8, *const i8),
    tile: &Tile<'_, i8>,
    jumps: &[i16],
) {
    let mut x = tile.band.as_ptr().cast::<i8>();
    let Geometry { cin, kernel_h, .. } = *tile.geometry;
    for _ in 0..cin.wrapping_mul(kernel_h) {
        for &jump in jumps {
            // SAFETY: the tap is a column of the rows, with eight lanes in the band.
            unsafe { column(accs, (w, v), x) };
            keep_rolled();
            (w, v) = (w.wrapping_add(1), v.wrapping_add(1));
            x = x.wrapping_offset(isize::from(jump));
        }
    }
}

/// The rows of windows of three columns, whose taps share their loads.
///
/// # Safety
///
/// As [`dense`].
#[inline(never)]
unsafe fn three_columns<R: Finish>(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) {
    let mut rows = table(weights.rows());
    let mut outputs = Outputs::<LANES>::new(tile);
    let mut w: *const i8 = weights.weights().as_ptr().cast();
    for _ in 0..weights.rows().len() {
        // SAFETY: a row is left.
        let row = R::marked(unsafe { rows.take_s8() });
        let mut acc = [row.bias; LANES];
        let mut x = tile.band.as_ptr().cast::<i8>();
        for _ in 0..tile.geometry.cin.wrapping_mul(tile.geometry.kernel_h) {
            // SAFETY: three columns are left in the row; a band row holds ten elements.
            unsafe { three_taps_s8(&mut acc, x, w) };
            w = w.wrapping_add(3);
            x = x.wrapping_add(LANES + 2);
        }
        // SAFETY: the tile has an output for each row.
        unsafe { outputs.finish::<R>(&acc, &row) };
    }
}

/// The rows of a matrix.
#[inline(always)]
pub(super) fn table(rows: Rows<'_>) -> RowTable {
    RowTable::new(rows.bytes(), rows.is_wide())
}

/// Where the outputs of a tile go, `N` lanes a row, one row after the other.
pub(super) struct Outputs<'t, 's, const N: usize> {
    tile: &'t Tile<'s, i8>,
    /// The first lane of the next row.
    at: *mut i8,
    /// The next row.
    channel: usize,
    /// Whether all lanes are stored, side by side, and products are small.
    is_plain: bool,
}

impl<'t, 's, const N: usize> Outputs<'t, 's, N> {
    #[inline(always)]
    pub(super) fn new(tile: &'t Tile<'s, i8>) -> Self {
        let small = are_small(tile.geometry.columns());
        Self {
            tile,
            at: tile.out.as_ptr().cast::<i8>().cast_mut(),
            channel: 0,
            is_plain: tile.lanes == N && tile.pixel_stride == 1 && small,
        }
    }

    /// Stores the outputs of the next row.
    ///
    /// # Safety
    ///
    /// It is a row of the weights that the tile is convolved with, marked.
    #[inline(always)]
    pub(super) unsafe fn finish<R: Finish>(&mut self, acc: &[i32; N], row: &RowS8) {
        let tile = self.tile;
        match R::scale(row.multiplier, row.shift, tile.post.zero_point) {
            // SAFETY: contract 2 of `Kernels`: `out` reaches the last lane of the last row.
            Some(scale) if self.is_plain => unsafe {
                store_all::<R>(acc, scale, &tile.post, self.at);
            },
            _ => {
                let mut lanes = [0_i32; LANES];
                let all = lanes.iter_mut().zip(acc);
                all.for_each(|(lane, &acc)| *lane = acc);
                // SAFETY: the caller's contract.
                unsafe { store_tile::<R>(&lanes, &unmarked(*row), tile, self.channel) };
            }
        }
        self.advance();
    }

    /// As [`Outputs::finish`], of as many lanes as the tile has, `N` or fewer.
    ///
    /// # Safety
    ///
    /// As [`Outputs::finish`].
    #[allow(dead_code, reason = "for cores with kernels of their own")]
    #[inline(always)]
    pub(super) unsafe fn finish_some<R: Finish>(&mut self, lanes: &[i32; LANES], row: &RowS8) {
        let tile = self.tile;
        let is_beside = tile.pixel_stride == 1 && are_small(tile.geometry.columns());
        let scale = R::scale(row.multiplier, row.shift, tile.post.zero_point);
        match (scale, lanes.first_chunk::<N>(), lanes.get(..tile.lanes)) {
            // SAFETY: contract 2 of `Kernels`: `out` reaches the last lane of the last row.
            (Some(scale), Some(lanes), _) if self.is_plain => unsafe {
                store_all::<R>(lanes, scale, &tile.post, self.at);
            },
            // SAFETY: as above.
            (Some(scale), _, Some(lanes)) if is_beside => unsafe {
                store_all::<R>(lanes, scale, &tile.post, self.at);
            },
            // SAFETY: the caller's contract.
            _ => unsafe { store_tile::<R>(lanes, &unmarked(*row), tile, self.channel) },
        }
        self.advance();
    }

    /// Moves on to the next row.
    #[inline(always)]
    fn advance(&mut self) {
        self.at = self.at.wrapping_add(self.tile.channel_stride);
        self.channel = self.channel.wrapping_add(1);
    }
}
