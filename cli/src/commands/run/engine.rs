//! What runs a network: the runtime for `.nnz` files, the reference interpreter for source models.

use super::super::dump::{Dump, Target};
use crate::infer::{self, Port, Runner};
use crate::meta::Meta;
use crate::network::{elements, source_inputs};
use crate::nnz_file::Aligned;
use nnz::Model;
use nnz_pruner::data::{Elements, Preprocess, Samples};
use nnz_pruner::interpret::Interpreter;
use nnz_pruner::ir::{Graph, Tensor};
use std::path::Path;

/// One input of a network.
#[derive(Debug, Clone)]
pub(super) struct Input {
    /// Shape, type and quantisation.
    pub(super) tensor: Tensor,
    /// What the file does to data before the network.
    pub(super) preprocess: Preprocess,
    /// From data to the numbers that the source model takes, whoever does it.
    pub(super) trained_on: Preprocess,
}

/// A network that runs samples.
#[derive(Debug)]
pub(super) struct Engine<'m, 'a> {
    inputs: Vec<Input>,
    outputs: Vec<Tensor>,
    kind: EngineKind<'m, 'a>,
}

#[derive(Debug)]
enum EngineKind<'m, 'a> {
    File(Runner<'m, 'a>),
    Source(Interpreter<'m>),
}

impl<'m, 'a> Engine<'m, 'a> {
    /// A `.nnz` file in an arena made for it.
    pub(super) fn of_file(model: &'m Model<'m>, arena: &'a mut Aligned) -> anyhow::Result<Self> {
        let runner = Runner::new(model, arena)?;
        let input = |port: &Port| Input {
            tensor: port.tensor.clone(),
            preprocess: port.preprocess.clone(),
            trained_on: port.trained_on().clone(),
        };
        Ok(Self {
            inputs: runner.inputs().iter().map(input).collect(),
            outputs: runner.outputs().iter().map(|p| p.tensor.clone()).collect(),
            kind: EngineKind::File(runner),
        })
    }

    /// An imported model.
    pub(super) fn of_source(graph: &'m Graph) -> anyhow::Result<Self> {
        let input = |id| Input {
            tensor: graph.tensor(id).clone(),
            preprocess: Preprocess::NONE,
            trained_on: Preprocess::NONE,
        };
        Ok(Self {
            inputs: graph.inputs.iter().map(|&id| input(id)).collect(),
            outputs: graph
                .outputs
                .iter()
                .map(|&id| graph.tensor(id).clone())
                .collect(),
            kind: EngineKind::Source(Interpreter::new(graph)?),
        })
    }

    /// What the network takes.
    pub(super) fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// What the network gives.
    pub(super) fn outputs(&self) -> &[Tensor] {
        &self.outputs
    }

    /// One inference: the outputs in the order of the source model.
    pub(super) fn run(
        &mut self,
        samples: &[Samples<'_>],
        row: usize,
        dump: Option<&mut Dump>,
    ) -> anyhow::Result<Vec<Elements>> {
        match &mut self.kind {
            EngineKind::File(runner) => run_file(runner, samples, row, dump),
            EngineKind::Source(interpreter) => run_source(interpreter, samples, row, dump),
        }
    }
}

fn run_file(
    runner: &mut Runner<'_, '_>,
    samples: &[Samples<'_>],
    row: usize,
    dump: Option<&mut Dump>,
) -> anyhow::Result<Vec<Elements>> {
    runner.set_inputs(samples, row)?;
    match dump {
        Some(dump) => runner.run_with(|step, tensor, values| {
            dump.add(step, infer::shape_of(tensor), values);
        }),
        None => runner.run(),
    }
    let count = runner.outputs().len();
    (0..count).map(|i| Ok(runner.output(i)?)).collect()
}

fn run_source(
    interpreter: &Interpreter<'_>,
    samples: &[Samples<'_>],
    row: usize,
    dump: Option<&mut Dump>,
) -> anyhow::Result<Vec<Elements>> {
    let graph = interpreter.graph();
    let all = interpreter.run_all(&source_inputs(graph, samples, row))?;
    let get = |id: nnz_pruner::ir::TensorId| all.get(id.0).cloned().flatten().map(elements);
    if let Some(dump) = dump {
        for (i, node) in graph.nodes.iter().enumerate() {
            if let Some(values) = get(node.output) {
                dump.add(i, graph.tensor(node.output).shape, values);
            }
        }
    }
    let source = |&id| {
        let tensor = graph.tensor(id);
        get(id).map(|values| infer::to_source(values, tensor.shape, tensor.source.order))
    };
    Ok(graph.outputs.iter().filter_map(source).collect())
}

/// Which files a dump of a network has.
#[derive(Debug)]
pub(super) struct Dumped(Vec<Target>);

impl Dumped {
    /// One per step.
    pub(super) fn of_file(model: &Model<'_>) -> Self {
        let meta = Meta::of(model);
        let target = |step: nnz_format::Step<'_>| {
            let (dims, order) = meta.tensor_dims(step.output_index, &step.output);
            Target {
                source_op: meta.source_op(step.index),
                name: step.op.name().to_owned(),
                dims,
                order,
            }
        };
        Self(model.steps().map(target).collect())
    }

    /// One per node.
    pub(super) fn of_source(graph: &Graph) -> Self {
        let target = |node: &nnz_pruner::ir::Node| {
            let source = &graph.tensor(node.output).source;
            Target {
                source_op: node.source_index,
                name: node.op.name().to_owned(),
                dims: source.dims.clone(),
                order: source.order,
            }
        };
        Self(graph.nodes.iter().map(target).collect())
    }

    /// Prepares the folder.
    pub(super) fn into_folder(self, folder: &Path) -> anyhow::Result<Dump> {
        Dump::new(folder, self.0)
    }
}
