//! What is turned to meet a budget: more room means a larger and better network.

use super::table::{Room, Table};
use crate::ir::Graph;
use crate::pipeline::build::Input;
use crate::pipeline::{Listener, Options, PipelineError};
use crate::sparsify::{Alloc, Method, Pattern};
use std::rc::Rc;

/// The least room of a knob that is one number.
pub(super) const LEAST: f64 = 0.02;
/// Powers of the losses whose sums are made least: 2 spares the layers that would lose most.
const POWERS: [i32; 2] = [1, 2];
/// Allocations of one sparsity that are tried beside.
const ALLOCS: [Alloc; 2] = [Alloc::Lamp, Alloc::Layer];
/// Shares of the multiply-accumulates that stay when channels leave before single weights do.
pub(super) const NARROWED: [f64; 6] = [0.85, 0.7, 0.6, 0.5, 0.4, 0.3];
/// The power for those.
const NARROW_POWER: i32 = 2;

/// A knob.
#[derive(Debug, Clone)]
pub(super) enum Knob {
    /// Every layer's own sparsity, of least total loss; channels may have left before.
    Layers(Rc<Table>, i32),
    /// One sparsity, spread by an allocation.
    Sparsity(Alloc),
    /// The share of the multiply-accumulates that whole channels leave.
    Channels,
}

impl Knob {
    /// The knobs that the options mean, of the network with all its channels.
    pub(super) fn all(
        graph: &Graph,
        input: &Input<'_>,
        options: &Options,
        progress: Listener<'_>,
    ) -> Result<Vec<Self>, PipelineError> {
        let one_number = options.method() == Method::Filter || options.alloc.is_some();
        if one_number && !options.pattern_is_nm() {
            let channels = options.method() == Method::Filter;
            return Ok(vec![if channels {
                Self::Channels
            } else {
                Self::Sparsity(options.alloc())
            }]);
        }
        let table = Rc::new(Table::measure(graph, input, options, None, progress)?);
        let mut all: Vec<Self> = POWERS
            .map(|power| Self::Layers(table.clone(), power))
            .to_vec();
        if !matches!(options.pattern, Pattern::NofM { .. }) {
            all.extend(ALLOCS.map(Self::Sparsity));
        }
        if options.any_technique {
            all.push(Self::Channels);
        }
        Ok(all)
    }

    /// The knob of a network that channels have left before; `None` where none can leave, or all that is left fits.
    pub(super) fn narrowed(
        graph: &Graph,
        input: &Input<'_>,
        options: &Options,
        macs: f64,
        progress: Listener<'_>,
    ) -> Option<Self> {
        let table = Table::measure(graph, input, options, Some(macs), progress).ok()?;
        let whole = table.is_whole(Room::of(&options.budget, options, 1.0));
        (!whole).then(|| Self::Layers(Rc::new(table), NARROW_POWER))
    }

    /// Largest room that makes a difference.
    pub(super) const fn most(&self) -> f64 {
        match self {
            Self::Layers(..) => 4.0,
            Self::Sparsity(_) | Self::Channels => 1.0,
        }
    }

    /// Whether what a network uses follows the room.
    pub(super) const fn is_proportional(&self) -> bool {
        matches!(self, Self::Layers(..))
    }

    /// Whether this room leaves the network as it is.
    pub(super) fn is_whole_at(&self, options: &Options, room: f64) -> bool {
        match self {
            Self::Layers(table, _) => {
                table.macs.is_none() && table.is_whole(Room::of(&options.budget, options, 1.0))
            }
            Self::Sparsity(_) | Self::Channels => room >= 1.0,
        }
    }

    /// The options of the network as it is.
    pub(super) fn whole(&self, options: &Options) -> Options {
        let mut turned = options.clone();
        match self {
            Self::Layers(table, _) => {
                turned.shares = table.whole();
                turned.sparsity = Some(0.0).filter(|_| !options.pattern_is_nm());
            }
            Self::Sparsity(_) => turned.sparsity = Some(0.0),
            Self::Channels => of_channels(&mut turned, 1.0),
        }
        turned
    }

    /// The options of a file in `room`, and whether no smaller file can be asked for.
    pub(super) fn options(&self, options: &Options, room: f64) -> (Options, bool) {
        let mut turned = options.clone();
        match self {
            Self::Layers(table, power) => {
                let within = Room::of(&options.budget, options, room);
                let chosen = (room > LEAST).then(|| table.choose(within, *power));
                let last = matches!(chosen, None | Some(None));
                turned.shares = chosen.flatten().unwrap_or_else(|| table.lightest());
                match table.macs {
                    Some(macs) => of_channels(&mut turned, macs),
                    None => turned.sparsity = Some(0.0).filter(|_| !options.pattern_is_nm()),
                }
                (turned, last)
            }
            Self::Sparsity(alloc) => {
                turned.sparsity = Some(1.0 - room.clamp(LEAST, 1.0));
                turned.alloc = Some(*alloc);
                (turned, room <= LEAST)
            }
            Self::Channels => {
                of_channels(&mut turned, room);
                (turned, room <= LEAST)
            }
        }
    }
}

/// Turns options into those of a network that whole channels leave.
pub(super) fn of_channels(options: &mut Options, room: f64) {
    options.method = Some(Method::Filter);
    options.macs = Some(room.clamp(LEAST, 1.0));
}
