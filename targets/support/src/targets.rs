//! The facts of every target: one folder in `targets/`, one `target.toml` in it.
//!
//! The command line lists them, firmware builds take their memory map and timer from them, the
//! emulator driver its machine. They are part of the program, so that an installed `nnz` knows
//! them without a checkout.

use core::fmt;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// One target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// Name of the folder; what `--on` and `--target` take.
    #[serde(skip)]
    pub name: String,
    /// One line for people.
    pub title: String,
    /// Other names that `--target` takes.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// The core.
    pub core: String,
    /// Instruction set, as its vendor names it.
    pub isa: String,
    /// Rust target triple of firmware.
    pub triple: String,
    /// What the compiler calls the core (`-C target-cpu`), where it has instructions that its triple does not tell.
    pub cpu: Option<String>,
    /// Instructions that the compiler may use beyond its triple's (`-C target-feature`).
    pub features: Option<String>,
    /// Instructions that kernels have and the compiler does not know: images are built with `--cfg nnz_NAME`.
    pub extension: Option<String>,
    /// Whether its images are built and tested only where it is named.
    #[serde(default)]
    pub on_request: bool,
    /// Level at which kernels are optimised, where it is not that of the firmware's profile.
    pub kernel_opt_level: Option<u8>,
    /// Kernel family that files for this target use.
    pub backend: String,
    /// Clock, where the machine has one.
    pub clock: Option<ClockFacts>,
    /// Memory map.
    pub memory: Memory,
    /// Machine that emulates the target.
    pub emulator: Option<Emulator>,
    /// Core that is simulated to the cycle in the emulator's place.
    pub rtl: Option<Rtl>,
    /// What its kernels cost, measured by `nnz fit-costs`.
    pub cost: Option<CostFacts>,
}

/// What the kernels of a target cost.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostFacts {
    /// What is counted.
    pub unit: CostUnit,
    /// Constants by kernel (`conv_2d.csr_p.s8.pointwise`) and term (`entry`).
    pub kernels: BTreeMap<String, BTreeMap<String, f64>>,
}

impl CostFacts {
    /// Reads a table alone, as `target.toml` has it under `cost`.
    pub fn from_toml(text: &str) -> Result<Self, TargetError> {
        toml::from_str(text).map_err(|e| TargetError(e.to_string()))
    }
}

/// What a cost table counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostUnit {
    /// Cycles, modelled or measured.
    Cycles,
    /// Executed instructions.
    Instructions,
}

impl CostUnit {
    /// As reports write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cycles => "cycles",
            Self::Instructions => "instructions",
        }
    }
}

/// Core clock and what waits for flash cost.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockFacts {
    /// Core clock.
    pub hz: u64,
    /// Cycles a read of flash waits at this clock.
    pub flash_wait_states: u32,
}

/// Memory map.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Where code and constants lie.
    pub flash: Region,
    /// Writable memories, the main one first.
    pub ram: Vec<Ram>,
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First address.
    pub origin: u32,
    /// Length.
    pub bytes: u32,
}

/// A named writable memory.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ram {
    /// Its name.
    pub name: String,
    /// First address.
    pub origin: u32,
    /// Length.
    pub bytes: u32,
}

/// How QEMU plays this target.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emulator {
    /// Program.
    pub program: String,
    /// Debian package that has the program.
    pub package: String,
    /// `-machine`.
    pub machine: String,
    /// `-cpu`, where the machine takes more than one.
    pub cpu: Option<String>,
    /// `-icount shift=…`: an instruction takes `2^shift` ns of virtual time.
    pub icount_shift: u32,
    /// What the firmware counts instructions with.
    pub counter: Counter,
    /// Its serial port, where a device can be driven over one.
    pub serial: Option<Serial>,
    /// Core whose cycles are modelled, as `targets/cycles` names it; without it only instructions are counted.
    pub cycle_model: Option<String>,
}

/// How a core's own description plays this target: a simulator that `cargo xtask rtl` builds from `targets/rtl`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rtl {
    /// Target whose firmware image it runs.
    pub image: String,
    /// Name of the simulator: targets that differ in their memories only share one.
    pub simulator: String,
    /// The core: a file list and the bench's view of it in `targets/rtl`.
    pub core: String,
    /// `PyPI` package with the description.
    pub package: String,
    /// Its version.
    pub version: String,
    /// Folder of the description in the package.
    pub folder: String,
    /// Parameters of the core.
    #[serde(default)]
    pub parameters: BTreeMap<String, u32>,
    /// Lines of 16 bytes that stand between the core and its flash, for code and for data each.
    #[serde(default = "one")]
    pub flash_lines: u32,
}

const fn one() -> u32 {
    1
}

/// What the firmware counts instructions with.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Counter {
    /// 32-bit CMSDK APB timer, counting down.
    CmsdkTimer {
        /// Base address.
        address: u32,
        /// Nanoseconds of a tick.
        tick_ns: u32,
    },
    /// System counter of Arm's SSE-300, counting up.
    SseCounter {
        /// Base address of its control registers.
        address: u32,
        /// Picoseconds of a tick.
        tick_ps: u32,
    },
    /// The RISC-V counter of retired instructions.
    Minstret,
}

/// A serial port.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Serial {
    /// CMSDK APB UART.
    CmsdkUart {
        /// Base address.
        address: u32,
    },
}

/// Why a `target.toml` cannot be used, or a name is no target's.
#[derive(Clone, Debug)]
pub struct TargetError(String);

impl fmt::Display for TargetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for TargetError {}

const SOURCES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/targets.in"));

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    SOURCES
        .iter()
        .filter_map(|(name, text)| Target::from_toml(name, text).ok())
        .collect()
});

impl Target {
    /// Reads the facts of target `name`.
    pub fn from_toml(name: &str, text: &str) -> Result<Self, TargetError> {
        let mut target: Self = toml::from_str(text)
            .map_err(|e| TargetError(format!("targets/{name}/target.toml: {e}")))?;
        if target.memory.ram.is_empty() {
            return Err(TargetError(format!(
                "targets/{name}/target.toml: memory.ram is empty"
            )));
        }
        target.name = name.to_owned();
        Ok(target)
    }

    /// Whether its kernels multiply along the columns, from a tile behind the band of a convolution.
    pub fn has_tiles(&self) -> bool {
        self.extension.as_deref() == Some("xpulp")
    }

    /// Whether it can be run here, emulated or simulated.
    pub const fn is_runnable(&self) -> bool {
        self.emulator.is_some() || self.rtl.is_some()
    }

    /// Every target, by name.
    pub fn all() -> &'static [Self] {
        &TARGETS
    }

    /// The target of this name.
    pub fn find(name: &str) -> Result<&'static Self, TargetError> {
        Self::all().iter().find(|t| t.name == name).ok_or_else(|| {
            let names: Vec<&str> = Self::all().iter().map(|t| t.name.as_str()).collect();
            TargetError(format!(
                "no target '{name}'; there are {}",
                names.join(", ")
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_file_is_understood() {
        assert!(SOURCES.len() >= 6);
        for (name, text) in SOURCES {
            Target::from_toml(name, text).unwrap();
        }
    }

    #[test]
    fn every_timer_counts_at_least_one_tick_an_instruction() {
        for target in Target::all() {
            let Some(emulator) = &target.emulator else {
                continue;
            };
            let tick_ps = match emulator.counter {
                Counter::CmsdkTimer { tick_ns, .. } => tick_ns * 1000,
                Counter::SseCounter { tick_ps, .. } => tick_ps,
                Counter::Minstret => continue,
            };
            assert!(tick_ps <= 1000 << emulator.icount_shift, "{}", target.name);
        }
    }

    #[test]
    fn an_unknown_name_is_answered_with_the_known_ones() {
        let error = Target::find("cortex-m99").unwrap_err().to_string();
        assert!(
            error.contains("cortex-m99") && error.contains("cortex-m4"),
            "{error}"
        );
    }

    #[test]
    fn unknown_keys_and_missing_memory_are_refused() {
        let (name, text) = SOURCES[0];
        let error = Target::from_toml(name, &format!("surprise = 1\n{text}")).unwrap_err();
        assert!(error.to_string().contains("surprise"), "{error}");
        assert!(Target::from_toml("x", "title = \"x\"").is_err());
    }
}
