//! RISC-V with multiplication: kernels for the register file that it has, 31 registers and no multiply-accumulate.
//!
//! A product is a load, a multiplication and an addition; what surrounds the three is what there is to save:
//!
//! ```text
//! lanes.rs      products of 4, 5, 6 or 8 pixels, of one row or of two that share the loads
//! conv.rs       tiles: CSR-P, dense 1x1 and dense windows, as many lanes as the map is wide
//! depthwise.rs  3x3 windows with all nine weights in registers
//! matvec.rs     dense rows, four at a time
//! finish.rs     requantisation around `mulh`: three instructions rounded once, nine rounded twice
//! plain.rs      sums of two tensors
//! xpulp         cores that multiply four pairs of bytes an instruction
//! ```
//!
//! What is not here is the portable kernels' work, with this module's products and requantisation.

mod conv;
mod depthwise;
mod finish;
mod lanes;
mod matvec;
pub(crate) mod plain;
mod table;
#[cfg(isa = "xpulp")]
mod xpulp;

pub(crate) use lanes::{mac_s8, three_taps_s8};
#[cfg(not(isa = "xpulp"))]
pub(crate) use table::{RiscvDouble, RiscvSingle};
#[cfg(isa = "xpulp")]
pub(crate) use xpulp::{
    XpulpDouble as RiscvDouble, XpulpSingle as RiscvSingle, copy_two, copy_word,
};
