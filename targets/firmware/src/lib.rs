//! The machine under a firmware: start-up, clock, stack, static memory and files.
//!
//! ```text
//! machine.rs      which architecture: entry, faults, stack pointer, tick counter
//! memory.rs       static buffers, taken once; painted stack
//! semihosting.rs  the debugger's files and exit code, as files and records
//! bin/any.rs      runs any model and reports what it cost
//! uart.rs         a serial port (feature `wire`)
//! slots.rs        memory in the place of flash (feature `wire`)
//! bin/wire.rs     runs the model that arrives over the serial port
//! bin/lean.rs     one model with its own operators only, to measure its code
//! ```
//!
//! What is not registers or start-up is in `nnz-support`, where the host tests it.

#![no_std]

mod machine;
pub mod memory;
pub mod semihosting;
#[cfg(feature = "wire")]
pub mod slots;
#[cfg(all(feature = "wire", target_arch = "arm"))]
pub mod uart;

pub use machine::{Counter, NAME, clock, entry, spin};
