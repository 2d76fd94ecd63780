//! The steps of the generator: every integer kernel, then every float one.

use super::{Builder, CLAMP_F32, CLAMP_S8, window};
use nnz_format::{
    AddParams, Binary, Block, Clamp, DType, LinearSum, Op, PreluParams, RepackOrder, Rounding,
    TensorLayout, Ties, Unary, WeightLayout, encode,
};

/// Integer steps from an image to a vector.
pub(super) fn integer_part(b: &mut Builder, input: u16) -> u16 {
    use WeightLayout as L;
    let clamp = CLAMP_S8;
    let conv = |window| Op::Conv2d { window, clamp };
    let t = |b: &mut Builder, shape| b.planar(DType::S8, shape);

    let a = t(b, [6, 9, 7]);
    b.weighted(conv(window(3, 1, 1)), L::Dense, input, a);
    let depthwise = Op::DepthwiseConv2d {
        window: window(3, 2, 1),
        multiplier: 2,
        clamp,
    };
    let d = t(b, [12, 5, 4]);
    b.weighted(depthwise, L::Dense, a, d);
    let mut last = d;
    for (layout, shape, window) in [
        (L::CsrP, [10, 5, 4], window(1, 1, 0)),
        (L::CsrP, [8, 3, 2], window(3, 2, 1)),
        (L::CsrN, [11, 3, 2], window(3, 1, 1)),
        (L::Blk1x4, [9, 3, 2], window(1, 1, 0)),
        (L::Blk4x1, [6, 3, 2], window(3, 1, 1)),
    ] {
        let next = t(b, shape);
        b.weighted(conv(window), layout, last, next);
        last = next;
    }
    let params = AddParams {
        m1: 1 << 30,
        m2: 1 << 30,
        mo: 1 << 30,
        s1: 1,
        s2: 1,
        so: 19,
    };
    let sum = t(b, [6, 3, 2]);
    let add = b.push(Op::Add { params, clamp }, last, sum, None);
    b.steps[add].input2 = Some(last);
    let linear = LinearSum {
        first: 3_243_231,
        second: -8_578_263,
        bias: -153_953_286,
    };
    let op = Op::AddLinear { sum: linear, clamp };
    let add = b.push(op, last, sum, None);
    b.steps[add].input2 = Some(last);
    let padded = t(b, [6, 5, 5]);
    let value = Clamp::S8 { lo: -3, hi: -3 };
    b.push(
        Op::Pad {
            top: 1,
            left: 1,
            front: 0,
            value,
        },
        sum,
        padded,
        None,
    );
    let most = t(b, [6, 4, 4]);
    b.push(
        Op::MaxPool2d {
            window: window(2, 1, 0),
            clamp,
        },
        padded,
        most,
        None,
    );
    let average = t(b, [6, 2, 2]);
    for ties in [Ties::Away, Ties::Even] {
        let window = window(3, 2, 1);
        let op = Op::AveragePool2d {
            window,
            clamp,
            ties,
        };
        b.push(op, most, average, None);
    }
    for rounding in [Rounding::Double, Rounding::Single] {
        let op = Op::Requantize {
            multiplier: 1 << 30,
            shift: -1,
            clamp,
            rounding,
        };
        b.push(op, average, average, None);
    }
    b.push(Op::Clamp { clamp }, average, average, None);
    tables_s8(b, average);
    let interleaved = b.tensor(DType::S8, TensorLayout::Interleaved, [6, 2, 2]);
    b.push(
        Op::Repack {
            order: RepackOrder::Same,
        },
        average,
        interleaved,
        None,
    );
    let flat = t(b, [24, 1, 1]);
    b.push(
        Op::Repack {
            order: RepackOrder::ChannelsLast,
        },
        interleaved,
        flat,
        None,
    );
    integer_tail(b, interleaved, flat)
}

/// The operators with tables, in place.
fn tables_s8(b: &mut Builder, tensor: u16) {
    let channels = usize::from(b.tensors[usize::from(tensor)].c);
    let params = PreluParams {
        m1: 1 << 30,
        m2: 3 << 29,
        s1: -1,
        s2: 6,
    };
    let slopes: Vec<i16> = (0..channels).map(|c| c as i16 * 50 - 120).collect();
    let blob = encode::table_i16(&slopes);
    b.push(Op::Prelu { params }, tensor, tensor, Some(blob));
    let results: Vec<i8> = (0..256).map(|_| b.rng.below(256) as u8 as i8).collect();
    b.push(
        Op::UnaryS8,
        tensor,
        tensor,
        Some(encode::table_s8(&results)),
    );
    pairs(b, tensor);
}

/// The operators of two tensors, a copy and both ways of resizing, in the type of `tensor`.
fn pairs(b: &mut Builder, tensor: u16) {
    let like = b.tensors[usize::from(tensor)];
    let s8 = like.dtype == DType::S8;
    let one = b.planar(like.dtype, [like.c, 1, 1]);
    let clamp = if s8 { CLAMP_S8 } else { CLAMP_F32 };
    let all = [like.c, like.h, like.w];
    let block = Block::dense([0; 3], [0; 3], [like.c, 1, 1]);
    b.push(Op::Copy { block }, tensor, one, None);
    for kind in Binary::ALL.into_iter().filter(|k| !s8 || *k != Binary::Div) {
        let params = match kind {
            Binary::Add | Binary::Sub if s8 => AddParams {
                m1: 1 << 30,
                m2: 1 << 30,
                mo: 1 << 30,
                s1: 1,
                s2: 1,
                so: 19,
            },
            Binary::Mul if s8 => AddParams {
                mo: 1 << 30,
                so: 5,
                ..AddParams::default()
            },
            _ => AddParams::default(),
        };
        let op = Op::Binary {
            kind,
            swapped: kind == Binary::Sub,
            params,
            clamp,
        };
        let step = b.push(op, tensor, tensor, None);
        b.steps[step].input2 = Some(one);
    }
    let wide = b.planar(like.dtype, [all[0], all[1] + 1, all[2] + 2]);
    let [rows, columns] = [all[1] + 1, all[2] + 2];
    let last = |i: u16, limit: u16| i.min(limit - 1);
    let places: Vec<u16> = (0..rows)
        .map(|y| last(y, all[1]))
        .chain((0..columns).map(|x| last(x, all[2])))
        .collect();
    let nearest = encode::table_u16(&places);
    b.push(Op::ResizeNearest, tensor, wide, Some(nearest));
    let weight = if s8 {
        512_i32.to_le_bytes()
    } else {
        0.5_f32.to_le_bytes()
    };
    let taps: Vec<_> = places.iter().map(|p| ([*p, *p], weight)).collect();
    let bilinear = encode::table_taps(&taps);
    let ties = if s8 {
        &[Ties::Away, Ties::Even][..]
    } else {
        &[Ties::Away]
    };
    for ties in ties.iter().copied() {
        let table = Some(bilinear.clone());
        b.push(Op::ResizeBilinear { ties }, tensor, wide, table);
    }
}

/// Slopes, and every function, in place.
fn functions_f32(b: &mut Builder, tensor: u16) {
    let channels = usize::from(b.tensors[usize::from(tensor)].c);
    let params = PreluParams::default();
    let slopes: Vec<f32> = (0..channels).map(|c| c as f32 / 8.0).collect();
    let blob = encode::table_f32(&slopes);
    b.push(Op::Prelu { params }, tensor, tensor, Some(blob));
    for function in Unary::ALL {
        let parameter = |n| {
            if function.parameters() > n { 0.5 } else { 0.0 }
        };
        let op = Op::UnaryF32 {
            function,
            alpha: parameter(0),
            beta: parameter(1),
        };
        b.push(op, tensor, tensor, None);
    }
    pairs(b, tensor);
}

fn integer_tail(b: &mut Builder, image: u16, flat: u16) -> u16 {
    use WeightLayout as L;
    let mean = b.planar(DType::S8, [6, 1, 1]);
    for rounding in [Rounding::Double, Rounding::Single] {
        let op = Op::Mean {
            multiplier: 1 << 30,
            shift: 3,
            rounding,
        };
        b.push(op, image, mean, None);
    }
    let mut last = flat;
    for (layout, rows) in [
        (L::Dense, 300),
        (L::CsrQ, 21),
        (L::CsrP, 13),
        (L::CsrN, 11),
        (L::Blk1x4, 9),
        (L::Blk4x1, 6),
    ] {
        let next = b.planar(DType::S8, [rows, 1, 1]);
        b.weighted(Op::FullyConnected { clamp: CLAMP_S8 }, layout, last, next);
        last = next;
    }
    let softmax = Op::SoftmaxS8 {
        multiplier: 1 << 30,
        left_shift: 22,
        diff_min: -200,
    };
    b.push(softmax, last, last, None);
    last
}

/// Float steps from a vector to another.
pub(super) fn float_part(b: &mut Builder, input: u16) -> u16 {
    use WeightLayout as L;
    let clamp = CLAMP_F32;
    let t = |b: &mut Builder, shape| b.planar(DType::F32, shape);
    let wide = t(b, [4, 5, 3]);
    let long = t(b, [60, 1, 1]);
    b.weighted(Op::FullyConnected { clamp }, L::Dense, input, long);
    // The vector is read as an image through a plane-wise pad of a single pixel.
    let pixel = t(b, [4, 1, 1]);
    b.weighted(Op::FullyConnected { clamp }, L::CsrF, long, pixel);
    let value = Clamp::F32 { lo: 0.5, hi: 0.5 };
    b.push(
        Op::Pad {
            top: 2,
            left: 1,
            front: 0,
            value,
        },
        pixel,
        wide,
        None,
    );
    let mut last = wide;
    for (layout, kernel) in [(L::Dense, 3), (L::CsrF, 3), (L::CsrF, 1)] {
        let next = t(b, [4, 5, 3]);
        let op = Op::Conv2d {
            window: window(kernel, 1, kernel / 2),
            clamp,
        };
        b.weighted(op, layout, last, next);
        last = next;
    }
    let depthwise = Op::DepthwiseConv2d {
        window: window(3, 1, 1),
        multiplier: 1,
        clamp,
    };
    b.weighted(depthwise, L::Dense, last, last);
    let params = AddParams::default();
    let add = b.push(Op::Add { params, clamp }, wide, wide, None);
    b.steps[add].input2 = Some(last);
    let most = t(b, [4, 4, 2]);
    b.push(
        Op::MaxPool2d {
            window: window(2, 1, 0),
            clamp,
        },
        wide,
        most,
        None,
    );
    let average = t(b, [4, 3, 1]);
    b.push(
        Op::AveragePool2d {
            window: window(2, 1, 0),
            clamp,
            ties: Ties::Away,
        },
        most,
        average,
        None,
    );
    b.push(Op::Clamp { clamp }, average, average, None);
    functions_f32(b, average);
    let flat = t(b, [12, 1, 1]);
    b.push(
        Op::Repack {
            order: RepackOrder::ChannelsFirst,
        },
        average,
        flat,
        None,
    );
    let mean = t(b, [4, 1, 1]);
    b.push(
        Op::Mean {
            multiplier: 0,
            shift: 0,
            rounding: Rounding::Double,
        },
        average,
        mean,
        None,
    );
    let output = t(b, [5, 1, 1]);
    b.weighted(Op::FullyConnected { clamp }, L::CsrF, flat, output);
    b.push(Op::SoftmaxF32 { beta: 1.0 }, output, output, None);
    output
}
