//! Builds files until the fullest one within the budget is found.
//!
//! ```text
//! knob    room ∈ (0, 1]  →  sparsities of the layers, or one sparsity, or a share of the channels
//! search  build; too large: less room, too small: more, by a straight line between the nearest of both sides
//! ```

use super::knob::{Knob, LEAST};
use super::limits::Need;
use crate::ir::Graph;
use crate::pipeline::build::{Finished, Input, finish};
use crate::pipeline::{Listener, Options, PipelineError, stages};
use crate::sparsify::Method;

/// Files that are built before the best is taken.
const ATTEMPTS: usize = 12;
/// Calibration samples of files that only tell a size.
const FEW: usize = 64;
/// Samples that networks are solved with to be compared; they are judged on more.
const SOME: usize = 250;
/// Files with all samples that are built, each in [`SHRINK`] of the room before.
const RETRIES: usize = 4;
const SHRINK: f64 = 0.995;
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
    let table = Knob::table(graph, input, options, progress)?;
    let knobs = Knob::all(options, table.as_ref());
    let build = |knob: &Knob<'_>, room: f64, samples: Option<usize>| {
        let (mut turned, _) = knob.options(options, room);
        turned.calib_limit = samples.or(options.calib_limit);
        turned.solve_limit = samples.or(options.solve_limit);
        finish(graph.clone(), input, &turned, progress)
    };
    let mut best: Option<(f64, Knob<'_>, f64)> = None;
    let mut lacking = None;
    for knob in &knobs {
        let found = room(knob, options, |room| {
            Ok(build(knob, room, Some(FEW))?.need())
        });
        let room = match found {
            Ok(room) => room,
            Err(error) => {
                lacking.get_or_insert(error);
                continue;
            }
        };
        let whole = knob.is_whole_at(options, room);
        let error = if knobs.len() > 1 && !whole {
            let (mut turned, _) = knob.options(options, room);
            turned.solve_limit = Some(SOME);
            stages::output_error(graph, input, &turned)?
        } else {
            0.0
        };
        if best.as_ref().is_none_or(|(least, ..)| error < *least) {
            best = Some((error, *knob, room));
        }
        if whole {
            break;
        }
    }
    let Some((_, knob, mut room)) = best else {
        return Err(lacking.unwrap_or_else(|| cannot(options, None)));
    };
    let mut least = None;
    for _ in 0..RETRIES {
        let finished = build(&knob, room, None)?;
        let need = finished.need();
        if used(options, need) <= 1.0 {
            return Ok(finished);
        }
        least = Some(need);
        room *= SHRINK;
    }
    Err(cannot(options, least))
}

/// Share of the budget that is used.
fn used(options: &Options, need: Need) -> f64 {
    let binding = options.budget.binding(need, options.target);
    binding.map_or(0.0, |u| u.share())
}

/// The room of the fullest network within the budget, by what networks in some rooms need.
fn room(
    knob: &Knob<'_>,
    options: &Options,
    need: impl Fn(f64) -> Result<Need, PipelineError>,
) -> Result<f64, PipelineError> {
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
    let (_, room) = best.ok_or_else(|| cannot(options, least))?;
    Ok(room)
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
