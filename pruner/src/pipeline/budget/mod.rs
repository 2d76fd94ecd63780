//! Pruning to a budget: as much accuracy as a flash size, an arena and a cost allow.
//!
//! ```text
//! table      (layer, sparsity) → loss at the network's output, bytes, predicted cost on the target
//! knapsack   one sparsity a layer, least total loss within the budget; a layer may stay dense
//! build      the whole pipeline; what the file really needs corrects the room for the next choice
//! narrow     the same for networks that whole channels have left before
//! judge      the ways to fill the budget, solved on some samples: which keeps the outputs of others?
//! ```
//!
//! Losses of single layers do not add up where much is removed, so that several allocations that fill the budget are
//! compared by the outputs of the whole network. Only a built file counts: the one returned is within the budget.

mod judge;
mod knapsack;
mod knob;
mod limits;
mod search;
mod spend;
mod table;

pub(super) use limits::Need;
pub use limits::{Budget, Use};
pub(super) use search::meet;
pub(super) use spend::spend;
pub use spend::{Allowance, Spent};

/// Sparsities of the table; the layer as it is is always a choice.
pub const LEVELS: [f64; 14] = [
    0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.94, 0.97,
];
