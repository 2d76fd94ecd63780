//! Pools and means against their definitions.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::any::{ACTIVATIONS, any, clamp_of, multiplier, net, storage};
use common::literal::{clamp_f32, clamp_s8, output_size, requantize, under};
use common::net::{index, positions, shape, tensor};
use nnz_format::{Clamp, DType, Op, Rounding, Tensor, Ties, Window};

/// The mean of `values`, halves away from zero, or to the even distance from `zero`.
fn rounded(values: &[i32], ties: Ties, zero: i32) -> i32 {
    let count = i32::try_from(values.len()).unwrap();
    let sum: i32 = values.iter().sum();
    match ties {
        Ties::Away if sum > 0 => (sum + count / 2) / count,
        Ties::Away => (sum - count / 2) / count,
        Ties::Even => {
            let deviation = f64::from(sum - count * zero) / f64::from(count);
            zero + deviation.round_ties_even() as i32
        }
    }
}

fn pool_window(random: &mut Random) -> Window {
    let (kernel_h, kernel_w) = (random.size(1, 5), random.size(1, 5));
    Window {
        kernel_h,
        kernel_w,
        stride_h: random.size(1, 3),
        stride_w: random.size(1, 3),
        pad_top: random.size(0, kernel_h - 1),
        pad_left: random.size(0, kernel_w - 1),
        pad_bottom: random.size(0, kernel_h - 1),
        pad_right: random.size(0, kernel_w - 1),
    }
}

#[test]
fn pools_of_s8_skip_padding_and_round_halves_away_or_to_even() {
    for seed in 0..500 {
        let mut random = Random::new(seed);
        let window = pool_window(&mut random);
        let input = any(&mut random, DType::S8);
        let Some((h, w)) = output_size(&window, input.h, input.w) else {
            continue;
        };
        let output = Tensor {
            zero_point: input.zero_point,
            scale: input.scale,
            ..tensor(
                DType::S8,
                random.one_of(&ACTIVATIONS),
                (input.c, h, w),
                random.size(0, 3).into(),
            )
        };
        let clamp = clamp_of(&mut random);
        let x = storage(&mut random, &input);
        let (_, ih, iw) = shape(&input);
        let values = |(c, y, x_at): (usize, usize, usize)| -> Vec<i32> {
            let taps = under(&window, (ih, iw), (y, x_at));
            taps.iter()
                .filter_map(|(_, _, inside)| {
                    inside.map(|(y, x_at)| i32::from(x[index(&input, (c, y, x_at))]))
                })
                .collect()
        };
        let all = || positions(&output).map(values);
        if all().any(|values| values.is_empty()) {
            continue;
        }
        let found = net(Op::MaxPool2d { window, clamp }, input, output).run_s8(&[&x], &mut random);
        let expected: Vec<i8> = all()
            .map(|v| clamp_s8(v.into_iter().max().unwrap(), &clamp))
            .collect();
        assert_eq!(found, expected, "max, seed {seed}");
        for ties in [Ties::Away, Ties::Even] {
            let op = Op::AveragePool2d {
                window,
                clamp,
                ties,
            };
            let found = net(op, input, output).run_s8(&[&x], &mut random);
            let average = |v: Vec<i32>| rounded(&v, ties, input.zero_point);
            let expected: Vec<i8> = all().map(|v| clamp_s8(average(v), &clamp)).collect();
            assert_eq!(found, expected, "average, {ties:?}, seed {seed}");
        }
    }
}

#[test]
fn pools_and_means_of_f32_follow_the_definition() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let window = pool_window(&mut random);
        let input = any(&mut random, DType::F32);
        let x = random.f32_vec(usize::try_from(input.len / 4).unwrap());
        let (_, ih, iw) = shape(&input);
        let close = |found: &[f32], expected: &[f32]| {
            assert_eq!(found.len(), expected.len());
            found
                .iter()
                .zip(expected)
                .for_each(|(a, b)| assert!((a - b).abs() < 1e-5, "seed {seed}: {a} {b}"));
        };
        let means = tensor(DType::F32, random.one_of(&ACTIVATIONS), (input.c, 1, 1), 0);
        let found = net(
            Op::Mean {
                multiplier: 0,
                shift: 0,
                rounding: Rounding::Double,
            },
            input,
            means,
        )
        .run_f32(&[&x], &mut random);
        let channel = |c: usize| positions(&input).filter(move |p| p.0 == c);
        let mean = |c| channel(c).map(|p| x[index(&input, p)]).sum::<f32>() / (ih * iw) as f32;
        close(
            &found,
            &(0..usize::from(input.c)).map(mean).collect::<Vec<f32>>(),
        );
        let Some((h, w)) = output_size(&window, input.h, input.w) else {
            continue;
        };
        let output = tensor(DType::F32, random.one_of(&ACTIVATIONS), (input.c, h, w), 1);
        let clamp = Clamp::F32 { lo: -0.5, hi: 0.5 };
        let values = |(c, y, x_at): (usize, usize, usize)| -> Vec<f32> {
            let taps = under(&window, (ih, iw), (y, x_at));
            taps.iter()
                .filter_map(|(_, _, inside)| inside.map(|(y, x_at)| x[index(&input, (c, y, x_at))]))
                .collect()
        };
        let all = || positions(&output).map(values);
        if all().any(|values| values.is_empty()) {
            continue;
        }
        let found = net(Op::MaxPool2d { window, clamp }, input, output).run_f32(&[&x], &mut random);
        let largest = |v: Vec<f32>| clamp_f32(v.into_iter().fold(f32::MIN, f32::max), &clamp);
        close(&found, &all().map(largest).collect::<Vec<f32>>());
        let op = Op::AveragePool2d {
            window,
            clamp,
            ties: Ties::Away,
        };
        let found = net(op, input, output).run_f32(&[&x], &mut random);
        let average = |v: Vec<f32>| clamp_f32(v.iter().sum::<f32>() / v.len() as f32, &clamp);
        close(&found, &all().map(average).collect::<Vec<f32>>());
    }
}

#[test]
fn mean_s8_rescales_the_sum_of_deviations() {
    for seed in 0..400 {
        let mut random = Random::new(seed);
        let input = any(&mut random, DType::S8);
        let layout = random.one_of(&ACTIVATIONS);
        let output = Tensor {
            zero_point: random.s8().into(),
            ..tensor(DType::S8, layout, (input.c, 1, 1), 0)
        };
        let (multiplier, shift) = (multiplier(&mut random), random.size(0, 10).cast_signed());
        let x = storage(&mut random, &input);
        let rounding = random.one_of(&[Rounding::Double, Rounding::Single]);
        let op = Op::Mean {
            multiplier,
            shift,
            rounding,
        };
        let found = net(op, input, output).run_s8(&[&x], &mut random);
        let count = i32::from(input.h) * i32::from(input.w);
        let expected: Vec<i8> = (0..usize::from(input.c))
            .map(|c| {
                let sum: i32 = positions(&input)
                    .filter(|p| p.0 == c)
                    .map(|p| i32::from(x[index(&input, p)]))
                    .sum();
                let deviation = sum - count * input.zero_point;
                let scaled = requantize(deviation, multiplier, shift.into(), rounding);
                clamp_s8(scaled + output.zero_point, &Clamp::S8 { lo: -128, hi: 127 })
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}
