//! A model: a file's bytes, proved once, and total accessors to what they say.

use crate::bytes::{number, slice};
use crate::header::{Backend, Header, SectionKind, section};
use crate::step::{Head, Links, NO_TENSOR, Operands};
use crate::{FormatError, Io, Rounding, Step, Tensor, io, step, tensor, work};

/// A `.nnz` file that was parsed.
///
/// # Invariants
///
/// Proved by [`Model::parse`], relied on by unsafe code of the runtime; SPEC.md numbers refer to sections.
///
/// 1. Every tensor lies within `arena_len` bytes, begins at a multiple of 8, and its `len` is that of its shape (4).
/// 2. Every step's shapes agree with its operator; its scratch has at least
///    [`scratch_len`](crate::scratch_len) bytes within the arena, disjoint from its tensors; its output is disjoint
///    from its inputs or exactly in place where the operator allows that (5).
/// 3. Every weight stream ends where its rows say, and every index stays in its columns or band (6).
/// 4. `kernel_mask` has exactly the bits of the steps (7).
#[derive(Clone, Copy)]
pub struct Model<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) header: Header,
    pub(crate) tensors: &'a [u8],
    pub(crate) steps: &'a [u8],
    pub(crate) weights: &'a [u8],
    pub(crate) io: &'a [u8],
    pub(crate) names: &'a str,
}

impl<'a> Model<'a> {
    /// Parses and proves a file. Linear in its length, without recursion; bytes behind the file's end are ignored.
    ///
    /// Alignment of `bytes` in memory is not judged here.
    ///
    /// # Errors
    ///
    /// The first thing in the file that SPEC.md does not allow.
    pub const fn parse(bytes: &'a [u8]) -> Result<Self, FormatError> {
        crate::parse::model::<{ crate::kernel_mask::ALL }>(bytes)
    }

    /// As [`Self::parse`] in an image that has only the kernels of `OPS`: files that need others are refused, and the
    /// proof of others leaves the image.
    ///
    /// # Errors
    ///
    /// As [`Self::parse`], and where a step needs a kernel that is not in `OPS`.
    pub const fn parse_for<const OPS: u128>(bytes: &'a [u8]) -> Result<Self, FormatError> {
        crate::parse::model::<OPS>(bytes)
    }

    /// Bytes of the arena that a session needs.
    #[must_use]
    pub const fn arena_len(&self) -> usize {
        self.header.arena_len as usize
    }

    /// One bit a kernel that the steps need, see [`kernel_bits`](crate::kernel_bits).
    #[must_use]
    pub const fn kernel_mask(&self) -> u128 {
        self.header.kernel_mask
    }

    /// How accumulators of `conv_2d`, `depthwise_conv_2d` and `fully_connected` are rounded.
    #[must_use]
    pub const fn rounding(&self) -> Rounding {
        self.header.rounding
    }

    /// The backend that the file was lowered for.
    #[must_use]
    pub const fn backend(&self) -> Backend {
        self.header.backend
    }

    /// Multiply-accumulates of one inference if every weight were stored; the writer's statement, see [`Self::work`].
    #[must_use]
    pub const fn macs(&self) -> u64 {
        self.header.macs
    }

    /// Stored weights × output pixels of one inference; the writer's statement, see [`Self::work`].
    #[must_use]
    pub const fn stored_macs(&self) -> u64 {
        self.header.stored_macs
    }

    /// Elements that one run reads, multiplies or writes, at most: computed from the steps as they were proved,
    /// fillers and lanes past a row's end included, saturating. Linear in the number of steps.
    ///
    /// Compare it with what you can wait for before you run a file that you do not trust; 64 KB can hold hours.
    #[must_use]
    pub const fn work(&self) -> u64 {
        let mut total: u64 = 0;
        let mut index: usize = 0;
        while let (Some(step), Some(record)) =
            (self.step(index), record(self.steps, index, step::RECORD))
        {
            let blob = Links::read(record).weights_len;
            total = total.saturating_add(work::of(&step, blob));
            index = index.wrapping_add(1);
        }
        total
    }

    /// Bytes of the largest scratch of any step; part of the arena.
    #[must_use]
    pub const fn scratch_len(&self) -> usize {
        self.header.scratch_len as usize
    }

    /// Bytes of the file.
    #[must_use]
    pub const fn file_len(&self) -> usize {
        self.bytes.len()
    }

    /// Version of the writer.
    #[must_use]
    pub const fn version(&self) -> u16 {
        self.header.version
    }

    /// Oldest reader version that can run the file.
    #[must_use]
    pub const fn min_reader(&self) -> u16 {
        self.header.min_reader
    }

    /// Number of steps.
    #[must_use]
    pub const fn steps_len(&self) -> usize {
        self.header.steps as usize
    }

    /// Number of tensors.
    #[must_use]
    pub const fn tensors_len(&self) -> usize {
        self.header.tensors as usize
    }

    /// Number of inputs.
    #[must_use]
    pub const fn inputs_len(&self) -> usize {
        self.header.inputs as usize
    }

    /// Number of outputs.
    #[must_use]
    pub const fn outputs_len(&self) -> usize {
        self.header.outputs as usize
    }

    /// The file's bytes.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Tensor `index`.
    #[must_use]
    #[inline]
    pub const fn tensor(&self, index: usize) -> Option<Tensor> {
        if index < self.tensors_len() {
            Some(self.known(index))
        } else {
            None
        }
    }

    /// Step `index`.
    #[must_use]
    pub const fn step(&self, index: usize) -> Option<Step<'a>> {
        self.step_for::<{ crate::kernel_mask::ALL }>(index)
    }

    /// Step `index`, where a kernel of `OPS` runs it.
    #[must_use]
    #[inline(never)]
    pub const fn step_for<const OPS: u128>(&self, index: usize) -> Option<Step<'a>> {
        let Some(record) = record(self.steps, index, step::RECORD) else {
            return None;
        };
        let links = Links::read(record);
        let operands = self.operands(&links);
        let Some(blob) = self.blob(&links) else {
            return None;
        };
        let Ok(head) = Head::read::<OPS>(record, operands.output.dtype, number(index)) else {
            return None;
        };
        match Step::assemble::<OPS>(record, &head, &operands, blob, number(index)) {
            Ok(step) => Some(step),
            Err(_) => None,
        }
    }

    /// The steps in order.
    pub fn steps(&self) -> impl Iterator<Item = Step<'a>> + use<'a> {
        let model = *self;
        (0..model.steps_len()).filter_map(move |index| model.step(index))
    }

    /// Input `index`.
    #[must_use]
    pub const fn input(&self, index: usize) -> Option<Io<'a>> {
        if index < self.inputs_len() {
            self.io_record(index)
        } else {
            None
        }
    }

    /// Output `index`.
    #[must_use]
    pub const fn output(&self, index: usize) -> Option<Io<'a>> {
        if index < self.outputs_len() {
            self.io_record(index.saturating_add(self.inputs_len()))
        } else {
            None
        }
    }

    /// The activation that holds input `index`.
    #[must_use]
    pub const fn input_tensor(&self, index: usize) -> Option<Tensor> {
        if index < self.inputs_len() {
            self.io_tensor(index)
        } else {
            None
        }
    }

    /// The activation that holds output `index`.
    #[must_use]
    pub const fn output_tensor(&self, index: usize) -> Option<Tensor> {
        if index < self.outputs_len() {
            self.io_tensor(index.saturating_add(self.inputs_len()))
        } else {
            None
        }
    }

    /// The bytes of a section.
    #[must_use]
    pub const fn section(&self, kind: SectionKind) -> Option<&'a [u8]> {
        section(self.bytes, self.header.sections, kind as u16)
    }

    /// The metadata, JSON.
    #[must_use]
    pub const fn meta(&self) -> Option<&'a str> {
        match self.section(SectionKind::Meta) {
            Some(meta) => match core::str::from_utf8(meta) {
                Ok(meta) => Some(meta),
                Err(_) => None,
            },
            None => None,
        }
    }

    const fn io_tensor(&self, index: usize) -> Option<Tensor> {
        match record(self.io, index, io::RECORD) {
            Some(record) => self.tensor(io::IoRecord::read(record).tensor as usize),
            None => None,
        }
    }

    const fn io_record(&self, index: usize) -> Option<Io<'a>> {
        let Some(record) = record(self.io, index, io::RECORD) else {
            return None;
        };
        let fields = io::IoRecord::read(record);
        let Some(tensor) = self.tensor(fields.tensor as usize) else {
            return None;
        };
        match Io::read(record, tensor, self.names, number(index)) {
            Ok(io) => Some(io),
            Err(_) => None,
        }
    }

    /// The tensors that a step names, proved to exist; a tensor that does not would read as zeros.
    pub(crate) const fn operands(&self, links: &Links) -> Operands {
        let input = self.known(links.input as usize);
        let output = self.known(links.output as usize);
        let mut operands = Operands {
            input,
            input2: None,
            output,
        };
        if links.input2 != NO_TENSOR {
            operands.input2 = Some(self.known(links.input2 as usize));
        }
        operands
    }

    /// A function of its own that cannot fail, so that what it returns is written where it is wanted.
    #[inline(never)]
    const fn known(&self, index: usize) -> Tensor {
        let bytes = match record(self.tensors, index, tensor::RECORD) {
            Some(bytes) => bytes,
            None => &[],
        };
        Tensor::known(bytes)
    }

    /// Whether the tensors that a step names exist.
    pub(crate) const fn has_operands(&self, links: &Links) -> bool {
        links.input < self.header.tensors
            && links.output < self.header.tensors
            && (links.input2 == NO_TENSOR || links.input2 < self.header.tensors)
    }

    /// The weight blob that a step names.
    pub(crate) const fn blob(&self, links: &Links) -> Option<&'a [u8]> {
        slice(
            self.weights,
            links.weights_offset as usize,
            links.weights_len as usize,
        )
    }
}

impl core::fmt::Debug for Model<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Model")
            .field("file_len", &self.bytes.len())
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

/// Record `index` of a section of records.
pub(crate) const fn record(section: &[u8], index: usize, len: usize) -> Option<&[u8]> {
    slice(section, index.saturating_mul(len), len)
}
