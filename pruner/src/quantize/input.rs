//! The input contract: which integer a caller's value becomes.
//!
//! Pixels 0…255 with one mean and deviation map exactly, `q = x − 128`, when
//!
//! ```text
//! scale = 1 / std,  zero_point = mean − 128        real = (x − mean) / std = scale · (q − zero_point)
//! ```
//!
//! and `mean` is an integer; [`super::fold_preprocess`] moves everything else into the network first. A caller that
//! leaves that out has real values rounded; a mean between two integers would put every pixel on a tie, so the scale
//! is stretched by 255/254, which keeps neighbours apart but one pair.

use super::range;
use crate::data::Preprocess;
use crate::ir::Quant;

/// Quantisation of the network input and what to tell the user about it.
pub(super) fn contract(
    pixels: bool,
    preprocess: &Preprocess,
    observed: (f64, f64),
) -> (Quant, Option<String>) {
    if !pixels {
        return (range::quant(observed.0, observed.1), None);
    }
    let Some((mean, std)) = preprocess.scalar() else {
        let note = "input: mean and deviation differ by channel, so callers give (x - mean) / std, rounded to one scale";
        return (range::quant(observed.0, observed.1), Some(note.to_string()));
    };
    if let Some(zero_point) = exact_zero_point(mean) {
        let quant = Quant {
            scale: 1.0 / std,
            zero_point,
        };
        let note = if preprocess.is_identity() {
            "input: pixels 0 to 255 go in as they are, q = x - 128; a network that was trained on normalised pixels \
             needs --mean and --std"
        } else {
            "input: raw pixels map exactly, q = x - 128"
        };
        return (quant, Some(note.to_string()));
    }
    let (mean, std) = (f64::from(mean), f64::from(std));
    let (lo, hi) = (-mean / std, (255.0 - mean) / std);
    let stretch = if lo < 0.0 && hi > 0.0 {
        255.0 / 254.0
    } else {
        1.0
    };
    let quant = range::quant(lo * stretch, hi * stretch);
    (
        quant,
        Some(format!(
            "input: mean {mean} - 128 is not an s8 zero point, so pixels are rounded"
        )),
    )
}

/// Whether scale and zero point alone make the input the raw pixel.
pub(super) fn is_exact(preprocess: &Preprocess) -> bool {
    preprocess
        .scalar()
        .is_some_and(|(mean, _)| exact_zero_point(mean).is_some())
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "the value is an integer inside s8"
)]
fn exact_zero_point(mean: f32) -> Option<i32> {
    let zero_point = mean - 128.0;
    let exact = zero_point.fract() == 0.0 && (-128.0..=127.0).contains(&zero_point);
    exact.then_some(zero_point as i32)
}
