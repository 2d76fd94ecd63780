//! A QEMU plugin that counts executed instructions by class and models the cycles they would take.
//!
//! ```text
//! emulator ─ a block is translated → plugin.rs ─ bytes → thumb.rs | riscv.rs ─ Insn
//!          ─ an instruction runs   → plugin.rs → meter.rs (class counts) → core.rs (cycles) → flash.rs (waits)
//!          ─ a marker runs         → plugin.rs → one line of totals in the file `out`
//! ```
//!
//! The firmware's clock executes a marker, an instruction without effect, beside every reading of its timer. So a
//! line of totals belongs to each reading, and the driver (`nnz_support::emulator`) takes differences of the
//! same pairs of readings that the firmware takes. `docs/cycle-model.md` states the rules, where they
//! come from and what they leave out.
//!
//! Arguments: `core=cortex-m4|cortex-m3|cortex-m0plus` (none: instructions only), `out=FILE`, and for flash
//! `ws=N` (wait states), `line=BYTES`, `lines=N`, `from=ADDRESS`, `to=ADDRESS`, and of memory that plays flash `also_from=ADDRESS`,
//! `also_to=ADDRESS`.

#![cfg_attr(
    any(test, not(unix)),
    allow(dead_code, reason = "the interface, which tests leave out, uses it")
)]

mod arguments;
mod core;
mod flash;
mod insn;
mod meter;
#[cfg(all(not(test), unix))]
mod plugin;
mod riscv;
mod thumb;
