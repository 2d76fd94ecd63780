//! Which compiler builds for a target triple.
//!
//! Two are looked at: the toolchain that runs this chore (rustup's, where `rustup target add` has
//! added the triple) and Debian's in `/usr/bin`, whose packages bring sources but no bare-metal
//! libraries; [`crate::setup`] builds those. A toolchain has a triple when it compiles an empty
//! `no_std` crate for it.

use crate::command;
use anyhow::{Context, Result, anyhow, bail};
use core::iter;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Oldest minor version of Rust 1 that builds the workspace.
const OLDEST_MINOR: u32 = 90;

/// A compiler and its cargo.
#[derive(Clone, Debug)]
pub(crate) struct Toolchain {
    /// The cargo.
    cargo: PathBuf,
    /// The compiler; `None` lets cargo choose.
    rustc: Option<PathBuf>,
}

impl Toolchain {
    /// The toolchain that runs this chore.
    pub(crate) fn current() -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        Self {
            cargo: PathBuf::from(cargo),
            rustc: None,
        }
    }

    /// Debian's toolchain, where it is installed and new enough.
    pub(crate) fn debian() -> Option<Self> {
        let (cargo, rustc) = (Path::new("/usr/bin/cargo"), Path::new("/usr/bin/rustc"));
        if !cargo.is_file() || !rustc.is_file() {
            return None;
        }
        let version = command::read(Command::new(rustc).arg("--version")).ok()?;
        let is_new_enough = minor_version(&version)? >= OLDEST_MINOR;
        is_new_enough.then(|| Self {
            cargo: cargo.to_path_buf(),
            rustc: Some(rustc.to_path_buf()),
        })
    }

    /// A toolchain that has `triple`.
    pub(crate) fn with(triple: &str) -> Option<Self> {
        iter::once(Self::current())
            .chain(Self::debian())
            .find(|toolchain| toolchain.has(triple))
    }

    /// A toolchain that has `triple` with the standard library.
    pub(crate) fn with_std(triple: &str) -> Option<Self> {
        iter::once(Self::current())
            .chain(Self::debian())
            .find(|toolchain| toolchain.try_compile(triple, b"").unwrap_or(false))
    }

    /// As [`Self::with`], with an error that says how to get one.
    pub(crate) fn require(triple: &str) -> Result<Self> {
        Self::with(triple).ok_or_else(|| {
            anyhow!("no compiler here builds for {triple}: run `cargo xtask setup` first")
        })
    }

    /// Whether an empty crate compiles for `triple`.
    pub(crate) fn has(&self, triple: &str) -> bool {
        self.try_compile(triple, b"#![no_std]\n").unwrap_or(false)
    }

    fn try_compile(&self, triple: &str, program: &[u8]) -> Result<bool> {
        let folder = tempfile::tempdir()?;
        let mut child = self
            .rustc()
            .args([
                "--crate-type",
                "lib",
                "--crate-name",
                "probe",
                "--emit",
                "metadata",
            ])
            .args(["--target", triple, "--out-dir"])
            .arg(folder.path())
            .arg("-")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let mut input = child.stdin.take().context("the compiler has no input")?;
        input.write_all(program)?;
        drop(input);
        Ok(child.wait()?.success())
    }

    /// A cargo command of this toolchain.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(&self.cargo);
        self.settle(&mut command);
        command
    }

    /// Whether `cargo clippy` lints with this compiler; another toolchain's clippy cannot read its libraries.
    pub(crate) fn has_clippy(&self) -> bool {
        let clippy = command::read(self.cargo().args(["clippy", "--version"]));
        let rustc = command::read(self.rustc().arg("--version"));
        match (clippy, rustc) {
            (Ok(clippy), Ok(rustc)) => {
                clippy_minor(&clippy).is_some_and(|minor| minor_version(&rustc) == Some(minor))
            }
            _ => false,
        }
    }

    fn rustc(&self) -> Command {
        let beside = self.cargo.with_file_name("rustc");
        let program = match &self.rustc {
            Some(rustc) => rustc.clone(),
            None if beside.is_file() => beside,
            None => PathBuf::from("rustc"),
        };
        let mut command = Command::new(program);
        self.settle(&mut command);
        command
    }

    /// Keeps what the outer cargo set for its own toolchain away from another one, and images the same
    /// wherever they are built.
    fn settle(&self, command: &mut Command) {
        // Increments cut a program into more pieces: another code size, other instruction counts.
        command.env("CARGO_INCREMENTAL", "0");
        let Some(rustc) = &self.rustc else { return };
        let folder = rustc.parent().unwrap_or(Path::new("/usr/bin"));
        let path = env::var_os("PATH").unwrap_or_default();
        let folders = iter::once(folder.to_path_buf()).chain(env::split_paths(&path));
        if let Ok(path) = env::join_paths(folders) {
            command.env("PATH", path);
        }
        command.env("RUSTC", rustc);
        for name in [
            "CARGO",
            "RUSTDOC",
            "RUSTUP_TOOLCHAIN",
            "LD_LIBRARY_PATH",
            "RUSTFLAGS",
        ] {
            command.env_remove(name);
        }
    }

    /// Builds `core` and `alloc` for a bare-metal `triple`.
    pub(crate) fn build_core(&self, triple: &str) -> Result<()> {
        let options = [
            "-Zbuild-std=core,alloc",
            "-Zbuild-std-features=compiler-builtins-mem",
        ];
        self.build_libraries(triple, "#![no_std]\n", options)?;
        if !self.has(triple) {
            let cargo = self.cargo.display();
            bail!("core for {triple} was built, and still {cargo} cannot use it");
        }
        Ok(())
    }

    /// Builds the standard library for `triple`.
    pub(crate) fn build_std(&self, triple: &str) -> Result<()> {
        let options = [
            "-Zbuild-std=std,panic_abort,test",
            "-Zbuild-std-features=panic-unwind",
        ];
        self.build_libraries(triple, "", options)
    }

    /// Builds libraries for `triple` from the toolchain's own sources and puts them where the compiler looks for them.
    ///
    /// Cargo's `build-std` needs `RUSTC_BOOTSTRAP`; it is set for this one build only, so that
    /// programs themselves are compiled as stable Rust.
    fn build_libraries(&self, triple: &str, source: &str, options: [&str; 2]) -> Result<()> {
        let folder = tempfile::tempdir().context("making a temporary folder")?;
        let sources = folder.path().join("src");
        fs::create_dir(&sources)?;
        fs::write(sources.join("lib.rs"), source)?;
        fs::write(
            folder.path().join("Cargo.toml"),
            "[package]\nname = \"seed\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\
             [workspace]\n[profile.release]\ndebug = false\ncodegen-units = 1\n",
        )?;
        let mut build = self.cargo();
        build
            .current_dir(folder.path())
            .args(["build", "--quiet", "--release", "--target", triple])
            .args(options)
            .arg("--target-dir")
            .arg(folder.path().join("target"))
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTFLAGS", "-Cembed-bitcode=yes")
            .env("__CARGO_DEFAULT_LIB_METADATA", "nnz-sysroot");
        command::run(&mut build)?;
        let built = folder
            .path()
            .join("target")
            .join(triple)
            .join("release/deps");
        self.install_libraries(triple, &built)
    }

    /// Copies the libraries of a `build-std` build into the sysroot.
    fn install_libraries(&self, triple: &str, built: &Path) -> Result<()> {
        let sysroot = command::read(self.rustc().args(["--print", "sysroot"]))?;
        let to = Path::new(sysroot.trim())
            .join("lib/rustlib")
            .join(triple)
            .join("lib");
        fs::create_dir_all(&to).with_context(|| format!("making {}", to.display()))?;
        for old in fs::read_dir(&to)? {
            let old = old?.path();
            if old.extension().is_some_and(|e| e == "rlib") {
                fs::remove_file(&old).with_context(|| format!("replacing {}", old.display()))?;
            }
        }
        for file in fs::read_dir(built)? {
            let file = file?.path();
            let Some(name) = file.file_name() else {
                continue;
            };
            let is_library = file.extension().is_some_and(|e| e == "rlib");
            if is_library && !name.to_string_lossy().starts_with("libseed-") {
                fs::copy(&file, to.join(name))
                    .with_context(|| format!("copying into {}", to.display()))?;
            }
        }
        Ok(())
    }
}

/// N of `clippy 0.1.N (…)`, which belongs to Rust 1.N.
fn clippy_minor(version: &str) -> Option<u32> {
    let number = version.split_whitespace().nth(1)?;
    number.strip_prefix("0.1.")?.parse().ok()
}

/// The minor version in `rustc 1.96.0 (…)`.
fn minor_version(text: &str) -> Option<u32> {
    text.split_whitespace()
        .nth(1)?
        .split('.')
        .nth(1)?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minor_version_is_found() {
        assert_eq!(
            minor_version("rustc 1.96.0 (ac68faa20 2026-05-25)"),
            Some(96)
        );
        assert_eq!(minor_version("rustc"), None);
        assert_eq!(
            clippy_minor("clippy 0.1.96 (ac68faa20 2026-05-25)"),
            Some(96)
        );
        assert_eq!(clippy_minor("clippy"), None);
    }

    #[test]
    fn the_toolchain_of_this_test_has_its_own_triple_and_no_invented_one() {
        let toolchain = Toolchain::current();
        let version = command::read(toolchain.rustc().arg("-vV")).unwrap();
        let host = version
            .lines()
            .find_map(|l| l.strip_prefix("host: "))
            .unwrap();
        assert!(toolchain.has(host));
        assert!(!toolchain.has("z80-unknown-none"));
    }
}
