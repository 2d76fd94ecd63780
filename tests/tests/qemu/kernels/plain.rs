//! Random steps of operators without weights.

use super::cases::{Case, clamp, geometry, image, tensor};
use crate::random::Random;
use nnz_format::{
    AddParams, Clamp, LinearSum, Op, RepackOrder, Rounding, Tensor, TensorLayout, Ties,
};

/// An operator without weights.
pub(crate) fn other(random: &mut Random) -> Case {
    match random.within(0, 7) {
        0 => add(random),
        1 => add_linear(random),
        2 | 3 => pool(random),
        4 => mean(random),
        5 => softmax(random),
        6 => requantize(random),
        _ => rearranged(random),
    }
}

fn multiplier(random: &mut Random) -> i32 {
    (random.bits() >> 2 | 1 << 30).cast_signed()
}

fn shape(random: &mut Random) -> (u16, u16, u16) {
    (
        random.size(1, 9).into(),
        random.size(1, 12).into(),
        random.size(1, 14).into(),
    )
}

fn add(random: &mut Random) -> Case {
    let shape = shape(random);
    let (m1, m2, mo) = (multiplier(random), multiplier(random), multiplier(random));
    let params = AddParams {
        m1: if random.one_in(2) { 1 << 30 } else { m1 },
        m2: if random.one_in(3) { 1 << 30 } else { m2 },
        mo,
        s1: random.one_of(&[0, 0, 1, 2, 7]),
        s2: random.one_of(&[0, 0, 1, 3, 31]),
        so: random.one_of(&[17, 18, 19, 20, 0, 31]),
    };
    Case {
        op: Op::Add {
            params,
            clamp: clamp(random),
        },
        input: image(random, shape),
        input2: Some(image(random, shape)),
        output: image(random, shape),
        weights: None,
        in_place: false,
    }
}

fn add_linear(random: &mut Random) -> Case {
    let shape = shape(random);
    let mut coefficient = || (random.bits() >> 7).cast_signed() - (1 << 24);
    let sum = LinearSum {
        first: coefficient(),
        second: coefficient(),
        bias: coefficient(),
    };
    Case {
        op: Op::AddLinear {
            sum,
            clamp: clamp(random),
        },
        input: image(random, shape),
        input2: Some(image(random, shape)),
        output: image(random, shape),
        weights: None,
        in_place: false,
    }
}

fn pool(random: &mut Random) -> Case {
    let (window, (h, w), (out_h, out_w)) = geometry(random);
    let channels = random.size(1, 7).into();
    let clamp = clamp(random);
    let input = image(random, (channels, h, w));
    let mut output = image(random, (channels, out_h, out_w));
    output.zero_point = input.zero_point;
    let op = if random.one_in(2) {
        Op::MaxPool2d { window, clamp }
    } else {
        let ties = random.one_of(&[Ties::Away, Ties::Even]);
        Op::AveragePool2d {
            window,
            clamp,
            ties,
        }
    };
    Case {
        op,
        input,
        input2: None,
        output,
        weights: None,
        in_place: false,
    }
}

fn mean(random: &mut Random) -> Case {
    let (c, h, w) = shape(random);
    Case {
        op: Op::Mean {
            multiplier: multiplier(random),
            shift: i8::try_from(random.within(-1, 9)).unwrap(),
            rounding: random.one_of(&[Rounding::Double, Rounding::Single]),
        },
        input: image(random, (c, h, w)),
        input2: None,
        output: image(random, (c, 1, 1)),
        weights: None,
        in_place: false,
    }
}

fn softmax(random: &mut Random) -> Case {
    let classes = random.one_of(&[1, 2, 10, 12, 100]);
    Case {
        op: Op::SoftmaxS8 {
            multiplier: multiplier(random),
            left_shift: random.one_of(&[20, 21, 22, 23]),
            diff_min: -i32::from(random.size(20, 250)),
        },
        input: tensor(random, TensorLayout::Planar, (classes, 1, 1), 0),
        input2: None,
        output: Tensor {
            scale: 1.0 / 256.0,
            zero_point: -128,
            ..tensor(random, TensorLayout::Planar, (classes, 1, 1), 0)
        },
        weights: None,
        in_place: false,
    }
}

fn requantize(random: &mut Random) -> Case {
    let shape = shape(random);
    Case {
        op: Op::Requantize {
            multiplier: multiplier(random),
            shift: random.one_of(&[-1, 0, 1, 2, 5]),
            clamp: clamp(random),
            rounding: random.one_of(&[Rounding::Double, Rounding::Single]),
        },
        input: image(random, shape),
        input2: None,
        output: image(random, shape),
        weights: None,
        in_place: false,
    }
}

/// A clamp, a repack or a padding.
fn rearranged(random: &mut Random) -> Case {
    let (c, h, w) = shape(random);
    let input = image(random, (c, h, w));
    let (op, shape) = match random.within(0, 2) {
        0 => (
            Op::Clamp {
                clamp: clamp(random),
            },
            (c, h, w),
        ),
        1 => (
            Op::Repack {
                order: RepackOrder::Same,
            },
            (c, h, w),
        ),
        _ => {
            let (top, left) = (random.size(0, 3), random.size(0, 3));
            let value = random.s8();
            let (below, right) = (random.size(0, 3), random.size(0, 3));
            let height = h + u16::from(top) + u16::from(below);
            let width = w + u16::from(left) + u16::from(right);
            let value = Clamp::S8 {
                lo: value,
                hi: value,
            };
            let front = 0;
            let op = Op::Pad {
                top,
                left,
                front,
                value,
            };
            (op, (c, height, width))
        }
    };
    Case {
        op,
        input,
        input2: None,
        output: image(random, shape),
        weights: None,
        in_place: false,
    }
}
