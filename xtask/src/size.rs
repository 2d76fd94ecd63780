//! Code bytes of one model's own image.
//!
//! The image `lean` embeds the model and opens its session with the model's operators only, so the
//! linker drops every other kernel. Counted are `.text` and `.rodata` without the vector table and
//! the model: session, kernels, panic handler and some 100 bytes of start-up; no parser, as the compiler proved the
//! file. What an image has that proves its file itself is printed beside it. The symbols must name no kernel that the
//! model does not use, and nothing that panics or formats.

use crate::command::root;
use crate::firmware;
use crate::sizes;
use crate::symbols::Image;
use anyhow::{Context, Result, bail};
use nnz_format::kernel_bits as bit;
use nnz_support::emulator;
use nnz_support::targets::Target;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

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

/// Measures one model's images, or all of [`sizes`].
pub(crate) fn chore(
    model: Option<&Path>,
    (target, options): (&str, &Options),
    (only, renew): (Option<&str>, bool),
) -> Result<()> {
    match model {
        Some(model) => run(model, target, options),
        None => sizes::run(only, renew),
    }
}

/// Part of the names of the statics that hold the model.
const MODEL: &str = "::MODEL::BYTES";

/// Parts of symbol names, and the kernels of which one must be in the model's set where the part occurs.
const PARTS: &[(&str, &[u8])] = &[
    ("dense_s8_conv", &[bit::CONV_2D_DENSE_S8]),
    ("csr_p_s8_conv", &[bit::CONV_2D_CSR_P_S8]),
    ("csr_n_s8_conv", &[bit::CONV_2D_CSR_N_S8]),
    ("blk_1x4_s8_conv", &[bit::CONV_2D_BLK_1X4_S8]),
    ("blk_4x1_s8_conv", &[bit::CONV_2D_BLK_4X1_S8]),
    ("dense_f32_conv", &[bit::CONV_2D_DENSE_F32]),
    ("csr_f_f32_conv", &[bit::CONV_2D_CSR_F_F32]),
    ("dense_s8_depthwise", &[bit::DEPTHWISE_CONV_2D_DENSE_S8]),
    ("nnz_dsp_pairs", &[bit::CONV_2D_DENSE_PAIRS]),
    ("nnz_dsp_depthwise", &[bit::DEPTHWISE_CONV_2D_DENSE_PAIRS]),
    ("dense_f32_depthwise", &[bit::DEPTHWISE_CONV_2D_DENSE_F32]),
    ("dense_s8_matvec", &[bit::FULLY_CONNECTED_DENSE_S8]),
    ("csr_p_s8_matvec", &[bit::FULLY_CONNECTED_CSR_P_S8]),
    ("csr_n_s8_matvec", &[bit::FULLY_CONNECTED_CSR_N_S8]),
    ("csr_q_s8_matvec", &[bit::FULLY_CONNECTED_CSR_Q_S8]),
    ("blk_1x4_s8_matvec", &[bit::FULLY_CONNECTED_BLK_1X4_S8]),
    ("blk_4x1_s8_matvec", &[bit::FULLY_CONNECTED_BLK_4X1_S8]),
    ("dense_f32_matvec", &[bit::FULLY_CONNECTED_DENSE_F32]),
    ("csr_f_f32_matvec", &[bit::FULLY_CONNECTED_CSR_F_F32]),
    (
        "nnz::ops::add",
        &[bit::ADD_S8, bit::ADD_F32, bit::ADD_LINEAR_S8],
    ),
    ("nnz::ops::mean", &[bit::MEAN_S8, bit::MEAN_F32]),
    ("nnz::ops::pad", &[bit::PAD_S8, bit::PAD_F32]),
    ("nnz::ops::softmax_s8", &[bit::SOFTMAX_S8]),
    ("nnz::ops::softmax_f32", &[bit::SOFTMAX_F32]),
    ("nnz::ops::repack", &[bit::REPACK_S8, bit::REPACK_F32]),
    (
        "nnz::ops::convert",
        &[bit::QUANTIZE_S8, bit::DEQUANTIZE_F32],
    ),
];

/// Builds the images, prints their code bytes and checks what must not be in the smaller.
pub(crate) fn run(model: &Path, target: &str, options: &Options) -> Result<()> {
    let target = Target::find(target)?;
    let (image, code) = build(model, target)?;
    let parsing = parsing_bytes(model, target)?;
    if options.json {
        println!(
            "{}",
            json!({"target": target.name, "code_bytes": code, "parsing_code_bytes": parsing})
        );
    } else {
        println!(
            "{} on {}: {code} bytes of code; {parsing} where the device itself proves the file",
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
    match options.limit {
        Some(limit) if code > limit => bail!("{code} bytes of code, more than {limit}"),
        _ => Ok(()),
    }
}

/// What an image holds besides its model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sizes {
    /// Instructions, and what stands among them.
    pub(crate) code: u64,
    /// Constants.
    pub(crate) rodata: u64,
}

/// A model's own image, checked for what must not be in it, and what it holds.
pub(crate) fn lean(target: &Target, model: &Path) -> Result<(PathBuf, Sizes)> {
    let (image, whole) = build(model, target)?;
    let sizes = Sizes {
        code: image.text_bytes(),
        rodata: whole.saturating_sub(image.text_bytes()),
    };
    Ok((firmware::lean_image(target), sizes))
}

/// Code bytes of a model's own image, which is checked for what must not be in it.
pub(crate) fn code_bytes(model: &Path, target: &Target) -> Result<u64> {
    build(model, target).map(|(_, code)| code)
}

/// Code bytes of the image that proves its file itself.
pub(crate) fn parsing_bytes(model: &Path, target: &Target) -> Result<u64> {
    let image = firmware::build_parsing(target, model)?;
    Ok(Image::read(&image)?.code_bytes(MODEL))
}

/// Builds and checks the image.
fn build(model: &Path, target: &Target) -> Result<(Image, u64)> {
    let bytes = fs::read(model).with_context(|| format!("reading {}", model.display()))?;
    let image = Image::read(&firmware::build_lean(target, model)?)?;
    let code = image.code_bytes(MODEL);
    record(target, &bytes, code)?;
    let panics = image.find(|name| name.contains("core::panicking") || name.contains("core::fmt"));
    if !panics.is_empty() {
        bail!("the image can panic or format: {}", panics.join(", "));
    }
    let unused = image.find(|name| is_unused(name, nnz_format::kernel_mask(&bytes)));
    if !unused.is_empty() {
        bail!(
            "the image has kernels that the model does not use: {}",
            unused.join(", ")
        );
    }
    Ok((image, code))
}

/// Notes the number where the emulator driver looks for the code of a model's operators.
fn record(target: &Target, model: &[u8], code: u64) -> Result<()> {
    let folder = root().join("target/firmware");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let image = folder.join(format!("{}.elf", target.name));
    let Some(file) = emulator::code_bytes_file(&image, model) else {
        return Ok(());
    };
    fs::write(&file, format!("{code}\n")).with_context(|| format!("writing {}", file.display()))
}

/// Whether a symbol belongs to a kernel that is not in the set.
fn is_unused(name: &str, kernels: u128) -> bool {
    PARTS
        .iter()
        .any(|(part, bits)| name.contains(part) && bits.iter().all(|&bit| kernels >> bit & 1 == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_outside_the_set_is_unused() {
        let kernels = 1 << bit::CONV_2D_CSR_P_S8 | 1 << bit::ADD_F32;
        assert!(is_unused("<P as Kernels>::dense_s8_conv", kernels));
        assert!(!is_unused("<P as Kernels>::csr_p_s8_conv", kernels));
        assert!(!is_unused("nnz::ops::add::add", kernels));
        assert!(is_unused("nnz::ops::mean::run", kernels));
        assert!(!is_unused("nnz::session::Session<_>::run", kernels));
    }
}
