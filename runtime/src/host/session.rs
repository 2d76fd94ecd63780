//! A network bound to memory of its own.

use super::bytes::Bytes;
use super::network::Inner;
use super::planes::Memory;
use super::team::{Team, Worker};
use crate::RunError;
use crate::arena::Element;
use crate::order;
use core::panic::AssertUnwindSafe;
use nnz_format::{DType, Io, Model, Tensor};
use std::panic::{catch_unwind, resume_unwind};
use std::sync::Arc;

/// A network ready to run, with all memory that it needs: running allocates nothing and cannot fail.
#[derive(Debug)]
pub struct Session {
    /// Ends before the network and the memory that its threads use.
    team: Option<Team>,
    network: Arc<Inner>,
    file: Bytes,
    planes: Bytes,
}

impl Session {
    pub(super) fn new(network: Arc<Inner>) -> Self {
        Self {
            team: None,
            file: Bytes::zeroed(network.model.arena_len()),
            planes: Bytes::zeroed(network.plan.planes_len),
            network,
        }
    }

    pub(super) fn with_threads(network: Arc<Inner>, threads: usize) -> std::io::Result<Self> {
        let mut session = Self::new(network);
        if threads > 1 {
            session.team = Some(Team::new(threads)?);
            let plan = &session.network.plan;
            let own = plan.own_len * (threads - 1);
            session.planes = Bytes::zeroed(plan.planes_len + own);
        }
        Ok(session)
    }

    /// The file.
    #[must_use]
    pub fn model(&self) -> &Model<'_> {
        &self.network.model
    }

    /// Bytes of memory that the session holds.
    #[must_use]
    pub fn memory_len(&self) -> usize {
        self.file.as_ref().len() + self.planes.as_ref().len()
    }

    /// Threads that share a run.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.team.as_ref().map_or(1, Team::len)
    }

    /// Runs every step. Inputs may share their memory with later tensors: write them again before the next run.
    pub fn run(&mut self) {
        self.run_with(|_| {});
    }

    /// Runs every step and calls `hook` after each with its position.
    pub fn run_with(&mut self, mut hook: impl FnMut(usize)) {
        let (plan, isa) = (&self.network.plan, self.network.isa);
        let lens = (plan.planes_len, plan.own_len);
        let memory = Memory::new(self.file.as_mut(), self.planes.as_mut(), lens);
        let Some(team) = &mut self.team else {
            return plan.run(&memory.arena(isa, Worker::ALONE), hook);
        };
        let work = |worker: Worker<'_>| plan.run(&memory.arena(isa, worker), |_| {});
        // Others wait for this thread: a hook that panics does so when the run is over.
        let mut panic = None;
        team.run(&work, |worker| {
            plan.run(&memory.arena(isa, worker), |step| {
                if panic.is_none() {
                    panic = catch_unwind(AssertUnwindSafe(|| hook(step))).err();
                }
            });
        });
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// The storage of input `index`, to be written before a run.
    ///
    /// # Errors
    ///
    /// If there is no such input, or it does not hold `s8`.
    pub fn input_s8(&mut self, index: usize) -> Result<&mut [i8], RunError> {
        let tensor = self.input(index)?.tensor;
        self.elements_mut(&tensor, DType::S8, index)
    }

    /// The storage of input `index`, to be written before a run.
    ///
    /// # Errors
    ///
    /// If there is no such input, or it does not hold `f32`.
    pub fn input_f32(&mut self, index: usize) -> Result<&mut [f32], RunError> {
        let tensor = self.input(index)?.tensor;
        self.elements_mut(&tensor, DType::F32, index)
    }

    /// The storage of input `index` as bytes, whatever it holds.
    ///
    /// # Errors
    ///
    /// If there is no such input.
    pub fn input_bytes(&mut self, index: usize) -> Result<&mut [u8], RunError> {
        let tensor = self.input(index)?.tensor;
        Ok(self.bytes_mut(&tensor))
    }

    /// Output `index` after a run.
    ///
    /// # Errors
    ///
    /// If there is no such output, or it does not hold `s8`.
    pub fn output_s8(&self, index: usize) -> Result<&[i8], RunError> {
        let tensor = self.output(index)?.tensor;
        self.elements(&tensor, DType::S8, index)
    }

    /// Output `index` after a run.
    ///
    /// # Errors
    ///
    /// If there is no such output, or it does not hold `f32`.
    pub fn output_f32(&self, index: usize) -> Result<&[f32], RunError> {
        let tensor = self.output(index)?.tensor;
        self.elements(&tensor, DType::F32, index)
    }

    /// Output `index` after a run as bytes, whatever it holds.
    ///
    /// # Errors
    ///
    /// If there is no such output.
    pub fn output_bytes(&self, index: usize) -> Result<&[u8], RunError> {
        let tensor = self.output(index)?.tensor;
        Ok(self.bytes(&tensor))
    }

    /// Fills input `index` from `values` in the source model's order.
    ///
    /// # Errors
    ///
    /// If there is no such input, it does not hold `s8`, or it has another number of elements.
    pub fn write_input_s8(&mut self, index: usize, values: &[i8]) -> Result<(), RunError> {
        let network = Arc::clone(&self.network);
        let io = input_of(&network, index)?;
        order::scatter(&io, values, self.input_s8(index)?, index)
    }

    /// Fills input `index` from `values` in the source model's order.
    ///
    /// # Errors
    ///
    /// If there is no such input, it does not hold `f32`, or it has another number of elements.
    pub fn write_input_f32(&mut self, index: usize, values: &[f32]) -> Result<(), RunError> {
        let network = Arc::clone(&self.network);
        let io = input_of(&network, index)?;
        order::scatter(&io, values, self.input_f32(index)?, index)
    }

    /// Copies output `index` to `values` in the source model's order.
    ///
    /// # Errors
    ///
    /// If there is no such output, it does not hold `s8`, or it has another number of elements.
    pub fn read_output_s8(&self, index: usize, values: &mut [i8]) -> Result<(), RunError> {
        let io = self.output(index)?;
        order::gather(&io, self.output_s8(index)?, values, index)
    }

    /// Copies output `index` to `values` in the source model's order.
    ///
    /// # Errors
    ///
    /// If there is no such output, it does not hold `f32`, or it has another number of elements.
    pub fn read_output_f32(&self, index: usize, values: &mut [f32]) -> Result<(), RunError> {
        let io = self.output(index)?;
        order::gather(&io, self.output_f32(index)?, values, index)
    }

    fn input(&self, index: usize) -> Result<Io<'_>, RunError> {
        input_of(&self.network, index)
    }

    fn output(&self, index: usize) -> Result<Io<'_>, RunError> {
        let count = self.network.model.outputs_len();
        let io = self.network.model.output(index);
        io.ok_or(RunError::NoSuchTensor { index, count })
    }

    fn bytes(&self, tensor: &Tensor) -> &[u8] {
        let from = self.file.as_ref().get(tensor.offset as usize..);
        from.and_then(|from| from.get(..tensor.len as usize))
            .unwrap_or_default()
    }

    fn bytes_mut(&mut self, tensor: &Tensor) -> &mut [u8] {
        let from = self.file.as_mut().get_mut(tensor.offset as usize..);
        from.and_then(|from| from.get_mut(..tensor.len as usize))
            .unwrap_or_default()
    }

    fn elements<T: Element>(
        &self,
        tensor: &Tensor,
        dtype: DType,
        index: usize,
    ) -> Result<&[T], RunError> {
        if tensor.dtype != dtype {
            return Err(RunError::ElementType { index });
        }
        Ok(T::from_bytes(self.bytes(tensor)))
    }

    fn elements_mut<T: Element>(
        &mut self,
        tensor: &Tensor,
        dtype: DType,
        index: usize,
    ) -> Result<&mut [T], RunError> {
        if tensor.dtype != dtype {
            return Err(RunError::ElementType { index });
        }
        Ok(T::from_bytes_mut(self.bytes_mut(tensor)))
    }
}

fn input_of(network: &Inner, index: usize) -> Result<Io<'_>, RunError> {
    let count = network.model.inputs_len();
    let io = network.model.input(index);
    io.ok_or(RunError::NoSuchTensor { index, count })
}
