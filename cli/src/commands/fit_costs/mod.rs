//! `nnz fit-costs`: what the kernels of a target cost, learned from networks of single steps.

mod check;
mod table;

use crate::atomic;
use crate::emulate;
use crate::failure::{InFile, failure};
use crate::ui::{self, Align, Progress, Style, Table};
use clap::builder::PossibleValuesParser;
use core::time::Duration;
use nnz_format::Backend;
use nnz_pruner::cost::counts::{Counts, Term};
use nnz_pruner::cost::fit::{self, Experiment, Fitted, Kind};
use nnz_support::emulator::{self, FlashModel, Outcome};
use nnz_support::targets::{CostFacts, CostUnit, Target};
use std::collections::BTreeMap;
use std::path::PathBuf;

const LONG: &str = "\
Fits a target's cost table to what its kernels take.

Lowering chooses each layer's weight layout by a table of costs, one line a kernel: a constant a row, a stored weight, a \
gathered element and so on. This command runs generated networks, each with one kernel on many shapes, on the \
emulated machine, fits the constants by least squares of relative errors and prints the table, or replaces the \
one in `-o`, a target.toml. Costs are cycles where the machine has a cycle model or is a simulated core, \
instructions otherwise.

With --check nothing is fitted: the files run, and predictions of the table that this program was built with are \
compared with what each layer took.

  nnz fit-costs --on cortex-m4
  nnz fit-costs --on rv32 -o targets/rv32/target.toml
  nnz fit-costs --on cortex-m4 --kernel conv_2d.csr_p -o targets/cortex-m4/target.toml
  nnz fit-costs --on cortex-m4 --check net.nnz";

/// Fits a target's cost table to what its kernels take
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The machine
    #[arg(long, value_name = "MACHINE", value_parser = PossibleValuesParser::new(emulate::machines()))]
    on: String,
    /// The target.toml whose cost table is replaced
    #[arg(long, short, value_name = "TARGET.toml")]
    output: Option<PathBuf>,
    /// Fit only kernels whose name begins so; the others of -o stay
    #[arg(long, value_name = "NAME", default_value = "")]
    kernel: String,
    /// Wait states of the machine's flash in the cycle model, instead of the target's
    #[arg(long, value_name = "N")]
    flash_ws: Option<u32>,
    /// Compare the predictions for these files with what they take, and fail where a layer is off by more than 10 %
    #[arg(long, value_name = "FILE.nnz", num_args = 1.., conflicts_with_all = ["output", "kernel"])]
    check: Vec<PathBuf>,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

/// Most products of a step on a simulated core.
const SIMULATED: usize = 100_000;

/// A kernel and its constants.
#[derive(Debug)]
struct Line {
    kernel: String,
    fitted: Fitted,
    steps: usize,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let machine = Machine::new(args)?;
    if !args.check.is_empty() {
        return check::run(&machine, &args.check, args.json);
    }
    if let Some(path) = &args.output {
        atomic::check_writable(path)?;
    }
    let lines = fit_all(&machine, &args.kernel)?;
    let kernels: BTreeMap<_, _> = lines
        .iter()
        .map(|line| (line.kernel.clone(), terms(&line.fitted)))
        .collect();
    let facts = CostFacts {
        unit: machine.unit,
        kernels,
    };
    if let Some(path) = &args.output {
        let text = std::fs::read_to_string(path).in_file(path)?;
        let keep = !args.kernel.is_empty();
        let replaced = table::replaced(&machine.target.name, &text, facts.clone(), keep)?;
        atomic::write(path, replaced.as_bytes())?;
    }
    if args.json {
        return ui::print_json(&json(&machine, &lines));
    }
    let summary = render(&lines).render(Style::stdout());
    match &args.output {
        Some(path) => ui::print_text(&format!("{summary}\n{} has the table\n", path.display())),
        None => ui::print_text(&format!("{summary}\n{}", table::text(&facts))),
    }
}

/// Where to measure and what.
struct Machine {
    target: &'static Target,
    kind: Kind,
    flash: FlashModel,
    unit: CostUnit,
}

impl Machine {
    fn new(args: &Args) -> anyhow::Result<Self> {
        let target = Target::find(&args.on)?;
        let lowered = nnz_pruner::target::Target::named(&target.name);
        let mut flash = FlashModel::of(target);
        flash.wait_states = args.flash_ws.unwrap_or(flash.wait_states);
        let models_cycles = target
            .emulator
            .as_ref()
            .is_some_and(|e| e.cycle_model.is_some());
        let counts_cycles = models_cycles || target.rtl.is_some();
        if models_cycles && emulator::find_plugin().is_none() {
            return Err(failure(
                "the cycle model is not built".to_owned(),
                "`cargo xtask setup` builds it",
            ));
        }
        Ok(Self {
            target,
            kind: Kind {
                backend: lowered.map_or(Backend::Planar, |t| t.backend),
                tiles: target.has_tiles(),
            },
            flash,
            unit: if counts_cycles {
                CostUnit::Cycles
            } else {
                CostUnit::Instructions
            },
        })
    }

    /// Most products of a step that is measured: a simulated core takes a second for a million cycles.
    fn most(&self) -> usize {
        if self.target.rtl.is_some() {
            SIMULATED
        } else {
            usize::MAX
        }
    }

    /// What each step of a file takes.
    fn measure(&self, model: &[u8], input: &[u8]) -> anyhow::Result<Vec<u64>> {
        let outcome = emulator::run(&emulator::Request {
            target: self.target,
            model,
            input,
            timeout: Duration::from_secs(600),
            meter: (self.unit == CostUnit::Cycles).then_some(self.flash),
            slice: None,
        })?;
        let Outcome { run, metering, .. } = outcome;
        match (self.unit, metering) {
            (CostUnit::Instructions, _) => Ok(run.steps),
            (CostUnit::Cycles, Some(metering)) => Ok(metering
                .steps
                .iter()
                .filter_map(|step| step.cycles)
                .collect()),
            (CostUnit::Cycles, None) => Err(failure(
                "the emulator could not load the cycle model".to_owned(),
                "QEMU 6 to 8 with plugins is needed; `cargo xtask setup` builds the model",
            )),
        }
    }
}

fn fit_all(machine: &Machine, prefix: &str) -> anyhow::Result<Vec<Line>> {
    let all: Vec<Experiment> = fit::experiments(machine.kind, machine.most())
        .into_iter()
        .filter(|experiment| experiment.kernel.starts_with(prefix))
        .collect();
    if all.is_empty() {
        return Err(failure(
            format!("no kernel's name begins with '{prefix}'"),
            "without --kernel all are fitted and listed",
        ));
    }
    let progress = Progress::spinner(&format!("measuring on {}", machine.target.name));
    let mut lines = Vec::new();
    for (index, experiment) in all.iter().enumerate() {
        progress.say(&format!(
            "measuring {} on {} ({} of {})",
            experiment.kernel,
            machine.target.name,
            index + 1,
            all.len()
        ));
        lines.push(fit_one(machine, experiment)?);
    }
    Ok(lines)
}

fn fit_one(machine: &Machine, experiment: &Experiment) -> anyhow::Result<Line> {
    let mut measured: Vec<(Counts, u64)> = Vec::new();
    for trial in &experiment.trials {
        let costs = machine.measure(&trial.bytes, &trial.input)?;
        measured.extend(trial.counts.iter().copied().zip(costs));
    }
    Ok(Line {
        kernel: experiment.kernel.clone(),
        fitted: fit::solve(experiment.terms, &measured),
        steps: measured.len(),
    })
}

/// Constants by the names of their terms, those that are 0 left out.
fn terms(fitted: &Fitted) -> BTreeMap<String, f64> {
    let named = Term::ALL.iter().map(|term| term.name().to_owned());
    let constants = named.zip(fitted.constants);
    constants.filter(|(_, constant)| *constant > 0.0).collect()
}

fn render(lines: &[Line]) -> Table {
    let mut table = Table::new(&[
        ("kernel", Align::Left),
        ("steps", Align::Right),
        ("largest error", Align::Right),
    ]);
    for line in lines {
        table.row([
            line.kernel.clone(),
            line.steps.to_string(),
            format!("{:.1} %", line.fitted.worst * 100.0),
        ]);
    }
    table
}

fn json(machine: &Machine, lines: &[Line]) -> serde_json::Value {
    let kernels: Vec<_> = lines
        .iter()
        .map(|line| {
            serde_json::json!({
                "kernel": line.kernel, "steps": line.steps, "worst_error": line.fitted.worst,
                "constants": terms(&line.fitted),
            })
        })
        .collect();
    serde_json::json!({
        "target": machine.target.name, "unit": machine.unit.name(), "kernels": kernels,
    })
}
