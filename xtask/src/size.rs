//! Code bytes of one model's own image.
//!
//! The image `lean` embeds the model and opens its session with the model's operators only, so the
//! linker drops every other kernel. Counted are `.text` and `.rodata` without the vector table and
//! the model: parser, session, kernels, panic handler and some 100 bytes of start-up.

use crate::firmware;
use crate::symbols::Image;
use anyhow::{Result, bail};
use nnz_support::targets::Target;
use serde_json::json;
use std::path::Path;

/// What is printed and what fails.
#[derive(Debug)]
pub(crate) struct Options {
    /// Largest code allowed.
    pub(crate) limit: Option<u64>,
    /// Whether to print JSON.
    pub(crate) json: bool,
    /// How many of the largest symbols to print.
    pub(crate) symbols: usize,
}

/// Name of the static that holds the model.
const MODEL: &str = "::MODEL";

/// Builds the image, prints its code bytes and checks what must not be in it.
pub(crate) fn run(model: &Path, target: &str, options: &Options) -> Result<()> {
    let target = Target::find(target)?;
    let image = Image::read(&firmware::build_lean(target, model)?)?;
    let code = image.code_bytes(MODEL);
    if options.json {
        println!("{}", json!({"target": target.name, "code_bytes": code}));
    } else {
        println!(
            "{} on {}: {code} bytes of code",
            model.display(),
            target.name
        );
        for symbol in image
            .largest()
            .iter()
            .filter(|s| s.is_code)
            .take(options.symbols)
        {
            println!("{:>8}  {}", symbol.bytes, symbol.name);
        }
    }
    let panics = image.find(|name| name.contains("core::panicking") || name.contains("core::fmt"));
    if !panics.is_empty() {
        bail!("the image can panic or format: {}", panics.join(", "));
    }
    match options.limit {
        Some(limit) if code > limit => bail!("{code} bytes of code, more than {limit}"),
        _ => Ok(()),
    }
}
