//! Softmax: the integer one against the fixed-point definition written over exact fractions, and both against the
//! real function.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::literal::{divide_by_power, high_mul};
use common::net::{Net, tensor};
use nnz_format::{DType, Op, Rounding, Tensor, TensorLayout};

/// A fixed-point number of the definition: `raw / 2^(31 − integer_bits)`.
#[derive(Debug, Clone, Copy)]
struct Fixed {
    raw: i32,
    integer_bits: i32,
}

impl Fixed {
    fn new(raw: i32, integer_bits: i32) -> Self {
        Self { raw, integer_bits }
    }

    /// The number nearest to `value`.
    fn of(value: f64, integer_bits: i32) -> Self {
        let raw = (value * f64::from(31 - integer_bits).exp2()).round();
        Self::new(
            raw.clamp(-2_147_483_648.0, 2_147_483_647.0) as i32,
            integer_bits,
        )
    }

    fn times(self, other: Self) -> Self {
        Self::new(
            high_mul(self.raw, other.raw),
            self.integer_bits + other.integer_bits,
        )
    }

    fn plus(self, other: Self) -> Self {
        assert_eq!(self.integer_bits, other.integer_bits);
        Self::new(self.raw.wrapping_add(other.raw), self.integer_bits)
    }

    fn minus(self, other: Self) -> Self {
        assert_eq!(self.integer_bits, other.integer_bits);
        Self::new(self.raw.wrapping_sub(other.raw), self.integer_bits)
    }

    /// Divided by `2^power`, rounded.
    fn over(self, power: u32) -> Self {
        Self::new(divide_by_power(self.raw, power), self.integer_bits)
    }

    /// With other integer bits: rounded to fewer fraction bits, or saturated to fewer integer bits.
    fn rescaled(self, integer_bits: i32) -> Self {
        let by = self.integer_bits - integer_bits;
        if by <= 0 {
            return Self::new(divide_by_power(self.raw, by.unsigned_abs()), integer_bits);
        }
        let wide = i64::from(self.raw) << by;
        Self::new(
            wide.clamp(i32::MIN.into(), i32::MAX.into()) as i32,
            integer_bits,
        )
    }
}

/// `e^a` for `a ≤ 0` with 5 integer bits.
fn exp(a: Fixed) -> Fixed {
    if a.raw == 0 {
        return Fixed::new(i32::MAX, 0);
    }
    let quarter = Fixed::of(0.25, 5);
    let fraction = Fixed::new(a.raw.rem_euclid(quarter.raw), 5).minus(quarter);
    let mut result = exp_of_quarter(fraction.rescaled(0));
    let whole = fraction.minus(a).raw;
    for power in -2..=4 {
        if whole & Fixed::of(f64::from(power).exp2(), 5).raw != 0 {
            result = result.times(Fixed::of((-f64::from(power).exp2()).exp(), 0));
        }
    }
    result
}

/// `e^a` for `a` in [−1/4, 0): the Taylor polynomial of degree 4 around −1/8.
fn exp_of_quarter(a: Fixed) -> Fixed {
    let centre = Fixed::of((-0.125_f64).exp(), 0);
    let x = a.plus(Fixed::of(0.125, 0));
    let x2 = x.times(x);
    let x3 = x2.times(x);
    let x4_over_4 = x2.times(x2).over(2);
    let third = Fixed::of(1.0 / 3.0, 0);
    let higher = x4_over_4.plus(x3).times(third).plus(x2).over(1);
    centre.plus(centre.times(x.plus(higher)))
}

/// `1 / (1 + a)` for `a` in [0, 1): Newton's method.
fn reciprocal(a: Fixed) -> Fixed {
    let sum = i64::from(a.raw) + i64::from(i32::MAX);
    let half = Fixed::new(((sum + sum.signum()) / 2) as i32, 0);
    let mut x = Fixed::of(48.0 / 17.0, 2).plus(half.times(Fixed::of(-32.0 / 17.0, 2)));
    for _ in 0..3 {
        let rest = Fixed::new(1 << 29, 2).minus(half.times(x));
        x = x.plus(x.times(rest).rescaled(2));
    }
    Fixed::new(x.raw, 1).rescaled(0)
}

fn softmax(x: &[i8], multiplier: i32, left_shift: i8, diff_min: i32) -> Vec<i8> {
    let largest = i32::from(*x.iter().max().unwrap());
    let share = |value: i8| {
        let difference = i32::from(value) - largest;
        (difference >= diff_min).then(|| {
            exp(Fixed::new(
                high_mul(difference << left_shift, multiplier),
                5,
            ))
        })
    };
    let sum = x
        .iter()
        .filter_map(|v| share(*v))
        .map(|s| s.rescaled(12).raw)
        .sum::<i32>();
    let zeros = sum.leading_zeros();
    let scale = reciprocal(Fixed::new((sum << zeros).wrapping_sub(i32::MIN), 0));
    let over_unit = 12 - i32::try_from(zeros).unwrap();
    x.iter()
        .map(|value| match share(*value) {
            Some(share) => {
                let exponent = u32::try_from(over_unit + 31 - 8).unwrap();
                let quantized = divide_by_power(scale.times(share).raw, exponent) - 128;
                i8::try_from(quantized.clamp(-128, 127)).unwrap()
            }
            None => -128,
        })
        .collect()
}

/// Scale `beta · scale` as TensorFlow Lite prepares it: multiplier, left shift, smallest difference.
fn prepared(scale: f64) -> (i32, i8, i32) {
    let real = (scale * f64::from(26).exp2()).min(f64::from(31).exp2() - 1.0);
    let left = real.log2().floor() as i8 + 1;
    let multiplier = (real / f64::from(left).exp2() * f64::from(31).exp2()).round() as i64;
    let (multiplier, left) = if multiplier == 1 << 31 {
        (1 << 30, left + 1)
    } else {
        (multiplier, left)
    };
    let range = ((1_i64 << 5) - 1) << (31 - 5);
    let diff_min = -(range / (1_i64 << left)) as i32;
    (multiplier as i32, left, diff_min)
}

fn vector(dtype: DType, n: u16) -> Tensor {
    tensor(dtype, TensorLayout::Planar, (n, 1, 1), 0)
}

fn net(op: Op, input: Tensor, output: Tensor, in_place: bool) -> Net {
    Net {
        op,
        input,
        input2: None,
        output,
        weights: None,
        rounding: Rounding::Double,
        in_place,
    }
}

#[test]
fn softmax_s8_is_the_fixed_point_definition_and_near_the_real_one() {
    for seed in 0..2000 {
        let mut random = Random::new(seed);
        let n = random.size(1, 40);
        let scale = f64::from(random.size(1, 200)) / random.one_of(&[64.0, 512.0, 2048.0]);
        let (multiplier, left_shift, diff_min) = prepared(scale);
        let input = Tensor {
            scale: scale as f32,
            zero_point: random.s8().into(),
            ..vector(DType::S8, n.into())
        };
        let output = Tensor {
            scale: 1.0 / 256.0,
            zero_point: -128,
            ..input
        };
        let x = random.s8_vec(n.into());
        let op = Op::SoftmaxS8 {
            multiplier,
            left_shift,
            diff_min,
        };
        let found = net(op, input, output, random.one_in(2)).run_s8(&[&x], &mut random);
        assert_eq!(
            found,
            softmax(&x, multiplier, left_shift, diff_min),
            "seed {seed}"
        );
        let shares: Vec<f64> = x.iter().map(|v| (f64::from(*v) * scale).exp()).collect();
        let total: f64 = shares.iter().sum();
        for (found, share) in found.iter().zip(&shares) {
            let real = (f64::from(*found) + 128.0) / 256.0;
            assert!(
                (real - share / total).abs() <= 1.0 / 128.0,
                "seed {seed}: {real} {}",
                share / total
            );
        }
    }
}

#[test]
fn softmax_f32_is_the_real_function() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let n = random.size(1, 30);
        let x: Vec<f32> = (0..n).map(|_| random.real() * 20.0).collect();
        let both = vector(DType::F32, n.into());
        let in_place = random.one_in(2);
        let found =
            net(Op::SoftmaxF32 { beta: 1.5 }, both, both, in_place).run_f32(&[&x], &mut random);
        let shares: Vec<f64> = x.iter().map(|v| (f64::from(*v) * 1.5).exp()).collect();
        let total: f64 = shares.iter().sum();
        for (found, share) in found.iter().zip(&shares) {
            assert!(
                (f64::from(*found) - share / total).abs() <= 1e-6,
                "seed {seed}"
            );
        }
    }
}
