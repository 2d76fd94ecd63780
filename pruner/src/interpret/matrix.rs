//! Integer matrix products by way of floats, which are exact here.
//!
//! A product of a weight and a deviation is an integer below 2^15; floats add such integers without rounding, in any
//! order, while sums stay below 2^24 (`f32`) or 2^53 (`f64`). The largest possible sum of a layer decides, so that a
//! float matrix product gives integer accumulators at its speed.

use super::geometry::Geometry;
use super::product::product;
use crate::arith::{self, Rounding, requantize, to_s8};
use crate::ir::{Bias, Clamp, Quant, Values, Weights};
use core::ops::AddAssign;
use ndarray::LinalgScalar;

/// Bounds of an output.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    lo: i8,
    hi: i8,
}

impl Bounds {
    pub(super) fn new(clamp: Clamp, quant: Quant) -> Self {
        let (lo, hi) = arith::activation_bounds(clamp, quant);
        Self { lo, hi }
    }

    /// A value within the bounds.
    pub(crate) fn of(self, x: i32) -> i8 {
        to_s8(x.max(i32::from(self.lo)).min(i32::from(self.hi)))
    }
}

/// Weights `[rows][cols]` with everything that turns an accumulator into an output.
#[derive(Debug)]
pub(crate) struct Matrix {
    values: Vec<i8>,
    exact: Exact,
    bias: Vec<i32>,
    multipliers: Vec<(i32, i32)>,
    input_zero: i32,
    output_zero: i32,
    bounds: Bounds,
    rounding: Rounding,
}

/// The weights as floats that are wide enough for every sum.
#[derive(Debug)]
enum Exact {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Exact {
    fn of(values: &[i8], row_len: usize) -> Self {
        let largest =
            |row: &[i8]| row.iter().map(|w| u64::from(w.unsigned_abs())).sum::<u64>() * 255;
        if values.chunks(row_len).all(|row| largest(row) < 1 << 24) {
            Self::F32(values.iter().map(|w| f32::from(*w)).collect())
        } else {
            Self::F64(values.iter().map(|w| f64::from(*w)).collect())
        }
    }
}

impl Matrix {
    pub(super) fn new(
        weights: &Weights,
        bias: &Bias,
        clamp: Clamp,
        (input, output): (Quant, Quant),
        multipliers: Vec<(i32, i32)>,
        rounding: Rounding,
    ) -> Result<Self, String> {
        let Values::S8(values) = &weights.values else {
            return Err(format!(
                "weights '{}' are floats in an integer layer",
                weights.name
            ));
        };
        let bias = match bias {
            Bias::None => vec![0; weights.shape[0]],
            Bias::S32(b) => b.clone(),
            Bias::F32(_) => return Err("its bias is a float one in an integer layer".into()),
        };
        Ok(Self {
            values: values.clone(),
            exact: Exact::of(values, weights.row_len()),
            bias,
            multipliers,
            input_zero: input.zero_point,
            output_zero: output.zero_point,
            bounds: Bounds::new(clamp, output),
            rounding,
        })
    }

    /// The outputs that a row can give for accumulators from `lo` to `hi`.
    pub(crate) fn output_range(&self, row: usize, lo: f64, hi: f64) -> (i8, i8) {
        let left = self.multipliers[row].1.min(0).unsigned_abs();
        let limit = f64::from(i32::MAX) / f64::from(1_u32 << left.min(31));
        if lo < -limit || hi > limit {
            return (self.bounds.lo, self.bounds.hi);
        }
        let end = |acc| self.output(row, arith::round_half_away(acc));
        (end(lo), end(hi))
    }

    fn output(&self, row: usize, acc: i32) -> i8 {
        let (multiplier, shift) = self.multipliers[row];
        let scaled = requantize(self.rounding, acc, multiplier, shift);
        self.bounds.of(scaled.saturating_add(self.output_zero))
    }

    /// Rows of `n` sums without bias to outputs.
    fn outputs<T: Copy>(&self, sums: &[T], n: usize, integer: impl Fn(T) -> i32) -> Vec<i8> {
        let mut out = Vec::with_capacity(sums.len());
        for (row, sums) in sums.chunks_exact(n).enumerate() {
            let bias = self.bias[row];
            let accs = sums.iter().map(|sum| bias.wrapping_add(integer(*sum)));
            out.extend(accs.map(|acc| self.output(row, acc)));
        }
        out
    }

    /// A convolution of an image.
    pub(super) fn convolve(&self, g: &Geometry, input: &[i8]) -> Vec<i8> {
        let (zero, rows, pixels) = (self.input_zero, self.bias.len(), g.output.pixels());
        match &self.exact {
            Exact::F32(weights) => {
                let columns = g.im2col(input, |x| deviation(x, zero), 0.0);
                let sums = product(weights, &columns, rows, pixels);
                self.outputs(&sums, pixels, integer)
            }
            Exact::F64(weights) => {
                let columns = g.im2col(input, |x| f64::from(deviation(x, zero)), 0.0);
                let sums = product(weights, &columns, rows, pixels);
                self.outputs(&sums, pixels, wrapped)
            }
        }
    }

    /// The product with a vector.
    pub(super) fn multiply(&self, input: &[i8]) -> Vec<i8> {
        let deviations: Vec<i32> = input
            .iter()
            .map(|x| i32::from(*x) - self.input_zero)
            .collect();
        let dot = |row: &[i8]| {
            let products = row.iter().zip(&deviations).map(|(w, x)| i32::from(*w) * x);
            products.fold(0, i32::wrapping_add)
        };
        let sums: Vec<i32> = self.values.chunks_exact(input.len()).map(dot).collect();
        self.outputs(&sums, 1, |sum| sum)
    }

    /// A depthwise convolution of an image.
    pub(super) fn convolve_depthwise(&self, g: &Geometry, input: &[i8]) -> Vec<i8> {
        let (zero, pixels) = (self.input_zero, g.output.pixels());
        match &self.exact {
            Exact::F32(weights) => {
                let image: Vec<f32> = input.iter().map(|x| deviation(*x, zero)).collect();
                self.outputs(&depthwise(g, &image, weights), pixels, integer)
            }
            Exact::F64(weights) => {
                let image: Vec<f64> = input.iter().map(|x| deviation(*x, zero).into()).collect();
                self.outputs(&depthwise(g, &image, weights), pixels, wrapped)
            }
        }
    }
}

/// Sums `[channel · multiplier][pixel]` of an image with one filter a row.
fn depthwise<T: LinalgScalar + AddAssign>(g: &Geometry, image: &[T], weights: &[T]) -> Vec<T> {
    let (plane, pixels) = (g.input.pixels(), g.output.pixels());
    let taps = weights.len() / g.output.c;
    let per_channel = g.output.c / g.input.c;
    let mut sums = vec![T::zero(); g.output.len()];
    for (row, target) in sums.chunks_exact_mut(pixels).enumerate() {
        let channel = &image[row / per_channel * plane..][..plane];
        g.correlate(channel, &weights[row * taps..][..taps], target);
    }
    sums
}

/// `x − zero_point`; the zero point lies in `s8`.
fn deviation(x: i8, zero_point: i32) -> f32 {
    f32::from(i16::try_from(i32::from(x) - zero_point).unwrap_or(0))
}

#[expect(clippy::cast_possible_truncation, reason = "an integer below 2^24")]
const fn integer(sum: f32) -> i32 {
    sum as i32
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "an integer below 2^53; devices keep its low 32 bits"
)]
const fn wrapped(sum: f64) -> i32 {
    sum as i64 as i32
}
