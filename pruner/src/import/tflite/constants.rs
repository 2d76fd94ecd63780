//! Constants of a TFLite model: weights, biases and short lists of integers, as stored, as float16 or sparse.

use super::super::assemble::finite;
use super::super::error::{Problem, printable};
use super::super::limits;
use super::flatbuffer::Table;
use super::schema::{TensorInfo, element};
use super::tensors::{dims_of, name_of, per_tensor};
use super::{Call, Importer, as_index, sparse};
use crate::ir::{Bias, DType, Quant, Values};
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
