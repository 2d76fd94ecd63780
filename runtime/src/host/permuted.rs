//! `depthwise_conv_2d` by permutations, where a CPU has them: strides, and small maps.

use super::conv::{Kernels, channels};
use super::form::Form;
use super::matrix::Plain;
use super::planes::{Arena, Place};
use super::rescale::rescale;
use crate::arch::vector::plane::{BYTES, Entry, PIXELS, Pattern, Permute, Permuted};
use nnz_format::{Clamp, Rounding, Step, Window};

/// Output pixels of small maps.
const SMALL: usize = 256;

/// The layer of `step`; `None` where another kernel must do it.
pub(super) fn new(
    step: &Step<'_>,
    (window, multiplier, clamp): (&Window, u16, &Clamp),
    rounding: Rounding,
    kernels: Kernels,
) -> Option<Permuted> {
    let (input, output) = (Form::of(&step.input), Form::of(&step.output));
    // Each row of larger maps without strides is a copy away from having all its windows.
    let is_small = window.stride_w > 1 || output.pixels() <= SMALL;
    if kernels.plane < BYTES || kernels.bytes != BYTES || !is_small {
        return None;
    }
    if multiplier != 1 || window.kernel_w > 4 || output.pixels() == 1 || input.pixels() == 1 {
        return None;
    }
    let plain = Plain::of(step)?;
    let rescale = rescale(&channels(step, &plain, rounding)?, 4, clamp);
    let groups = output.pixels().div_ceil(PIXELS);
    let (mut entries, mut patterns) = (Vec::new(), Vec::new());
    for group in 0..groups {
        for ky in 0..usize::from(window.kernel_h) {
            let (offset, pattern) = windows((&input, &output), window, ky, group)?;
            let known = patterns.iter().position(|known| *known == pattern);
            let position = known.unwrap_or(patterns.len());
            if known.is_none() {
                patterns.push(pattern);
            }
            entries.push(Entry {
                offset,
                pattern: u32::try_from(position).ok()?,
            });
        }
    }
    let kernel_w = usize::from(window.kernel_w);
    let mut weights = Vec::new();
    for row in 0..rescale.rows.len() {
        let row = plain.row(row);
        for ky in 0..usize::from(window.kernel_h) {
            let taps = row.get(ky * kernel_w..).unwrap_or_default();
            let taps = taps.get(..kernel_w).unwrap_or_default();
            let four = core::array::from_fn(|kx| taps.get(kx).copied().unwrap_or(0));
            let [four, rest] = (kernels.split)(four);
            if rest != [0; 4] {
                return None;
            }
            weights.push(i32::from_le_bytes(four.map(i8::cast_unsigned)));
        }
    }
    Some(Permuted {
        planes: (input.plane, output.plane),
        rows: window.kernel_h.into(),
        zero: input.zero,
        entries,
        patterns,
        weights,
        rescale,
    })
}

/// Where the windows of a group begin in the plane, and the pattern that picks them; `None` where they do not fit a
/// vector.
fn windows(
    forms: (&Form, &Form),
    window: &Window,
    ky: usize,
    group: usize,
) -> Option<(i32, Pattern)> {
    let at = |byte: usize| {
        let pixel = group * PIXELS + byte / 4;
        source(forms, window, (ky, byte % 4), pixel)
    };
    // A plane that fits a vector is loaded from its beginning, which is that of a line.
    let is_whole = forms.0.pixels() <= BYTES;
    let first = (0..BYTES).filter_map(at).min().filter(|_| !is_whole);
    let first = first.unwrap_or(0);
    let mut pattern = Pattern {
        sources: [0; BYTES],
        inside: 0,
    };
    for (byte, source) in pattern.sources.iter_mut().enumerate() {
        if let Some(position) = at(byte) {
            *source = u8::try_from(position - first)
                .ok()
                .filter(|source| usize::from(*source) < BYTES)?;
            pattern.inside |= 1 << byte;
        }
    }
    Some((i32::try_from(first).ok()?, pattern))
}

/// Where the tap of an output pixel lies in the input's plane, if it is inside.
fn source(
    (input, output): (&Form, &Form),
    window: &Window,
    (ky, kx): (usize, usize),
    pixel: usize,
) -> Option<usize> {
    let y = pixel / output.width * usize::from(window.stride_h) + ky;
    let x = pixel % output.width * usize::from(window.stride_w) + kx;
    let y = y.checked_sub(window.pad_top.into())?;
    let x = x.checked_sub(window.pad_left.into())?;
    let is_inside = y < input.height && x < input.width && pixel < output.pixels();
    is_inside.then_some(y * input.width + x)
}

/// Runs a layer, or a thread's fours of channels.
pub(super) fn run(layer: &Permuted, arena: &Arena<'_>, (input, output): (&Place, &Place)) {
    let fours = layer.rescale.rows.len() / 4;
    arena.enter(Permute {
        layer,
        input: arena.at(input.offset).cast_const(),
        output: arena.at(output.offset),
        fours: arena.worker.range(fours, 1),
    });
}
