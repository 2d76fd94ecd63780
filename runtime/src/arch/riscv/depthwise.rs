//! Depthwise convolutions of 3x3 windows: nine weights and up to eight sums stay in registers.
//!
//! An element of the padded plane is loaded once a row of taps and meets every tap that it has:
//!
//! ```text
//! stride 1   x[p] → sums p, p − 1, p − 2 with taps 0, 1, 2        N + 2 loads for 3·N products
//! stride 2   x[p] → sums p / 2, p / 2 − 1 with taps 0, 2; odd p: sum p / 2 with tap 1
//! ```

use super::conv::table;
use super::finish::{Finish, Scale, store_all};
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
    let at = weights.weights().as_ptr().cast::<i8>();
    let at = at.wrapping_add(plane.row.wrapping_mul(9));
    // SAFETY: nine weights a row.
    let w = core::array::from_fn(|tap| i32::from(unsafe { at.wrapping_add(tap).read() }));
    let window = Window {
        w,
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
    w: [i32; 9],
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
            // SAFETY: the taps lie in the padded plane, those past the row's end in the next row or in the slack;
            // the output plane has the pixels that are left of this row.
            unsafe { tile::<R, N, STRIDE>(window, plane, x, (at, left)) };
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
/// Three rows of `(N − 1) · STRIDE + 3` elements can be read from `x` on, `padded_w` apart, and `left` outputs written.
#[inline(always)]
unsafe fn tile<R: Finish, const N: usize, const STRIDE: usize>(
    window: &Window,
    plane: &Plane<'_, i8>,
    x: *const i8,
    (at, left): (*mut i8, usize),
) {
    let [a, b, c, d, e, f, g, h, i] = window.w;
    let mut acc = [window.bias; N];
    let second = x.wrapping_add(plane.padded_w);
    let third = second.wrapping_add(plane.padded_w);
    // SAFETY: the caller's contract.
    unsafe {
        taps::<N, STRIDE>(&mut acc, x, [a, b, c]);
        taps::<N, STRIDE>(&mut acc, second, [d, e, f]);
        taps::<N, STRIDE>(&mut acc, third, [g, h, i]);
    };
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

/// One row of taps.
///
/// # Safety
///
/// `(N − 1) · STRIDE + 3` elements can be read at `x`.
#[inline(always)]
unsafe fn taps<const N: usize, const STRIDE: usize>(acc: &mut [i32; N], x: *const i8, w: [i32; 3]) {
    if STRIDE == 1 {
        // SAFETY: the caller's contract.
        unsafe { adjacent(acc, x, w) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { alternate(acc, x, w) };
    }
}

/// Runs `$step` for every element of a row of taps, each loaded while the one before it is multiplied.
macro_rules! elements {
    ($x:expr, $len:expr, |$at:ident, $value:ident| $step:block, $($p:literal)*) => {
        // SAFETY: the caller's contract: the row has at least one element.
        let mut next = unsafe { load::<0>($x) };
        $(
            if $p < $len {
                let ($at, $value) = ($p, next);
                if $p + 1 < $len {
                    // SAFETY: the element is one of the row's.
                    next = unsafe { load::<{ $p + 1 }>($x) };
                }
                $step
            }
        )*
        let _ = next;
    };
}

/// One row of taps of outputs that follow each other.
///
/// # Safety
///
/// `N + 2` elements can be read at `x`.
#[inline(always)]
unsafe fn adjacent<const N: usize>(acc: &mut [i32; N], x: *const i8, w: [i32; 3]) {
    elements!(x, N + 2, |at, value| {
        for (tap, &w) in w.iter().enumerate() {
            product(acc, at, tap, value, w);
        }
    }, 0 1 2 3 4 5 6 7 8 9);
}

/// One row of taps of outputs two elements apart.
///
/// # Safety
///
/// `2 · N + 1` elements can be read at `x`.
#[inline(always)]
unsafe fn alternate<const N: usize>(acc: &mut [i32; N], x: *const i8, w: [i32; 3]) {
    let [first, middle, last] = w;
    elements!(x, 2 * N + 1, |at, value| {
        let lane = at / 2;
        if at % 2 == 0 {
            product(acc, lane, 0, value, first);
            product(acc, lane, 1, value, last);
        } else {
            product(acc, lane, 0, value, middle);
        }
    }, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

/// Element `P` at `x`; stays where it stands among other loads and products.
///
/// # Safety
///
/// It can be read.
#[inline(always)]
unsafe fn load<const P: usize>(x: *const i8) -> i32 {
    let value;
    // SAFETY: reads a byte.
    unsafe {
        asm!("lb {t}, {p}({x})", t = out(reg) value, x = in(reg) x, p = const P,
            options(readonly, nostack, preserves_flags));
    }
    value
}

/// `acc[at − back] += value · w`, where there is such a sum.
#[inline(always)]
fn product<const N: usize>(acc: &mut [i32; N], at: usize, back: usize, value: i32, w: i32) {
    let Some(acc) = at.checked_sub(back).and_then(|lane| acc.get_mut(lane)) else {
        return;
    };
    // SAFETY: arithmetic on named registers.
    unsafe {
        asm!("mul {v}, {t}, {w}", "add {a}, {a}, {v}", v = out(reg) _, t = in(reg) value, w = in(reg) w,
            a = inout(reg) *acc, options(nomem, nostack, preserves_flags));
    }
}
