//! Every test that this machine can run.
//!
//! ```text
//! set up → the house's rules → firmware images → no_std crates in debug (overflow checks)
//!        → whole workspace in release → code size of one network's own image → the example beside other tasks
//! ```
//!
//! The suites find images and emulators themselves; what is missing they skip with a line that says
//! so, except in CI (`CI=true`), where it is a failure.

use crate::command::{self, cargo, is_ci, root};
use crate::summary::Summary;
use crate::toolchain::Toolchain;
use crate::{c_project, check, embassy, firmware, keyword, pi, rtl, setup, size};
use anyhow::Result;
use nnz_support::targets::Target;
use std::path::Path;

/// Largest code of keyword spotting with its own operators.
const CODE_BYTES: u64 = 40 * 1024;

/// Runs everything; with `host_only` nothing for microcontrollers.
pub(crate) fn run(host_only: bool) -> Result<()> {
    let mut summary = Summary::default();
    if host_only {
        summary.skip("firmware and emulation", "--host-only");
    } else {
        targets(&mut summary);
        simulator(&mut summary);
        arm_hosts(&mut summary);
    }
    summary.part("format, lints, documentation and sizes", check::run);
    summary.part("format and runtime, debug", || {
        let packages = ["nnz-format", "nnz", "nnz-support", "nnz-cycles", "xtask"];
        let mut test = cargo();
        test.args(["test", "--all-features"]);
        packages.iter().for_each(|package| {
            test.args(["--package", package]);
        });
        command::run(&mut test)
    });
    summary.part("workspace, release", || {
        let mut test = cargo();
        test.args(["test", "--release", "--workspace", "--no-fail-fast"]);
        // Lints compile the benches. Here their dependencies would compile all others with more
        // features than the binary has, which the suites run: twice, then.
        test.args(["--exclude", "nnz-benches"]);
        if host_only {
            test.env("NNZ_HOST_ONLY", "1");
        }
        command::run(&mut test)
    });
    if !root().join("../shared/models").is_dir() {
        summary.skip("suites on real networks", "../shared is not there");
    }
    if !host_only {
        code_size(&mut summary);
        examples(&mut summary);
    }
    summary.finish()
}

/// The keyword spotting network's own code stays below the bound.
fn code_size(summary: &mut Summary) {
    let name = "code size of keyword spotting on cortex-m4";
    let source = root().join("../shared/models/kws_int8.tflite");
    let triple = Target::find("cortex-m4").map(|target| target.triple.as_str());
    if !source.is_file() {
        return summary.skip(name, "../shared is not there");
    }
    if !triple.is_ok_and(|triple| Toolchain::with(triple).is_some()) {
        return summary.skip(name, "no compiler for it");
    }
    summary.part(name, || {
        let folder = tempfile::tempdir()?;
        let model = folder.path().join("kws.nnz");
        prune(&source, &["--lossless"], &model)?;
        let options = size::Options {
            limit: Some(CODE_BYTES),
            json: false,
            symbols: 8,
        };
        size::run(&model, "cortex-m4", &options)
    });
}

/// The examples on the emulated machine.
fn examples(summary: &mut Summary) {
    let names = [
        "examples/embassy",
        "examples/keyword-spotting",
        "examples/c",
    ];
    let missing = Target::find("cortex-m4").map_or(Some("no such target"), |target| {
        let emulator = target.emulator.as_ref().map(|e| e.program.as_str());
        if Toolchain::with(&target.triple).is_none() {
            Some("no compiler for cortex-m4")
        } else if !emulator.is_some_and(command::is_installed) {
            Some("no emulator for cortex-m4")
        } else {
            None
        }
    });
    if let Some(reason) = missing {
        for name in names {
            summary.skip(name, reason);
        }
        return;
    }
    summary.part(names[0], beside_tasks);
    summary.part(names[1], || keyword::run(None, None));
    if !is_ci() && !c_project::is_ready() {
        return summary.skip(names[2], "`cargo xtask c-project` installs what it needs");
    }
    summary.part(names[2], || c_project::run(None));
}

/// Keyword spotting beside another task: the shared network where it is, and the one in the repository.
fn beside_tasks() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let model = folder.path().join("keywords.nnz");
    let own = root().join("examples/keywords");
    let calib = own.join("calib.npz").display().to_string();
    let options = ["--calib", &calib, "--target", "cortex-m4"];
    prune(&own.join("keywords_u75.onnx"), &options, &model)?;
    embassy::run(&model)?;
    let shared = root().join("../shared/models/kws_int8.tflite");
    if shared.is_file() {
        prune(&shared, &["--lossless", "--target", "cortex-m4"], &model)?;
        embassy::run(&model)?;
    }
    Ok(())
}

/// Makes a `.nnz` file with the command line of this checkout.
fn prune(source: &Path, options: &[&str], model: &Path) -> Result<()> {
    let mut command = cargo();
    command.args(["run", "--quiet", "--release", "--package", "nnz-cli", "--"]);
    command.arg("prune").arg(source).args(options);
    command::run(command.arg("-o").arg(model))
}

/// One simulated core, on which a suite runs layers of every kernel.
fn simulator(summary: &mut Summary) {
    let name = "simulator ibex-max";
    if let Err(error) = rtl::install() {
        return summary.skip(name, &format!("{error:#}"));
    }
    summary.part(name, || {
        rtl::run(&["ibex-max".to_owned()], rtl::Networks::None)
    });
}

/// The vectors of 64-bit Arm, emulated.
fn arm_hosts(summary: &mut Summary) {
    let name = "vectors of 64-bit Arm";
    if !is_ci() && !pi::is_ready() {
        return summary.skip(name, "`cargo xtask pi` installs what it needs");
    }
    summary.part(name, || pi::run(pi::Tests::Quick));
}

fn targets(summary: &mut Summary) {
    println!("\n== setup");
    if let Err(error) = setup::run() {
        if is_ci() {
            summary.part("setup", || Err(error));
        } else {
            summary.skip("setup", &format!("{error:#}"));
        }
    }
    let emulated = Target::all().iter().filter(|t| t.emulator.is_some());
    for target in emulated.filter(|target| !target.on_request) {
        let name = format!("firmware {}", target.name);
        if Toolchain::with(&target.triple).is_some() {
            summary.part(&name, || firmware::build_images(target).map(drop));
        } else {
            summary.skip(&name, &format!("no compiler for {}", target.triple));
        }
        let Some(emulator) = &target.emulator else {
            continue;
        };
        if !command::is_installed(&emulator.program) {
            let name = format!("emulation {}", target.name);
            summary.skip(&name, &format!("{} is not installed", emulator.program));
        }
    }
}
