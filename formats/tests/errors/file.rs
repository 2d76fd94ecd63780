//! A right file, ways to find its parts, and what the parser says once a part is damaged.

use nnz_format::{DType, FormatError, Model, WeightLayout, crc32};

use crate::common::every_kernel_file;

pub(crate) const TENSORS: u16 = 1;
pub(crate) const STEPS: u16 = 2;
pub(crate) const WEIGHTS: u16 = 3;
pub(crate) const IO: u16 = 4;
pub(crate) const NAMES: u16 = 5;
pub(crate) const META: u16 = 6;

/// A right file to be damaged.
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
}

impl File {
    pub(crate) fn new() -> Self {
        Self {
            bytes: every_kernel_file(7),
        }
    }

    pub(crate) fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes(self.bytes[at..at + 2].try_into().unwrap())
    }

    pub(crate) fn u32(&self, at: usize) -> usize {
        u32::from_le_bytes(self.bytes[at..at + 4].try_into().unwrap()) as usize
    }

    /// Where the table entry of a section is.
    pub(crate) fn entry(&self, kind: u16) -> usize {
        let mut entries = (112..).step_by(16).take(usize::from(self.u16(86)));
        entries.find(|at| self.u16(*at) == kind).unwrap()
    }

    pub(crate) fn section(&self, kind: u16) -> usize {
        self.u32(self.entry(kind) + 4)
    }

    pub(crate) fn tensor(&self, index: usize) -> usize {
        self.section(TENSORS) + index * 32
    }

    pub(crate) fn step(&self, index: usize) -> usize {
        self.section(STEPS) + index * 64
    }

    pub(crate) fn io(&self, index: usize) -> usize {
        self.section(IO) + index * 48
    }

    pub(crate) fn blob(&self, step: usize) -> usize {
        self.section(WEIGHTS) + self.u32(self.step(step) + 12)
    }

    /// The first step with an operator code, a layout and an element type.
    pub(crate) fn find(&self, op: u8, layout: WeightLayout, dtype: DType) -> usize {
        let model = Model::parse(&self.bytes).unwrap();
        let mut steps = model.steps();
        let is_it = |step: &nnz_format::Step<'_>| {
            step.op.code() == op && step.layout == layout && step.dtype == dtype
        };
        steps.find(is_it).unwrap().index
    }

    pub(crate) fn put(mut self, at: usize, bytes: &[u8]) -> Self {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
        self
    }

    pub(crate) fn put_u16(self, at: usize, value: u16) -> Self {
        self.put(at, &value.to_le_bytes())
    }

    pub(crate) fn put_u32(self, at: usize, value: u32) -> Self {
        self.put(at, &value.to_le_bytes())
    }

    pub(crate) fn put_f32(self, at: usize, value: f32) -> Self {
        self.put(at, &value.to_le_bytes())
    }

    /// The error of the damaged file, its checksum made right.
    pub(crate) fn error(mut self) -> FormatError {
        let file_len = self.u32(8).min(self.bytes.len());
        let crc = crc32(&self.bytes[8..file_len]);
        self.bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        Model::parse(&self.bytes).expect_err("the damage was not noticed")
    }
}

/// The error of the generated model with the bytes at `at` replaced.
pub(crate) fn damaged(at: impl Fn(&File) -> usize, bytes: &[u8]) -> FormatError {
    let file = File::new();
    let at = at(&file);
    file.put(at, bytes).error()
}

/// Each found error is the expected one.
pub(crate) fn all_equal(cases: Vec<(FormatError, FormatError)>) -> Vec<FormatError> {
    for (index, (found, expected)) in cases.iter().enumerate() {
        assert_eq!(found, expected, "case {index}");
    }
    cases.into_iter().map(|(found, _)| found).collect()
}
