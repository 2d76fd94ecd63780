//! Random small networks give the same on everything: interpreter, portable kernels, instruction sets of this CPU and
//! emulated microcontrollers.
//!
//! `NNZ_NETWORKS=10000` runs so many, from seed `NNZ_FIRST_SEED` on. A network that differs is cut to the shortest piece that does, which is
//! kept in `target/differential`. `NNZ_SAVED=FOLDER` keeps all networks of integers there, for other machines to run.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "in a test a panic is the report"
)]

use nnz_format::{Model, kernel_bits};
use nnz_hostile::model::Aligned;
use nnz_pruner::ir::Graph;
use nnz_pruner::target::Target;
use nnz_tests::networks::{Case, Difference, compare, network, reduced, save};
use nnz_tests::shared::repository;
use std::collections::BTreeMap;
use std::env;
use std::fs;

/// How many networks, and the first seed.
fn extent() -> (u64, u64) {
    let number = |name: &str| env::var(name).ok().and_then(|text| text.parse().ok());
    let usual = if cfg!(debug_assertions) { 100 } else { 400 };
    (
        number("NNZ_FIRST_SEED").unwrap_or(1),
        number("NNZ_NETWORKS").unwrap_or(usual),
    )
}

/// Whether `graph` still shows a difference, not a refusal.
fn differs(graph: &Graph, case: &Case) -> bool {
    matches!(compare(graph, case), Err(Difference::Between { .. }))
}

/// The kernels that a file needs, a bit each.
fn kernels(file: &[u8]) -> u128 {
    Model::parse(Aligned::copy(file).get_mut())
        .unwrap()
        .kernel_mask()
}

/// The bits of kernels that networks can need.
fn every_kernel() -> impl Iterator<Item = u8> {
    use kernel_bits as bit;
    (bit::CONV_2D_DENSE_S8..=bit::CONV_2D_DENSE_PAIRS)
        .chain(bit::DEPTHWISE_CONV_2D_DENSE_S8..=bit::DEPTHWISE_CONV_2D_DENSE_PAIRS)
        .chain(bit::FULLY_CONNECTED_DENSE_S8..=bit::FULLY_CONNECTED_CSR_F_F32)
        .chain(bit::ADD_S8..=bit::ADD_LINEAR_S8)
}

/// Says what differs, keeps the piece, and fails.
fn report(graph: &Graph, case: &Case, difference: &Difference) -> ! {
    let piece = reduced(graph, |piece| differs(piece, case));
    let folder = repository("target/differential");
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join(format!("{}.{}.txt", graph.name, case.target.name));
    fs::write(&path, format!("{difference}\n{case:?}\n{piece:#?}")).unwrap();
    let operators: Vec<&str> = piece.nodes.iter().map(|n| n.op.name()).collect();
    panic!(
        "{} for {}: {difference}; reduced to {operators:?}, in {}",
        graph.name,
        case.target.name,
        path.display()
    );
}

#[test]
fn random_networks_give_the_same_on_everything_that_this_machine_has() {
    let (first, count) = extent();
    let targets = Target::all();
    let mut refused: BTreeMap<String, usize> = BTreeMap::new();
    let folder = env::var_os("NNZ_SAVED");
    let mut seen = 0;
    for seed in first..first + count {
        let graph = network(seed);
        let portable = Case {
            seed,
            target: Target::portable(),
        };
        let device = Case {
            target: &targets[usize::try_from(seed).unwrap() % targets.len()],
            ..portable
        };
        for case in [portable, device] {
            match compare(&graph, &case) {
                Ok(lowered) => {
                    seen |= kernels(&lowered.file);
                    if let Some(folder) = &folder {
                        let name = format!("{seed}.{}", case.target.name);
                        save(&lowered, folder.as_ref(), &name).unwrap();
                    }
                }
                Err(Difference::Refused(reason)) => {
                    *refused.entry(reason).or_default() += 1;
                }
                Err(difference) => report(&graph, &case, &difference),
            }
        }
    }
    let missing: Vec<u8> = every_kernel().filter(|bit| seen >> bit & 1 == 0).collect();
    println!("kernels that no network needed: {missing:?}");
    assert!(
        missing.len() < 8,
        "too few kernels: {missing:?} are missing"
    );
    let all: usize = refused.values().sum();
    for (reason, times) in &refused {
        println!("{times} refused: {reason}");
    }
    let limit = usize::try_from(count).unwrap() / 2;
    assert!(all <= limit, "{all} of {} refused", 2 * count);
}
