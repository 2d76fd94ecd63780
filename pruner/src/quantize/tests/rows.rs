//! Rows of weights whose scale needs care.

use crate::arith;
use crate::ir::{Bias, Quant, Values, Weights};
use crate::quantize::weights;

fn layer(rows: &[&[f32]], bias: &[f32]) -> (Weights, Bias) {
    let shape = [rows.len(), rows[0].len(), 1, 1];
    let values = Values::F32(rows.concat());
    (
        Weights {
            name: "w".into(),
            shape,
            values,
            scales: vec![],
        },
        Bias::F32(bias.to_vec()),
    )
}

#[test]
fn dead_tiny_and_overweighted_rows_keep_multipliers_and_biases_in_range() {
    let (input, output) = (
        Quant {
            scale: 0.02,
            zero_point: 3,
        },
        Quant {
            scale: 0.05,
            zero_point: -128,
        },
    );
    let rows: [&[f32]; 5] = [
        &[0.0, 0.0],
        &[1e-30, 0.0],
        &[1.0, -0.5],
        &[1e-6, 0.0],
        &[0.0, 0.0],
    ];
    let (weights, bias) = layer(&rows, &[2.0, 1.5, 0.25, 5.0, -1e9]);
    let q = weights::quantize(&weights, &bias, input, output);
    let Bias::S32(b) = &q.bias else {
        panic!("bias type")
    };
    for (row, (multiplier, shift)) in arith::conv_multipliers(input, &q.weights.scales, output)
        .into_iter()
        .enumerate()
    {
        assert!(
            multiplier >= 1 << 30 && (0..=31).contains(&shift),
            "row {row}: {multiplier} >> {shift}"
        );
        let real = f64::from(b[row]) * f64::from(input.scale) * f64::from(q.weights.scales[row]);
        let wanted = [2.0, 1.5, 0.25, 5.0, -256.0 * 0.05][row];
        assert!((real - wanted).abs() < 0.01, "row {row}: bias {real}");
    }
    assert_eq!(q.coarse_rows, 2, "the rows of 1e-30 and 1e-6");
    let Values::S8(values) = &q.weights.values else {
        panic!("weights type")
    };
    assert_eq!(values[4..8], [127, -64, 4, 0]);
}
