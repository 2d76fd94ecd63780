//! The machine dependent kernels: the only file with architecture `cfg`.
//!
//! A microcontroller image runs one set of kernels, so the set is a type, chosen here at compile time.

#![allow(
    unsafe_code,
    reason = "kernels stream proven weights through raw pointers"
)]

mod portable;
#[cfg(all(target_arch = "riscv32", target_feature = "m"))]
mod riscv;

#[cfg(not(all(target_arch = "riscv32", target_feature = "m")))]
pub(crate) use portable::mac_s8;
#[cfg(all(target_arch = "riscv32", target_feature = "m"))]
pub(crate) use riscv::mac_s8;

/// Rows of a matrix that share the loads of one tile of pixels: what the register file holds.
pub(crate) const ROWS: usize = if cfg!(target_arch = "arm") { 1 } else { 2 };

/// The kernels of this target that round accumulators once.
pub(crate) type Single = portable::PortableSingle;
/// The kernels of this target that round accumulators twice.
pub(crate) type Double = portable::PortableDouble;
/// The kernels of this target for floats.
pub(crate) type Float = portable::PortableF32;
