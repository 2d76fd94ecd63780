//! Slopes and functions of each value against their definitions.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::literal::double;
use common::net::{Net, index, positions, tensor};
use nnz_format::encode::{self, Blob};
use nnz_format::{DType, Op, PreluParams, Rounding, Tensor, TensorLayout, Unary};

fn net(op: Op, input: Tensor, output: Tensor, weights: Option<Blob>, in_place: bool) -> Net {
    Net {
        op,
        input,
        input2: None,
        output,
        weights,
        rounding: Rounding::Double,
        in_place,
    }
}

/// A tensor of random shape, layout and zero point.
fn any(random: &mut Random, dtype: DType) -> Tensor {
    let shape = (
        random.size(1, 9).into(),
        random.size(1, 11).into(),
        random.size(1, 13).into(),
    );
    let layout = random.one_of(&[TensorLayout::Planar, TensorLayout::Interleaved]);
    let mut tensor = tensor(dtype, layout, shape, random.size(0, 3).into());
    if dtype == DType::S8 {
        tensor.zero_point = random.s8().into();
    }
    tensor
}

fn storage(random: &mut Random, tensor: &Tensor) -> Vec<i8> {
    random.s8_vec(usize::try_from(tensor.len).unwrap())
}

#[test]
fn prelu_s8_follows_the_definition_in_place_or_not() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::S8);
        let output = Tensor {
            zero_point: random.s8().into(),
            ..input
        };
        let slopes: Vec<i16> = (0..input.c)
            .map(|_| random.within(-255, 255) as i16)
            .collect();
        let mut multiplier = || (random.bits() >> 2 | 1 << 30).cast_signed();
        let (m1, m2) = (multiplier(), multiplier());
        let params = PreluParams {
            m1,
            m2,
            s1: random.within(-8, 8) as i8,
            s2: random.within(-4, 16) as i8,
        };
        let x = storage(&mut random, &input);
        let in_place = random.one_in(2);
        let blob = encode::table_i16(&slopes);
        let found = net(Op::Prelu { params }, input, output, Some(blob), in_place)
            .run_s8(&[&x], &mut random);
        let expected: Vec<i8> = positions(&input)
            .map(|p| {
                let centred = i32::from(x[index(&input, p)]) - input.zero_point;
                let scaled = if centred >= 0 {
                    double(centred, m1, params.s1.into())
                } else {
                    double(centred * i32::from(slopes[p.0]), m2, params.s2.into())
                };
                (scaled + output.zero_point).clamp(-128, 127) as i8
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn prelu_f32_multiplies_negative_values_by_their_channels_slope() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::F32);
        let slopes = random.f32_vec(input.c.into());
        let x = random.f32_vec(usize::try_from(input.len / 4).unwrap());
        let params = PreluParams::default();
        let blob = encode::table_f32(&slopes);
        let in_place = random.one_in(2);
        let found = net(Op::Prelu { params }, input, input, Some(blob), in_place)
            .run_f32(&[&x], &mut random);
        let expected: Vec<f32> = positions(&input)
            .map(|p| {
                let value = x[index(&input, p)];
                if value < 0.0 {
                    value * slopes[p.0]
                } else {
                    value
                }
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn a_table_gives_each_value_its_result() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::S8);
        let output = Tensor {
            zero_point: random.s8().into(),
            ..input
        };
        let results: Vec<i8> = (0..256).map(|_| random.s8()).collect();
        let x = storage(&mut random, &input);
        let in_place = random.one_in(2);
        let blob = encode::table_s8(&results);
        let found =
            net(Op::UnaryS8, input, output, Some(blob), in_place).run_s8(&[&x], &mut random);
        let expected: Vec<i8> = positions(&input)
            .map(|p| results[usize::try_from(i32::from(x[index(&input, p)]) + 128).unwrap()])
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

/// The definition, in double precision.
fn exact(function: Unary, x: f64, alpha: f64, beta: f64) -> f64 {
    let sigmoid = 1.0 / (1.0 + (-x).exp());
    let cubic = (2.0 / core::f64::consts::PI).sqrt() * (x + 0.044_715 * x.powi(3));
    match function {
        Unary::Sigmoid => sigmoid,
        Unary::Tanh => x.tanh(),
        Unary::LeakyRelu => x.max(0.0) + alpha * x.min(0.0),
        Unary::Elu => beta * (x.max(0.0) + alpha * x.min(0.0).exp_m1()),
        Unary::HardSigmoid => (alpha * x + beta).clamp(0.0, 1.0),
        Unary::HardSwish => x * (x + 3.0).clamp(0.0, 6.0) / 6.0,
        Unary::Silu => x * sigmoid,
        Unary::Gelu => 0.5 * x * (1.0 + erf(x / core::f64::consts::SQRT_2)),
        Unary::GeluTanh => 0.5 * x * (1.0 + cubic.tanh()),
        Unary::Mish => x * x.exp().ln_1p().tanh(),
        Unary::Softplus => x.exp().ln_1p(),
        Unary::Exp => x.exp(),
        Unary::Log => x.ln(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => x.sqrt().recip(),
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Square => x * x,
        Unary::Cube => x * x * x,
        Unary::Reciprocal => x.recip(),
        Unary::Erf => erf(x),
    }
}

/// The error function as its power series, which cancels too much far from 0.
fn erf(x: f64) -> f64 {
    if x.abs() > 4.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200_i32 {
        term *= -x * x / f64::from(n);
        sum += term / f64::from(2 * n + 1);
    }
    sum * core::f64::consts::FRAC_2_SQRT_PI
}

#[test]
fn every_function_of_floats_is_accurate() {
    for function in Unary::ALL {
        let mut random = Random::new(u64::from(function as u8));
        for round in 0..20 {
            let input = any(&mut random, DType::F32);
            let positive = matches!(function, Unary::Log | Unary::Sqrt | Unary::Rsqrt);
            let x: Vec<f32> = random
                .f32_vec(usize::try_from(input.len / 4).unwrap())
                .iter()
                .map(|x| 6.0 * x)
                .map(|x| if positive { x.abs() + 1e-3 } else { x })
                .collect();
            let mut parameter = |n| {
                if function.parameters() > n {
                    random.real()
                } else {
                    0.0
                }
            };
            let (alpha, beta) = (parameter(0), parameter(1));
            let op = Op::UnaryF32 {
                function,
                alpha,
                beta,
            };
            let found = net(op, input, input, None, random.one_in(2)).run_f32(&[&x], &mut random);
            for (found, p) in found.iter().zip(positions(&input)) {
                let value = x[index(&input, p)];
                let wanted = exact(function, value.into(), alpha.into(), beta.into());
                let error = (f64::from(*found) - wanted).abs();
                let allowed = 2e-6 * wanted.abs().max(1.0);
                assert!(
                    error <= allowed,
                    "{function:?}({value}) = {found}, {wanted} is meant (round {round})"
                );
            }
        }
    }
}

#[test]
fn functions_of_extreme_floats_have_their_limits() {
    let input = tensor(DType::F32, TensorLayout::Planar, (1, 1, 4), 0);
    let x = [f32::INFINITY, f32::NEG_INFINITY, 1e4, -1e4];
    let limits = [
        (Unary::Sigmoid, [1.0, 0.0, 1.0, 0.0]),
        (Unary::Tanh, [1.0, -1.0, 1.0, -1.0]),
        (Unary::HardSigmoid, [1.0, 0.0, 1.0, 0.0]),
        (Unary::Erf, [1.0, -1.0, 1.0, -1.0]),
        (Unary::Softplus, [f32::INFINITY, 0.0, 1e4, 0.0]),
    ];
    for (function, expected) in limits {
        let parameter = f32::from(function.parameters().min(1)) * 0.5;
        let op = Op::UnaryF32 {
            function,
            alpha: parameter,
            beta: parameter,
        };
        let mut random = Random::new(1);
        let found = net(op, input, input, None, false).run_f32(&[&x], &mut random);
        assert_eq!(found, expected, "{function:?}");
    }
}
