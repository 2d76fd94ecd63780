//! Activations and constants of a TFLite model.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::super::geometry::shape_of;
use super::super::limits;
use super::flatbuffer::Table;
use super::schema::{TensorInfo, element};
use super::sparse;
use super::{Call, Importer, as_index};
use crate::ir::{Bias, DType, Order, Quant, Shape, TensorId, Values};
use std::borrow::Cow;

/// A constant tensor: what it is called, its dimensions and its bytes.
#[derive(Debug)]
pub(super) struct Constant<'a> {
    pub(super) name: String,
    pub(super) dims: Vec<usize>,
    info: TensorInfo<'a>,
    bytes: Cow<'a, [u8]>,
}

impl<'a> Importer<'a> {
    fn info(&self, index: i32) -> Result<TensorInfo<'a>, Problem> {
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
            _ => Ok(None),
        }
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
        let shape = match shape {
            Some(shape) => shape,
            None => shape_of(&dims, Order::Nhwc)?,
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

    /// The constant at position `i` of the operator's inputs; `None` where an optional one is left out.
    pub(super) fn constant(
        &mut self,
        call: &Call<'_>,
        i: usize,
    ) -> Result<Option<Constant<'a>>, Problem> {
        let Some(index) = call.info.inputs.get(i).filter(|index| *index != -1) else {
            return Ok(None);
        };
        let index = self.converted.get(&index).copied().unwrap_or(index);
        let info = self.info(index)?;
        let name = name_of(&info, index)?;
        if self
            .activations
            .get(as_index(index)?)
            .copied()
            .flatten()
            .is_some()
        {
            return Err(Problem::unsupported(format!(
                "tensor '{}' must be a constant",
                printable(&name)
            )));
        }
        let dims = dims_of(&info)?;
        let stored = self.model.buffer(info.buffer)?;
        let bytes = match &info.sparsity {
            None => Cow::Borrowed(stored),
            Some(sparsity) => Cow::Owned(self.dense_bytes(sparsity, &info, &dims, stored)?),
        };
        Ok(Some(Constant {
            dims,
            bytes,
            name,
            info,
        }))
    }

    /// The bytes of a constant that is stored in the sparse encoding.
    fn dense_bytes(
        &mut self,
        sparsity: &Table<'_>,
        info: &TensorInfo<'_>,
        dims: &[usize],
        stored: &[u8],
    ) -> Result<Vec<u8>, Problem> {
        let size = match info.element {
            element::FLOAT32 | element::INT32 => 4,
            element::FLOAT16 => 2,
            element::INT8 => 1,
            other => {
                return Err(Problem::unsupported(format!(
                    "a sparse tensor of {}",
                    element::name(other)
                )));
            }
        };
        let count = dims.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
        self.assembler.budget.take(count.unwrap_or(usize::MAX))?;
        sparse::densify(sparsity, dims, stored, size)
    }

    /// The constant at position `i`, which must be there.
    pub(super) fn required(&mut self, call: &Call<'_>, i: usize) -> Result<Constant<'a>, Problem> {
        self.constant(call, i)?
            .ok_or_else(|| Problem::malformed(format!("its constant input {i} is missing")))
    }

    /// The values of a weight tensor for an input of type `input`, in the source's order.
    pub(super) fn weight_values(
        &mut self,
        constant: &Constant<'a>,
        input: DType,
    ) -> Result<Values, Problem> {
        let count = constant.count()?;
        let (zeros, scales) = (&constant.info.zero_points, &constant.info.scales);
        if zeros.len() > scales.len() || scales.len() > count.max(1) {
            return Err(Problem::malformed(format!(
                "weights '{}' have {} scales and {} zero points",
                printable(&constant.name),
                scales.len(),
                zeros.len()
            )));
        }
        match (constant.info.element, input) {
            (element::FLOAT32 | element::FLOAT16, DType::F32) => {
                self.assembler.budget.take(count)?;
                Ok(Values::F32(constant.floats()?))
            }
            (element::INT8, DType::S8) => {
                constant.sized(count)?;
                self.assembler.budget.take(count)?;
                if zeros.iter().any(|z| z != 0) {
                    return Err(Problem::unsupported(format!(
                        "weights '{}' have a zero point other than 0",
                        printable(&constant.name)
                    )));
                }
                Ok(Values::S8(
                    constant
                        .bytes
                        .iter()
                        .map(|b| i8::from_le_bytes([*b]))
                        .collect(),
                ))
            }
            (element::INT8 | element::UINT8, DType::F32) => {
                self.real_weights(constant).map(Values::F32)
            }
            (other, _) => Err(Problem::refused(
                format!(
                    "weights '{}' are {}",
                    printable(&constant.name),
                    element::name(other)
                ),
                "convert the model to float32 or to full int8",
            )),
        }
    }

    /// One scale per output channel of integer weights; none for floats.
    pub(super) fn weight_scales(
        &mut self,
        constant: &Constant<'a>,
        input: DType,
        channels: usize,
        axis: i32,
    ) -> Result<Vec<f32>, Problem> {
        if constant.info.element != element::INT8 || input != DType::S8 {
            return Ok(Vec::new());
        }
        let found = constant.info.scales.len();
        let per_axis =
            found == channels && (channels == 1 || constant.info.quantized_dimension == axis);
        self.assembler.budget.take(channels)?;
        let scales: Vec<f32> = match found {
            1 => constant.info.scales.iter().cycle_to(channels),
            _ if per_axis => constant.info.scales.iter().collect(),
            _ => {
                return Err(Problem::malformed(format!(
                    "weights '{}' have {found} scales on axis {} for {channels} output channels",
                    printable(&constant.name),
                    constant.info.quantized_dimension
                )));
            }
        };
        if scales.iter().any(|s| *s < 0.0) {
            return Err(Problem::malformed(format!(
                "weights '{}' have a negative scale",
                printable(&constant.name)
            )));
        }
        finite(&constant.name, &scales)?;
        Ok(scales)
    }

    /// The bias at position `i` for `rows` output channels.
    pub(super) fn bias(
        &mut self,
        call: &Call<'_>,
        i: usize,
        rows: usize,
        input: DType,
    ) -> Result<Bias, Problem> {
        let Some(constant) = self.constant(call, i)? else {
            return Ok(Bias::None);
        };
        let count = constant.count()?;
        if count != rows {
            return Err(Problem::malformed(format!(
                "bias '{}' has {count} values for {rows} output channels",
                printable(&constant.name)
            )));
        }
        self.assembler.budget.take(count)?;
        match (constant.info.element, input) {
            (element::FLOAT32 | element::FLOAT16, DType::F32) => {
                let values = constant.floats()?;
                finite(&constant.name, &values)?;
                Ok(Bias::F32(values))
            }
            (element::INT32, DType::S8) => Ok(Bias::S32(constant.int32()?)),
            (other, _) => Err(Problem::refused(
                format!(
                    "bias '{}' is {}",
                    printable(&constant.name),
                    element::name(other)
                ),
                "convert the model to float32 or to full int8",
            )),
        }
    }
}

/// Repeats the first item; the counterpart of one scale for all channels.
trait CycleTo: Iterator<Item = f32> + Sized {
    fn cycle_to(mut self, count: usize) -> Vec<f32> {
        self.next()
            .map_or_else(Vec::new, |first| vec![first; count])
    }
}

impl<I: Iterator<Item = f32>> CycleTo for I {}

impl Constant<'_> {
    /// Number of values that the dimensions give.
    pub(super) fn count(&self) -> Result<usize, Problem> {
        self.dims
            .iter()
            .try_fold(1_usize, |n, d| n.checked_mul(*d))
            .ok_or_else(|| Problem::malformed(format!("dimensions {:?} overflow", self.dims)))
    }

    fn sized(&self, len: usize) -> Result<(), Problem> {
        if self.bytes.len() == len {
            return Ok(());
        }
        Err(Problem::malformed(format!(
            "'{}' of dimensions {:?} has {} bytes, not {len}",
            printable(&self.name),
            self.dims,
            self.bytes.len()
        )))
    }

    /// The values of an 8-bit integer constant.
    pub(super) fn bytes_as_integers(&self) -> Result<Vec<i16>, Problem> {
        self.sized(self.count()?)?;
        let signed = self.info.element == element::INT8;
        let value = |b: &u8| {
            if signed {
                i16::from(i8::from_le_bytes([*b]))
            } else {
                i16::from(*b)
            }
        };
        Ok(self.bytes.iter().map(value).collect())
    }

    /// Scales and zero points.
    pub(super) fn steps(&self) -> (Vec<f32>, Vec<f32>) {
        let zeros = self.info.zero_points.iter();
        let zeros = zeros.map(|z| f32::from(i16::try_from(z).unwrap_or(0)));
        (self.info.scales.iter().collect(), zeros.collect())
    }

    /// The axis that the scales run along.
    pub(super) const fn axis(&self) -> i32 {
        self.info.quantized_dimension
    }

    fn words(&self) -> Result<impl Iterator<Item = [u8; 4]>, Problem> {
        self.sized(self.count()?.saturating_mul(4))?;
        Ok(self.bytes.chunks_exact(4).filter_map(|w| w.try_into().ok()))
    }

    /// The values as floats.
    pub(super) fn floats(&self) -> Result<Vec<f32>, Problem> {
        if self.info.element == element::FLOAT16 {
            self.sized(self.count()?.saturating_mul(2))?;
            let (halves, _) = self.bytes.as_chunks();
            return Ok(halves
                .iter()
                .map(|b| half::f16::from_le_bytes(*b).to_f32())
                .collect());
        }
        if self.info.element != element::FLOAT32 {
            return Err(Problem::unsupported(format!(
                "'{}' is {}, not float32",
                printable(&self.name),
                element::name(self.info.element)
            )));
        }
        Ok(self.words()?.map(f32::from_le_bytes).collect())
    }

    fn int32(&self) -> Result<Vec<i32>, Problem> {
        Ok(self.words()?.map(i32::from_le_bytes).collect())
    }

    /// A short list of integers (axes, paddings, dimensions), int32 or int64.
    pub(super) fn integers(&self) -> Result<Vec<i64>, Problem> {
        let count = self.count()?;
        if count > 2 * limits::RANK {
            return Err(Problem::malformed(format!(
                "'{}' has {count} values",
                printable(&self.name)
            )));
        }
        match self.info.element {
            element::INT32 => Ok(self.int32()?.into_iter().map(i64::from).collect()),
            element::INT64 => {
                self.sized(count * 8)?;
                Ok(self
                    .bytes
                    .chunks_exact(8)
                    .filter_map(|w| w.try_into().ok().map(i64::from_le_bytes))
                    .collect())
            }
            other => Err(Problem::malformed(format!(
                "'{}' is {}, not an integer",
                printable(&self.name),
                element::name(other)
            ))),
        }
    }

    /// int8 values less their zero point, and their scale.
    pub(super) fn centred(&self) -> Result<(Vec<i16>, Quant), Problem> {
        self.sized(self.count()?)?;
        let quant = per_tensor(&self.info, &self.name)?;
        let zero = i16::try_from(quant.zero_point).unwrap_or(0);
        let centred = |b: &u8| i16::from(b.cast_signed()) - zero;
        Ok((self.bytes.iter().map(centred).collect(), quant))
    }

    /// The real value of a scalar constant, dequantised if it is int8.
    pub(super) fn real_scalar(&self) -> Result<f32, Problem> {
        match self.info.element {
            element::INT8 => {
                self.sized(1)?;
                let quant = per_tensor(&self.info, &self.name)?;
                let q = self
                    .bytes
                    .first()
                    .map_or(0, |b| i32::from(i8::from_le_bytes([*b])));
                #[expect(clippy::cast_precision_loss, reason = "a difference of two bytes")]
                let value = (q - quant.zero_point) as f32 * quant.scale;
                Ok(value)
            }
            _ => match self.floats()?.as_slice() {
                [value] => Ok(*value),
                many => Err(Problem::malformed(format!(
                    "'{}' has {} values, not 1",
                    printable(&self.name),
                    many.len()
                ))),
            },
        }
    }
}

fn name_of(info: &TensorInfo<'_>, index: i32) -> Result<String, Problem> {
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

fn dims_of(info: &TensorInfo<'_>) -> Result<Vec<usize>, Problem> {
    if info.shape.len() > limits::RANK {
        return Err(Problem::malformed(format!("rank {}", info.shape.len())));
    }
    info.shape
        .iter()
        .map(|d| usize::try_from(d).map_err(|_| Problem::malformed(format!("dimension {d}"))))
        .collect()
}

fn per_tensor(info: &TensorInfo<'_>, name: &str) -> Result<Quant, Problem> {
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
