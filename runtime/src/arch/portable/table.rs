//! The portable kernels as tables: every contract of [`crate::kernels`], bound to one arithmetic each.

use super::arithmetic::{F32, S8};
use super::block::{self, BlockMatrix};
use super::csr::{self, CsrMatrix, Pairs, Split};
use super::csr_n::{self, CsrNMatrix};
use super::csr_q::{self, CsrQMatrix};
use super::dense::{self, DenseMatrix};
use super::fill::Runs;
use super::rows::RowTable;
use super::{depthwise, fill, matvec};
use crate::arch::SMALL_REST;
use crate::kernels::{
    FloatKernels, Gather, Geometry, Kernels, LANES, Padding, Plane, Product, Source, Tile,
};
use crate::requantize::{Double, Round, Single};
use core::cell::Cell;
use core::ops::Range;
use nnz_format::{Blk1x4, Blk4x1, CsrF, CsrN, CsrP, CsrQ, DenseF32, DenseS8, Rows, RowsF32};

/// Integers that are rounded once.
pub(crate) struct PortableSingle;
/// Integers that are rounded twice.
pub(crate) struct PortableDouble;
/// Floats.
pub(crate) struct PortableF32;

fn table(rows: Rows<'_>) -> RowTable {
    RowTable::new(rows.bytes(), rows.is_wide())
}

fn table_f32(rows: RowsF32<'_>) -> RowTable {
    RowTable::new(rows.bytes(), false)
}

fn dense_s8(weights: &DenseS8<'_>) -> DenseMatrix<i8> {
    let rows = weights.rows();
    DenseMatrix {
        table: table(rows),
        rows: rows.len(),
        weights: weights.weights().as_ptr().cast(),
    }
}

fn dense_f32(weights: &DenseF32<'_>) -> DenseMatrix<f32> {
    let rows = weights.rows();
    DenseMatrix {
        table: table_f32(rows),
        rows: rows.len(),
        weights: weights.weights().as_ptr().cast(),
    }
}

fn csr_p(weights: &CsrP<'_>) -> CsrMatrix<Pairs> {
    let rows = weights.rows();
    CsrMatrix {
        table: table(rows),
        rows: rows.len(),
        entries: Pairs(weights.pairs().as_ptr()),
    }
}

fn csr_f(weights: &CsrF<'_>) -> CsrMatrix<Split> {
    let rows = weights.rows();
    let entries = Split {
        deltas: weights.deltas().as_ptr(),
        values: weights.values().as_ptr().cast(),
    };
    CsrMatrix {
        table: table_f32(rows),
        rows: rows.len(),
        entries,
    }
}

fn csr_n(weights: &CsrN<'_>) -> CsrNMatrix {
    let rows = weights.rows();
    CsrNMatrix {
        table: table(rows),
        rows: rows.len(),
        triples: weights.triples().as_ptr(),
    }
}

fn csr_q(weights: &CsrQ<'_>) -> CsrQMatrix {
    CsrQMatrix {
        table: table(weights.rows()),
        segments: weights.segments() as usize,
        counts: weights.counts().as_ptr(),
        groups: weights.groups().as_ptr(),
    }
}

fn blk_1x4(weights: &Blk1x4<'_>) -> BlockMatrix {
    let rows = weights.rows();
    BlockMatrix {
        table: table(rows),
        rows: rows.len(),
        deltas: weights.deltas().as_ptr(),
        weights: weights.weights().as_ptr().cast(),
    }
}

fn blk_4x1(weights: &Blk4x1<'_>) -> BlockMatrix {
    let rows = weights.rows();
    BlockMatrix {
        table: table(rows),
        rows: rows.len(),
        deltas: weights.deltas().as_ptr(),
        weights: weights.weights().as_ptr().cast(),
    }
}

/// Chooses the kernel of a plane by its stride.
macro_rules! depthwise {
    ($arithmetic:ty, $matrix:expr, $plane:expr) => {
        match $plane.stride_w {
            // SAFETY: the caller's contract.
            1 => unsafe { depthwise::plane::<$arithmetic, 1>($matrix, $plane) },
            // SAFETY: the caller's contract.
            2 if !SMALL_REST => unsafe { depthwise::plane::<$arithmetic, 2>($matrix, $plane) },
            // SAFETY: the caller's contract.
            _ => unsafe { depthwise::plane::<$arithmetic, 0>($matrix, $plane) },
        }
    };
}

/// Rows of a dense convolution, `rows.end` at most all.
///
/// # Safety
///
/// Contracts 1 and 2 of [`Kernels`].
#[inline(always)]
pub(crate) unsafe fn dense_rows<R: Round>(
    weights: &DenseS8<'_>,
    tile: &Tile<'_, i8>,
    rows: Range<usize>,
) {
    let matrix = DenseMatrix {
        rows: rows.end,
        ..dense_s8(weights)
    };
    if !SMALL_REST && tile.geometry.is_1x1() {
        // SAFETY: the caller's contract.
        unsafe { dense::conv::<S8<R>, true>(&matrix, tile, rows.start) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { dense::conv::<S8<R>, false>(&matrix, tile, rows.start) };
    }
}

/// Rows of a CSR-P convolution, `rows.end` at most all; the first one's first entry is `entry`.
///
/// # Safety
///
/// Contracts 1 and 2 of [`Kernels`], and the entries of the rows before `rows` lie before `entry`.
#[inline(always)]
pub(crate) unsafe fn csr_p_rows<R: Round>(
    weights: &CsrP<'_>,
    tile: &Tile<'_, i8>,
    (rows, entry): (Range<usize>, usize),
) {
    let matrix = CsrMatrix {
        rows: rows.end,
        ..csr_p(weights)
    };
    let first = (rows.start, entry);
    if SMALL_REST {
        // SAFETY: the caller's contract.
        unsafe { csr::conv::<S8<R>, Pairs, 0>(&matrix, tile, first) };
    } else if tile.geometry.unit() == LANES {
        // SAFETY: the caller's contract.
        unsafe { csr::conv::<S8<R>, Pairs, LANES>(&matrix, tile, first) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { csr::conv::<S8<R>, Pairs, 1>(&matrix, tile, first) };
    }
}

/// Binds the integer kernels to a rounding. Not generic, so that they are compiled in this crate, with its
/// optimisation level.
macro_rules! integer_kernels {
    ($table:ty, $arithmetic:ty, $rounding:ty) => {
        impl Kernels for $table {
            unsafe fn dense_s8_conv(weights: &DenseS8<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { dense_rows::<$rounding>(weights, tile, 0..weights.rows().len()) };
            }

            unsafe fn csr_p_s8_conv(weights: &CsrP<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { csr_p_rows::<$rounding>(weights, tile, (0..weights.rows().len(), 0)) };
            }

            unsafe fn csr_n_s8_conv(weights: &CsrN<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { csr_n::conv::<$arithmetic>(&csr_n(weights), tile) };
            }

            unsafe fn blk_1x4_s8_conv(weights: &Blk1x4<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { block::conv_1x4::<$arithmetic>(&blk_1x4(weights), tile) };
            }

            unsafe fn blk_4x1_s8_conv(weights: &Blk4x1<'_>, tile: &Tile<'_, i8>) {
                // SAFETY: the caller's contract.
                unsafe { block::conv_4x1::<$arithmetic>(&blk_4x1(weights), tile) };
            }

            unsafe fn dense_s8_matvec(weights: &DenseS8<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe {
                    matvec::matvec::<$arithmetic>(&dense_s8(weights), product, product.x.len())
                };
                0
            }

            unsafe fn csr_p_s8_matvec(weights: &CsrP<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { csr::matvec::<$arithmetic, Pairs>(&csr_p(weights), product) }
            }

            unsafe fn csr_n_s8_matvec(weights: &CsrN<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { csr_n::matvec::<$arithmetic>(&csr_n(weights), product) }
            }

            unsafe fn csr_q_s8_matvec(weights: &CsrQ<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { csr_q::matvec::<$arithmetic>(&csr_q(weights), product) }
            }

            unsafe fn blk_1x4_s8_matvec(weights: &Blk1x4<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe {
                    block::matvec_1x4::<$arithmetic>(&blk_1x4(weights), product, product.x.len())
                }
            }

            unsafe fn blk_4x1_s8_matvec(weights: &Blk4x1<'_>, product: &Product<'_, i8>) -> usize {
                // SAFETY: the caller's contract.
                unsafe { block::matvec_4x1::<$arithmetic>(&blk_4x1(weights), product) }
            }

            unsafe fn dense_s8_depthwise(weights: &DenseS8<'_>, plane: &Plane<'_, i8>) {
                depthwise!($arithmetic, &dense_s8(weights), plane);
            }
        }
    };
}

integer_kernels!(PortableSingle, S8<Single>, Single);
integer_kernels!(PortableDouble, S8<Double>, Double);

impl FloatKernels for PortableF32 {
    unsafe fn dense_f32_conv(weights: &DenseF32<'_>, tile: &Tile<'_, f32>) {
        if tile.geometry.is_1x1() {
            // SAFETY: the caller's contract.
            unsafe { dense::conv::<F32, true>(&dense_f32(weights), tile, 0) };
        } else {
            // SAFETY: the caller's contract.
            unsafe { dense::conv::<F32, false>(&dense_f32(weights), tile, 0) };
        }
    }

    unsafe fn csr_f_f32_conv(weights: &CsrF<'_>, tile: &Tile<'_, f32>) {
        if tile.geometry.unit() == LANES {
            // SAFETY: the caller's contract.
            unsafe { csr::conv::<F32, Split, LANES>(&csr_f(weights), tile, (0, 0)) };
        } else {
            // SAFETY: the caller's contract.
            unsafe { csr::conv::<F32, Split, 1>(&csr_f(weights), tile, (0, 0)) };
        }
    }

    unsafe fn dense_f32_matvec(weights: &DenseF32<'_>, product: &Product<'_, f32>) -> usize {
        // SAFETY: the caller's contract.
        unsafe { matvec::matvec::<F32>(&dense_f32(weights), product, product.x.len()) };
        0
    }

    unsafe fn csr_f_f32_matvec(weights: &CsrF<'_>, product: &Product<'_, f32>) -> usize {
        // SAFETY: the caller's contract.
        unsafe { csr::matvec::<F32, Split>(&csr_f(weights), product) }
    }

    unsafe fn dense_f32_depthwise(weights: &DenseF32<'_>, plane: &Plane<'_, f32>) {
        depthwise!(F32, &dense_f32(weights), plane);
    }
}

/// Binds the gathering to an element type and what writes its runs.
macro_rules! gather {
    ($element:ty, $write:path) => {
        impl Gather for $element {
            unsafe fn band(
                source: &Source<'_, Self>,
                band: &[Cell<Self>],
                geometry: &Geometry,
                y_and_x: (isize, isize),
                kept: usize,
            ) {
                let band = band.as_ptr().cast::<Self>().cast_mut();
                // SAFETY: `band` passes runs that may be written and read.
                let write = |runs: &Runs<Self>| unsafe { $write(runs) };
                // SAFETY: the caller's contract.
                unsafe { fill::band(source, band, geometry, y_and_x, kept, write) };
            }

            unsafe fn tile_1x1(
                source: &Source<'_, Self>,
                tile: &[Cell<Self>],
                channels: usize,
                pixel: usize,
                pixels: usize,
            ) {
                let tile = tile.as_ptr().cast::<Self>().cast_mut();
                // SAFETY: the caller's contract.
                unsafe { fill::tile_1x1(source, tile, channels, pixel, pixels) };
            }

            unsafe fn plane(
                source: &Source<'_, Self>,
                padded: &[Cell<Self>],
                padding: &Padding,
                channel: usize,
            ) {
                let padded = padded.as_ptr().cast::<Self>().cast_mut();
                // SAFETY: the caller's contract.
                unsafe { fill::plane(source, padded, padding, channel) };
            }
        }
    };
}

gather!(i8, crate::arch::write_runs_s8);
gather!(f32, Runs::write);
