//! Operators that move values without computing, and the axis order of what they leave.

use super::super::error::Problem;
use super::super::geometry::{orders_agree, reshape as reshaped, shape_of, shown};
use super::super::limits;
use super::schema::NodeProto;
use super::{Call, Importer};
use crate::ir::{Op, Order, Shape, TensorId};

/// Channels first to channels last, and back.
const TO_NHWC: [usize; 4] = [0, 2, 3, 1];
const TO_NCHW: [usize; 4] = [0, 3, 1, 2];
/// Both, for activations of rank 3.
const SWAPPED: [usize; 3] = [0, 2, 1];

/// `Reshape`.
pub(in crate::import) fn reshape<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    if let Some(divided) = importer.divided(call)? {
        let dims = reshaped_dims(importer, call, &divided.dims())?;
        return importer.join(call, &divided, &dims);
    }
    let input = importer.input(call, 0)?;
    let dims = reshaped_dims(importer, call, &importer.tensor(input).source.dims)?;
    if dims.len() > 4 {
        return importer.divide(call, input, &dims);
    }
    importer.emit_reshape(call, &dims)
}

/// `Flatten`.
pub(in crate::import) fn flatten<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let dims = &importer.tensor(input).source.dims;
    let axis = absolute(call.attributes().int("axis", 1), dims.len(), 0)?;
    let (outer, inner) = dims.split_at(axis);
    let dims = [outer.iter().product(), inner.iter().product()];
    importer.emit_reshape(call, &dims)
}

/// `Squeeze`.
pub(in crate::import) fn squeeze<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let axes = importer.axes(call, 1)?;
    let dims = squeezed(&importer.tensor(input).source.dims, axes.as_deref())?;
    importer.emit_reshape(call, &dims)
}

/// `Unsqueeze`.
pub(in crate::import) fn unsqueeze<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    let input = importer.input(call, 0)?;
    let axes = importer.axes(call, 1)?.unwrap_or_default();
    let dims = unsqueezed(&importer.tensor(input).source.dims, &axes)?;
    if dims.len() > 4 {
        return importer.divide(call, input, &dims);
    }
    importer.emit_reshape(call, &dims)
}

/// The order in which a `Transpose` reads `rank` axes.
pub(super) fn perm_of(call: &Call<'_>, rank: usize) -> Result<Vec<usize>, Problem> {
    let perm: Vec<usize> = match call.attributes().ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(perm) => perm
            .iter()
            .map(|axis| absolute(*axis, rank, 1))
            .collect::<Result<_, _>>()?,
    };
    let mut sorted = perm.clone();
    sorted.sort_unstable();
    if sorted.into_iter().eq(0..rank) {
        return Ok(perm);
    }
    Err(Problem::malformed(format!(
        "{perm:?} is no order of {rank} axes"
    )))
}

/// `Transpose` between channels first and last, one that moves no value, or one that swaps neighbouring axes.
pub(in crate::import) fn transpose<'a>(
    importer: &mut Importer<'a>,
    call: &Call<'a>,
) -> Result<(), Problem> {
    if let Some(divided) = importer.divided(call)? {
        let perm = perm_of(call, divided.dims().len())?;
        return importer.turn(call, divided, &perm);
    }
    let input = importer.input(call, 0)?;
    let source = importer.tensor(input).source.clone();
    let perm = perm_of(call, source.dims.len())?;
    let dims: Vec<usize> = perm.iter().map(|axis| source.dims[*axis]).collect();
    let turned = match source.order {
        Order::Nchw if perm == TO_NHWC || perm == SWAPPED => Some(Order::Nhwc),
        Order::Nhwc if perm == TO_NCHW || perm == SWAPPED => Some(Order::Nchw),
        Order::Nchw | Order::Nhwc => None,
    };
    if let Some(order) = turned {
        importer.emit(call, Op::Identity, &[input], &dims, order)?;
        return Ok(());
    }
    let moved: Vec<usize> = perm
        .iter()
        .copied()
        .filter(|a| source.dims[*a] > 1)
        .collect();
    if moved.is_sorted() {
        return importer.emit_reshape(call, &dims);
    }
    let by_channel = source.order == Order::Nchw || orders_agree(importer.tensor(input).shape);
    match exchanged(&source.dims, &moved) {
        Some(groups) if by_channel => super::pixels::swapped(importer, call, input, groups, &dims),
        _ => Err(Problem::refused(
            format!("transposing {:?} by {perm:?} moves values", source.dims),
            "between channels first and channels last, and of two neighbouring groups of axes with up to 255 elements in the \
             first, transposes are read",
        )),
    }
}

/// Elements of the first axes that trade places, of those after them, and of those that stay behind.
fn exchanged(dims: &[usize], moved: &[usize]) -> Option<(usize, usize, usize)> {
    let mut axes: Vec<usize> = moved.to_vec();
    axes.sort_unstable();
    let still = axes
        .iter()
        .zip(moved)
        .rev()
        .take_while(|(a, m)| a == m)
        .count();
    let (moved, axes) = (&moved[..moved.len() - still], &axes[..axes.len() - still]);
    let at = moved.iter().position(|m| Some(m) == axes.first())?;
    let turned = moved[at..].iter().chain(&moved[..at]);
    let count = |list: &[usize]| list.iter().map(|a| dims[*a]).product::<usize>();
    let (first, second) = (count(&moved[at..]), count(&moved[..at]));
    let rest = dims.iter().product::<usize>() / (first * second).max(1);
    (turned.eq(axes) && first <= 255).then_some((first, second, rest))
}

impl<'a> Importer<'a> {
    /// The axes of an operator: an attribute, since opset 13 or 18 constant input `i`.
    pub(super) fn axes(&self, call: &Call<'a>, i: usize) -> Result<Option<Vec<i64>>, Problem> {
        match call.attributes().ints("axes")? {
            Some(axes) => Ok(Some(axes.to_vec())),
            None => self.constant(call, i)?.map(|c| c.ints()).transpose(),
        }
    }

    /// The order of a tensor that the source does not say: channels last where every reader needs or turns that.
    pub(super) fn order_for(&self, name: &str, rank: usize) -> Order {
        let readers = self.readers.get(name).map_or(&[][..], Vec::as_slice);
        let is_last = |index: &usize| {
            let node = self.graph.node.get(*index);
            node.is_some_and(|node| reads_channels_last(node, name, rank))
        };
        if matches!(rank, 3 | 4) && !readers.is_empty() && readers.iter().all(is_last) {
            Order::Nhwc
        } else {
            Order::Nchw
        }
    }

    /// Adds the nodes that show the values of input 0, in their sequence, with other dimensions.
    pub(super) fn emit_reshape(&mut self, call: &Call<'a>, dims: &[usize]) -> Result<(), Problem> {
        let mut input = self.input(call, 0)?;
        let (from, source) = (self.tensor(input).shape, self.tensor(input).source.clone());
        let order = if dims == source.dims {
            source.order
        } else {
            self.order_for(call.output()?, dims.len())
        };
        let to = shape_of(dims, order);
        let outcome = to.and_then(|to| Ok((to, reshaped(from, source.order, to, order)?)));
        let is_read = self.readers.contains_key(call.output()?);
        let mut ops = match outcome {
            Ok((to, _)) if is_read && from != to && self.is_private_input(call, input) => {
                let tensor = self.assembler.graph.tensor_mut(input);
                (tensor.shape, tensor.source.order) = (to, order);
                vec![Op::Identity]
            }
            Ok((_, Some(ops))) => ops,
            _ if !is_read => {
                self.emit(call, Op::Identity, &[input], dims, source.order)?;
                return Ok(());
            }
            Ok((to, None)) => return Err(unseen(from, to)),
            Err(problem) => return Err(problem),
        };
        let last = ops.pop().unwrap_or(Op::Identity);
        for op in ops {
            let name = format!("{}_flatten", call.name);
            input = self.assembler.inserted(&name, op, input)?;
        }
        self.emit(call, last, &[input], dims, order)?;
        Ok(())
    }

    /// Whether `input` is a network input that only this node reads.
    fn is_private_input(&self, call: &Call<'a>, input: TensorId) -> bool {
        let name = call.node.input.first().map_or("", String::as_str);
        let readers = self.readers.get(name).map_or(0, Vec::len);
        readers == 1 && !self.outputs.contains(name) && self.assembler.graph.inputs.contains(&input)
    }
}

/// Whether a node takes `name`, of this rank, with channels last or turns it to channels first.
fn reads_channels_last(node: &NodeProto, name: &str, rank: usize) -> bool {
    let turn: &[i64] = if rank == 3 { &[0, 2, 1] } else { &[0, 3, 1, 2] };
    match node.op_type.as_str() {
        "Transpose" => {
            let perm = node.attribute.iter().find(|a| a.name == "perm");
            perm.is_some_and(|a| a.ints == turn)
        }
        "MatMul" => node.input.first().is_some_and(|n| n == name),
        _ => false,
    }
}

/// The refusal to see values in channel order as an image in pixel order.
fn unseen(from: Shape, to: Shape) -> Problem {
    Problem::refused(
        format!(
            "reshaping {} to {} inside the network",
            shown(from),
            shown(to)
        ),
        "only reshapes that keep channels apart, flattening, and reshapes of a network input are supported",
    )
}

/// `axis` counted from the front; `extra` = 0 where the rank itself is allowed, 1 where not.
pub(super) fn absolute(axis: i64, rank: usize, extra: usize) -> Result<usize, Problem> {
    let signed = i64::try_from(rank).unwrap_or(0);
    let counted = if axis < 0 {
        axis.saturating_add(signed)
    } else {
        axis
    };
    match usize::try_from(counted) {
        Ok(a) if a + extra <= rank => Ok(a),
        _ => Err(Problem::malformed(format!("axis {axis} of rank {rank}"))),
    }
}

/// Dimensions without the named axes of length 1; without all of them where none is named.
pub(super) fn squeezed(dims: &[usize], axes: Option<&[i64]>) -> Result<Vec<usize>, Problem> {
    let Some(axes) = axes else {
        return Ok(dims.iter().copied().filter(|d| *d != 1).collect());
    };
    let mut gone = vec![false; dims.len()];
    for axis in axes {
        let axis = absolute(*axis, dims.len(), 1)?;
        if dims[axis] != 1 {
            return Err(Problem::malformed(format!(
                "axis {axis} of {dims:?} is not 1"
            )));
        }
        gone[axis] = true;
    }
    Ok(dims
        .iter()
        .zip(gone)
        .filter(|(_, gone)| !gone)
        .map(|(d, _)| *d)
        .collect())
}

/// Dimensions with axes of length 1 at the named places of the result.
pub(super) fn unsqueezed(dims: &[usize], axes: &[i64]) -> Result<Vec<usize>, Problem> {
    let rank = dims.len() + axes.len();
    if rank > limits::RANK {
        return Err(Problem::malformed(format!("rank {rank}")));
    }
    let mut places: Vec<usize> = axes
        .iter()
        .map(|a| absolute(*a, rank, 1))
        .collect::<Result<_, _>>()?;
    places.sort_unstable();
    let mut out = dims.to_vec();
    for place in places {
        if place > out.len() {
            return Err(Problem::malformed(format!("axes {axes:?} for {dims:?}")));
        }
        out.insert(place, 1);
    }
    Ok(out)
}

/// The dimensions that a `Reshape` asks for: 0 keeps one (unless `allowzero`), one −1 is what remains.
pub(super) fn reshaped_dims<'a>(
    importer: &Importer<'a>,
    call: &Call<'a>,
    from: &[usize],
) -> Result<Vec<usize>, Problem> {
    let wanted = importer
        .constant(call, 1)?
        .ok_or_else(|| Problem::malformed("its shape is missing"))?
        .ints()?;
    if wanted.len() > limits::RANK {
        return Err(Problem::malformed(format!("rank {}", wanted.len())));
    }
    let bad = || Problem::malformed(format!("reshaping {from:?} to {wanted:?}"));
    let keeps = call.attributes().int("allowzero", 0) == 0;
    let mut dims = Vec::new();
    let mut open = None;
    for (i, d) in wanted.iter().enumerate() {
        dims.push(match d {
            0 if keeps => *from.get(i).ok_or_else(bad)?,
            -1 if open.is_none() => {
                open = Some(i);
                1
            }
            d => usize::try_from(*d).map_err(|_| bad())?,
        });
    }
    let count = |dims: &[usize]| dims.iter().try_fold(1_usize, |n, d| n.checked_mul(*d));
    let (have, named) = (count(from).ok_or_else(bad)?, count(&dims).ok_or_else(bad)?);
    if let Some(i) = open {
        dims[i] = have.checked_div(named).ok_or_else(bad)?;
    }
    if count(&dims) != Some(have) {
        return Err(bad());
    }
    Ok(dims)
}
