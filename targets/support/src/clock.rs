//! Instruction counts out of a timer.
//!
//! Under QEMU's `-icount shift=N` every instruction advances virtual time by `2^N` ns, so a timer
//! with a period of at most `2^N` ns tells exactly how many instructions ran:
//!
//! ```text
//! instruction       0     1     2     3     4     5        64 ns each (shift=6)
//! tick (40 ns)      0     1     3     4     6     8        ⌊1.6 · n⌋
//! ⌈tick · 40 / 64⌉  0     1     2     3     4     5        the instruction again
//! ```
//!
//! The result is exact to the instruction as long as ticks are counted from the moment the timer
//! was started. A counter of retired instructions (RISC-V `minstret`) is the case of one tick an
//! instruction.

/// A free-running counter that counts up and wraps at `2^32`.
pub trait Ticks {
    /// The present count.
    fn now(&mut self) -> u32;
}

/// Virtual time of one tick and of one instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Picoseconds of a tick.
    pub tick_ps: u32,
    /// Picoseconds of an instruction; at least `tick_ps`, or counts lose precision.
    pub insn_ps: u32,
}

impl Rate {
    /// One tick an instruction.
    pub const UNIT: Self = Self {
        tick_ps: 1,
        insn_ps: 1,
    };

    /// Instructions that ran when `ticks` were counted since the timer started.
    pub const fn instructions(self, ticks: u64) -> u64 {
        if self.insn_ps == 0 {
            return 0;
        }
        ticks
            .saturating_mul(self.tick_ps as u64)
            .div_ceil(self.insn_ps as u64)
    }
}

/// A reading of a [`Clock`]: ticks since it was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reading(u64);

/// Counts instructions between readings, without what reading costs.
///
/// It must be read at least once every `2^32` ticks. A reading is a few instructions, always the
/// same number; readings become instructions only afterwards, in [`Clock::between`].
#[derive(Debug)]
pub struct Clock<T> {
    ticks: T,
    rate: Rate,
    last: u32,
    total: u64,
    overhead: u64,
}

impl<T: Ticks> Clock<T> {
    /// Starts a clock on a timer that was just started, and measures what one reading costs.
    pub fn start(ticks: T, rate: Rate) -> Self {
        let mut clock = Self {
            ticks,
            rate,
            last: 0,
            total: 0,
            overhead: 0,
        };
        let mut cost = u64::MAX;
        for _ in 0..3 {
            let begin = clock.now();
            let end = clock.now();
            cost = cost.min(clock.between(begin, end));
        }
        clock.overhead = cost;
        clock
    }

    /// Reads the clock.
    #[inline(never)]
    pub fn now(&mut self) -> Reading {
        let now = self.ticks.now();
        self.total += u64::from(now.wrapping_sub(self.last));
        self.last = now;
        Reading(self.total)
    }

    /// Instructions between two readings, without the reading.
    pub fn between(&self, begin: Reading, end: Reading) -> u64 {
        let (begin, end) = (
            self.rate.instructions(begin.0),
            self.rate.instructions(end.0),
        );
        end.saturating_sub(begin).saturating_sub(self.overhead)
    }

    /// Picoseconds of the timer at a reading, since it was started.
    pub const fn picoseconds(&self, reading: Reading) -> u64 {
        reading.0.saturating_mul(self.rate.tick_ps as u64)
    }

    /// Instructions from the timer access of one reading to that of the next.
    pub const fn overhead(&self) -> u64 {
        self.overhead
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A timer of 40 ns beside instructions of 64 ns, each reading costing 11 instructions.
    struct Model {
        instruction: u64,
        step: u64,
    }

    impl Ticks for Model {
        fn now(&mut self) -> u32 {
            self.instruction += self.step;
            u32::try_from((self.instruction * 64 / 40) & 0xFFFF_FFFF).unwrap()
        }
    }

    #[test]
    fn ticks_give_back_every_instruction_exactly() {
        for (tick_ps, insn_ps) in [(40, 64), (50, 64), (1, 1), (64, 64)] {
            let rate = Rate { tick_ps, insn_ps };
            for n in (0..5_000_u64).chain((1 << 31)..(1 << 31) + 5_000) {
                let ticks = n * u64::from(insn_ps) / u64::from(tick_ps);
                assert_eq!(rate.instructions(ticks), n, "{rate:?}");
            }
        }
    }

    #[test]
    fn a_clock_leaves_its_own_reading_out() {
        let mut clock = Clock::start(
            Model {
                instruction: 0,
                step: 11,
            },
            Rate {
                tick_ps: 40,
                insn_ps: 64,
            },
        );
        assert_eq!(clock.overhead(), 11);
        let begin = clock.now();
        clock.ticks.instruction += 1_000;
        let end = clock.now();
        assert_eq!(clock.between(begin, end), 1_000);
    }

    #[test]
    fn a_clock_follows_a_counter_that_wraps() {
        let mut clock = Clock::start(
            Model {
                instruction: 0,
                step: 11,
            },
            Rate {
                tick_ps: 40,
                insn_ps: 64,
            },
        );
        let begin = clock.now();
        let mut end = begin;
        for _ in 0..5 {
            clock.ticks.instruction += 2_000_000_000;
            end = clock.now();
        }
        assert_eq!(clock.between(begin, end), 10_000_000_000 + 4 * 11);
    }

    #[test]
    fn a_rate_without_instruction_time_counts_nothing() {
        assert_eq!(
            Rate {
                tick_ps: 1,
                insn_ps: 0
            }
            .instructions(5),
            0
        );
    }
}
