//! Cycles of one instruction after another, by core.
//!
//! Sources: the instruction timing tables of Arm's Technical Reference Manuals (Cortex-M4 DDI 0439 section 3.3,
//! Cortex-M3 DDI 0337 section 18.2, Cortex-M0+ DDI 0484 section 3.3), zero wait states. Where a table gives a
//! range, the middle stands here; `docs/cycle-model.md` lists each choice.

use crate::insn::{Class, Insn, Multiply, NONE};

/// A core whose cycles are modelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Core {
    /// Three stages, single-cycle multiplications of 32 × 32 + 64 bits.
    CortexM4,
    /// As M4, but 64-bit products take several cycles.
    CortexM3,
    /// Two stages, no overlapping loads, single-cycle 32-bit multiplier.
    CortexM0Plus,
}

/// What the last instruction made the next one wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Cost {
    /// All cycles.
    pub(crate) cycles: u64,
    /// Whether the instruction before was a branch that was taken.
    pub(crate) is_branch_taken: bool,
    /// Whether an address waited for the instruction before.
    pub(crate) is_stalled: bool,
}

impl Core {
    /// The core of this name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "cortex-m4" => Some(Self::CortexM4),
            "cortex-m3" => Some(Self::CortexM3),
            "cortex-m0plus" => Some(Self::CortexM0Plus),
            _ => None,
        }
    }

    /// Cycles of `insn` when it runs after `previous`, the refill after a taken branch included.
    pub(crate) fn cost(self, previous: Option<&Insn>, insn: &Insn) -> Cost {
        let refill = previous.map_or(0, |p| self.refill(p, insn));
        let is_stalled = self != Self::CortexM0Plus && previous.is_some_and(|p| waits(p, insn));
        let is_pipelined =
            self != Self::CortexM0Plus && previous.is_some_and(|p| p.class == Class::Load);
        let cycles = refill
            + u64::from(is_stalled)
            + self.multiplication(insn.multiply)
            + self.own(insn, is_pipelined);
        Cost {
            cycles,
            is_branch_taken: refill > 0,
            is_stalled,
        }
    }

    /// Cycles to refill the pipeline where the instruction before did not fall through.
    fn refill(self, previous: &Insn, insn: &Insn) -> u64 {
        let may_branch = matches!(
            previous.class,
            Class::Branch | Class::TableBranch | Class::LoadMany | Class::Data
        );
        if !may_branch || insn.address == previous.next() {
            return 0;
        }
        match (self, previous.class, previous.len) {
            (Self::CortexM4 | Self::CortexM3, ..) => 2,
            (Self::CortexM0Plus, Class::LoadMany, _) | (Self::CortexM0Plus, Class::Branch, 4) => 2,
            (Self::CortexM0Plus, ..) => 1,
        }
    }

    /// Cycles that a multiplication takes beyond the first.
    const fn multiplication(self, multiply: Multiply) -> u64 {
        match (self, multiply) {
            (Self::CortexM3, Multiply::Sum) => 1,
            (Self::CortexM3, Multiply::Long) => 3,
            (Self::CortexM3, Multiply::LongSum) => 5,
            _ => 0,
        }
    }

    fn own(self, insn: &Insn, is_pipelined: bool) -> u64 {
        match insn.class {
            Class::Load => 2 - u64::from(is_pipelined),
            Class::Store => 1 + u64::from(self == Self::CortexM0Plus),
            Class::LoadMany | Class::StoreMany => 1 + u64::from(insn.registers),
            Class::LoadPair | Class::StorePair => 3,
            Class::TableBranch => 2,
            Class::Divide => 6,
            Class::Data | Class::Branch => 1,
        }
    }
}

/// Whether the address of `insn` needs what the data instruction before it computed.
fn waits(previous: &Insn, insn: &Insn) -> bool {
    let needs_address = insn.class.is_memory();
    let computed = previous.class == Class::Data && previous.dest != NONE;
    needs_address && computed && (insn.base == previous.dest || insn.index == previous.dest)
}
