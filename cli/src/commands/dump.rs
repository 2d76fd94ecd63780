//! Tensor dumps of `nnz run --dump-tensors`: one `.npy` per operator of the source model.
//!
//! A step may compute several source operators or only a part of one; the last step of an operator gives its
//! output. Files are named `{index:03}_{operator}.npy` by the operator's position in the source model and hold
//! the values as the model's own axis order has them, rows stacked.

use crate::meta::Meta;
use crate::{arrays, atomic, infer};
use nnz::Model;
use nnz_format::{AxisOrder, Tensor};
use nnz_pruner::data::Elements;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Collects outputs of steps over the rows of a batch.
#[derive(Debug)]
pub(super) struct Dump {
    folder: PathBuf,
    steps: Vec<Option<Target>>,
    files: BTreeMap<usize, File>,
}

/// Which file the output of a step goes to.
#[derive(Debug, Clone)]
struct Target {
    source_op: usize,
    name: String,
    dims: Vec<usize>,
    order: AxisOrder,
}

#[derive(Debug)]
struct File {
    target: Target,
    values: Elements,
}

impl Dump {
    /// Prepares the folder and finds which steps end a source operator.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be made.
    pub(super) fn new(folder: &Path, model: &Model<'_>) -> anyhow::Result<Self> {
        atomic::make_folder(folder)?;
        let meta = Meta::of(model);
        let mut steps: Vec<Option<Target>> = model
            .steps()
            .map(|step| {
                let (dims, order) = meta.tensor_dims(step.output_index, &step.output);
                Some(Target {
                    source_op: meta.source_op(step.index)?,
                    name: step.op.name().to_owned(),
                    dims,
                    order,
                })
            })
            .collect();
        keep_last(&mut steps);
        Ok(Self {
            folder: folder.to_owned(),
            steps,
            files: BTreeMap::new(),
        })
    }

    /// Takes the output of a step, in `[c][h][w]` order.
    pub(super) fn add(&mut self, step: usize, tensor: &Tensor, values: Elements) {
        let Some(Some(target)) = self.steps.get(step) else {
            return;
        };
        let values = infer::to_source(values, infer::shape_of(tensor), target.order);
        match self.files.get_mut(&target.source_op) {
            Some(file) => infer::append(&mut file.values, values),
            None => {
                let target = target.clone();
                self.files.insert(target.source_op, File { target, values });
            }
        }
    }

    /// Writes the files of `rows` inferences.
    ///
    /// # Errors
    ///
    /// Where a file cannot be written.
    pub(super) fn write(self, rows: usize) -> anyhow::Result<()> {
        for (index, file) in self.files {
            let name = format!("{index:03}_{}.npy", file.target.name);
            let shape = super::outputs::stacked_shape(&file.target.dims, rows);
            arrays::write(&self.folder.join(name), &shape, file.values)?;
        }
        Ok(())
    }
}

/// Of several steps of one source operator, only the last gives its output.
fn keep_last(steps: &mut [Option<Target>]) {
    let mut seen = Vec::new();
    for slot in steps.iter_mut().rev() {
        if let Some(op) = slot.as_ref().map(|t| t.source_op) {
            if seen.contains(&op) {
                *slot = None;
            } else {
                seen.push(op);
            }
        }
    }
}
