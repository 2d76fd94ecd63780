//! A network that scores samples by index, on any number of threads.

use crate::failure::InFile;
use crate::infer::{self, Runner};
use crate::network::{Kind, Network, elements, source_inputs};
use crate::nnz_file::{self, Aligned};
use nnz_pruner::data::Samples;
use nnz_pruner::interpret::Interpreter;
use nnz_pruner::ir::Graph;

/// One output of a network for samples by index.
#[derive(Debug)]
pub struct Scorer<'n> {
    engine: Engine<'n>,
    /// What goes in, one an input.
    samples: &'n [Samples<'n>],
    /// Which output is looked at.
    output: usize,
}

/// What runs the samples.
#[derive(Debug)]
enum Engine<'n> {
    /// The runtime.
    Nnz(nnz::Model<'n>),
    /// The reference interpreter.
    Source {
        interpreter: Interpreter<'n>,
        graph: &'n Graph,
    },
}

impl<'n> Scorer<'n> {
    /// Output number `output` of `network`.
    ///
    /// # Errors
    ///
    /// Where the network cannot be run here.
    pub fn new(
        network: &'n Network,
        samples: &'n [Samples<'n>],
        output: usize,
    ) -> anyhow::Result<Self> {
        let engine = match &network.kind {
            Kind::Nnz(bytes) => Engine::Nnz(nnz_file::parse(&network.path, bytes.bytes())?),
            Kind::Source(graph) => Engine::Source {
                interpreter: Interpreter::new(graph).in_file(&network.path)?,
                graph,
            },
        };
        Ok(Self {
            engine,
            samples,
            output,
        })
    }

    /// Memory that one thread needs.
    #[must_use]
    pub fn state(&self) -> Aligned {
        match &self.engine {
            Engine::Nnz(model) => infer::arena_for(model),
            Engine::Source { .. } => Aligned::default(),
        }
    }

    /// The real values of the output for one sample, in the source model's order.
    ///
    /// # Errors
    ///
    /// What the runner says.
    pub fn scores(&self, state: &mut Aligned, sample: usize) -> anyhow::Result<Vec<f32>> {
        match &self.engine {
            Engine::Nnz(model) => {
                let mut runner = Runner::new(model, state)?;
                runner.set_inputs(self.samples, sample)?;
                runner.run();
                let port = runner.outputs().get(self.output);
                let quant = port.and_then(|p| p.tensor.quant);
                Ok(infer::to_real(&runner.output(self.output)?, quant))
            }
            Engine::Source { interpreter, graph } => {
                let outputs = interpreter.run(&source_inputs(graph, self.samples, sample))?;
                let tensor = graph.outputs.get(self.output).map(|&id| graph.tensor(id));
                let value = outputs.into_iter().nth(self.output).map(elements);
                Ok(value.zip(tensor).map_or_else(Vec::new, |(values, tensor)| {
                    let values = infer::to_source(values, tensor.shape, tensor.source.order);
                    infer::to_real(&values, tensor.quant)
                }))
            }
        }
    }
}
