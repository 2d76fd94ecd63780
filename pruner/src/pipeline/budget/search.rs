//! Builds files until the fullest one within the budget is found.
//!
//! ```text
//! knob    room ∈ (0, 1]  →  sparsities of the layers, or one sparsity, or a share of the channels
//! search  build; too large: less room, too small: more, by a straight line between the nearest of both sides
//! ```

use super::limits::{Need, Use};
use super::table::{Room, Table};
use crate::ir::Graph;
use crate::pipeline::build::{Finished, Input, finish};
use crate::pipeline::{Listener, Options, PipelineError};
use crate::sparsify::{Method, Pattern};

/// Files that are built before the best is taken.
const ATTEMPTS: usize = 12;
/// Share of the budget that is full enough.
const FULL: f64 = 0.992;
/// Share that the search aims at.
const AIM: f64 = 0.997;
/// The least room of a knob that is one number.
const LEAST: f64 = 0.02;

/// What is turned to meet a budget; more room means a larger and better network.
pub(super) enum Knob {
    /// Every layer's own sparsity, of least total loss.
    Layers(Box<Table>),
    /// One sparsity, spread by the allocation that was asked for.
    Sparsity,
    /// The share of the multiply-accumulates that whole channels leave.
    Channels,
}

impl Knob {
    /// The knob that the options mean.
    pub(super) fn of(
        graph: &Graph,
        input: &Input<'_>,
        options: &Options,
        progress: Listener<'_>,
    ) -> Result<Self, PipelineError> {
        if options.method() == Method::Filter {
            return Ok(Self::Channels);
        }
        if options.alloc.is_some() && !matches!(options.pattern, Pattern::NofM { .. }) {
            return Ok(Self::Sparsity);
        }
        let table = Table::measure(graph, input, options, progress)?;
        Ok(Self::Layers(Box::new(table)))
    }

    /// Largest room that makes a difference.
    const fn most(&self) -> f64 {
        match self {
            Self::Layers(_) => 4.0,
            Self::Sparsity | Self::Channels => 1.0,
        }
    }

    /// Whether this room leaves the network as it is.
    fn is_whole_at(&self, options: &Options, room: f64) -> bool {
        match self {
            Self::Layers(table) => table.is_whole(Room::of(&options.budget, options, 1.0)),
            Self::Sparsity | Self::Channels => room >= 1.0,
        }
    }

    /// The options of the network as it is.
    pub(super) fn whole(&self, options: &Options) -> Options {
        let mut turned = options.clone();
        match self {
            Self::Layers(table) => {
                turned.shares = table.whole();
                turned.sparsity = Some(0.0).filter(|_| !options.pattern_is_nm());
            }
            Self::Sparsity => turned.sparsity = Some(0.0),
            Self::Channels => turned.macs = Some(1.0),
        }
        turned
    }

    /// The options of a file in `room`, and whether no smaller file can be asked for.
    pub(super) fn options(&self, options: &Options, room: f64) -> (Options, bool) {
        let mut turned = options.clone();
        match self {
            Self::Layers(table) => {
                let within = Room::of(&options.budget, options, room);
                let chosen = (room > LEAST).then(|| table.choose(within)).flatten();
                let last = chosen.is_none();
                turned.shares = chosen.unwrap_or_else(|| table.lightest());
                turned.sparsity = Some(0.0).filter(|_| !options.pattern_is_nm());
                (turned, last)
            }
            Self::Sparsity => {
                turned.sparsity = Some(1.0 - room.clamp(LEAST, 1.0));
                (turned, room <= LEAST)
            }
            Self::Channels => {
                turned.macs = Some(room.clamp(LEAST, 1.0));
                (turned, room <= LEAST)
            }
        }
    }
}

/// The fullest file within the budget.
pub(in crate::pipeline) fn meet(
    graph: &Graph,
    input: &Input<'_>,
    options: &Options,
    progress: Listener<'_>,
) -> Result<Finished, PipelineError> {
    options.budget.check(options.target)?;
    let knob = Knob::of(graph, input, options, progress)?;
    let mut search = Search::default();
    let mut least: Option<Need> = None;
    let mut best: Option<(f64, Finished)> = None;
    let mut room = 1.0;
    for _ in 0..ATTEMPTS {
        let (turned, last) = knob.options(options, room);
        let finished = finish(graph.clone(), input, &turned, progress)?;
        let need = finished.need();
        let binding = options.budget.binding(need, options.target);
        let used = binding.as_ref().map_or(0.0, Use::share);
        if least.is_none_or(|l| used < share(options, l)) {
            least = Some(need);
        }
        if used <= 1.0 && best.as_ref().is_none_or(|(most, _)| used > *most) {
            best = Some((used, finished));
        }
        let full = (FULL..=1.0).contains(&used);
        let whole = used <= 1.0 && room >= 1.0 && knob.is_whole_at(options, room);
        if full || whole || (last && used > 1.0) {
            break;
        }
        search.found(room, used);
        let Some(next) = search.next((room, used), matches!(knob, Knob::Layers(_))) else {
            break;
        };
        // Zeros alone hardly shrink activations: only the extreme is worth a try.
        let arena = used > 1.0 && binding.is_some_and(|u| u.limit == "--ram");
        room = match knob {
            Knob::Layers(_) | Knob::Sparsity if arena => LEAST,
            Knob::Layers(_) | Knob::Sparsity | Knob::Channels => next.clamp(LEAST, knob.most()),
        };
    }
    let Some((_, finished)) = best else {
        return Err(cannot(options, least));
    };
    Ok(finished)
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

fn share(options: &Options, need: Need) -> f64 {
    let binding = options.budget.binding(need, options.target);
    binding.map_or(0.0, |u| u.share())
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
