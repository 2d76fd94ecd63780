//! Depthwise convolutions of three columns and stride 1.

use super::conv::{Args, Assembly, TAPS, fast_row, is_plain};
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
    let Some((row, packed)) = fast_row(rows, plane.row) else {
        return false;
    };
    if plane.kernel_w != TAPS || plane.stride_w != 1 {
        return false;
    }
    let outputs = (plane.out, (0, plane.pixel_stride));
    let mut args = Args::new(rows, weights.weights(), &plane.post, outputs);
    let taps = plane.kernel_h.wrapping_mul(TAPS);
    args.stream = args.stream.wrapping_add(plane.row.wrapping_mul(taps));
    args.columns = plane.padded_w;
    args.taps = plane.kernel_h;
    let (mut top, mut out) = (plane.padded.as_ptr().cast::<i8>(), args.out);
    for _ in 0..plane.out_h {
        let (mut x, mut at, mut left) = (top, out, plane.out_w);
        while left > 0 {
            args.x = x;
            args.out = at;
            args.lanes = left.min(LANES);
            args.is_plain = u32::from(is_plain(&plane.post, (args.lanes, plane.pixel_stride)));
            // SAFETY: the rows of taps lie in the padded plane; lanes past the row end in the next row or in the
            // slack; the output plane has the pixels that are left of this row.
            unsafe {
                R::TAPS(
                    &raw mut args,
                    row.multiplier.cast_unsigned(),
                    packed,
                    row.bias,
                );
            };
            at = at.wrapping_add(plane.pixel_stride.wrapping_mul(LANES));
            x = x.wrapping_add(LANES);
            left = left.saturating_sub(LANES);
        }
        top = top.wrapping_add(plane.stride_h.wrapping_mul(plane.padded_w));
        out = out.wrapping_add(plane.row_stride);
    }
    true
}
