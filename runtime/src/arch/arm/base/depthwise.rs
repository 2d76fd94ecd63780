//! Depthwise convolutions of three columns and stride 1 or 2.

use super::conv::{Args, Assembly, ROW, is_fast, plain};
use crate::kernels::{LANES, Plane};
use nnz_format::DenseS8;

/// One plane; `false`, with nothing done, where it is not for the assembly.
///
/// # Safety
///
/// Contracts 1 and 4 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn plane<R: Assembly>(weights: &DenseS8<'_>, plane: &Plane<'_, i8>) -> bool {
    let rows = weights.rows();
    let kernel = match (plane.kernel_w, plane.stride_w) {
        (3, 1) => R::TAPS_31,
        (3, 2) => R::TAPS_APART,
        _ => return false,
    };
    if rows.is_wide() || !is_fast(rows, plane.row) {
        return false;
    }
    let outputs = (plane.out, (0, plane.pixel_stride));
    let taps = plane.kernel_h.wrapping_mul(plane.kernel_w);
    let first = Args::new(rows, weights.weights(), &plane.post, outputs);
    let (mut x, mut out, mut left) = (plane.padded.as_ptr().cast::<i8>(), first.out, plane.out_w);
    while left > 0 {
        let lanes = left.min(LANES);
        // Down a strip of eight columns: every row of outputs has the same weights.
        let mut args = Args {
            rows: first.rows.wrapping_add(plane.row.wrapping_mul(ROW)),
            stream: first.stream.wrapping_add(plane.row.wrapping_mul(taps)),
            out,
            channel_stride: plane.row_stride,
            lanes,
            x,
            plain: plain(&plane.post, (lanes, plane.pixel_stride)),
            columns: plane.padded_w,
            taps,
            left: plane.out_h,
            x_step: plane.stride_h.wrapping_mul(plane.padded_w),
            ..first
        };
        // SAFETY: the rows of taps lie in the padded plane; the output plane has the pixels of this strip.
        unsafe { kernel(&raw mut args) };
        out = out.wrapping_add(plane.pixel_stride.wrapping_mul(LANES));
        x = x.wrapping_add(LANES.wrapping_mul(plane.stride_w));
        left = left.saturating_sub(LANES);
    }
    true
}
