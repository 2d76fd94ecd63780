//! Whether lowering ever chooses what is slower than dense weights: `benches/record/beside-dense-riscv.csv`.
//!
//! Four networks at four sparsities by instructions of `rv32`, the two small ones by cycles of `ibex-max` too, each beside its
//! file of `nnz prune --weights dense`. Both run and give this computer's output; one that takes longer than the dense one
//! is an error at the end.

use super::table::{Files, Network, counted, network, on_host, prune};
use crate::command::root;
use anyhow::{Context, Result, ensure};
use core::fmt::Write;
use nnz_support::targets::Target;
use std::fs;

const HEAD: &str = "target,network,sparsity,cost,dense_cost,ratio\n";
/// Networks, and whether a simulated core runs them too.
const NETWORKS: [(&str, bool); 4] = [
    ("ad01", true),
    ("kws", true),
    ("resnet8", false),
    ("vww96", false),
];
const SPARSITIES: [&str; 4] = ["0.1", "0.3", "0.5", "0.8"];

/// Measures everything and renews the record.
pub(super) fn all(files: &Files<'_>) -> Result<()> {
    let (mut csv, mut slower) = (HEAD.to_owned(), Vec::new());
    for (name, is_simulated) in NETWORKS {
        let network = network(name)?;
        let cores = ["rv32", "ibex-max"];
        for core in &cores[..if is_simulated { 2 } else { 1 }] {
            let target = Target::find(core)?;
            for sparsity in SPARSITIES {
                let chosen = cost(network, sparsity, &[], target, files)?;
                let dense = cost(network, sparsity, &["--weights", "dense"], target, files)?;
                let ratio = chosen as f64 / dense as f64;
                let line = format!("{core},{name},{sparsity},{chosen},{dense},{ratio:.4}");
                println!("{line}");
                writeln!(csv, "{line}")?;
                if chosen > dense {
                    slower.push(line);
                }
            }
        }
    }
    let record = root().join("benches/record/beside-dense-riscv.csv");
    fs::write(&record, csv).with_context(|| format!("writing {}", record.display()))?;
    ensure!(
        slower.is_empty(),
        "slower than dense weights:\n{}",
        slower.join("\n")
    );
    Ok(())
}

/// Cycles where the core counts them, instructions otherwise.
fn cost(
    network: &Network,
    sparsity: &str,
    more: &[&str],
    target: &Target,
    files: &Files<'_>,
) -> Result<u64> {
    let mut options = vec!["--method", "magnitude", "--alloc", "layer", "--sparsity"];
    options.push(sparsity);
    options.extend(more);
    let model = fs::read(prune(network, (sparsity, &options), target, files)?)?;
    let (instructions, cycles) = counted(target, &model, &on_host(&model)?)?;
    Ok(cycles.unwrap_or(instructions))
}
