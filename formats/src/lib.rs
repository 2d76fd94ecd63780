//! The `.nnz` file format: one pruned, quantised network, ready to execute in fixed memory.
//!
//! `no_std`, no allocation, no unsafe code. SPEC.md gives every byte.

#![no_std]
#![forbid(unsafe_code)]

mod dtype;
mod op;

pub use dtype::{AxisOrder, DType, Rounding, TensorLayout, WeightLayout};
pub use op::{AddParams, Clamp, Op, RepackOrder, Window};
