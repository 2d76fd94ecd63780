//! Matrices times vectors in every layout and rounding against straight loops over the weights.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::literal::{clamp_f32, clamp_s8, requantize};
use common::net::{Net, tensor};
use nnz_format::encode::{self, Matrix, RowQuant};
use nnz_format::{Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout};

const LAYOUTS: [WeightLayout; 6] = [
    WeightLayout::Dense,
    WeightLayout::CsrP,
    WeightLayout::CsrN,
    WeightLayout::CsrQ,
    WeightLayout::Blk1x4,
    WeightLayout::Blk4x1,
];

/// A vector of up to 700 columns and an output of up to 21 rows.
fn vectors(random: &mut Random, dtype: DType) -> (Tensor, Tensor) {
    let columns = random.one_of(&[1, 3, 4, 7, 64, 128, 255, 256, 257, 300, 640, 700]);
    let rows = random.size(1, 21).into();
    let input = tensor(dtype, TensorLayout::Planar, (columns, 1, 1), 0);
    (input, tensor(dtype, TensorLayout::Planar, (rows, 1, 1), 0))
}

fn matrix<'a, T>(input: &Tensor, output: &Tensor, data: &'a [T]) -> Matrix<'a, T> {
    Matrix {
        rows: output.c.into(),
        cin: input.c.into(),
        kernel_h: 1,
        kernel_w: 1,
        stride_w: 1,
        is_fully_connected: true,
        data,
    }
}

#[test]
fn fully_connected_s8_equals_straight_loops_in_every_layout() {
    for layout in LAYOUTS {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let (mut input, mut output) = vectors(&mut random, DType::S8);
            input.zero_point = random.s8().into();
            output.zero_point = random.s8().into();
            let (columns, count) = (usize::from(input.c), usize::from(output.c));
            let mut weights = random.s8_vec(columns * count);
            let zeros = random.one_of(&[0, 5, 9, 10]);
            for weight in &mut weights {
                if random.within(0, 9) < zeros {
                    *weight = 0;
                }
            }
            let plain: Vec<RowQuant> = (0..count)
                .map(|_| RowQuant {
                    bias: random.bits().cast_signed() >> 10,
                    multiplier: (random.bits() >> 2 | 1 << 30).cast_signed(),
                    shift: i32::try_from(random.within(-1, 13)).unwrap(),
                })
                .collect();
            let row = |index: usize| &weights[index * columns..(index + 1) * columns];
            let folded: Vec<RowQuant> = (0..count)
                .map(|index| {
                    let sum: i32 = row(index).iter().map(|w| i32::from(*w)).sum();
                    RowQuant {
                        bias: plain[index].bias - input.zero_point * sum,
                        ..plain[index]
                    }
                })
                .collect();
            let blob = encode::s8(layout, &matrix(&input, &output, &weights), &folded).unwrap();
            let clamp = Clamp::S8 {
                lo: random.size(0, 90).cast_signed() - 120,
                hi: 100,
            };
            let rounding = random.one_of(&[Rounding::Single, Rounding::Double]);
            let op = Op::FullyConnected { clamp };
            let weights_blob = Some(blob);
            let mut net = Net {
                op,
                input,
                input2: None,
                output,
                weights: weights_blob,
                rounding,
                in_place: false,
            };
            let x = random.s8_vec(columns);
            let found = net.run_s8(&[&x], &mut random);
            let expected: Vec<i8> = (0..count)
                .map(|index| {
                    let products = row(index).iter().zip(&x);
                    let sum: i32 = products
                        .map(|(w, x)| (i32::from(*x) - input.zero_point) * i32::from(*w))
                        .sum();
                    let RowQuant {
                        bias,
                        multiplier,
                        shift,
                    } = plain[index];
                    let scaled = requantize(sum + bias, multiplier, shift, rounding);
                    clamp_s8(scaled.wrapping_add(output.zero_point), &clamp)
                })
                .collect();
            assert_eq!(found, expected, "{layout:?}, seed {seed}: {net:?}");
        }
    }
}

#[test]
fn fully_connected_f32_equals_straight_loops_in_every_layout() {
    for layout in [WeightLayout::Dense, WeightLayout::CsrF] {
        for seed in 0..300 {
            let mut random = Random::new(seed);
            let (input, output) = vectors(&mut random, DType::F32);
            let (columns, count) = (usize::from(input.c), usize::from(output.c));
            let mut weights = random.f32_vec(columns * count);
            for weight in &mut weights {
                if random.one_in(2) {
                    *weight = 0.0;
                }
            }
            let bias = random.f32_vec(count);
            let blob = encode::f32(layout, &matrix(&input, &output, &weights), &bias).unwrap();
            let clamp = Clamp::F32 {
                lo: 0.0,
                hi: f32::INFINITY,
            };
            let op = Op::FullyConnected { clamp };
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
            let x = random.f32_vec(columns);
            let found = net.run_f32(&[&x], &mut random);
            for (index, found) in found.iter().enumerate() {
                let products = weights[index * columns..].iter().zip(&x);
                let sum: f64 = products.map(|(w, x)| f64::from(*w) * f64::from(*x)).sum();
                let expected = clamp_f32((sum + f64::from(bias[index])) as f32, &clamp);
                assert!(
                    (found - expected).abs() <= 1e-4,
                    "{layout:?}, seed {seed}: {found} {expected}"
                );
            }
        }
    }
}
