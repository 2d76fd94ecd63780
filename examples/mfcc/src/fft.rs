//! The discrete Fourier transform of 256 complex points, radix 4, decimation in time (Cooley and Tukey, 1965), in
//! block floating point: the points of a stage share one exponent.
//!
//! ```text
//! samples ─ window ─► 256 points, digits reversed ─► butterflies of 4 ─► stages of 4, 16, 64 with turns
//! ```
//!
//! A frame's samples become the real and imaginary parts in turn, 32 zeros behind them. Shifted so that the greatest
//! of the frame has 15 bits, a windowed sample has 14; the window is at most 1.1 at two points 256 apart and 2.13 at
//! four, so that half of a first butterfly's sums are at most 24,700 long. A turned point is no longer than it was
//! and four of them at most four times as long: a quarter of their sum has room again, and half of it where every
//! part was below `2^13`.

use crate::FRAME;
use crate::pair::{Pair, butterfly};
use crate::tables::{ORDER, TURNS, WINDOW};
use core::hint::black_box;

/// The transform of a frame, `points[k] · 2^-exponent` that of its even samples plus i times that of its odd ones;
/// returns the exponent.
pub(crate) fn transform(samples: &[i16; FRAME], points: &mut [Pair; 256]) -> i32 {
    let room = room(samples);
    // The window has 15 bits below the point; 16 go with the lower half of a product, one with the first stage.
    let mut exponent = room.cast_signed() + 15 - 16 - 1;
    let mut changes = first(samples, room, points);
    // A turn that the compiler does not know costs one load.
    let turns = black_box(&TURNS);
    let (fours, rest) = turns.split_at(3 * 4);
    let (sixteens, rest) = rest.split_at(3 * 16);
    exponent -= joined::<4>(points, fours, &mut changes);
    exponent -= joined::<16>(points, sixteens, &mut changes);
    exponent - joined::<64>(points, rest, &mut changes)
}

/// How far to the left every sample can be shifted.
#[inline(never)]
fn room(samples: &[i16; FRAME]) -> u32 {
    let (eights, _) = samples.as_chunks::<16>();
    let changes = eights.iter().fold(0, |changes, eight| {
        let (pairs, _) = eight.as_chunks::<2>();
        let pairs = pairs.iter().map(|&samples| Pair::from(samples));
        pairs.fold(changes, |changes, pair| changes | pair.changes())
    });
    // The halves' highest bits; the lowest of the upper half compares it with the lower one.
    let highest = changes << 16 | changes & 0xFFFE_0000;
    // Silence could be shifted without end; as far as this it keeps the logarithm's floor precise.
    highest.leading_zeros().min(23)
}

/// Window and the stage without turns, halved. The fourth leg ends before the others: a frame is shorter than the
/// transform. Returns the changes of all points.
#[inline(never)]
fn first(samples: &[i16; FRAME], room: u32, points: &mut [Pair; 256]) -> u32 {
    let (samples, _) = samples.as_chunks::<2>();
    let (blocks, _) = points.as_chunks_mut::<4>();
    let leg = |at: usize| match (samples.get(at), WINDOW.get(at)) {
        (Some(samples), Some(window)) => Pair::from(*samples).scale(*window, room),
        _ => Pair::ZERO,
    };
    let mut changes = 0;
    for (n, &place) in ORDER.iter().enumerate() {
        if let Some(block) = blocks.get_mut(usize::from(place)) {
            let four = [leg(n), leg(n + 64), leg(n + 128), leg(n + 192)];
            *block = butterfly::<true>(four);
            changes = block.iter().fold(changes, |all, p| all | p.changes());
        }
    }
    changes
}

/// Joins transforms of `STRIDE` points to such of four times as many, divided by `2^k`; returns k. `changes` are those
/// of all points.
fn joined<const STRIDE: usize>(points: &mut [Pair; 256], turns: &[Pair], changes: &mut u32) -> i32 {
    let has_room = *changes & 0xC000_C000 == 0;
    *changes = if has_room {
        stage::<STRIDE, false>(points, turns)
    } else {
        stage::<STRIDE, true>(points, turns)
    };
    if has_room { 1 } else { 2 }
}

/// [`joined`], divided by 4 where `QUARTERED`, else by 2. Returns the changes of all points, not of the last stage's.
#[inline(never)]
fn stage<const STRIDE: usize, const QUARTERED: bool>(
    points: &mut [Pair; 256],
    turns: &[Pair],
) -> u32 {
    let (turns, _) = turns.as_chunks::<3>();
    let mut changes = 0;
    for block in points.chunks_exact_mut(4 * STRIDE) {
        let (a, rest) = block.split_at_mut(STRIDE);
        let (b, rest) = rest.split_at_mut(STRIDE);
        let (c, d) = rest.split_at_mut(STRIDE);
        let legs = a.iter_mut().zip(b).zip(c).zip(d);
        for ((((a, b), c), d), [two, three, four]) in legs.zip(turns) {
            let (b2, c2, d2) = (b.turn_half(*two), c.turn_half(*three), d.turn_half(*four));
            let points = butterfly::<QUARTERED>([a.half(), b2, c2, d2]);
            if 4 * STRIDE < 256 {
                changes = points.iter().fold(changes, |all, p| all | p.changes());
            }
            [*a, *b, *c, *d] = points;
        }
    }
    changes
}
