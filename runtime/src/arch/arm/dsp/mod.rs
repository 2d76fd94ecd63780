//! Cores with the DSP extension (M4, M7, M33): two multiply-accumulates of 16-bit halves an instruction.
//!
//! Assembly lies in `.S` files whose headers say what registers hold; this folder's Rust prepares its arguments.
//! Whatever has no kernel of its own here runs the portable one.

mod finish;
mod matvec;
mod table;
mod words;

pub(crate) use table::{DspDouble, DspSingle};
pub(crate) use words::{WordsDouble, WordsSingle};
