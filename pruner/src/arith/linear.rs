//! Coefficients with which one shift gives what TensorFlow Lite's addition gives, for every pair of operands.
//!
//! ```text
//! result ≤ (first · a + second · b + bias) / 2^22 < result + 1        for all 65,536 pairs (a, b)
//! ```
//!
//! Given `first` and `second`, each pair bounds the bias on both sides (on one where the result is at the end of `s8`);
//! any bias between the bounds will do. The coefficients tried are those next to the real scales.

use super::{doubling_high_mul, round_half_even, rounding_divide_by_pot};
use nnz_format::{AddParams, LinearSum};

/// Bits that operands are raised by before they are brought to a common scale.
const LEFT_SHIFT: u32 = 20;
/// How far coefficients may be from the real scales.
const NEAR: [i32; 5] = [0, 1, -1, 2, -2];

/// Coefficients equal to `params` with zero points `[first, second, output]`, if there are any.
#[must_use]
pub fn linear_sum(params: &AddParams, [first, second, output]: [i32; 3]) -> Option<LinearSum> {
    let (a, b) = ((params.m1, params.s1), (params.m2, params.s2));
    let (left, right) = (raised(first, a), raised(second, b));
    let result = |a: i32, b: i32| {
        let scaled = doubling_high_mul(a.wrapping_add(b), params.mo);
        let divided = rounding_divide_by_pot(scaled, params.so.unsigned_abs().into());
        divided.wrapping_add(output).clamp(-128, 127)
    };
    let results: Vec<i32> = left
        .iter()
        .flat_map(|&a| right.iter().map(move |&b| result(a, b)))
        .collect();
    let unit = f64::from(1_u32 << LEFT_SHIFT) * f64::from(1_u32 << LinearSum::SHIFT);
    let unit = unit * factor((params.mo, params.so));
    let nearest = |scale| round_half_even(factor(scale) * unit);
    let (first, second) = (nearest(a), nearest(b));
    let mut pairs = NEAR.iter().flat_map(|x| {
        NEAR.iter()
            .map(move |y| (first.saturating_add(*x), second.saturating_add(*y)))
    });
    pairs.find_map(|pair| with_bias(pair, &results))
}

/// Every operand at the common scale.
fn raised(zero_point: i32, (multiplier, shift): (i32, i8)) -> Vec<i32> {
    let raise = |value: i32| {
        let scaled = doubling_high_mul((value - zero_point) << LEFT_SHIFT, multiplier);
        rounding_divide_by_pot(scaled, shift.unsigned_abs().into())
    };
    (-128..128).map(raise).collect()
}

/// The real factor of a multiplier and a right shift.
fn factor((multiplier, shift): (i32, i8)) -> f64 {
    f64::from(multiplier) / 2_f64.powi(31 + i32::from(shift))
}

/// The bias in the middle of what `results` leave, where no sum leaves 32 bits.
fn with_bias((first, second): (i32, i32), results: &[i32]) -> Option<LinearSum> {
    let (mut least, mut most) = (i64::MIN, i64::MAX);
    let (mut lowest, mut highest) = (i64::MAX, i64::MIN);
    let pairs = (-128..128_i64).flat_map(|a| (-128..128_i64).map(move |b| (a, b)));
    for ((a, b), &result) in pairs.zip(results) {
        let products = a * i64::from(first) + b * i64::from(second);
        let from = (i64::from(result) << LinearSum::SHIFT) - products;
        if result > -128 {
            least = least.max(from);
        }
        if result < 127 {
            most = most.min(from + (1 << LinearSum::SHIFT) - 1);
        }
        if least > most {
            return None;
        }
        (lowest, highest) = (lowest.min(products), highest.max(products));
    }
    let bias = i32::try_from(least.midpoint(most)).ok()?;
    i32::try_from(lowest + i64::from(bias)).ok()?;
    i32::try_from(highest + i64::from(bias)).ok()?;
    Some(LinearSum {
        first,
        second,
        bias,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arith::add_params;
    use crate::ir::Quant;
    use crate::random::Random;

    /// TensorFlow Lite's sum of a pair.
    fn sum(params: &AddParams, zeros: [i32; 3], (a, b): (i32, i32)) -> i32 {
        let left = raised(zeros[0], (params.m1, params.s1))[usize::try_from(a + 128).unwrap()];
        let right = raised(zeros[1], (params.m2, params.s2))[usize::try_from(b + 128).unwrap()];
        let scaled = doubling_high_mul(left + right, params.mo);
        let divided = rounding_divide_by_pot(scaled, params.so.unsigned_abs().into());
        (divided + zeros[2]).clamp(-128, 127)
    }

    #[test]
    fn coefficients_give_the_same_sums_and_are_found_for_most_scales() {
        let mut found = 0;
        for seed in 0..40 {
            let mut random = Random::new(seed);
            let mut quant = || Quant {
                scale: 0.11 + 0.1 * random.real(),
                zero_point: i32::from(random.s8()),
            };
            let (a, b, mut output) = (quant(), quant(), quant());
            // As calibration has it: the sum's range is about that of the operands together.
            output.scale = (a.scale + b.scale) * (0.6 + 0.2 * random.real());
            let quants = [a, b, output];
            let params = add_params(quants[0], quants[1], quants[2]);
            let zeros = quants.map(|q| q.zero_point);
            let Some(linear) = linear_sum(&params, zeros) else {
                continue;
            };
            found += 1;
            for (a, b) in [
                (-128, -128),
                (127, 127),
                (-128, 127),
                (127, -128),
                (0, 3),
                (-5, 77),
            ] {
                let (x, y) = (i8::try_from(a).unwrap(), i8::try_from(b).unwrap());
                let value = linear.of(x, y).clamp(-128, 127);
                assert_eq!(value, sum(&params, zeros, (a, b)), "seed {seed}: {a} {b}");
            }
        }
        assert!(found >= 20, "{found} of 40");
    }
}
