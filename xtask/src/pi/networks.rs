//! Networks on emulated cores: what they give is what the portable kernels give here.

use super::{CORES, emulate};
use crate::command::{self, release_nnz, root};
use anyhow::{Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a network is run on.
enum Data {
    /// Rows whose outputs are compared byte by byte.
    Rows(&'static str),
    /// Labelled rows; what `nnz eval` prints is compared.
    Labelled(&'static str),
}

/// A network and how it is made.
struct Network {
    source: &'static str,
    options: &'static str,
    data: Data,
}

/// One of the repository, then the shared ones.
const NETWORKS: [Network; 5] = [
    Network {
        source: "examples/keywords/keywords_u75.onnx",
        options: "--calib examples/keywords/calib.npz",
        data: Data::Labelled("examples/keywords/eval.npz"),
    },
    Network {
        source: "../shared/models/kws_int8.tflite",
        options: "--lossless",
        data: Data::Rows("../shared/golden/kws_int8.in.npy"),
    },
    Network {
        source: "../shared/models/resnet8_int8.tflite",
        options: "--sparsity 0.8 --method magnitude --pattern 1x4",
        data: Data::Rows("../shared/golden/resnet8_int8.in.npy"),
    },
    Network {
        source: "../shared/models/vww96_int8.tflite",
        options: "--lossless",
        data: Data::Rows("../shared/golden/vww96_int8.in.npy"),
    },
    Network {
        source: "../shared/models/ad01_int8.tflite",
        options: "--sparsity 0.9 --method magnitude",
        data: Data::Rows("../shared/golden/ad01_int8.in.npy"),
    },
];

/// Random networks that [`save`] keeps for the suite `saved`.
const RANDOM: &str = "300";

/// Where they are.
pub(super) fn saved() -> PathBuf {
    root().join("target/pi/saved")
}

/// Makes random networks here, with the bytes that they give.
pub(super) fn save() -> Result<()> {
    let mut test = command::cargo();
    test.args(["test", "--release", "--package", "nnz-tests"]);
    test.args(["--test", "differential"]);
    command::run(test.env("NNZ_NETWORKS", RANDOM).env("NNZ_SAVED", saved()))
}

/// Runs every network that is there on both cores.
pub(super) fn run(program: &Path) -> Result<()> {
    let nnz = release_nnz()?;
    let folder = tempfile::tempdir()?;
    for network in &NETWORKS {
        if !root().join(network.source).is_file() {
            println!("{}: skipped, it is not there", network.source);
            continue;
        }
        let model = folder.path().join("model.nnz");
        let mut prune = Command::new(&nnz);
        prune.current_dir(root()).args(["prune", network.source]);
        prune.args(network.options.split(' ')).arg("-o").arg(&model);
        command::read(&mut prune)?;
        let here = given(network, &model, |arguments| {
            let mut run = Command::new(&nnz);
            run.current_dir(root()).env("NNZ_ISA", "portable");
            command::read(run.args(arguments))
        })?;
        for core in CORES {
            let there = given(network, &model, |arguments| {
                emulate(core, program, arguments)
            })?;
            if there != here {
                let source = network.source;
                bail!("{source} on {core}: not what the portable kernels give");
            }
            println!("{} on {core}: equal", network.source);
        }
    }
    Ok(())
}

/// What a network gives on its data.
fn given(
    network: &Network,
    model: &Path,
    run: impl Fn(&[&str]) -> Result<String>,
) -> Result<Vec<u8>> {
    let file = model.display().to_string();
    match network.data {
        Data::Labelled(data) => {
            let text = run(&["eval", &file, "--data", data, "--json"])?;
            Ok(text.into_bytes())
        }
        Data::Rows(input) => {
            let output = model.with_extension("npy");
            let to = output.display().to_string();
            run(&["run", &file, "--input", input, "--output", &to])?;
            Ok(fs::read(&output)?)
        }
    }
}
