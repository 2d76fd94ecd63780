//! Runs one model on one target's firmware image under QEMU.
//!
//! ```text
//! temporary folder   model.nnz  input.bin  budget.bin   → qemu -kernel TARGET.elf →   output.bin, lines on stdout
//! ```
//!
//! The firmware reads and writes the folder's files through semihosting. Instruction counts are
//! those of the emulated machine, the same in every run.

use crate::report::{Run, RunFailure};
use crate::targets::{Emulator, Target};
use crate::{BUDGET_FILE, INPUT_FILE, MODEL_FILE, OUTPUT_FILE};
use core::time::Duration;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Instant;
use std::{env, fs, io, thread};
use tempfile::TempDir;

mod error;
mod meter;
mod rtl;
pub mod serial;
mod symbol;

pub use error::EmulatorError;
pub use meter::{FlashModel, Metered, Metering, find_plugin};
pub use rtl::{find_simulator, simulator_file};

/// The static into which the firmware reads the model, which a product has in flash.
const MODEL_STATIC: &str = "nnz_model";

/// Environment variable that names the folder with the firmware images.
pub const FIRMWARE_DIR: &str = "NNZ_FIRMWARE_DIR";

/// What to run.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Where to run it.
    pub target: &'a Target,
    /// The `.nnz` file's bytes.
    pub model: &'a [u8],
    /// Rows of input, each all input tensors' bytes in file order; empty is one row of zeros.
    pub input: &'a [u8],
    /// Time after which the emulator is stopped.
    pub timeout: Duration,
    /// With what flash to model cycles; `None` runs without the cycle model.
    pub meter: Option<FlashModel>,
    /// Multiply-accumulates after which a further run of the first row pauses; `None` leaves that run out.
    pub slice: Option<u32>,
}

/// What came out.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Rows of output, laid out like the input.
    pub output: Vec<u8>,
    /// Counts and sizes.
    pub run: Run,
    /// Totals by kind of instruction, and cycles; `None` where they were not asked for or the plugin is missing.
    pub metering: Option<Metering>,
    /// Code bytes of the model's operators, where `cargo xtask size` measured them.
    pub code_bytes: Option<u64>,
    /// What it ran on, for a report.
    pub environment: String,
}

/// Folders that may hold firmware images, the first that applies first.
pub fn image_folders() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    if let Some(folder) = env::var_os(FIRMWARE_DIR) {
        folders.push(PathBuf::from(folder));
        return folders;
    }
    let program = env::current_exe().ok();
    if let Some(parent) = program
        .as_deref()
        .and_then(Path::parent)
        .and_then(Path::parent)
    {
        folders.push(parent.join("firmware"));
    }
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/firmware");
    folders.push(checkout.canonicalize().unwrap_or(checkout));
    folders.dedup();
    folders
}

/// The image of `target` that runs any model.
pub fn find_image(target: &Target) -> Result<PathBuf, EmulatorError> {
    let places = image_folders();
    let owner = target.rtl.as_ref().map_or(&target.name, |rtl| &rtl.image);
    find_file(&places, &format!("{owner}.elf")).ok_or_else(|| EmulatorError::NoImage {
        target: owner.clone(),
        places,
    })
}

/// The first of the folders' files of this name.
fn find_file(places: &[PathBuf], name: &str) -> Option<PathBuf> {
    let mut files = places.iter().map(|folder| folder.join(name));
    files.find(|file| file.is_file())
}

/// Runs a request to its end.
pub fn run(request: &Request<'_>) -> Result<Outcome, EmulatorError> {
    let target = request.target;
    if let Some(core) = &target.rtl {
        return rtl::run(core, &find_image(target)?, request);
    }
    let emulator = target
        .emulator
        .as_ref()
        .ok_or_else(|| EmulatorError::NoEmulator(target.name.clone()))?;
    let image = find_image(target)?;
    let metered = run_image(emulator, &image, request);
    if request.meter.is_some() && refused_plugin(&metered) {
        let meter = None;
        return run_image(emulator, &image, &Request { meter, ..*request });
    }
    metered
}

/// Whether the emulator ended because it cannot load the plugin: it was built without the interface, or has another
/// version of it.
fn refused_plugin(outcome: &Result<Outcome, EmulatorError>) -> bool {
    matches!(outcome, Err(EmulatorError::Failed { printed, failure: RunFailure::Unfinished, .. })
        if printed.contains("plugin"))
}

/// Runs a request on a given image.
pub fn run_image(
    emulator: &Emulator,
    image: &Path,
    request: &Request<'_>,
) -> Result<Outcome, EmulatorError> {
    let folder = exchange(request)?;
    let log = folder.path().join("log.txt");
    let plugin = request.meter.zip(find_plugin());
    let plugin = plugin.map(|(flash, file)| {
        let model = symbol::place(image, MODEL_STATIC).filter(|_| flash.wait_states > 0);
        meter::argument(&file, request.target, flash, model)
    });
    let child = command(emulator, image, folder.path(), &log, plugin.as_deref())?;
    let (run, output) = collect(child, folder.path(), &log, request.timeout)?;
    let metering = match plugin {
        Some(_) => Some(read_totals(folder.path(), &run, emulator)?),
        None => None,
    };
    Ok(Outcome {
        output,
        run,
        metering,
        code_bytes: measured_code_bytes(image, request.model),
        environment: environment(emulator),
    })
}

/// A folder with the files that the firmware reads.
fn exchange(request: &Request<'_>) -> Result<TempDir, EmulatorError> {
    let folder = tempfile::tempdir().map_err(|e| io_error("making a temporary folder", e))?;
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes)
            .map_err(|e| io_error(&format!("writing {name}"), e))
    };
    write(MODEL_FILE, request.model)?;
    write(INPUT_FILE, request.input)?;
    if let Some(budget) = request.slice {
        write(BUDGET_FILE, &budget.to_le_bytes())?;
    }
    Ok(folder)
}

/// Waits for the end; what the firmware printed and wrote.
fn collect(
    child: Child,
    folder: &Path,
    log: &Path,
    timeout: Duration,
) -> Result<(Run, Vec<u8>), EmulatorError> {
    let status = finish(child, timeout)?;
    let printed = fs::read(log).map_err(|e| io_error("reading the emulator's output", e))?;
    let printed = String::from_utf8_lossy(&printed);
    let run = Run::parse(&printed).map_err(|failure| EmulatorError::Failed {
        failure,
        status,
        printed: last_lines(&printed),
    })?;
    let output = match fs::read(folder.join(OUTPUT_FILE)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(e) => return Err(io_error("reading the firmware's output", e)),
    };
    Ok((run, output))
}

/// What the plugin wrote.
fn read_totals(folder: &Path, run: &Run, emulator: &Emulator) -> Result<Metering, EmulatorError> {
    let totals = fs::read_to_string(folder.join(meter::TOTALS_FILE))
        .map_err(|e| io_error("reading the cycle model's totals", e))?;
    meter::metering(&totals, run, emulator.cycle_model.is_some())
}

fn command(
    emulator: &Emulator,
    image: &Path,
    folder: &Path,
    log: &Path,
    plugin: Option<&str>,
) -> Result<Child, EmulatorError> {
    let image = image
        .canonicalize()
        .map_err(|e| io_error("finding the firmware image", e))?;
    let mut command = Command::new(&emulator.program);
    listen(&mut command, folder, log)?;
    command.arg("-machine").arg(&emulator.machine);
    if let Some(cpu) = &emulator.cpu {
        command.arg("-cpu").arg(cpu);
    }
    command
        .args(
            ["-bios", "none"]
                .iter()
                .filter(|_| emulator.program.contains("riscv")),
        )
        .args(["-display", "none", "-monitor", "none", "-serial", "none"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .arg("-icount")
        .arg(format!("shift={}", emulator.icount_shift))
        .args(plugin.iter().flat_map(|plugin| ["-plugin", plugin]))
        .arg("-kernel")
        .arg(image);
    command.spawn().map_err(|e| {
        if e.kind() != io::ErrorKind::NotFound {
            return io_error(&format!("starting {}", emulator.program), e);
        }
        EmulatorError::NotInstalled {
            program: emulator.program.clone(),
            package: emulator.package.clone(),
        }
    })
}

/// Lets a program run in the exchange folder and print into the log.
fn listen(command: &mut Command, folder: &Path, log: &Path) -> Result<(), EmulatorError> {
    let out = File::create(log).map_err(|e| io_error("making the log", e))?;
    let err = out.try_clone().map_err(|e| io_error("making the log", e))?;
    command.current_dir(folder).stdin(Stdio::null());
    command.stdout(out).stderr(err);
    Ok(())
}

fn finish(mut child: Child, timeout: Duration) -> Result<ExitStatus, EmulatorError> {
    let begin = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) if begin.elapsed() < timeout => thread::sleep(Duration::from_millis(10)),
            Ok(None) => {
                stop(&mut child);
                return Err(EmulatorError::Timeout(timeout));
            }
            Err(e) => {
                stop(&mut child);
                return Err(io_error("waiting for the emulator", e));
            }
        }
    }
}

/// Ends the emulator; one that ended by itself meanwhile is no failure.
fn stop(child: &mut Child) {
    let _ = child.kill();
    let _ = child.wait();
}

/// File beside an image with the code bytes of the operators that a model uses; `None` where `model`
/// is too short to be one.
///
/// The kernel set is in bytes 16 to 32 of a model (SPEC.md section 2).
pub fn code_bytes_file(image: &Path, model: &[u8]) -> Option<PathBuf> {
    let set = model.get(16..32)?;
    let name: String = set.iter().rev().map(|byte| format!("{byte:02x}")).collect();
    let set = name.trim_start_matches('0');
    Some(image.with_extension(format!("{set}.code_bytes")))
}

/// Code bytes that were measured for the model's operators and are not older than the image.
fn measured_code_bytes(image: &Path, model: &[u8]) -> Option<u64> {
    let file = code_bytes_file(image, model)?;
    let written = |path: &Path| fs::metadata(path).ok()?.modified().ok();
    if written(&file)? < written(image)? {
        return None;
    }
    fs::read_to_string(file).ok()?.trim().parse().ok()
}

fn environment(emulator: &Emulator) -> String {
    let version = Command::new(&emulator.program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()
        .and_then(|o| {
            String::from_utf8_lossy(&o.stdout)
                .lines()
                .next()
                .map(str::to_owned)
        })
        .unwrap_or_else(|| emulator.program.clone());
    format!(
        "{version}, machine {}, -icount shift={}",
        emulator.machine, emulator.icount_shift
    )
}

fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines
        .get(lines.len().saturating_sub(5)..)
        .unwrap_or(&[])
        .join("\n")
}

fn io_error(what: &str, source: io::Error) -> EmulatorError {
    EmulatorError::Io {
        what: what.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(target: &Target) -> Request<'_> {
        Request {
            target,
            model: &[],
            input: &[],
            timeout: Duration::from_millis(200),
            meter: None,
            slice: None,
        }
    }

    #[test]
    fn a_missing_emulator_names_its_package() {
        let target = Target::find("cortex-m4").unwrap();
        let mut emulator = target.emulator.clone().unwrap();
        emulator.program = "no-such-emulator".to_owned();
        let image = env::current_exe().unwrap();
        let error = run_image(&emulator, &image, &request(target)).unwrap_err();
        assert!(
            matches!(error, EmulatorError::NotInstalled { .. }),
            "{error}"
        );
        assert!(
            error
                .to_string()
                .contains("apt-get install qemu-system-arm"),
            "{error}"
        );
    }

    #[test]
    fn an_emulator_that_hangs_is_stopped() {
        let target = Target::find("cortex-m4").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let script = folder.path().join("hang");
        fs::write(&script, "#!/bin/sh\nexec sleep 60\n").unwrap();
        let made = Command::new("chmod")
            .arg("+x")
            .arg(&script)
            .status()
            .unwrap();
        assert!(made.success());
        let mut emulator = target.emulator.clone().unwrap();
        emulator.program = script.display().to_string();
        let begin = Instant::now();
        let error = run_image(&emulator, &script, &request(target)).unwrap_err();
        assert!(matches!(error, EmulatorError::Timeout(_)), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn an_emulator_that_prints_nothing_is_an_unfinished_run() {
        let target = Target::find("cortex-m4").unwrap();
        let mut emulator = target.emulator.clone().unwrap();
        emulator.program = "true".to_owned();
        let image = env::current_exe().unwrap();
        let error = run_image(&emulator, &image, &request(target)).unwrap_err();
        assert!(error.to_string().contains("without finishing"), "{error}");
    }

    #[test]
    fn code_bytes_belong_to_a_set_of_operators_and_to_no_older_image() {
        let folder = tempfile::tempdir().unwrap();
        let image = folder.path().join("cortex-m4.elf");
        let mut model = [0; 48];
        model[17] = 0xAB;
        let file = code_bytes_file(&image, &model).unwrap();
        assert!(
            file.ends_with("cortex-m4.ab00.code_bytes"),
            "{}",
            file.display()
        );
        assert_eq!(code_bytes_file(&image, &[0; 8]), None);
        fs::write(&image, "").unwrap();
        assert_eq!(measured_code_bytes(&image, &model), None);
        fs::write(&file, "123\n").unwrap();
        assert_eq!(measured_code_bytes(&image, &model), Some(123));
        let later = fs::metadata(&file).unwrap().modified().unwrap() + Duration::from_secs(9);
        File::options()
            .write(true)
            .open(&image)
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(measured_code_bytes(&image, &model), None);
    }

    #[test]
    fn a_missing_image_says_how_to_build_it() {
        let error = EmulatorError::NoImage {
            target: "cortex-m4".to_owned(),
            places: vec![PathBuf::from("/a"), PathBuf::from("/b")],
        };
        let text = error.to_string();
        assert!(text.contains("cortex-m4.elf in /a /b"), "{text}");
        assert!(text.contains("cargo xtask firmware"), "{text}");
    }
}
