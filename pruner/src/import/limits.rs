//! What an import may cost, whatever the bytes say.
//!
//! Counts are compared with these bounds before anything of that size is allocated. Weights are copied
//! once per operator that uses them, so their total is bounded by a [`Budget`] that grows with the file.

use super::error::Problem;

/// Bytes of a model file.
pub(super) const FILE_BYTES: u64 = 512 << 20;
/// Operators of a model.
pub(super) const NODES: usize = 16_384;
/// Tensors of a model, constants included.
pub(super) const TENSORS: usize = 65_536;
/// Dimensions of a tensor.
pub(super) const RANK: usize = 8;
/// One dimension of an activation.
pub(super) const DIM: usize = 1 << 24;
/// Values of one activation.
pub(super) const ACTIVATION: usize = 1 << 26;
/// Kernel, stride or padding of a window.
pub(super) const WINDOW: usize = 1 << 16;
/// Inputs or outputs of an operator, attributes of a node, inputs of a network.
pub(super) const ARGUMENTS: usize = 64;
/// Bytes of a name.
pub(super) const NAME: usize = 1024;

/// How many constant values may still be copied into the graph.
#[derive(Debug)]
pub(super) struct Budget {
    left: u64,
    all: u64,
}

impl Budget {
    /// Four values a byte of the file, and some millions for small files.
    pub(super) const fn for_file(len: u64) -> Self {
        let all = 4 * len + (4 << 20);
        Self { left: all, all }
    }

    /// Takes `count` values out of the budget, before they are allocated.
    pub(super) const fn take(&mut self, count: usize) -> Result<(), Problem> {
        match self.left.checked_sub(count as u64) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(Problem::Limit {
                what: "values of all weights, counted once per use",
                found: (self.all - self.left).saturating_add(count as u64),
                limit: self.all,
            }),
        }
    }
}
