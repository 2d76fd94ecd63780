//! Activations of a TFLite model, and what the file says of any tensor.

use super::super::error::{Problem, printable};
use super::super::geometry::shape_of;
use super::super::limits;
use super::schema::{TensorInfo, element};
use super::{Call, Importer, as_index};
use crate::ir::{Order, Quant, Shape, TensorId};

impl<'a> Importer<'a> {
    /// What the file says of a tensor.
    pub(super) fn info(&self, index: i32) -> Result<TensorInfo<'a>, Problem> {
        let at = as_index(index)?;
        if at >= self.activations.len() {
            return Err(Problem::malformed(format!(
                "tensor {at} of {}",
                self.activations.len()
            )));
        }
        Ok(TensorInfo::read(self.subgraph.tensors.get(at)?)?)
    }

    /// The activation of a tensor that something before has written.
    pub(super) fn known(&self, index: i32) -> Result<TensorId, Problem> {
        let info = self.info(index)?;
        if let Some(id) = self.activations.get(as_index(index)?).copied().flatten() {
            return Ok(id);
        }
        let name = name_of(&info, index)?;
        if self.model.buffer(info.buffer)?.is_empty() {
            return Err(Problem::malformed(format!(
                "it reads tensor '{}', which nothing before it writes",
                printable(&name)
            )));
        }
        Err(Problem::refused(
            format!(
                "constant '{}' ({}) where an activation is expected",
                printable(&name),
                element::name(info.element)
            ),
            "let the converter fold constants and store weights as float32 or int8",
        ))
    }

    /// The dimensions of the operator's output.
    pub(super) fn declared_dims(&self, call: &Call<'_>) -> Result<Vec<usize>, Problem> {
        dims_of(&self.info(call.info.outputs.get(0).unwrap_or(-1))?)
    }

    /// The quantisation of the operator's output; `None` where it is not int8.
    pub(super) fn declared_quant(&self, call: &Call<'_>) -> Result<Option<Quant>, Problem> {
        let index = call.info.outputs.get(0).unwrap_or(-1);
        let info = self.info(index)?;
        match info.element {
            element::INT8 => Ok(Some(per_tensor(&info, &name_of(&info, index)?)?)),
            element::UINT8 => Ok(Some(lowered(per_tensor(&info, &name_of(&info, index)?)?))),
            _ => Ok(None),
        }
    }

    /// Tells of a network input or output that was uint8.
    pub(super) fn note_port(&mut self, index: i32, what: &str) -> Result<(), Problem> {
        let info = self.info(index)?;
        if info.element == element::UINT8 {
            let name = printable(&name_of(&info, index)?);
            let notes = &mut self.assembler.graph.notes;
            notes.push(format!(
                "{what} '{name}' is uint8: here it is int8, values lower by 128"
            ));
        }
        Ok(())
    }

    /// Whether the operator only shows a constant otherwise (float16 as float32, a sparse one as dense); then its output
    /// is that constant.
    pub(super) fn shows_constant(&mut self, call: &Call<'_>) -> Result<bool, Problem> {
        let (Some(from), Some(to)) = (call.info.inputs.get(0), call.info.outputs.get(0)) else {
            return Ok(false);
        };
        let from = self.converted.get(&from).copied().unwrap_or(from);
        let info = self.info(from)?;
        let shown = info.element == element::FLOAT16 || info.sparsity.is_some();
        let is_known = self.activations.get(as_index(from)?).copied().flatten();
        if !shown || is_known.is_some() || self.model.buffer(info.buffer)?.is_empty() {
            return Ok(false);
        }
        self.converted.insert(to, from);
        Ok(true)
    }

    /// Whether one of the operator's inputs is a constant.
    pub(super) fn has_constant_operand(&self, call: &Call<'_>) -> bool {
        call.info.inputs.iter().any(|index| {
            let known = |i: usize| self.activations.get(i).copied().flatten().is_some();
            !as_index(index).is_ok_and(known)
        })
    }

    /// How many operators read a tensor.
    pub(super) fn readers(&self, tensor: Option<i32>) -> usize {
        tensor
            .and_then(|t| self.reader_counts.get(&t))
            .copied()
            .unwrap_or(0)
    }

    /// Creates the activation of a tensor.
    pub(super) fn define(&mut self, index: i32) -> Result<TensorId, Problem> {
        self.define_as(index, None)
    }

    /// Creates the activation of a tensor whose dimensions show `shape`, or say it where that is `None`.
    pub(super) fn define_as(
        &mut self,
        index: i32,
        shape: Option<Shape>,
    ) -> Result<TensorId, Problem> {
        let info = self.info(index)?;
        let name = name_of(&info, index)?;
        let dims = dims_of(&info)?;
        let quant = match info.element {
            element::FLOAT32 => None,
            element::INT8 => Some(per_tensor(&info, &name)?),
            element::UINT8 => Some(lowered(per_tensor(&info, &name)?)),
            other => {
                return Err(Problem::refused(
                    format!(
                        "activation '{}' is {}; float32 and int8 are supported",
                        printable(&name),
                        element::name(other)
                    ),
                    if other == element::INT16 {
                        "convert with 8-bit activations (`supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]`), or to float32"
                    } else {
                        "convert with `inference_input_type = inference_output_type = tf.int8`, or to float32"
                    },
                ));
            }
        };
        let (shape, dims) = match shape {
            Some(given) if has_open_size(&info) && dims.len() == 4 => {
                (given, vec![1, given.h, given.w, given.c])
            }
            Some(given) => (given, dims),
            None => (shape_of(&dims, Order::Nhwc)?, dims),
        };
        let id = self
            .assembler
            .shaped(&name, shape, &dims, Order::Nhwc, quant)?;
        match self.activations.get_mut(as_index(index)?) {
            Some(slot) if slot.is_none() => *slot = Some(id),
            _ => {
                return Err(Problem::malformed(format!(
                    "tensor '{}' is written twice",
                    printable(&name)
                )));
            }
        }
        Ok(id)
    }
}

/// The quantisation of uint8 values as int8 ones, lower by 128.
const fn lowered(quant: Quant) -> Quant {
    Quant {
        scale: quant.scale,
        zero_point: quant.zero_point.saturating_sub(128),
    }
}

/// The name of a tensor, or one that tells its position.
pub(super) fn name_of(info: &TensorInfo<'_>, index: i32) -> Result<String, Problem> {
    if info.name.len() > limits::NAME {
        return Err(Problem::Limit {
            what: "bytes of a tensor's name",
            found: info.name.len() as u64,
            limit: limits::NAME as u64,
        });
    }
    Ok(if info.name.is_empty() {
        format!("tensor_{index}")
    } else {
        String::from_utf8_lossy(info.name).into_owned()
    })
}

/// Whether the converter left a dimension besides the batch open; the declared one is then 1.
pub(super) fn has_open_size(info: &TensorInfo<'_>) -> bool {
    info.signature.iter().skip(1).any(|d| d < 0)
}

/// The dimensions of a tensor.
pub(super) fn dims_of(info: &TensorInfo<'_>) -> Result<Vec<usize>, Problem> {
    if info.shape.len() > limits::RANK {
        return Err(Problem::malformed(format!("rank {}", info.shape.len())));
    }
    info.shape
        .iter()
        .map(|d| usize::try_from(d).map_err(|_| Problem::malformed(format!("dimension {d}"))))
        .collect()
}

/// The one scale and zero point of an int8 tensor.
pub(super) fn per_tensor(info: &TensorInfo<'_>, name: &str) -> Result<Quant, Problem> {
    match (
        info.scales.len(),
        info.scales.get(0),
        info.zero_points.get(0),
    ) {
        (1, Some(scale), zero_point) => Ok(Quant {
            scale,
            zero_point: i32::try_from(zero_point.unwrap_or(0)).unwrap_or(i32::MAX),
        }),
        (n, ..) => Err(Problem::malformed(format!(
            "int8 tensor '{}' has {n} scales, not 1",
            printable(name)
        ))),
    }
}
