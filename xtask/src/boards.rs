//! Firmware for boards: one package a board in `targets/boards`, a workspace of its own with the board's crates.
//!
//! ```text
//! network ─nnz prune --target NAME→ target/boards/NAME.nnz
//! targets/boards/NAME + NNZ_MODEL ─cargo→ target/boards/NAME.elf
//! ```

use crate::command::{self, root};
use crate::toolchain::Toolchain;
use crate::{firmware, setup};
use anyhow::{Context, Result, bail};
use nnz_support::targets::Target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is done with a board's package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Build the image.
    Build,
    /// Compile without linking or optimising.
    Check,
}

/// The boards that have a package.
pub(crate) fn all() -> Result<Vec<&'static Target>> {
    let found = Target::all().iter().filter(|t| is_board(&package(&t.name)));
    Ok(found.collect())
}

/// Builds the image of one board with `model`, or with the keyword network of this repository.
pub(crate) fn run(name: &str, model: Option<&Path>, step: Step) -> Result<()> {
    let folder = package(name);
    if !is_board(&folder) {
        let known: Vec<&str> = all()?.iter().map(|t| t.name.as_str()).collect();
        bail!(
            "{name} is no board: targets/boards has {}; docs/targets.md says how to add one",
            known.join(", ")
        );
    }
    let target = Target::find(name)?;
    setup::install_libraries([target.triple.as_str()].into_iter())?;
    let model = match model {
        Some(model) => model
            .canonicalize()
            .with_context(|| format!("finding {}", model.display()))?,
        None => keywords(target)?,
    };
    let elf = compile(target, &folder, &model, step)?;
    if step == Step::Build {
        let image = images()?.join(format!("{name}.elf"));
        fs::copy(&elf, &image).with_context(|| format!("copying {}", elf.display()))?;
        println!("{}", image.display());
    }
    Ok(())
}

/// Folder of a board's package.
fn package(name: &str) -> PathBuf {
    root().join("targets/boards").join(name)
}

fn is_board(folder: &Path) -> bool {
    folder.join("Cargo.toml").is_file()
}

/// Where networks and images of boards go.
fn images() -> Result<PathBuf> {
    let folder = root().join("target/boards");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    Ok(folder)
}

/// The keyword network of `examples/keywords`, for the board.
fn keywords(target: &Target) -> Result<PathBuf> {
    let source = root().join("examples/keywords");
    let model = images()?.join(format!("{}.nnz", target.name));
    let mut prune = Command::new(command::release_nnz()?);
    prune.arg("prune").arg(source.join("keywords_u75.onnx"));
    prune.arg("--calib").arg(source.join("calib.npz"));
    prune.args(["--target", &target.name, "-o"]).arg(&model);
    command::read(&mut prune)?;
    Ok(model)
}

/// Runs cargo in the board's folder.
fn compile(target: &Target, folder: &Path, model: &Path, step: Step) -> Result<PathBuf> {
    let toolchain = Toolchain::require(&target.triple)?;
    let build = root().join("target/boards-build");
    let mut command = toolchain.cargo();
    command.current_dir(folder);
    match step {
        Step::Build => command.args(["build", "--release"]),
        Step::Check => command.arg("check"),
    };
    command.args(["--quiet", "--locked", "--target", &target.triple]);
    command.arg("--target-dir").arg(&build);
    command.env("NNZ_MODEL", model);
    if let Some(flags) = firmware::flags(target) {
        command.env("RUSTFLAGS", flags);
    }
    println!("{}: compiling targets/boards/{0}", target.name);
    command::run(&mut command)?;
    Ok(build.join(&target.triple).join("release/board"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_of_a_board_has_a_target_with_its_memories_and_clock() {
        let boards = all().unwrap();
        assert!(boards.len() >= 2);
        for board in &boards {
            assert!(board.clock.is_some(), "{}", board.name);
            assert!(package(&board.name).join("Cargo.lock").is_file());
        }
        let folders = fs::read_dir(root().join("targets/boards")).unwrap();
        let packages = folders.filter(|f| is_board(&f.as_ref().unwrap().path()));
        assert_eq!(packages.count(), boards.len() + 1, "and what they share");
    }

    #[test]
    fn a_board_that_is_not_there_is_refused_with_those_that_are() {
        let error = run("abacus", None, Step::Check).unwrap_err().to_string();
        assert!(
            error.contains("abacus") && error.contains("rp2350"),
            "{error}"
        );
    }
}
