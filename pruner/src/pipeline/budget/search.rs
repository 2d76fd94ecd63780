//! Builds files until the fullest one within the budget is found.
//!
//! ```text
//! knob    room ∈ (0, 1]  →  sparsities of the layers, or one sparsity, or a share of the channels
//! search  build; too large: less room, too small: more, by a straight line between the nearest of both sides
//! ```

use super::judge::Judge;
use super::knob::{Knob, LEAST, NARROWED};
use super::limits::Need;
use crate::ir::Graph;
use crate::pipeline::build::{Finished, Input, finish};
use crate::pipeline::{Listener, Options, PipelineError, Stage};
use crate::sparsify::{Effort, Method, Refit};
use core::cell::Cell;

/// Files that are built before the best is taken.
const ATTEMPTS: usize = 12;
/// Calibration samples of files that only tell a size.
const FEW: usize = 32;
/// Files with all samples that are built, in less room while they exceed the budget: by what they use too much, and
/// [`SHRINK`] of it more each time.
const RETRIES: usize = 6;
const SHRINK: f64 = 0.004;
/// Share of the budget that is full enough.
const FULL: f64 = 0.992;
/// Share that the search aims at.
const AIM: f64 = 0.997;

/// The best of the files that fill the budget, one a knob: the one whose outputs differ least from the original's.
///
/// Files are built with few samples until the room is known: sizes depend on which weights are zero, hardly on their
/// values. The last ones are built with all samples, and with less room where that exceeds the budget after all.
pub(in crate::pipeline) fn meet(
    graph: &Graph,
    input: &Input<'_>,
    options: &Options,
    progress: Listener<'_>,
) -> Result<Finished, PipelineError> {
    options.budget.check(options.target)?;
    let knobs = Knob::all(graph, input, options, progress)?;
    let narrowed = if options.any_technique {
        NARROWED.len()
    } else {
        0
    };
    let mut contest = Contest {
        tried: Cell::new(0),
        most: (knobs.len() + narrowed) * ATTEMPTS,
        graph,
        input,
        options,
        progress,
        judge: match knobs.len() {
            1 => None,
            _ => Some(Judge::new(graph, input, options)?),
        },
        best: None,
        lacking: None,
    };
    for knob in knobs {
        contest.enter(knob)?;
        if !contest.prunes() {
            break;
        }
    }
    if options.any_technique && contest.prunes() {
        contest.enter_narrowed()?;
    }
    contest.finish()
}

/// The best of several ways to fill a budget.
struct Contest<'a> {
    graph: &'a Graph,
    input: &'a Input<'a>,
    options: &'a Options,
    progress: Listener<'a>,
    /// Drafts that were built, those that were not needed included, and the most that can be.
    tried: Cell<usize>,
    most: usize,
    /// None where there is one knob.
    judge: Option<Judge<'a>>,
    /// Loss, knob and what its search found.
    best: Option<(f64, Knob, Found)>,
    /// Why the first knob met no budget.
    lacking: Option<PipelineError>,
}

impl Contest<'_> {
    fn build(
        &self,
        knob: &Knob,
        room: f64,
        samples: Option<usize>,
    ) -> Result<Finished, PipelineError> {
        let (mut turned, _) = knob.options(self.options, room);
        for limit in [&mut turned.calib_limit, &mut turned.solve_limit] {
            *limit = samples.into_iter().chain(*limit).min();
        }
        let mut progress = self.progress;
        if samples.is_some() {
            turned.refit = Refit::Off;
            turned.effort = Effort::Sweep;
            (self.progress)(Stage::Search, self.tried.get(), self.most);
            self.tried.update(|n| n + 1);
            progress = &|_, _, _| ();
        }
        finish(self.graph.clone(), self.input, &turned, progress)
    }

    /// Fills the budget with a knob; what that network loses, `None` where no file fits.
    fn enter(&mut self, knob: Knob) -> Result<Option<f64>, PipelineError> {
        let found = room(&knob, self.options, |room| {
            Ok(self.build(&knob, room, Some(FEW))?.need())
        });
        self.tried.update(|n| n.next_multiple_of(ATTEMPTS));
        let found = match found {
            Ok(found) => found,
            Err(error) => {
                self.lacking.get_or_insert(error);
                return Ok(None);
            }
        };
        let room = found.room;
        let whole = knob.is_whole_at(self.options, room);
        let loss = match &self.judge {
            Some(judge) if !whole => judge.loss(&knob.options(self.options, room).0)?,
            Some(_) | None => 0.0,
        };
        if self.best.as_ref().is_none_or(|(least, ..)| loss < *least) {
            self.best = Some((loss, knob, found));
        }
        Ok(Some(loss))
    }

    /// Networks that whole channels have left before, narrower ones while they lose less than the one before.
    fn enter_narrowed(&mut self) -> Result<(), PipelineError> {
        let mut before = f64::INFINITY;
        for macs in NARROWED {
            let silent: Listener<'_> = &|_, _, _| ();
            let knob = Knob::narrowed(self.graph, self.input, self.options, macs, silent);
            let Some(knob) = knob else { break };
            match self.enter(knob)? {
                Some(loss) if loss > before => break,
                Some(loss) => before = loss,
                None => {}
            }
        }
        Ok(())
    }

    /// Whether something must be pruned.
    fn prunes(&self) -> bool {
        let best = self.best.as_ref();
        best.is_none_or(|(_, knob, found)| !knob.is_whole_at(self.options, found.room))
    }

    /// The best one's file, from all samples.
    fn finish(mut self) -> Result<Finished, PipelineError> {
        let Some((_, knob, Found { mut room, slope })) = self.best.take() else {
            let lacking = self.lacking.take();
            return Err(lacking.unwrap_or_else(|| cannot(self.options, None)));
        };
        let mut least = None;
        for again in 0..RETRIES {
            let finished = self.build(&knob, room, None)?;
            let need = finished.need();
            let share = used(self.options, need);
            if share <= 1.0 {
                return Ok(finished);
            }
            least = Some(need);
            let more = SHRINK * f64::from(1_u32 << again);
            room = (room - (share - AIM + more) / slope).max(LEAST);
        }
        Err(cannot(self.options, least))
    }
}

/// Share of the budget that is used.
fn used(options: &Options, need: Need) -> f64 {
    let binding = options.budget.binding(need, options.target);
    binding.map_or(0.0, |u| u.share())
}

/// What the search for a room found.
#[derive(Debug, Clone, Copy)]
struct Found {
    /// The room of the fullest network within the budget.
    room: f64,
    /// Share of the budget that more room uses there, by room.
    slope: f64,
}

/// The room of the fullest network within the budget, by what networks in some rooms need.
fn room(
    knob: &Knob,
    options: &Options,
    need: impl Fn(f64) -> Result<Need, PipelineError>,
) -> Result<Found, PipelineError> {
    let mut search = Search::default();
    let (mut best, mut least): (Option<(f64, f64)>, Option<Need>) = (None, None);
    let mut room = 1.0;
    for _ in 0..ATTEMPTS {
        let found = need(room)?;
        let share = used(options, found);
        if least.is_none_or(|l| share < used(options, l)) {
            least = Some(found);
        }
        if share <= 1.0 && best.is_none_or(|(most, _)| share > most) {
            best = Some((share, room));
        }
        let whole = share <= 1.0 && knob.is_whole_at(options, room);
        let last = share > 1.0 && knob.options(options, room).1;
        if (FULL..=1.0).contains(&share) || whole || last {
            break;
        }
        search.found(room, share);
        let Some(next) = search.next((room, share), knob.is_proportional()) else {
            break;
        };
        let binding = options.budget.binding(found, options.target);
        // Zeros alone hardly shrink activations: only the extreme is worth a try.
        let arena = share > 1.0 && binding.is_some_and(|u| u.limit == "--ram");
        room = match knob {
            Knob::Layers(..) | Knob::Sparsity(_) if arena => LEAST,
            Knob::Layers(..) | Knob::Sparsity(_) | Knob::Channels => next.clamp(LEAST, knob.most()),
        };
    }
    let (share, room) = best.ok_or_else(|| cannot(options, least))?;
    let slope = search.slope().unwrap_or(share / room);
    Ok(Found { room, slope })
}

/// The nearest rooms on both sides of the budget.
#[derive(Debug, Default)]
struct Search {
    /// Room and use of the fullest file that fits.
    fits: Option<(f64, f64)>,
    /// Of the smallest that does not.
    exceeds: Option<(f64, f64)>,
    /// How often in a row the same side was found.
    again: usize,
    fitted: bool,
}

impl Search {
    fn found(&mut self, room: f64, used: f64) {
        let fits = used <= 1.0;
        self.again = if fits == self.fitted {
            self.again + 1
        } else {
            0
        };
        self.fitted = fits;
        if fits {
            if self.fits.is_none_or(|(r, _)| room > r) {
                self.fits = Some((room, used));
            }
        } else if self.exceeds.is_none_or(|(r, _)| room < r) {
            self.exceeds = Some((room, used));
        }
    }

    /// Use by room between both sides, where they lie apart.
    fn slope(&self) -> Option<f64> {
        let ((low, under), (high, over)) = self.fits.zip(self.exceeds)?;
        let slope = (over - under) / (high - low);
        (slope.is_finite() && slope > 0.1).then_some(slope)
    }

    /// The room to try next; `None` where both sides touch. `proportional`: use follows room.
    fn next(&self, (room, used): (f64, f64), proportional: bool) -> Option<f64> {
        match (self.fits, self.exceeds) {
            (Some((low, under)), Some((high, over))) => {
                let width = high - low;
                let part = if self.again > 1 {
                    0.5
                } else {
                    ((AIM - under) / (over - under)).clamp(0.1, 0.9)
                };
                (width > 1e-4).then_some(low + width * part)
            }
            _ if proportional => Some(room * AIM / used.max(0.05)),
            _ if used > 1.0 => Some(room * 0.6),
            _ => Some(room * 1.3),
        }
    }
}

/// What the smallest file that was built still lacks.
fn cannot(options: &Options, least: Option<Need>) -> PipelineError {
    let binding = least.and_then(|n| options.budget.binding(n, options.target));
    let Some(binding) = binding else {
        return PipelineError::option(
            "the budget has no limit",
            "give --flash, --ram, --latency or --cycles",
        );
    };
    let help = match (binding.limit, options.method()) {
        ("--ram", method) if method != Method::Filter => {
            "whole channels shrink activations: add `--method filter`"
        }
        (_, Method::Filter) => "allow more, or start from a smaller network",
        _ => {
            "allow more, let other layers be pruned with `--include NAME`, or remove whole channels with `--method filter`"
        }
    };
    PipelineError::option(
        format!(
            "{} cannot be met: {} {unit} are allowed, the smallest network that was found needs {}, {} too many",
            binding.limit,
            binding.most,
            binding.used,
            binding.used.saturating_sub(binding.most),
            unit = binding.unit,
        ),
        help,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_closes_in_on_the_budget_from_both_sides() {
        // A file that needs a fixed part and grows in steps.
        let lines = [(0.1, 1.0), (0.4, 0.9), (0.0, 2.5), (0.3, 0.85)];
        for ((fixed, slope), proportional) in
            lines.into_iter().flat_map(|l| [(l, true), (l, false)])
        {
            let used = |room: f64| fixed + slope * (room.min(0.9) * 300.0).floor() / 300.0;
            let mut search = Search::default();
            let mut room = 1.0;
            let mut best = 0.0_f64;
            for _ in 0..ATTEMPTS {
                let now = used(room);
                if now <= 1.0 {
                    best = best.max(now);
                }
                if (FULL..=1.0).contains(&now) {
                    break;
                }
                search.found(room, now);
                match search.next((room, now), proportional) {
                    Some(next) => room = next,
                    None => break,
                }
            }
            assert!(
                best >= 0.985,
                "{fixed} + {slope} · room, {proportional}: {best}"
            );
        }
    }
}
