//! The machine dependent kernels: the only file with architecture `cfg`.
//!
//! A microcontroller image runs one set of kernels, so the set is a type, chosen here at compile time.

#![allow(
    unsafe_code,
    reason = "kernels stream proven weights through raw pointers"
)]

#[cfg(target_endian = "big")]
compile_error!("weights are read as they lie in the file, which is little endian");

#[cfg(all(feature = "std", target_arch = "aarch64"))]
mod aarch64;
#[cfg(isa = "thumb")]
mod arm;
mod portable;
#[cfg(isa = "rv32m")]
mod riscv;
#[cfg(feature = "std")]
pub(crate) mod vector;
#[cfg(all(feature = "std", target_arch = "x86_64"))]
mod x86;

#[cfg(isa = "thumb2")]
pub(crate) use arm::{copy_six, mac_s8, store_six, tap_s8};
#[cfg(not(any(isa = "thumb2", isa = "rv32m")))]
pub(crate) use portable::mac_portable as mac_s8;
#[cfg(not(isa = "thumb2"))]
pub(crate) use portable::tap_portable as tap_s8;
#[cfg(not(isa = "thumb2"))]
pub(crate) use portable::{copy_six_portable as copy_six, store_six_portable as store_six};
#[cfg(isa = "rv32m")]
pub(crate) use riscv::{
    RiscvDouble as Double, RiscvSingle as Single, mac_s8, plain, three_taps_s8,
};

/// Whether [`three_taps_s8`] beats three single taps: Arm has too few registers for it, and hosts vectorise single taps.
pub(crate) const THREE_TAPS: bool = cfg!(target_arch = "riscv32");

#[cfg(not(isa = "rv32m"))]
pub(crate) use portable::three_taps_portable as three_taps_s8;
#[cfg(not(isa = "xpulp"))]
pub(crate) use portable::{copy_two_portable as copy_two, copy_word_portable as copy_word};
#[cfg(isa = "xpulp")]
pub(crate) use riscv::{copy_two, copy_word};

/// Whether the taps of a kernel are one loop: vectorisers keep the accumulators of a nest in memory.
pub(crate) const FLAT_LOOPS: bool = !cfg!(any(target_arch = "arm", target_arch = "riscv32"));

/// Rows of a matrix that share the loads of one tile of pixels: what the register file holds.
pub(crate) const ROWS: usize = if cfg!(target_arch = "riscv32") { 2 } else { 1 };

/// Whether portable kernels are what assembly leaves over, so that one loop for all windows is enough.
pub(crate) const SMALL_REST: bool = cfg!(all(isa = "thumb", not(isa = "dsp")));

/// Whether words may lie at any address.
pub(crate) const UNALIGNED_WORDS: bool = cfg!(any(isa = "thumb2", isa = "xpulp"));

/// Whether the last bytes of a run are copied as words that reach back into it: where bands are of bytes.
pub(crate) const OVERLAPPED_WORDS: bool =
    cfg!(any(all(isa = "thumb2", not(isa = "dsp")), isa = "xpulp"));

/// Whether the core has Xpulp's arithmetic.
#[cfg(isa = "rv32m")]
pub(crate) const XPULP: bool = cfg!(isa = "xpulp");

/// Stands in a loop that must stay a loop: compilers for microcontrollers unroll tight ones until they are out of
/// registers, and turn a few stores into a call.
#[inline(always)]
pub(crate) fn keep_rolled() {
    #[cfg(any(target_arch = "arm", target_arch = "riscv32"))]
    // SAFETY: no instruction at all.
    unsafe {
        core::arch::asm!("", options(nomem, nostack, preserves_flags));
    }
}

#[cfg(all(feature = "std", target_arch = "aarch64"))]
pub(crate) use aarch64::{detect, enter, has};
#[cfg(all(isa = "thumb", not(isa = "dsp")))]
pub(crate) use arm::base::{BaseDouble as Double, BaseSingle as Single, plain};
#[cfg(all(isa = "dsp", not(isa = "mve")))]
pub(crate) use arm::dsp::pairs;
#[cfg(isa = "dsp")]
pub(crate) use arm::dsp::plain;
/// The kernels of this target that round accumulators once and twice.
#[cfg(isa = "dsp")]
pub(crate) use arm::dsp::{DspDouble as Double, DspSingle as Single};
#[cfg(isa = "dsp")]
pub(crate) use arm::dsp::{WordsDouble, WordsSingle};
#[cfg(isa = "mve")]
pub(crate) use arm::mve::{pairs, write_runs as write_runs_s8};
#[cfg(not(isa = "dsp"))]
pub(crate) use portable::no_pairs as pairs;
#[cfg(not(any(isa = "thumb", isa = "rv32m")))]
pub(crate) use portable::plain;
#[cfg(not(isa = "mve"))]
pub(crate) use portable::write_runs as write_runs_s8;
/// The kernels of this target that round accumulators once and twice.
#[cfg(not(any(isa = "thumb", isa = "rv32m")))]
pub(crate) use portable::{PortableDouble as Double, PortableSingle as Single};
#[cfg(not(isa = "dsp"))]
pub(crate) use portable::{WordsDouble, WordsSingle};
pub(crate) use portable::{fill_word_band, fill_word_tile};
#[cfg(all(
    feature = "std",
    not(any(target_arch = "x86_64", target_arch = "aarch64"))
))]
pub(crate) use vector::none::{detect, enter, has};
#[cfg(all(feature = "std", target_arch = "x86_64"))]
pub(crate) use x86::{detect, enter, has};

/// What makes bytes of planes of `s8`: products of x86-64 take unsigned bytes, those of Arm signed ones.
#[cfg(feature = "std")]
pub(crate) const FLIP: u8 = if cfg!(target_arch = "aarch64") {
    0
} else {
    0x80
};
/// The kernels of this target for floats.
pub(crate) type Float = portable::PortableF32;
