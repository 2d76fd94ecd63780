//! Archives for C projects: the library of every core, the header, and what a build system wants to know.
//!
//! ```text
//! bindings/c/packages/NAME/…, @VERSION@ filled in ─┐
//! target/c/TARGET/libnnz_c.a, nnz.h ───────────────┴─► target/dist/nnz-NAME-VERSION.zip
//! ```

use crate::c_library;
use crate::command::root;
use crate::toolchain::Toolchain;
use anyhow::{Context, Result};
use nnz_support::targets::Target;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A core and where Arduino looks for its library: `src/MCU`, and the floating-point unit and calling convention where
/// the compiler is told of them.
const CORES: [(&str, &str); 7] = [
    ("cortex-m0", "cortex-m0plus"),
    ("cortex-m3", "cortex-m3"),
    ("cortex-m4", "cortex-m4/fpv4-sp-d16-hard"),
    ("cortex-m7", "cortex-m7/fpv5-d16-hard"),
    ("cortex-m33", "cortex-m33/fpv5-sp-d16-hard"),
    ("cortex-m55", "cortex-m55"),
    ("rv32", "esp32c3"),
];

/// A package: its folder, where the header goes, and where the library of a core does.
struct Package {
    name: &'static str,
    header: &'static str,
    library: fn(&(&str, &str)) -> Option<String>,
}

const PACKAGES: [Package; 3] = [
    Package {
        name: "zephyr",
        header: "include/nnz.h",
        library: |(core, _)| Some(format!("lib/{core}/libnnz_c.a")),
    },
    Package {
        name: "esp-idf",
        header: "include/nnz.h",
        library: |(core, _)| (*core == "rv32").then(|| format!("lib/{core}/libnnz_c.a")),
    },
    Package {
        name: "arduino",
        header: "src/nnz.h",
        library: |(_, folder)| Some(format!("src/{folder}/libnnz_c.a")),
    },
];

/// Builds the libraries and packs every archive.
pub(crate) fn run() -> Result<()> {
    for (core, _) in CORES {
        let target = Target::find(core)?;
        Toolchain::require(&target.triple)?;
        c_library::build(target, None)?;
    }
    let folder = root().join("target/dist");
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    for package in &PACKAGES {
        println!("{}", pack(package, &folder)?.display());
    }
    Ok(())
}

/// Packs one archive, through a temporary file.
fn pack(package: &Package, folder: &Path) -> Result<PathBuf> {
    let version = env!("CARGO_PKG_VERSION");
    let top = format!("nnz-{}", package.name);
    let path = folder.join(format!("{top}-{version}.zip"));
    let half = path.with_extension("half");
    let what = || format!("writing {}", half.display());
    let mut archive = ZipWriter::new(File::create(&half).with_context(what)?);
    let mut add = |name: &str, bytes: &[u8]| -> Result<()> {
        // One date for all, so that the same files give the same archive.
        archive.start_file(format!("{top}/{name}"), SimpleFileOptions::default())?;
        Ok(archive.write_all(bytes)?)
    };
    let source = root().join("bindings/c/packages").join(package.name);
    for file in files(&source)? {
        let name = file.strip_prefix(&source)?.to_string_lossy().into_owned();
        let text = fs::read_to_string(&file)?.replace("@VERSION@", version);
        add(&name, text.as_bytes())?;
    }
    add(
        package.header,
        &fs::read(root().join("bindings/c/include/nnz.h"))?,
    )?;
    for license in ["LICENSE-APACHE", "LICENSE-MIT"] {
        add(license, &fs::read(root().join(license))?)?;
    }
    for core in &CORES {
        if let Some(name) = (package.library)(core) {
            let library = root().join("target/c").join(core.0).join("libnnz_c.a");
            add(&name, &fs::read(&library)?)?;
        }
    }
    archive.finish()?;
    fs::rename(&half, &path).with_context(what)?;
    Ok(path)
}

/// Every file below a folder, in order.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
        for entry in entries {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
