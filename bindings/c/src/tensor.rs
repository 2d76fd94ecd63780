//! What an input or an output is.

use core::ffi::c_char;
use nnz::format::{DType, Io};

/// Type of a tensor's elements.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum nnz_dtype {
    /// `int8_t`: a real number is `scale * (q - zero_point)`.
    NNZ_S8 = 0,
    /// `float`.
    NNZ_F32 = 1,
}

/// An input or an output, in the order and with the dimensions of the network it was made from.
#[repr(C)]
#[derive(Debug, Clone, Copy)]
pub struct nnz_tensor {
    /// Its name, `name_len` bytes of UTF-8 in the network's file, no zero behind them.
    pub name: *const c_char,
    /// Bytes of the name.
    pub name_len: usize,
    /// Type of the elements.
    pub dtype: nnz_dtype,
    /// Number of elements.
    pub elements: usize,
    /// Number of dimensions, 1 to 4, a batch of 1 included.
    pub rank: u32,
    /// The dimensions, those past `rank` 0.
    pub dims: [u32; 4],
    /// Step between two values of `NNZ_S8`; 1 for floats.
    pub scale: f32,
    /// What stands for 0; 0 for floats.
    pub zero_point: i32,
}

impl nnz_tensor {
    /// The record of a file.
    pub(crate) fn new(io: &Io<'_>) -> Self {
        Self {
            name: io.name.as_ptr().cast(),
            name_len: io.name.len(),
            dtype: if matches!(io.tensor.dtype, DType::F32) {
                nnz_dtype::NNZ_F32
            } else {
                nnz_dtype::NNZ_S8
            },
            elements: usize::try_from(io.tensor.elements()).unwrap_or(usize::MAX),
            rank: u32::from(io.rank),
            dims: io.dims,
            scale: io.tensor.scale,
            zero_point: io.tensor.zero_point,
        }
    }
}
