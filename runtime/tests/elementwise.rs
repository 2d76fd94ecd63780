//! Operators without weights against their definitions.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::any::{ACTIVATIONS, any, clamp_of, multiplier, net, storage};
use common::literal::{clamp_f32, clamp_s8, divide_by_power, high_mul, requantize};
use common::net::{Net, index, positions, shape, tensor};
use nnz_format::{
    AddParams, Clamp, DType, LinearSum, Op, RepackOrder, Rounding, Tensor, TensorLayout,
};

#[test]
fn add_s8_follows_the_definition_in_place_or_not() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let a = any(&mut random, DType::S8);
        let b = Tensor {
            zero_point: random.s8().into(),
            ..a
        };
        let output = Tensor {
            zero_point: random.s8().into(),
            ..a
        };
        let (m1, m2, mo) = (
            multiplier(&mut random),
            multiplier(&mut random),
            multiplier(&mut random),
        );
        let mut shift = |high| random.size(0, high).cast_signed();
        let params = AddParams {
            m1,
            m2,
            mo,
            s1: shift(6),
            s2: shift(6),
            so: shift(24),
        };
        let clamp = clamp_of(&mut random);
        let (x, y) = (storage(&mut random, &a), storage(&mut random, &b));
        let mut net = Net {
            input2: Some(b),
            in_place: random.one_in(2),
            ..net(Op::Add { params, clamp }, a, output)
        };
        let found = net.run_s8(&[&x, &y], &mut random);
        let raised = |value: i8, tensor: &Tensor, multiplier, shift: i8| {
            let centred = (i32::from(value) - tensor.zero_point) << 20;
            divide_by_power(high_mul(centred, multiplier), shift.unsigned_abs().into())
        };
        let expected: Vec<i8> = positions(&a)
            .map(|p| {
                let at = index(&a, p);
                let sum = raised(x[at], &a, m1, params.s1) + raised(y[at], &b, m2, params.s2);
                let scaled = divide_by_power(high_mul(sum, mo), params.so.unsigned_abs().into());
                clamp_s8(scaled.saturating_add(output.zero_point), &clamp)
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}: {net:?}");
    }
}

#[test]
fn add_by_coefficients_follows_the_definition_in_place_or_not() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let a = any(&mut random, DType::S8);
        let mut coefficient = || (random.bits() >> 7).cast_signed() - (1 << 24);
        let sum = LinearSum {
            first: coefficient(),
            second: coefficient(),
            bias: coefficient(),
        };
        let clamp = clamp_of(&mut random);
        let (x, y) = (storage(&mut random, &a), storage(&mut random, &a));
        let mut net = Net {
            input2: Some(a),
            in_place: random.one_in(2),
            ..net(Op::AddLinear { sum, clamp }, a, a)
        };
        let found = net.run_s8(&[&x, &y], &mut random);
        let product = |value: i8, by: i32| i64::from(value) * i64::from(by);
        let expected: Vec<i8> = positions(&a)
            .map(|p| {
                let at = index(&a, p);
                let whole = product(x[at], sum.first) + product(y[at], sum.second);
                // Modulo 2^32.
                let value = (whole + i64::from(sum.bias)) << 32 >> 54;
                clamp_s8(i32::try_from(value).unwrap(), &clamp)
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}: {net:?}");
    }
}

#[test]
fn pad_puts_the_value_around_the_input() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::S8);
        let (top, left) = (random.size(0, 3), random.size(0, 3));
        let front: u16 = random.one_of(&[0, 0, 1, 3]);
        let c = input.c + front + random.one_of(&[0, 0, 2]);
        let h = input.h + u16::from(top) + u16::from(random.size(0, 3));
        let w = input.w + u16::from(left) + u16::from(random.size(0, 3));
        let output = Tensor {
            zero_point: input.zero_point,
            ..tensor(DType::S8, random.one_of(&ACTIVATIONS), (c, h, w), 2)
        };
        let value = random.s8();
        let x = storage(&mut random, &input);
        let op = Op::Pad {
            top,
            left,
            front,
            value: Clamp::S8 {
                lo: value,
                hi: value,
            },
        };
        let found = net(op, input, output).run_s8(&[&x], &mut random);
        let expected: Vec<i8> = positions(&output)
            .map(|(c, y, x_at)| {
                let inside = y.checked_sub(top.into()).zip(x_at.checked_sub(left.into()));
                let source = c.checked_sub(front.into()).filter(|c| *c < input.c.into());
                match inside.zip(source) {
                    Some(((y, x_at), c))
                        if y < usize::from(input.h) && x_at < usize::from(input.w) =>
                    {
                        x[index(&input, (c, y, x_at))]
                    }
                    _ => value,
                }
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn requantize_and_clamp_take_each_element_by_itself() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::S8);
        let output = Tensor {
            zero_point: random.s8().into(),
            ..input
        };
        let (multiplier, shift) = (multiplier(&mut random), random.size(0, 8).cast_signed() - 3);
        let clamp = clamp_of(&mut random);
        let x = storage(&mut random, &input);
        let in_place = random.one_in(2);
        let rounding = random.one_of(&[Rounding::Double, Rounding::Single]);
        let op = Op::Requantize {
            multiplier,
            shift,
            clamp,
            rounding,
        };
        let found = Net {
            in_place,
            ..net(op, input, output)
        }
        .run_s8(&[&x], &mut random);
        let expected: Vec<i8> = positions(&input)
            .map(|p| {
                let centred = i32::from(x[index(&input, p)]) - input.zero_point;
                let scaled = requantize(centred, multiplier, shift.into(), rounding);
                clamp_s8(scaled + output.zero_point, &clamp)
            })
            .collect();
        assert_eq!(found, expected, "requantize, seed {seed}");
        let found = Net {
            in_place,
            ..net(Op::Clamp { clamp }, input, input)
        }
        .run_s8(&[&x], &mut random);
        let expected: Vec<i8> = positions(&input)
            .map(|p| clamp_s8(x[index(&input, p)].into(), &clamp))
            .collect();
        assert_eq!(found, expected, "clamp, seed {seed}");
    }
}

#[test]
fn repack_keeps_every_element() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::S8);
        let (c, h, w) = shape(&input);
        let x = storage(&mut random, &input);
        let all = |order: fn(usize, usize, usize, (usize, usize, usize)) -> usize| {
            let mut elements: Vec<(usize, i8)> = positions(&input)
                .map(|p| (order(c, h, w, p), x[index(&input, p)]))
                .collect();
            elements.sort_by_key(|(at, _)| *at);
            elements
                .into_iter()
                .map(|(_, value)| value)
                .collect::<Vec<i8>>()
        };
        let planar =
            |_: usize, h: usize, w: usize, (c, y, x): (usize, usize, usize)| (c * h + y) * w + x;
        let interleaved =
            |n: usize, _: usize, w: usize, (c, y, x): (usize, usize, usize)| (y * w + x) * n + c;
        let vector = tensor(
            DType::S8,
            TensorLayout::Planar,
            (input.c * input.h * input.w, 1, 1),
            0,
        );
        let vector = Tensor {
            zero_point: input.zero_point,
            ..vector
        };
        let mut run =
            |order, output| net(Op::Repack { order }, input, output).run_s8(&[&x], &mut random);
        assert_eq!(
            run(RepackOrder::ChannelsFirst, vector),
            all(planar),
            "seed {seed}"
        );
        assert_eq!(
            run(RepackOrder::ChannelsLast, vector),
            all(interleaved),
            "seed {seed}"
        );
        for layout in ACTIVATIONS {
            let same = tensor(DType::S8, layout, (input.c, input.h, input.w), 3);
            let same = Tensor {
                zero_point: input.zero_point,
                ..same
            };
            assert_eq!(run(RepackOrder::Same, same), all(planar), "seed {seed}");
        }
    }
}

#[test]
fn quantize_rounds_half_to_even_and_dequantize_inverts_it() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let real = any(&mut random, DType::F32);
        let scale = random.one_of(&[0.5, 0.25, 0.007_843_138, 1.0]);
        let code = Tensor {
            scale,
            zero_point: random.s8().into(),
            ..tensor(
                DType::S8,
                random.one_of(&ACTIVATIONS),
                (real.c, real.h, real.w),
                1,
            )
        };
        let len = usize::try_from(real.len / 4).unwrap();
        let mut values: Vec<f32> = (0..len)
            .map(|_| random.within(-300, 300) as f32 * scale / 2.0)
            .collect();
        values[0] = random.one_of(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, -0.0]);
        let found = net(Op::Quantize, real, code).run(
            &[values.iter().flat_map(|v| v.to_le_bytes()).collect()],
            &mut random,
        );
        for p in positions(&real) {
            let value = values[index(&real, p)];
            let steps = if value.is_nan() {
                0.0
            } else {
                f64::from(value / scale).round_ties_even()
            };
            let expected = (steps + f64::from(code.zero_point)).clamp(-128.0, 127.0);
            assert_eq!(
                f64::from(found[index(&code, p)].cast_signed()),
                expected,
                "seed {seed}: {value}"
            );
        }
        let codes = storage(&mut random, &code);
        let bytes = codes.iter().map(|v| v.cast_unsigned()).collect();
        let mut back = net(Op::Dequantize, code, real);
        let storage = back.run(&[bytes], &mut random);
        for p in positions(&real) {
            let at = index(&real, p) * 4;
            let found = f32::from_le_bytes(storage[at..at + 4].try_into().unwrap());
            let expected = scale * (i32::from(codes[index(&code, p)]) - code.zero_point) as f32;
            assert_eq!(found, expected, "seed {seed}");
        }
    }
}

#[test]
fn add_and_clamp_of_f32_follow_the_definition() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let a = any(&mut random, DType::F32);
        let len = usize::try_from(a.len / 4).unwrap();
        let (x, y) = (random.f32_vec(len), random.f32_vec(len));
        let clamp = Clamp::F32 {
            lo: -0.75,
            hi: 0.75,
        };
        let op = Op::Add {
            params: AddParams::default(),
            clamp,
        };
        let mut sum = Net {
            input2: Some(a),
            in_place: random.one_in(2),
            ..net(op, a, a)
        };
        let found = sum.run_f32(&[&x, &y], &mut random);
        let at = |p| index(&a, p);
        let expected: Vec<f32> = positions(&a)
            .map(|p| clamp_f32(x[at(p)] + y[at(p)], &clamp))
            .collect();
        assert_eq!(found, expected, "seed {seed}");
        let found = net(Op::Clamp { clamp }, a, a).run_f32(&[&x], &mut random);
        let expected: Vec<f32> = positions(&a).map(|p| clamp_f32(x[at(p)], &clamp)).collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
