//! A device that is driven over a wire.
//!
//! ```text
//! host (feature `std`)                      device (no_std)
//! client   commands, replies, retries ◄──► device   serves one network until another one arrives
//!                                           line     bytes become lines, whatever arrives
//!                                           command  lines become commands
//!                                           store    two slots of flash: one runs, the other is written
//!                                           decimal  results as text
//! ```
//!
//! Commands are text that ends in `%`, replies are lines that begin with `m-` (or `e-`, an error) and end with
//! `m-ready`. `name`, `profile`, `timestamp`, `db load`, `db`, `infer`, `results`, `help` and `bye` are those of the device
//! under test in MLPerf Tiny (Banbury et al. 2021, arXiv:2106.07597), so that its runner can talk to the device;
//! `echo` and `model …` are ours, and say what arrived. A device never waits for the rest of a command in order to go on: garbage is
//! answered with an error, and a transfer that stops leaves the model that runs.

#![cfg_attr(not(feature = "std"), no_std)]
#![forbid(unsafe_code)]

#[cfg(feature = "std")]
pub mod client;
pub mod command;
mod decimal;
pub mod device;
pub mod line;
pub mod store;

pub use nnz_format::crc32;

/// Bytes of the longest command: room for [`CHUNK`] bytes as text and what stands around them.
pub const LINE: usize = 2 * CHUNK + 64;
/// Most runs that one command asks for: a device that runs does not listen.
pub const MOST_RUNS: u32 = 10_000;
/// Most bytes of a model or of inputs in one command.
pub const CHUNK: usize = 256;
