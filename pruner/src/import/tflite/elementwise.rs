//! Operators without weights that keep the shape: sums, bounds, softmax, quantisation.

use super::super::error::Problem;
use super::super::geometry::shown;
use super::shuffle::pair;
use super::{Call, Importer, affine};
use crate::ir::{BinaryKind, Clamp, DType, Function, Op, Unary};

/// Types of option tables.
const SOFTMAX_OPTIONS: u8 = 9;
const ADD_OPTIONS: u8 = 11;

/// `ADD` of two activations of one shape, or of a float activation and a constant per channel.
pub(in crate::import) fn add(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    if importer.has_constant_operand(call) {
        return affine::add(importer, call);
    }
    let clamp = match call.info.options {
        Some(_) => Call::fused(&call.options(ADD_OPTIONS)?, 0)?,
        None => Clamp::NONE,
    };
    let inputs = [importer.input(call, 0)?, importer.input(call, 1)?];
    let [a, b] = inputs.map(|id| importer.shape(id));
    if a != b {
        return pair(importer, call, BinaryKind::Add, Some(ADD_OPTIONS));
    }
    importer.emit(call, Op::Add(clamp), &inputs)
}

/// `RELU`.
pub(in crate::import) fn relu(importer: &mut Importer<'_>, call: &Call<'_>) -> Result<(), Problem> {
    clamp(importer, call, Clamp::RELU)
}

/// `RELU6`.
pub(in crate::import) fn relu6(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    clamp(importer, call, Clamp::RELU6)
}

/// `RELU_N1_TO_1`.
pub(in crate::import) fn relu_n1_to_1(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    clamp(importer, call, Clamp { lo: -1.0, hi: 1.0 })
}

fn clamp(importer: &mut Importer<'_>, call: &Call<'_>, bounds: Clamp) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.emit(call, Op::Clamp(bounds), &[input])
}

/// `SOFTMAX` of a vector.
pub(in crate::import) fn softmax(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let beta = call.options(SOFTMAX_OPTIONS)?.number::<f32>(0, 0.0)?;
    if !beta.is_finite() || beta <= 0.0 {
        return Err(Problem::malformed(format!("beta {beta}")));
    }
    let input = importer.input(call, 0)?;
    let tensor = importer.assembler.graph.tensor(input);
    let (shape, is_integer) = (tensor.shape, tensor.dtype == DType::S8);
    if shape.pixels() != 1 {
        return Err(Problem::refused(
            format!(
                "softmax over each pixel of {}; only vectors are supported",
                shown(shape)
            ),
            "leave the softmax to the application",
        ));
    }
    if is_integer {
        let quant = importer.declared_quant(call)?;
        if !quant.is_some_and(|q| q.scale == 1.0 / 256.0 && q.zero_point == -128) {
            return Err(Problem::unsupported(
                "an int8 softmax whose output is not quantised with scale 1/256 and zero point -128",
            ));
        }
    }
    importer.emit(call, Op::Softmax { beta }, &[input])
}

/// `LOG_SOFTMAX` of a float vector, as the logarithm of a softmax.
pub(in crate::import) fn log_softmax(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let tensor = importer.assembler.graph.tensor(input);
    if tensor.dtype != DType::F32 || tensor.shape.pixels() != 1 {
        return Err(Problem::refused(
            "of a float vector only",
            "cut it off: the largest output stays the same; or give the float model and let nnz quantise it with `--calib`",
        ));
    }
    let name = format!("{}_softmax", call.name);
    let shares = importer
        .assembler
        .inserted(&name, Op::Softmax { beta: 1.0 }, input)?;
    importer.emit(call, Op::Unary(Unary::of(Function::Log)), &[shares])
}

/// `QUANTIZE`: float to int8, or 8 bits to 8 bits with another scale.
pub(in crate::import) fn quantize(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    importer.emit(call, Op::Quantize, &[input])
}

/// `DENSIFY` of a constant.
pub(in crate::import) fn densify(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    if importer.shows_constant(call)? {
        return Ok(());
    }
    Err(Problem::malformed("its input is no sparse constant"))
}

/// `DEQUANTIZE`: int8 to float; of float16 constants it is folded.
pub(in crate::import) fn dequantize(
    importer: &mut Importer<'_>,
    call: &Call<'_>,
) -> Result<(), Problem> {
    if importer.shows_constant(call)? {
        return Ok(());
    }
    let input = importer.input(call, 0)?;
    importer.emit(call, Op::Dequantize, &[input])
}
