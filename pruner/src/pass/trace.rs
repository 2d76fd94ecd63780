//! The passes once more, with what each of them did.

use super::{PASSES, PassError, PassSet, apply};
use crate::arith::Rounding;
use crate::ir::Graph;

/// What one pass did to a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The pass.
    pub pass: &'static str,
    /// What it does, one line.
    pub what: &'static str,
    /// Names of the nodes that are gone.
    pub removed: Vec<String>,
    /// Names of the nodes that came.
    pub added: Vec<String>,
    /// Weights that are gone.
    pub weights: usize,
}

impl Effect {
    /// Whether the pass changed nothing that is counted.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty() && self.weights == 0
    }
}

/// Applies a set of passes as [`super::run_with_rounding`] does, and says what each did.
///
/// # Errors
///
/// As [`super::run_with_rounding`].
pub fn trace(
    graph: Graph,
    set: PassSet,
    rounding: Rounding,
) -> Result<(Graph, Vec<Effect>), PassError> {
    graph.check().map_err(PassError::Input)?;
    let mut effects = Vec::new();
    let mut graph = graph;
    for pass in PASSES.iter().filter(|p| set.contains(p)) {
        let before = (names(&graph), weights(&graph));
        graph = apply(graph, pass, rounding)?;
        let after = (names(&graph), weights(&graph));
        effects.push(Effect {
            pass: pass.name,
            what: pass.what,
            removed: without(&before.0, &after.0),
            added: without(&after.0, &before.0),
            weights: before.1.saturating_sub(after.1),
        });
    }
    Ok((graph, effects))
}

fn names(graph: &Graph) -> Vec<String> {
    graph.nodes.iter().map(|n| n.name.clone()).collect()
}

fn weights(graph: &Graph) -> usize {
    let of = |n: &crate::ir::Node| n.op.weights().map_or(0, crate::ir::Weights::len);
    graph.nodes.iter().map(of).sum()
}

fn without(names: &[String], others: &[String]) -> Vec<String> {
    let missing = names.iter().filter(|n| !others.contains(n));
    missing.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::super::run_with_rounding;
    use super::*;

    #[test]
    fn tracing_gives_the_graph_that_running_gives() {
        for (seed, quantized) in [(0, false), (1, true), (2, false)] {
            let graph = crate::testing::network(seed, quantized);
            let rounding = Rounding::Double;
            let (traced, effects) = trace(graph.clone(), PassSet::All, rounding).unwrap();
            let run = run_with_rounding(graph, PassSet::All, rounding).unwrap();
            assert_eq!(traced, run, "seed {seed}");
            assert_eq!(effects.len(), PASSES.len());
        }
    }
}
