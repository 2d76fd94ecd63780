//! Arithmetic on constants: what exporters write to compute shapes, and transposed weights.
//!
//! Only short lists of integers are computed with; floats change their dimensions or are transposed.

use super::super::error::Problem;
use super::constants::{Constant, Data};
use super::reshape::{reshaped_dims, squeezed, unsqueezed};
use super::{Call, Importer, Value};

/// The constant that a node computes; `None` where it is not one of these operators on constants.
pub(super) fn fold<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<Option<Constant<'a>>, Problem> {
    let operator = call.node.op_type.as_str();
    if operator == "Constant" {
        return constant_node(call).map(Some);
    }
    if operator == "Shape" {
        return shape(importer, call).map(Some);
    }
    let mut inputs = Vec::new();
    for i in 0..call.node.input.len() {
        match importer.value(call, i)? {
            Some(Value::Constant(constant)) => inputs.push(constant),
            Some(Value::Activation(_)) => return Ok(None),
            None => {}
        }
    }
    let [first, rest @ ..] = inputs.as_slice() else {
        return Ok(None);
    };
    match operator {
        "Identity" | "Cast" | "Dropout" => Ok(Some(first.clone())),
        "Reshape" | "Squeeze" | "Unsqueeze" | "Flatten" => {
            with_dims(importer, call, first).map(Some)
        }
        "Gather" | "Slice" | "Concat" if first.is_integer() => {
            integers(call, operator, first, rest).map(Some)
        }
        "Add" | "Sub" | "Mul" | "Div" if first.is_integer() => match rest {
            [second] => arithmetic(call, operator, first, second).map(Some),
            _ => Ok(None),
        },
        "Transpose" if first.dims.len() == 2 => transposed(importer, call, first).map(Some),
        _ => Ok(None),
    }
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
    importer: &Importer<'a>,
    call: &Call<'a>,
    constant: &Constant<'a>,
) -> Result<Constant<'a>, Problem> {
    let dims = match call.node.op_type.as_str() {
        "Squeeze" => squeezed(&constant.dims, importer.axes(call, 1)?.as_deref())?,
        "Unsqueeze" => unsqueezed(&constant.dims, &importer.axes(call, 1)?.unwrap_or_default())?,
        "Flatten" => vec![1, constant.count()?],
        _ => reshaped_dims(importer, call, &constant.dims)?,
    };
    Ok(Constant {
        dims,
        ..constant.clone()
    })
}

fn integers<'a>(
    call: &Call<'a>,
    operator: &str,
    first: &Constant<'a>,
    rest: &[Constant<'a>],
) -> Result<Constant<'a>, Problem> {
    let values = first.ints()?;
    let len = i64::try_from(values.len()).unwrap_or(0);
    let absolute = |v: i64| if v < 0 { v.saturating_add(len) } else { v };
    let name = call.output()?;
    match (operator, rest) {
        ("Gather", [indices]) if first.dims.len() == 1 => {
            let picked: Option<Vec<i64>> = indices
                .ints()?
                .into_iter()
                .map(|i| values.get(usize::try_from(absolute(i)).ok()?).copied())
                .collect();
            let picked = picked.ok_or_else(|| Problem::malformed("an index beyond the list"))?;
            Ok(Constant::from_ints(name, indices.dims.clone(), picked))
        }
        ("Slice", [starts, ends, ..]) if first.dims.len() == 1 => {
            let steps = rest.get(3).map_or(Ok(vec![1]), Constant::ints)?;
            let ([start], [end], [1]) = (&starts.ints()?[..], &ends.ints()?[..], &steps[..]) else {
                return Err(Problem::unsupported(
                    "this slice of a shape is not supported",
                ));
            };
            let [start, end] =
                [*start, *end].map(|v| usize::try_from(absolute(v).clamp(0, len)).unwrap_or(0));
            let part = values.get(start..end.max(start)).unwrap_or(&[]).to_vec();
            Ok(Constant::from_ints(name, vec![part.len()], part))
        }
        ("Concat", _) => {
            let mut all = values;
            for constant in rest {
                all.extend(constant.ints()?);
                if all.len() > 64 {
                    return Err(Problem::malformed("a shape of more than 64 numbers"));
                }
            }
            Ok(Constant::from_ints(name, vec![all.len()], all))
        }
        _ => Err(Problem::unsupported(
            "this arithmetic on shapes is not supported",
        )),
    }
}

fn arithmetic<'a>(
    call: &Call<'a>,
    operator: &str,
    a: &Constant<'a>,
    b: &Constant<'a>,
) -> Result<Constant<'a>, Problem> {
    let compute = match operator {
        "Add" => i64::checked_add,
        "Sub" => i64::checked_sub,
        "Mul" => i64::checked_mul,
        _ => i64::checked_div,
    };
    let (x, y) = (a.ints()?, b.ints()?);
    let len = x.len().max(y.len());
    let pick = |v: &[i64], i: usize| v.get(if v.len() == 1 { 0 } else { i }).copied();
    let values: Option<Vec<i64>> = (0..len)
        .map(|i| compute(pick(&x, i)?, pick(&y, i)?))
        .collect();
    let values = values.ok_or_else(|| Problem::malformed("shape arithmetic does not work out"))?;
    let dims = if x.len() >= y.len() { &a.dims } else { &b.dims };
    Ok(Constant::from_ints(call.output()?, dims.clone(), values))
}

fn transposed<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
    constant: &Constant<'a>,
) -> Result<Constant<'a>, Problem> {
    let values = constant.floats(&mut importer.assembler.budget)?;
    let identity = call.attributes().ints("perm")? == Some([0, 1].as_slice());
    let [rows, cols] = constant.dims[..] else {
        return Err(Problem::malformed("it is not a matrix"));
    };
    if identity {
        return Ok(constant.clone());
    }
    let mut turned = Vec::with_capacity(values.len());
    for c in 0..cols {
        turned.extend(values.iter().skip(c).step_by(cols.max(1)).take(rows));
    }
    Ok(Constant {
        name: constant.name.clone(),
        dims: vec![cols, rows],
        data: Data::Floats(turned.into()),
    })
}
