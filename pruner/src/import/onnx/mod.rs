//! ONNX models: float networks, opset 7 and later.
//!
//! Nodes that no output needs are skipped. Nodes whose inputs are all constants are folded here (the shape
//! arithmetic of exporters); every other node becomes one node of the graph, except that a constant `Add`
//! after a `MatMul` becomes its bias.
//!
//! A rank-4 activation is channels first, unless `Transpose` says otherwise: its channels-last views keep
//! the graph's shape and only [`Source::order`](crate::ir::Source) differs.

pub(in crate::import) mod activation;
pub(in crate::import) mod affine;
mod attributes;
mod constants;
pub(in crate::import) mod convolution;
pub(in crate::import) mod dense;
mod divided;
pub(in crate::import) mod elementwise;
mod external;
#[cfg(test)]
mod external_tests;
#[cfg(test)]
pub(crate) mod fixture;
mod fold;
mod liveness;
mod nodes;
#[cfg(test)]
mod one_dimension_tests;
pub(in crate::import) mod pixels;
pub(in crate::import) mod pooling;
mod ports;
pub(in crate::import) mod qdq;
#[cfg(test)]
mod qdq_tests;
mod qoperator;
#[cfg(test)]
mod qoperator_tests;
pub(in crate::import) mod reduce;
#[cfg(test)]
mod refusal_tests;
pub(in crate::import) mod reshape;
pub(in crate::import) mod resize;
pub(in crate::import) mod shuffle;
#[cfg(test)]
mod tests;
mod unknown;
mod wire;

pub(super) use nodes::source_nodes;
pub(super) use unknown::unknown_operators;

/// The decoder generated from `schema.proto`.
#[allow(
    missing_docs,
    unreachable_pub,
    clippy::doc_markdown,
    reason = "generated; schema.proto has the comments"
)]
pub(crate) mod schema {
    include!(concat!(env!("OUT_DIR"), "/nnz.onnx.rs"));
}

pub(crate) use constants::floats_of;
pub(crate) use resize::linear_taps;

use super::assemble::Assembler;
use super::error::{ImportError, Problem, printable};
use super::{limits, support};
use crate::ir::{Arithmetic, Graph, Op, Order, Quant, Tensor, TensorId};
use crate::quantize::{self, BiasScales};
use attributes::Attributes;
use constants::Constant;
use divided::Divided;
use prost::Message;
use schema::{GraphProto, ModelProto, NodeProto};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Converts one node and adds it to the graph.
pub(in crate::import) type Handler =
    for<'a> fn(&mut Importer<'a>, &Call<'a>) -> Result<(), Problem>;

/// One node of the source.
#[derive(Debug)]
pub(in crate::import) struct Call<'a> {
    node: &'a NodeProto,
    index: usize,
    name: String,
}

/// What a name in the source stands for.
#[derive(Debug, Clone)]
enum Value<'a> {
    Activation(TensorId),
    Constant(Constant<'a>),
    /// An activation with so many axes that only another reshape makes sense of it.
    Divided(Divided),
}

/// What is known while the nodes are read in order.
#[derive(Debug)]
pub(in crate::import) struct Importer<'a> {
    graph: &'a GraphProto,
    opset: i64,
    assembler: Assembler,
    values: HashMap<&'a str, Value<'a>>,
    /// Positions of the live nodes that read a name.
    readers: HashMap<&'a str, Vec<usize>>,
    /// Names of network outputs.
    outputs: HashSet<&'a str>,
    /// Scales of integer biases, by the layer's position.
    bias_scales: BiasScales,
    /// Element types of integer activations in the source.
    elements: HashMap<TensorId, i32>,
    /// Integer network inputs whose scale the operators after them will tell.
    unscaled: HashSet<TensorId>,
}

/// Whether the bytes begin like an ONNX file: with a known field of the model.
pub(super) fn is_onnx(bytes: &[u8]) -> bool {
    let (numbers, texts) = ([1, 5], [2, 3, 4, 6, 7, 8, 14]);
    match bytes.first().map(|tag| (tag >> 3, tag & 7)) {
        Some((field, 0)) => numbers.contains(&field),
        Some((field, 2)) => texts.contains(&field),
        _ => false,
    }
}

/// Reads an ONNX model.
///
/// # Errors
///
/// See [`ImportError`].
pub(super) fn import(
    file: &str,
    bytes: &[u8],
    folder: Option<&Path>,
) -> Result<Graph, ImportError> {
    let whole = |p: Problem| p.whole(file);
    wire::check(bytes).map_err(whole)?;
    let mut model =
        ModelProto::decode(bytes).map_err(|e| whole(Problem::malformed(e.to_string())))?;
    let beside = external::read_all(&mut model, folder).map_err(whole)?;
    let len = bytes.len().saturating_add(beside);
    if let Some(graph) = model.graph.as_mut() {
        liveness::bounded(graph).map_err(whole)?;
        qoperator::write_out(graph);
    }
    let (mut importer, live) = Importer::open(file, len, &model).map_err(whole)?;
    for (index, is_live) in live.into_iter().enumerate() {
        if is_live {
            importer.node(index)?;
        }
    }
    importer.bind_outputs().map_err(whole)?;
    if importer.is_quantized() {
        let mut graph = core::mem::take(&mut importer.assembler.graph);
        graph.arithmetic = Arithmetic::Onnx;
        let adopted = quantize::adopt(graph, &importer.bias_scales);
        importer.assembler.graph = adopted.map_err(|reason| whole(Problem::malformed(reason)))?;
    }
    importer.assembler.finish()
}

impl<'a> Importer<'a> {
    fn open(file: &str, len: usize, model: &'a ModelProto) -> Result<(Self, Vec<bool>), Problem> {
        let Some(graph) = model.graph.as_ref() else {
            return Err(Problem::malformed("it has no graph"));
        };
        let opset = opset_of(model)?;
        liveness::bounded(graph)?;
        let live = liveness::live_nodes(graph)?;
        let mut importer = Self {
            graph,
            opset,
            assembler: Assembler::new(file, len),
            values: HashMap::new(),
            readers: liveness::readers(graph, &live),
            outputs: graph.output.iter().map(|o| o.name.as_str()).collect(),
            bias_scales: BiasScales::new(),
            elements: HashMap::new(),
            unscaled: HashSet::new(),
        };
        let skipped = live.iter().filter(|l| !**l).count();
        if skipped > 0 {
            importer
                .assembler
                .graph
                .notes
                .push(format!("{skipped} nodes that no output needs were skipped"));
        }
        for tensor in &graph.initializer {
            let constant = Constant::from_proto(&tensor.name, tensor)?;
            importer.bind(&tensor.name, Value::Constant(constant))?;
        }
        for input in &graph.input {
            if importer.assembler.graph.inputs.len() > limits::ARGUMENTS {
                return Err(Problem::unsupported(format!(
                    "more than {} network inputs",
                    limits::ARGUMENTS
                )));
            }
            if !importer.values.contains_key(input.name.as_str()) {
                importer.bind_input(input)?;
            }
        }
        Ok((importer, live))
    }

    fn node(&mut self, index: usize) -> Result<(), ImportError> {
        let Some(node) = self.graph.node.get(index) else {
            return Ok(());
        };
        let call = Call {
            node,
            index,
            name: if node.name.is_empty() {
                format!("{}_{index}", node.op_type.to_lowercase())
            } else {
                node.name.clone()
            },
        };
        let outcome = self.convert(&call);
        outcome.map_err(|p| p.at(&self.assembler.file, &call.name, &node.op_type))
    }

    fn convert(&mut self, call: &Call<'a>) -> Result<(), Problem> {
        let domain = call.node.domain.as_str();
        if !(domain.is_empty() || domain == "ai.onnx") {
            return Err(Problem::refused(
                format!(
                    "operators of the domain '{}' are not supported",
                    printable(domain)
                ),
                "export with standard operators only",
            ));
        }
        if let Some(constant) = fold::fold(self, call)? {
            return self.bind(call.output()?, Value::Constant(constant));
        }
        match support::onnx(&call.node.op_type) {
            Some(handler) => handler(self, call),
            None => Err(self.unknown(call)),
        }
    }

    /// The refusal of an operator that no handler knows; of a last one, how to cut the model before it.
    fn unknown(&self, call: &Call<'a>) -> Problem {
        let refusal = support::refusal(&call.node.op_type);
        let mut outputs = call.node.output.iter();
        let is_last = outputs.any(|name| self.outputs.contains(name.as_str()));
        let is_inner = |name: &&String| match self.values.get(name.as_str()) {
            Some(Value::Activation(id)) => !self.assembler.graph.inputs.contains(id),
            _ => false,
        };
        let before = call.node.input.iter().find(is_inner);
        let can_end = is_last && support::is_cut_off(&call.node.op_type);
        match (refusal, before.filter(|_| can_end)) {
            (Problem::Unsupported { reason, .. }, Some(name)) => {
                let inputs = self.assembler.graph.input_names();
                let inputs: Vec<String> = inputs.iter().map(|n| format!("'{n}'")).collect();
                let help = format!(
                    "it is the last operator: cut the model before it, `onnx.utils.extract_model('IN.onnx', 'OUT.onnx', [{}], ['{}'])`, \
                     and let the application compute it",
                    inputs.join(", "),
                    printable(name)
                );
                Problem::refused(reason, &help)
            }
            (refusal, _) => refusal,
        }
    }

    fn bind(&mut self, name: &'a str, value: Value<'a>) -> Result<(), Problem> {
        if self.values.insert(name, value).is_some() {
            return Err(Problem::malformed(format!(
                "'{}' is written twice",
                printable(name)
            )));
        }
        Ok(())
    }

    /// Adds the node of `call` with an output of dimensions `dims`.
    fn emit(
        &mut self,
        call: &Call<'a>,
        op: Op,
        inputs: &[TensorId],
        dims: &[usize],
        order: Order,
    ) -> Result<TensorId, Problem> {
        let quant = self.moved_quant(&op, inputs);
        let output = self.emit_quantized(call, op, inputs, dims, order, quant)?;
        self.keep_element(inputs, output);
        Ok(output)
    }

    /// Adds the node of `call`; `quant` makes its output an integer one.
    fn emit_quantized(
        &mut self,
        call: &Call<'a>,
        op: Op,
        inputs: &[TensorId],
        dims: &[usize],
        order: Order,
        quant: Option<Quant>,
    ) -> Result<TensorId, Problem> {
        let name = call.output()?;
        let shape = self.assembler.shape_of(&op, inputs)?;
        let output = self.assembler.shaped(name, shape, dims, order, quant)?;
        self.assembler
            .node(&call.name, op, inputs, output, Some(call.index))?;
        self.bind(name, Value::Activation(output))?;
        Ok(output)
    }

    /// Adds the node of `call`, which acts on single elements of `input`, without a name for its output.
    fn emit_apart(
        &mut self,
        call: &Call<'a>,
        op: Op,
        input: TensorId,
        quant: Option<Quant>,
    ) -> Result<TensorId, Problem> {
        let tensor = self.tensor(input);
        let (shape, source) = (tensor.shape, tensor.source.clone());
        let output =
            self.assembler
                .shaped(call.output()?, shape, &source.dims, source.order, quant)?;
        self.assembler
            .node(&call.name, op, &[input], output, Some(call.index))?;
        Ok(output)
    }

    /// Adds a node whose output has the dimensions of its input.
    fn emit_like(&mut self, call: &Call<'a>, op: Op, input: TensorId) -> Result<(), Problem> {
        let source = self.tensor(input).source.clone();
        self.emit(call, op, &[input], &source.dims, source.order)?;
        Ok(())
    }

    fn tensor(&self, id: TensorId) -> &Tensor {
        self.assembler.graph.tensor(id)
    }

    /// What the node's input `i` stands for; `None` where it is left out.
    fn value(&self, call: &Call<'a>, i: usize) -> Result<Option<Value<'a>>, Problem> {
        let Some(name) = call.node.input.get(i).filter(|n| !n.is_empty()) else {
            return Ok(None);
        };
        match self.values.get(name.as_str()) {
            Some(value) => Ok(Some(value.clone())),
            None => Err(Problem::malformed(format!(
                "it reads '{}', which nothing before it writes",
                printable(name)
            ))),
        }
    }

    /// The node's input `i`, which must be an activation.
    fn input(&self, call: &Call<'a>, i: usize) -> Result<TensorId, Problem> {
        match self.value(call, i)? {
            Some(Value::Activation(id)) => Ok(id),
            Some(Value::Constant(c)) => Err(Problem::refused(
                format!(
                    "constant '{}' where an activation is expected",
                    printable(&c.name)
                ),
                "let the exporter fold constants",
            )),
            Some(Value::Divided(divided)) => Err(divided.refusal()),
            None => Err(Problem::malformed(format!("its input {i} is missing"))),
        }
    }

    /// The node's input `i`, a constant; `None` where it is left out.
    fn constant(&self, call: &Call<'a>, i: usize) -> Result<Option<Constant<'a>>, Problem> {
        match self.value(call, i)? {
            None => Ok(None),
            Some(Value::Constant(constant)) => Ok(Some(constant)),
            Some(Value::Divided(divided)) => Err(divided.refusal()),
            Some(Value::Activation(id)) => Err(Problem::refused(
                format!(
                    "its input {i} ('{}') must be a constant",
                    printable(&self.tensor(id).name)
                ),
                "weights must be stored in the model, not fed into it (`keep_initializers_as_inputs=False`); \
                 products of two computed values, as in attention, are not supported",
            )),
        }
    }

    /// The floats of constant input `i`, which must be there.
    fn floats(&mut self, call: &Call<'a>, i: usize) -> Result<(Constant<'a>, Vec<f32>), Problem> {
        let constant = self
            .constant(call, i)?
            .ok_or_else(|| Problem::malformed(format!("its constant input {i} is missing")))?;
        let values = constant.floats(&mut self.assembler.budget)?;
        Ok((constant, values))
    }
}

impl<'a> Call<'a> {
    /// The name of the first output.
    fn output(&self) -> Result<&'a str, Problem> {
        match self.node.output.first() {
            Some(name) if !name.is_empty() => Ok(name),
            _ => Err(Problem::malformed("it has no output")),
        }
    }

    const fn attributes(&self) -> Attributes<'a> {
        Attributes(self.node.attribute.as_slice())
    }
}

/// The version of the standard operators.
fn opset_of(model: &ModelProto) -> Result<i64, Problem> {
    const OLDEST: i64 = 7;
    let standard = |domain: &str| domain.is_empty() || domain == "ai.onnx";
    let version = model
        .opset_import
        .iter()
        .filter(|o| standard(&o.domain))
        .map(|o| o.version)
        .max();
    match version {
        None => Err(Problem::malformed(
            "it names no version of the standard operators",
        )),
        Some(v) if v < OLDEST => Err(Problem::refused(
            format!("opset {v} is not supported ({OLDEST} and later are)"),
            "convert it with `onnx.version_converter`",
        )),
        Some(v) => Ok(v),
    }
}
