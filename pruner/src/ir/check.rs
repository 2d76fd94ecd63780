//! What holds for every graph between two passes.

use super::{Bias, Binary, DType, Graph, Node, Op, Rearrange, Shape, Values, Window};
use std::collections::HashSet;

/// Why a graph is not well formed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum GraphError {
    /// A node breaks a rule.
    Node {
        /// The node's name.
        node: String,
        /// The broken rule.
        reason: String,
    },
    /// The graph as a whole breaks a rule.
    Graph {
        /// The broken rule.
        reason: String,
    },
}

impl core::fmt::Display for GraphError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Node { node, reason } => write!(f, "node '{node}': {reason}"),
            Self::Graph { reason } => write!(f, "{reason}"),
        }
    }
}

impl core::error::Error for GraphError {}

impl Graph {
    /// Checks order, shapes, types, weights and quantisation of the whole graph.
    ///
    /// # Errors
    ///
    /// The first rule that does not hold, with the node's name.
    pub fn check(&self) -> Result<(), GraphError> {
        let graph = |reason: String| GraphError::Graph { reason };
        let mut known = HashSet::new();
        for id in &self.inputs {
            if id.0 >= self.tensors.len() || !known.insert(*id) {
                return Err(graph(format!(
                    "input {} does not exist or is listed twice",
                    id.0
                )));
            }
        }
        for tensor in &self.tensors {
            let quantized = tensor.dtype == DType::S8;
            if tensor.shape.is_empty() || quantized != tensor.quant.is_some() {
                return Err(graph(format!(
                    "tensor '{}' is empty or lacks its quantisation",
                    tensor.name
                )));
            }
            if tensor.quant.is_some_and(|q| {
                !(q.scale.is_finite() && q.scale > 0.0 && (-128..=127).contains(&q.zero_point))
            }) {
                return Err(graph(format!(
                    "tensor '{}': scale or zero point out of range",
                    tensor.name
                )));
            }
            if tensor.source.dims.iter().product::<usize>() != tensor.shape.len() {
                return Err(graph(format!(
                    "tensor '{}': source dimensions do not match its shape",
                    tensor.name
                )));
            }
        }
        for node in &self.nodes {
            let fail = |reason: String| GraphError::Node {
                node: node.name.clone(),
                reason,
            };
            if !node.inputs.iter().all(|i| known.contains(i)) {
                return Err(fail("reads a tensor that nothing before it writes".into()));
            }
            if node.output.0 >= self.tensors.len() || !known.insert(node.output) {
                return Err(fail("its output does not exist or is written twice".into()));
            }
            self.check_node(node).map_err(fail)?;
        }
        match self.outputs.iter().find(|o| !known.contains(o)) {
            Some(o) => Err(graph(format!("output {} is never written", o.0))),
            None if self.outputs.is_empty() || self.inputs.is_empty() => Err(graph(
                "a network needs at least one input and one output".into(),
            )),
            None => Ok(()),
        }
    }

    fn check_node(&self, node: &Node) -> Result<(), String> {
        let arity = if matches!(node.op, Op::Add(_) | Op::Binary(_)) {
            2
        } else if matches!(node.op, Op::Rearrange(Rearrange::Concat { .. })) {
            node.inputs.len().max(1)
        } else {
            1
        };
        if node.inputs.len() != arity {
            return Err(format!(
                "{} takes {arity} inputs, has {}",
                node.op.name(),
                node.inputs.len()
            ));
        }
        let shapes: Vec<Shape> = node.inputs.iter().map(|i| self.tensor(*i).shape).collect();
        let shape = node.op.shape_of(&shapes)?;
        let out = self.tensor(node.output);
        if shape != out.shape {
            return Err(format!(
                "output shape is {:?}, the operator gives {shape:?}",
                out.shape
            ));
        }
        if matches!(node.op, Op::Add(_)) && self.tensor(node.inputs[1]).shape != shape {
            return Err("the two inputs differ in shape".into());
        }
        check_weights(&node.op)
    }
}

impl Op {
    /// The output's shape for the shapes of all inputs.
    ///
    /// # Errors
    ///
    /// Says what does not fit.
    pub fn shape_of(&self, inputs: &[Shape]) -> Result<Shape, String> {
        match (self, inputs) {
            (Self::Binary(_), [a, b]) => Binary::output_shape(*a, *b).map(|(shape, _)| shape),
            (Self::Rearrange(rearrange), _) => rearrange.output_shape(inputs),
            (_, [first, ..]) => self.output_shape(*first),
            (_, []) => Err("it has no input".into()),
        }
    }

    /// The output's shape for the first input's shape.
    ///
    /// # Errors
    ///
    /// Says what does not fit.
    pub fn output_shape(&self, input: Shape) -> Result<Shape, String> {
        match self {
            Self::Conv2d(c) => {
                let [o, i, ..] = c.weights.shape;
                if i != input.c {
                    return Err(format!(
                        "weights expect {i} input channels, the input has {}",
                        input.c
                    ));
                }
                windowed(input, &c.window, o)
            }
            Self::DepthwiseConv2d(c) => {
                let o = c.weights.shape[0];
                if c.weights.shape[1] != 1 || o == 0 || !o.is_multiple_of(input.c) {
                    return Err(format!(
                        "{o} depthwise filters do not fit {} channels",
                        input.c
                    ));
                }
                windowed(input, &c.window, o)
            }
            Self::FullyConnected(f) => {
                if f.weights.shape[1] != input.len() {
                    return Err(format!(
                        "weights expect {} inputs, there are {}",
                        f.weights.shape[1],
                        input.len()
                    ));
                }
                Ok(Shape::vector(f.weights.shape[0]))
            }
            Self::ChannelAffine { scale, shift } => {
                if scale.len() != input.c || shift.len() != input.c {
                    return Err("one scale and shift per channel is needed".into());
                }
                Ok(input)
            }
            Self::Rearrange(rearrange) => rearrange.output_shape(&[input]),
            Self::Resize(resize) => resize.output_shape(input),
            Self::PadChannels { begin, end, .. } => Ok(Shape {
                c: begin + input.c + end,
                ..input
            }),
            Self::Prelu(slopes) => {
                if slopes.len() != input.c || !slopes.are_sane() {
                    return Err("one finite slope per channel is needed".into());
                }
                Ok(input)
            }
            Self::Unary(unary) => {
                if !(unary.alpha.is_finite() && unary.beta.is_finite()) {
                    return Err("its parameters are not finite".into());
                }
                Ok(input)
            }
            Self::MaxPool2d(p) | Self::AveragePool2d(p) => windowed(input, &p.window, input.c),
            Self::Mean => Ok(Shape::vector(input.c)),
            Self::Pad { begin, end, .. } => Ok(Shape {
                c: input.c,
                h: input.h + begin[0] + end[0],
                w: input.w + begin[1] + end[1],
            }),
            Self::Flatten(_) => Ok(Shape::vector(input.len())),
            Self::Reshape(shape) if shape.len() == input.len() => Ok(*shape),
            Self::Reshape(shape) => Err(format!(
                "a reshape of {} values to {}",
                input.len(),
                shape.len()
            )),
            Self::Add(_)
            | Self::Clamp(_)
            | Self::Binary(_)
            | Self::Softmax { .. }
            | Self::Identity
            | Self::Quantize
            | Self::Dequantize => Ok(input),
        }
    }
}

fn windowed(input: Shape, window: &Window, c: usize) -> Result<Shape, String> {
    let mut out = [0; 2];
    for (d, size) in [input.h, input.w].into_iter().enumerate() {
        let padded = size + window.pad_begin[d] + window.pad_end[d];
        let (kernel, stride) = (window.kernel[d], window.stride[d]);
        if kernel == 0 || stride == 0 || padded < kernel {
            return Err(format!(
                "kernel {kernel}, stride {stride} do not fit {padded} padded elements"
            ));
        }
        if window.pad_begin[d] >= kernel || window.pad_end[d] >= kernel {
            return Err("padding is not smaller than the kernel".into());
        }
        out[d] = (padded - kernel) / stride + 1;
    }
    Ok(Shape::new(c, out[0], out[1]))
}

fn check_weights(op: &Op) -> Result<(), String> {
    let Some((weights, bias, _)) = op.layer() else {
        return Ok(());
    };
    let rows = weights.shape[0];
    if weights.is_empty() || weights.shape.iter().product::<usize>() != weights.len() {
        return Err(format!(
            "weights '{}' do not have their shape's size",
            weights.name
        ));
    }
    let (finite, scales) = match &weights.values {
        Values::F32(v) => (v.iter().all(|x| x.is_finite()), 0),
        Values::S8(_) => (true, rows),
    };
    if !finite {
        return Err(format!(
            "weights '{}' hold a NaN or an infinity",
            weights.name
        ));
    }
    if weights.scales.len() != scales
        || weights.scales.iter().any(|s| !(s.is_finite() && *s >= 0.0))
    {
        return Err(format!(
            "weights '{}' need {scales} finite scales",
            weights.name
        ));
    }
    match bias {
        Bias::None => Ok(()),
        Bias::F32(b) if b.len() == rows && b.iter().all(|x| x.is_finite()) => Ok(()),
        Bias::S32(b) if b.len() == rows => Ok(()),
        Bias::F32(_) | Bias::S32(_) => Err("the bias has the wrong length or is not finite".into()),
    }
}
