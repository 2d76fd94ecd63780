//! Depthwise convolution of one padded plane, eight outputs of a row at a time.

use super::arithmetic::Arithmetic;
use super::dense::DenseMatrix;
use super::lanes::{load, store};
use crate::arch::{THREE_TAPS, keep_rolled};
use crate::kernels::{LANES, Plane};

/// One plane; `STRIDE` fixes the columns between outputs, 0 leaves them open.
///
/// # Safety
///
/// Contracts 1 and 4 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(crate) unsafe fn plane<A: Arithmetic, const STRIDE: usize>(
    matrix: &DenseMatrix<A::Element>,
    plane: &Plane<'_, A::Element>,
) {
    let kernel_w = plane.kernel_w;
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
                unsafe { taps::<A, STRIDE>(&mut acc, tap_row, w, kernel_w, stride) };
                tap_row = tap_row.wrapping_add(plane.padded_w);
                w = w.wrapping_add(kernel_w);
            }
            // SAFETY: the output plane has the pixels that are left of this row.
            unsafe { finish::<A>(&acc, &row, plane, at, left) };
            at = at.wrapping_add(plane.pixel_stride.wrapping_mul(LANES));
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
unsafe fn taps<A: Arithmetic, const STRIDE: usize>(
    acc: &mut [A::Acc; LANES],
    x: *const A::Element,
    w: *const A::Element,
    kernel_w: usize,
    stride: usize,
) {
    if THREE_TAPS && STRIDE == 1 && kernel_w == 3 {
        // SAFETY: the row of taps has three weights and ten elements.
        unsafe { A::three_taps(acc, x, w) };
        return;
    }
    if STRIDE == 1 {
        let (mut x, mut weights) = (x, [w]);
        for _ in 0..kernel_w {
            // SAFETY: the eight lanes of a tap follow each other.
            unsafe { A::tap::<1, 1>(core::array::from_mut(acc), &mut weights, &mut x) };
            keep_rolled();
        }
        return;
    }
    for tap in 0..kernel_w {
        // SAFETY: `tap` is a tap.
        let weight = unsafe { load(w, tap) };
        let at = x.wrapping_add(tap);
        keep_rolled();
        for (lane, acc) in acc.iter_mut().enumerate() {
            // SAFETY: lane · stride + tap is within the elements of the contract.
            *acc = A::mac(*acc, unsafe { load(at, lane.wrapping_mul(stride)) }, weight);
        }
    }
}

/// Stores the outputs of `acc`, at most `left`, from `at` on.
///
/// # Safety
///
/// The output plane has so many pixels there.
#[inline(always)]
unsafe fn finish<A: Arithmetic>(
    acc: &[A::Acc; LANES],
    row: &A::Row,
    plane: &Plane<'_, A::Element>,
    mut at: *mut A::Element,
    left: usize,
) {
    // A copy that is indexed in a loop, so that the accumulators themselves stay in registers.
    let acc = acc.map(|acc| acc);
    let accs = acc.get(..left).unwrap_or(&acc);
    A::finish_all(accs, row, &plane.post, |value| {
        // SAFETY: contract 4 of `Kernels`: the output plane has this pixel.
        unsafe { store(at, 0, value) };
        at = at.wrapping_add(plane.pixel_stride);
    });
}
