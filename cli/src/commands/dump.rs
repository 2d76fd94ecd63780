//! Tensor dumps of `nnz run --dump-tensors`: one `.npy` per operator of the source model.
//!
//! A step may compute several source operators or only a part of one; the last step of an operator gives its
//! output. Files are named `{index:03}_{operator}.npy` by the operator's position in the source model, and
//! `inserted_{step:03}_{operator}.npy` where a step has none; they hold the values as the model's own axis order has
//! them, rows stacked.

use crate::{arrays, atomic, infer};
use nnz_pruner::data::Elements;
use nnz_pruner::ir::{Order, Shape};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Collects outputs of steps over the rows of a batch.
#[derive(Debug)]
pub(super) struct Dump {
    folder: PathBuf,
    /// Per step, the file that its output goes to.
    steps: Vec<Option<(String, Target)>>,
    files: BTreeMap<String, File>,
}

/// What a step is to the source model.
#[derive(Debug, Clone)]
pub(super) struct Target {
    /// Position of its operator.
    pub(super) source_op: Option<usize>,
    /// Name of the operator.
    pub(super) name: String,
    /// Dimensions of its output.
    pub(super) dims: Vec<usize>,
    /// Axis order of its output.
    pub(super) order: Order,
}

#[derive(Debug)]
struct File {
    dims: Vec<usize>,
    values: Elements,
}

impl Dump {
    /// Prepares the folder and finds which steps end a source operator.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be made.
    pub(super) fn new(folder: &Path, targets: Vec<Target>) -> anyhow::Result<Self> {
        atomic::make_folder(folder)?;
        let last = |i: usize, op: usize| {
            let later = targets.get(i + 1..).unwrap_or_default();
            !later.iter().any(|t| t.source_op == Some(op))
        };
        let name = |i: usize, target: &Target| match target.source_op {
            Some(op) if last(i, op) => Some(format!("{op:03}_{}.npy", target.name)),
            Some(_) => None,
            None => Some(format!("inserted_{i:03}_{}.npy", target.name)),
        };
        let names: Vec<_> = targets
            .iter()
            .enumerate()
            .map(|(i, t)| name(i, t))
            .collect();
        let steps = names.into_iter().zip(targets);
        Ok(Self {
            folder: folder.to_owned(),
            steps: steps.map(|(name, target)| Some((name?, target))).collect(),
            files: BTreeMap::new(),
        })
    }

    /// Takes the output of a step, in `[c][h][w]` order.
    pub(super) fn add(&mut self, step: usize, shape: Shape, values: Elements) {
        let Some(Some((name, target))) = self.steps.get(step) else {
            return;
        };
        let values = infer::to_source(values, shape, target.order);
        match self.files.get_mut(name) {
            Some(file) => infer::append(&mut file.values, values),
            None => {
                let dims = target.dims.clone();
                self.files.insert(name.clone(), File { dims, values });
            }
        }
    }

    /// Writes the files of `rows` inferences.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written.
    pub(super) fn write(self, rows: usize) -> anyhow::Result<()> {
        for (name, file) in self.files {
            let shape = super::outputs::stacked_shape(&file.dims, rows);
            arrays::write(&self.folder.join(name), &shape, file.values)?;
        }
        Ok(())
    }
}
