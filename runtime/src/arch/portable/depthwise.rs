//! Depthwise convolution of one padded plane, eight outputs of a row at a time.

use super::arithmetic::Arithmetic;
use super::dense::DenseMatrix;
use super::lanes::{load, store};
use crate::kernels::{LANES, Plane};

/// One plane; `WIDTH` and `STRIDE` fix the kernel's columns and the distance of outputs, 0 leaves them open.
///
/// # Safety
///
/// Contracts 1 and 4 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn plane<A: Arithmetic, const WIDTH: usize, const STRIDE: usize>(
    matrix: &DenseMatrix<A::Element>,
    plane: &Plane<'_, A::Element>,
) {
    let kernel_w = if WIDTH == 0 { plane.kernel_w } else { WIDTH };
    let stride = if STRIDE == 0 { plane.stride_w } else { STRIDE };
    let weights = matrix.weights.wrapping_add(
        plane
            .row
            .wrapping_mul(plane.kernel_h)
            .wrapping_mul(kernel_w),
    );
    // SAFETY: `plane.row` is a row.
    let row = unsafe { A::row(&matrix.table, plane.row) };
    let mut top = plane.padded.as_ptr().cast::<A::Element>();
    let mut out = plane.out.as_ptr().cast::<A::Element>().cast_mut();
    for _ in 0..plane.out_h {
        let (mut x, mut at, mut left) = (top, out, plane.out_w);
        while left > 0 {
            let mut acc = [A::bias(&row); LANES];
            let (mut tap_row, mut w) = (x, weights);
            for _ in 0..plane.kernel_h {
                // SAFETY: the row of taps lies in the padded plane; lanes past the row end in the next row
                // or in the slack.
                unsafe { taps::<A, WIDTH, STRIDE>(&mut acc, tap_row, w, kernel_w, stride) };
                tap_row = tap_row.wrapping_add(plane.padded_w);
                w = w.wrapping_add(kernel_w);
            }
            let accs = acc.get(..left).unwrap_or(&acc);
            A::finish_all(accs, &row, &plane.post, |value| {
                // SAFETY: contract 4: the output plane has this pixel.
                unsafe { store(at, 0, value) };
                at = at.wrapping_add(plane.pixel_stride);
            });
            x = x.wrapping_add(stride.wrapping_mul(LANES));
            left = left.saturating_sub(LANES);
        }
        top = top.wrapping_add(plane.stride_h.wrapping_mul(plane.padded_w));
        out = out.wrapping_add(plane.row_stride);
    }
}

/// Adds one row of taps to eight outputs.
///
/// # Safety
///
/// `kernel_w` weights at `w` and `7 · stride + kernel_w` elements at `x` can be read.
#[inline(always)]
unsafe fn taps<A: Arithmetic, const WIDTH: usize, const STRIDE: usize>(
    acc: &mut [A::Acc; LANES],
    x: *const A::Element,
    w: *const A::Element,
    kernel_w: usize,
    stride: usize,
) {
    if WIDTH != 0 && STRIDE != 0 {
        // SAFETY: `WIDTH` weights.
        let weights: [A::Element; WIDTH] = core::array::from_fn(|tap| unsafe { load(w, tap) });
        for element in 0..(LANES - 1) * STRIDE + WIDTH {
            // SAFETY: within the elements of the contract.
            let value = unsafe { load(x, element) };
            for (tap, &weight) in weights.iter().enumerate() {
                let lane = element.wrapping_sub(tap);
                if lane % STRIDE == 0 {
                    if let Some(acc) = acc.get_mut(lane / STRIDE) {
                        *acc = A::mac(*acc, value, weight);
                    }
                }
            }
        }
        return;
    }
    for tap in 0..kernel_w {
        // SAFETY: `tap` is a tap.
        let weight = unsafe { load(w, tap) };
        let mut at = x.wrapping_add(tap);
        for acc in acc.iter_mut() {
            // SAFETY: lane · stride + tap is within the elements of the contract.
            *acc = A::mac(*acc, unsafe { load(at, 0) }, weight);
            at = at.wrapping_add(stride);
        }
    }
}
