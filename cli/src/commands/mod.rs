//! The commands: one module each, and the table that clap makes of them.

mod advise;
mod bench;
mod calib;
mod common;
mod demo;
mod device;
mod diff;
mod dump;
mod eval;
mod explain;
mod fit_costs;
mod inspect;
mod ops;
mod outputs;
mod prune;
mod prune_args;
mod report;
mod retarget;
mod run;
mod sensitivity;
mod targets;
mod verify;

use clap::{Parser, Subcommand};

const ABOUT: &str = "Pruned neural networks in fixed memory";

const LONG_ABOUT: &str = "\
Pruned neural networks in fixed memory.

nnz reads a trained network (.onnx or .tflite), removes weights, quantises, and writes one .nnz file in which \
everything is decided: memory, layouts, order, integer arithmetic. The same file gives the same bytes on this \
machine and on a microcontroller.

Start here, no files needed:

  nnz demo

Then with a network of your own:

  nnz prune net.onnx --calib calib.npz --sparsity 0.8 -o net.nnz
  nnz eval net.nnz --data eval.npz
  nnz bench net.nnz --on cortex-m4";

/// The command line.
#[derive(Debug, Parser)]
#[command(name = "nnz", version, about = ABOUT, long_about = LONG_ABOUT, propagate_version = true)]
#[command(after_help = "`nnz help COMMAND` explains a command with an example.")]
#[command(
    disable_help_subcommand = false,
    arg_required_else_help = true,
    max_term_width = 110
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// One command with its options.
#[derive(Debug, Subcommand)]
enum Command {
    Prune(Box<prune::Args>),
    Retarget(retarget::Args),
    Run(run::Args),
    Eval(eval::Args),
    Verify(verify::Args),
    Calib(calib::Args),
    Inspect(inspect::Args),
    Explain(explain::Args),
    Diff(diff::Args),
    Sensitivity(sensitivity::Args),
    Advise(advise::Args),
    Bench(bench::Args),
    Device(device::Args),
    FitCosts(fit_costs::Args),
    Demo(demo::Args),
    Report(report::Args),
    Ops(ops::Args),
    Targets(targets::Args),
}

impl Cli {
    /// Does what was asked.
    ///
    /// # Errors
    ///
    /// What [`crate::failure::print`] shows.
    pub fn run(&self) -> anyhow::Result<()> {
        match &self.command {
            Command::Prune(args) => prune::run(args),
            Command::Retarget(args) => retarget::run(args),
            Command::Run(args) => run::run(args),
            Command::Eval(args) => eval::run(args),
            Command::Verify(args) => verify::run(args),
            Command::Calib(args) => calib::run(args),
            Command::Inspect(args) => inspect::run(args),
            Command::Explain(args) => explain::run(args),
            Command::Diff(args) => diff::run(args),
            Command::Sensitivity(args) => sensitivity::run(args),
            Command::Advise(args) => advise::run(args),
            Command::Bench(args) => bench::run(args),
            Command::Device(args) => device::run(args),
            Command::FitCosts(args) => fit_costs::run(args),
            Command::Demo(args) => demo::run(args),
            Command::Report(args) => report::run(args),
            Command::Ops(args) => ops::run(args),
            Command::Targets(args) => targets::run(args),
        }
    }
}
