//! A plain C project, `examples/c`: built by `arm-none-eabi-gcc`, run in QEMU, compared with the same program here.

use crate::c_library;
use crate::command::{self, cargo, root};
use crate::example;
use crate::setup;
use anyhow::{Context, Result, ensure};
use nnz_support::targets::Target;
use std::path::Path;
use std::process::Command;

/// The machine that the project is made for.
const TARGET: &str = "cortex-m4";
/// Builds for it.
const COMPILER: &str = "arm-none-eabi-gcc";
/// Debian's packages.
const PACKAGES: [&str; 3] = ["gcc-arm-none-eabi", "libnewlib-arm-none-eabi", "make"];

/// Whether its compiler is here.
pub(crate) fn is_ready() -> bool {
    command::is_installed(COMPILER) && command::is_installed("make")
}

/// Builds and runs the project with `model`, or with the network of `examples/keywords`.
pub(crate) fn run(model: Option<&Path>) -> Result<()> {
    if !is_ready() {
        setup::install_packages(&PACKAGES)?;
    }
    let model = match model {
        Some(model) => model
            .canonicalize()
            .with_context(|| format!("finding {}", model.display()))?,
        None => example::keywords("c-project", TARGET)?,
    };
    c_library::build(Target::find(TARGET)?, Some(&model))?;
    command::run(cargo().args(["build", "--quiet", "--release", "--package", "nnz-c"]))?;
    let folder = root().join("target/c/project");
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    command::run(&mut make(&model, &folder, "host"))?;
    let here = command::read(&mut Command::new(folder.join("host")))?;
    let firmware = folder.join("firmware.elf").display().to_string();
    command::run(&mut make(&model, &folder, &firmware))?;
    let there = command::read(&mut make(&model, &folder, "run"))?;
    let there: Vec<&str> = there.lines().filter(|line| is_number(line)).collect();
    let here: Vec<&str> = here.lines().collect();
    println!("{TARGET}: {}", there.join(" "));
    ensure!(!here.is_empty(), "the program here printed nothing");
    ensure!(here == there, "the program here printed {}", here.join(" "));
    Ok(())
}

/// Whether a line is an output, not what `make` echoes.
fn is_number(line: &str) -> bool {
    line.parse::<i32>().is_ok()
}

fn make(model: &Path, folder: &Path, goal: &str) -> Command {
    let mut make = Command::new("make");
    make.current_dir(root().join("examples/c"))
        .arg(format!("MODEL={}", model.display()))
        .arg(format!("BUILD={}", folder.display()))
        .arg(goal);
    make
}
