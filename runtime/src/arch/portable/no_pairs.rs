//! What stands for the pair kernels where there are none: files for `arm-dsp` run through the portable ones.

use crate::kernels::Source;
use crate::pairs::{Columns, Lanes, PairKernels, PairPlane, PairTile};
use core::cell::Cell;
use nnz_format::{DenseS8, Window};

/// Whether drivers may use the functions of this module.
pub(crate) const AVAILABLE: bool = false;

/// No kernel.
pub(crate) struct PairsSingle;
/// No kernel.
pub(crate) struct PairsDouble;

impl PairKernels for PairsSingle {
    unsafe fn conv(_: &DenseS8<'_>, _: &PairTile<'_>) {}
    unsafe fn depthwise(_: &DenseS8<'_>, _: &PairPlane<'_>) {}
}

impl PairKernels for PairsDouble {
    unsafe fn conv(_: &DenseS8<'_>, _: &PairTile<'_>) {}
    unsafe fn depthwise(_: &DenseS8<'_>, _: &PairPlane<'_>) {}
}

/// No kernel.
///
/// # Safety
///
/// None.
pub(crate) unsafe fn expand(_: Columns<'_>, _: &[Cell<u32>]) {}

/// No kernel.
///
/// # Safety
///
/// None.
pub(crate) unsafe fn edge(
    _: &Source<'_, i8>,
    _: (usize, &Window),
    _: (usize, usize),
    _: (&[Cell<u32>], usize),
) {
}

/// No kernel.
///
/// # Safety
///
/// None.
pub(crate) unsafe fn lanes(_: &Lanes<'_>, _: &[Cell<u32>], _: &[Cell<u32>]) {}

/// No kernel.
///
/// # Safety
///
/// None.
pub(crate) unsafe fn widen(
    _: &[Cell<i8>],
    _: &[Cell<u32>],
    _: (usize, usize),
    _: (usize, usize, usize, usize),
) {
}
