//! Whether lowering ever chooses what is slower than dense weights: `benches/record/beside-dense.csv`.
//!
//! Four networks at four sparsities on the cores whose cycles are modelled, each beside its file of
//! `nnz prune --weights dense`. Both run; one that takes longer than the dense one is an error at the end.

use super::measure::{Bench, run};
use anyhow::{Context, Result, bail};
use core::fmt::Write;
use nnz_support::targets::Target;
use std::fs;

const HEAD: &str = "target,model,options,cycles,dense_cycles,ratio\n";
/// The cores.
pub(super) const TARGETS: [&str; 3] = ["cortex-m4", "cortex-m3", "cortex-m0"];
const MODELS: [&str; 4] = [
    "kws_int8.tflite",
    "resnet8_int8.tflite",
    "vww96_int8.tflite",
    "ad01_int8.tflite",
];
const OPTIONS: [&str; 4] = [
    "--method keep",
    "--method magnitude --alloc layer --sparsity 0.3",
    "--method magnitude --alloc layer --sparsity 0.5",
    "--method magnitude --alloc layer --sparsity 0.8",
];

/// Measures everything and renews the record.
pub(super) fn all(bench: &Bench) -> Result<()> {
    let (mut csv, mut slower) = (HEAD.to_owned(), Vec::new());
    for name in TARGETS {
        let target = Target::find(name)?;
        for model in MODELS {
            for options in OPTIONS {
                let cycles = |more: &str| -> Result<u64> {
                    let file = bench.make(model, name, &format!("{options} {more}"))?;
                    let cycles = run(target, &file)?.cycles;
                    cycles.with_context(|| format!("{name} has no cycle model"))
                };
                let (chosen, dense) = (cycles("")?, cycles("--weights dense")?);
                let ratio = super::measure::ratio(chosen, dense);
                let line = format!("{name},{model},{options},{chosen},{dense},{ratio:.3}");
                println!("{line}");
                writeln!(csv, "{line}")?;
                if chosen > dense {
                    slower.push(line);
                }
            }
        }
    }
    let record = crate::command::root().join("benches/record/beside-dense.csv");
    fs::write(&record, csv).with_context(|| format!("writing {}", record.display()))?;
    if slower.is_empty() {
        return Ok(());
    }
    bail!("slower than dense weights:\n{}", slower.join("\n"))
}
