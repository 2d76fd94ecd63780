//! Operators that take and give integers (ONNX Runtime's `QOperator` format), written out as what they mean.
//!
//! ```text
//! QLinearConv(x, xs, xz, w, ws, wz, ys, yz, b)   becomes   Conv(x', w', b') ─QuantizeLinear(ys, yz)→
//!     x' = DequantizeLinear(x, xs, xz)   w' = DequantizeLinear(w, ws, wz)   b' = DequantizeLinear(b, xs·ws)
//! ```
//!
//! From there on such a model is one in QDQ form.

use super::schema::{Attribute, GraphProto, NodeProto};

/// The bits of 1.0.
const ONE: u32 = 1.0_f32.to_bits();

/// The domain of ONNX Runtime's own operators.
const RUNTIME: &str = "com.microsoft";

/// How an operator lists its inputs.
#[derive(Debug, Clone, Copy)]
enum Form {
    /// `x, xs, xz, w, ws, wz, ys, yz, b`.
    Layer,
    /// `a, as, az, b, bs, bz, c, ys, yz`, c a bias.
    Gemm,
    /// One `x, xs, xz`, then `ys, yz`.
    One,
    /// Two `x, xs, xz`, then `ys, yz`.
    Two,
    /// `ys, yz`, then any number of `x, xs, xz`.
    Many,
}

/// Operators, what they mean, and how they list their inputs.
const FORMS: [(&str, &str, Form); 12] = [
    ("QLinearConv", "Conv", Form::Layer),
    ("QLinearMatMul", "MatMul", Form::Two),
    ("QGemm", "Gemm", Form::Gemm),
    ("QLinearAdd", "Add", Form::Two),
    ("QLinearMul", "Mul", Form::Two),
    ("QLinearConcat", "Concat", Form::Many),
    ("QLinearAveragePool", "AveragePool", Form::One),
    ("QLinearGlobalAveragePool", "GlobalAveragePool", Form::One),
    ("QLinearReduceMean", "ReduceMean", Form::One),
    ("QLinearLeakyRelu", "LeakyRelu", Form::One),
    ("QLinearSigmoid", "Sigmoid", Form::One),
    ("QLinearSoftmax", "Softmax", Form::One),
];

/// Writes out every such operator of a graph.
pub(super) fn write_out(graph: &mut GraphProto) {
    if !graph.node.iter().any(is_integer) {
        return;
    }
    for node in core::mem::take(&mut graph.node) {
        match form_of(&node) {
            Some((meaning, form)) => graph.node.extend(Written::new(node).all(meaning, form)),
            None => graph.node.push(standard(node)),
        }
    }
}

fn is_integer(node: &NodeProto) -> bool {
    form_of(node).is_some() || is_conversion(node)
}

/// Conversions that ONNX Runtime writes in its own domain.
fn is_conversion(node: &NodeProto) -> bool {
    node.domain == RUNTIME && matches!(node.op_type.as_str(), "QuantizeLinear" | "DequantizeLinear")
}

fn standard(mut node: NodeProto) -> NodeProto {
    if is_conversion(&node) {
        node.domain.clear();
    }
    node
}

/// What an operator means; `None` for all others, and for those with channels last or a factor.
fn form_of(node: &NodeProto) -> Option<(&'static str, Form)> {
    let found = FORMS.iter().find(|(name, ..)| *name == node.op_type)?;
    let plain = |a: &Attribute| match a.name.as_str() {
        "channels_last" => a.i.unwrap_or(0) == 0,
        "alpha" if matches!(found.2, Form::Gemm) => a.f.is_none_or(|f| f.to_bits() == ONE),
        _ => true,
    };
    let known = matches!(node.domain.as_str(), "" | "ai.onnx" | RUNTIME);
    let written = known && node.attribute.iter().all(plain);
    written.then_some((found.1, found.2))
}

/// One operator while it is written out.
struct Written {
    source: NodeProto,
    nodes: Vec<NodeProto>,
}

impl Written {
    const fn new(source: NodeProto) -> Self {
        Self {
            source,
            nodes: Vec::new(),
        }
    }

    /// The nodes that an operator is.
    fn all(mut self, meaning: &str, form: Form) -> Vec<NodeProto> {
        let count = self.source.input.len();
        let (inputs, output) = match form {
            Form::One => (vec![self.real(0, None)], 3),
            Form::Two => (vec![self.real(0, None), self.real(3, None)], 6),
            Form::Layer => {
                let mut inputs = vec![self.real(0, None), self.real(3, Some(0))];
                inputs.extend(self.bias(8));
                (inputs, 6)
            }
            Form::Gemm => {
                let is_turned = self.number("transB") != 0;
                let axis = if is_turned { 0 } else { 1 };
                let mut inputs = vec![self.real(0, None), self.real(3, Some(axis))];
                inputs.extend(self.bias(6));
                (inputs, 7)
            }
            Form::Many => (
                (2..count).step_by(3).map(|i| self.real(i, None)).collect(),
                0,
            ),
        };
        self.meaning(meaning, inputs, output);
        self.nodes
    }

    fn number(&self, name: &str) -> i64 {
        let found = self.source.attribute.iter().find(|a| a.name == name);
        found.and_then(|a| a.i).unwrap_or(0)
    }

    fn input(&self, i: usize) -> String {
        self.source.input.get(i).cloned().unwrap_or_default()
    }

    /// A name for something of this operator that the source has no name for.
    fn name(&self, what: &str) -> String {
        let output = self.source.output.first();
        format!("{}/{what}", output.map_or("", String::as_str))
    }

    fn node(&mut self, op_type: &str, input: Vec<String>, what: &str, axis: Option<i64>) -> String {
        let output = self.name(what);
        self.nodes.push(NodeProto {
            name: output.clone(),
            op_type: op_type.into(),
            input,
            output: vec![output.clone()],
            attribute: axis.map(axis_attribute).into_iter().collect(),
            ..NodeProto::default()
        });
        output
    }

    /// The real numbers of the integers in input `i`, whose scale and zero point follow them.
    fn real(&mut self, i: usize, axis: Option<i64>) -> String {
        let input = vec![self.input(i), self.input(i + 1), self.input(i + 2)];
        self.node("DequantizeLinear", input, &format!("real{i}"), axis)
    }

    /// The real numbers of the bias in input `i`, whose scale is the product of those of input and weights.
    fn bias(&mut self, i: usize) -> Option<String> {
        let bias = Some(self.input(i)).filter(|b| !b.is_empty())?;
        let scales = vec![self.input(1), self.input(4)];
        let scale = self.node("Mul", scales, "bias_scale", None);
        Some(self.node("DequantizeLinear", vec![bias, scale], "bias", Some(0)))
    }

    /// The operator on real numbers, and its integers with the scale and zero point in input `output`.
    fn meaning(&mut self, op_type: &str, input: Vec<String>, output: usize) {
        let steps = [self.input(output), self.input(output + 1)];
        let is_real = steps[0].is_empty();
        let result = if is_real {
            self.source.output.first().cloned().unwrap_or_default()
        } else {
            self.name("result")
        };
        let own = |a: &&Attribute| !matches!(a.name.as_str(), "channels_last" | "opset");
        self.nodes.push(NodeProto {
            name: self.source.name.clone(),
            op_type: op_type.into(),
            input,
            output: vec![result.clone()],
            attribute: self.source.attribute.iter().filter(own).cloned().collect(),
            ..NodeProto::default()
        });
        if !is_real {
            let [scale, zero] = steps;
            self.nodes.push(NodeProto {
                name: self.name("quantized"),
                op_type: "QuantizeLinear".into(),
                input: vec![result, scale, zero],
                output: self.source.output.clone(),
                ..NodeProto::default()
            });
        }
    }
}

fn axis_attribute(axis: i64) -> Attribute {
    Attribute {
        name: "axis".into(),
        i: Some(axis),
        ..Attribute::default()
    }
}
