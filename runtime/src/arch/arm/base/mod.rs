//! Cores without the DSP extension: M0, M0+ and M1 with Thumb alone, M3 with Thumb-2.
//!
//! Both have the same kernels, in `.S` files whose headers say what registers hold. Whatever has no kernel here runs the
//! portable one.

mod conv;
mod depthwise;
pub(crate) mod plain;
mod table;

#[cfg(not(isa = "thumb2"))]
core::arch::global_asm!(
    include_str!("m0.S"),
    include_str!("m0_taps.S"),
    include_str!("m0_add.S"),
    options(raw)
);
#[cfg(isa = "thumb2")]
core::arch::global_asm!(
    include_str!("m3.S"),
    include_str!("m3_taps.S"),
    include_str!("m3_add.S"),
    options(raw)
);

pub(crate) use table::{BaseDouble, BaseSingle};
