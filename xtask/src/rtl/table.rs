//! The table of RISC-V: what networks take on the emulated and on the simulated cores.
//!
//! ```text
//! network ─nnz prune→ file ─┬─ rv32 (QEMU): instructions, all networks
//!                           └─ simulated cores: cycles; the two small networks, or all with --all
//! benches/record/riscv/DATE.csv
//! ```
//!
//! Every network has a row of dense weights, its own denominator, and the count of TensorFlow Lite Micro's reference
//! kernels on RV32 (the same networks, `-Os`, one inference) as the other one. Inputs are zeros, as `nnz bench` feeds
//! them by default; where a core's output differs from the emulator's the chore fails.

use crate::command::{self, release_nnz, root};
use anyhow::{Context, Result, bail};
use core::fmt::Write;
use core::time::Duration;
use nnz_format::Model;
use nnz_support::emulator::{self, FlashModel, Outcome, Request};
use nnz_support::targets::Target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A network, how it is made, and what TensorFlow Lite Micro's reference kernels take for it.
#[derive(Debug)]
struct Network {
    name: &'static str,
    source: &'static str,
    calib: &'static [&'static str],
    data: &'static str,
    recipes: &'static [Recipe],
    tflm: u64,
    /// Whether simulated cores run it without `--all`.
    small: bool,
}

/// Options of `nnz prune`, and whether they need calibration data.
type Recipe = (&'static str, &'static [&'static str]);

const DENSE: Recipe = ("dense", &["--weights", "dense"]);
const LOSSLESS: Recipe = ("lossless", &["--lossless"]);
const KEEP: Recipe = ("80 %", &[]);

const NETWORKS: [Network; 5] = [
    Network {
        name: "ad01",
        source: "ad01_int8.tflite",
        calib: &[],
        data: "",
        recipes: &[DENSE, LOSSLESS],
        tflm: 2_480_000,
        small: true,
    },
    Network {
        name: "kws",
        source: "kws_int8.tflite",
        calib: &[],
        data: "kws_calib.npz",
        recipes: &[
            DENSE,
            LOSSLESS,
            ("obs 50 %", &["--method", "obs", "--sparsity", "0.5"]),
            ("obs 80 %", &["--method", "obs", "--sparsity", "0.8"]),
        ],
        tflm: 52_900_000,
        small: true,
    },
    Network {
        name: "resnet8",
        source: "resnet8_int8.tflite",
        calib: &[],
        data: "",
        recipes: &[DENSE, LOSSLESS],
        tflm: 170_100_000,
        small: false,
    },
    Network {
        name: "cifar_resnet8_u_80",
        source: "cifar_resnet8_u_80.onnx",
        calib: &["--mean", "128", "--std", "64", "--layout", "nhwc"],
        data: "cifar10_calib.npz",
        recipes: &[DENSE, KEEP],
        tflm: 170_100_000,
        small: false,
    },
    Network {
        name: "vww96",
        source: "vww96_int8.tflite",
        calib: &[],
        data: "",
        recipes: &[DENSE, LOSSLESS],
        tflm: 137_700_000,
        small: false,
    },
];

const HEADER: &str =
    "network,weights,core,instructions,cycles,macs,of_dense,of_tflm,cycles_per_mac\n";

/// Makes the networks, runs them and records the table; `all` runs the large ones on simulated cores too.
pub(super) fn run(cores: &[&Target], all: bool) -> Result<()> {
    let shared = root().join("../shared");
    if !shared.join("models").is_dir() {
        println!("skipped: ../shared is not there, and with it the networks of the table");
        return Ok(());
    }
    let nnz = release_nnz()?;
    let folder = tempfile::tempdir()?;
    let mut record = String::from(HEADER);
    print_line(
        "network",
        "weights",
        "core",
        &["instructions", "cycles", "/ dense", "/ TFLM", "cycles/MAC"],
    );
    for network in &NETWORKS {
        let rv32 = [Target::find("rv32")?];
        let simulated = cores.iter().copied().filter(|_| all || network.small);
        let machines: Vec<&Target> = rv32.into_iter().chain(simulated).collect();
        rows(
            network,
            &machines,
            &Files {
                nnz: &nnz,
                shared: &shared,
                folder: folder.path(),
            },
            &mut record,
        )?;
    }
    let date = command::read(Command::new("date").arg("+%F"))?;
    let records = root().join("benches/record/riscv");
    fs::create_dir_all(&records).with_context(|| format!("making {}", records.display()))?;
    let file = records.join(format!("{}.csv", date.trim()));
    fs::write(&file, &record).with_context(|| format!("writing {}", file.display()))?;
    println!("{}", file.display());
    Ok(())
}

/// Where programs and files are.
#[derive(Debug, Clone, Copy)]
struct Files<'a> {
    nnz: &'a Path,
    shared: &'a Path,
    folder: &'a Path,
}

/// The rows of one network.
fn rows(
    network: &Network,
    machines: &[&Target],
    files: &Files<'_>,
    record: &mut String,
) -> Result<()> {
    let mut dense: Vec<u64> = Vec::new();
    for recipe in network.recipes {
        let model = fs::read(prune(network, recipe, files)?)?;
        let macs = Model::parse(&model)
            .map_err(|e| anyhow::anyhow!("{e}"))?
            .macs();
        let mut output = None;
        for (index, target) in machines.iter().enumerate() {
            let outcome = measure(target, &model)?;
            match &output {
                Some(first) if *first != outcome.output => {
                    bail!(
                        "{} on {} differs from {}",
                        network.name,
                        target.name,
                        machines[0].name
                    )
                }
                _ => output = Some(outcome.output.clone()),
            }
            let (instructions, cycles) = counts(&outcome);
            let cost = cycles.unwrap_or(instructions);
            if recipe.0 == DENSE.0 {
                dense.push(cost);
            }
            let ratios = [
                cost as f64 / dense.get(index).map_or(f64::NAN, |&d| d as f64),
                instructions as f64 / network.tflm as f64,
            ];
            let row = Row {
                network: network.name,
                weights: recipe.0,
                core: &target.name,
                instructions,
                cycles,
                macs,
                ratios,
            };
            row.print();
            row.record(record)?;
        }
    }
    Ok(())
}

/// One measurement.
#[derive(Debug)]
struct Row<'a> {
    network: &'a str,
    weights: &'a str,
    core: &'a str,
    instructions: u64,
    /// `None` where the machine counts instructions only.
    cycles: Option<u64>,
    macs: u64,
    /// Cost of what the dense row costs; instructions of TensorFlow Lite Micro's.
    ratios: [f64; 2],
}

impl Row<'_> {
    /// The cells behind the core's name.
    fn cells(&self) -> [String; 5] {
        let optional = |value: Option<String>| value.unwrap_or_default();
        [
            self.instructions.to_string(),
            optional(self.cycles.map(|c| c.to_string())),
            format!("{:.3}", self.ratios[0]),
            format!("{:.4}", self.ratios[1]),
            optional(
                self.cycles
                    .map(|c| format!("{:.3}", c as f64 / self.macs.max(1) as f64)),
            ),
        ]
    }

    fn print(&self) {
        let cells = self.cells();
        print_line(
            self.network,
            self.weights,
            self.core,
            &cells.each_ref().map(String::as_str),
        );
    }

    fn record(&self, record: &mut String) -> Result<()> {
        let [instructions, cycles, of_dense, of_tflm, per_mac] = self.cells();
        writeln!(
            record,
            "{},{},{},{instructions},{cycles},{},{of_dense},{of_tflm},{per_mac}",
            self.network, self.weights, self.core, self.macs
        )?;
        Ok(())
    }
}

fn print_line(network: &str, weights: &str, core: &str, cells: &[&str; 5]) {
    let [a, b, c, d, e] = cells;
    println!("{network:<19} {weights:<9} {core:<9} {a:>12} {b:>12} {c:>8} {d:>8} {e:>10}");
}

/// Lowers a network for RISC-V.
fn prune(network: &Network, (name, options): &Recipe, files: &Files<'_>) -> Result<PathBuf> {
    let model = files.folder.join("network.nnz");
    let mut prune = Command::new(files.nnz);
    prune
        .arg("prune")
        .arg(files.shared.join("models").join(network.source));
    prune
        .args(*options)
        .args(network.calib)
        .args(["--target", "rv32", "-o"])
        .arg(&model);
    let needs_data = options.contains(&"obs") || !network.calib.is_empty();
    if needs_data {
        prune
            .arg("--calib")
            .arg(files.shared.join("data").join(network.data));
    }
    command::read(&mut prune).with_context(|| format!("{} {name}", network.name))?;
    Ok(model)
}

/// One inference of zeros.
fn measure(target: &Target, model: &[u8]) -> Result<Outcome> {
    let request = Request {
        target,
        model,
        input: &[],
        timeout: Duration::from_secs(7200),
        meter: Some(FlashModel::of(target)),
        slice: None,
    };
    emulator::run(&request).with_context(|| target.name.clone())
}

/// Instructions, and cycles where they are the core's.
fn counts(outcome: &Outcome) -> (u64, Option<u64>) {
    let instructions = outcome.run.rows.first().copied().unwrap_or_default();
    let metered = outcome.metering.as_ref().and_then(|m| m.rows.first());
    (instructions, metered.and_then(|row| row.cycles))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_network_begins_with_its_dense_row() {
        for network in &NETWORKS {
            assert_eq!(network.recipes[0].0, DENSE.0, "{}", network.name);
        }
    }

    #[test]
    fn rows_have_as_many_cells_as_the_header() {
        let row = Row {
            network: "a",
            weights: "dense",
            core: "ibex",
            instructions: 10,
            cycles: Some(20),
            macs: 5,
            ratios: [1.0, 0.5],
        };
        let mut text = String::new();
        row.record(&mut text).unwrap();
        assert_eq!(text, "a,dense,ibex,10,20,5,1.000,0.5000,4.000\n");
        assert_eq!(text.matches(',').count(), HEADER.matches(',').count());
    }
}
