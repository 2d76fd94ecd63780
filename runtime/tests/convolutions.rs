//! Convolutions of every layout, geometry and rounding against straight loops over the weights.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::literal::{clamp_f32, clamp_s8, output_size, requantize, under};
use common::net::{Net, index, positions, shape, tensor};
use nnz_format::encode::{self, Matrix, RowQuant};
use nnz_format::{Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window};

const LAYOUTS: [WeightLayout; 5] = [
    WeightLayout::Dense,
    WeightLayout::CsrP,
    WeightLayout::CsrN,
    WeightLayout::Blk1x4,
    WeightLayout::Blk4x1,
];
const ROUNDINGS: [Rounding; 2] = [Rounding::Single, Rounding::Double];
const ACTIVATIONS: [TensorLayout; 2] = [TensorLayout::Planar, TensorLayout::Interleaved];

/// A random window whose padding is smaller than its kernel; every third one is 1x1 with stride 1.
fn window(random: &mut Random) -> Window {
    if random.one_in(3) {
        return Window {
            kernel_h: 1,
            kernel_w: 1,
            stride_h: 1,
            stride_w: 1,
            ..Window::default()
        };
    }
    let (kernel_h, kernel_w) = (random.size(1, 5), random.size(1, 5));
    Window {
        kernel_h,
        kernel_w,
        stride_h: random.size(1, 3),
        stride_w: random.size(1, 4),
        pad_top: random.size(0, kernel_h - 1),
        pad_left: random.size(0, kernel_w - 1),
        pad_bottom: random.size(0, kernel_h - 1),
        pad_right: random.size(0, kernel_w - 1),
    }
}

/// Weights with about `zeros` of 10 zero.
fn sparse_s8(random: &mut Random, len: usize, zeros: i64) -> Vec<i8> {
    let mut values = random.s8_vec(len);
    for value in &mut values {
        if random.within(0, 9) < zeros {
            *value = 0;
        }
    }
    values
}

fn rows(random: &mut Random, count: usize) -> Vec<RowQuant> {
    let wide = random.one_in(3);
    (0..count)
        .map(|_| RowQuant {
            bias: if random.one_in(10) {
                random.one_of(&[i32::MIN, i32::MAX])
            } else {
                random.bits().cast_signed() >> 14
            },
            multiplier: if random.one_in(10) {
                0
            } else {
                (random.bits() >> 2 | 1 << 30).cast_signed()
            },
            shift: i32::try_from(random.within(if wide { -3 } else { 0 }, 12)).unwrap(),
        })
        .collect()
}

fn clamp_of(random: &mut Random) -> Clamp {
    let (a, b) = (random.s8(), random.s8());
    if random.one_in(2) {
        Clamp::S8 { lo: -128, hi: 127 }
    } else {
        Clamp::S8 {
            lo: a.min(b),
            hi: a.max(b),
        }
    }
}

/// Input, output and window of a random convolution.
fn geometry(random: &mut Random, dtype: DType) -> (Window, Tensor, Tensor) {
    loop {
        let window = window(random);
        let input = (
            random.size(1, 13).into(),
            random.size(1, 12).into(),
            random.size(1, 19).into(),
        );
        let Some((h, w)) = output_size(&window, input.1, input.2) else {
            continue;
        };
        let gap = |random: &mut Random| {
            if random.one_in(2) {
                0
            } else {
                random.size(0, 9).into()
            }
        };
        let from = random.one_of(&ACTIVATIONS);
        let to = random.one_of(&ACTIVATIONS);
        let input = tensor(dtype, from, input, gap(random));
        let output = tensor(dtype, to, (random.size(1, 11).into(), h, w), gap(random));
        return (window, input, output);
    }
}

/// Σ over channels and taps of `x − zero point` times weight, wrapping, for every output.
fn sums(
    input: &Tensor,
    output: &Tensor,
    window: &Window,
    x: &[i8],
    weights: &[i8],
    depth: usize,
) -> Vec<i32> {
    let (cin, h, w) = shape(input);
    let (kh, kw) = (usize::from(window.kernel_h), usize::from(window.kernel_w));
    positions(output)
        .map(|(row, oy, ox)| {
            let channels = row.checked_div(depth).map_or(0..cin, |c| c..c + 1);
            let columns = channels.len();
            let mut sum = 0_i32;
            for (k, c) in channels.enumerate() {
                for (ky, kx, inside) in under(window, (h, w), (oy, ox)) {
                    let Some((y, x_at)) = inside else { continue };
                    let value = i32::from(x[index(input, (c, y, x_at))]) - input.zero_point;
                    let weight = weights[((row * columns + k) * kh + ky) * kw + kx];
                    sum = sum.wrapping_add(value * i32::from(weight));
                }
            }
            sum
        })
        .collect()
}

/// Folds the zero point into the bias as the format wants it.
fn folded(rows: &[RowQuant], weights: &[i8], zero_point: i32) -> Vec<RowQuant> {
    let columns = weights.len() / rows.len();
    rows.iter()
        .zip(weights.chunks(columns))
        .map(|(row, weights)| {
            let sum: i32 = weights.iter().map(|w| i32::from(*w)).sum();
            RowQuant {
                bias: row.bias.wrapping_sub(zero_point.wrapping_mul(sum)),
                ..*row
            }
        })
        .collect()
}

fn expected_s8(sums: &[i32], net: &Net, rows: &[RowQuant], clamp: &Clamp) -> Vec<i8> {
    positions(&net.output)
        .zip(sums)
        .map(|((row, ..), sum)| {
            let row = rows[row];
            let scaled = requantize(
                sum.wrapping_add(row.bias),
                row.multiplier,
                row.shift,
                net.rounding,
            );
            clamp_s8(scaled.wrapping_add(net.output.zero_point), clamp)
        })
        .collect()
}

#[test]
fn conv_2d_s8_equals_straight_loops_in_every_layout() {
    for layout in LAYOUTS {
        for seed in 0..400 {
            let mut random = Random::new(seed);
            let (window, mut input, mut output) = geometry(&mut random, DType::S8);
            input.zero_point = random.s8().into();
            output.zero_point = random.s8().into();
            let clamp = clamp_of(&mut random);
            let (cin, count) = (usize::from(input.c), usize::from(output.c));
            let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
            let zeros = random.one_of(&[0, 5, 9, 10]);
            let weights = sparse_s8(&mut random, count * cin * taps, zeros);
            let quant = rows(&mut random, count);
            let matrix = Matrix {
                rows: count,
                cin,
                kernel_h: window.kernel_h,
                kernel_w: window.kernel_w,
                stride_w: window.stride_w,
                is_fully_connected: false,
                data: &weights,
            };
            let blob =
                encode::s8(layout, &matrix, &folded(&quant, &weights, input.zero_point)).unwrap();
            // Pointwise convolutions also run in place, where the planes lie alike.
            let in_place = window.is_pointwise()
                && input.layout == TensorLayout::Planar
                && output.layout == TensorLayout::Planar
                && random.one_in(2);
            if in_place {
                output = Tensor {
                    zero_point: output.zero_point,
                    ..tensor(
                        DType::S8,
                        TensorLayout::Planar,
                        (output.c, output.h, output.w),
                        input.plane_stride - u32::from(input.h) * u32::from(input.w),
                    )
                };
            }
            let rounding = random.one_of(&ROUNDINGS);
            let op = Op::Conv2d { window, clamp };
            let mut net = Net {
                op,
                input,
                input2: None,
                output,
                weights: Some(blob),
                rounding,
                in_place,
            };
            let x = random.s8_vec(usize::try_from(input.len).unwrap());
            let found = net.run_s8(&[&x], &mut random);
            let sums = sums(&input, &output, &window, &x, &weights, 0);
            assert_eq!(
                found,
                expected_s8(&sums, &net, &quant, &clamp),
                "{layout:?}, seed {seed}: {net:?}"
            );
        }
    }
}

#[test]
fn depthwise_conv_2d_s8_equals_straight_loops() {
    for seed in 0..1500 {
        let mut random = Random::new(seed);
        let (mut window, mut input, mut output) = geometry(&mut random, DType::S8);
        if random.one_in(2) {
            let stride_w = random.size(1, 2);
            window = Window {
                kernel_h: 3,
                kernel_w: 3,
                stride_h: 1,
                stride_w,
                pad_top: 1,
                pad_left: 1,
                pad_bottom: 1,
                pad_right: 1,
            };
        }
        let (h, w) = output_size(&window, input.h, input.w).unwrap();
        let multiplier = if random.one_in(2) {
            1
        } else {
            random.size(1, 3).into()
        };
        input.zero_point = random.s8().into();
        let gap = random.size(0, 3).into();
        output = Tensor {
            zero_point: random.s8().into(),
            ..tensor(DType::S8, output.layout, (input.c * multiplier, h, w), gap)
        };
        let clamp = clamp_of(&mut random);
        let count = usize::from(output.c);
        let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
        let weights = sparse_s8(&mut random, count * taps, 2);
        let quant = rows(&mut random, count);
        let matrix = Matrix {
            rows: count,
            cin: 1,
            kernel_h: window.kernel_h,
            kernel_w: window.kernel_w,
            stride_w: window.stride_w,
            is_fully_connected: false,
            data: &weights,
        };
        let blob = encode::dense_s8(&matrix, &folded(&quant, &weights, input.zero_point)).unwrap();
        let in_place = multiplier == 1
            && input.layout == TensorLayout::Planar
            && output.layout == TensorLayout::Planar
            && output.plane() <= input.plane()
            && output.plane_stride <= input.plane_stride;
        let rounding = random.one_of(&ROUNDINGS);
        let op = Op::DepthwiseConv2d {
            window,
            multiplier,
            clamp,
        };
        let mut net = Net {
            op,
            input,
            input2: None,
            output,
            weights: Some(blob),
            rounding,
            in_place,
        };
        let x = random.s8_vec(usize::try_from(input.len).unwrap());
        let found = net.run_s8(&[&x], &mut random);
        let sums = sums(
            &input,
            &output,
            &window,
            &x,
            &weights,
            usize::from(multiplier),
        );
        assert_eq!(
            found,
            expected_s8(&sums, &net, &quant, &clamp),
            "seed {seed}: {net:?}"
        );
    }
}

/// The same in floats, summed in double precision.
fn expected_f32(
    net: &Net,
    window: &Window,
    x: &[f32],
    weights: &[f32],
    bias: &[f32],
    clamp: &Clamp,
    depth: usize,
) -> Vec<f32> {
    let (cin, h, w) = shape(&net.input);
    let (kh, kw) = (usize::from(window.kernel_h), usize::from(window.kernel_w));
    positions(&net.output)
        .map(|(row, oy, ox)| {
            let channels = row.checked_div(depth).map_or(0..cin, |c| c..c + 1);
            let columns = channels.len();
            let mut sum = f64::from(bias[row]);
            for (k, c) in channels.enumerate() {
                for (ky, kx, inside) in under(window, (h, w), (oy, ox)) {
                    let Some((y, x_at)) = inside else { continue };
                    let weight = weights[((row * columns + k) * kh + ky) * kw + kx];
                    sum += f64::from(x[index(&net.input, (c, y, x_at))]) * f64::from(weight);
                }
            }
            clamp_f32(sum as f32, clamp)
        })
        .collect()
}

#[test]
fn f32_convolutions_equal_straight_loops_in_every_layout() {
    for (layout, depthwise) in [
        (WeightLayout::Dense, false),
        (WeightLayout::CsrF, false),
        (WeightLayout::Dense, true),
    ] {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let (window, input, mut output) = geometry(&mut random, DType::F32);
            if depthwise {
                output = tensor(DType::F32, output.layout, (input.c, output.h, output.w), 0);
            }
            let clamp = random.one_of(&[
                Clamp::F32 {
                    lo: f32::NEG_INFINITY,
                    hi: f32::INFINITY,
                },
                Clamp::F32 { lo: 0.0, hi: 0.5 },
            ]);
            let (cin, count) = (
                if depthwise { 1 } else { usize::from(input.c) },
                usize::from(output.c),
            );
            let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
            let mut weights = random.f32_vec(count * cin * taps);
            for weight in &mut weights {
                if random.one_in(2) {
                    *weight = 0.0;
                }
            }
            let bias = random.f32_vec(count);
            let matrix = Matrix {
                rows: count,
                cin,
                kernel_h: window.kernel_h,
                kernel_w: window.kernel_w,
                stride_w: window.stride_w,
                is_fully_connected: false,
                data: &weights,
            };
            let blob = encode::f32(layout, &matrix, &bias).unwrap();
            let op = if depthwise {
                Op::DepthwiseConv2d {
                    window,
                    multiplier: 1,
                    clamp,
                }
            } else {
                Op::Conv2d { window, clamp }
            };
            let rounding = Rounding::Single;
            let mut net = Net {
                op,
                input,
                input2: None,
                output,
                weights: Some(blob),
                rounding,
                in_place: false,
            };
            let x = random.f32_vec(usize::try_from(input.len / 4).unwrap());
            let found = net.run_f32(&[&x], &mut random);
            let expected = expected_f32(
                &net,
                &window,
                &x,
                &weights,
                &bias,
                &clamp,
                usize::from(depthwise),
            );
            for (found, expected) in found.iter().zip(&expected) {
                assert!(
                    (found - expected).abs() <= 1e-4,
                    "{layout:?}, seed {seed}: {found} {expected}"
                );
            }
        }
    }
}
