//! Networks that were quantised before: float operators between quantisations become integer operators.
//!
//! ```text
//! q ─dequantize→ op ─quantize→ q'     becomes     q ─op on integers→ q'           scales are the file's
//! ```
//!
//! Weights that hold integers with scales (`Values::F32` of whole numbers, `Weights::scales` not empty: what importers
//! leave here) are taken as they are. Operators that keep the scale of their input and are to write another one are
//! followed by a change of scale. What has no integer form stays float between its conversions, with a note; a network
//! that is wholly integer takes and gives integers, so that floats remain only in the caller's hands.

mod layers;
mod wide;

use super::{fixed_quant, ties};
use crate::interpret::integer_form;
use crate::ir::{DType, Graph, Node, Op, Quant, TensorId};
use crate::pass;
use layers::{integer_op, keeps, keeps_values, to_floats};
use std::collections::HashMap;

/// Bias scales, by the layer's position in the source model.
pub(crate) type BiasScales = HashMap<usize, Vec<f32>>;

/// Turns what lies between quantisations into integer operators.
pub(crate) fn adopt(mut graph: Graph, biases: &BiasScales) -> Result<Graph, String> {
    merge(&mut graph);
    let graph = pass::fuse_clamps(graph)?;
    let mut adoption = Adoption::new(graph, biases);
    for index in 0..adoption.graph.nodes.len() {
        adoption.node(index);
    }
    let mut graph = pass::drop_unused(adoption.finish())?;
    for node in &mut graph.nodes {
        let own = node.source_index.and_then(|i| biases.get(&i));
        to_floats(&mut node.op, own);
    }
    if is_integer_inside(&graph) {
        strip(&mut graph);
        graph = pass::drop_unused(graph)?;
    }
    Ok(graph)
}

/// Lets equal quantisations of one tensor be one, and drops those that only undo a dequantisation.
fn merge(graph: &mut Graph) {
    let mut integer_of: HashMap<TensorId, TensorId> = HashMap::new();
    let mut known: HashMap<(TensorId, u32, i32), TensorId> = HashMap::new();
    let mut same: HashMap<TensorId, TensorId> = HashMap::new();
    for node in &mut graph.nodes {
        for input in &mut node.inputs {
            *input = same.get(input).copied().unwrap_or(*input);
        }
        let (Some(&input), output) = (node.inputs.first(), node.output) else {
            continue;
        };
        if matches!(node.op, Op::Dequantize) {
            integer_of.insert(output, input);
            continue;
        }
        let Some(quant) = graph.tensors[output.0].quant else {
            continue;
        };
        if !matches!(node.op, Op::Quantize) || graph.outputs.contains(&output) {
            continue;
        }
        let undone = integer_of.get(&input).copied();
        let undone = undone.filter(|t| graph.tensors[t.0].quant == Some(quant));
        let key = (input, quant.scale.to_bits(), quant.zero_point);
        let first = undone.unwrap_or_else(|| *known.entry(key).or_insert(output));
        if first != output {
            same.insert(output, first);
        }
    }
    graph.nodes.retain(|n| !same.contains_key(&n.output));
}

/// A network on its way from floats to integers.
struct Adoption<'b> {
    graph: Graph,
    biases: &'b BiasScales,
    /// The integers behind each float tensor that is only a view of integers.
    integer_of: HashMap<TensorId, TensorId>,
    /// Nodes that read each tensor.
    readers: Vec<Vec<usize>>,
    /// Nodes to insert, each before the node of that index.
    extra: Vec<(usize, Node)>,
    gone: Vec<bool>,
}

impl<'b> Adoption<'b> {
    fn new(graph: Graph, biases: &'b BiasScales) -> Self {
        let mut readers = vec![Vec::new(); graph.tensors.len()];
        for (index, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                readers[input.0].push(index);
            }
        }
        Self {
            gone: vec![false; graph.nodes.len()],
            graph,
            biases,
            integer_of: HashMap::new(),
            readers,
            extra: Vec::new(),
        }
    }

    /// Makes one node an integer one, if what surrounds it allows that.
    fn node(&mut self, index: usize) {
        let node = self.graph.nodes[index].clone();
        let output = node.output;
        if matches!(node.op, Op::Dequantize) {
            self.integer_of.insert(output, node.inputs[0]);
        }
        if matches!(node.op, Op::Dequantize | Op::Quantize) {
            return;
        }
        let integers: Option<Vec<TensorId>> = node
            .inputs
            .iter()
            .map(|t| self.integer_of.get(t).copied())
            .collect();
        let is_float = self.graph.tensor(output).dtype == DType::F32;
        let Some(inputs) = integers.filter(|_| is_float) else {
            return;
        };
        if let Err(reason) = self.convert(index, node, inputs) {
            let name = &self.graph.nodes[index].name;
            let note = format!("node '{name}' stays float between its conversions: {reason}");
            self.graph.notes.push(note);
        }
    }

    /// Replaces node `index` by its integer form on `inputs`.
    fn convert(
        &mut self,
        index: usize,
        mut node: Node,
        inputs: Vec<TensorId>,
    ) -> Result<(), String> {
        let input = self.quant(inputs[0]);
        let shape = self.graph.tensor(inputs[0]).shape;
        let quantizer = self.sole_quantizer(node.output);
        let wanted = self.later_quant(node.output);
        let given = match (&node.op, wanted) {
            (Op::Softmax { .. }, _) => fixed_quant(&node.op),
            (op, Some(wanted)) if inputs.len() > 1 || !keeps(op, shape) => Some(wanted),
            (_, Some(_)) => Some(input),
            (op, None) if inputs.len() == 1 && keeps_values(op) => Some(input),
            (op, None) => fixed_quant(op).filter(|_| self.is_last(node.output)),
        };
        let Some(given) = given else {
            return Err("its output is not quantised".into());
        };
        let output = self.integers_like(node.output, given);
        node.inputs = self.rescaled(index, &node, &inputs, given);
        node.output = output;
        let input = self.quant(node.inputs[0]);
        let own = node.source_index.and_then(|i| self.biases.get(&i));
        if wide::exceeds(&node.op) {
            self.narrow(index, &mut node, own);
        }
        integer_op(&mut node, shape, (input, given), own)?;
        integer_form(&self.graph, &node)?;
        let float = core::mem::replace(&mut self.graph.nodes[index], node).output;
        match quantizer {
            Some(quantizer) if wanted == Some(given) => {
                let target = self.graph.nodes[quantizer].output;
                self.graph.nodes[index].output = target;
                self.gone[quantizer] = true;
            }
            Some(quantizer) => self.graph.nodes[quantizer].inputs = vec![output],
            None => {
                let name = format!("{}_dequantize", self.graph.nodes[index].name);
                self.insert(index + 1, name, Op::Dequantize, output, float);
                self.integer_of.insert(float, output);
            }
        }
        Ok(())
    }

    /// Gives a layer weights of eight bits: exact ones where it can read its input twice, rounded ones otherwise.
    fn narrow(&mut self, index: usize, node: &mut Node, own: Option<&Vec<f32>>) {
        let input = node.inputs[0];
        let name = node.op.weights().map_or("", |w| &w.name).to_owned();
        if wide::split(&mut node.op, self.graph.tensor(input).shape.c) {
            let (twice, op) = wide::doubled(&mut self.graph, input);
            self.extra.push((
                index,
                Node {
                    name: format!("{}_input_twice", node.name),
                    op,
                    inputs: vec![input, input],
                    output: twice,
                    source_index: None,
                },
            ));
            node.inputs = vec![twice];
            self.graph.notes.push(format!(
                "weights '{name}' have a zero point and exceed 8 bits: what exceeds them reads the input a second time, so that the \
                 sums are exact; `weight_type=QuantType.QInt8` needs no second part"
            ));
            return;
        }
        to_floats(&mut node.op, own);
        self.graph.notes.push(format!(
            "weights '{name}' have a zero point and exceed 8 bits: rounded again, so that outputs may differ by a few steps; \
             `weight_type=QuantType.QInt8` keeps them"
        ));
    }

    /// Inputs in the scale that the operator writes, where it can only join equal scales.
    fn rescaled(
        &mut self,
        index: usize,
        node: &Node,
        inputs: &[TensorId],
        given: Quant,
    ) -> Vec<TensorId> {
        if !ties::joins(&node.op) {
            return inputs.to_vec();
        }
        let mut rescaled = Vec::new();
        for (i, &input) in inputs.iter().enumerate() {
            rescaled.push(if self.quant(input) == given {
                input
            } else {
                let output = self.integers_like(input, given);
                let name = format!("{}_rescale_{i}", node.name);
                self.insert(index, name, Op::Quantize, input, output);
                output
            });
        }
        rescaled
    }

    fn insert(&mut self, before: usize, name: String, op: Op, input: TensorId, output: TensorId) {
        let node = Node {
            name,
            op,
            inputs: vec![input],
            output,
            source_index: None,
        };
        self.extra.push((before, node));
    }

    /// A new integer tensor that shows what `like` shows.
    fn integers_like(&mut self, like: TensorId, quant: Quant) -> TensorId {
        let mut tensor = self.graph.tensor(like).clone();
        (tensor.dtype, tensor.quant) = (DType::S8, Some(quant));
        self.graph.add_tensor(tensor)
    }

    fn quant(&self, id: TensorId) -> Quant {
        let none = Quant {
            scale: 1.0,
            zero_point: 0,
        };
        self.graph.tensor(id).quant.unwrap_or(none)
    }

    /// The quantisation that alone reads a tensor.
    fn sole_quantizer(&self, id: TensorId) -> Option<usize> {
        let [reader] = self.readers.get(id.0)?[..] else {
            return None;
        };
        let is_quantize = matches!(self.graph.nodes[reader].op, Op::Quantize);
        (is_quantize && !self.graph.outputs.contains(&id)).then_some(reader)
    }

    /// The quantisation of a tensor, also after operators that only move its values.
    fn later_quant(&self, mut id: TensorId) -> Option<Quant> {
        loop {
            if let Some(quantizer) = self.sole_quantizer(id) {
                return Some(self.quant(self.graph.nodes[quantizer].output));
            }
            let [reader] = self.readers.get(id.0)?[..] else {
                return None;
            };
            let node = &self.graph.nodes[reader];
            let moves = keeps_values(&node.op) && node.inputs.len() == 1;
            if !moves || self.graph.outputs.contains(&id) {
                return None;
            }
            id = node.output;
        }
    }

    fn is_last(&self, id: TensorId) -> bool {
        self.readers.get(id.0).is_some_and(Vec::is_empty) && self.graph.outputs.contains(&id)
    }

    /// The graph with inserted nodes in their places.
    fn finish(self) -> Graph {
        let Self {
            mut graph,
            extra,
            gone,
            ..
        } = self;
        let mut placed: Vec<(usize, Node)> = extra
            .into_iter()
            .map(|(before, node)| (2 * before, node))
            .collect();
        for (index, node) in core::mem::take(&mut graph.nodes).into_iter().enumerate() {
            if !gone[index] {
                placed.push((2 * index + 1, node));
            }
        }
        placed.sort_by_key(|(place, _)| *place);
        graph.nodes = placed.into_iter().map(|(_, node)| node).collect();
        graph
    }
}

/// Whether floats occur only where the network's interface is converted.
fn is_integer_inside(graph: &Graph) -> bool {
    let float = |id: &TensorId| graph.tensor(*id).dtype == DType::F32;
    let is_read = |id: TensorId| graph.nodes.iter().any(|n| n.inputs.contains(&id));
    graph.nodes.iter().all(|node| {
        if matches!(node.op, Op::Dequantize) {
            return graph.outputs.contains(&node.output) && !is_read(node.output);
        }
        let from_caller =
            matches!(node.op, Op::Quantize) && node.inputs.iter().all(|t| graph.inputs.contains(t));
        !float(&node.output) && (from_caller || !node.inputs.iter().any(float))
    })
}

/// Makes the network's float inputs and outputs the integers that they are converted to and from.
fn strip(graph: &mut Graph) {
    for index in 0..graph.inputs.len() {
        let input = graph.inputs[index];
        let readers = graph.consumers(input);
        let [reader] = readers[..] else { continue };
        if !matches!(graph.nodes[reader].op, Op::Quantize)
            || graph.tensor(input).dtype != DType::F32
        {
            continue;
        }
        let target = graph.nodes[reader].output;
        let quant = graph.tensor(target).quant;
        let tensor = graph.tensor_mut(input);
        (tensor.dtype, tensor.quant) = (DType::S8, quant);
        graph.nodes[reader].op = Op::Identity;
        for node in &mut graph.nodes {
            let same = node.inputs.iter_mut().filter(|t| **t == target);
            same.for_each(|t| *t = input);
        }
    }
    for index in 0..graph.outputs.len() {
        let output = graph.outputs[index];
        let Some(producer) = graph.producer(output) else {
            continue;
        };
        if matches!(graph.nodes[producer].op, Op::Dequantize) {
            let integers = graph.nodes[producer].inputs[0];
            let (name, source) = {
                let shown = graph.tensor(output);
                (shown.name.clone(), shown.source.clone())
            };
            let tensor = graph.tensor_mut(integers);
            (tensor.name, tensor.source) = (name, source);
            graph.outputs[index] = integers;
        }
    }
    graph
        .notes
        .push("quantised model (QDQ): inputs and outputs are int8 with the file's scales; float data are converted".into());
}
