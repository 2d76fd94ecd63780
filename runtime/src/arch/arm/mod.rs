//! Cortex-M from M3 on: what Thumb-2 offers on all of them, and the kernels of those that have the DSP extension
//! or Helium.

#[cfg(isa = "dsp")]
pub(crate) mod dsp;
#[cfg(isa = "mve")]
pub(crate) mod mve;
mod thumb2;

pub(crate) use thumb2::{mac_s8, tap_s8};
