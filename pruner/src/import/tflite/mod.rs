//! TFLite models: activations `[1, h, w, c]`, float32 or int8.
//!
//! One node per source operator; `source_index` is the operator's position, so that the outputs of every
//! operator can be compared with TensorFlow Lite's.

pub(in crate::import) mod activation;
pub(in crate::import) mod affine;
pub(in crate::import) mod axes;
mod constants;
pub(in crate::import) mod convolution;
pub(in crate::import) mod elementwise;
#[cfg(test)]
mod fixture;
mod flatbuffer;
mod hybrid;
mod liveness;
mod names;
mod nodes;
mod operand;
pub(in crate::import) mod pixels;
#[cfg(test)]
mod port_tests;
pub(in crate::import) mod reshape;
pub(in crate::import) mod resize;
mod schema;
pub(in crate::import) mod shuffle;
mod sparse;
#[cfg(test)]
mod sparse_tests;
mod tensors;
#[cfg(test)]
mod tests;
mod unknown;

pub(super) use nodes::source_nodes;
pub(super) use unknown::unknown_operators;

use super::assemble::Assembler;
use super::error::{ImportError, Problem, printable};
use super::{limits, support};
use crate::ir::{Clamp, Graph, Op, TensorId};
use flatbuffer::Table;
use schema::{IDENTIFIER, Model, OperatorInfo, SubGraph};
use std::collections::HashMap;

/// Converts one operator and adds it to the graph.
pub(in crate::import) type Handler = fn(&mut Importer<'_>, &Call<'_>) -> Result<(), Problem>;

/// One operator of the source.
#[derive(Debug)]
pub(in crate::import) struct Call<'a> {
    info: OperatorInfo<'a>,
    index: usize,
    name: String,
}

/// What is known while the operators are read in order.
#[derive(Debug)]
pub(in crate::import) struct Importer<'a> {
    model: Model<'a>,
    subgraph: SubGraph<'a>,
    assembler: Assembler,
    /// The graph's activation of each source tensor.
    activations: Vec<Option<TensorId>>,
    /// Constants that an operator only converts: its output by the constant's tensor.
    converted: HashMap<i32, i32>,
    /// Tensors of five axes.
    widened: HashMap<i32, pixels::Widened>,
    /// How many operators read a tensor.
    reader_counts: HashMap<i32, usize>,
    /// Layers with integer weights between float activations.
    hybrid: usize,
}

/// Whether the bytes carry TFLite's identifier.
pub(super) fn is_tflite(bytes: &[u8]) -> bool {
    bytes.get(4..8) == Some(IDENTIFIER)
}

/// Reads a TFLite model.
///
/// # Errors
///
/// See [`ImportError`].
pub(super) fn import(file: &str, bytes: &[u8]) -> Result<Graph, ImportError> {
    let whole = |p: Problem| p.whole(file);
    let mut importer = Importer::open(file, bytes).map_err(whole)?;
    importer.inputs().map_err(whole)?;
    let live = liveness::live_operators(&importer.model, &importer.subgraph).map_err(whole)?;
    for (index, _) in live.iter().enumerate().filter(|(_, live)| **live) {
        importer.operator(index)?;
    }
    importer.note_skipped(live.iter().filter(|live| !**live).count());
    importer.note_hybrid();
    importer.outputs().map_err(whole)?;
    importer.assembler.finish()
}

impl<'a> Importer<'a> {
    fn open(file: &str, bytes: &'a [u8]) -> Result<Self, Problem> {
        let model = Model::read(bytes)?;
        if model.subgraphs.len() == 0 {
            return Err(Problem::malformed("it has no subgraph"));
        }
        let subgraph = SubGraph::read(model.subgraphs.get(0)?)?;
        for (what, found, limit) in [
            ("operators", subgraph.operators.len(), limits::NODES),
            ("tensors", subgraph.tensors.len(), limits::TENSORS),
            ("inputs", subgraph.inputs.len(), limits::ARGUMENTS),
            ("outputs", subgraph.outputs.len(), limits::ARGUMENTS),
        ] {
            if found > limit {
                return Err(Problem::Limit {
                    what,
                    found: found as u64,
                    limit: limit as u64,
                });
            }
        }
        let mut assembler = Assembler::new(file, bytes.len());
        if model.subgraphs.len() > 1 {
            assembler.graph.notes.push(format!(
                "the first of {} subgraphs was read",
                model.subgraphs.len()
            ));
        }
        Ok(Self {
            model,
            subgraph,
            assembler,
            activations: vec![None; subgraph.tensors.len()],
            converted: HashMap::new(),
            widened: HashMap::new(),
            reader_counts: readers(&subgraph)?,
            hybrid: 0,
        })
    }

    fn note_skipped(&mut self, skipped: usize) {
        if skipped > 0 {
            let note = format!("{skipped} operators that no output needs were skipped");
            self.assembler.graph.notes.push(note);
        }
    }

    fn inputs(&mut self) -> Result<(), Problem> {
        for index in self.subgraph.inputs.iter() {
            let id = self.define(index)?;
            self.note_port(index, "input")?;
            self.assembler.graph.inputs.push(id);
        }
        Ok(())
    }

    fn outputs(&mut self) -> Result<(), Problem> {
        for index in self.subgraph.outputs.iter() {
            let id = self.known(index)?;
            self.note_port(index, "output")?;
            self.assembler.graph.outputs.push(id);
        }
        Ok(())
    }

    fn operator(&mut self, index: usize) -> Result<(), ImportError> {
        let file = self.assembler.file.clone();
        let unnamed = format!("operator {index}");
        let broken = |b: flatbuffer::Broken| Problem::from(b).at(&file, &unnamed, "TFLite");
        let table: Table<'a> = self.subgraph.operators.get(index).map_err(broken)?;
        let info = OperatorInfo::read(table).map_err(broken)?;
        let (code, custom) = self
            .model
            .operator_code(info.opcode_index)
            .map_err(broken)?;
        let operator = if custom.is_empty() {
            names::builtin(code)
        } else {
            printable(&String::from_utf8_lossy(custom))
        };
        let call = Call {
            info,
            index,
            name: format!("{}_{index}", operator.to_lowercase()),
        };
        let at = |p: Problem| p.at(&file, &call.name, &operator);
        match support::tflite(code).filter(|_| custom.is_empty()) {
            Some(handler) => handler(self, &call).map_err(at),
            None if !custom.is_empty() => Err(at(custom_operator(&operator))),
            None => Err(at(support::refusal(&operator))),
        }
    }

    /// Adds the node of `call`, which writes the operator's only output.
    fn emit(&mut self, call: &Call<'_>, op: Op, inputs: &[TensorId]) -> Result<(), Problem> {
        let output = self.output(call, &op, inputs)?;
        self.assembler
            .node(&call.name, op, inputs, output, Some(call.index))
    }

    /// Adds a node that only shows the values of `input` with the dimensions of the operator's output.
    fn emit_view(&mut self, call: &Call<'_>, input: TensorId) -> Result<(), Problem> {
        let shape = self.assembler.graph.tensor(input).shape;
        let output = self.define_as(call.info.outputs.get(0).unwrap_or(-1), Some(shape))?;
        self.assembler
            .node(&call.name, Op::Identity, &[input], output, Some(call.index))
    }

    /// The activation that the operator writes; its open dimensions are those that `op` gives.
    fn output(
        &mut self,
        call: &Call<'_>,
        op: &Op,
        inputs: &[TensorId],
    ) -> Result<TensorId, Problem> {
        match (call.info.outputs.len(), call.info.outputs.get(0)) {
            (1, Some(index)) if tensors::has_open_size(&self.info(index)?) => {
                let given = self.assembler.shape_of(op, inputs)?;
                self.define_as(index, Some(given))
            }
            (1, Some(index)) => self.define(index),
            (n, _) => Err(Problem::malformed(format!("it has {n} outputs, not 1"))),
        }
    }

    /// The activation at position `i` of the operator's inputs.
    fn input(&mut self, call: &Call<'_>, i: usize) -> Result<TensorId, Problem> {
        let index = call.info.inputs.get(i);
        self.known(index.ok_or_else(|| Problem::malformed(format!("it has no input {i}")))?)
    }
}

/// The refusal of an operator that is not one of TFLite's own.
fn custom_operator(name: &str) -> Problem {
    let help = if name.starts_with("Flex") {
        "convert without `tf.lite.OpsSet.SELECT_TF_OPS`, so that only TFLite's own operators are used"
    } else {
        "convert without `allow_custom_ops`; where it is the last operator, cut it off and let the application compute it"
    };
    Problem::refused("custom operators are not supported", help)
}

/// How many operators read each tensor.
fn readers(subgraph: &SubGraph<'_>) -> Result<HashMap<i32, usize>, Problem> {
    let mut counts = HashMap::new();
    for i in 0..subgraph.operators.len() {
        let info = OperatorInfo::read(subgraph.operators.get(i)?)?;
        if info.inputs.len() > limits::ARGUMENTS {
            return Err(Problem::Limit {
                what: "inputs of one operator",
                found: info.inputs.len() as u64,
                limit: limits::ARGUMENTS as u64,
            });
        }
        for tensor in info.inputs.iter() {
            *counts.entry(tensor).or_default() += 1;
        }
    }
    Ok(counts)
}

/// A tensor's index, which must not be negative.
fn as_index(index: i32) -> Result<usize, Problem> {
    usize::try_from(index).map_err(|_| Problem::malformed(format!("tensor index {index}")))
}

impl<'a> Call<'a> {
    /// The operator's options, which must be of the given type.
    fn options(&self, expected: u8) -> Result<Table<'a>, Problem> {
        match self.info.options {
            Some(table) if self.info.options_type == expected => Ok(table),
            _ => Err(Problem::malformed(format!(
                "options of type {expected} are missing (type {} is there)",
                self.info.options_type
            ))),
        }
    }

    /// The fused activation in field `id` of the options.
    fn fused(options: &Table<'_>, id: usize) -> Result<Clamp, Problem> {
        match options.number::<i8>(id, 0)? {
            0 => Ok(Clamp::NONE),
            1 => Ok(Clamp::RELU),
            2 => Ok(Clamp { lo: -1.0, hi: 1.0 }),
            3 => Ok(Clamp::RELU6),
            4 => Err(Problem::unsupported(
                "fused activation TANH is not supported",
            )),
            5 => Err(Problem::unsupported(
                "fused activation SIGN_BIT is not supported",
            )),
            other => Err(Problem::malformed(format!("fused activation {other}"))),
        }
    }
}
