//! Where a target begins: files of this repository that its reader takes.

use super::Reads;
use crate::command::{self, root};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Largest seed for a reader of models: mutations of large files are slow and hit weights only.
const LARGEST_MODEL: u64 = 4 << 10;
/// Largest seed for the other readers.
const LARGEST: u64 = 8 << 10;
/// Largest network that models are made of.
const LARGEST_SOURCE: u64 = 32 << 10;
/// How the networks of the fixtures are pruned, so that every layout and backend is among the models.
const PRUNED: [&[&str]; 4] = [
    &["--lossless"],
    &["--method", "magnitude", "--sparsity", "0.7"],
    &[
        "--method",
        "magnitude",
        "--sparsity",
        "0.5",
        "--pattern",
        "1x4",
    ],
    &[
        "--method",
        "magnitude",
        "--sparsity",
        "0.7",
        "--target",
        "cortex-m4",
    ],
];

/// Folders of seeds, made where they are missing.
pub(super) fn folder(reads: Reads) -> Result<Option<PathBuf>> {
    let name = match reads {
        Reads::Commands => return Ok(None),
        Reads::Models => "models",
        Reads::Networks(format) => format,
        Reads::Data => "data",
    };
    let path = root().join("target/fuzz/seeds").join(name);
    if !path.is_dir() {
        let half = path.with_extension("half");
        fs::create_dir_all(&half).with_context(|| format!("making {}", half.display()))?;
        match reads {
            Reads::Commands => {}
            Reads::Models => models(&half)?,
            Reads::Networks(format) => copy(&half, format)?,
            Reads::Data => data(&half)?,
        }
        fs::rename(&half, &path)?;
    }
    Ok(Some(path))
}

/// Networks of real exporters, and the broken ones, up to a size.
fn fixtures(largest: u64) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for folder in ["tests/fixtures/exported", "tests/fixtures/broken"] {
        for entry in fs::read_dir(root().join(folder))? {
            let entry = entry?;
            if entry.metadata()?.len() <= largest {
                files.push(entry.path());
            }
        }
    }
    files.sort();
    Ok(files)
}

/// The fixtures of one format.
fn copy(folder: &Path, format: &str) -> Result<()> {
    for file in fixtures(LARGEST)? {
        let is_wanted = file.extension().is_some_and(|e| e == format);
        if let (true, Some(name)) = (is_wanted, file.file_name()) {
            fs::copy(&file, folder.join(name))?;
        }
    }
    Ok(())
}

/// The fixtures as `.nnz` files, pruned in several ways; those that cannot be are left out.
fn models(folder: &Path) -> Result<()> {
    let nnz = command::release_nnz()?;
    for file in fixtures(LARGEST_SOURCE)? {
        for (index, options) in PRUNED.iter().enumerate() {
            let stem = file.file_name().unwrap_or_default().to_string_lossy();
            let out = folder.join(format!("{stem}.{index}.nnz"));
            let mut prune = Command::new(&nnz);
            prune
                .arg("prune")
                .arg(&file)
                .args(*options)
                .arg("-o")
                .arg(&out);
            let _ = command::read(&mut prune);
            if fs::metadata(&out).is_ok_and(|m| m.len() > LARGEST_MODEL) {
                fs::remove_file(&out)?;
            }
        }
    }
    Ok(())
}

/// Arrays, pictures, sounds and tables behind the byte that says which they are.
fn data(folder: &Path) -> Result<()> {
    let kinds = ["npz", "npy", "png", "wav", "csv"];
    let mut sources = fixtures(LARGEST)?;
    for example in ["examples/keywords", "examples/keyword-spotting"] {
        let files = fs::read_dir(root().join(example))?;
        sources.extend(files.flatten().map(|entry| entry.path()));
    }
    for file in sources {
        let kind = kinds
            .iter()
            .position(|k| file.extension().is_some_and(|e| e == *k));
        let (Some(kind), Some(name)) = (kind, file.file_name()) else {
            continue;
        };
        let mut bytes = fs::read(&file)?;
        bytes.truncate(usize::try_from(LARGEST)?);
        bytes.insert(0, u8::try_from(kind)?);
        fs::write(folder.join(name), bytes)?;
    }
    let table = "\u{4}width,height,kind\n1.5,2,cat\n-3e2,4,dog\n";
    fs::write(folder.join("table.csv"), table)?;
    Ok(())
}
