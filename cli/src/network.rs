//! A network as commands take it: a `.nnz` file or a source model, told apart by content.

use crate::failure::{InFile, failure};
use crate::infer::{self, Port, Runner};
use crate::meta::Meta;
use crate::nnz_file::{self, Aligned};
use nnz_pruner::data::{DataError, Dataset, Elements, Preprocess, Samples};
use nnz_pruner::import;
use nnz_pruner::interpret::{Interpreter, Value};
use nnz_pruner::ir::{Graph, Order, Tensor};
use std::path::{Path, PathBuf};

/// A network with the file that it came from.
#[derive(Debug)]
pub struct Network {
    /// The file, for messages.
    pub path: PathBuf,
    /// What was in it.
    pub kind: Kind,
}

/// What a file held.
#[derive(Debug)]
pub enum Kind {
    /// A `.nnz` file, checked.
    Nnz(Aligned),
    /// An imported `.onnx` or `.tflite`.
    Source(Box<Graph>),
}

impl Network {
    /// Reads a file of either kind.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn open(path: &Path) -> anyhow::Result<Self> {
        Self::from_bytes(path, &nnz_file::read(path)?)
    }

    /// Takes the content of a file of either kind; `path` appears in messages.
    ///
    /// # Errors
    ///
    /// Names the file and what is wrong with it.
    pub fn from_bytes(path: &Path, bytes: &[u8]) -> anyhow::Result<Self> {
        let looks_like_nnz = path
            .extension()
            .is_some_and(|e| e.eq_ignore_ascii_case("nnz"));
        let kind = if nnz_file::is_nnz(bytes) || looks_like_nnz {
            let aligned = Aligned::copy_of(bytes);
            nnz_file::parse(path, aligned.bytes())?;
            Kind::Nnz(aligned)
        } else {
            let name = path.display().to_string();
            Kind::Source(Box::new(import::from_bytes_beside(
                &name,
                bytes,
                path.parent(),
            )?))
        };
        Ok(Self {
            path: path.to_owned(),
            kind,
        })
    }

    /// The one input of a network that is to be run on a data set.
    fn only_input(&self) -> anyhow::Result<(Tensor, Option<Port>)> {
        let (tensor, port, count) = match &self.kind {
            Kind::Nnz(bytes) => {
                let model = nnz_file::parse(&self.path, bytes.bytes())?;
                let ports = infer::inputs(&model);
                let port = ports.first().cloned();
                (port.as_ref().map(|p| p.tensor.clone()), port, ports.len())
            }
            Kind::Source(graph) => {
                let tensor = graph.inputs.first().map(|&id| graph.tensor(id).clone());
                (tensor, None, graph.inputs.len())
            }
        };
        match tensor {
            Some(tensor) if count == 1 => Ok((tensor, port)),
            _ => Err(failure(
                format!("has {count} inputs; data sets feed exactly one"),
                "use `nnz run` with one --input for each",
            ))
            .in_file(&self.path),
        }
    }

    /// The one input.
    ///
    /// # Errors
    ///
    /// Where there is not exactly one.
    pub fn input_tensor(&self) -> anyhow::Result<Tensor> {
        Ok(self.only_input()?.0)
    }

    /// The preprocessing that a `.nnz` file knows; `None` where nothing is known.
    ///
    /// # Errors
    ///
    /// Where there is not exactly one input.
    pub fn trained_on(&self) -> anyhow::Result<Option<Preprocess>> {
        let known = self.only_input()?.1.map(|port| port.trained_on().clone());
        Ok(known.filter(|p| !p.is_identity()))
    }

    /// Whether the one output is shaped as the one input, so that the network may be an autoencoder.
    ///
    /// # Errors
    ///
    /// Where there is not exactly one input.
    pub fn gives_its_input_back(&self) -> anyhow::Result<bool> {
        let input = self.only_input()?.0;
        let outputs: Vec<Tensor> = match &self.kind {
            Kind::Nnz(bytes) => {
                let model = nnz_file::parse(&self.path, bytes.bytes())?;
                let ports = infer::outputs(&model).into_iter();
                ports.map(|port| port.tensor).collect()
            }
            Kind::Source(graph) => {
                let ids = graph.outputs.iter();
                ids.map(|&id| graph.tensor(id).clone()).collect()
            }
        };
        Ok(matches!(&outputs[..], [one] if one.shape == input.shape && one.shape.len() > 1))
    }

    /// Class names in the file, none where it has none.
    #[must_use]
    pub fn labels(&self) -> Vec<String> {
        match &self.kind {
            Kind::Nnz(bytes) => nnz_file::parse(&self.path, bytes.bytes())
                .map_or_else(|_| Vec::new(), |model| Meta::of(&model).labels),
            Kind::Source(_) => Vec::new(),
        }
    }

    /// The data set as this network takes it.
    ///
    /// A `.nnz` file brings the preprocessing that was folded into it; `preprocess` may repeat that, and is used
    /// only where nothing was folded.
    ///
    /// # Errors
    ///
    /// Where the data do not fit the network, or `preprocess` contradicts the file.
    pub fn samples<'d>(
        &self,
        data: &'d Dataset,
        order: Option<Order>,
        preprocess: &Preprocess,
    ) -> anyhow::Result<Samples<'d>> {
        let (tensor, port) = self.only_input()?;
        let samples: Result<_, DataError> = match &port {
            Some(port) if preprocess.is_identity() => infer::samples(data, port, order),
            Some(port) => {
                check_same(port.trained_on(), preprocess).in_file(&self.path)?;
                if port.folded.is_identity() {
                    data.samples(&tensor, order, preprocess)
                } else {
                    infer::samples(data, port, order)
                }
            }
            None => data.samples(&tensor, order, preprocess),
        };
        samples.map_err(|e| with_layout_help(&e))
    }

    /// A function from sample index to the real values of the first output, for any number of threads.
    ///
    /// # Errors
    ///
    /// Where the network cannot be run here.
    pub fn scorer<'n>(&'n self, samples: &'n Samples<'n>) -> anyhow::Result<Scorer<'n>> {
        Ok(match &self.kind {
            Kind::Nnz(bytes) => {
                let model = nnz_file::parse(&self.path, bytes.bytes())?;
                Scorer::Nnz { model, samples }
            }
            Kind::Source(graph) => Scorer::Source {
                interpreter: Interpreter::new(graph).in_file(&self.path)?,
                graph,
                samples,
            },
        })
    }
}

/// Preprocessing given beside a file is the file's own, or the file has none.
///
/// # Errors
///
/// Where `given` is something else than a file's `own`.
pub fn check_same(own: &Preprocess, given: &Preprocess) -> anyhow::Result<()> {
    let same = match (own.scalar(), given.scalar()) {
        (Some(a), Some(b)) => a == b,
        _ => own == given,
    };
    if own.is_identity() || given.is_identity() || same {
        return Ok(());
    }
    Err(failure(
        format!(
            "--mean and --std differ from those that the file knows (mean {:?}, std {:?})",
            own.mean, own.std
        ),
        "leave them out: a .nnz file takes the data as they are",
    ))
}

/// The data module's hint becomes the help line.
fn with_layout_help(error: &DataError) -> anyhow::Error {
    let text = error.to_string();
    if !matches!(error, DataError::Shape { .. }) {
        return anyhow::anyhow!(text);
    }
    match text.split_once("; ") {
        Some((reason, help)) => failure(reason, help),
        None => failure(text, "`nnz inspect FILE` shows what the network takes"),
    }
}

/// Runs samples by index.
#[derive(Debug)]
pub enum Scorer<'n> {
    /// Through the runtime.
    Nnz {
        /// The checked file.
        model: nnz::Model<'n>,
        /// What goes in.
        samples: &'n Samples<'n>,
    },
    /// Through the reference interpreter.
    Source {
        /// The interpreter of `graph`.
        interpreter: Interpreter<'n>,
        /// The imported network.
        graph: &'n Graph,
        /// What goes in.
        samples: &'n Samples<'n>,
    },
}

impl Scorer<'_> {
    /// Memory that one thread needs.
    #[must_use]
    pub fn state(&self) -> Aligned {
        match self {
            Self::Nnz { model, .. } => infer::arena_for(model),
            Self::Source { .. } => Aligned::default(),
        }
    }

    /// The real values of the first output for one sample, in the source model's order.
    ///
    /// # Errors
    ///
    /// What the runner says.
    pub fn scores(&self, state: &mut Aligned, sample: usize) -> anyhow::Result<Vec<f32>> {
        match self {
            Self::Nnz { model, samples } => {
                let mut runner = Runner::new(model, state)?;
                runner.set_input(0, samples, sample)?;
                runner.run();
                let quant = runner.outputs().first().and_then(|p| p.tensor.quant);
                Ok(infer::to_real(&runner.output(0)?, quant))
            }
            Self::Source {
                interpreter,
                graph,
                samples,
            } => {
                let input = source_input(graph, samples, sample);
                let outputs = interpreter.run(&[input])?;
                let output = graph.outputs.first().map(|&id| graph.tensor(id));
                let first = outputs.into_iter().next().map(elements).zip(output);
                Ok(first.map_or_else(Vec::new, |(values, tensor)| {
                    let values = infer::to_source(values, tensor.shape, tensor.source.order);
                    infer::to_real(&values, tensor.quant)
                }))
            }
        }
    }
}

/// One sample as the interpreter takes it.
#[must_use]
pub fn source_input(graph: &Graph, samples: &Samples<'_>, sample: usize) -> Value {
    match graph.inputs.first().and_then(|&id| graph.tensor(id).quant) {
        Some(quant) => Value::S8(samples.get_s8(sample, quant)),
        None => Value::F32(samples.get(sample)),
    }
}

/// The interpreter's values as the data module's.
#[must_use]
pub fn elements(value: Value) -> Elements {
    match value {
        Value::F32(v) => Elements::F32(v),
        Value::S8(v) => Elements::S8(v),
    }
}
