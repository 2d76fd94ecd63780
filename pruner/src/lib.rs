//! The offline half of nnz: reads a trained network, prunes and quantises it, and writes `model.nnz`.
//!
//! ```text
//! import → Graph → pass → sparsify → quantize → lower(target) → Program → plan → emit → bytes
//! ```

#![forbid(unsafe_code)]

pub mod arith;
pub mod cost;
pub mod data;
pub mod eval;
pub mod import;
pub mod inspect;
pub mod interpret;
pub mod ir;
pub mod pass;
pub mod progress;
pub mod quantize;
pub mod sparsify;
pub mod target;
