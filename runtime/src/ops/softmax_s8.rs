//! `softmax` of `s8`, bit for bit as TensorFlow Lite Micro: fixed-point exponentials over their sum.

use super::{Job, narrow};
use crate::cursor::Progress;
use crate::fixed::{exp_on_negative, mul, one_over_one_plus};
use crate::requantize::{doubling_high_mul, rounding_shift_right};

/// Integer bits of the sum of exponentials.
const SUM_INTEGER_BITS: u32 = 12;

/// The exponential of a difference to the largest input; `None` where it does not count.
struct Exponential<const OPS: u128> {
    multiplier: i32,
    left_shift: u32,
    diff_min: i32,
}

impl<const OPS: u128> Exponential<OPS> {
    #[inline(never)]
    fn of(&self, difference: i32) -> Option<i32> {
        (difference >= self.diff_min).then(|| {
            let scaled =
                doubling_high_mul(difference.wrapping_shl(self.left_shift), self.multiplier);
            exp_on_negative(scaled)
        })
    }
}

/// What an exponential adds to the sum.
#[inline(always)]
pub(crate) const fn summand(share: i32) -> i32 {
    rounding_shift_right(share, SUM_INTEGER_BITS)
}

/// The reciprocal of a sum of exponentials.
pub(crate) struct Reciprocal {
    scale: i32,
    right: u32,
}

impl Reciprocal {
    #[inline(always)]
    pub(crate) fn of(sum: i32) -> Self {
        let headroom = sum.leading_zeros();
        let mantissa = sum.wrapping_shl(headroom).wrapping_add(i32::MIN);
        let right = SUM_INTEGER_BITS
            .wrapping_sub(headroom)
            .wrapping_add(31 - 8)
            .min(31);
        Self {
            scale: one_over_one_plus(mantissa),
            right,
        }
    }

    /// The output of an exponential.
    #[inline(always)]
    pub(crate) fn output(&self, share: Option<i32>) -> i8 {
        let quantized = match share {
            Some(share) => {
                rounding_shift_right(mul(self.scale, share), self.right).wrapping_sub(128)
            }
            None => -128,
        };
        narrow(quantized)
    }
}

/// The exponentials of the differences 0, −1, … −255.
#[cfg(feature = "std")]
pub(crate) fn exponentials(multiplier: i32, left_shift: i8, diff_min: i32) -> Vec<Option<i32>> {
    let exponential = Exponential::<0> {
        multiplier,
        left_shift: u32::from(left_shift.unsigned_abs()),
        diff_min,
    };
    (0..=255).map(|below| exponential.of(-below)).collect()
}

/// Runs the vector. Generic, so that it is compiled where the session is, for size.
#[inline(never)]
pub(super) fn run<const OPS: u128>(
    job: &Job<'_, '_>,
    multiplier: i32,
    left_shift: i8,
    diff_min: i32,
) -> Progress {
    let (input, output) = (job.input::<i8>(), job.output::<i8>());
    let exponential = Exponential::<OPS> {
        multiplier,
        left_shift: u32::from(left_shift.unsigned_abs()),
        diff_min,
    };
    let value = |c| {
        input
            .at(c, 0, 0)
            .first()
            .map_or(0, |cell| i32::from(cell.get()))
    };
    let largest = (0..input.channels).map(value).max().unwrap_or(0);
    let mut sum = 0_i32;
    for channel in 0..input.channels {
        if let Some(share) = exponential.of(value(channel).wrapping_sub(largest)) {
            sum = sum.wrapping_add(summand(share));
        }
    }
    let reciprocal = Reciprocal::of(sum);
    for channel in 0..output.channels {
        let share = exponential.of(value(channel).wrapping_sub(largest));
        if let Some(out) = output.at(channel, 0, 0).first() {
            out.set(reciprocal.output(share));
        }
    }
    Progress::Done
}
