//! Convolutions of every layout, geometry and rounding against straight loops over the weights.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::conv::{
    ROUNDINGS, clamp_of, convolution, expected_s8, folded, geometry, rows, sparse_s8, sums,
};
use common::literal::{clamp_f32, output_size, under};
use common::net::{Net, index, positions, shape, tensor};
use nnz_format::encode::{self, Matrix};
use nnz_format::{Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window};

const LAYOUTS: [WeightLayout; 5] = [
    WeightLayout::Dense,
    WeightLayout::CsrP,
    WeightLayout::CsrN,
    WeightLayout::Blk1x4,
    WeightLayout::Blk4x1,
];
#[test]
fn conv_2d_s8_equals_straight_loops_in_every_layout() {
    for layout in LAYOUTS {
        for seed in 0..400 {
            convolution(seed, layout, false);
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
