//! The discrete Fourier transform of 256 complex points, radix 4, decimation in time (Cooley and Tukey, 1965).
//!
//! ```text
//! samples ─ window ─► 256 points, digits reversed ─► butterflies of 4 ─► stages of 4, 16, 64 with turns
//! ```
//!
//! A frame's samples become the real and imaginary parts in turn, 32 zeros behind them. A point is a sample times its
//! window with 7 bits below the point, so at most `2^22`; the window sums to 240, hence no sum on the way reaches
//! `√2 · 120 · 2^22 < 2^30`, and nothing is scaled between stages.

use crate::FRAME;
use crate::tables::{ORDER, TURNS, WINDOW};
use core::hint::black_box;
use core::sync::atomic::{Ordering, compiler_fence};

/// A point.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Complex {
    pub(crate) re: i32,
    pub(crate) im: i32,
}

impl Complex {
    pub(crate) const ZERO: Self = Self { re: 0, im: 0 };

    #[inline(always)]
    fn plus(self, other: Self) -> Self {
        Self {
            re: self.re + other.re,
            im: self.im + other.im,
        }
    }

    #[inline(always)]
    fn minus(self, other: Self) -> Self {
        Self {
            re: self.re - other.re,
            im: self.im - other.im,
        }
    }

    #[inline(always)]
    fn doubled(self) -> Self {
        Self {
            re: self.re << 1,
            im: self.im << 1,
        }
    }

    /// Half of `self · turn`, whose parts are fractions with 31 bits below the point.
    #[inline(always)]
    pub(crate) fn turn_half(self, turn: Self) -> Self {
        Self {
            re: high(
                (i64::from(high(product(self.re, turn.re))) << 32) - product(self.im, turn.im),
            ),
            im: high(
                (i64::from(high(product(self.re, turn.im))) << 32) + product(self.im, turn.re),
            ),
        }
    }
}

#[inline(always)]
fn product(a: i32, b: i32) -> i64 {
    i64::from(a) * i64::from(b)
}

/// The high word: with the product before it one instruction on a core with a long multiplication.
#[inline(always)]
fn high(value: i64) -> i32 {
    (value >> 32) as i32
}

/// The transform of a frame: `points[k]` is that of its even samples plus i times that of its odd ones.
pub(crate) fn transform(samples: &[i16; FRAME], points: &mut [Complex; 256]) {
    first(samples, points);
    // What the compiler knows of a turn it would take apart: a turn that it must load costs one instruction a product.
    let turns = black_box(&TURNS);
    let (fours, rest) = turns.split_at(3 * 4);
    let (sixteens, rest) = rest.split_at(3 * 16);
    stage::<4>(points, fours);
    stage::<16>(points, sixteens);
    stage::<64>(points, rest);
}

/// Window and the stage without turns. The fourth leg ends before the others: a frame is shorter than the transform.
fn first(samples: &[i16; FRAME], points: &mut [Complex; 256]) {
    let (samples, _) = samples.as_chunks::<2>();
    let (blocks, _) = points.as_chunks_mut::<4>();
    let leg = |at: usize| match (samples.get(at), WINDOW.get(at)) {
        (Some(samples), Some(window)) => point(*samples, *window),
        _ => Complex::ZERO,
    };
    for (n, &place) in ORDER.iter().enumerate() {
        if let Some(block) = blocks.get_mut(usize::from(place)) {
            let (a, c) = (leg(n), leg(n + 128));
            let (even, odd) = (a.plus(c), a.minus(c));
            let (b, d) = (leg(n + 64), leg(n + 192));
            *block = butterfly(even, odd, b.plus(d), b.minus(d));
        }
    }
}

/// Two samples, windowed.
#[inline(always)]
fn point(samples: [i16; 2], window: [i16; 2]) -> Complex {
    let [re, im] = samples;
    let [first, second] = window;
    Complex {
        re: (i32::from(re) * i32::from(first)) >> 8,
        im: (i32::from(im) * i32::from(second)) >> 8,
    }
}

/// Four points, of which three were turned, out of sums and differences of the first and third and of the others.
#[inline(always)]
fn butterfly(even: Complex, odd: Complex, beside: Complex, across: Complex) -> [Complex; 4] {
    // Minus i times the difference.
    let across = Complex {
        re: across.im,
        im: -across.re,
    };
    [
        even.plus(beside),
        odd.plus(across),
        even.minus(beside),
        odd.minus(across),
    ]
}

/// Joins transforms of `STRIDE` points to such of four times as many.
#[inline(never)]
fn stage<const STRIDE: usize>(points: &mut [Complex; 256], turns: &[Complex]) {
    for block in points.chunks_exact_mut(4 * STRIDE) {
        let (a, rest) = block.split_at_mut(STRIDE);
        let (b, rest) = rest.split_at_mut(STRIDE);
        let (c, d) = rest.split_at_mut(STRIDE);
        let legs = a.iter_mut().zip(b).zip(c).zip(d);
        for ((((a, b), c), d), turns) in legs.zip(turns.as_chunks::<3>().0) {
            let [two, three, four] = turns;
            let (b2, d2) = (b.turn_half(*two), d.turn_half(*four));
            let (beside, across) = (b2.plus(d2).doubled(), b2.minus(d2).doubled());
            // Two legs at a time have room in the registers, four do not.
            compiler_fence(Ordering::SeqCst);
            let c2 = c.turn_half(*three).doubled();
            let (even, odd) = (a.plus(c2), a.minus(c2));
            [*a, *b, *c, *d] = butterfly(even, odd, beside, across);
        }
    }
}
