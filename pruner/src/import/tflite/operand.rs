//! An integer constant as the operand of a sum or a product: an activation that a layer without weights writes.
//!
//! ```text
//! x ─slice, one pixel→ ─depthwise 1x1, weights 0, bias q − zero point→ c ─┐
//! x ──────────────────────────────────────────────────────────────────────┴ add, sub, mul        as TensorFlow Lite Micro
//! ```

use super::super::error::Problem;
use super::constants::Constant;
use super::{Call, Importer};
use crate::ir::{
    Bias, Binary, Clamp, Conv, Op, Order, Quant, Rearrange, Shape, TensorId, Values, Weights,
    Window,
};

impl Importer<'_> {
    /// Adds the pair of `input` and an int8 constant with one value, or one a channel.
    pub(super) fn emit_with_constant(
        &mut self,
        call: &Call<'_>,
        binary: Binary,
        (input, is_first): (TensorId, bool),
        constant: &Constant<'_>,
    ) -> Result<(), Problem> {
        let operand = self.constant_activation(call, input, constant)?;
        let inputs = if is_first {
            [input, operand]
        } else {
            [operand, input]
        };
        self.emit(call, Op::Binary(binary), &inputs)
    }

    /// An activation of one pixel that holds the constant.
    fn constant_activation(
        &mut self,
        call: &Call<'_>,
        input: TensorId,
        constant: &Constant<'_>,
    ) -> Result<TensorId, Problem> {
        let from = self.assembler.graph.tensor(input).clone();
        let (channels, quant) = (from.shape.c, from.quant);
        let (mut values, own) = constant.centred()?;
        self.assembler.budget.take(2 * channels)?;
        values.resize(channels, values.first().copied().unwrap_or(0));
        let pixel = if from.shape.pixels() == 1 {
            input
        } else {
            let first = Op::Rearrange(Rearrange::Slice {
                begin: [0; 3],
                step: [1; 3],
                size: [channels, 1, 1],
            });
            self.assembler
                .inserted(&format!("{}_pixel", call.name), first, input)?
        };
        let name = format!("{}_constant", call.name);
        let shape = Shape::new(channels, 1, 1);
        let dims = [1, 1, 1, channels];
        let output = self
            .assembler
            .shaped(&name, shape, &dims, Order::Nhwc, Some(own))?;
        let op = filled(&constant.name, &values, quant.unwrap_or(own), own);
        self.assembler.node(&name, op, &[pixel], output, None)?;
        Ok(output)
    }
}

/// A layer that writes `values` whatever it reads: its accumulators are its bias, and are kept as they are.
fn filled(name: &str, values: &[i16], input: Quant, output: Quant) -> Op {
    let channels = values.len();
    Op::DepthwiseConv2d(Conv {
        window: Window {
            kernel: [1, 1],
            stride: [1, 1],
            pad_begin: [0, 0],
            pad_end: [0, 0],
        },
        weights: Weights {
            name: name.to_owned(),
            shape: [channels, 1, 1, 1],
            values: Values::S8(vec![0; channels]),
            scales: vec![output.scale / input.scale; channels],
        },
        bias: Bias::S32(values.iter().map(|v| i32::from(*v)).collect()),
        clamp: Clamp::NONE,
    })
}
