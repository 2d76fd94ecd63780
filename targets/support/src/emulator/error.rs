//! Why an emulated run did not happen or did not finish, and what to do about it.

use super::FIRMWARE_DIR;
use crate::report::RunFailure;
use core::fmt;
use core::time::Duration;
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;

/// Why a run did not happen or did not finish.
#[derive(Debug)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The target has no emulator.
    NoEmulator(String),
    /// The target has no serial port.
    NoSerial(String),
    /// No image of this target was found; the places looked at.
    NoImage {
        /// Target.
        target: String,
        /// Places.
        places: Vec<PathBuf>,
    },
    /// The emulator is not installed.
    NotInstalled {
        /// Program.
        program: String,
        /// Debian package.
        package: String,
    },
    /// No simulator of this core was found; the places looked at.
    NoSimulator {
        /// Simulator.
        name: String,
        /// Places.
        places: Vec<PathBuf>,
    },
    /// A file of the exchange folder, or starting the emulator, failed.
    Io {
        /// What was done.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// It ran longer than allowed.
    Timeout(Duration),
    /// The cycle model's totals do not fit the run.
    Meter(String),
    /// The firmware's report is a failure or is not finished.
    Failed {
        /// Why.
        failure: RunFailure,
        /// How the emulator ended.
        status: ExitStatus,
        /// The end of what it printed.
        printed: String,
    },
}

impl fmt::Display for EmulatorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoEmulator(target) => write!(f, "{target} has no emulator"),
            Self::NoSerial(target) => write!(
                f,
                "{target} has no serial port\n  help: targets/cortex-m4/target.toml has one (`serial`)"
            ),
            Self::NoImage { target, places } => {
                write!(f, "no firmware image {target}.elf in")?;
                for place in places {
                    write!(f, " {}", place.display())?;
                }
                write!(
                    f,
                    "\n  help: build the images with `cargo xtask firmware`, or name their folder \
                     in {FIRMWARE_DIR}"
                )
            }
            Self::NoSimulator { name, places } => {
                write!(f, "no simulator {name}.rtl in")?;
                for place in places {
                    write!(f, " {}", place.display())?;
                }
                f.write_str("\n  help: `cargo xtask rtl` builds the simulators")
            }
            Self::NotInstalled { program, package } => write!(
                f,
                "{program} is not installed\n  help: on Debian or Ubuntu: `apt-get install {package}`"
            ),
            Self::Io { what, source } => write!(f, "{what}: {source}"),
            Self::Meter(what) => write!(
                f,
                "the cycle model does not fit the firmware: {what}\n  help: build both again with \
                 `cargo xtask setup` and `cargo xtask firmware`"
            ),
            Self::Timeout(limit) => {
                write!(
                    f,
                    "the emulator ran longer than {} s and was stopped",
                    limit.as_secs()
                )
            }
            Self::Failed {
                failure,
                status,
                printed,
            } => {
                write!(f, "{failure} ({status})")?;
                if matches!(failure, RunFailure::Unfinished) && !printed.is_empty() {
                    write!(f, "; it printed last: {printed}")?;
                }
                Ok(())
            }
        }
    }
}

impl core::error::Error for EmulatorError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Failed { .. }
            | Self::NoEmulator(_)
            | Self::NoSerial(_)
            | Self::NoImage { .. }
            | Self::NoSimulator { .. }
            | Self::NotInstalled { .. }
            | Self::Meter(_)
            | Self::Timeout(_) => None,
        }
    }
}
