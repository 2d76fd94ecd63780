//! Weights: random values with the zeros that pruning leaves, scattered, in rows, channels or blocks.

use super::generate::Build;
use nnz_pruner::ir::{Bias, Values, Weights};

/// How the zeros of a matrix lie.
#[derive(Debug, Clone, Copy)]
enum Zeros {
    Scattered,
    Rows,
    InputChannels,
    /// Blocks of four weights of a row.
    AlongRows,
    /// Blocks of four rows.
    AcrossRows,
}

/// Weights and bias whose outputs spread over the range of integers.
pub(super) fn random(build: &mut Build, shape: [usize; 4]) -> (Weights, Bias) {
    let values = values(build, shape);
    let (rows, row_len) = (shape[0], shape[1] * shape[2] * shape[3]);
    let root = f32::from(u16::try_from(row_len).unwrap()).sqrt();
    let scale = 0.01 / root;
    let bias: Vec<f32> = (0..rows).map(|_| 6000.0 * root * build.unit()).collect();
    let name = format!("w{}", build.graph.nodes.len());
    if !build.is_integer {
        let real = |w: &i8| f32::from(*w) * scale * 0.4;
        let values = Values::F32(values.iter().map(real).collect());
        let weights = Weights {
            name,
            shape,
            values,
            scales: Vec::new(),
        };
        return (
            weights,
            Bias::F32(bias.iter().map(|b| b * scale * 0.02).collect()),
        );
    }
    let per_tensor = build.chance(20);
    let scales: Vec<f32> = (0..rows)
        .map(|_| scale * (1.0 + 0.3 * build.unit()))
        .collect();
    let scales = if per_tensor {
        vec![scale; rows]
    } else {
        scales
    };
    #[expect(clippy::cast_possible_truncation, reason = "far below 2^31")]
    let bias = bias.iter().map(|b| *b as i32).collect();
    let weights = Weights {
        name,
        shape,
        values: Values::S8(values),
        scales,
    };
    (weights, Bias::S32(bias))
}

/// Weights of `-127..=127`, some of them zero.
fn values(build: &mut Build, shape: [usize; 4]) -> Vec<i8> {
    let [rows, channels, height, width] = shape;
    let row_len = channels * height * width;
    let percent = build.one_of(&[0, 30, 60, 80, 90, 97]);
    let zeros = build.one_of(&[
        Zeros::Scattered,
        Zeros::Scattered,
        Zeros::Rows,
        Zeros::InputChannels,
        Zeros::AlongRows,
        Zeros::AcrossRows,
    ]);
    let group = |row: usize, column: usize| match zeros {
        Zeros::Scattered => row * row_len + column,
        Zeros::Rows => row,
        Zeros::InputChannels => column / (height * width),
        Zeros::AlongRows => row * row_len + column / 4,
        Zeros::AcrossRows => row / 4 * row_len + column,
    };
    let groups = rows * row_len;
    let dead: Vec<bool> = (0..groups).map(|_| build.chance(percent)).collect();
    let mut values = Vec::with_capacity(groups);
    for row in 0..rows {
        for column in 0..row_len {
            let value = build.s8().max(-127);
            values.push(if dead[group(row, column)] { 0 } else { value });
        }
    }
    values
}
