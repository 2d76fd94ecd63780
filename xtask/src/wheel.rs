//! The Python module: a wheel, installed into an environment of its own and tested on the keyword network.

use crate::command::{self, root};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Builds `target/wheels/*.whl` and runs `bindings/python/tests`.
pub(crate) fn run(python: &OsStr) -> Result<()> {
    let environment = environment(python)?;
    let wheels = root().join("target/wheels");
    if wheels.is_dir() {
        fs::remove_dir_all(&wheels).with_context(|| format!("emptying {}", wheels.display()))?;
    }
    let mut build = Command::new(environment.join("bin/maturin"));
    build
        .current_dir(root().join("bindings/python"))
        .args(["build", "--release", "--locked", "--quiet", "--interpreter"])
        .arg(environment.join("bin/python"))
        .arg("--out")
        .arg(&wheels)
        .arg("--target-dir")
        .arg(root().join("target/python"));
    command::run(&mut build)?;
    let mut files = fs::read_dir(&wheels)?;
    let wheel = files.next().context("no wheel was made")??.path();
    let mut install = Command::new(environment.join("bin/pip"));
    install.args(["install", "--quiet", "--force-reinstall", "--no-deps"]);
    command::run(install.arg(&wheel))?;
    test(&environment)?;
    println!("{}", wheel.display());
    Ok(())
}

/// An environment with what building and testing need.
fn environment(python: &OsStr) -> Result<PathBuf> {
    let folder = root().join("target/wheel-environment");
    if !folder.join("bin/maturin").is_file() {
        let mut make = Command::new(python);
        command::run(make.args(["-m", "venv"]).arg(&folder))?;
        let mut install = Command::new(folder.join("bin/pip"));
        command::run(install.args(["install", "--quiet", "maturin>=1.9,<2", "numpy"]))?;
    }
    ensure!(
        folder.join("bin/python").is_file(),
        "{} has no Python",
        folder.display()
    );
    Ok(folder)
}

/// Runs the module's tests on a network and the number of samples that the command line says it gets right.
fn test(environment: &Path) -> Result<()> {
    let nnz = command::release_nnz()?;
    let data = root().join("examples/keywords");
    let model = root().join("target/wheel.nnz");
    let mut prune = Command::new(&nnz);
    prune.arg("prune").arg(data.join("keywords_u75.onnx"));
    prune.arg("--calib").arg(data.join("calib.npz"));
    command::run(prune.arg("-o").arg(&model))?;
    let mut eval = Command::new(&nnz);
    eval.arg("eval").arg(&model).arg("--json");
    eval.arg("--data").arg(data.join("eval.npz"));
    let found: Value = serde_json::from_str(&command::read(&mut eval)?)?;
    let right = found["correct"].as_u64().context("eval says no number")?;
    let mut tests = Command::new(environment.join("bin/python"));
    tests
        .current_dir(root().join("bindings/python/tests"))
        .args(["-m", "unittest", "--quiet", "test_nnz"])
        .env("NNZ_MODEL", &model)
        .env("NNZ_DATA", data.join("eval.npz"))
        .env("NNZ_RIGHT", right.to_string());
    command::run(&mut tests)
}
