//! A network as commands take it: a `.nnz` file or a source model, told apart by content.

use crate::failure::{InFile, failure};
use crate::infer::{self, Port};
use crate::meta::Meta;
use crate::nnz_file::{self, Aligned};
use nnz_pruner::data::{DataError, Dataset, Elements, Preprocess, Samples};
use nnz_pruner::import;
use nnz_pruner::interpret::Value;
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

    /// Every input, with what a `.nnz` file knows of it.
    fn ports(&self) -> anyhow::Result<Vec<(Tensor, Option<Port>)>> {
        Ok(match &self.kind {
            Kind::Nnz(bytes) => {
                let model = nnz_file::parse(&self.path, bytes.bytes())?;
                let ports = infer::inputs(&model).into_iter();
                ports.map(|p| (p.tensor.clone(), Some(p))).collect()
            }
            Kind::Source(graph) => {
                let ids = graph.inputs.iter();
                ids.map(|&id| (graph.tensor(id).clone(), None)).collect()
            }
        })
    }

    /// The inputs.
    ///
    /// # Errors
    ///
    /// A file that does not parse.
    pub fn inputs(&self) -> anyhow::Result<Vec<Tensor>> {
        Ok(self.ports()?.into_iter().map(|port| port.0).collect())
    }

    /// The outputs.
    ///
    /// # Errors
    ///
    /// A file that does not parse.
    pub fn outputs(&self) -> anyhow::Result<Vec<Tensor>> {
        Ok(match &self.kind {
            Kind::Nnz(bytes) => {
                let model = nnz_file::parse(&self.path, bytes.bytes())?;
                let ports = infer::outputs(&model).into_iter();
                ports.map(|port| port.tensor).collect()
            }
            Kind::Source(graph) => {
                let ids = graph.outputs.iter();
                ids.map(|&id| graph.tensor(id).clone()).collect()
            }
        })
    }

    /// The samples of a data file for the inputs of this network.
    ///
    /// # Errors
    ///
    /// Where the file cannot be read, or has no array for an input.
    pub fn data(&self, path: &Path) -> anyhow::Result<Dataset> {
        let inputs = self.inputs()?;
        let names: Vec<&str> = inputs.iter().map(|t| &*t.name).collect();
        Ok(Dataset::open_for(path, &names)?)
    }

    /// The preprocessing that a `.nnz` file knows; `None` where nothing is known.
    ///
    /// # Errors
    ///
    /// A file that does not parse.
    pub fn trained_on(&self) -> anyhow::Result<Option<Preprocess>> {
        let first = self.ports()?.into_iter().next().and_then(|port| port.1);
        let known = first.map(|port| port.trained_on().clone());
        Ok(known.filter(|p| !p.is_identity()))
    }

    /// Whether the one output is shaped as the one input, so that the network may be an autoencoder.
    ///
    /// # Errors
    ///
    /// A file that does not parse.
    pub fn gives_its_input_back(&self) -> anyhow::Result<bool> {
        let (inputs, outputs) = (self.inputs()?, self.outputs()?);
        Ok(
            matches!((&inputs[..], &outputs[..]), ([x], [y]) if y.shape == x.shape && y.shape.len() > 1),
        )
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

    /// The data set as the inputs of this network take it, one view for each.
    ///
    /// A `.nnz` file brings the preprocessing that was folded into it; `preprocess` may repeat that, and is used
    /// only where nothing was folded.
    ///
    /// # Errors
    ///
    /// Where the data do not fit the network, or `preprocess` contradicts the file or is given for several inputs.
    pub fn samples<'d>(
        &self,
        data: &'d Dataset,
        order: Option<Order>,
        preprocess: &Preprocess,
    ) -> anyhow::Result<Vec<Samples<'d>>> {
        let ports = self.ports()?;
        let names: Vec<&str> = ports.iter().map(|(tensor, _)| &*tensor.name).collect();
        data.covers(&names)?;
        if ports.len() > 1 && !preprocess.is_identity() {
            return Err(failure(
                format!(
                    "--mean and --std belong to one input, the network has {}",
                    ports.len()
                ),
                "leave them out and write the arrays as the network takes them",
            ))
            .in_file(&self.path);
        }
        let of = |(tensor, port): &(Tensor, Option<Port>)| {
            self.samples_of(tensor, port.as_ref(), data, order, preprocess)
        };
        ports.iter().map(of).collect()
    }

    /// The data set as one input takes it.
    fn samples_of<'d>(
        &self,
        tensor: &Tensor,
        port: Option<&Port>,
        data: &'d Dataset,
        order: Option<Order>,
        preprocess: &Preprocess,
    ) -> anyhow::Result<Samples<'d>> {
        let samples: Result<_, DataError> = match port {
            Some(port) if preprocess.is_identity() => infer::samples(data, port, order),
            Some(port) => {
                check_same(port.trained_on(), preprocess).in_file(&self.path)?;
                if port.folded.is_identity() {
                    data.samples(tensor, order, preprocess)
                } else {
                    infer::samples(data, port, order)
                }
            }
            None => data.samples(tensor, order, preprocess),
        };
        samples.map_err(|e| with_layout_help(&e))
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

/// One sample as the interpreter takes it: a value an input.
#[must_use]
pub fn source_inputs(graph: &Graph, samples: &[Samples<'_>], sample: usize) -> Vec<Value> {
    let value = |(samples, &id): (&Samples<'_>, _)| match graph.tensor(id).quant {
        Some(quant) => Value::S8(samples.get_s8(sample, quant)),
        None => Value::F32(samples.get(sample)),
    };
    samples.iter().zip(&graph.inputs).map(value).collect()
}

/// The interpreter's values as the data module's.
#[must_use]
pub fn elements(value: Value) -> Elements {
    match value {
        Value::F32(v) => Elements::F32(v),
        Value::S8(v) => Elements::S8(v),
    }
}
