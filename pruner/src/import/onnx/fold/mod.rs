//! Operators whose inputs are all constants: what exporters write to compute shapes, and weights in another order.
//!
//! Their results are constants again; nothing of them is left in the graph. Results are bounded before they are
//! allocated, and counted in the budget of constants.

mod arithmetic;
mod array;
#[cfg(test)]
mod tests;

use super::super::error::Problem;
use super::super::limits::Budget;
use super::constants::{Constant, Data};
use super::qdq::{self, Quantized};
use super::reshape::{absolute, perm_of, reshaped_dims, squeezed, unsqueezed};
use super::{Call, Importer, Value};
use array::{Array, Numbers, bounded, signed, strided};
use std::rc::Rc;

/// The constant that a node computes; `None` where it is not one of these operators on constants.
pub(super) fn fold<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<Option<Constant<'a>>, Problem> {
    let operator = call.node.op_type.as_str();
    match operator {
        "Constant" => return constant_node(call).map(Some),
        "Shape" => return shape(importer, call).map(Some),
        _ => {}
    }
    let mut inputs = Vec::new();
    for i in 0..call.node.input.len() {
        match importer.value(call, i)? {
            Some(Value::Constant(constant)) => inputs.push(Some(constant)),
            Some(Value::Activation(_) | Value::Divided(_)) => return Ok(None),
            None => inputs.push(None),
        }
    }
    let Some(Some(first)) = inputs.first() else {
        return Ok(None);
    };
    match operator {
        "Identity" | "Dropout" => return Ok(Some(first.clone())),
        "Cast" if first.narrow_type().map(i64::from) == Some(call.attributes().int("to", 1)) => {
            return Ok(Some(first.clone()));
        }
        "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => {
            return with_dims(importer, call, first).map(Some);
        }
        _ => {}
    }
    if let Some(constant) = qdq::fold(call, &inputs, &mut importer.assembler.budget)? {
        return Ok(Some(constant));
    }
    if let ("Transpose", Data::Quantized(quantized)) = (operator, &first.data) {
        return turned(call, first, quantized, &mut importer.assembler.budget).map(Some);
    }
    let operands = Operands {
        inputs: &inputs,
        call,
    };
    let folded = operands.fold(importer)?;
    let Some(array) = folded else {
        return Ok(None);
    };
    Ok(Some(named(call.output()?, &first.name, array)))
}

/// A computed array as a constant; floats keep the name of what they were made from, the key of masks.
fn named<'a>(name: &'a str, source: &std::borrow::Cow<'a, str>, array: Array) -> Constant<'a> {
    match array.numbers {
        Numbers::Ints(values) => Constant::from_ints(name, array.dims, values),
        Numbers::Floats(values) => Constant {
            name: source.clone(),
            dims: array.dims,
            data: Data::Floats(values.into()),
        },
    }
}

/// The constant inputs of one node.
struct Operands<'c, 'a> {
    inputs: &'c [Option<Constant<'a>>],
    call: &'c Call<'a>,
}

impl<'a> Operands<'_, 'a> {
    fn fold(&self, importer: &mut Importer<'a>) -> Result<Option<Array>, Problem> {
        let operator = self.call.node.op_type.as_str();
        let outcome = match operator {
            "Cast" => self.cast(importer)?,
            "Transpose" => self.transpose(importer)?,
            "Slice" => self.slice(importer)?,
            "Gather" => self.gather(importer)?,
            "Concat" => self.concat(importer)?,
            "Expand" => {
                let dims = self.lengths(1)?;
                let from = self.array(importer, 0)?;
                let dims = array::broadcast(&from.dims, &dims)?;
                from.expanded(&dims, &mut importer.assembler.budget)?
            }
            "ConstantOfShape" => self.filled(importer)?,
            "Range" => self.range()?,
            "Where" => {
                let (if_true, if_false) = (self.array(importer, 1)?, self.array(importer, 2)?);
                let condition = self.array(importer, 0)?;
                let budget = &mut importer.assembler.budget;
                arithmetic::select(&condition, &if_true, &if_false, budget)?
            }
            _ => return arithmetic::fold(self, importer, operator),
        };
        Ok(Some(outcome))
    }

    /// Input `i`, which must be there.
    fn constant(&self, i: usize) -> Result<&Constant<'a>, Problem> {
        let found = self.inputs.get(i).and_then(Option::as_ref);
        found.ok_or_else(|| Problem::malformed(format!("its input {i} is missing")))
    }

    /// Input `i` with its numbers.
    fn array(&self, importer: &mut Importer<'a>, i: usize) -> Result<Array, Problem> {
        let constant = self.constant(i)?;
        let numbers = if constant.is_integer() {
            Numbers::Ints(constant.many_ints()?)
        } else {
            Numbers::Floats(constant.floats(&mut importer.assembler.budget)?)
        };
        Array::new(constant.dims.clone(), numbers)
    }

    /// Input `i` as dimensions.
    fn lengths(&self, i: usize) -> Result<Vec<usize>, Problem> {
        let numbers = self.constant(i)?.ints()?;
        numbers
            .iter()
            .map(|d| usize::try_from(*d).map_err(|_| Problem::malformed(format!("dimension {d}"))))
            .collect()
    }

    fn cast(&self, importer: &mut Importer<'a>) -> Result<Array, Problem> {
        let array = self.array(importer, 0)?;
        let to = self.call.attributes().int("to", 1);
        let numbers = match (array.numbers, to) {
            (Numbers::Ints(v), 1 | 10 | 11 | 16) => {
                Numbers::Floats(v.iter().map(|x| arithmetic::to_float(*x)).collect())
            }
            (Numbers::Floats(v), 2..=7 | 12 | 13) => {
                Numbers::Ints(v.iter().map(|x| arithmetic::to_int(*x)).collect())
            }
            (Numbers::Ints(v), 9) => Numbers::Ints(v.iter().map(|x| i64::from(*x != 0)).collect()),
            (Numbers::Floats(v), 9) => {
                Numbers::Ints(v.iter().map(|x| i64::from(*x != 0.0)).collect())
            }
            (same, _) => same,
        };
        Array::new(array.dims, numbers)
    }

    fn transpose(&self, importer: &mut Importer<'a>) -> Result<Array, Problem> {
        let array = self.array(importer, 0)?;
        array.transposed(&perm_of(self.call, array.dims.len())?)
    }

    fn slice(&self, importer: &mut Importer<'a>) -> Result<Array, Problem> {
        let array = self.array(importer, 0)?;
        let attributes = self.call.attributes();
        let list = |name: &str, i: usize| match attributes.ints(name)? {
            Some(list) => Ok(Some(list.to_vec())),
            None => match self.inputs.get(i).and_then(Option::as_ref) {
                Some(constant) => constant.ints().map(Some),
                None => Ok(None),
            },
        };
        let missing = || Problem::malformed("a slice without its starts or ends");
        let starts = list("starts", 1)?.ok_or_else(missing)?;
        let ends = list("ends", 2)?.ok_or_else(missing)?;
        let axes = list("axes", 3)?.unwrap_or_else(|| (0..signed(starts.len())).collect());
        let steps = list("steps", 4)?.unwrap_or_else(|| vec![1; starts.len()]);
        if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
            return Err(Problem::malformed("a slice whose lists differ in length"));
        }
        let (mut dims, mut first) = (array.dims.clone(), 0);
        let mut strides: Vec<i64> = array.strides().into_iter().map(signed).collect();
        for (((start, end), axis), step) in starts.iter().zip(&ends).zip(&axes).zip(&steps) {
            let axis = absolute(*axis, dims.len(), 1)?;
            let (begin, len) = span(*start, *end, *step, array.dims[axis])?;
            first = strides[axis].wrapping_mul(begin).wrapping_add(first);
            strides[axis] = strides[axis].saturating_mul(*step);
            dims[axis] = len;
        }
        let positions = strided(&dims, &strides, first)?;
        array.picked(dims, &positions)
    }

    fn gather(&self, importer: &mut Importer<'a>) -> Result<Array, Problem> {
        let array = self.array(importer, 0)?;
        let indices = self.constant(1)?;
        let axis = self.call.attributes().int("axis", 0);
        let axis = absolute(axis, array.dims.len(), 1)?;
        let budget = &mut importer.assembler.budget;
        array.gathered(axis, &indices.many_ints()?, &indices.dims, budget)
    }

    fn concat(&self, importer: &mut Importer<'a>) -> Result<Array, Problem> {
        let first = self.array(importer, 0)?;
        let axis = absolute(self.call.attributes().int("axis", 0), first.dims.len(), 1)?;
        let mut arrays = vec![first];
        for i in 1..self.inputs.len() {
            arrays.push(self.array(importer, i)?);
        }
        arithmetic::joined(&arrays, axis, &mut importer.assembler.budget)
    }

    fn filled(&self, importer: &mut Importer<'a>) -> Result<Array, Problem> {
        let dims = self.lengths(0)?;
        let value = match self.call.attributes().tensor("value") {
            None => Numbers::Floats(vec![0.0]),
            Some(tensor) => {
                let constant = Constant::from_proto("value", tensor)?;
                if constant.is_integer() {
                    Numbers::Ints(constant.ints()?)
                } else {
                    Numbers::Floats(constant.floats(&mut importer.assembler.budget)?)
                }
            }
        };
        let all = bounded(&dims, &value)?;
        importer.assembler.budget.take(all)?;
        Array::new(vec![1], value)?.picked(dims, &vec![0; all])
    }

    fn range(&self) -> Result<Array, Problem> {
        let one = |i: usize| match self.constant(i)?.ints()?[..] {
            [value] => Ok(value),
            _ => Err(Problem::malformed("a range whose bounds are no numbers")),
        };
        let (start, limit, delta) = (one(0)?, one(1)?, one(2)?);
        let span = i128::from(limit) - i128::from(start);
        let steps = match delta {
            0 => return Err(Problem::malformed("a range with a step of 0")),
            _ if (span > 0) != (delta > 0) => 0,
            _ => span
                .unsigned_abs()
                .div_ceil(i128::from(delta).unsigned_abs()),
        };
        let dims = vec![usize::try_from(steps).unwrap_or(usize::MAX)];
        bounded(&dims, &Numbers::Ints(Vec::new()))?;
        let values = (0..dims[0]).map(|i| start.wrapping_add(delta.wrapping_mul(signed(i))));
        Array::new(dims.clone(), Numbers::Ints(values.collect()))
    }
}

/// Quantised weights with their axes in another order.
fn turned<'a>(
    call: &Call<'a>,
    constant: &Constant<'a>,
    quantized: &Quantized,
    budget: &mut Budget,
) -> Result<Constant<'a>, Problem> {
    let perm = perm_of(call, constant.dims.len())?;
    budget.take(2 * quantized.values.len())?;
    let wide = quantized.values.iter().map(|v| i64::from(*v)).collect();
    let array = Array::new(constant.dims.clone(), Numbers::Ints(wide))?.transposed(&perm)?;
    let Numbers::Ints(values) = array.numbers else {
        return Err(Problem::malformed("integers became floats"));
    };
    let axis = perm.iter().position(|a| *a == quantized.axis);
    Ok(Constant {
        name: constant.name.clone(),
        dims: array.dims,
        data: Data::Quantized(Rc::new(Quantized {
            values: values
                .iter()
                .map(|v| i32::try_from(*v).unwrap_or(0))
                .collect(),
            scales: quantized.scales.clone(),
            axis: axis.unwrap_or(0),
            is_wide: quantized.is_wide,
        })),
    })
}

/// First position and number of steps of a slice along an axis of `len`.
fn span(start: i64, end: i64, step: i64, len: usize) -> Result<(i64, usize), Problem> {
    let len = signed(len);
    let absolute = |v: i64| if v < 0 { v.saturating_add(len) } else { v };
    let (start, end) = (absolute(start), absolute(end));
    let (begin, steps) = if step > 0 {
        let (begin, end) = (start.clamp(0, len), end.clamp(0, len));
        (
            begin,
            (end - begin)
                .max(0)
                .unsigned_abs()
                .div_ceil(step.unsigned_abs()),
        )
    } else if step < 0 {
        let (begin, end) = (start.clamp(-1, len - 1), end.clamp(-1, len - 1));
        (
            begin,
            (begin - end)
                .max(0)
                .unsigned_abs()
                .div_ceil(step.unsigned_abs()),
        )
    } else {
        return Err(Problem::malformed("a slice with a step of 0"));
    };
    let steps = usize::try_from(steps).unwrap_or(usize::MAX);
    Ok((if steps == 0 { 0 } else { begin }, steps))
}

fn constant_node<'a>(call: &Call<'a>) -> Result<Constant<'a>, Problem> {
    let (name, attributes) = (call.output()?, call.attributes());
    if let Some(tensor) = attributes.tensor("value") {
        return Constant::from_proto(name, tensor);
    }
    if let Some(value) = attributes.float("value_float") {
        return Ok(floats(name, vec![], vec![value]));
    }
    if let Some(values) = attributes.floats("value_floats") {
        return Ok(floats(name, vec![values.len()], values.to_vec()));
    }
    if let Some(values) = attributes.ints("value_ints")? {
        return Ok(Constant::from_ints(
            name,
            vec![values.len()],
            values.to_vec(),
        ));
    }
    if call.node.attribute.iter().any(|a| a.name == "value_int") {
        let value = attributes.int("value_int", 0);
        return Ok(Constant::from_ints(name, vec![], vec![value]));
    }
    Err(Problem::unsupported(
        "a constant that is neither dense nor numeric",
    ))
}

fn floats(name: &str, dims: Vec<usize>, values: Vec<f32>) -> Constant<'_> {
    Constant {
        name: name.into(),
        dims,
        data: Data::Floats(values.into()),
    }
}

fn shape<'a>(importer: &Importer<'a>, call: &Call<'a>) -> Result<Constant<'a>, Problem> {
    let dims = match importer.value(call, 0)? {
        Some(Value::Activation(id)) => importer.tensor(id).source.dims.clone(),
        Some(Value::Constant(constant)) => constant.dims,
        Some(Value::Divided(divided)) => divided.dims(),
        None => return Err(Problem::malformed("its input is missing")),
    };
    let attributes = call.attributes();
    let len = i64::try_from(dims.len()).unwrap_or(0);
    let bound = |v: i64| {
        usize::try_from(if v < 0 {
            v.saturating_add(len)
        } else {
            v.min(len)
        })
    };
    let start = bound(attributes.int("start", 0)).unwrap_or(0);
    let end = bound(attributes.int("end", len)).unwrap_or(0);
    let values: Vec<i64> = dims
        .get(start..end.max(start))
        .unwrap_or(&[])
        .iter()
        .map(|d| i64::try_from(*d).unwrap_or(i64::MAX))
        .collect();
    Ok(Constant::from_ints(
        call.output()?,
        vec![values.len()],
        values,
    ))
}

fn with_dims<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    constant: &Constant<'a>,
) -> Result<Constant<'a>, Problem> {
    let dims = match call.node.op_type.as_str() {
        "Squeeze" => squeezed(&constant.dims, importer.axes(call, 1)?.as_deref())?,
        "Unsqueeze" => unsqueezed(&constant.dims, &importer.axes(call, 1)?.unwrap_or_default())?,
        "Flatten" => vec![1, constant.count()?],
        _ => reshaped_dims(importer, call, &constant.dims)?,
    };
    let moves = dims != constant.dims;
    let is_per_axis = matches!(&constant.data, Data::Quantized(q) if q.scales.len() > 1);
    let data = if moves && is_per_axis {
        Data::Floats(constant.floats(&mut importer.assembler.budget)?.into())
    } else {
        constant.data.clone()
    };
    Ok(Constant {
        name: constant.name.clone(),
        dims,
        data,
    })
}
