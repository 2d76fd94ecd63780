//! Where a run stands, so that it can pause between tiles or rows and go on later.

/// Whether a run has finished.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Every step has run; the outputs hold the result.
    Done,
    /// The budget is used up; call `step` again.
    Yielded,
}

/// A position within a step and what may still be spent.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cursor {
    /// Tiles, rows or channels of the step that are done.
    pub(crate) unit: usize,
    /// Entries of the weight stream before that unit, where rows are units.
    pub(crate) entries: usize,
    /// Multiply-accumulates left.
    budget: u32,
}

impl Cursor {
    /// Allows `budget` multiply-accumulates from here on.
    pub(crate) const fn refill(&mut self, budget: u32) {
        self.budget = budget;
    }

    /// Back to the beginning of a step.
    pub(crate) const fn rewind(&mut self) {
        self.unit = 0;
        self.entries = 0;
    }

    /// How many times `cost` can be paid.
    #[inline]
    pub(crate) fn affordable(&self, cost: usize) -> usize {
        let budget = usize::try_from(self.budget).unwrap_or(usize::MAX);
        budget.checked_div(cost).unwrap_or(budget)
    }

    /// Pays `cost`, at least 1; whether the budget is used up.
    #[inline]
    pub(crate) fn spend(&mut self, cost: usize) -> bool {
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).max(1);
        self.budget = self.budget.saturating_sub(cost);
        self.is_empty()
    }

    /// Whether the budget is used up.
    pub(crate) const fn is_empty(&self) -> bool {
        self.budget == 0
    }

    /// Runs `unit` for the units that are left, `cost` multiply-accumulates each, until the budget is used up.
    #[inline]
    pub(crate) fn each(
        &mut self,
        units: usize,
        cost: usize,
        mut unit: impl FnMut(usize),
    ) -> Progress {
        while self.unit < units {
            unit(self.unit);
            self.unit = self.unit.wrapping_add(1);
            if self.spend(cost) && self.unit < units {
                return Progress::Yielded;
            }
        }
        Progress::Done
    }
}
