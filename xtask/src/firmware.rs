//! Builds firmware images.
//!
//! ```text
//! target/firmware/NAME.elf              runs any model; where `nnz bench` finds it
//! target/firmware/NAME.wire.elf         runs the model that arrives over a serial port
//! target/firmware/NAME.SET.code_bytes   code of the operators SET, from `cargo xtask size`
//! target/firmware-build                 cargo's folder
//! ```

use crate::command::{self, root};
use crate::plugin;
use crate::setup;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use nnz_support::targets::Target;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The targets of these names, or all that an emulator plays and nobody has to ask for.
pub(crate) fn select(names: &[String]) -> Result<Vec<&'static Target>> {
    if names.is_empty() {
        return Ok(Target::all()
            .iter()
            .filter(|t| t.emulator.is_some() && !t.on_request)
            .collect());
    }
    names.iter().map(|name| Ok(Target::find(name)?)).collect()
}

/// Builds the images of the named targets, or of all.
pub(crate) fn run(names: &[String]) -> Result<()> {
    println!("{}", plugin::build()?.display());
    let targets = select(names)?;
    let named = targets.iter().filter(|_| !names.is_empty());
    setup::install_libraries(named.map(|target| target.triple.as_str()))?;
    targets.into_iter().try_for_each(|target| {
        for image in build_images(target)? {
            println!("{}", image.display());
        }
        Ok(())
    })
}

/// Builds the images that run any model.
pub(crate) fn build_images(target: &Target) -> Result<Vec<PathBuf>> {
    let any = build_any(target)?;
    let wire = build_wire(target)?;
    Ok([any].into_iter().chain(wire).collect())
}

/// Builds the image that runs any model.
pub(crate) fn build_any(target: &Target) -> Result<PathBuf> {
    let elf = build(target, "any", &[], None)?;
    install(&elf, &format!("{}.elf", target.name))
}

/// Builds the image that is driven over a serial port, where the target has one.
fn build_wire(target: &Target) -> Result<Option<PathBuf>> {
    let has_port = target.emulator.as_ref().is_some_and(|e| e.serial.is_some());
    if !has_port {
        return Ok(None);
    }
    let elf = build(target, "wire", &["--features", "wire"], None)?;
    install(&elf, &format!("{}.wire.elf", target.name)).map(Some)
}

/// Copies an image to where `nnz bench` and the suites find it.
fn install(elf: &Path, name: &str) -> Result<PathBuf> {
    let folder = root().join("target/firmware");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let image = folder.join(name);
    let bytes = fs::read(elf).with_context(|| format!("reading {}", elf.display()))?;
    // An image that did not change keeps its date, and with it the code sizes measured beside it.
    if fs::read(&image).is_ok_and(|old| old == bytes) {
        return Ok(image);
    }
    let partial = image.with_extension("partial");
    fs::write(&partial, &bytes).with_context(|| format!("writing {}", partial.display()))?;
    fs::rename(&partial, &image).with_context(|| format!("writing {}", image.display()))?;
    Ok(image)
}

/// Builds the image of one model, with its operators only.
pub(crate) fn build_lean(target: &Target, model: &Path) -> Result<PathBuf> {
    let model = model
        .canonicalize()
        .with_context(|| format!("finding {}", model.display()))?;
    build(target, "lean", &["--features", "lean"], Some(&model))
}

/// Builds the same image for a file that is not proved before it runs.
pub(crate) fn build_parsing(target: &Target, model: &Path) -> Result<PathBuf> {
    let model = model
        .canonicalize()
        .with_context(|| format!("finding {}", model.display()))?;
    build(target, "lean", &["--features", "parser"], Some(&model))
}

/// Cargo's folder for a target: one of its own where the core is named, as that rebuilds every crate.
fn folder(target: &Target) -> PathBuf {
    let folder = root().join("target/firmware-build");
    let core = target.cpu.as_ref().or(target.features.as_ref());
    match core.or(target.extension.as_ref()) {
        Some(core) => folder.join(core.replace(['+', ','], "")),
        None => folder,
    }
}

/// What the compiler is told about the core.
pub(crate) fn flags(target: &Target) -> Option<String> {
    let cpu = target.cpu.iter().map(|cpu| format!("-Ctarget-cpu={cpu}"));
    let features = target.features.iter();
    let features = features.map(|features| format!("-Ctarget-feature={features}"));
    let extension = target.extension.iter();
    let extension = extension.map(|name| format!("--cfg=nnz_{name}"));
    let all: Vec<String> = cpu.chain(features).chain(extension).collect();
    (!all.is_empty()).then(|| all.join(" "))
}

/// Where [`build_lean`] leaves its image.
pub(crate) fn lean_image(target: &Target) -> PathBuf {
    folder(target).join(&target.triple).join("release/lean")
}

fn build(target: &Target, image: &str, options: &[&str], model: Option<&Path>) -> Result<PathBuf> {
    let toolchain = Toolchain::require(&target.triple)?;
    let folder = folder(target);
    let mut command: Command = toolchain.cargo();
    command
        .current_dir(root().join("targets/firmware"))
        .args(["build", "--quiet", "--locked", "--release", "--bin", image])
        .args(["--target", &target.triple])
        .args(options)
        .arg("--target-dir")
        .arg(&folder)
        .env("NNZ_TARGET", &target.name);
    if let Some(level) = target.kernel_opt_level {
        let setting = format!("profile.release.package.nnz.opt-level={level}");
        command.args(["--config", &setting]);
    }
    if let Some(model) = model {
        command.env("NNZ_MODEL", model);
    }
    if let Some(flags) = flags(target) {
        command.env("RUSTFLAGS", flags);
    }
    println!("{}: building {image}", target.name);
    command::run(&mut command)?;
    Ok(folder.join(&target.triple).join("release").join(image))
}
