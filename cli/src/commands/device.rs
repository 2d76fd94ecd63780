//! `nnz device`: a network on a device at the other end of a serial port.

use super::common::DataArgs;
use crate::failure::{InFile, failure};
use crate::infer::{self, Port};
use crate::network::Network;
use crate::nnz_file;
use crate::ui::{self, Progress};
use anyhow::Context;
use core::fmt::Write as _;
use core::time::Duration;
use nnz_pruner::data::{Dataset, Samples};
use nnz_support::emulator::serial;
use nnz_support::targets::Target;
use nnz_wire::client::Client;
use nnz_wire::crc32;
use serial2::SerialPort;
use std::path::PathBuf;

const LONG: &str = "\
Sends a network to a device over a serial port, runs it there, and says what the device says.

PORT is a serial port, or `emulator:TARGET` for an emulated device behind a pseudo terminal. The network replaces \
the one that the device has, unless it is the same; if that is interrupted, the device keeps the one it has. Then it runs \
on zeros (performance), and with --data on every sample of a data file (accuracy); the class of the highest score is \
compared with `y`. These are the two modes of MLPerf Tiny, in its commands (docs/boards.md).

Instructions are those of the device's own counter; microseconds of an emulated device are virtual.

  nnz device emulator:cortex-m4 kws.nnz
  nnz device emulator:cortex-m4 kws.nnz --data eval.npz --json
  nnz device /dev/ttyACM0";

/// Send a network to a device over a serial port, and run it there
#[derive(Debug, clap::Args)]
#[command(long_about = LONG)]
pub(super) struct Args {
    /// Serial port, or emulator:TARGET
    #[arg(value_name = "PORT")]
    port: String,
    /// The network; without one the device keeps what it has
    #[arg(value_name = "FILE.nnz")]
    file: Option<PathBuf>,
    /// Samples with classes, to run on the device
    #[arg(long, value_name = "DATA.npz", requires = "file")]
    data: Option<PathBuf>,
    /// Runs that are timed, after one to warm up
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..))]
    runs: u32,
    /// Bits a second of a serial port
    #[arg(long, value_name = "N", default_value_t = 115_200)]
    baud: u32,
    /// Seconds to wait for an answer
    #[arg(long, value_name = "S", default_value_t = 60)]
    timeout: u64,
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    preprocess: DataArgs,
}

type Link = Client<SerialPort>;

/// What the device said.
#[derive(Debug, serde::Serialize)]
struct Report {
    device: String,
    model_bytes: usize,
    model_crc32: String,
    sent: bool,
    instructions: u64,
    latency_us: f64,
    runs: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    correct: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    n: Option<usize>,
}

/// Runs the command.
pub(super) fn run(args: &Args) -> anyhow::Result<()> {
    let network = args.file.as_deref().map(Network::open).transpose()?;
    let data = match (&network, &args.data) {
        (Some(network), Some(path)) => Some(network.data(path)?),
        _ => None,
    };
    let emulated = emulated(&args.port)?;
    let path = match &emulated {
        Some(device) => device.port().display().to_string(),
        None => args.port.clone(),
    };
    let mut link = open(args, &path).with_context(|| args.port.clone())?;
    let report = measure(args, network.as_ref(), data.as_ref(), &mut link)
        .with_context(|| args.port.clone())?;
    if args.json {
        return ui::print_json(&report);
    }
    ui::print_text(&text(&report))
}

/// Starts the emulated device that `port` names.
fn emulated(port: &str) -> anyhow::Result<Option<serial::Device>> {
    let Some(name) = port.strip_prefix("emulator:") else {
        return Ok(None);
    };
    let target = Target::find(name).map_err(|error| anyhow::anyhow!("{error}"))?;
    Ok(Some(serial::Device::start(target)?))
}

fn open(args: &Args, path: &str) -> anyhow::Result<Link> {
    let mut port = SerialPort::open(path, args.baud).map_err(|error| {
        let all = SerialPort::available_ports().unwrap_or_default();
        let names: Vec<String> = all.iter().map(|port| port.display().to_string()).collect();
        let help = if names.is_empty() {
            "no serial port is there; is the board connected, and may you use it (group dialout)?"
                .to_owned()
        } else {
            format!("there are {}", names.join(", "))
        };
        failure(format!("cannot be opened: {error}"), help)
    })?;
    port.set_read_timeout(Duration::from_secs(args.timeout))?;
    Client::new(port).map_err(|error| {
        failure(
            error.to_string(),
            "does the device run the image NAME.wire.elf, and is --baud its speed?",
        )
    })
}

fn measure(
    args: &Args,
    network: Option<&Network>,
    data: Option<&Dataset>,
    link: &mut Link,
) -> anyhow::Result<Report> {
    let sent = network.map_or(Ok(false), |network| send(network, link))?;
    let running = link.model()?;
    let zeros = vec![0; running.inputs];
    let measured = link.infer(&zeros, args.runs, 1)?;
    let correct = match (network, data) {
        (Some(network), Some(data)) => Some(correct(args, network, data, link)?),
        _ => None,
    };
    Ok(Report {
        device: link.name()?,
        model_bytes: running.bytes,
        model_crc32: format!("{:08x}", running.crc),
        sent,
        instructions: measured.count,
        latency_us: measured.micros as f64 / f64::from(args.runs),
        runs: args.runs,
        correct,
        n: data.map(Dataset::len),
    })
}

/// Sends a network that the device does not have; whether it was sent.
fn send(network: &Network, link: &mut Link) -> anyhow::Result<bool> {
    let bytes = nnz_file::read(&network.path)?;
    nnz_file::parse(&network.path, nnz_file::Aligned::copy_of(&bytes).bytes())?;
    let has = link.model();
    if has.is_ok_and(|has| has.bytes == bytes.len() && has.crc == crc32(&bytes)) {
        return Ok(false);
    }
    let progress = Progress::bar("sending", bytes.len());
    link.send(&bytes, &mut |at| progress.set(at))?;
    Ok(true)
}

/// On how many samples the device's highest score is that of the sample's class.
fn correct(
    args: &Args,
    network: &Network,
    data: &Dataset,
    link: &mut Link,
) -> anyhow::Result<usize> {
    let labels = data.labels().ok_or_else(|| {
        let file = args
            .data
            .as_ref()
            .map_or_else(String::new, |p| format!("{}: ", p.display()));
        failure(
            format!("{file}no classes in 'y'"),
            "accuracy needs a class a sample",
        )
    })?;
    let file = nnz_file::Aligned::copy_of(&nnz_file::read(&network.path)?);
    let ports = infer::inputs(&nnz_file::parse(&network.path, file.bytes())?);
    let samples = ports
        .iter()
        .map(|port| infer::samples(data, port, args.preprocess.order()))
        .collect::<Result<Vec<Samples<'_>>, _>>()
        .in_file(&network.path)?;
    let progress = Progress::bar("running on the device", data.len());
    let mut correct = 0;
    for (row, label) in labels.iter().enumerate() {
        let encode = |(port, samples): (&Port, &Samples<'_>)| port.encode(samples, row);
        let inputs: Vec<u8> = ports.iter().zip(&samples).flat_map(encode).collect();
        let measured = link.infer(&inputs, 1, 0)?;
        correct += usize::from(best(&measured.results) == Some(*label));
        progress.set(row + 1);
    }
    Ok(correct)
}

/// The first of the highest scores; a single one says class 1 above a half.
fn best(scores: &[f32]) -> Option<usize> {
    if let [score] = scores {
        return Some(usize::from(*score > 0.5));
    }
    let highest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    scores.iter().position(|score| *score >= highest)
}

fn text(report: &Report) -> String {
    let mut text = format!("device        {}\n", report.device);
    let sent = if report.sent { "sent" } else { "was there" };
    let (bytes, crc) = (ui::grouped(report.model_bytes as u64), &report.model_crc32);
    let _ = writeln!(text, "model         {bytes} B, CRC-32 {crc}, {sent}");
    let _ = writeln!(text, "instructions  {}", ui::grouped(report.instructions));
    let _ = writeln!(
        text,
        "latency       {:.1} us, mean of {}",
        report.latency_us, report.runs
    );
    if let (Some(correct), Some(n)) = (report.correct, report.n) {
        let share = 100.0 * correct as f64 / n.max(1) as f64;
        let _ = writeln!(text, "accuracy      {correct} of {n} ({share:.1} %)");
    }
    text
}
