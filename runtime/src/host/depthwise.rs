//! `depthwise_conv_2d`: taps of each row for the windows of vectors.

use super::conv::{Kernels, channels};
use super::form::Form;
use super::matrix::Plain;
use super::planes::{Arena, Place};
use super::rescale::rescale;
use crate::arch::vector::tiny::{PIXELS, Shuffle, Tiny};
use crate::arch::vector::windows::{Depthwise, Slide, Taps};
use crate::arch::vector::{Lanes, Share};
use nnz_format::{Clamp, Rounding, Step, Window};

/// The layer of `step`; `None` where the portable kernels must do it.
pub(super) fn new(
    step: &Step<'_>,
    (window, multiplier, clamp): (&Window, u16, &Clamp),
    rounding: Rounding,
    kernels: Kernels,
) -> Option<Depthwise> {
    let (input, output) = (Form::of(&step.input), Form::of(&step.output));
    let stride = usize::from(window.stride_h);
    // Rows of the copy are as long as those of the output, `stride` times.
    let is_aligned = output.width * stride == input.width.next_multiple_of(stride);
    if window.stride_h != window.stride_w || stride > 2 || !is_aligned {
        return None;
    }
    if input.pixels() == 1 || output.pixels() == 1 {
        return None;
    }
    let plain = Plain::of(step)?;
    let channels = channels(step, &plain, rounding)?;
    let mut layer = Depthwise {
        window: *window,
        input: (input.height, input.width),
        planes: (input.plane, output.plane),
        output: (output.height, output.width),
        zero: input.zero,
        multiplier: usize::from(multiplier),
        taps: Vec::new(),
        counts: Vec::new(),
        inside: Vec::new(),
        step: common_divisor(output.width, kernels.bytes),
        rescale: rescale(&channels, 1, clamp),
    };
    for row in 0..plain.rows() {
        let before = layer.taps.len();
        add_taps(&mut layer, plain.row(row), kernels)?;
        let count = u32::try_from(layer.taps.len() - before).ok()?;
        layer.counts.push(count);
    }
    layer.inside = inside(&layer, kernels.bytes);
    Some(layer)
}

/// The layer of `step` for maps of a few pixels; `None` where it is not one.
pub(super) fn tiny(
    step: &Step<'_>,
    (window, multiplier, clamp): (&Window, u16, &Clamp),
    rounding: Rounding,
    kernels: Kernels,
) -> Option<Tiny> {
    let (input, output) = (Form::of(&step.input), Form::of(&step.output));
    let is_tiny = (2..=PIXELS).contains(&input.pixels())
        && (input.height, input.width) == (output.height, output.width)
        && (window.stride_h, window.stride_w, multiplier) == (1, 1, 1)
        && window.kernel_w <= 4;
    if !is_tiny {
        return None;
    }
    let plain = Plain::of(step)?;
    let rescale = rescale(&channels(step, &plain, rounding)?, 4, clamp);
    let kernel_w = usize::from(window.kernel_w);
    let (mut sources, mut outside) = (Vec::new(), Vec::new());
    for ky in 0..usize::from(window.kernel_h) {
        for at in 0..4 * PIXELS {
            let source = source(&input, window, ky, at);
            sources.push(source.unwrap_or(0x80));
            outside.push(if source.is_some() { 0 } else { input.zero });
        }
    }
    let mut weights = Vec::new();
    for row in 0..rescale.rows.len() {
        let row = plain.row(row);
        for ky in 0..usize::from(window.kernel_h) {
            let taps = |kx| {
                row.get(ky * kernel_w + kx)
                    .copied()
                    .filter(|_| kx < kernel_w)
            };
            let four = core::array::from_fn(|kx| taps(kx).unwrap_or(0));
            if (kernels.split)(four)[1] != [0; 4] {
                return None;
            }
            (0..4).for_each(|_| weights.extend(four.map(i8::cast_unsigned)));
        }
    }
    let lanes = rescale.rows.iter().flat_map(|row| [Some(*row); 4]);
    Some(Tiny {
        channels: input.channels,
        plane: input.plane,
        rows: window.kernel_h.into(),
        sources,
        outside,
        weights,
        lanes: Lanes::new(lanes, kernels.bytes / 4),
        bounds: (rescale.lo, rescale.hi),
    })
}

/// Where byte `at` of the windows of kernel row `ky` lies in the plane: `[quad][pixel of four][column of the kernel]`.
fn source(input: &Form, window: &Window, ky: usize, at: usize) -> Option<u8> {
    let (pixel, kx) = (at / 4, at % 4);
    let (y, x) = (pixel / input.width + ky, pixel % input.width + kx);
    let y = y.checked_sub(window.pad_top.into())?;
    let x = x.checked_sub(window.pad_left.into())?;
    let is_inside = y < input.height && x < input.width;
    is_inside.then(|| u8::try_from(y * input.width + x).unwrap_or(0x80))
}

/// Runs a layer of few pixels, or a thread's channels, by whole vectors.
pub(super) fn run_tiny(layer: &Tiny, arena: &Arena<'_>, (input, output): (&Place, &Place)) {
    arena.enter(Shuffle {
        layer,
        input: arena.at(input.offset).cast_const(),
        output: arena.at(output.offset),
        channels: arena.worker.range(layer.channels, 4),
    });
}

/// The taps of a row that are not all zero.
fn add_taps(layer: &mut Depthwise, row: &[i8], kernels: Kernels) -> Option<()> {
    let (kernel_w, stride) = (usize::from(layer.window.kernel_w), layer.stride());
    for (ky, row) in row.chunks(kernel_w.max(1)).enumerate() {
        for (chunk, weights) in row.chunks(4).enumerate() {
            let offset = ky % stride * layer.phase() + ky / stride * layer.pitch() + 4 * chunk;
            let (offset, chunk) = (u32::try_from(offset).ok()?, u32::try_from(chunk).ok()?);
            let four = core::array::from_fn(|i| weights.get(i).copied().unwrap_or(0));
            for weights in (kernels.split)(four) {
                if weights != [0; 4] {
                    layer.taps.push(Taps {
                        offset,
                        chunk,
                        weights: i32::from_le_bytes(weights.map(i8::cast_unsigned)),
                    });
                }
            }
        }
    }
    Some(())
}

/// The patterns of [`Depthwise::inside`] for vectors of `bytes`.
fn inside(layer: &Depthwise, bytes: usize) -> Vec<u8> {
    let (width, stride) = (layer.output.1, layer.stride());
    let chunks = usize::from(layer.window.kernel_w).div_ceil(4);
    let left = usize::from(layer.window.pad_left);
    let mut patterns = Vec::new();
    for chunk in 0..chunks {
        for start in (0..width).step_by(layer.step) {
            for quad in 0..4 {
                patterns.extend((0..bytes).map(|at| {
                    let pixel = at / 16 * 16 + 4 * quad + at % 16 / 4;
                    let x = (start + pixel) % width * stride + 4 * chunk + at % 4;
                    let is_inside = x.checked_sub(left).is_some_and(|x| x < layer.input.1);
                    if is_inside { 255 } else { 0 }
                }));
            }
        }
    }
    patterns
}

/// Runs a layer, or a thread's channels.
pub(super) fn run(
    layer: &Depthwise,
    arena: &Arena<'_>,
    (input, output): (&Place, &Place),
    scratch: usize,
) {
    arena.enter(Slide {
        layer,
        input: arena.at(input.offset).cast_const(),
        output: arena.at(output.offset),
        scratch: arena.own(scratch),
        share: Share::of(&layer.counts, arena.worker.of(), layer.multiplier),
    });
}

const fn common_divisor(mut a: usize, mut b: usize) -> usize {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}
