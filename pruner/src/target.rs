//! The targets that `--target` names, and the backend of each.

use nnz_format::Backend;

/// One row of the target table.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// The name users type.
    pub name: &'static str,
    /// One line for `nnz targets`.
    pub summary: &'static str,
    /// Whether float networks are refused unless they are quantised.
    pub microcontroller: bool,
    /// The backend that files for it name.
    pub backend: Backend,
}

const fn target(name: &'static str, microcontroller: bool, summary: &'static str) -> Target {
    Target {
        name,
        summary,
        microcontroller,
        backend: Backend::Planar,
    }
}

/// A microcontroller with the multiplications of Armv7E-M.
const fn dsp(name: &'static str, summary: &'static str) -> Target {
    Target {
        backend: Backend::ArmDsp,
        ..target(name, true, summary)
    }
}

/// Every target, the default first.
pub const TARGETS: &[Target] = &[
    target("portable", false, "any CPU; the file runs everywhere"),
    target("host", false, "this machine"),
    target(
        "cortex-m0",
        true,
        "ARMv6-M without a multiplier for 64 bits",
    ),
    target("cortex-m0+", true, "ARMv6-M"),
    target("cortex-m3", true, "ARMv7-M"),
    dsp("cortex-m4", "ARMv7E-M"),
    dsp("cortex-m7", "ARMv7E-M, two instructions a cycle"),
    dsp("cortex-m33", "ARMv8-M mainline"),
    target("cortex-m55", true, "ARMv8.1-M"),
    target("rv32", true, "RISC-V RV32IMAC"),
];

impl Target {
    /// The default: runs everywhere.
    pub const PORTABLE: &'static Self = &TARGETS[0];

    /// The target of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|t| t.name == name)
    }
}
