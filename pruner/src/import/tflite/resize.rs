//! Operators that resize images.

use super::super::error::Problem;
use super::{Call, Importer};
use crate::ir::{Op, Resize, Tap};

/// Types of option tables.
const RESIZE_BILINEAR_OPTIONS: u8 = 15;
const RESIZE_NEAREST_OPTIONS: u8 = 74;

/// `RESIZE_NEAREST_NEIGHBOR`.
pub(in crate::import) fn resize_nearest(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(RESIZE_NEAREST_OPTIONS)?;
    let (corners, half) = (flag(&options, 0)?, flag(&options, 1)?);
    importer.emit_resize(call, true, |from, to, i| {
        nearest(from, to, i, corners, half)
    })
}

/// `RESIZE_BILINEAR`; integer weights are TensorFlow Lite's, in 1/1024.
pub(in crate::import) fn resize_bilinear(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let options = call.options(RESIZE_BILINEAR_OPTIONS)?;
    let (corners, half) = (flag(&options, 2)?, flag(&options, 3)?);
    let integer = importer.declared_quant(call)?.is_some();
    importer.emit_resize(call, false, |from, to, i| {
        if integer {
            bilinear_s8(from, to, i, corners, half)
        } else {
            bilinear_f32(from, to, i, corners, half)
        }
    })
}

fn flag(options: &super::flatbuffer::Table<'_>, id: usize) -> Result<bool, Problem> {
    Ok(options.number::<u8>(id, 0)? != 0)
}

#[expect(clippy::cast_precision_loss, reason = "pixels are few")]
const fn single(n: usize) -> f32 {
    n as f32
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped to the input's pixels"
)]
fn pixel(x: f32, from: usize) -> usize {
    x.clamp(0.0, single(from - 1)) as usize
}

fn nearest(from: usize, to: usize, i: usize, corners: bool, half: bool) -> Tap {
    let scale = if corners && to > 1 {
        single(from - 1) / single(to - 1)
    } else {
        single(from) / single(to)
    };
    let x = (single(i) + if half { 0.5 } else { 0.0 }) * scale;
    let before = pixel(if corners { x.round() } else { x.floor() }, from);
    Tap {
        before,
        after: before,
        weight: 0.0,
    }
}

fn bilinear_f32(from: usize, to: usize, i: usize, corners: bool, half: bool) -> Tap {
    let scale = if corners && to > 1 {
        single(from - 1) / single(to - 1)
    } else {
        single(from) / single(to)
    };
    let x = if half {
        (single(i) + 0.5) * scale - 0.5
    } else {
        single(i) * scale
    };
    let before = pixel(x.floor(), from);
    Tap {
        before,
        after: pixel(x.ceil(), from),
        weight: x - single(before),
    }
}

/// The scale, the place and the weight in 1/1024, as TensorFlow Lite's integer kernel rounds them.
#[expect(
    clippy::cast_precision_loss,
    reason = "a weight of a few thousand at most"
)]
fn bilinear_s8(from: usize, to: usize, i: usize, corners: bool, half: bool) -> Tap {
    let [from_, to_, i] = [from, to, i].map(|n| i64::try_from(n).unwrap_or(i64::MAX >> 24));
    let scale = if corners && to > 1 {
        (1024 * (from_ - 1) + (to_ - 1) / 2) / (to_ - 1)
    } else {
        (1024 * from_ + to_ / 2) / to_
    };
    let scaled = if half {
        i * scale + scale / 2 - 512
    } else {
        i * scale
    };
    let before = (scaled / 1024).max(0);
    let after = ((scaled + 1023) / 1024).min(from_ - 1);
    let index = |n: i64| usize::try_from(n).unwrap_or(0).min(from - 1);
    Tap {
        before: index(before),
        after: index(after),
        weight: (scaled - 1024 * before) as f32 / 1024.0,
    }
}

impl Importer<'_> {
    /// A resized image; `tap` gives the place of an output pixel from both sizes.
    fn emit_resize(
        &mut self,
        call: &Call<'_>,
        nearest: bool,
        tap: impl Fn(usize, usize, usize) -> Tap,
    ) -> Result<(), Problem> {
        let input = self.input(call, 0)?;
        self.same_quantisation(call, input)?;
        let shape = self.shape(input);
        let [1, h, w, _] = self.declared_dims(call)?[..] else {
            return Err(Problem::malformed("its output is no image"));
        };
        self.assembler.budget.take(h.saturating_add(w))?;
        let taps = |from: usize, to: usize| (0..to).map(|i| tap(from, to, i)).collect();
        let (rows, columns) = (taps(shape.h, h), taps(shape.w, w));
        let op = Op::Resize(Resize {
            nearest,
            rows,
            columns,
        });
        self.emit(call, op, &[input])
    }
}
