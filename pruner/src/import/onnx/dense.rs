//! Fully connected layers: `Gemm` and `MatMul`; over the pixels of a channels-last activation, a 1x1 convolution.

use super::super::assemble::{float_weights, unpadded};
use super::super::error::{Problem, printable};
use super::{Call, Importer, qdq};
use crate::ir::{Bias, Clamp, Conv, FullyConnected, Op, Order, Weights};

/// `Gemm`: `alpha · x · B + beta · C`.
pub(in crate::import) fn gemm<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let attributes = call.attributes();
    if attributes.int("transA", 0) != 0 {
        return Err(Problem::refused(
            "a transposed left operand (transA=1) is not supported",
            "export the layer as `nn.Linear` or `Dense`",
        ));
    }
    let alpha = attributes.float("alpha").unwrap_or(1.0);
    let beta = attributes.float("beta").unwrap_or(1.0);
    let weights = importer.matrix(call, attributes.int("transB", 0) != 0, alpha)?;
    let rows = weights.shape[0];
    let bias = match importer.constant(call, 2)? {
        None => Bias::None,
        Some(constant) if beta == 1.0 && qdq::is_wide(&constant) && constant.count()? == rows => {
            importer.bias(call, 2, rows)?
        }
        Some(constant) => {
            let last = constant.dims.last().copied().unwrap_or(1);
            if constant.count()? != last || !(last == rows || last == 1) {
                return Err(Problem::unsupported(format!(
                    "bias '{}' of dimensions {:?} for {rows} outputs",
                    printable(&constant.name),
                    constant.dims
                )));
            }
            importer.assembler.budget.take(rows)?;
            let values = constant.floats(&mut importer.assembler.budget)?;
            let mut scaled: Vec<f32> = values.iter().map(|v| v * beta).collect();
            scaled.resize(rows, scaled.first().copied().unwrap_or(0.0));
            super::super::assemble::finite(&constant.name, &scaled)?;
            Bias::F32(scaled)
        }
    };
    importer.emit_layer(call, weights, bias)
}

/// `MatMul` with a constant right operand; the constant `Add` after it becomes its bias.
pub(in crate::import) fn mat_mul<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let weights = importer.matrix(call, false, 1.0)?;
    importer.emit_layer(call, weights, Bias::None)
}

impl<'a> Importer<'a> {
    /// Constant input 1 as `[outputs, inputs, 1, 1]`, from `[outputs, inputs]` or its transpose.
    fn matrix(
        &mut self,
        call: &Call<'a>,
        is_transposed: bool,
        factor: f32,
    ) -> Result<Weights, Problem> {
        self.input(call, 0)?;
        let axis = usize::from(!is_transposed);
        let (constant, values, mut scales) = self.weights(call, 1, axis)?;
        let [a, b] = constant.dims[..] else {
            return Err(Problem::unsupported(format!(
                "weights '{}' of dimensions {:?}, not a matrix",
                printable(&constant.name),
                constant.dims
            )));
        };
        let ((o, i), mut values) = if is_transposed {
            ((a, b), values)
        } else {
            let mut turned = Vec::with_capacity(values.len());
            for column in 0..b {
                turned.extend(values.iter().skip(column).step_by(b).take(a));
            }
            ((b, a), turned)
        };
        if factor != 1.0 {
            let scaled = if scales.is_empty() {
                &mut values
            } else {
                &mut scales
            };
            scaled.iter_mut().for_each(|v| *v *= factor);
        }
        let mut weights = float_weights(&constant.name, [o, i, 1, 1], values)?;
        weights.scales = scales;
        Ok(weights)
    }

    fn emit_layer(&mut self, call: &Call<'a>, weights: Weights, bias: Bias) -> Result<(), Problem> {
        let input = self.input(call, 0)?;
        let dims = &self.tensor(input).source.dims;
        let [.., last] = dims[..] else {
            return Err(Problem::malformed("its input has no dimensions"));
        };
        let tensor = self.tensor(input);
        let (shape, order) = (tensor.shape, tensor.source.order);
        let is_vector = last == shape.len();
        if !is_vector && (order != Order::Nhwc || last != shape.c) {
            return Err(Problem::refused(
                format!("a matrix product over the last axis of {dims:?}"),
                "only vectors and channels-last activations are multiplied by matrices; use a 1x1 convolution",
            ));
        }
        let mut dims = dims.clone();
        if let Some(last) = dims.last_mut() {
            *last = weights.shape[0];
        }
        let clamp = Clamp::NONE;
        let op = if is_vector {
            Op::FullyConnected(FullyConnected {
                weights,
                bias,
                clamp,
            })
        } else {
            Op::Conv2d(Conv {
                window: unpadded([1, 1], [1, 1]),
                weights,
                bias,
                clamp,
            })
        };
        self.emit(call, op, &[input], &dims, Order::Nhwc)?;
        Ok(())
    }
}
