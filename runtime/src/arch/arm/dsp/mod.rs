//! Cores with the DSP extension (M4, M7, M33): two multiply-accumulates of 16-bit halves an instruction.
//!
//! Assembly lies in `.S` files whose headers say what registers hold; this folder's Rust prepares its arguments.
//! Whatever has no kernel of its own here runs the portable one.

mod depthwise;
mod finish;
mod matvec;
pub(crate) mod pairs;
pub(crate) mod plain;
mod table;
mod words;

use core::arch::global_asm;

// One block, so that later files may use the macros of earlier ones.
global_asm!(
    include_str!("finish.S"),
    include_str!("matvec.S"),
    include_str!("pairs.S"),
    include_str!("block.S"),
    include_str!("depthwise.S"),
    include_str!("plain.S"),
    options(raw)
);

pub(crate) use table::{DspDouble, DspSingle};
pub(crate) use words::{WordsDouble, WordsSingle};
