//! A program in the making: tensors, steps and their weights.

use super::convert::{is_s8, quant, refuse};
use super::shuffle::{Home, homes_unless};
use super::tensors::{external, gapless};
use super::weights::{self, Encoded, Layer};
use super::{LowerError, Options, Program, Step, StepStats, TensorSpec, narrow};
use crate::cost::Stored;
use crate::ir::{Bias, Graph, Node, Tensor, TensorId, Values};
use nnz_format::encode::{EncodeError, RowQuant};
use nnz_format::{Backend, Op, RepackOrder, WeightLayout};

/// A program in the making.
#[derive(Debug)]
pub(super) struct Lowering<'a> {
    pub(super) graph: &'a Graph,
    pub(super) options: &'a Options,
    pub(super) program: Program,
    /// The program's tensor for each tensor of the graph, once it is written.
    pub(super) tensor_of: Vec<Option<usize>>,
    /// Where parts of concatenations are written in place.
    pub(super) homes: Vec<Home>,
    gapless: Vec<bool>,
}

impl<'a> Lowering<'a> {
    pub(super) fn new(graph: &'a Graph, options: &'a Options) -> Result<Self, LowerError> {
        let gapless = gapless(graph);
        let mut lowering = Self {
            graph,
            options,
            program: Program {
                name: graph.name.clone(),
                backend: options.target.backend,
                tiles: options.target.tiles,
                rounding: options
                    .rounding
                    .unwrap_or_else(|| graph.arithmetic.rounding()),
                tensors: Vec::new(),
                steps: Vec::new(),
                inputs: Vec::new(),
                outputs: Vec::new(),
                notes: Vec::new(),
            },
            tensor_of: vec![None; graph.tensors.len()],
            homes: homes_unless(options.keep_all_steps, graph, &gapless),
            gapless,
        };
        for &id in &graph.inputs {
            let tensor = lowering.add(external(graph.tensor(id))?);
            lowering.tensor_of[id.0] = Some(tensor);
            lowering.program.inputs.push(tensor);
        }
        Ok(lowering)
    }

    /// The program, outputs in the caller's order.
    pub(super) fn finish(mut self) -> Result<Program, LowerError> {
        for &id in &self.graph.outputs {
            let tensor = self.written(id);
            let wanted = external(self.graph.tensor(id))?;
            let found = &self.program.tensors[tensor];
            let fits = wanted.strides() == found.strides() && wanted.len() == found.len();
            let output = if fits {
                tensor
            } else {
                let output = self.add(wanted);
                let op = Op::Repack {
                    order: RepackOrder::Same,
                };
                self.step(
                    format!("{}/order", self.graph.tensor(id).name),
                    op,
                    tensor,
                    output,
                );
                output
            };
            self.program.outputs.push(output);
        }
        Ok(self.program)
    }

    pub(super) fn add(&mut self, spec: TensorSpec) -> usize {
        self.program.tensors.push(spec);
        self.program.tensors.len() - 1
    }

    /// The program's tensor of `id`; `Graph::check` proved that something wrote it.
    pub(super) fn written(&self, id: TensorId) -> usize {
        self.tensor_of[id.0].unwrap_or(0)
    }

    pub(super) fn source(&self, node: &Node) -> usize {
        self.written(node.inputs[0])
    }

    pub(super) fn input(&self, node: &Node) -> &'a Tensor {
        self.graph.tensor(node.inputs[0])
    }

    pub(super) fn output(&self, node: &Node) -> &'a Tensor {
        self.graph.tensor(node.output)
    }

    /// A new tensor for the node's output.
    pub(super) fn target(&mut self, node: &Node) -> Result<usize, LowerError> {
        self.place(node.output)
    }

    pub(super) fn gapless(&self) -> &[bool] {
        &self.gapless
    }

    pub(super) fn step(&mut self, name: String, op: Op, input: usize, output: usize) -> &mut Step {
        let at = self.program.steps.len();
        let tensors = &self.program.tensors;
        let stats = StepStats {
            cost: self.options.target.cost.predict(
                &op,
                (&tensors[input].at(0), &tensors[output].at(0)),
                (WeightLayout::None, Stored::default()),
                self.program.rounding,
            ),
            ..StepStats::default()
        };
        self.program.steps.push(Step {
            name,
            op,
            input,
            input2: None,
            output,
            weights: None,
            stats,
            source_index: None,
        });
        &mut self.program.steps[at]
    }

    /// A step without weights from the node's input to its output.
    pub(super) fn plain(&mut self, node: &Node, op: Op) -> Result<(), LowerError> {
        let (input, output) = (self.source(node), self.target(node)?);
        self.step(node.name.clone(), op, input, output).source_index = node.source_index;
        Ok(())
    }

    /// A step with weights.
    pub(super) fn weighted(
        &mut self,
        node: &Node,
        op: Op,
        layer: Layer<'_>,
        bias: &Bias,
    ) -> Result<(), LowerError> {
        let (input, output) = (self.source(node), self.target(node)?);
        self.weighted_between(node, op, layer, bias, (input, output))
    }

    pub(super) fn weighted_between(
        &mut self,
        node: &Node,
        op: Op,
        layer: Layer<'_>,
        bias: &Bias,
        (input, output): (usize, usize),
    ) -> Result<(), LowerError> {
        let (from, to) = (self.input(node), self.output(node));
        let tensors = &self.program.tensors;
        let candidates = match (&layer.weights.values, is_s8(from) && is_s8(to)) {
            (Values::S8(values), true) => {
                let rows = weights::row_quants(&layer, values, bias, quant(from), quant(to));
                self.encode_s8(&op, &layer, values, (rows, quant(to).zero_point))
            }
            (Values::F32(values), false) if from.dtype == to.dtype => {
                weights::encode_f32(&layer, values, bias, self.options)
            }
            (Values::S8(_) | Values::F32(_), _) => {
                return Err(refuse(
                    node,
                    "weights and activations have different types",
                    "quantise the whole network with `--calib DATA.npz`, or keep all of it in floats",
                ));
            }
        };
        let candidates = candidates.map_err(|e| {
            refuse(
                node,
                e.to_string(),
                "`--weights dense` encodes every layer without indices",
            )
        })?;
        let price = |encoded: &Encoded| {
            let (from, to) = (tensors[input].at(0), tensors[output].at(0));
            let weights = (encoded.blob.layout, encoded.stored);
            let rounding = self.program.rounding;
            self.options
                .target
                .cost
                .predict(&op, (&from, &to), weights, rounding)
        };
        let Some((chosen, cost)) = weights::choose(candidates, &layer, self.options, price) else {
            return Err(refuse(
                node,
                "no weight layout fits",
                "`nnz ops` lists the limits of each operator",
            ));
        };
        let pixels = tensors[output].pixels();
        let stats = weights::stats(&layer, chosen.blob.layout, pixels, cost);
        let step = self.step(node.name.clone(), op, input, output);
        step.weights = Some(chosen.blob);
        step.stats = stats;
        step.source_index = node.source_index;
        Ok(())
    }

    /// Every layout of an integer matrix that the options allow, as the backend stores it.
    fn encode_s8(
        &self,
        op: &Op,
        layer: &Layer<'_>,
        values: &[i8],
        (mut rows, zero_point): (Vec<RowQuant>, i32),
    ) -> Result<Vec<Encoded>, EncodeError> {
        let is_narrow = matches!(op, Op::Conv2d { .. }) && self.program.backend == Backend::ArmDsp;
        if is_narrow {
            narrow::settle_dead_rows(&mut rows, values, zero_point, self.program.rounding);
        }
        let found = weights::encode_s8(layer, values, &rows, self.options)?;
        Ok(if is_narrow {
            narrow::mark(found, rows.len())
        } else {
            found
        })
    }
}
