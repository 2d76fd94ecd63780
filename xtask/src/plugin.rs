//! Builds the cycle model, a plugin that the emulator loads.
//!
//! ```text
//! target/release/libnnz_cycles.so → target/firmware/libnnz_cycles.so   where `nnz bench` finds it
//! ```

use crate::command::{self, cargo, root};
use anyhow::{Context, Result};
use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
use std::fs;
use std::path::PathBuf;

/// Builds the plugin for this machine and puts it beside the firmware images.
pub(crate) fn build() -> Result<PathBuf> {
    let mut build = cargo();
    build.args([
        "build",
        "--quiet",
        "--release",
        "--package",
        "nnz-cycles",
        "--target-dir",
    ]);
    command::run(build.arg(root().join("target")))?;
    let name = format!("{DLL_PREFIX}nnz_cycles{DLL_SUFFIX}");
    let folder = root().join("target/firmware");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let (from, to) = (
        root().join("target/release").join(&name),
        folder.join(&name),
    );
    // An emulator may have the old one open: the name moves to the new file, the old one stays as it is.
    let partial = to.with_extension("partial");
    fs::copy(&from, &partial).with_context(|| format!("copying {}", from.display()))?;
    fs::rename(&partial, &to).with_context(|| format!("writing {}", to.display()))?;
    Ok(to)
}
