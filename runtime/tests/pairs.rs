//! Operators of two tensors, copies of blocks and resizing against their definitions.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test that fails may panic"
)]

mod common;

use common::Random;
use common::literal::{clamp_f32, clamp_s8, divide_by_power, double, high_mul};
use common::net::{Net, index, positions, shape, tensor};
use nnz_format::encode::{self, Blob};
use nnz_format::{
    AddParams, Binary, Block, Clamp, DType, Op, Rounding, Tensor, TensorLayout, Ties,
};

fn net(op: Op, input: Tensor, output: Tensor, weights: Option<Blob>) -> Net {
    Net {
        op,
        input,
        input2: None,
        output,
        weights,
        rounding: Rounding::Double,
        in_place: false,
    }
}

/// A tensor of a shape with random layout, gap and zero point.
fn of(random: &mut Random, dtype: DType, shape: (u16, u16, u16)) -> Tensor {
    let layout = random.one_of(&[TensorLayout::Planar, TensorLayout::Interleaved]);
    let mut tensor = tensor(dtype, layout, shape, random.size(0, 3).into());
    if dtype == DType::S8 {
        tensor.zero_point = random.s8().into();
    }
    tensor
}

fn any(random: &mut Random, dtype: DType) -> Tensor {
    let shape = (
        random.size(1, 7).into(),
        random.size(1, 9).into(),
        random.size(1, 9).into(),
    );
    of(random, dtype, shape)
}

/// A partner: of the same shape, of one pixel, of one channel, or a single value.
fn partner(random: &mut Random, a: &Tensor) -> Tensor {
    let c = random.one_of(&[a.c, a.c, 1]);
    let (h, w) = random.one_of(&[(a.h, a.w), (1, 1)]);
    of(random, a.dtype, (c, h, w))
}

/// Where the partner of `(c, y, x)` lies.
fn met(b: &Tensor, (c, y, x): (usize, usize, usize)) -> usize {
    let (channels, h, w) = shape(b);
    let c = if channels == 1 { 0 } else { c };
    let (y, x) = if h * w == 1 { (0, 0) } else { (y, x) };
    index(b, (c, y, x))
}

fn storage(random: &mut Random, tensor: &Tensor) -> Vec<i8> {
    random.s8_vec(usize::try_from(tensor.len).unwrap())
}

fn reals(random: &mut Random, tensor: &Tensor) -> Vec<f32> {
    random.f32_vec(usize::try_from(tensor.len / 4).unwrap())
}

fn params(random: &mut Random, kind: Binary) -> AddParams {
    let mut multiplier = || (random.bits() >> 2 | 1 << 30).cast_signed();
    let (m1, m2, mo) = (multiplier(), multiplier(), multiplier());
    match kind {
        Binary::Add | Binary::Sub => AddParams {
            m1,
            m2,
            mo,
            s1: random.size(0, 6).cast_signed(),
            s2: random.size(0, 6).cast_signed(),
            so: random.size(0, 24).cast_signed(),
        },
        Binary::Mul => AddParams {
            mo,
            so: random.size(0, 20).cast_signed() - 4,
            ..AddParams::default()
        },
        Binary::Div | Binary::Minimum | Binary::Maximum => AddParams::default(),
    }
}

#[test]
fn integers_meet_by_the_definition_broadcast_or_not() {
    let kinds = Binary::ALL.into_iter().filter(|kind| *kind != Binary::Div);
    for (kind, seed) in kinds.flat_map(|kind| (0..120).map(move |seed| (kind, seed))) {
        let mut random = Random::new(seed);
        let a = any(&mut random, DType::S8);
        let b = partner(&mut random, &a);
        let output = Tensor {
            zero_point: random.s8().into(),
            ..a
        };
        let p = params(&mut random, kind);
        let swapped = random.one_in(2);
        let (lo, hi) = random.one_of(&[(-128, 127), (-100, 90)]);
        let clamp = Clamp::S8 { lo, hi };
        let (x, y) = (storage(&mut random, &a), storage(&mut random, &b));
        let op = Op::Binary {
            kind,
            swapped,
            params: p,
            clamp,
        };
        let mut net = Net {
            input2: Some(b),
            in_place: random.one_in(2),
            ..net(op, a, output, None)
        };
        let found = net.run_s8(&[&x, &y], &mut random);
        let raised = |value: i32, multiplier, shift: i8| {
            divide_by_power(
                high_mul(value << 20, multiplier),
                shift.unsigned_abs().into(),
            )
        };
        let expected: Vec<i8> = positions(&a)
            .map(|at| {
                let (q, r) = (x[index(&a, at)], y[met(&b, at)]);
                let (d, e) = (i32::from(q) - a.zero_point, i32::from(r) - b.zero_point);
                let sign = |swapped| if swapped { -1 } else { 1 };
                let value = match kind {
                    Binary::Add | Binary::Sub => {
                        let (d, e) = (raised(d, p.m1, p.s1), raised(e, p.m2, p.s2));
                        let sum = if kind == Binary::Add {
                            d + e
                        } else {
                            sign(swapped) * (d - e)
                        };
                        divide_by_power(high_mul(sum, p.mo), p.so.unsigned_abs().into())
                            + output.zero_point
                    }
                    Binary::Mul => double(d * e, p.mo, p.so.into()) + output.zero_point,
                    Binary::Minimum => q.min(r).into(),
                    Binary::Maximum | Binary::Div => q.max(r).into(),
                };
                clamp_s8(value, &clamp)
            })
            .collect();
        assert_eq!(found, expected, "{kind:?} seed {seed}");
    }
}

#[test]
fn floats_meet_by_the_definition_broadcast_or_not() {
    for (kind, seed) in Binary::ALL
        .into_iter()
        .flat_map(|kind| (0..60).map(move |seed| (kind, seed)))
    {
        let mut random = Random::new(seed);
        let a = any(&mut random, DType::F32);
        let b = partner(&mut random, &a);
        let swapped = random.one_in(2);
        let clamp = Clamp::F32 { lo: -0.5, hi: 0.75 };
        let (x, y) = (reals(&mut random, &a), reals(&mut random, &b));
        let op = Op::Binary {
            kind,
            swapped,
            params: AddParams::default(),
            clamp,
        };
        let mut net = Net {
            input2: Some(b),
            in_place: random.one_in(2),
            ..net(op, a, a, None)
        };
        let found = net.run_f32(&[&x, &y], &mut random);
        let expected: Vec<f32> = positions(&a)
            .map(|at| {
                let (q, r) = (x[index(&a, at)], y[met(&b, at)]);
                let (q, r) = if swapped { (r, q) } else { (q, r) };
                let value = match kind {
                    Binary::Add => q + r,
                    Binary::Sub => q - r,
                    Binary::Mul => q * r,
                    Binary::Div => q / r,
                    Binary::Minimum => q.min(r),
                    Binary::Maximum => q.max(r),
                };
                clamp_f32(value, &clamp)
            })
            .collect();
        assert_eq!(found, expected, "{kind:?} seed {seed}");
    }
}

/// First element, step and count along one axis.
fn axis(random: &mut Random, from: u16) -> [u16; 3] {
    let first = u16::try_from(random.within(0, i64::from(from) - 1)).unwrap();
    let step = u16::from(random.size(1, 3));
    let most = (from - 1 - first) / step + 1;
    [
        first,
        step,
        u16::try_from(random.within(1, most.into())).unwrap(),
    ]
}

#[test]
fn a_copy_takes_every_step_th_element() {
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let a = any(&mut random, DType::S8);
        let axes = [a.c, a.h, a.w].map(|limit| axis(&mut random, limit));
        let pick = |i: usize| axes.map(|axis| axis[i]);
        let block = Block {
            from_step: pick(1).map(|v| v as u8),
            ..Block::dense(pick(0), [0; 3], pick(2))
        };
        let [c, h, w] = pick(2);
        let b = of(&mut random, DType::S8, (c, h, w));
        let values = storage(&mut random, &a);
        let found = net(Op::Copy { block }, a, b, None).run_s8(&[&values], &mut random);
        let expected: Vec<i8> = positions(&b)
            .map(|(c, y, x)| {
                let at = |axis: [u16; 3], n: usize| usize::from(axis[0]) + n * usize::from(axis[1]);
                values[index(&a, (at(axes[0], c), at(axes[1], y), at(axes[2], x)))]
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

/// An input and an output of the same channels, and random places of each output row and column.
fn resized(random: &mut Random, dtype: DType) -> (Tensor, Tensor, Vec<[u16; 2]>) {
    let input = any(random, dtype);
    let size = (
        input.c,
        random.size(1, 12).into(),
        random.size(1, 12).into(),
    );
    let output = Tensor {
        zero_point: input.zero_point,
        ..of(random, dtype, size)
    };
    let limits = [(output.h, input.h), (output.w, input.w)];
    let mut pairs = Vec::new();
    for (count, limit) in limits {
        for _ in 0..count {
            let mut one = || u16::try_from(random.within(0, i64::from(limit) - 1)).unwrap();
            pairs.push([one(), one()]);
        }
    }
    (input, output, pairs)
}

#[test]
fn nearest_rows_and_columns_come_from_the_table() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let (input, output, pairs) = resized(&mut random, DType::S8);
        let table: Vec<u16> = pairs.iter().map(|[only, _]| *only).collect();
        let x = storage(&mut random, &input);
        let blob = encode::table_u16(&table);
        let found = net(Op::ResizeNearest, input, output, Some(blob)).run_s8(&[&x], &mut random);
        let rows = usize::from(output.h);
        let expected: Vec<i8> = positions(&output)
            .map(|(c, y, column)| {
                let (from_y, from_x) = (table[y], table[rows + column]);
                x[index(&input, (c, from_y.into(), from_x.into()))]
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn bilinear_pixels_are_between_four() {
    for seed in 0..200 {
        let mut random = Random::new(seed);
        let (input, output, pairs) = resized(&mut random, DType::S8);
        let weights: Vec<i32> = pairs
            .iter()
            .map(|_| 64 * random.within(0, 16) as i32)
            .collect();
        let taps: Vec<_> = pairs
            .iter()
            .zip(&weights)
            .map(|(pair, w)| (*pair, w.to_le_bytes()))
            .collect();
        let x = storage(&mut random, &input);
        let blob = encode::table_taps(&taps);
        let ties = [Ties::Away, Ties::Even][seed as usize % 2];
        let zero = i64::from(input.zero_point);
        let op = Op::ResizeBilinear { ties };
        let found = net(op, input, output, Some(blob)).run_s8(&[&x], &mut random);
        let rows = usize::from(output.h);
        let value = |c: usize, y: u16, column: u16| {
            i64::from(x[index(&input, (c, y.into(), column.into()))])
        };
        let expected: Vec<i8> = positions(&output)
            .map(|(c, y, column)| {
                let ([t, b], [l, r]) = (pairs[y], pairs[rows + column]);
                let (v, h) = (i64::from(weights[y]), i64::from(weights[rows + column]));
                let top = value(c, t, l) * (1024 - h) + value(c, t, r) * h;
                let bottom = value(c, b, l) * (1024 - h) + value(c, b, r) * h;
                let sum = top * (1024 - v) + bottom * v;
                if ties == Ties::Even {
                    // Exact: the sum has 29 bits.
                    let distance = (sum - (zero << 20)) as f64 / f64::from(1 << 20);
                    return (distance.round_ties_even() as i64 + zero) as i8;
                }
                let half = if sum > 0 { 1 << 19 } else { -(1 << 19) };
                ((sum + half) / (1 << 20)) as i8
            })
            .collect();
        assert_eq!(found, expected, "seed {seed}");
    }
}

#[test]
fn bilinear_floats_are_between_four() {
    for seed in 0..100 {
        let mut random = Random::new(seed);
        let (input, output, pairs) = resized(&mut random, DType::F32);
        let weights: Vec<f32> = pairs.iter().map(|_| random.real().abs()).collect();
        let taps: Vec<_> = pairs
            .iter()
            .zip(&weights)
            .map(|(pair, w)| (*pair, w.to_le_bytes()))
            .collect();
        let x = reals(&mut random, &input);
        let blob = encode::table_taps(&taps);
        let found = net(
            Op::ResizeBilinear { ties: Ties::Away },
            input,
            output,
            Some(blob),
        )
        .run_f32(&[&x], &mut random);
        let rows = usize::from(output.h);
        let value = |c: usize, y: u16, column: u16| {
            f64::from(x[index(&input, (c, y.into(), column.into()))])
        };
        for (found, (c, y, column)) in found.iter().zip(positions(&output)) {
            let ([t, b], [l, r]) = (pairs[y], pairs[rows + column]);
            let (v, h) = (f64::from(weights[y]), f64::from(weights[rows + column]));
            let top = value(c, t, l) * (1.0 - h) + value(c, t, r) * h;
            let bottom = value(c, b, l) * (1.0 - h) + value(c, b, r) * h;
            let wanted = top * (1.0 - v) + bottom * v;
            assert!((f64::from(*found) - wanted).abs() < 1e-6, "seed {seed}");
        }
    }
}
