//! Rows of `examples/finetune`: pruned to ONNX with masks, trained with the zeros held, taken back as it is.

use super::measure::Bench;
use super::rows::Network;
use crate::command::{self, root};
use anyhow::Result;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

/// Samples and classes to train with, which the evaluation does not hold, and how often they are seen.
const TRAIN: &str = "data/mnist10k.npz";
const TRAINING: &str = "--x train_x --y train_y --std 255 --shift 1 --epochs 10";
/// What the example needs.
const IMPORTS: &str = "import torch, onnx, numpy";

impl Bench {
    /// Prunes with these options, trains and writes the network to be scored; `false` without a Python that can.
    pub(super) fn tune(&self, network: &Network, options: &str) -> Result<bool> {
        let Some(python) = python() else {
            println!("skipped: no Python with torch, onnx and numpy (NNZ_PYTHON names one)");
            return Ok(false);
        };
        let [pruned, masks, tuned] =
            ["pruned.onnx", "masks.safetensors", "tuned.onnx"].map(|name| self.folder.join(name));
        let model = self.shared.join("models").join(network.model);
        let mut prune = self.prune(network, &model, &pruned);
        prune.args(options.split_whitespace());
        let _ = command::read(prune.arg("--masks").arg(&masks))?;
        let mut train = Command::new(python);
        train.arg(root().join("examples/finetune/finetune.py"));
        train.arg(&pruned).arg("--masks").arg(&masks);
        train.arg("--teacher").arg(&model);
        train.arg("--data").arg(self.shared.join(TRAIN));
        train.args(TRAINING.split_whitespace());
        let _ = command::read(train.arg("-o").arg(&tuned))?;
        let mut keep = self.prune(network, &tuned, &self.out());
        let _ = command::read(keep.args(["--method", "keep"]))?;
        Ok(true)
    }

    /// `nnz prune` of a model with the network's calibration data.
    fn prune(&self, network: &Network, model: &PathBuf, out: &PathBuf) -> Command {
        let mut prune = Command::new(&self.nnz);
        prune.arg("prune").arg(model).arg("-o").arg(out);
        prune.arg("--calib").arg(self.data(network.calib));
        prune.args(network.data);
        prune
    }
}

/// A Python that has what the example needs.
fn python() -> Option<OsString> {
    let program = std::env::var_os("NNZ_PYTHON").unwrap_or_else(|| "python3".into());
    let probe = Command::new(&program).args(["-c", IMPORTS]).output();
    probe.is_ok_and(|p| p.status.success()).then_some(program)
}
