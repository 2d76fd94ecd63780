//! The offline half of nnz: reads a trained network, prunes and quantises it, and writes `model.nnz`.
//!
//! ```text
//! import → Graph → pass → sparsify → quantize → lower(target) → Program → plan → emit → bytes
//! ```

#![forbid(unsafe_code)]

pub mod arith;
pub mod cost;
pub mod data;
pub mod emit;
pub mod eval;
pub mod export;
pub mod import;
pub mod inspect;
pub mod interpret;
pub mod ir;
pub mod lower;
pub mod pass;
pub mod pipeline;
pub mod plan;
pub mod progress;
pub mod quantize;
#[cfg(test)]
mod random;
pub mod retarget;
pub mod sparsify;
pub mod target;
#[cfg(test)]
mod testing;
