//! A new ONNX file from a float graph, for sources that are no ONNX or whose channels were removed.
//!
//! Images are `[1, c, h, w]` and vectors `[1, n]` inside; inputs and outputs have the dimensions and the axis order
//! of the source, with a transpose where that is channels last. Opset 13, or what
//! newer operators need.

use super::nodes::{Nodes, Value};
use super::unary::unary;
use super::{ExportError, movers};
use crate::ir::{
    Bias, BinaryKind, Clamp, Conv, FlattenOrder, FullyConnected, Graph, Node, Op, Pool, Slopes,
    Values,
};
use prost::Message as _;
use std::collections::HashMap;

/// The bytes of an ONNX file that computes what `graph` computes.
///
/// # Errors
///
/// An integer network, or an operator that has no ONNX form here.
pub fn to_onnx(graph: &Graph) -> Result<Vec<u8>, ExportError> {
    let mut builder = Builder {
        graph,
        nodes: Nodes::default(),
        values: HashMap::new(),
    };
    for &id in &graph.inputs {
        let value = builder.nodes.input(graph.tensor(id));
        builder.values.insert(id.0, value);
    }
    for node in &graph.nodes {
        let value = builder.node(node)?;
        builder.values.insert(node.output.0, value);
    }
    for &id in &graph.outputs {
        let value = builder.value(id.0, "output")?;
        builder.nodes.output(graph.tensor(id), value);
    }
    Ok(builder.nodes.model(&graph.name).encode_to_vec())
}

struct Builder<'g> {
    graph: &'g Graph,
    nodes: Nodes,
    values: HashMap<usize, Value>,
}

impl Builder<'_> {
    fn value(&self, id: usize, reader: &str) -> Result<Value, ExportError> {
        let value = self.values.get(&id).cloned();
        value.ok_or_else(|| refused(reader, "reads what nothing writes"))
    }

    fn node(&mut self, node: &Node) -> Result<Value, ExportError> {
        let shape = self.graph.tensor(node.output).shape;
        let inputs = node
            .inputs
            .iter()
            .map(|id| self.value(id.0, &node.name))
            .collect::<Result<Vec<_>, _>>()?;
        let [x, ..] = &inputs[..] else {
            return Err(refused(&node.name, "has no input"));
        };
        let n = &mut self.nodes;
        Ok(match &node.op {
            Op::Conv2d(conv) => convolution(n, node, conv, x, 1)?,
            Op::DepthwiseConv2d(conv) => convolution(n, node, conv, x, x.shape.c)?,
            Op::FullyConnected(layer) => fully_connected(n, node, layer, x)?,
            Op::ChannelAffine { .. } | Op::Quantize | Op::Dequantize => {
                return Err(refused(&node.name, "is no operator of a float network"));
            }
            Op::Add(clamp) => {
                let [a, b] = &inputs[..] else {
                    return Err(refused(&node.name, "does not add two activations"));
                };
                let (a, b) = (n.image(a), n.image(b));
                let sum = n.op(&node.name, "Add", &[&a.name, &b.name], shape, false, vec![]);
                clamped(n, &node.name, &sum, clamp)
            }
            Op::Clamp(clamp) => clamped(n, &node.name, x, clamp),
            Op::Binary(binary) => {
                let [a, b] = &inputs[..] else {
                    return Err(refused(&node.name, "does not read two activations"));
                };
                let operator = match binary.kind {
                    BinaryKind::Add => "Add",
                    BinaryKind::Sub => "Sub",
                    BinaryKind::Mul => "Mul",
                    BinaryKind::Div => "Div",
                    BinaryKind::Minimum => "Min",
                    BinaryKind::Maximum => "Max",
                };
                let (a, b) = (n.image(a), n.image(b));
                let names = [a.name.as_str(), b.name.as_str()];
                let met = n.op(&node.name, operator, &names, shape, false, vec![]);
                clamped(n, &node.name, &met, &binary.clamp)
            }
            Op::Rearrange(rearrange) => movers::rearranged(n, node, rearrange, &inputs, shape),
            Op::PadChannels { begin, end, value } => {
                movers::padded_channels(n, node, x, (*begin, *end, *value), shape)
            }
            Op::Resize(resize) => movers::resized(n, node, resize, x, shape)?,
            Op::Prelu(Slopes::F32(slopes)) => {
                let x = n.image(x);
                let dims = [slopes.len(), 1, 1];
                let slopes = n.floats(&format!("{}_slopes", node.name), &dims, slopes);
                n.op(
                    &node.name,
                    "PRelu",
                    &[&x.name, &slopes],
                    shape,
                    false,
                    vec![],
                )
            }
            Op::Prelu(Slopes::S8 { .. }) => {
                return Err(refused(&node.name, "has integer slopes"));
            }
            Op::Unary(function) => unary(n, &node.name, function, x),
            Op::MaxPool2d(pool) => pooled(n, node, "MaxPool", pool, x),
            Op::AveragePool2d(pool) => pooled(n, node, "AveragePool", pool, x),
            Op::Mean => {
                let x = n.image(x);
                n.op(
                    &node.name,
                    "GlobalAveragePool",
                    &[&x.name],
                    shape,
                    false,
                    vec![],
                )
            }
            Op::Softmax { beta } => {
                let mut x = n.flat(x);
                if (*beta - 1.0).abs() > 0.0 {
                    let factor = n.floats(&format!("{}_beta", node.name), &[], &[*beta]);
                    let name = format!("{}_scaled", node.name);
                    x = n.op(&name, "Mul", &[&x.name, &factor], shape, true, vec![]);
                }
                let axis = Nodes::int("axis", -1);
                n.op(&node.name, "Softmax", &[&x.name], shape, true, vec![axis])
            }
            Op::Pad { begin, end, value } => {
                let x = n.image(x);
                let sides = [0, 0, begin[0], begin[1], 0, 0, end[0], end[1]];
                let pads = n.integers(&format!("{}_pads", node.name), &sides);
                let value = n.floats(&format!("{}_value", node.name), &[], &[*value]);
                n.op(
                    &node.name,
                    "Pad",
                    &[&x.name, &pads, &value],
                    shape,
                    false,
                    vec![],
                )
            }
            Op::Flatten(FlattenOrder::ChannelsFirst) => n.flat(x),
            Op::Flatten(FlattenOrder::ChannelsLast) => {
                let turned = n.channels_last(x);
                n.op(&node.name, "Flatten", &[&turned], shape, true, vec![])
            }
            Op::Reshape(to) => Value {
                shape: *to,
                flat: true,
                ..n.flat(x)
            },
            Op::Identity => Value { shape, ..x.clone() },
        })
    }
}

pub(super) fn refused(node: &str, reason: &str) -> ExportError {
    ExportError::refused(
        format!("node '{node}' {reason}"),
        "write a .nnz file instead",
    )
}

fn floats(node: &Node, values: &Values, bias: &Bias) -> Result<(Vec<f32>, Vec<f32>), ExportError> {
    let integers = || {
        refused(
            &node.name,
            "has integer weights; only float networks become ONNX",
        )
    };
    let Values::F32(weights) = values else {
        return Err(integers());
    };
    match bias {
        Bias::None => Ok((weights.clone(), Vec::new())),
        Bias::F32(b) => Ok((weights.clone(), b.clone())),
        Bias::S32(_) => Err(integers()),
    }
}

fn convolution(
    n: &mut Nodes,
    node: &Node,
    conv: &Conv,
    x: &Value,
    groups: usize,
) -> Result<Value, ExportError> {
    let (weights, bias) = floats(node, &conv.weights.values, &conv.bias)?;
    let x = n.image(x);
    let shape = node.op.output_shape(x.shape);
    let shape = shape.map_err(|reason| refused(&node.name, &reason))?;
    let mut inputs = vec![x.name];
    inputs.push(n.floats(&conv.weights.name, &conv.weights.shape, &weights));
    if !bias.is_empty() {
        let name = format!("{}_bias", node.name);
        inputs.push(n.floats(&name, &[bias.len()], &bias));
    }
    let mut attributes = Nodes::window(&conv.window);
    attributes.push(Nodes::int("group", i64::try_from(groups).unwrap_or(1)));
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let y = n.op(&node.name, "Conv", &inputs, shape, false, attributes);
    Ok(clamped(n, &node.name, &y, &conv.clamp))
}

fn fully_connected(
    n: &mut Nodes,
    node: &Node,
    layer: &FullyConnected,
    x: &Value,
) -> Result<Value, ExportError> {
    let (weights, bias) = floats(node, &layer.weights.values, &layer.bias)?;
    let [rows, ..] = layer.weights.shape;
    let x = n.flat(x);
    let mut inputs = vec![x.name];
    let dims = [rows, layer.weights.row_len()];
    inputs.push(n.floats(&layer.weights.name, &dims, &weights));
    if !bias.is_empty() {
        inputs.push(n.floats(&format!("{}_bias", node.name), &[rows], &bias));
    }
    let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
    let shape = crate::ir::Shape::vector(rows);
    let transposed = vec![Nodes::int("transB", 1)];
    let y = n.op(&node.name, "Gemm", &inputs, shape, true, transposed);
    Ok(clamped(n, &node.name, &y, &layer.clamp))
}

fn pooled(n: &mut Nodes, node: &Node, op: &str, pool: &Pool, x: &Value) -> Value {
    let x = n.image(x);
    let shape = node.op.output_shape(x.shape).unwrap_or(x.shape);
    let y = n.op(
        &node.name,
        op,
        &[&x.name],
        shape,
        false,
        Nodes::window(&pool.window),
    );
    clamped(n, &node.name, &y, &pool.clamp)
}

fn clamped(n: &mut Nodes, node: &str, x: &Value, clamp: &Clamp) -> Value {
    if *clamp == Clamp::NONE {
        return x.clone();
    }
    let name = format!("{node}_clamp");
    if *clamp == Clamp::RELU {
        return n.op(&name, "Relu", &[&x.name], x.shape, x.flat, vec![]);
    }
    let bound = |n: &mut Nodes, side: &str, value: f32| {
        if value.is_finite() {
            n.floats(&format!("{name}_{side}"), &[], &[value])
        } else {
            String::new()
        }
    };
    let (lo, hi) = (bound(n, "min", clamp.lo), bound(n, "max", clamp.hi));
    n.op(&name, "Clip", &[&x.name, &lo, &hi], x.shape, x.flat, vec![])
}
