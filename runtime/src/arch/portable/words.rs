//! The twin of the word kernels in plain Rust: what assembly must equal, and what other targets run.
#![allow(dead_code, reason = "targets with assembly use a part")]

use super::arithmetic::S8;
use super::finish::finish_tile;
use super::lanes::load;
use super::rows::{RowS8, RowTable};
use super::taps::TapWalk;
use crate::kernels::{LANES, Tile};
use crate::requantize::{Double, Round, Single};
use crate::words::{WORDS, WordKernels, WordTile};
use nnz_format::{CsrN, CsrP, Rows};

/// Word kernels that round once.
pub(crate) struct WordsSingle;
/// Word kernels that round twice.
pub(crate) struct WordsDouble;

/// Lane of each pixel of a tile: its sum, and whether it is the high lane.
const TILE: [(usize, bool); LANES] = [
    (0, false),
    (1, true),
    (1, false),
    (0, true),
    (2, false),
    (3, true),
    (3, false),
    (2, true),
];
/// The same for a band.
const BAND: [(usize, bool); LANES] = [
    (0, false),
    (1, false),
    (2, false),
    (3, false),
    (0, true),
    (1, true),
    (2, true),
    (3, true),
];

/// Four sums of two lanes.
struct Sums([i64; WORDS]);

impl Sums {
    /// The bias in both lanes; the low one is moved by 128 times the sum of the weights.
    fn new(row: &RowS8, sum: i32) -> Self {
        let bias = i64::from(row.bias);
        let centre = i64::from(sum).wrapping_mul(-128);
        let both = bias.wrapping_shl(24).wrapping_add(bias);
        Self([both.wrapping_add(centre); WORDS])
    }

    /// Adds the products of four words and a weight.
    ///
    /// # Safety
    ///
    /// Four words at `x` can be read.
    unsafe fn add(&mut self, x: *const u32, weight: i8) {
        for (index, sum) in self.0.iter_mut().enumerate() {
            // SAFETY: below four.
            let word = unsafe { load(x, index) }.cast_signed();
            *sum = sum.wrapping_add(i64::from(word).wrapping_mul(i64::from(weight)));
        }
    }

    /// The sum of a pixel.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "narrow sums have 24 bits each"
    )]
    fn lane(&self, (index, is_high): (usize, bool)) -> i32 {
        let sum = self.0.get(index).copied().unwrap_or(0);
        let low = sum.wrapping_shl(40) >> 40;
        if is_high {
            (sum.wrapping_sub(low) >> 24) as i32
        } else {
            low as i32
        }
    }
}

/// Row `index`, and the sum of its weights.
///
/// # Safety
///
/// `index` is a row of a narrow matrix at a multiple of 4.
unsafe fn row(rows: Rows<'_>, index: usize) -> (RowS8, i32) {
    let table = RowTable::new(rows.bytes(), false);
    // SAFETY: the caller's contract.
    let row = unsafe { table.s8(index) };
    let sum = rows.get(index).map_or(0, |row| row.sum);
    (row, sum)
}

/// Stores the outputs of row `index`.
///
/// # Safety
///
/// `index` is a row of the weights that the tile is convolved with.
#[inline(never)]
unsafe fn finish<R: Round>(sums: &Sums, row: &RowS8, tile: &WordTile<'_>, index: usize) {
    let lanes = if tile.geometry.is_tile() { TILE } else { BAND };
    let accs = lanes.map(|lane| sums.lane(lane));
    let tile = Tile {
        band: &[],
        room: &[],
        out: tile.out,
        channel_stride: tile.channel_stride,
        pixel_stride: tile.pixel_stride,
        lanes: tile.lanes,
        post: tile.post,
        geometry: tile.geometry,
    };
    // SAFETY: the caller's contract.
    unsafe { finish_tile::<S8<R>>(&accs, row, &tile, index) };
}

/// Every row of a CSR-P matrix over one tile. Out of line: drivers that have assembly for most tiles need no room for it.
///
/// # Safety
///
/// Contracts of [`WordKernels`].
#[inline(never)]
unsafe fn csr_p<R: Round>(weights: &CsrP<'_>, tile: &WordTile<'_>) {
    let mut at = 0_usize;
    for index in 0..weights.rows().len() {
        // SAFETY: `index` is a row.
        let (row, sum) = unsafe { row(weights.rows(), index) };
        let mut sums = Sums::new(&row, sum);
        // SAFETY: the stream holds the entries of all rows (proved by parse).
        unsafe { add_pairs(&mut sums, weights.pairs(), (at, row.nnz), tile) };
        at = at.wrapping_add(row.nnz.wrapping_mul(2));
        // SAFETY: `index` is a row.
        unsafe { finish::<R>(&sums, &row, tile, index) };
    }
}

/// Adds a row of `nnz` pairs, the first of which is at `at`.
///
/// # Safety
///
/// They are a row of a matrix that fits the tile.
unsafe fn add_pairs(
    sums: &mut Sums,
    pairs: &[u8],
    (mut at, nnz): (usize, usize),
    tile: &WordTile<'_>,
) {
    let step = if tile.geometry.is_tile() { WORDS } else { 1 };
    let mut x = tile.band.as_ptr().cast::<u32>();
    for _ in 0..nnz {
        // SAFETY: the caller's contract.
        let delta = unsafe { load(pairs.as_ptr(), at) };
        // SAFETY: as above.
        let weight = unsafe { load(pairs.as_ptr().cast::<i8>(), at.wrapping_add(1)) };
        x = x.wrapping_add(usize::from(delta).wrapping_mul(step));
        // SAFETY: the running sum stays in the band with its lanes (proved by parse).
        unsafe { sums.add(x, weight) };
        at = at.wrapping_add(2);
    }
}

/// Every row of a CSR-N matrix over one tile. Out of line, likewise.
///
/// # Safety
///
/// Contracts of [`WordKernels`].
#[inline(never)]
pub(crate) unsafe fn csr_n<R: Round>(weights: &CsrN<'_>, tile: &WordTile<'_>) {
    let mut at = 0_usize;
    for index in 0..weights.rows().len() {
        // SAFETY: `index` is a row.
        let (row, sum) = unsafe { row(weights.rows(), index) };
        let mut sums = Sums::new(&row, sum);
        // SAFETY: the stream holds the triples of all rows (proved by parse).
        unsafe { add_triples(&mut sums, weights.triples(), (at, row.nnz), tile) };
        at = at.wrapping_add((row.nnz / 2).wrapping_mul(3));
        // SAFETY: `index` is a row.
        unsafe { finish::<R>(&sums, &row, tile, index) };
    }
}

/// Adds a row of `nnz` entries, whose first triple is at `at`. Out of line: what it needs is not on the stack while
/// outputs are stored.
///
/// # Safety
///
/// They are a row of a matrix that fits the tile.
#[inline(never)]
unsafe fn add_triples(
    sums: &mut Sums,
    triples: &[u8],
    (at, nnz): (usize, usize),
    tile: &WordTile<'_>,
) {
    let geometry = tile.geometry;
    let (mut channel, mut walk) = (0_usize, TapWalk::new());
    for entry in 0..nnz {
        let triple = at.wrapping_add((entry / 2).wrapping_mul(3));
        // SAFETY: the caller's contract.
        let deltas = unsafe { load(triples.as_ptr(), triple) };
        let delta = if entry % 2 == 0 {
            deltas & 15
        } else {
            deltas >> 4
        };
        let place = triple.wrapping_add(1).wrapping_add(entry % 2);
        // SAFETY: as above.
        let weight = unsafe { load(triples.as_ptr().cast::<i8>(), place) };
        channel = channel.wrapping_add(usize::from(delta));
        while channel >= geometry.cin {
            channel = channel.wrapping_sub(geometry.cin);
            walk.advance(geometry);
        }
        let place = walk
            .offset()
            .wrapping_add(channel.wrapping_mul(geometry.channel_words()));
        let x = tile.band.as_ptr().cast::<u32>().wrapping_add(place);
        // SAFETY: the running sum stays below the columns (proved by parse), and every tap of every channel
        // has its lanes in the band.
        unsafe { sums.add(x, weight) };
    }
}

/// Binds the kernels to a rounding.
macro_rules! word_kernels {
    ($table:ty, $rounding:ty) => {
        impl WordKernels for $table {
            unsafe fn csr_p_conv(weights: &CsrP<'_>, tile: &WordTile<'_>) {
                // SAFETY: the caller's contract.
                unsafe { csr_p::<$rounding>(weights, tile) };
            }

            unsafe fn csr_n_conv(weights: &CsrN<'_>, tile: &WordTile<'_>) {
                // SAFETY: the caller's contract.
                unsafe { csr_n::<$rounding>(weights, tile) };
            }
        }
    };
}

word_kernels!(WordsSingle, Single);
word_kernels!(WordsDouble, Double);
