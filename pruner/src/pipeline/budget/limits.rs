//! What a file may need at most, and what it needs of that.

use crate::pipeline::PipelineError;
use crate::target::Target;
use core::time::Duration;
use nnz_support::targets::CostUnit;
use serde::Serialize;

/// What a file may need at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Budget {
    /// Bytes of the file.
    pub flash: Option<u64>,
    /// Bytes of the arena.
    pub ram: Option<u64>,
    /// Predicted cost of one inference, in the unit of the target's table.
    pub cycles: Option<u64>,
    /// Predicted time of one inference at the target's clock.
    pub latency: Option<Duration>,
}

/// What a file needs.
#[derive(Debug, Clone, Copy)]
pub(in crate::pipeline) struct Need {
    pub(in crate::pipeline) bytes: u64,
    pub(in crate::pipeline) arena: u64,
    pub(in crate::pipeline) cost: u64,
}

/// A limit and what a file uses of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Use {
    /// The option that set the limit.
    pub limit: &'static str,
    /// What is counted.
    pub unit: &'static str,
    /// At most.
    pub most: u64,
    /// By the file.
    pub used: u64,
    /// Whether it is the limit of which most is used, so that more of another would gain nothing.
    pub binds: bool,
}

impl Use {
    /// Share of the limit that is used.
    #[must_use]
    pub fn share(&self) -> f64 {
        ratio(self.used, self.most)
    }
}

impl Budget {
    /// Whether nothing is limited.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.flash.is_none()
            && self.ram.is_none()
            && self.cycles.is_none()
            && self.latency.is_none()
    }

    /// Refuses limits that the target cannot be held to.
    pub(in crate::pipeline) fn check(&self, target: &Target) -> Result<(), PipelineError> {
        if self.latency.is_some() && clock(target).is_none() {
            return Err(PipelineError::option(
                format!(
                    "--latency needs a clock and a cost table in cycles, target {} has not both",
                    target.name
                ),
                "choose a target such as cortex-m4, or limit the predicted cost with --cycles",
            ));
        }
        Ok(())
    }

    /// The cost that one inference may have.
    pub(super) fn cost(&self, target: &Target) -> Option<u64> {
        let of_time = |time: Duration| cycles_in(time, clock(target)?);
        let by_time = self.latency.and_then(of_time);
        self.cycles.into_iter().chain(by_time).min()
    }

    /// What a file uses of each limit.
    pub(in crate::pipeline) fn uses(&self, need: Need, target: &Target) -> Vec<Use> {
        let unit = target.cost.unit.name();
        let time = clock(target).map(|hz| micros(need.cost, hz));
        let most_time = self.latency.map(|t| t.as_micros());
        let most_time = most_time.and_then(|t| u64::try_from(t).ok());
        let limits = [
            ("--flash", "bytes", self.flash, Some(need.bytes)),
            ("--ram", "bytes", self.ram, Some(need.arena)),
            ("--cycles", unit, self.cycles, Some(need.cost)),
            ("--latency", "µs", most_time, time),
        ];
        let set = limits.into_iter().filter_map(|(limit, unit, most, used)| {
            Some(Use {
                limit,
                unit,
                most: most?,
                used: used?,
                binds: false,
            })
        });
        let mut uses: Vec<Use> = set.collect();
        let fullest = (0..uses.len()).max_by(|a, b| uses[*a].share().total_cmp(&uses[*b].share()));
        if let Some(fullest) = fullest {
            uses[fullest].binds = true;
        }
        uses
    }

    /// The limit of which a file uses most.
    pub(super) fn binding(&self, need: Need, target: &Target) -> Option<Use> {
        self.uses(need, target).into_iter().find(|u| u.binds)
    }
}

/// Cycles a second, where predictions are cycles.
fn clock(target: &Target) -> Option<u64> {
    target
        .clock_hz
        .filter(|hz| *hz > 0 && target.cost.unit == CostUnit::Cycles)
}

fn cycles_in(time: Duration, hz: u64) -> Option<u64> {
    let cycles = time.as_micros().checked_mul(hz.into())? / 1_000_000;
    u64::try_from(cycles).ok()
}

/// Rounded up, so that a limit in time holds for the cycles too.
fn micros(cycles: u64, hz: u64) -> u64 {
    let micros = (u128::from(cycles) * 1_000_000).div_ceil(hz.into());
    u64::try_from(micros).unwrap_or(u64::MAX)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "bytes and cycles are far below 2^52"
)]
pub(super) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole.max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEED: Need = Need {
        bytes: 900,
        arena: 100,
        cost: 50_000,
    };

    #[test]
    fn the_fullest_limit_binds() {
        let target = Target::named("cortex-m4").unwrap();
        let budget = Budget {
            flash: Some(1000),
            ram: Some(120),
            cycles: Some(51_000),
            latency: None,
        };
        let found = budget.binding(NEED, target).unwrap();
        assert_eq!(
            (found.limit, found.most, found.used),
            ("--cycles", 51_000, 50_000)
        );
        assert_eq!(
            budget.uses(NEED, target).iter().filter(|u| u.binds).count(),
            1
        );
    }

    #[test]
    fn a_time_is_a_number_of_cycles_at_the_clock() {
        let target = Target::named("cortex-m4").unwrap();
        let hz = target.clock_hz.unwrap();
        let budget = Budget {
            latency: Some(Duration::from_millis(2)),
            ..Budget::default()
        };
        assert_eq!(budget.cost(target), Some(hz / 500));
        let used = budget.binding(NEED, target).unwrap();
        assert_eq!((used.limit, used.most), ("--latency", 2000));
        assert_eq!(used.used, (50_000 * 1_000_000_u64).div_ceil(hz));
    }

    #[test]
    fn a_target_without_a_clock_refuses_a_time() {
        let budget = Budget {
            latency: Some(Duration::from_millis(2)),
            ..Budget::default()
        };
        let error = budget.check(Target::portable()).unwrap_err();
        assert!(error.to_string().contains("--cycles"), "{error}");
        assert!(budget.check(Target::named("cortex-m4").unwrap()).is_ok());
    }
}
