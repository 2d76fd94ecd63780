//! `examples/run.c`, compiled against the static and the shared library, computes what Rust computes.

#![allow(clippy::unwrap_used, reason = "tests")]

use core::fmt::Write as _;
use nnz::format::Tensor;
use nnz::host::{Isa, Network};
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const SEED: usize = 17;

/// Builds the libraries and returns their folder.
fn libraries() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    let folder = root.unwrap().join("target/c");
    let mut build = Command::new(env!("CARGO"));
    build.args(["build", "--quiet", "--release", "--package", "nnz-c"]);
    build.arg("--target-dir").arg(&folder);
    assert!(build.status().unwrap().success());
    folder.join("release")
}

/// Compiles the program with `library` as the linker's last arguments; `None`, with a line that says so, where there
/// is no C compiler.
fn compiled(name: &str, folder: &Path, library: &[OsString]) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"));
    let program = folder.join(name);
    let mut cc = Command::new("cc");
    cc.args(["-std=c11", "-Wall", "-Wextra", "-Werror", "-O1"]);
    cc.arg(source.join("examples/run.c"));
    cc.arg("-I").arg(source.join("include"));
    cc.args(library).args(["-lm", "-lpthread", "-ldl", "-o"]);
    match cc.arg(&program).status() {
        Ok(status) => {
            assert!(status.success(), "the program does not compile");
            Some(program)
        }
        Err(error) => {
            println!("skipped: cc: {error}");
            None
        }
    }
}

/// What the program must print, from kernels without vectors.
fn expected(model: &Path) -> String {
    let network = Network::with_isa(&fs::read(model).unwrap(), Isa::Portable).unwrap();
    let len = |tensor: Tensor| usize::try_from(tensor.elements()).unwrap();
    let byte = |i: usize| u8::try_from(i * SEED % 256).unwrap().wrapping_sub(128);
    let mut session = network.session();
    let input = network.model().input(0).unwrap().tensor;
    let values: Vec<i8> = (0..len(input)).map(|i| byte(i).cast_signed()).collect();
    session.write_input_s8(0, &values).unwrap();
    session.run();
    let output = network.model().output(0).unwrap().tensor;
    let mut found = vec![0.0; len(output)];
    session.read_output_f32(0, &mut found).unwrap();
    let bytes = found.iter().flat_map(|value: &f32| value.to_ne_bytes());
    bytes.fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

/// Runs a compiled program.
fn printed(program: &Path, model: &Path, libraries: &Path) -> (bool, String, String) {
    let mut run = Command::new(program);
    run.arg(model).arg(SEED.to_string());
    let output = run.env("LD_LIBRARY_PATH", libraries).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    (
        output.status.success(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
#[cfg_attr(
    not(target_os = "linux"),
    ignore = "names of libraries are those of Linux"
)]
fn a_c_program_computes_what_rust_computes() {
    let libraries = libraries();
    let model =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/golden/v1/every_kernel.nnz");
    let folder = tempfile::tempdir().unwrap();
    let shared = [
        OsString::from("-L"),
        libraries.clone().into(),
        "-lnnz_c".into(),
    ];
    let fixed = [libraries.join("libnnz_c.a").into()];
    for (name, library) in [("shared", &shared[..]), ("static", &fixed[..])] {
        let Some(program) = compiled(name, folder.path(), library) else {
            return;
        };
        let (ended_well, out, _) = printed(&program, &model, &libraries);
        assert!(ended_well);
        assert_eq!(out, expected(&model), "{name}");
        let broken = folder.path().join("broken.nnz");
        fs::write(&broken, &fs::read(&model).unwrap()[..1000]).unwrap();
        let (ended_well, _, why) = printed(&program, &broken, &libraries);
        assert!(!ended_well);
        assert!(why.contains("not a network"), "{why}");
    }
}
