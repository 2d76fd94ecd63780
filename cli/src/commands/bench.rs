//! `nnz bench`: what one inference costs, here or on an emulated microcontroller.

use crate::bench_report::{BenchReport, SliceReport};
use crate::emulate;
use crate::failure::{InFile, failure};
use crate::infer::{self, Port};
use crate::rivals::{self, Rival};
use crate::ui::{self, Align, Progress, Style, Table};
use crate::{arrays, atomic, host_bench, nnz_file, remote};
use core::num::NonZeroUsize;
use nnz::host::Network;
use nnz_pruner::data::{Dataset, Elements};
use nnz_pruner::inspect::{Inspection, inspect};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const LONG: &str = "\
Measures one inference of a .nnz file.

`--on host` times this machine with a monotonic clock, by the kernels of its vectors, on one thread or on those of \
`--threads`, which give the same bytes. `--vs` runs other \
runtimes beside it, in a Python that has them: one thread each, the same input, in turns, medians of CPU time. \
`--on ssh:HOST` copies program and model to another Linux machine, such as a Raspberry Pi, and measures there. \
The other machines are emulated by QEMU, which counts \
instructions exactly: two runs give the same number. For Cortex-M0+, M3 and M4 a model turns them into \
cycles, and `latency` is cycles at the target's clock; docs/cycle-model.md has its rules. Emulation needs \
qemu-system-arm or qemu-system-riscv32 and the firmware; where one is missing the error says how to get it.

`ibex`, `ibex-max` and `cv32e40p` are real RISC-V cores, simulated from their own description: cycles are those of the \
core, not of a model. `cargo xtask rtl` builds the simulators; one inference takes seconds to minutes.

  nnz bench net.nnz
  nnz bench net.nnz --threads 4
  nnz bench net.nnz --vs litert:net.tflite --vs ort:net.onnx --python venv/bin/python
  nnz bench net.nnz --on ssh:pi@raspberrypi.local
  nnz bench net.nnz --on cortex-m4
  nnz bench net.nnz --on cortex-m4 --flash-ws 5 --flash-lines 64
  nnz bench net.nnz --on cortex-m4 --slice 8000
  nnz bench net.nnz --on ibex-max --flash-ws 2
  nnz bench net.nnz --on rv32 --input x.npy --output y.npy --json";

/// Measures one inference, here or on an emulated microcontroller
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// The network
    #[arg(value_name = "FILE.nnz")]
    file: PathBuf,
    /// host, an emulated machine (`nnz targets` lists them), or ssh:HOST
    #[arg(long, value_name = "MACHINE", default_value = "host", value_parser = machine)]
    on: String,
    /// The program nnz for the CPU of --on ssh:HOST, where this one does not run there; target/pi/nnz is found by itself
    #[arg(long, value_name = "PATH")]
    program: Option<PathBuf>,
    /// Input array, as for `nnz run`; zeros otherwise
    #[arg(long, value_name = "X.npy")]
    input: Option<PathBuf>,
    /// Where to write the output, rows stacked; needs --input
    #[arg(long, short, value_name = "Y.npy", requires = "input")]
    output: Option<PathBuf>,
    /// Wait states of the machine's flash, in the cycle model or before the simulated core, instead of the target's
    #[arg(long, value_name = "N")]
    flash_ws: Option<u32>,
    /// Lines of 16 bytes that the flash buffers, for code and for data each, instead of the target's
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    flash_lines: Option<u32>,
    /// Also run in slices of about N multiply-accumulates, as beside other tasks, and report the longest
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    slice: Option<u32>,
    /// Another runtime and its model, to be measured beside this one on the host: ort:MODEL.onnx, litert:MODEL.tflite,
    /// openvino:MODEL.onnx; may be repeated
    #[arg(long, value_name = "ENGINE:MODEL")]
    vs: Vec<Rival>,
    /// The Python that has the runtimes of --vs
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Threads that share each run on the host or on ssh:HOST
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256), default_value_t = 1)]
    threads: u16,
    /// How long to measure on the host, seconds
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    seconds: f64,
    /// Print the report as JSON
    #[arg(long)]
    json: bool,
}

/// A machine that networks can be measured on.
fn machine(name: &str) -> Result<String, String> {
    let machines = || ["host", "ssh:HOST"].into_iter().chain(emulate::machines());
    if name.starts_with(SSH) || machines().any(|machine| machine == name) {
        return Ok(name.to_owned());
    }
    let known: Vec<&str> = machines().collect();
    Err(format!("possible values: {}", known.join(", ")))
}

/// What machines that `ssh` reaches begin with.
const SSH: &str = "ssh:";

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let bytes = nnz_file::Aligned::copy_of(&nnz_file::read(&args.file)?);
    let model = nnz_file::parse(&args.file, bytes.bytes())?;
    if let Some(path) = &args.output {
        atomic::check_writable(path)?;
    }
    let (inputs, outputs) = (infer::inputs(&model), infer::outputs(&model));
    let rows = match &args.input {
        Some(path) => encode_rows(path, &inputs)?,
        None => Vec::new(),
    };
    if args.slice.is_some() && args.on == "host" {
        return Err(failure(
            "slices are counted on emulated machines only",
            "name one with --on",
        ));
    }
    if !args.vs.is_empty() && args.on != "host" {
        return Err(failure(
            "other runtimes run on this machine only",
            "leave --on out, or --vs",
        ));
    }
    check_threads(args)?;
    let (report, output) = if args.on == "host" {
        on_host(args, bytes.bytes(), &rows)?
    } else if let Some(host) = args.on.strip_prefix(SSH) {
        return show(args, &elsewhere(args, host)?);
    } else {
        let progress = Progress::spinner(&format!("running on {}", args.on));
        let done = emulate::run(&emulate::Request {
            machine: args.on.clone(),
            model: args.file.clone(),
            input: args.input.is_some().then(|| rows.concat()),
            want_output: args.output.is_some(),
            flash_ws: args.flash_ws,
            flash_lines: args.flash_lines,
            slice: args.slice,
        })?;
        drop(progress);
        let report = with_counts(done.report, &inspect(&model));
        (report, done.output.unwrap_or_default())
    };
    if let Some(path) = &args.output {
        write_output(path, &outputs, &output, rows.len())?;
    }
    show(args, &report)
}

/// Threads are for computers, and others are compared on one.
fn check_threads(args: &Args) -> anyhow::Result<()> {
    if args.threads == 1 {
        return Ok(());
    }
    if args.on != "host" && !args.on.starts_with(SSH) {
        let machine = &args.on;
        return Err(failure(
            format!("{machine} runs one thread"),
            "leave --threads out, or --on",
        ));
    }
    if args.vs.is_empty() {
        return Ok(());
    }
    Err(failure(
        "other runtimes are compared on one thread",
        "leave --threads out, or --vs",
    ))
}

fn show(args: &Args, report: &BenchReport) -> anyhow::Result<()> {
    if args.json {
        return ui::print_json(report);
    }
    ui::print_text(&render(report))
}

/// A measurement on a machine that `ssh` reaches.
fn elsewhere(args: &Args, host: &str) -> anyhow::Result<BenchReport> {
    let _progress = Progress::spinner(&format!("running on {host}"));
    remote::run(&remote::Request {
        host,
        program: args.program.as_deref(),
        model: &args.file,
        input: args.input.as_deref(),
        output: args.output.as_deref(),
        seconds: args.seconds.clamp(0.01, 600.0),
        threads: args.threads,
    })
}

/// A measurement on this machine, with its rivals.
fn on_host(args: &Args, bytes: &[u8], rows: &[Vec<u8>]) -> anyhow::Result<(BenchReport, Vec<u8>)> {
    let network = Network::from_bytes(bytes).in_file(&args.file)?;
    let seconds = args.seconds.clamp(0.01, 600.0);
    let threads = NonZeroUsize::new(args.threads.into()).unwrap_or(NonZeroUsize::MIN);
    let session = network.session_with_threads(threads).in_file(&args.file)?;
    let measured = host_bench::run(&network, session, rows, seconds);
    let (mut report, output) = measured.in_file(&args.file)?;
    if !args.vs.is_empty() {
        let _progress = Progress::spinner("running in turns with others");
        let mut session = network.session();
        let input = args.input.as_deref();
        report.rivals = rivals::compare(&args.vs, &args.python, input, || session.run())?;
    }
    Ok((report, output))
}

/// What the machine measured, with what the file says of its layers.
fn with_counts(mut report: BenchReport, counted: &Inspection) -> BenchReport {
    let mut layers = host_bench::layers(counted);
    for (layer, measured) in layers.iter_mut().zip(&report.layers) {
        layer.instructions = measured.instructions;
        layer.cycles = measured.cycles;
    }
    report.layers = layers;
    report.macs = Some(counted.macs);
    report.nonzero_macs = Some(counted.nonzero_macs);
    report
}

/// The rows of an input array as the arena holds them.
fn encode_rows(path: &Path, inputs: &[Port]) -> anyhow::Result<Vec<Vec<u8>>> {
    let [port] = inputs else {
        return Err(failure(
            format!("the network has {} inputs, --input feeds one", inputs.len()),
            "leave --input out to measure with zeros",
        ));
    };
    let array = arrays::read_batch(path, port.dims())?;
    let set = Dataset::new(&path.display().to_string(), &port.tensor.name, array, None)?;
    let samples = infer::samples(&set, port, None)?;
    Ok((0..set.len())
        .map(|row| port.encode(&samples, row))
        .collect())
}

/// Writes the first output of every row; `bytes` holds all outputs of all rows.
fn write_output(path: &Path, ports: &[Port], bytes: &[u8], rows: usize) -> anyhow::Result<()> {
    let row_len: usize = ports.iter().map(Port::len).sum();
    let Some(port) = ports.first().filter(|_| bytes.len() == row_len * rows) else {
        return Err(anyhow::anyhow!(
            "the machine gave {} bytes of output, {rows} rows have {}",
            bytes.len(),
            row_len * rows
        ));
    };
    let mut stacked: Option<Elements> = None;
    for row in bytes.chunks_exact(row_len) {
        let values = port.decode(row.get(..port.len()).unwrap_or_default());
        match &mut stacked {
            Some(all) => infer::append(all, values),
            None => stacked = Some(values),
        }
    }
    let shape = super::outputs::stacked_shape(port.dims(), rows);
    arrays::write(path, &shape, stacked.unwrap_or(Elements::S8(Vec::new())))
}

/// The report for people.
fn render(report: &BenchReport) -> String {
    let style = Style::stdout();
    let mut out = String::new();
    if !report.layers.is_empty() {
        out.push_str(&layer_table(report).render(style));
        out.push('\n');
    }
    let mut line = |label: &str, value: Option<String>| {
        if let Some(value) = value {
            out.push_str(&format!("{label:<14} {value}\n"));
        }
    };
    line("target", Some(report.target.clone()));
    line("instructions", report.instructions.map(ui::grouped));
    line("cycles", report.cycles.map(ui::grouped));
    line(
        "latency",
        report.latency_us.map(|l| {
            format!(
                "{:.1} us median, {:.1} min, {}{:.1} p99{}",
                l.median,
                l.min,
                percentile(l.p90, "p90, "),
                l.p99,
                l.p999
                    .map_or_else(String::new, |t| format!(", {t:.1} p99.9")),
            )
        }),
    );
    line(
        "throughput",
        report
            .throughput_per_s
            .map(|t| format!("{t:.0} per second")),
    );
    line("slices", report.slices.map(|s| slices(&s, report.clock_hz)));
    line("MACs", report.macs.map(ui::grouped));
    line("nonzero MACs", report.nonzero_macs.map(ui::grouped));
    line("model", report.model_bytes.map(ui::bytes));
    line("arena", report.arena_bytes.map(ui::bytes));
    line("stack", report.stack_bytes.map(ui::bytes));
    line("code", report.code_bytes.map(ui::bytes));
    line("mix", report.instruction_mix.as_ref().map(mix));
    line("peak RSS", report.peak_rss_bytes.map(ui::bytes));
    for (key, value) in report.environment.iter().flatten() {
        line(key, Some(style.dim(value)));
    }
    if !report.rivals.is_empty() {
        out.push('\n');
        out.push_str(&rival_table(report).render(style));
    }
    out
}

/// A percentile that not every machine has.
fn percentile(time: Option<f64>, name: &str) -> String {
    time.map_or_else(String::new, |time| format!("{time:.1} {name}"))
}

/// The other runtimes, a line each.
fn rival_table(report: &BenchReport) -> Table {
    let heads = [
        ("beside", Align::Left),
        ("model", Align::Left),
        ("CPU us", Align::Right),
        ("nnz CPU us", Align::Right),
        ("nnz is faster by", Align::Right),
        ("vectors", Align::Left),
    ];
    let mut table = Table::new(&heads);
    for rival in &report.rivals {
        let file = Path::new(&rival.model).file_name();
        table.row(vec![
            rival.name.clone(),
            file.map_or_else(String::new, |name| name.to_string_lossy().into_owned()),
            format!("{:.1}", rival.cpu_us),
            format!("{:.1}", rival.nnz_cpu_us),
            format!("{:.2}x", rival.ratio),
            rival.isa.clone(),
        ]);
    }
    table
}

/// How many slices there were, and how long the longest took.
fn slices(slices: &SliceReport, clock_hz: Option<u64>) -> String {
    let mut text = format!(
        "{} of about {} MACs, the longest {} instructions",
        slices.count,
        ui::grouped(slices.budget_macs.into()),
        ui::grouped(slices.longest_instructions)
    );
    if let Some(cycles) = slices.longest_cycles {
        text += &format!(", {} cycles", ui::grouped(cycles));
        if let Some(hz) = clock_hz.filter(|&hz| hz > 0) {
            text += &format!(", {:.0} us", cycles as f64 * 1e6 / hz as f64);
        }
    }
    text
}

/// Shares of the kinds of instructions, the largest first.
fn mix(counts: &BTreeMap<String, u64>) -> String {
    let all = counts.values().sum::<u64>().max(1);
    let mut kinds: Vec<_> = counts.iter().filter(|(_, count)| **count > 0).collect();
    kinds.sort_by_key(|(_, count)| core::cmp::Reverse(**count));
    let share = |(name, &count): (&String, &u64)| {
        format!("{name} {:.1} %", count as f64 * 100.0 / all as f64)
    };
    kinds.into_iter().map(share).collect::<Vec<_>>().join(", ")
}

/// One row a step, with the columns that the machine knows.
fn layer_table(report: &BenchReport) -> Table {
    let instructions = report.layers.iter().any(|l| l.instructions.is_some());
    let cycles = report.layers.iter().any(|l| l.cycles.is_some());
    let latency = report.layers.iter().any(|l| l.latency_us.is_some());
    let mut heads = vec![
        ("layer", Align::Left),
        ("operator", Align::Left),
        ("weights", Align::Left),
        ("MACs", Align::Right),
        ("nonzeros", Align::Right),
    ];
    if instructions {
        heads.push(("instructions", Align::Right));
    }
    if cycles {
        heads.push(("cycles", Align::Right));
    }
    if latency {
        heads.push(("median us", Align::Right));
    }
    let mut table = Table::new(&heads);
    for layer in &report.layers {
        let mut row = vec![
            layer.name.clone(),
            layer.op.clone(),
            layer.layout.clone(),
            ui::grouped(layer.macs),
            ui::grouped(layer.nonzeros),
        ];
        let optional = |n: Option<u64>| n.map_or_else(|| "-".into(), ui::grouped);
        if instructions {
            row.push(optional(layer.instructions));
        }
        if cycles {
            row.push(optional(layer.cycles));
        }
        if latency {
            row.push(
                layer
                    .latency_us
                    .map_or_else(|| "-".into(), |t| format!("{t:.1}")),
            );
        }
        table.row(row);
    }
    table
}
