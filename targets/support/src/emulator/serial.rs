//! Runs a target's image with its serial port as a pseudo terminal.

use super::{EmulatorError, find_file, image_folders, io_error, stop};
use crate::targets::{Emulator, Target};
use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use std::{io, thread};
use tempfile::TempDir;

/// An emulated device; it ends with this value.
#[derive(Debug)]
pub struct Device {
    child: Child,
    port: PathBuf,
    _folder: TempDir,
}

/// Time in which the emulator must have made its pseudo terminal.
const START: Duration = Duration::from_secs(20);

impl Device {
    /// Starts the target's image that is driven over a serial port.
    ///
    /// # Errors
    /// The target has no serial port, there is no image or no emulator.
    pub fn start(target: &Target) -> Result<Self, EmulatorError> {
        let no_emulator = || EmulatorError::NoEmulator(target.name.clone());
        let emulator = target.emulator.as_ref().ok_or_else(no_emulator)?;
        if emulator.serial.is_none() {
            return Err(EmulatorError::NoSerial(target.name.clone()));
        }
        let places = image_folders();
        let image = find_file(&places, &format!("{}.wire.elf", target.name));
        let image = image.ok_or_else(|| EmulatorError::NoImage {
            target: format!("{}.wire", target.name),
            places,
        })?;
        let folder = tempfile::tempdir().map_err(|e| io_error("making a temporary folder", e))?;
        let log = folder.path().join("log.txt");
        let mut child = spawn(emulator, &image, &log)?;
        match port(&mut child, &log) {
            Ok(port) => Ok(Self {
                child,
                port,
                _folder: folder,
            }),
            Err(error) => {
                stop(&mut child);
                Err(error)
            }
        }
    }

    /// The pseudo terminal.
    #[must_use]
    pub fn port(&self) -> &Path {
        &self.port
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn spawn(emulator: &Emulator, image: &Path, log: &Path) -> Result<Child, EmulatorError> {
    let out = fs::File::create(log).map_err(|e| io_error("making the log", e))?;
    let err = out.try_clone().map_err(|e| io_error("making the log", e))?;
    let mut command = Command::new(&emulator.program);
    command.arg("-machine").arg(&emulator.machine);
    if let Some(cpu) = &emulator.cpu {
        command.arg("-cpu").arg(cpu);
    }
    command
        .args(["-display", "none", "-monitor", "none", "-serial", "pty"])
        .args(["-semihosting-config", "enable=on,target=native"])
        .arg("-icount")
        .arg(format!("shift={}", emulator.icount_shift))
        .arg("-kernel")
        .arg(image)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err);
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

/// Waits until the emulator says which pseudo terminal it made.
fn port(child: &mut Child, log: &Path) -> Result<PathBuf, EmulatorError> {
    let begin = Instant::now();
    loop {
        let printed = fs::read_to_string(log).map_err(|e| io_error("reading the log", e))?;
        let after = printed.split_once("redirected to ").map(|(_, rest)| rest);
        if let Some((port, _)) = after.and_then(|rest| rest.split_once(' ')) {
            return Ok(PathBuf::from(port));
        }
        let ended = child
            .try_wait()
            .map_err(|e| io_error("waiting for the emulator", e))?;
        if ended.is_some() || begin.elapsed() > START {
            let what = format!("starting the emulator: {}", printed.trim());
            return Err(io_error(&what, io::Error::other("it made no serial port")));
        }
        thread::sleep(Duration::from_millis(10));
    }
}
