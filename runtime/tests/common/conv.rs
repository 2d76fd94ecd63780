//! Random convolutions and what they compute, in straight loops over the weights.

use super::Random;
use super::literal::{clamp_s8, output_size, requantize, under};
use super::net::{Net, index, positions, shape, tensor};
use nnz_format::encode::{self, Matrix, RowQuant};
use nnz_format::{Clamp, DType, Op, Rounding, Tensor, TensorLayout, WeightLayout, Window};

/// Both roundings.
pub const ROUNDINGS: [Rounding; 2] = [Rounding::Single, Rounding::Double];
/// Both layouts of activations.
pub const ACTIVATIONS: [TensorLayout; 2] = [TensorLayout::Planar, TensorLayout::Interleaved];

/// A random window whose padding is smaller than its kernel; every third one is 1x1 with stride 1.
pub fn window(random: &mut Random) -> Window {
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
pub fn sparse_s8(random: &mut Random, len: usize, zeros: i64) -> Vec<i8> {
    let mut values = random.s8_vec(len);
    for value in &mut values {
        if random.within(0, 9) < zeros {
            *value = 0;
        }
    }
    values
}

/// Constants of `count` rows, extremes and left shifts among them.
pub fn rows(random: &mut Random, count: usize) -> Vec<RowQuant> {
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

/// Bounds that cut something off, or nothing.
pub fn clamp_of(random: &mut Random) -> Clamp {
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
pub fn geometry(random: &mut Random, dtype: DType) -> (Window, Tensor, Tensor) {
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
pub fn sums(
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
pub fn folded(rows: &[RowQuant], weights: &[i8], zero_point: i32) -> Vec<RowQuant> {
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

/// Every output of finished sums.
pub fn expected_s8(sums: &[i32], net: &Net, rows: &[RowQuant], clamp: &Clamp) -> Vec<i8> {
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

/// Rows that fit narrow lanes whatever the `columns` weights are, biases at the lanes' edges among them.
pub fn narrow_rows(random: &mut Random, count: usize, folded_weights: &[i8]) -> Vec<RowQuant> {
    let columns = folded_weights.len() / count;
    folded_weights
        .chunks(columns)
        .map(|weights| {
            let of = |sign: i32| {
                weights
                    .iter()
                    .map(|w| (i32::from(*w) * sign).max(0))
                    .sum::<i32>()
            };
            let (positive, negative) = (of(1), of(-1));
            let low = -(1 << 23) + 128 * positive + 127 * negative;
            let high = (1 << 23) - 1 - 127 * positive - 128 * negative;
            let bias = match random.size(0, 3) {
                0 => low,
                1 => high,
                _ => random.bits().cast_signed() >> 14,
            };
            RowQuant {
                bias,
                multiplier: (random.bits() >> 2 | 1 << 30).cast_signed(),
                shift: i32::try_from(random.within(9, 14)).unwrap(),
            }
        })
        .collect()
}

/// Narrow convolutions see whole tiles, aligned planes and 3x3 windows more often.
pub fn narrow_geometry(random: &mut Random) -> (Window, Tensor, Tensor) {
    if random.one_in(3) {
        return geometry(random, DType::S8);
    }
    let kernel = random.one_of(&[1, 3, 3, 5]);
    let (stride, pad) = (random.size(1, 2), random.size(0, kernel / 2));
    let window = Window {
        kernel_h: kernel,
        kernel_w: kernel,
        stride_h: stride,
        stride_w: stride,
        pad_top: pad,
        pad_left: pad,
        pad_bottom: kernel / 2,
        pad_right: kernel / 2,
    };
    let (h, w) = (
        random.size(5, 9).into(),
        u16::from(random.size(1, 6)) * 4 + 4,
    );
    let (oh, ow) = output_size(&window, h, w).unwrap();
    let planes = |random: &mut Random, c: u8, (h, w): (u16, u16)| {
        let gap = (h * w).next_multiple_of(8) - h * w;
        let gap = if random.one_in(4) { gap + 1 } else { gap };
        tensor(
            DType::S8,
            TensorLayout::Planar,
            (c.into(), h, w),
            gap.into(),
        )
    };
    let (cin, cout) = (random.size(1, 20), random.size(1, 11));
    let input = planes(random, cin, (h, w));
    (window, input, planes(random, cout, (oh, ow)))
}

/// Runs a random convolution; in words if `narrow`.
pub fn convolution(seed: u64, layout: WeightLayout, narrow: bool) {
    let mut random = Random::new(seed);
    let (window, mut input, mut output) = if narrow {
        narrow_geometry(&mut random)
    } else {
        geometry(&mut random, DType::S8)
    };
    input.zero_point = random.s8().into();
    output.zero_point = random.s8().into();
    let clamp = clamp_of(&mut random);
    let (cin, count) = (usize::from(input.c), usize::from(output.c));
    let taps = usize::from(window.kernel_h) * usize::from(window.kernel_w);
    let zeros = random.one_of(&[0, 5, 9, 10]);
    let weights = sparse_s8(&mut random, count * cin * taps, zeros);
    let matrix = Matrix {
        rows: count,
        cin,
        kernel_h: window.kernel_h,
        kernel_w: window.kernel_w,
        stride_w: window.stride_w,
        is_fully_connected: false,
        data: &weights,
    };
    let (quant, stored) = if narrow {
        let stored = narrow_rows(&mut random, count, &weights);
        (folded(&stored, &weights, -input.zero_point), stored)
    } else {
        let quant = rows(&mut random, count);
        let stored = folded(&quant, &weights, input.zero_point);
        (quant, stored)
    };
    let mut blob = encode::s8(layout, &matrix, &stored).unwrap();
    if narrow {
        blob = blob.narrowed(count);
        assert!(blob.narrow || cin * taps > 200, "{layout:?}, seed {seed}");
    }
    // Pointwise convolutions, and windows whose rows stay where they are, also run in place.
    let fits = window.is_pointwise()
        || (window.stride_h == 1
            && window.stride_w == 1
            && window.pad_left <= 8
            && input.w == output.w
            && output.h <= input.h);
    let in_place = fits
        && input.layout == TensorLayout::Planar
        && output.layout == TensorLayout::Planar
        && u32::from(output.h) * u32::from(output.w) <= input.plane_stride
        && random.one_in(2);
    if in_place {
        output = Tensor {
            zero_point: output.zero_point,
            ..tensor(
                DType::S8,
                TensorLayout::Planar,
                (output.c, output.h, output.w),
                input.plane_stride - u32::from(output.h) * u32::from(output.w),
            )
        };
    }
    let mut net = Net {
        op: Op::Conv2d { window, clamp },
        input,
        input2: None,
        output,
        weights: Some(blob),
        rounding: random.one_of(&ROUNDINGS),
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
