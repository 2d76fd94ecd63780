//! Totals of what ran.

use crate::core::Core;
use crate::flash::Flash;
use crate::insn::{Class, Insn, Kind};
use ::core::fmt;

/// Counts instructions and adds up cycles.
#[derive(Debug)]
pub(crate) struct Meter {
    core: Option<Core>,
    flash: Option<Flash>,
    previous: Option<Insn>,
    totals: Totals,
}

/// What was counted since the start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Totals {
    instructions: u64,
    cycles: u64,
    /// Branches that were taken.
    taken: u64,
    /// Addresses that waited for the instruction before.
    stalls: u64,
    /// Accesses that were not aligned.
    unaligned: u64,
    /// Cycles that flash made wait.
    flash_waits: u64,
    kinds: [u64; Kind::ALL.len()],
}

impl Meter {
    /// A meter of a core, and of a flash that makes it wait.
    pub(crate) fn new(core: Option<Core>, flash: Option<Flash>) -> Self {
        Self {
            core,
            flash,
            previous: None,
            totals: Totals::default(),
        }
    }

    /// Whether addresses of loads matter beyond their alignment.
    pub(crate) const fn has_flash(&self) -> bool {
        self.flash.is_some()
    }

    /// Whether cycles are counted.
    pub(crate) const fn has_core(&self) -> bool {
        self.core.is_some()
    }

    /// What was counted so far.
    pub(crate) const fn totals(&self) -> &Totals {
        &self.totals
    }

    /// `insn` runs.
    #[inline]
    pub(crate) fn execute(&mut self, insn: &Insn) {
        let totals = &mut self.totals;
        totals.instructions += 1;
        totals.kinds[insn.kind as usize] += 1;
        if let Some(core) = self.core {
            let cost = core.cost(self.previous.as_ref(), insn);
            totals.cycles += cost.cycles;
            totals.taken += u64::from(cost.is_branch_taken);
            totals.stalls += u64::from(cost.is_stalled);
        }
        if let Some(flash) = &mut self.flash {
            let waits = flash.fetch(insn.address, insn.len);
            totals.flash_waits += waits;
            totals.cycles += waits;
        }
        self.previous = Some(*insn);
    }

    /// The instruction that runs accesses `1 << size_shift` bytes at `address`.
    #[inline]
    pub(crate) fn access(&mut self, address: u32, size_shift: u32, is_store: bool) {
        let mask = (1_u32 << size_shift.min(31)) - 1;
        let extra = u64::from(address & mask != 0);
        self.totals.unaligned += extra;
        if self.core.is_some() {
            self.totals.cycles += extra;
        }
        if let (Some(flash), false) = (&mut self.flash, is_store) {
            let waits = flash.load(address);
            self.totals.flash_waits += waits;
            self.totals.cycles += waits;
        }
    }
}

/// Whether accesses of an instruction can be unaligned: those of bytes cannot, and others than single ones fault.
pub(crate) const fn may_be_unaligned(insn: &Insn) -> bool {
    matches!(insn.class, Class::Load | Class::Store)
}

/// `instructions cycles taken stalls unaligned flash_waits` and the kinds as `name=count`.
impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (instructions, cycles) = (self.instructions, self.cycles);
        write!(
            f,
            "instructions={instructions} cycles={cycles} taken={}",
            self.taken
        )?;
        write!(f, " stalls={} unaligned={}", self.stalls, self.unaligned)?;
        write!(f, " flash_waits={}", self.flash_waits)?;
        for (kind, count) in Kind::ALL.iter().zip(&self.kinds) {
            write!(f, " {}={count}", kind.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::thumb;

    /// Cycles of halfwords that follow each other in memory.
    fn cycles(core: Core, code: &[u16]) -> u64 {
        let mut meter = Meter::new(Some(core), None);
        let mut at = 0;
        let mut words = code.iter();
        while let Some(&first) = words.next() {
            let second = thumb::is_wide(first).then(|| *words.next().unwrap());
            let insn = thumb::decode(at, first, second);
            meter.execute(&insn);
            at = insn.next();
        }
        meter.totals.cycles
    }

    const LDRB_R0_R1: u16 = 0x7808;
    const ADDS_R1_1: u16 = 0x3101;
    const STRB_R0_R1: u16 = 0x7008;
    const PUSH_R4_R7_LR: u16 = 0xB5F0;

    #[test]
    fn a_load_after_a_load_takes_one_cycle_where_the_core_overlaps_them() {
        let code = [LDRB_R0_R1, LDRB_R0_R1, LDRB_R0_R1];
        assert_eq!(cycles(Core::CortexM4, &code), 4);
        assert_eq!(cycles(Core::CortexM3, &code), 4);
        assert_eq!(cycles(Core::CortexM0Plus, &code), 6);
    }

    #[test]
    fn an_address_waits_for_the_instruction_that_computes_it() {
        let code = [ADDS_R1_1, STRB_R0_R1];
        assert_eq!(cycles(Core::CortexM4, &code), 3);
        assert_eq!(
            cycles(Core::CortexM0Plus, &code),
            3,
            "a store of two cycles, no wait"
        );
    }

    #[test]
    fn several_registers_take_one_cycle_each_and_one_more() {
        assert_eq!(cycles(Core::CortexM4, &[PUSH_R4_R7_LR]), 6);
    }

    #[test]
    fn long_products_take_longer_on_the_m3_only() {
        let smlal = [0xFBC2, 0x0103];
        let mla = [0xFB02, 0x0103];
        let mul = [0xFB02, 0xF103];
        assert_eq!(cycles(Core::CortexM4, &smlal), 1);
        assert_eq!(cycles(Core::CortexM3, &smlal), 6);
        assert_eq!(
            (cycles(Core::CortexM4, &mla), cycles(Core::CortexM3, &mla)),
            (1, 2)
        );
        assert_eq!(cycles(Core::CortexM3, &mul), 1);
    }

    #[test]
    fn a_branch_that_is_taken_refills_the_pipeline() {
        for (core, expected) in [
            (Core::CortexM4, 4),
            (Core::CortexM3, 4),
            (Core::CortexM0Plus, 3),
        ] {
            let mut meter = Meter::new(Some(core), None);
            meter.execute(&thumb::decode(100, 0xD0FE, None));
            meter.execute(&thumb::decode(100, 0x0000, None));
            assert_eq!(meter.totals.cycles, expected, "{core:?}");
            assert_eq!(meter.totals.taken, 1);
        }
    }

    #[test]
    fn an_unaligned_access_costs_a_cycle() {
        let mut meter = Meter::new(Some(Core::CortexM4), None);
        meter.access(0x2000_0002, 2, false);
        meter.access(0x2000_0004, 2, true);
        meter.access(0x2000_0003, 0, false);
        assert_eq!((meter.totals.cycles, meter.totals.unaligned), (1, 1));
    }

    #[test]
    fn every_instruction_has_one_kind() {
        let mut meter = Meter::new(None, None);
        for first in [
            LDRB_R0_R1,
            STRB_R0_R1,
            ADDS_R1_1,
            0x4348,
            0xE7FE,
            PUSH_R4_R7_LR,
        ] {
            meter.execute(&thumb::decode(0, first, None));
        }
        meter.execute(&thumb::decode(0, 0xFB90, Some(0xF1F2)));
        meter.execute(&thumb::decode(0, 0xEE30, Some(0x0A20)));
        let text = meter.totals().to_string();
        assert_eq!(
            meter.totals.kinds.iter().sum::<u64>(),
            meter.totals.instructions
        );
        assert!(
            text.ends_with("alu=1 load=1 store=2 multiply=1 divide=1 branch=1 float=1"),
            "{text}"
        );
        assert!(text.contains("cycles=0"), "{text}");
    }
}
