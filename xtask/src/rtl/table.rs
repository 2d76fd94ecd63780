//! The table of RISC-V: what networks take on the emulated and on the simulated cores.
//!
//! ```text
//! network ─nnz prune→ file ─┬─ rv32 (QEMU): instructions, all networks
//!                           └─ simulated cores: cycles; the two small networks, or all with --all
//! benches/record/riscv/DATE.csv
//! ```
//!
//! Every network has a row of dense weights, its own denominator, and the count of TensorFlow Lite Micro's reference
//! kernels on RV32 (the same networks, `-Os`, one inference) as the other one. The input is one row of random bytes,
//! always the same; where a machine's output differs from this computer's the chore fails, and where a bound of
//! [`BOUNDS`] does not hold it fails at the end.

use super::kept;
use crate::command::{self, release_nnz, root};
use anyhow::{Context, Result, ensure};
use core::fmt::Write;
use core::time::Duration;
use nnz::{Model, Session};
use nnz_support::emulator::{self, FlashModel, Outcome, Request};
use nnz_support::targets::Target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A network, how it is made, and what TensorFlow Lite Micro's reference kernels take for it.
#[derive(Debug)]
pub(super) struct Network {
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

static NETWORKS: [Network; 5] = [
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
            (
                "10 %",
                &[
                    "--method",
                    "magnitude",
                    "--alloc",
                    "layer",
                    "--sparsity",
                    "0.1",
                ],
            ),
            (
                "30 %",
                &[
                    "--method",
                    "magnitude",
                    "--alloc",
                    "layer",
                    "--sparsity",
                    "0.3",
                ],
            ),
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

/// Most instructions of TensorFlow Lite Micro's that a network may take on the emulator: network, weights, share.
const BOUNDS: [(&str, &str, f64); 7] = [
    ("ad01", "lossless", 0.40),
    ("kws", "lossless", 0.22),
    ("kws", "obs 50 %", 0.15),
    ("kws", "obs 80 %", 0.10),
    ("resnet8", "lossless", 0.30),
    ("cifar_resnet8_u_80", "80 %", 0.08),
    ("vww96", "lossless", 0.12),
];

/// Most of what dense weights cost that any file may: `--lossless` drops zeros where that costs next to nothing.
const SLOWER: f64 = 1.002;

const HEADER: &str =
    "network,weights,core,instructions,cycles,macs,of_dense,of_tflm,cycles_per_mac\n";

/// Runs `work` with the program and room for files; skips it where the networks are missing.
pub(super) fn with_files(work: impl FnOnce(&Files<'_>) -> Result<()>) -> Result<()> {
    let shared = root().join("../shared");
    if !shared.join("models").is_dir() {
        println!("skipped: ../shared is not there, and with it the networks of the table");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    work(&Files {
        nnz: &release_nnz()?,
        shared: &shared,
        folder: folder.path(),
    })
}

/// Makes the networks, runs them and records the table; `all` runs the large ones on simulated cores too.
pub(super) fn run(cores: &[&Target], all: bool, files: &Files<'_>) -> Result<()> {
    let (mut record, mut excess) = (String::from(HEADER), Vec::new());
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
        rows(network, &machines, files, (&mut record, &mut excess))?;
    }
    let date = command::read(Command::new("date").arg("+%F"))?;
    let records = root().join("benches/record/riscv");
    fs::create_dir_all(&records).with_context(|| format!("making {}", records.display()))?;
    let file = records.join(format!("{}.csv", date.trim()));
    fs::write(&file, &record).with_context(|| format!("writing {}", file.display()))?;
    println!("{}", file.display());
    ensure!(excess.is_empty(), "{}", excess.join("; "));
    Ok(())
}

/// Where programs and files are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Files<'a> {
    /// The program.
    pub(super) nnz: &'a Path,
    /// Networks and data.
    pub(super) shared: &'a Path,
    /// Room for files.
    pub(super) folder: &'a Path,
}

/// The network of a name.
pub(super) fn network(name: &str) -> Result<&'static Network> {
    let found = NETWORKS.iter().find(|network| network.name == name);
    found.with_context(|| format!("no network '{name}'"))
}

/// The rows of one network, lowered for each machine.
fn rows(
    network: &Network,
    machines: &[&Target],
    files: &Files<'_>,
    (record, excess): (&mut String, &mut Vec<String>),
) -> Result<()> {
    for target in machines {
        let mut done: Vec<Measured> = Vec::new();
        for recipe in network.recipes {
            let found = row(network, recipe, target, (files, &mut done))?;
            found.print();
            found.record(record)?;
            excess.extend(found.excess());
        }
    }
    Ok(())
}

/// What a file consists of, what it took, and of that the cycles.
type Measured = (String, u64, Option<u64>);

/// Makes, runs and compares one file. What was run before is not run again; the first is the one with dense weights.
fn row<'a>(
    network: &'a Network,
    recipe: &Recipe,
    target: &'a Target,
    (files, done): (&Files<'_>, &mut Vec<Measured>),
) -> Result<Row<'a>> {
    let model = fs::read(prune(network, *recipe, target, files)?)?;
    let host = on_host(&model)?;
    if !done.iter().any(|(steps, ..)| *steps == host.steps) {
        let (instructions, cycles) = counted(target, &model, &host)
            .with_context(|| format!("{} {}", network.name, recipe.0))?;
        done.push((host.steps.clone(), instructions, cycles));
    }
    let found = done.iter().find(|(steps, ..)| *steps == host.steps);
    let (_, instructions, cycles) = found.context("a file that was run")?.clone();
    let cost = cycles.unwrap_or(instructions);
    let dense = done
        .first()
        .map(|(_, instructions, cycles)| cycles.unwrap_or(*instructions));
    let ratios = [
        cost as f64 / dense.unwrap_or(cost) as f64,
        instructions as f64 / network.tflm as f64,
    ];
    Ok(Row {
        network: network.name,
        weights: recipe.0,
        core: &target.name,
        instructions,
        cycles,
        macs: host.macs,
        ratios,
    })
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

    /// What exceeds its bound.
    fn excess(&self) -> Option<String> {
        let name = format!("{} {} on {}", self.network, self.weights, self.core);
        if self.ratios[0] > SLOWER {
            return Some(format!(
                "{name} takes {:.4} of dense weights",
                self.ratios[0]
            ));
        }
        let (_, _, most) = BOUNDS
            .iter()
            .find(|(network, weights, _)| (*network, *weights) == (self.network, self.weights))?;
        let share = self.ratios[1];
        (share > *most).then(|| format!("{name} takes {share:.4} of TFLM's, more than {most}"))
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

/// Lowers a network for a machine.
pub(super) fn prune(
    network: &Network,
    (name, options): (&str, &[&str]),
    target: &Target,
    files: &Files<'_>,
) -> Result<PathBuf> {
    let model = files.folder.join("network.nnz");
    let mut prune = Command::new(files.nnz);
    prune
        .arg("prune")
        .arg(files.shared.join("models").join(network.source));
    prune
        .args(options)
        .args(network.calib)
        .args(["--target", &target.name, "-o"])
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

/// A network as this computer runs it.
pub(super) struct Host {
    /// All steps with their weights.
    steps: String,
    macs: u64,
    /// A row of random bytes.
    input: Vec<u8>,
    output: Vec<u8>,
}

/// Runs a network here.
pub(super) fn on_host(file: &[u8]) -> Result<Host> {
    let refused = |error: &dyn core::fmt::Display| anyhow::anyhow!("{error}");
    let mut words = vec![0_u128; file.len().div_ceil(16)];
    let bytes = &mut bytemuck::cast_slice_mut::<_, u8>(&mut words)[..file.len()];
    bytes.copy_from_slice(file);
    let model = Model::parse(bytes).map_err(|e| refused(&e))?;
    let mut arena = vec![0_u128; model.arena_len().div_ceil(16)];
    let arena = bytemuck::cast_slice_mut(&mut arena);
    let mut session = Session::<{ u128::MAX }>::new(&model, arena).map_err(|e| refused(&e))?;
    let (mut input, mut output, mut state) = (Vec::new(), Vec::new(), 1_u64);
    for index in 0..model.inputs_len() {
        for byte in session.input_bytes(index).map_err(|e| refused(&e))? {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = state.to_be_bytes()[0];
            input.push(*byte);
        }
    }
    session.run();
    for index in 0..model.outputs_len() {
        output.extend_from_slice(session.output_bytes(index).map_err(|e| refused(&e))?);
    }
    Ok(Host {
        steps: model.steps().map(|step| format!("{step:?}")).collect(),
        macs: model.macs(),
        input,
        output,
    })
}

/// What a file takes, from an earlier run where there was one.
pub(super) fn counted(target: &Target, model: &[u8], host: &Host) -> Result<kept::Counts> {
    let file = kept::file(target, [model, &host.input, &host.output])?;
    if let Some(counts) = kept::find(&file) {
        return Ok(counts);
    }
    let outcome = measure(target, model, &host.input)?;
    ensure!(
        outcome.output == host.output,
        "{} gives another output than this computer",
        target.name
    );
    let counts = counts(&outcome);
    kept::keep(&file, counts)?;
    Ok(counts)
}

/// One inference.
fn measure(target: &Target, model: &[u8], input: &[u8]) -> Result<Outcome> {
    let request = Request {
        target,
        model,
        input,
        timeout: Duration::from_secs(7200),
        meter: Some(FlashModel::of(target)),
        slice: None,
    };
    emulator::run(&request).with_context(|| target.name.clone())
}

/// Instructions, and cycles where they are the core's.
fn counts(outcome: &Outcome) -> kept::Counts {
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
    fn every_bound_is_of_a_row() {
        for (network, weights, _) in &BOUNDS {
            let found = NETWORKS.iter().find(|n| n.name == *network).unwrap();
            assert!(found.recipes.iter().any(|r| r.0 == *weights), "{network}");
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
