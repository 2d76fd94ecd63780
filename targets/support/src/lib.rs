//! What every nnz firmware, and the programs that drive it, share.
//!
//! ```text
//! firmware (no_std)      clock    instructions out of a timer's ticks
//!                        stack    paint below the stack pointer, find the high-water mark
//!                        memory   static buffers for models and arenas
//!                        report   the lines a firmware prints, written and read
//! host (feature `facts`) targets  the facts of targets/*/target.toml
//! host (feature `std`)   emulator run one model on one target's firmware image under QEMU
//! ```
//!
//! Everything that can be tested without a microcontroller lives here, so that a firmware is only
//! registers and start-up code.

#![cfg_attr(not(feature = "facts"), no_std)]

pub mod clock;
pub mod memory;
pub mod report;
pub mod stack;

#[cfg(feature = "std")]
pub mod emulator;
#[cfg(feature = "facts")]
pub mod targets;

/// Name of the file a firmware opens through semihosting to read the model.
pub const MODEL_FILE: &str = "model.nnz";
/// Name of the file with the input rows; each row is all input tensors' bytes in file order, and no
/// row at all is one row of zeros.
pub const INPUT_FILE: &str = "input.bin";
/// The multiply-accumulates of a slice, four bytes, little end first; not there where a run is not to pause.
pub const BUDGET_FILE: &str = "budget.bin";
/// Name of the file the firmware writes the output rows to, laid out like the input.
pub const OUTPUT_FILE: &str = "output.bin";
