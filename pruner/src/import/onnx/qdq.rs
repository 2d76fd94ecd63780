//! `QuantizeLinear` and `DequantizeLinear`: scales and zero points of activations and constants.
//!
//! ```text
//! x ─QuantizeLinear→ q ─DequantizeLinear→ x' ─Conv→ y ─QuantizeLinear→ …       activations: nodes of the graph
//! w (int8) ─DequantizeLinear→ w'                                               constants: integers with scales
//! ```
//!
//! Layers keep the integers of their weights, and `quantize::adopt` makes integer operators of what lies between two
//! conversions. `uint8` is `int8` with zero points and values lower by 128.

use super::super::error::{Problem, printable};
use super::super::limits::Budget;
use super::constants::{Constant, Data, element, element_name};
use super::reshape::absolute;
use super::schema::TensorProto;
use super::{Call, Importer};
use crate::ir::{Bias, Op, Quant, TensorId};
use std::rc::Rc;

/// How to quantise so that it is supported.
const HOW: &str = "quantise with 8-bit activations and weights, e.g. ONNX Runtime's `quantize_static(…, activation_type=QuantType.QInt8, weight_type=QuantType.QInt8)`, or give the float model with `--calib`";

/// Integers of a constant, zero points subtracted, and what one of them is worth.
#[derive(Debug)]
pub(super) struct Quantized {
    pub(super) values: Vec<i32>,
    /// One, or one for each index along `axis`.
    pub(super) scales: Vec<f32>,
    pub(super) axis: usize,
    /// 32-bit integers: a bias.
    pub(super) is_wide: bool,
}

impl Quantized {
    /// The real numbers of a constant with these dimensions.
    pub(super) fn real(&self, dims: &[usize]) -> Vec<f32> {
        let inner: usize = dims.get(self.axis + 1..).unwrap_or(&[]).iter().product();
        let along = dims.get(self.axis).copied().unwrap_or(1).max(1);
        let of = |i: usize| match self.scales[..] {
            [one] => one,
            _ => self
                .scales
                .get(i / inner.max(1) % along)
                .copied()
                .unwrap_or(0.0),
        };
        let pairs = self.values.iter().enumerate();
        pairs.map(|(i, v)| real(*v, of(i))).collect()
    }
}

/// `QuantizeLinear` of an activation.
pub(in crate::import) fn quantize_linear<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let divided = importer.divided(call)?;
    let input = importer.whole(call, divided.as_ref())?;
    let (quant, element) = importer.activation_quant(call, None)?;
    let output = importer.emit_apart(call, Op::Quantize, input, Some(quant))?;
    importer.elements.insert(output, element);
    importer.bind_as(call, divided, output)
}

/// `DequantizeLinear` of an activation, with the scale that it was quantised with.
pub(in crate::import) fn dequantize_linear<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let divided = importer.divided(call)?;
    let input = importer.whole(call, divided.as_ref())?;
    let element = importer.elements.get(&input).copied();
    let (quant, _) = importer.activation_quant(call, element)?;
    if importer.unscaled.remove(&input) {
        importer.assembler.graph.tensor_mut(input).quant = Some(quant);
    }
    let Some(found) = importer.tensor(input).quant else {
        return Err(Problem::malformed("its input is float already"));
    };
    if quant != found {
        return Err(Problem::refused(
            format!(
                "its scale {} and zero point {} differ from those of its input ({} and {}, as int8)",
                quant.scale, quant.zero_point, found.scale, found.zero_point
            ),
            "let the quantiser write both from one set of scales",
        ));
    }
    let output = importer.emit_apart(call, Op::Dequantize, input, None)?;
    importer.bind_as(call, divided, output)
}

/// The constant of `QuantizeLinear` or `DequantizeLinear` on constants; `None` for other operators.
pub(super) fn fold<'a>(
    call: &Call<'a>,
    inputs: &[Option<Constant<'a>>],
    budget: &mut Budget,
) -> Result<Option<Constant<'a>>, Problem> {
    let [Some(x), Some(scale), rest @ ..] = inputs else {
        return Ok(None);
    };
    let zero = rest.first().and_then(Option::as_ref);
    let operator = call.node.op_type.as_str();
    if !matches!(operator, "QuantizeLinear" | "DequantizeLinear") {
        return Ok(None);
    }
    let steps = Steps::of(call, x, scale, zero, budget)?;
    let data = if operator == "DequantizeLinear" {
        let element = x.narrow_type().unwrap_or(0);
        let mut values = x.narrow(budget)?;
        for (i, value) in values.iter_mut().enumerate() {
            *value = value.saturating_sub(steps.zero(i));
        }
        Data::Quantized(Rc::new(Quantized {
            values,
            axis: steps.axis,
            is_wide: element == element::INT32,
            scales: steps.scales,
        }))
    } else {
        let element = zero
            .and_then(Constant::narrow_type)
            .unwrap_or(element::UINT8);
        let values = x.floats(budget)?;
        let pairs = values.iter().enumerate();
        let q = pairs.map(|(i, v)| quantized(*v, steps.scale(i), steps.zero(i), element));
        Data::Narrow(q.collect::<Vec<_>>().into(), element)
    };
    Ok(Some(Constant {
        name: x.name.clone(),
        dims: x.dims.clone(),
        data,
    }))
}

/// Scales and zero points along an axis of a constant.
struct Steps {
    scales: Vec<f32>,
    zeros: Vec<i32>,
    axis: usize,
    inner: usize,
    along: usize,
}

impl Steps {
    fn of(
        call: &Call<'_>,
        x: &Constant<'_>,
        scale: &Constant<'_>,
        zero: Option<&Constant<'_>>,
        budget: &mut Budget,
    ) -> Result<Self, Problem> {
        unblocked(call)?;
        let scales = scale.floats(budget)?;
        let zeros = match zero {
            Some(zero) => zero.narrow(budget)?,
            None => vec![0; scales.len()],
        };
        let axis = match (scales.len(), x.dims.len()) {
            (1, _) | (_, 0) => 0,
            (_, rank) => absolute(call.attributes().int("axis", 1), rank, 1)?,
        };
        let along = x.dims.get(axis).copied().unwrap_or(1);
        let fits = scales.len() == 1 || scales.len() == along;
        if !fits || zeros.len() != scales.len() || scales.iter().any(|s| *s < 0.0) {
            return Err(Problem::malformed(format!(
                "{} scales and {} zero points for constant '{}' of dimensions {:?}",
                scales.len(),
                zeros.len(),
                printable(&x.name),
                x.dims
            )));
        }
        Ok(Self {
            scales,
            zeros,
            axis,
            inner: x.dims.get(axis + 1..).unwrap_or(&[]).iter().product(),
            along,
        })
    }

    const fn index(&self, i: usize) -> usize {
        if self.scales.len() == 1 || self.inner == 0 || self.along == 0 {
            0
        } else {
            i / self.inner % self.along
        }
    }

    fn scale(&self, i: usize) -> f32 {
        self.scales.get(self.index(i)).copied().unwrap_or(1.0)
    }

    fn zero(&self, i: usize) -> i32 {
        self.zeros.get(self.index(i)).copied().unwrap_or(0)
    }
}

/// Refuses scales for blocks of values.
fn unblocked(call: &Call<'_>) -> Result<(), Problem> {
    match call.attributes().int("block_size", 0) {
        0 => Ok(()),
        size => Err(Problem::refused(
            format!("blocks of {size} values with a scale each are not supported"),
            HOW,
        )),
    }
}

impl<'a> Importer<'a> {
    /// Scale and zero point of an activation as int8, and its element type; `known` is the type of its integers.
    fn activation_quant(
        &mut self,
        call: &Call<'a>,
        known: Option<i32>,
    ) -> Result<(Quant, i32), Problem> {
        unblocked(call)?;
        let (_, scales) = self.floats(call, 1)?;
        let zero = self.constant(call, 2)?;
        let element = match &zero {
            Some(zero) => zero.narrow_type().unwrap_or(0),
            None => i32::try_from(call.attributes().int("output_dtype", 0)).unwrap_or(0),
        };
        let element = match element {
            0 => known.unwrap_or(element::UINT8),
            named => named,
        };
        if let Some(known) = known.filter(|k| *k != element) {
            return Err(Problem::malformed(format!(
                "its zero point is {}, its input {}",
                element_name(element),
                element_name(known)
            )));
        }
        let offset = match element {
            element::UINT8 => 128,
            element::INT8 => 0,
            other => {
                let kind = element_name(other);
                return Err(Problem::refused(
                    format!("activations of {kind} are not supported"),
                    HOW,
                ));
            }
        };
        let zeros = match zero {
            Some(zero) => zero.narrow(&mut self.assembler.budget)?,
            None => vec![0],
        };
        let ([scale], [zero]) = (&scales[..], &zeros[..]) else {
            return Err(Problem::refused(
                "an activation with several scales is not supported",
                HOW,
            ));
        };
        let quant = Quant {
            scale: *scale,
            zero_point: zero.saturating_sub(offset),
        };
        Ok((quant, element))
    }

    /// The weights in constant input `i` for outputs along `axis`: whole numbers with a scale an output where they
    /// are quantised, floats without scales otherwise.
    pub(super) fn weights(
        &mut self,
        call: &Call<'a>,
        i: usize,
        axis: usize,
    ) -> Result<(Constant<'a>, Vec<f32>, Vec<f32>), Problem> {
        if let Some(constant) = self.constant(call, i)?
            && let Data::Quantized(quantized) = &constant.data
        {
            let rows = constant.dims.get(axis).copied().unwrap_or(0);
            let is_narrow = quantized.values.iter().all(|v| (-255..=255).contains(v));
            let per_row = quantized.scales.len() == 1 || quantized.axis == axis;
            if is_narrow && per_row && !quantized.is_wide {
                self.assembler.budget.take(quantized.values.len() + rows)?;
                let values = quantized.values.iter().map(|v| real(*v, 1.0)).collect();
                let scales = match quantized.scales[..] {
                    [one] => vec![one; rows],
                    _ => quantized.scales.clone(),
                };
                return Ok((constant.clone(), values, scales));
            }
            self.assembler.graph.notes.push(format!(
                "weights '{}' have scales that are not one an output channel: rounded again, so that outputs may differ by a few \
                 steps; `weight_type=QuantType.QInt8` keeps them",
                printable(&constant.name)
            ));
        }
        let (constant, values) = self.floats(call, i)?;
        Ok((constant, values, Vec::new()))
    }

    /// The integers of a quantised bias; the scales are remembered for the node.
    pub(super) fn integer_bias(
        &mut self,
        call: &Call<'a>,
        constant: &Constant<'a>,
        rows: usize,
    ) -> Result<Option<Bias>, Problem> {
        let Data::Quantized(quantized) = &constant.data else {
            return Ok(None);
        };
        if !quantized.is_wide || quantized.values.len() != rows {
            return Ok(None);
        }
        self.assembler.budget.take(2 * rows)?;
        let scales = match quantized.scales[..] {
            [one] => vec![one; rows],
            _ => quantized.scales.clone(),
        };
        self.bias_scales.insert(call.index, scales);
        Ok(Some(Bias::S32(quantized.values.clone())))
    }

    /// Whether anything in the network was quantised before.
    pub(super) fn is_quantized(&self) -> bool {
        let graph = &self.assembler.graph;
        graph.tensors.iter().any(|t| t.quant.is_some())
            || graph
                .nodes
                .iter()
                .any(|n| n.op.weights().is_some_and(|w| !w.scales.is_empty()))
    }

    /// The quantisation of an output that only moves integers of one scale.
    pub(super) fn moved_quant(&self, op: &Op, inputs: &[TensorId]) -> Option<Quant> {
        let moves = matches!(
            op,
            Op::MaxPool2d(_)
                | Op::Flatten(_)
                | Op::Reshape(_)
                | Op::Rearrange(_)
                | Op::Resize(_)
                | Op::Identity
        );
        let quant = self.tensor(*inputs.first()?).quant;
        let is_same = inputs.iter().all(|i| self.tensor(*i).quant == quant);
        quant.filter(|_| moves && is_same)
    }

    /// Lets an output that shows the integers of `inputs` have their element type.
    pub(super) fn keep_element(&mut self, inputs: &[TensorId], output: TensorId) {
        let element = inputs.first().and_then(|i| self.elements.get(i)).copied();
        if let Some(element) = element.filter(|_| self.tensor(output).quant.is_some()) {
            self.elements.insert(output, element);
        }
    }
}

impl Constant<'_> {
    /// The element type of narrow integers and biases.
    pub(super) const fn narrow_type(&self) -> Option<i32> {
        match &self.data {
            Data::Proto(tensor) => Some(tensor.data_type),
            Data::Narrow(_, element) => Some(*element),
            Data::Ints(_) => Some(element::INT32),
            Data::Floats(_) | Data::Quantized(_) => None,
        }
    }

    /// The values of an 8-bit or 32-bit integer constant.
    pub(super) fn narrow(&self, budget: &mut Budget) -> Result<Vec<i32>, Problem> {
        let count = self.count()?;
        let tensor = match &self.data {
            Data::Narrow(values, _) => {
                budget.take(count)?;
                return Ok(values.to_vec());
            }
            Data::Proto(tensor) => *tensor,
            Data::Ints(values) => {
                budget.take(count)?;
                let narrow = values.iter().map(|v| i32::try_from(*v).ok()).collect();
                return Option::ok_or(narrow, self.bad("it exceeds 32 bits"));
            }
            Data::Floats(_) | Data::Quantized(_) => {
                return Err(self.bad("it is not of a narrow integer type"));
            }
        };
        self.narrow_values(tensor, count, budget)
    }

    fn narrow_values(
        &self,
        tensor: &TensorProto,
        count: usize,
        budget: &mut Budget,
    ) -> Result<Vec<i32>, Problem> {
        match (tensor.data_type, tensor.raw_data.as_deref()) {
            (element::UINT8, Some(raw)) => {
                self.collect(raw, count, budget, |[b]: [u8; 1]| i32::from(b))
            }
            (element::INT8, Some(raw)) => {
                self.collect(raw, count, budget, |b| i32::from(i8::from_le_bytes(b)))
            }
            (element::INT32, Some(raw)) => self.collect(raw, count, budget, i32::from_le_bytes),
            (element::UINT8 | element::INT8 | element::INT32, None) => {
                self.sized(tensor.int32_data.len(), count)?;
                budget.take(count)?;
                Ok(tensor.int32_data.clone())
            }
            (other, _) => Err(Problem::refused(
                format!(
                    "quantised constant '{}' is {}; int8, uint8 and int32 are supported",
                    printable(&self.name),
                    element_name(other)
                ),
                HOW,
            )),
        }
    }
}

/// Whether the constant is a quantised bias.
pub(super) fn is_wide(constant: &Constant<'_>) -> bool {
    matches!(&constant.data, Data::Quantized(q) if q.is_wide)
}

/// `round_half_even(x / scale) + zero`, in the range of an element type.
#[expect(
    clippy::cast_possible_truncation,
    reason = "float to integer casts saturate, as wanted"
)]
fn quantized(x: f32, scale: f32, zero: i32, element: i32) -> i32 {
    let q = ((x / scale).round_ties_even() as i32).saturating_add(zero);
    match element {
        element::UINT8 => q.clamp(0, 255),
        element::INT8 => q.clamp(-128, 127),
        _ => q,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "constants are f32")]
fn real(value: i32, scale: f32) -> f32 {
    (f64::from(value) * f64::from(scale)) as f32
}
