//! A model bound to memory: inputs go in, steps run in order, outputs come out.

use crate::arena::{Arena, Element};
use crate::cursor::{Cursor, Progress};
use crate::error::RunError;
use crate::ops::{Job, execute};
use crate::order;
use core::fmt;
use nnz_format::{DType, Io, Model, Step, Tensor};

/// Alignment of an arena in bytes.
pub const ARENA_ALIGN: usize = 16;
/// Alignment of a model's bytes that kernels rely on.
const MODEL_ALIGN: usize = 4;

/// What a hook sees after each step.
#[derive(Debug, Clone, Copy)]
pub struct StepEvent<'s> {
    /// Position of the step.
    pub index: usize,
    /// The step that has just run.
    pub step: &'s Step<'s>,
    /// The bytes of its output tensor, with the padding between planes.
    pub output: &'s [u8],
}

/// A model ready to run in an arena.
///
/// `OPS` is the set of kernels that the session can run, a mask of [`nnz_format::kernel_bits`]: with
/// [`crate::ops`] of an embedded model, all other kernels leave the image. The default has every kernel.
///
/// ```
/// # fn demo(bytes: &[u8], arena: &mut [u8]) -> Option<()> {
/// let model = nnz::Model::parse(bytes).ok()?;
/// let mut session: nnz::Session<'_, '_> = nnz::Session::new(&model, arena).ok()?;
/// session.input_s8(0).ok()?.fill(1);
/// session.run();
/// let scores = session.output_s8(0).ok()?;
/// # Some(())
/// # }
/// ```
pub struct Session<'m, 'a, const OPS: u128 = { u128::MAX }> {
    model: &'m Model<'m>,
    arena: &'a mut [u8],
    position: usize,
    cursor: Cursor,
}

impl<'m, 'a, const OPS: u128> Session<'m, 'a, OPS> {
    /// Binds `model` to `arena`, whose bytes need no initial values.
    ///
    /// # Errors
    ///
    /// If the arena is shorter than [`Model::arena_len`] or does not begin at a multiple of [`ARENA_ALIGN`], if the
    /// model's bytes do not begin at a multiple of 4, or if `OPS` lacks kernels of the model.
    pub fn new(model: &'m Model<'m>, arena: &'a mut [u8]) -> Result<Self, RunError> {
        let (needed, found) = (model.arena_len(), arena.len());
        if found < needed {
            return Err(RunError::ArenaLen { needed, found });
        }
        match arena.as_ptr().addr() % ARENA_ALIGN {
            0 => {}
            remainder => return Err(RunError::ArenaAlignment { remainder }),
        }
        match model.bytes().as_ptr().addr() % MODEL_ALIGN {
            0 => {}
            remainder => return Err(RunError::ModelAlignment { remainder }),
        }
        match model.kernel_mask() & !OPS {
            0 => {}
            missing => return Err(RunError::Kernels { missing }),
        }
        let arena = arena.get_mut(..needed).unwrap_or(&mut []);
        Ok(Self {
            model,
            arena,
            position: 0,
            cursor: Cursor::default(),
        })
    }

    /// The model.
    #[must_use]
    pub const fn model(&self) -> &'m Model<'m> {
        self.model
    }

    /// The storage of input `index`, to be written before a run.
    ///
    /// # Errors
    ///
    /// If there is no such input, or it does not hold `s8`.
    pub fn input_s8(&mut self, index: usize) -> Result<&mut [i8], RunError> {
        let tensor = self.input_tensor(index)?;
        self.elements(&tensor, DType::S8, index)
    }

    /// The storage of input `index`, to be written before a run.
    ///
    /// # Errors
    ///
    /// If there is no such input, or it does not hold `f32`.
    pub fn input_f32(&mut self, index: usize) -> Result<&mut [f32], RunError> {
        let tensor = self.input_tensor(index)?;
        self.elements(&tensor, DType::F32, index)
    }

    /// The storage of input `index` as bytes, whatever it holds.
    ///
    /// # Errors
    ///
    /// If there is no such input.
    pub fn input_bytes(&mut self, index: usize) -> Result<&mut [u8], RunError> {
        let tensor = self.input_tensor(index)?;
        Ok(self.bytes_mut(&tensor))
    }

    /// Output `index` after a run.
    ///
    /// # Errors
    ///
    /// If there is no such output, or it does not hold `s8`.
    pub fn output_s8(&self, index: usize) -> Result<&[i8], RunError> {
        let tensor = self.output_tensor(index)?;
        self.elements_ref(&tensor, DType::S8, index)
    }

    /// Output `index` after a run.
    ///
    /// # Errors
    ///
    /// If there is no such output, or it does not hold `f32`.
    pub fn output_f32(&self, index: usize) -> Result<&[f32], RunError> {
        let tensor = self.output_tensor(index)?;
        self.elements_ref(&tensor, DType::F32, index)
    }

    /// Output `index` after a run as bytes, whatever it holds.
    ///
    /// # Errors
    ///
    /// If there is no such output.
    pub fn output_bytes(&self, index: usize) -> Result<&[u8], RunError> {
        let tensor = self.output_tensor(index)?;
        Ok(self.bytes(&tensor))
    }

    /// Fills input `index` from `values` in the source model's order, whatever the layout in the arena.
    ///
    /// # Errors
    ///
    /// If there is no such input, it does not hold `s8`, or it has another number of elements.
    pub fn write_input_s8(&mut self, index: usize, values: &[i8]) -> Result<(), RunError> {
        let io = input_of(self.model, index)?;
        let storage = self.input_s8(index)?;
        order::scatter(&io, values, storage, index)
    }

    /// Fills input `index` from `values` in the source model's order, whatever the layout in the arena.
    ///
    /// # Errors
    ///
    /// If there is no such input, it does not hold `f32`, or it has another number of elements.
    pub fn write_input_f32(&mut self, index: usize, values: &[f32]) -> Result<(), RunError> {
        let io = input_of(self.model, index)?;
        let storage = self.input_f32(index)?;
        order::scatter(&io, values, storage, index)
    }

    /// Copies output `index` to `values` in the source model's order.
    ///
    /// # Errors
    ///
    /// If there is no such output, it does not hold `s8`, or it has another number of elements.
    pub fn read_output_s8(&self, index: usize, values: &mut [i8]) -> Result<(), RunError> {
        let io = output_of(self.model, index)?;
        order::gather(&io, self.output_s8(index)?, values, index)
    }

    /// Copies output `index` to `values` in the source model's order.
    ///
    /// # Errors
    ///
    /// If there is no such output, it does not hold `f32`, or it has another number of elements.
    pub fn read_output_f32(&self, index: usize, values: &mut [f32]) -> Result<(), RunError> {
        let io = output_of(self.model, index)?;
        order::gather(&io, self.output_f32(index)?, values, index)
    }

    /// Runs every step. Cannot fail, allocate or panic; [`Model::work`] bounds how long it takes. Inputs may share
    /// their memory with later tensors: write them again before the next run.
    pub fn run(&mut self) {
        self.begin();
        while matches!(self.step(u32::MAX), Progress::Yielded) {}
    }

    /// Runs every step and calls `hook` after each.
    pub fn run_with(&mut self, mut hook: impl FnMut(StepEvent<'_>)) {
        self.begin();
        loop {
            let next = self.model.step_for::<OPS>(self.position);
            // By reference: copying the step would count as the step's own instructions.
            let Some(step) = &next else { return };
            self.cursor.refill(u32::MAX);
            if matches!(self.advance_by(step), Progress::Done) {
                hook(StepEvent {
                    index: step.index,
                    step,
                    output: self.bytes(&step.output),
                });
            }
        }
    }

    /// Goes back to the first step.
    pub fn begin(&mut self) {
        self.position = 0;
        self.cursor.rewind();
    }

    /// Runs on from where the last call stopped, for about `budget` multiply-accumulates, at least one tile, row
    /// group or channel. After `Done`, further calls do nothing until [`Session::begin`].
    pub fn step(&mut self, budget: u32) -> Progress {
        self.cursor.refill(budget);
        while self.position < self.model.steps_len() {
            let Some(progress) = self.advance() else {
                break;
            };
            if matches!(progress, Progress::Yielded)
                || (self.cursor.is_empty() && self.position < self.model.steps_len())
            {
                return Progress::Yielded;
            }
        }
        Progress::Done
    }

    /// Runs the current step from its cursor on and moves past it when it is done; `None` past the last step.
    ///
    /// A function of its own, so that the decoded step is not on the stack while a file is parsed.
    #[inline(never)]
    fn advance(&mut self) -> Option<Progress> {
        let next = self.model.step_for::<OPS>(self.position);
        // By reference: a copy of the step would stand beside it.
        let step = next.as_ref()?;
        Some(self.advance_by(step))
    }

    /// Runs `step`, the current one, as [`Session::advance`] does.
    #[inline(always)]
    fn advance_by(&mut self, step: &Step<'_>) -> Progress {
        let job = Job {
            step,
            arena: Arena::new(self.arena),
            rounding: self.model.rounding(),
            backend: self.model.backend(),
        };
        let progress = execute::<OPS>(&job, &mut self.cursor);
        if matches!(progress, Progress::Done) {
            self.position = self.position.wrapping_add(1);
            self.cursor.rewind();
        }
        progress
    }

    fn input_tensor(&self, index: usize) -> Result<Tensor, RunError> {
        let tensor = self.model.input_tensor(index);
        let count = self.model.inputs_len();
        tensor.ok_or(RunError::NoSuchTensor { index, count })
    }

    fn output_tensor(&self, index: usize) -> Result<Tensor, RunError> {
        let tensor = self.model.output_tensor(index);
        let count = self.model.outputs_len();
        tensor.ok_or(RunError::NoSuchTensor { index, count })
    }

    fn bytes(&self, tensor: &Tensor) -> &[u8] {
        let (offset, len) = (tensor.offset as usize, tensor.len as usize);
        self.arena
            .get(offset..)
            .and_then(|rest| rest.get(..len))
            .unwrap_or(&[])
    }

    fn bytes_mut(&mut self, tensor: &Tensor) -> &mut [u8] {
        let (offset, len) = (tensor.offset as usize, tensor.len as usize);
        self.arena
            .get_mut(offset..)
            .and_then(|rest| rest.get_mut(..len))
            .unwrap_or(&mut [])
    }

    fn elements<T: Element>(
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

    fn elements_ref<T: Element>(
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
}

/// The record of input `index`.
fn input_of<'m>(model: &Model<'m>, index: usize) -> Result<Io<'m>, RunError> {
    let count = model.inputs_len();
    model
        .input(index)
        .ok_or(RunError::NoSuchTensor { index, count })
}

/// The record of output `index`.
fn output_of<'m>(model: &Model<'m>, index: usize) -> Result<Io<'m>, RunError> {
    let count = model.outputs_len();
    model
        .output(index)
        .ok_or(RunError::NoSuchTensor { index, count })
}

impl<const OPS: u128> fmt::Debug for Session<'_, '_, OPS> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("model", &self.model)
            .field("arena_len", &self.arena.len())
            .field("position", &self.position)
            .finish_non_exhaustive()
    }
}
