//! Random tensors, values and parameters of operators without weights.

use super::Random;
use super::net::{Net, tensor};
use nnz_format::{Clamp, DType, Op, Rounding, Tensor, TensorLayout};

/// The layouts of activations.
pub const ACTIVATIONS: [TensorLayout; 2] = [TensorLayout::Planar, TensorLayout::Interleaved];

/// One step with double rounding of accumulators.
pub fn net(op: Op, input: Tensor, output: Tensor) -> Net {
    let rounding = Rounding::Double;
    Net {
        op,
        input,
        input2: None,
        output,
        weights: None,
        rounding,
        in_place: false,
    }
}

/// A tensor of random shape, layout and zero point.
pub fn any(random: &mut Random, dtype: DType) -> Tensor {
    let shape = (
        random.size(1, 9).into(),
        random.size(1, 11).into(),
        random.size(1, 13).into(),
    );
    let mut tensor = tensor(
        dtype,
        random.one_of(&ACTIVATIONS),
        shape,
        random.size(0, 3).into(),
    );
    if dtype == DType::S8 {
        tensor.zero_point = random.s8().into();
    }
    tensor
}

/// Storage of the length of `tensor`.
pub fn storage(random: &mut Random, tensor: &Tensor) -> Vec<i8> {
    random.s8_vec(usize::try_from(tensor.len).unwrap())
}

/// Random bounds.
pub fn clamp_of(random: &mut Random) -> Clamp {
    let (a, b) = (random.s8(), random.s8());
    Clamp::S8 {
        lo: a.min(b),
        hi: a.max(b),
    }
}

/// A random multiplier.
pub fn multiplier(random: &mut Random) -> i32 {
    (random.bits() >> 2 | 1 << 30).cast_signed()
}
