//! The example of keyword spotting, `examples/keyword-spotting`: on this machine, in a bare loop, beside other tasks.
//!
//! All three programs must hear the same word with the same scores. The bare loop is measured: what the features take
//! of the time, in modelled cycles.

use crate::command::{self, cargo, root};
use crate::example::{self, Program};
use crate::plugin;
use anyhow::{Context, Result, ensure};
use nnz_support::targets::Target;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The machine that the example is made for.
const TARGET: &str = "cortex-m4";

/// Builds the programs for `model`, or the network of `examples/keywords`, runs them on `clip`, or the example's own,
/// and compares what they say.
pub(crate) fn run(model: Option<&Path>, clip: Option<&Path>) -> Result<()> {
    let target = Target::find(TARGET)?;
    let model = match model {
        Some(model) => found(model)?,
        None => example::keywords("keyword-spotting", TARGET)?,
    };
    let clip = clip.map(found).transpose()?;
    let heard = on_host(&model, clip.as_deref())?;
    println!("host     {heard}");
    let totals = root().join("target/keyword-spotting.totals");
    let program = |name| Program {
        folder: "keyword-spotting",
        name,
        options: &["--features", "board"],
        model: &model,
        clip: clip.as_deref(),
    };
    let metered = plugin_option(&plugin::build()?, &totals);
    for (name, plugin) in [("bare", Some(metered)), ("embassy", None)] {
        let printed = example::emulate(target, &program(name).build(target)?, plugin)?;
        let (word, rest) = printed.split_once('\n').context("nothing was printed")?;
        println!("{name:8} {word}\n{}", rest.trim_end());
        ensure!(word == heard, "the host hears {heard}, {name} {word}");
    }
    let [features, network] = cycles(&fs::read_to_string(&totals)?)?;
    println!("features {features} cycles, network {network} cycles");
    Ok(())
}

/// A file as every program finds it.
fn found(file: &Path) -> Result<PathBuf> {
    let what = || format!("finding {}", file.display());
    file.canonicalize().with_context(what)
}

/// What the program for this machine says.
fn on_host(model: &Path, clip: Option<&Path>) -> Result<String> {
    let mut host = cargo();
    host.current_dir(root().join("examples/keyword-spotting"))
        .args(["run", "--quiet", "--locked", "--bin", "host"])
        .arg("--target-dir")
        .arg(root().join("target/examples"))
        .env("NNZ_MODEL", model);
    if let Some(clip) = clip {
        host.env("NNZ_CLIP", clip);
    }
    Ok(command::read(&mut host)?.trim_end().to_owned())
}

/// The cycle model, writing its totals to `file`.
fn plugin_option(plugin: &Path, file: &Path) -> OsString {
    let mut option = plugin.as_os_str().to_owned();
    option.push(",core=cortex-m4,out=");
    option.push(file);
    option
}

/// Cycles between the last three readings of the clock.
fn cycles(totals: &str) -> Result<[u64; 2]> {
    let cycles = |line: &str| -> Option<u64> {
        let mut fields = line.split_whitespace();
        fields.find_map(|field| field.strip_prefix("cycles=")?.parse().ok())
    };
    let read: Vec<u64> = totals.lines().filter_map(cycles).collect();
    match read.as_slice() {
        [.., begin, heard, end] => Ok([heard - begin, end - heard]),
        _ => anyhow::bail!("the cycle model wrote {} readings", read.len()),
    }
}
