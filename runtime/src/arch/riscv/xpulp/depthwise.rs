//! Depthwise convolutions of 3x3 windows: a row of three taps and a zero is a word, and a product.

use super::super::conv::table;
use super::super::finish::{Finish, Scale, store_all};
use crate::kernels::Plane;
use core::arch::asm;
use nnz_format::DenseS8;

/// One plane; `false` where the window or the output's layout is another, or the row's constants need the
/// portable kernel.
///
/// # Safety
///
/// Contracts 1 and 4 of [`crate::kernels::Kernels`].
#[inline(always)]
pub(super) unsafe fn plane<R: Finish>(weights: &DenseS8<'_>, plane: &Plane<'_, i8>) -> bool {
    let is_plain = plane.stride_w <= 2 && plane.pixel_stride == 1;
    if (plane.kernel_h, plane.kernel_w) != (3, 3) || !is_plain {
        return false;
    }
    // SAFETY: `plane.row` is a row.
    let row = R::marked(unsafe { table(weights.rows()).s8(plane.row) });
    let Some(scale) = R::scale(row.multiplier, row.shift, plane.post.zero_point) else {
        return false;
    };
    let at = weights.weights().as_ptr();
    let at = at.wrapping_add(plane.row.wrapping_mul(9));
    // SAFETY: nine weights a row.
    let tap = |index: usize| u32::from(unsafe { at.wrapping_add(index).read() });
    let word = |first: usize| tap(first) | tap(first + 1) << 8 | tap(first + 2) << 16;
    let window = Window {
        w: [word(0), word(3), word(6)],
        bias: row.bias,
        scale,
    };
    // SAFETY: the caller's contract.
    unsafe {
        match (plane.stride_w, plane.out_w) {
            (1, 0..=4) => rows::<R, 4, 1>(&window, plane),
            (1, 5) => rows::<R, 5, 1>(&window, plane),
            (1, 6 | 12) => rows::<R, 6, 1>(&window, plane),
            (1, _) => rows::<R, 8, 1>(&window, plane),
            (_, 0..=4) => rows::<R, 4, 2>(&window, plane),
            (_, 5) => rows::<R, 5, 2>(&window, plane),
            (_, 6 | 12) => rows::<R, 6, 2>(&window, plane),
            _ => rows::<R, 8, 2>(&window, plane),
        }
    };
    true
}

/// What all outputs of a plane share.
#[derive(Clone, Copy)]
struct Window {
    /// A word a row: its taps, and 0.
    w: [u32; 3],
    bias: i32,
    scale: Scale,
}

/// The rows of the output, `N` outputs at a time.
///
/// # Safety
///
/// As [`plane`], for a window of 3x3 and this stride.
#[inline(never)]
unsafe fn rows<R: Finish, const N: usize, const STRIDE: usize>(
    window: &Window,
    plane: &Plane<'_, i8>,
) {
    let mut top = plane.padded.as_ptr().cast::<i8>();
    let mut out = plane.out.as_ptr().cast::<i8>().cast_mut();
    for _ in 0..plane.out_h {
        let (mut x, mut at, mut left) = (top, out, plane.out_w);
        while left > 0 {
            // SAFETY: the words lie in the padded plane, those past the row's end in the next row or in the slack;
            // the output plane has the pixels that are left of this row.
            unsafe { outputs::<R, N, STRIDE>(window, plane, x, (at, left)) };
            at = at.wrapping_add(N);
            x = x.wrapping_add(N * STRIDE);
            left = left.saturating_sub(N);
        }
        top = top.wrapping_add(plane.stride_h.wrapping_mul(plane.padded_w));
        out = out.wrapping_add(plane.row_stride);
    }
}

/// Up to `N` outputs of a row.
///
/// # Safety
///
/// Three rows of `(N − 1) · STRIDE + 4` elements can be read from `x` on, `padded_w` apart, and `left` outputs written.
#[inline(always)]
unsafe fn outputs<R: Finish, const N: usize, const STRIDE: usize>(
    window: &Window,
    plane: &Plane<'_, i8>,
    x: *const i8,
    (at, left): (*mut i8, usize),
) {
    let mut acc = [window.bias; N];
    let mut x = x;
    for w in window.w {
        // SAFETY: the caller's contract.
        unsafe { taps::<N, STRIDE>(&mut acc, x, w) };
        x = x.wrapping_add(plane.padded_w);
    }
    if left >= N {
        // SAFETY: the caller's contract.
        unsafe { store_all::<R>(&acc, window.scale, &plane.post, at) };
        return;
    }
    // A copy that is cut at run time, so that the sums themselves stay in registers.
    let acc = acc.map(|acc| acc);
    let some = acc.get(..left).unwrap_or(&acc);
    // SAFETY: the caller's contract.
    unsafe { store_all::<R>(some, window.scale, &plane.post, at) };
}

/// One row of taps, two outputs at a time.
///
/// # Safety
///
/// `(N − 1) · STRIDE + 4` elements can be read at `x`.
#[inline(always)]
unsafe fn taps<const N: usize, const STRIDE: usize>(acc: &mut [i32; N], x: *const i8, w: u32) {
    let mut lanes = acc.chunks_exact_mut(2);
    macro_rules! pairs {
        ($($one:literal $two:literal),*) => {$(
            if $two < N && let Some([a, b]) = lanes.next() {
                // SAFETY: reads two words; the caller's contract.
                unsafe {
                    asm!(
                        "lw {t}, {p}({x})", "lw {u}, {q}({x})",
                        ".insn r 0x7b, 1, 0x54, {a}, {t}, {w}", ".insn r 0x7b, 1, 0x54, {b}, {u}, {w}",
                        a = inout(reg) *a, b = inout(reg) *b, x = in(reg) x, w = in(reg) w,
                        t = out(reg) _, u = out(reg) _, p = const $one * STRIDE, q = const $two * STRIDE,
                        options(readonly, nostack, preserves_flags),
                    );
                }
            }
        )*};
    }
    pairs!(0 1, 2 3, 4 5, 6 7);
    if let [last] = lanes.into_remainder() {
        let x = x.wrapping_add((N - 1) * STRIDE);
        // SAFETY: reads a word; the caller's contract.
        unsafe {
            asm!(
                "lw {t}, 0({x})", ".insn r 0x7b, 1, 0x54, {a}, {t}, {w}",
                a = inout(reg) *last, x = in(reg) x, w = in(reg) w, t = out(reg) _,
                options(readonly, nostack, preserves_flags),
            );
        }
    }
}
