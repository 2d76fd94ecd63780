//! The `.nnz` file format: one pruned, quantised network, ready to execute in fixed memory.
//!
//! `no_std`, no allocation, no unsafe code. SPEC.md gives every byte. [`Model::parse`] proves a file once, also at
//! compile time through [`include_model!`]; after that accessors are total and kernels need no checks.
//!
//! ```text
//! bytes ── parse ──► Model ── step(i) ──► Step { op, tensors, weights: a proved view, scratch }
//! ```
//!
//! The feature `write` (needs `alloc`) adds the writer, the encoders of all weight layouts and their inverse.

#![no_std]
#![forbid(unsafe_code)]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![cfg_attr(
    test,
    allow(
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        reason = "a test that fails may panic"
    )
)]

#[cfg(feature = "write")]
extern crate alloc;

mod band;
mod bytes;
mod crc;
mod dtype;
mod error;
mod header;
mod include;
mod io;
mod kernel_mask;
mod layout;
mod model;
mod op;
mod parse;
mod scratch;
mod step;
mod tensor;
mod work;

#[cfg(feature = "write")]
pub mod decode;
#[cfg(feature = "write")]
pub mod encode;
#[cfg(feature = "write")]
pub mod write;

pub use band::{Band, TILE};
pub use crc::crc32;
pub use dtype::{AxisOrder, DType, Rounding, TensorLayout, Ties, WeightLayout};
pub use error::FormatError;
pub use header::{Backend, SectionKind, arena_len, kernel_mask};
#[doc(hidden)]
pub use include::{Aligned16, refuse};
pub use io::Io;
pub use kernel_mask::{kernel_bit, kernel_bit_for, kernel_bits};
pub use layout::{
    Blk1x4, Blk4x1, CsrF, CsrN, CsrP, CsrQ, DenseF32, DenseS8, Row, RowF32, Rows, RowsF32, Table,
    Weights,
};
pub use model::Model;
pub use op::{
    AddParams, Binary, Block, Clamp, LinearSum, Op, PreluParams, RepackOrder, Unary, Window,
};
pub use scratch::{scratch_len, table_words, tile_room, works_in_place};
pub use step::Step;
pub use tensor::{Strides, Tensor};
