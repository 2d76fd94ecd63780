//! Arithmetic on constant arrays: element by element with broadcasting, choices, sums of all elements.

use super::super::super::error::Problem;
use super::super::super::limits::Budget;
use super::super::Importer;
use super::Operands;
use super::array::{Array, Numbers, bounded, broadcast, count};

/// An operator on two integers and on two floats.
type Binary = (fn(i64, i64) -> Option<i64>, fn(f32, f32) -> f32);
/// A comparison of two integers and of two floats.
type Comparison = (fn(&i64, &i64) -> bool, fn(&f32, &f32) -> bool);
/// An operator on one integer, where there is one, and on one float.
type Unary = (Option<fn(i64) -> Option<i64>>, fn(f32) -> f32);

/// The result of an arithmetic operator; `None` for other operators.
pub(super) fn fold<'a>(
    operands: &Operands<'_, 'a>,
    importer: &mut Importer<'a>,
    operator: &str,
) -> Result<Option<Array>, Problem> {
    if let Some(unary) = unary(operator) {
        return each(&operands.array(importer, 0)?, unary).map(Some);
    }
    if let Some(compute) = binary(operator) {
        let (a, b) = (operands.array(importer, 0)?, operands.array(importer, 1)?);
        return both(&a, &b, compute, &mut importer.assembler.budget).map(Some);
    }
    if let Some(compare) = comparison(operator) {
        let (a, b) = (operands.array(importer, 0)?, operands.array(importer, 1)?);
        return compared(&a, &b, compare, &mut importer.assembler.budget).map(Some);
    }
    if matches!(
        operator,
        "ReduceProd" | "ReduceSum" | "ReduceMin" | "ReduceMax"
    ) {
        let array = operands.array(importer, 0)?;
        let keeps = operands.call.attributes().int("keepdims", 1) != 0;
        return total(operator, &array, keeps);
    }
    Ok(None)
}

fn unary(operator: &str) -> Option<Unary> {
    Some(match operator {
        "Neg" => (Some(i64::checked_neg), |x| -x),
        "Abs" => (Some(i64::checked_abs), f32::abs),
        "Not" => (Some(|x| Some(i64::from(x == 0))), |x| x),
        "Floor" => (None, f32::floor),
        "Ceil" => (None, f32::ceil),
        "Sqrt" => (None, f32::sqrt),
        "Reciprocal" => (None, f32::recip),
        "Exp" => (None, f32::exp),
        _ => return None,
    })
}

fn binary(operator: &str) -> Option<Binary> {
    Some(match operator {
        "Add" => (i64::checked_add, |a, b| a + b),
        "Sub" => (i64::checked_sub, |a, b| a - b),
        "Mul" => (i64::checked_mul, |a, b| a * b),
        "Div" => (i64::checked_div, |a, b| a / b),
        "Mod" => (i64::checked_rem_euclid, |a, b| a - b * (a / b).floor()),
        "Min" => (|a, b| Some(a.min(b)), f32::min),
        "Max" => (|a, b| Some(a.max(b)), f32::max),
        "Pow" => (|a, b| a.checked_pow(u32::try_from(b).ok()?), f32::powf),
        "And" => (|a, b| Some(i64::from(a != 0 && b != 0)), |a, _| a),
        "Or" => (|a, b| Some(i64::from(a != 0 || b != 0)), |a, _| a),
        _ => return None,
    })
}

fn comparison(operator: &str) -> Option<Comparison> {
    Some(match operator {
        "Equal" => (i64::eq, f32::eq),
        "Less" => (i64::lt, f32::lt),
        "LessOrEqual" => (i64::le, f32::le),
        "Greater" => (i64::gt, f32::gt),
        "GreaterOrEqual" => (i64::ge, f32::ge),
        _ => return None,
    })
}

fn each(array: &Array, (ints, floats): Unary) -> Result<Array, Problem> {
    let numbers = match (&array.numbers, ints) {
        (Numbers::Ints(v), Some(compute)) => {
            let values: Option<Vec<i64>> = v.iter().map(|x| compute(*x)).collect();
            Numbers::Ints(values.ok_or_else(overflow)?)
        }
        (Numbers::Ints(_), None) => return Err(mixed()),
        (Numbers::Floats(v), _) => Numbers::Floats(v.iter().map(|x| floats(*x)).collect()),
    };
    Array::new(array.dims.clone(), numbers)
}

fn both(
    a: &Array,
    b: &Array,
    (ints, floats): Binary,
    budget: &mut Budget,
) -> Result<Array, Problem> {
    let (dims, a, b) = spread(a, b, budget)?;
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::Ints(a), Numbers::Ints(b)) => {
            let values: Option<Vec<i64>> = a.iter().zip(b).map(|(a, b)| ints(*a, *b)).collect();
            Numbers::Ints(values.ok_or_else(overflow)?)
        }
        (Numbers::Floats(a), Numbers::Floats(b)) => {
            Numbers::Floats(a.iter().zip(b).map(|(a, b)| floats(*a, *b)).collect())
        }
        _ => return Err(mixed()),
    };
    Array::new(dims, numbers)
}

fn compared(
    a: &Array,
    b: &Array,
    (ints, floats): Comparison,
    budget: &mut Budget,
) -> Result<Array, Problem> {
    let (dims, a, b) = spread(a, b, budget)?;
    let truths: Vec<bool> = match (&a.numbers, &b.numbers) {
        (Numbers::Ints(a), Numbers::Ints(b)) => a.iter().zip(b).map(|(a, b)| ints(a, b)).collect(),
        (Numbers::Floats(a), Numbers::Floats(b)) => {
            a.iter().zip(b).map(|(a, b)| floats(a, b)).collect()
        }
        _ => return Err(mixed()),
    };
    Array::new(
        dims,
        Numbers::Ints(truths.into_iter().map(i64::from).collect()),
    )
}

/// `Where`: values of one or the other by a truth value.
pub(super) fn select(
    condition: &Array,
    a: &Array,
    b: &Array,
    budget: &mut Budget,
) -> Result<Array, Problem> {
    let (_, a, b) = spread(a, b, budget)?;
    let dims = broadcast(&condition.dims, &a.dims)?;
    let (a, b) = (a.expanded(&dims, budget)?, b.expanded(&dims, budget)?);
    let condition = condition.expanded(&dims, budget)?;
    let Numbers::Ints(flags) = &condition.numbers else {
        return Err(mixed());
    };
    fn chosen<T: Copy>(flags: &[i64], a: &[T], b: &[T]) -> Vec<T> {
        let pairs = flags.iter().zip(a.iter().zip(b));
        pairs
            .map(|(f, (a, b))| if *f == 0 { *b } else { *a })
            .collect()
    }
    let numbers = match (&a.numbers, &b.numbers) {
        (Numbers::Ints(a), Numbers::Ints(b)) => Numbers::Ints(chosen(flags, a, b)),
        (Numbers::Floats(a), Numbers::Floats(b)) => Numbers::Floats(chosen(flags, a, b)),
        _ => return Err(mixed()),
    };
    Array::new(dims, numbers)
}

/// `Concat` along an axis.
pub(super) fn joined(arrays: &[Array], axis: usize, budget: &mut Budget) -> Result<Array, Problem> {
    let Some(first) = arrays.first() else {
        return Err(Problem::malformed("it joins nothing"));
    };
    let differs = |a: &Array| {
        let same = |d: usize| d == axis || a.dims[d] == first.dims[d];
        a.dims.len() != first.dims.len() || !(0..first.dims.len()).all(same)
    };
    if arrays.iter().any(differs) {
        return Err(Problem::malformed(
            "it joins arrays of different dimensions",
        ));
    }
    let mut dims = first.dims.clone();
    dims[axis] = arrays.iter().fold(0, |n, a| n.saturating_add(a.dims[axis]));
    budget.take(bounded(&dims, &first.numbers)?)?;
    let outer = count(&first.dims[..axis])?;
    let (mut ints, mut floats) = (Vec::new(), Vec::new());
    for block in 0..outer {
        for array in arrays {
            let run: usize = array.dims[axis..].iter().product();
            let range = block * run..(block + 1) * run;
            match &array.numbers {
                Numbers::Ints(v) => ints.extend_from_slice(v.get(range).unwrap_or_default()),
                Numbers::Floats(v) => floats.extend_from_slice(v.get(range).unwrap_or_default()),
            }
        }
    }
    match (&first.numbers, ints.is_empty(), floats.is_empty()) {
        (Numbers::Ints(_), _, true) => Array::new(dims, Numbers::Ints(ints)),
        (Numbers::Floats(_), true, _) => Array::new(dims, Numbers::Floats(floats)),
        _ => Err(mixed()),
    }
}

/// A reduction of all elements of a list.
fn total(operator: &str, array: &Array, keeps: bool) -> Result<Option<Array>, Problem> {
    let (Numbers::Ints(values), [_]) = (&array.numbers, &array.dims[..]) else {
        return Ok(None);
    };
    let mut values = values.iter().copied();
    let value = match operator {
        "ReduceProd" => values.try_fold(1_i64, i64::checked_mul),
        "ReduceSum" => values.try_fold(0_i64, i64::checked_add),
        "ReduceMin" => values.min(),
        _ => values.max(),
    };
    let dims = if keeps { vec![1] } else { Vec::new() };
    let value = value.ok_or_else(overflow)?;
    Array::new(dims, Numbers::Ints(vec![value])).map(Some)
}

/// Two arrays repeated to one shape.
fn spread(
    a: &Array,
    b: &Array,
    budget: &mut Budget,
) -> Result<(Vec<usize>, Array, Array), Problem> {
    let dims = broadcast(&a.dims, &b.dims)?;
    let (a, b) = (a.expanded(&dims, budget)?, b.expanded(&dims, budget)?);
    Ok((dims, a, b))
}

fn overflow() -> Problem {
    Problem::malformed("shape arithmetic does not work out")
}

fn mixed() -> Problem {
    Problem::unsupported("this arithmetic on constants of these types is not supported")
}

/// An integer as the nearest float.
#[expect(clippy::cast_precision_loss, reason = "that is what Cast does")]
pub(super) const fn to_float(x: i64) -> f32 {
    x as f32
}

/// A float without its fraction; what integers cannot hold saturates.
#[expect(clippy::cast_possible_truncation, reason = "that is what Cast does")]
pub(super) const fn to_int(x: f32) -> i64 {
    x as i64
}
