//! What `nnz bench --json` prints, wherever the network ran.
//!
//! Keys may be added, never renamed; a number that a machine cannot know is `null`, and keys that do not apply
//! to a kind of machine are left out.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One measurement of one network on one machine.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct BenchReport {
    /// The machine as named on the command line, with remarks (`cortex-m0 (on mps2-an385)`).
    pub target: String,
    /// Instructions of one inference.
    pub instructions: Option<u64>,
    /// Cycles of one inference.
    pub cycles: Option<u64>,
    /// Clock that `latency_us` refers to.
    pub clock_hz: Option<u64>,
    /// Wall-clock time of one inference.
    pub latency_us: Option<Latency>,
    /// Arena of the model, bytes.
    pub arena_bytes: Option<u64>,
    /// High-water mark of the stack, bytes.
    pub stack_bytes: Option<u64>,
    /// `.text` and `.rodata` of parser, session, kernels and panic handler.
    pub code_bytes: Option<u64>,
    /// Size of the model file.
    pub model_bytes: Option<u64>,
    /// Multiply-accumulates with every weight counted.
    pub macs: Option<u64>,
    /// Multiply-accumulates of the nonzero weights.
    pub nonzero_macs: Option<u64>,
    /// One row a step.
    pub layers: Vec<LayerReport>,
    /// Instructions by class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction_mix: Option<BTreeMap<String, u64>>,
    /// A run that paused, where `--slice` asked for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slices: Option<SliceReport>,
    /// Inferences per second at the median latency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub throughput_per_s: Option<f64>,
    /// Largest resident set of the process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peak_rss_bytes: Option<u64>,
    /// Other runtimes, measured in turns with this one, where `--vs` names some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rivals: Vec<RivalReport>,
    /// What the figures depend on: CPU, emulator, build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<BTreeMap<String, String>>,
}

/// Latency of one inference in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Fastest run.
    pub min: f64,
    /// Middle run.
    pub median: f64,
    /// 99th percentile.
    pub p99: f64,
    /// 90th percentile, of machines that measure many runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p90: Option<f64>,
    /// 999th of a thousand, likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p999: Option<f64>,
}

/// A run that paused after every so many multiply-accumulates (`Session::step`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SliceReport {
    /// Multiply-accumulates that a slice was given.
    pub budget_macs: u32,
    /// Slices of one inference.
    pub count: usize,
    /// Instructions of the longest slice.
    pub longest_instructions: u64,
    /// Cycles of the longest slice, where the machine has a cycle model.
    pub longest_cycles: Option<u64>,
}

/// Another runtime on this machine, one thread, the same inputs.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RivalReport {
    /// The runtime, with its version.
    pub name: String,
    /// The file that it ran.
    pub model: String,
    /// The instruction set that it says it uses, or is allowed to.
    pub isa: String,
    /// Median time of one inference, its process's CPU time.
    pub cpu_us: f64,
    /// The same of nnz in the same turns.
    pub nnz_cpu_us: f64,
    /// How many times faster nnz is: the median of the turns' ratios.
    pub ratio: f64,
}

/// One step of the network.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LayerReport {
    /// Name of the layer in the source model, or `step N`.
    pub name: String,
    /// Operator.
    pub op: String,
    /// Weight layout, `-` without weights.
    pub layout: String,
    /// Multiply-accumulates with every weight counted.
    pub macs: u64,
    /// Nonzero weights.
    pub nonzeros: u64,
    /// Instructions of this step.
    pub instructions: Option<u64>,
    /// Cycles of this step.
    pub cycles: Option<u64>,
    /// Median wall-clock time of this step, where a machine has a clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_us: Option<f64>,
}
