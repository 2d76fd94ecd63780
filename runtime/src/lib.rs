//! Runs pruned, quantised networks in fixed memory: no allocation, no panics, no dependencies but the file format.
//!
//! ```text
//! bytes ── Model::parse ──► Model ─┐
//! arena [u8; arena_len] ───────────┴─► Session ── run() ──► outputs
//!
//! session   the public face: memory, inputs, outputs, order of the steps
//! ops       one driver an operator: loops over tiles, planes, rows; safe code
//! dispatch  the one place where drivers meet kernels; unused ones leave the image
//! kernels   what a kernel promises
//! arch      the kernels, one folder an architecture
//! ```
//!
//! A [`Model`] is proved when it is parsed, so that nothing can fail while it runs: errors come from
//! [`Session::new`] and from asking for a tensor that is not there. The results are the same bytes on every target.

#![cfg_attr(not(any(test, feature = "std")), no_std)]
#![deny(unsafe_code)]

mod arch;
mod arena;
mod cursor;
mod dispatch;
mod error;
mod fixed;
mod float;
mod gather;
#[cfg(feature = "std")]
pub mod host;
mod kernels;
mod ops;
mod order;
mod pairs;
mod requantize;
mod session;
mod typed;
mod words;

pub use cursor::Progress;
pub use error::RunError;
pub use nnz_format as format;
/// The set of kernels that a file needs, for the `OPS` of a [`Session`]; 0 where `bytes` is not a file.
pub use nnz_format::kernel_mask as ops;
pub use nnz_format::{Model, arena_len, include_model};
pub use session::{ARENA_ALIGN, Session, StepEvent};
pub use typed::{AlignedArena, elements_s8};
