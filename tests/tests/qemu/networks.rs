//! Random small networks, lowered for a core: it computes what this machine does.
//!
//! Each network runs on one core here, the next one on the next core; `NNZ_NETWORKS=10000` runs so many on every core.

use crate::machines::{on_host, rows, run, targets};
use nnz_pruner::target::Target as Lowering;
use nnz_support::targets::Target;
use nnz_tests::networks::{self, Case};
use std::env;

/// Networks where nothing else is said.
const NETWORKS: u64 = 56;

/// The network of a seed as a file for a core; `None` where it cannot be one, or has floats.
fn file(seed: u64, target: &Target) -> Option<Vec<u8>> {
    let graph = networks::network(seed);
    let target = Lowering::named(&target.name).unwrap();
    let case = Case { seed, target };
    let lowered = networks::lowered(&graph, &case).ok()?;
    graph.is_quantized().then_some(lowered.file)
}

#[test]
fn random_networks_give_the_same_bytes_on_every_core() {
    let targets = targets();
    let asked = env::var("NNZ_NETWORKS").ok().and_then(|n| n.parse().ok());
    let count = asked.unwrap_or(NETWORKS);
    let cores = targets.len().max(1);
    let mut ran = vec![0; cores];
    for seed in 1..=count {
        for (index, target) in targets.iter().enumerate() {
            let is_next = usize::try_from(seed).unwrap() % cores == index;
            if asked.is_none() && !is_next {
                continue;
            }
            let Some(model) = file(seed, target) else {
                continue;
            };
            let input = rows(&model, seed);
            let Some(outcome) = run(target, &model, &input) else {
                return;
            };
            let name = &target.name;
            assert!(
                outcome.output == on_host(&model, &input),
                "network {seed} differs on {name}"
            );
            ran[index] += 1;
        }
    }
    for (target, ran) in targets.iter().zip(&ran) {
        println!("{}: {ran} networks", target.name);
        assert!(*ran > count / 16, "{}: only {ran}", target.name);
    }
}
