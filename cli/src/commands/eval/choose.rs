//! Which output of a network is judged, and by which arrays.

use super::judge::{Judged, Subject, options};
use crate::commands::common::DataArgs;
use crate::failure::{InFile, failure};
use crate::network::Network;
use nnz_pruner::data::{self, Dataset, Targets};
use nnz_pruner::ir::Tensor;
use std::borrow::Cow;
use std::path::Path;

/// Samples for one output.
#[derive(Debug)]
pub(super) struct Judging<'d> {
    /// The samples, and what is expected of the output.
    pub(super) data: Cow<'d, Dataset>,
    /// Names of the inputs that the samples are for.
    inputs: Vec<String>,
    /// Which output.
    output: usize,
    /// Its name.
    name: String,
    /// What nobody chose and somebody may want to.
    note: Option<String>,
}

impl Judging<'_> {
    /// The output that `wanted` names, else the one that the file has an array for, else the first.
    pub(super) fn new(
        network: &Network,
        path: &Path,
        wanted: Option<&str>,
    ) -> anyhow::Result<Self> {
        let outputs = network.outputs()?;
        let mut data = network.data(path)?;
        let output = match wanted {
            Some(name) => named(&outputs, name).in_file(&network.path)?,
            None => with_array(&data, path, &outputs)?,
        };
        let name = outputs.get(output).map(|t| t.name.clone());
        let name = name.unwrap_or_default();
        let _ = data.expect_output(path, &name)?;
        Ok(Self {
            data: Cow::Owned(data),
            inputs: names_of(network)?,
            output,
            note: (wanted.is_none() && outputs.len() > 1).then(|| {
                let all = names(&outputs);
                format!("note: output '{name}' is judged; `--output NAME` takes another of {all}")
            }),
            name,
        })
    }

    /// Says on standard error which of several outputs was judged, where nobody chose it.
    pub(super) fn tell(&self) {
        if let Some(note) = &self.note {
            eprintln!("{note}");
        }
    }

    /// The same samples and the output at the same place for another network.
    pub(super) fn of(&self, other: &Network, path: &Path) -> anyhow::Result<Judging<'_>> {
        let outputs = other.outputs()?;
        if outputs.len() <= self.output {
            return Err(failure(
                format!(
                    "has {} outputs, '{}' of the first network is number {}",
                    outputs.len(),
                    self.name,
                    self.output + 1
                ),
                "compare networks that have the same outputs in the same order",
            ))
            .in_file(&other.path);
        }
        let inputs = names_of(other)?;
        let same = inputs == self.inputs || (inputs.len(), self.inputs.len()) == (1, 1);
        let data = if same {
            Cow::Borrowed(&*self.data)
        } else {
            let mut data = other.data(path)?;
            let _ = data.expect_output(path, &self.name)?;
            Cow::Owned(data)
        };
        Ok(Judging {
            data,
            inputs,
            output: self.output,
            name: self.name.clone(),
            note: None,
        })
    }

    /// Measures the output of `network`, with the preprocessing that was `given` or that the network `beside` knows.
    pub(super) fn judge(
        &self,
        network: &Network,
        beside: Option<&Network>,
        given: &DataArgs,
        label: &str,
    ) -> anyhow::Result<Judged> {
        let options = options(network, beside, given)?;
        let subject = Subject {
            network,
            output: self.output,
            data: &self.data,
            options: &options,
        };
        subject.judge(label)
    }
}

fn names_of(network: &Network) -> anyhow::Result<Vec<String>> {
    Ok(network.inputs()?.into_iter().map(|t| t.name).collect())
}

fn names(outputs: &[Tensor]) -> String {
    let quoted: Vec<String> = outputs.iter().map(|t| format!("'{}'", t.name)).collect();
    quoted.join(", ")
}

/// The output called `name`.
fn named(outputs: &[Tensor], name: &str) -> anyhow::Result<usize> {
    outputs.iter().position(|t| t.name == name).ok_or_else(|| {
        failure(
            format!("the network has no output '{name}'"),
            format!("its outputs are {}", names(outputs)),
        )
    })
}

/// The one output of several that the file has an array for; the first where none has.
fn with_array(data: &Dataset, path: &Path, outputs: &[Tensor]) -> anyhow::Result<usize> {
    if outputs.len() < 2 || !matches!(data.targets(), Targets::None) {
        return Ok(0);
    }
    let arrays = data::array_names(path).unwrap_or_default();
    let has = |i: &usize| outputs.get(*i).is_some_and(|t| arrays.contains(&t.name));
    let found: Vec<usize> = (0..outputs.len()).filter(has).collect();
    match found[..] {
        [] => Ok(0),
        [one] => Ok(one),
        _ => Err(failure(
            format!("has arrays for {} outputs", found.len()),
            format!("`--output NAME` says which is judged: {}", names(outputs)),
        ))
        .in_file(path),
    }
}
