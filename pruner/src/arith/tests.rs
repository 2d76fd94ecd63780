//! The formulae against gemmlowp's own definitions, on seeded random values and on ties.

use super::*;

struct Lcg(u64);

impl Lcg {
    fn next(&mut self) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 32
    }
    fn i32(&mut self) -> i32 {
        let bits = u32::try_from(self.next()).unwrap().cast_signed();
        bits >> (self.next() % 31)
    }
}

/// `SaturatingRoundingDoublingHighMul` as gemmlowp words it: nudge by sign, then a truncating division.
fn gemmlowp_high_mul(a: i32, b: i32) -> i32 {
    let product = i64::from(a) * i64::from(b);
    let nudge = if product >= 0 { 1 << 30 } else { 1 - (1 << 30) };
    i32::try_from((product + nudge) / (1 << 31)).unwrap()
}

/// `RoundingDivideByPOT` as gemmlowp words it: remainder against a threshold.
fn gemmlowp_divide(x: i32, exponent: u32) -> i32 {
    let mask = i32::try_from((1_i64 << exponent) - 1).unwrap();
    let threshold = (mask >> 1) + i32::from(x < 0);
    (x >> exponent) + i32::from((x & mask) > threshold)
}

#[test]
fn double_rounding_is_gemmlowps() {
    let mut random = Lcg(1);
    for _ in 0..200_000 {
        let (acc, multiplier) = (random.i32(), random.i32() & i32::MAX | 1 << 30);
        let shift = i32::try_from(random.next() % 32).unwrap();
        let expected = gemmlowp_divide(gemmlowp_high_mul(acc, multiplier), shift.unsigned_abs());
        assert_eq!(
            requantize_double(acc, multiplier, shift),
            expected,
            "{acc} {multiplier} {shift}"
        );
    }
    for x in [
        i32::MIN,
        i32::MIN + 1,
        -6,
        -5,
        -4,
        -2,
        -1,
        0,
        1,
        2,
        5,
        6,
        i32::MAX,
    ] {
        for exponent in 0..31 {
            assert_eq!(
                rounding_divide_by_pot(x, exponent),
                gemmlowp_divide(x, exponent)
            );
        }
    }
}

#[test]
fn double_rounding_differs_from_single_on_negative_ties() {
    let half = 1 << 30;
    assert_eq!(requantize_double(-2, half, 1), -1);
    assert_eq!(requantize_single(-2, half, 1), 0);
    assert_eq!(requantize_double(-6, half, 1), -2);
    assert_eq!(requantize_single(-6, half, 1), -1);
    assert_eq!(requantize_single(6, half, 1), 2);
    assert_eq!(requantize(Rounding::Single, -6, half, 1), -1);
    assert_eq!(requantize(Rounding::Double, -6, half, 1), -2);
}

#[test]
fn left_shifts_multiply() {
    assert_eq!(requantize_double(100, 1 << 30, -3), 400);
    assert_eq!(requantize_single(100, 1 << 30, -3), 400);
    assert_eq!(requantize_single(i32::MAX, i32::MAX, -30), i32::MAX);
}

#[test]
fn a_multiplier_times_its_power_of_two_is_the_factor() {
    let mut random = Lcg(2);
    for _ in 0..20_000 {
        let exponent = i32::try_from(random.next() % 61).unwrap() - 30;
        let fraction = 0.5 + f64::from(u32::try_from(random.next()).unwrap()) / 2.0_f64.powi(33);
        let factor = fraction * 2.0_f64.powi(exponent);
        let (multiplier, shift) = quantize_multiplier(factor);
        assert!(multiplier >= 1 << 30, "{factor}");
        let back = f64::from(multiplier) * 2.0_f64.powi(-31 - shift);
        assert!(
            (back / factor - 1.0).abs() <= 2.0_f64.powi(-31),
            "{factor} became {back}"
        );
    }
}

#[test]
fn edges_of_quantize_multiplier_follow_tflite() {
    assert_eq!(quantize_multiplier(0.5), (1 << 30, 0));
    assert_eq!(quantize_multiplier(1.0), (1 << 30, -1));
    assert_eq!(
        quantize_multiplier(1.0 - 2.0_f64.powi(-40)),
        (1 << 30, -1),
        "a carry raises the exponent"
    );
    assert_eq!(quantize_multiplier(2.0_f64.powi(-32)), (1 << 30, 31));
    assert_eq!(
        quantize_multiplier(2.0_f64.powi(-33)),
        (0, 0),
        "shifts below -31 give zero"
    );
    assert_eq!(quantize_multiplier(f64::MIN_POSITIVE / 4.0), (0, 0));
    assert_eq!(quantize_multiplier(2.0_f64.powi(40)), (i32::MAX, -30));
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(quantize_multiplier(bad), (0, 0));
    }
}

#[test]
fn frexp_takes_subnormals_apart() {
    for x in [1.0, 0.75, 3.0e-310, f64::MIN_POSITIVE, 1.0e300] {
        let (fraction, exponent) = frexp(x);
        assert!((0.5..1.0).contains(&fraction));
        let half = exponent / 2;
        assert_eq!(
            (fraction * 2.0_f64.powi(half) * 2.0_f64.powi(exponent - half)).to_bits(),
            x.to_bits()
        );
    }
}

#[test]
fn halves_round_as_named() {
    assert_eq!(
        [0.5, 1.5, -0.5, -1.5, 2.5].map(round_half_even),
        [0, 2, 0, -2, 2]
    );
    assert_eq!(
        [0.5, 1.5, -0.5, -1.5, 2.5].map(round_half_away),
        [1, 2, -1, -2, 3]
    );
    assert_eq!(round_half_even(1.0e12), i32::MAX);
    assert_eq!(round_half_even(f64::NAN), 0);
}

#[test]
fn values_survive_quantisation_to_within_half_a_step() {
    let quant = Quant {
        scale: 0.1,
        zero_point: -3,
    };
    for q in i8::MIN..=i8::MAX {
        assert_eq!(quantize(dequantize(q, quant), quant), q);
    }
    assert_eq!(quantize(f32::INFINITY, quant), 127);
    assert_eq!(quantize(-1.0e30, quant), -128);
}

#[test]
fn activation_bounds_are_those_of_tflite() {
    let quant = Quant {
        scale: 0.0235,
        zero_point: -128,
    };
    assert_eq!(activation_bounds(Clamp::NONE, quant), (-128, 127));
    assert_eq!(activation_bounds(Clamp::RELU, quant), (-128, 127));
    assert_eq!(activation_bounds(Clamp::RELU6, quant), (-128, 127));
    let quant = Quant {
        scale: 0.5,
        zero_point: -5,
    };
    assert_eq!(activation_bounds(Clamp::RELU, quant), (-5, 127));
    assert_eq!(activation_bounds(Clamp::RELU6, quant), (-5, 7));
    assert_eq!(
        activation_bounds(Clamp { lo: -1.0, hi: 1.0 }, quant),
        (-7, -3)
    );
}

#[test]
fn a_fully_connected_layer_multiplies_one_scale_in_f32() {
    let quant = |scale| Quant {
        scale,
        zero_point: 0,
    };
    let (input, output, w) = (quant(0.391_015_23), quant(0.364_498_47), 0.003_117_4_f32);
    let expected =
        quantize_multiplier(f64::from(0.391_015_23_f32 * w) / f64::from(0.364_498_47_f32));
    assert_eq!(
        fully_connected_multipliers(input, &[w; 3], output),
        vec![expected; 3]
    );
    let several = [w, 2.0 * w];
    assert_eq!(
        fully_connected_multipliers(input, &several, output),
        conv_multipliers(input, &several, output)
    );
}

#[test]
fn additions_bring_both_inputs_to_twice_the_larger_scale() {
    let quant = |scale| Quant {
        scale,
        zero_point: 0,
    };
    let p = add_params(quant(0.5), quant(0.25), quant(1.0));
    assert_eq!((p.m1, p.s1), (1 << 30, 0));
    assert_eq!((p.m2, p.s2), (1 << 30, 1));
    assert_eq!((p.mo, p.so), (1 << 30, 19));
}

#[test]
fn softmax_reaches_as_far_as_five_integer_bits() {
    let p = softmax_params(
        1.0,
        Quant {
            scale: 0.0625,
            zero_point: 0,
        },
    );
    assert_eq!((p.multiplier, p.left_shift), (1 << 30, 23));
    assert_eq!(p.diff_min, -248, "31 / 2^-3 differences of one sixteenth");
}

#[test]
fn a_mean_of_equal_scales_divides_by_the_count() {
    let quant = Quant {
        scale: 0.1,
        zero_point: 0,
    };
    for elements in [1, 2, 3, 25, 49, 64, 125] {
        for (rounding, scaled) in [
            (
                Rounding::Double,
                requantize_double as fn(i32, i32, i32) -> i32,
            ),
            (Rounding::Single, requantize_once),
        ] {
            let p = mean_params(rounding, quant, quant, elements);
            for value in [-128, -1, 0, 1, 77, 127] {
                let sum = value * i32::try_from(elements).unwrap();
                let found = scaled(sum, p.multiplier, p.shift);
                assert_eq!(found, value, "{rounding:?}: {elements} times {value}");
            }
        }
    }
}

#[test]
fn halves_go_to_even() {
    for sum in -300..300_i32 {
        for n in 1..30_i32 {
            let exact = (f64::from(sum) / f64::from(n)).round_ties_even();
            assert!(
                (f64::from(divide_half_even(sum, n)) - exact).abs() < 0.5,
                "{sum} / {n}"
            );
        }
    }
}
