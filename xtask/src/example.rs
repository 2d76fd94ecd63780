//! Programs of `examples/` as images of an emulated machine.

use crate::command::{self, root};
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use nnz_support::targets::Target;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// One program of an example.
#[derive(Debug)]
pub(crate) struct Program<'a> {
    /// The folder in `examples/`.
    pub(crate) folder: &'a str,
    /// Its name.
    pub(crate) name: &'a str,
    /// What the build takes beside the common options.
    pub(crate) options: &'a [&'a str],
    /// The network that is embedded.
    pub(crate) model: &'a Path,
    /// The clip that is embedded, where the example has one and not its own is wanted.
    pub(crate) clip: Option<&'a Path>,
}

impl Program<'_> {
    /// Builds the image.
    pub(crate) fn build(&self, target: &Target) -> Result<PathBuf> {
        let toolchain = Toolchain::require(&target.triple)?;
        let folder = root().join("target/firmware-build");
        let mut command = toolchain.cargo();
        command
            .current_dir(root().join("examples").join(self.folder))
            .args(["build", "--quiet", "--locked", "--release"])
            .args(["--bin", self.name, "--target", &target.triple])
            .args(self.options)
            .arg("--target-dir")
            .arg(&folder)
            .env("NNZ_TARGET", &target.name)
            .env("NNZ_MODEL", self.model);
        if let Some(clip) = self.clip {
            command.env("NNZ_CLIP", clip);
        }
        command::run(&mut command)?;
        let built = folder.join(&target.triple).join("release");
        Ok(built.join(self.name))
    }
}

/// `target/NAME.nnz`: the network of `examples/keywords`, made for a target.
pub(crate) fn keywords(name: &str, target: &str) -> Result<PathBuf> {
    let folder = root().join("examples/keywords");
    let file = root().join("target").join(name).with_extension("nnz");
    let mut prune = Command::new(command::release_nnz()?);
    prune
        .arg("prune")
        .arg(folder.join("keywords_u75.onnx"))
        .arg("--calib")
        .arg(folder.join("calib.npz"))
        .args(["--target", target, "-o"])
        .arg(&file);
    command::run(&mut prune)?;
    Ok(file)
}

/// What an image prints. `plugin` is the emulator's option of that name.
pub(crate) fn emulate(target: &Target, image: &Path, plugin: Option<OsString>) -> Result<String> {
    let emulator = target
        .emulator
        .as_ref()
        .context("the target has no emulator")?;
    let mut command = Command::new(&emulator.program);
    command.arg("-machine").arg(&emulator.machine);
    command.args(["-display", "none", "-monitor", "none", "-serial", "none"]);
    command.args(["-semihosting-config", "enable=on,target=native"]);
    let icount = format!("shift={}", emulator.icount_shift);
    command.args(["-icount", &icount]);
    if let Some(plugin) = plugin {
        command.arg("-plugin").arg(plugin);
    }
    command.arg("-kernel").arg(image);
    command::read(&mut command)
}
