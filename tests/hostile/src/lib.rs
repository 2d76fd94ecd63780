//! What bytes from strangers may do: each reader of the project, run and watched.
//!
//! ```text
//! model     .nnz files: parsed, walked, run in an arena between guards
//! wire      what a device receives over its serial port
//! network   trained networks, ONNX and TFLite     (feature `offline`)
//! data      samples, pictures, sounds, tables     (feature `offline`)
//! ```
//!
//! A function here takes bytes, gives them to a reader, uses what it accepts, and panics where a promise of `SECURITY.md`
//! does not hold. The fuzzers (`fuzz/`) call them with bytes that they find, the suites with damaged files and with
//! every file that a fuzzer ever found something with.

#![allow(
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a promise that does not hold is a panic, which the caller reports"
)]

#[cfg(feature = "offline")]
pub mod data;
pub mod model;
#[cfg(feature = "offline")]
pub mod network;
pub mod wire;
