//! Which tensors share bytes of the file's arena on purpose: the parts of a concatenation are views of the whole, and
//! slices are views of what they are cut from.

use super::form::InFile;
use nnz_format::{Model, Op, Tensor};

/// What the steps of a file write where.
#[derive(Debug)]
pub(super) struct Writers {
    tensors: Vec<Tensor>,
    /// Tensors that are read after others wrote some of their bytes.
    composed: Vec<bool>,
    /// Tensors that others read some bytes of.
    read_as_part: Vec<bool>,
}

impl Writers {
    /// Follows the writes of `model`, step by step.
    pub(super) fn of(model: &Model<'_>) -> Self {
        let tensors: Vec<Tensor> = (0..model.tensors_len())
            .filter_map(|i| model.tensor(i))
            .collect();
        let mut writers = Self {
            composed: vec![false; tensors.len()],
            read_as_part: vec![false; tensors.len()],
            tensors,
        };
        // 0 is never, 1 before the first step.
        let mut written = vec![0_usize; writers.tensors.len()];
        for input in (0..model.inputs_len()).filter_map(|index| model.input(index)) {
            mark(&mut written, input.tensor_index, 1);
        }
        for step in model.steps() {
            // What a copy does not write keeps its value.
            let kept = matches!(step.op, Op::Copy { .. }).then_some(step.output_index);
            let inputs = [Some(step.input_index), step.input2_index, kept];
            for tensor in inputs.into_iter().flatten() {
                writers.read(tensor, &written);
            }
            mark(&mut written, step.output_index, step.index + 2);
        }
        for output in (0..model.outputs_len()).filter_map(|index| model.output(index)) {
            writers.read(output.tensor_index, &written);
        }
        writers
    }

    /// A tensor is read: whoever wrote some of its bytes after its own step is part of it.
    fn read(&mut self, tensor: usize, written: &[usize]) {
        let Some(mine) = self.tensors.get(tensor) else {
            return;
        };
        let own = written.get(tensor).copied().unwrap_or(0);
        for (other, (theirs, at)) in self.tensors.iter().zip(written).enumerate() {
            if other != tensor && *at > own && !mine.is_disjoint(theirs) {
                if let (Some(composed), Some(part)) = (
                    self.composed.get_mut(tensor),
                    self.read_as_part.get_mut(other),
                ) {
                    *composed = true;
                    *part = true;
                }
                if let Some(part) = self.read_as_part.get_mut(tensor) {
                    *part = true;
                }
            }
        }
    }

    /// Whether the tensor's values are only in the file's arena, put together there.
    pub(super) fn is_made_of_parts(&self, tensor: usize) -> bool {
        self.composed.get(tensor).copied().unwrap_or(false)
    }

    /// Whether the tensor must be in the file's arena as soon as it is written.
    pub(super) fn is_read_as_part(&self, tensor: usize) -> bool {
        self.read_as_part.get(tensor).copied().unwrap_or(false)
    }

    /// Where the file has the tensor.
    pub(super) fn place(&self, tensor: usize) -> InFile {
        self.tensors
            .get(tensor)
            .map_or_else(InFile::default, InFile::of)
    }
}

fn mark(written: &mut [usize], tensor: usize, at: usize) {
    if let Some(slot) = written.get_mut(tensor) {
        *slot = at;
    }
}
