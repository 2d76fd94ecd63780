//! Whole networks at 224x224, as exporters write them: imported, pruned, quantised and run on this machine.
//!
//! ```text
//! export_large.py ─► target/large/NET.HOW.onnx, .tflite   MobileNetV1 and V2, ResNet-18 with random weights
//!                        ├─► nnz eval                     floats, beside ONNX Runtime or LiteRT
//!                        └─► nnz prune ─► nnz eval        all and half of the weights, int8: time, memory, agreement
//!                                     └─► nnz bench       one inference on this machine
//! ```

mod record;
mod watch;

use crate::command::{self, root};
use anyhow::{Context, Result, bail};
use core::fmt;
use core::time::Duration;
use serde_json::Value;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use watch::Usage;

/// The networks, with the framework that exports them.
const NETWORKS: [(&str, &str); 5] = [
    ("mobilenet_v1.float.tflite", "keras"),
    ("mobilenet_v2.torchscript.onnx", "torch"),
    ("mobilenet_v2.dynamo.onnx", "torch"),
    ("resnet18.torchscript.onnx", "torch"),
    ("resnet18.dynamo.onnx", "torch"),
];
/// What the exporters need.
const MODULES: [(&str, &str); 2] = [
    ("keras", "numpy, tensorflow, keras, ai_edge_litert"),
    (
        "torch",
        "numpy, torch, torchvision, onnx, onnxscript, onnxruntime",
    ),
];
/// What was done to the images that the networks were made for.
const DATA: [&str; 6] = ["--mean", "128", "--std", "64", "--layout", "nhwc"];
/// Largest relative distance of float outputs.
const FLOAT: f64 = 1e-4;
/// Smallest signal-to-noise ratio of the quantised network; random weights lose more than trained ones.
const QUANTISED: f64 = 6.0;
/// Longest time of pruning and quantising one network.
const LONGEST: Duration = Duration::from_secs(15 * 60);
/// Most memory of it.
const MOST: u64 = 8 << 30;

/// Where models come from and go to.
struct Bench {
    nnz: PathBuf,
    python: OsString,
    folder: PathBuf,
}

/// What one network gave.
struct Found {
    float: f64,
    dense: Made,
    pruned: Made,
}

/// What one file took and gives.
struct Made {
    usage: Usage,
    /// Of the outputs, against the exporter's runtime.
    snr: f64,
    same: u64,
    rows: u64,
    milliseconds: f64,
    bytes: u64,
}

/// Runs the networks whose name contains `only`; all of them renew `benches/record/large.csv` and its table.
pub(crate) fn run(python: Option<OsString>, only: Option<&str>, sparsity: &str) -> Result<()> {
    let chosen: Vec<_> = NETWORKS
        .into_iter()
        .filter(|(model, _)| only.is_none_or(|text| model.contains(text)))
        .collect();
    if chosen.is_empty() {
        bail!("no network contains '{}'", only.unwrap_or_default());
    }
    let bench = Bench {
        nnz: command::release_nnz()?,
        python: python
            .or_else(|| env::var_os("NNZ_PYTHON"))
            .unwrap_or_else(|| "python3".into()),
        folder: root().join("target/large"),
    };
    fs::create_dir_all(&bench.folder)?;
    bench.images()?;
    let (mut missed, mut rows) = (Vec::new(), Vec::new());
    for (model, framework) in chosen {
        bench.export(model, framework)?;
        let found = bench.measure(model, sparsity)?;
        println!("{model}\n{found}");
        rows.push(record::row(model, sparsity, &found));
        missed.extend(found.misses().map(|what| format!("{model}: {what}")));
    }
    if only.is_none() {
        record::write(&rows)?;
    }
    if missed.is_empty() {
        return Ok(());
    }
    bail!("{}", missed.join("\n"));
}

impl Bench {
    fn script(&self, what: &str) -> Command {
        let mut script = Command::new(&self.python);
        script.arg(root().join("tests/fixtures/export/export_large.py"));
        script.arg(what).arg(&self.folder);
        script
    }

    /// The calibration images, unless they are there.
    fn images(&self) -> Result<()> {
        if self.folder.join("images.npz").is_file() {
            return Ok(());
        }
        self.has("numpy")?;
        let mut script = self.script("images");
        let real = root().join("../shared/data/cifar10_calib.npz");
        if real.is_file() {
            script.arg(real);
        } else {
            println!("without ../shared the images are smooth noise");
        }
        command::run(&mut script)
    }

    /// A model, unless it is there.
    fn export(&self, model: &str, framework: &str) -> Result<()> {
        if self.folder.join(model).is_file() && self.beside(model, "json").is_file() {
            println!("{model} is in target/large already");
            return Ok(());
        }
        let modules = MODULES.iter().find(|(name, _)| *name == framework);
        self.has(modules.map_or("numpy", |(_, modules)| modules))?;
        command::read(&mut self.script(framework)).map(|_| ())
    }

    /// Fails, saying what to install, where Python lacks one of `modules`.
    fn has(&self, modules: &str) -> Result<()> {
        let mut probe = Command::new(&self.python);
        probe.args(["-c", &format!("import {modules}")]);
        command::read(&mut probe).map(|_| ()).with_context(|| {
            format!(
                "{} cannot import {modules}: `pip install -r tests/fixtures/export/requirements.txt`, \
                 and name the Python that has them with --python or NNZ_PYTHON",
                Path::new(&self.python).display()
            )
        })
    }

    /// A file that belongs to a model.
    fn beside(&self, model: &str, extension: &str) -> PathBuf {
        self.folder.join(model).with_extension(extension)
    }

    fn measure(&self, model: &str, sparsity: &str) -> Result<Found> {
        let source = self.folder.join(model);
        let text = fs::read_to_string(self.beside(model, "json"))?;
        let energy = number(&serde_json::from_str(&text)?, "mean_square")?;
        let distance = |network: &Path, options: &[&str]| -> Result<f64> {
            let found = self.eval(network, &self.beside(model, "values.npz"), options)?;
            Ok((number(&found, "mean_squared")? / energy).sqrt())
        };
        let float = distance(&source, &DATA)?;
        let made = |name: &str, options: &[&str]| -> Result<Made> {
            let file = self.beside(model, name);
            let mut prune = Command::new(&self.nnz);
            prune.arg("prune").arg(&source).args(DATA);
            prune.arg("--calib").arg(self.folder.join("images.npz"));
            let usage = watch::run(prune.args(options).arg("-o").arg(&file))?;
            let layout = ["--layout", "nhwc"];
            let classes = self.eval(&file, &self.beside(model, "classes.npz"), &layout)?;
            let count = |key: &str| classes.get(key).and_then(Value::as_u64).unwrap_or(0);
            Ok(Made {
                usage,
                snr: -20.0 * distance(&file, &layout)?.log10(),
                same: count("correct"),
                rows: count("n"),
                milliseconds: self.latency(&file)?,
                bytes: fs::metadata(&file)?.len(),
            })
        };
        Ok(Found {
            float,
            dense: made("dense.nnz", &["--weights", "dense"])?,
            pruned: made("nnz", &["--method", "obs", "--sparsity", sparsity])?,
        })
    }

    fn eval(&self, network: &Path, data: &Path, options: &[&str]) -> Result<Value> {
        let mut eval = Command::new(&self.nnz);
        eval.arg("eval").arg(network).arg("--data").arg(data);
        let text = command::read(eval.args(options).arg("--json"))?;
        Ok(serde_json::from_str(&text)?)
    }

    /// The median of one inference on this machine.
    fn latency(&self, file: &Path) -> Result<f64> {
        let mut bench = Command::new(&self.nnz);
        bench
            .arg("bench")
            .arg(file)
            .args(["--on", "host", "--json"]);
        let found: Value = serde_json::from_str(&command::read(&mut bench)?)?;
        let latency = found
            .get("latency_us")
            .context("`nnz bench` prints no latency")?;
        Ok(number(latency, "median")? / 1e3)
    }
}

impl Found {
    /// What is not as it must be.
    fn misses(&self) -> impl Iterator<Item = &'static str> {
        let usage = &self.pruned.usage;
        let rules = [
            (self.float > FLOAT, "float outputs differ by more than 1e-4"),
            (
                self.dense.snr < QUANTISED,
                "8 bits change the outputs by more than half",
            ),
            (usage.wall > LONGEST, "it took more than 15 minutes"),
            (usage.peak_bytes > MOST, "it took more than 8 GB"),
        ];
        rules
            .into_iter()
            .filter_map(|(broken, what)| broken.then_some(what))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "  float outputs differ by {:.1e}", self.float)?;
        writeln!(f, "  quantised             {}", self.dense)?;
        write!(f, "  pruned and quantised  {}", self.pruned)
    }
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:.0} s ({:.0} s of CPU), {:.2} GB; {} bytes; {:.1} dB, {} of {} largest outputs the same; {:.1} ms",
            self.usage.wall.as_secs_f64(),
            self.usage.cpu.as_secs_f64(),
            gigabytes(self.usage.peak_bytes),
            self.bytes,
            self.snr,
            self.same,
            self.rows,
            self.milliseconds
        )
    }
}

#[expect(clippy::cast_precision_loss, reason = "a figure for people")]
fn gigabytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 30)
}

fn number(value: &Value, key: &str) -> Result<f64> {
    let found = value.get(key).and_then(Value::as_f64);
    found.with_context(|| format!("no '{key}' where one was expected"))
}
