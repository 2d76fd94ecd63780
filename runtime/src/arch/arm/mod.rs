//! Cortex-M: what Thumb-2 offers on all that have it, and the kernels of cores without the DSP extension, with it, and
//! with Helium.

mod add;
#[cfg(not(isa = "dsp"))]
pub(crate) mod base;
#[cfg(isa = "dsp")]
pub(crate) mod dsp;
#[cfg(isa = "mve")]
pub(crate) mod mve;
#[cfg(isa = "thumb2")]
mod thumb2;

#[cfg(isa = "thumb2")]
pub(crate) use thumb2::{copy_six, mac_s8, store_six, tap_s8};
