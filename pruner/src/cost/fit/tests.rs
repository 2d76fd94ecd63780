//! Experiments are files that run, and constants come back from what they cost.

use super::*;
use crate::cost::Table;
use nnz_format::Model;

#[test]
fn every_kernel_of_a_backend_has_files_that_parse() {
    for backend in [Backend::Planar, Backend::ArmDsp] {
        let all = experiments(backend, usize::MAX);
        assert!(all.len() >= 35, "{}", all.len());
        for experiment in &all {
            assert!(!experiment.trials.is_empty(), "{}", experiment.kernel);
            for trial in &experiment.trials {
                let model = Model::parse(&trial.bytes).unwrap();
                assert_eq!(model.steps().count(), trial.counts.len());
                assert!(trial.counts.len() >= 5, "{}", experiment.kernel);
                assert!(trial.bytes.len() < 2 << 20 && model.arena_len() < 3 << 19);
            }
        }
        let mut names: Vec<&str> = all.iter().map(|e| e.kernel.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len(), "each kernel once");
    }
}

/// Experiments of all shapes, and of shapes cut down for simulated cores.
fn small_and_large() -> Vec<Experiment> {
    let small = experiments(Backend::Planar, 20_000);
    [experiments(Backend::Planar, usize::MAX), small].concat()
}

#[test]
fn constants_come_back_from_what_they_cost() {
    for experiment in small_and_large() {
        let mut constants = [0.0; Term::ALL.len()];
        for (index, term) in experiment.terms.iter().enumerate() {
            constants[*term as usize] = 10.0 + 3.0 * index as f64;
        }
        let counts = experiment.trials.iter().flat_map(|t| &t.counts);
        let measured: Vec<(Counts, u64)> = counts.map(|c| (*c, c.cost(&constants))).collect();
        let fitted = solve(experiment.terms, &measured);
        assert!(fitted.worst < 0.005, "{}: {fitted:?}", experiment.kernel);
        let mut table = Table::generic();
        table.set(&experiment.kernel, fitted.constants);
        let trial = &experiment.trials[0];
        let model = Model::parse(&trial.bytes).unwrap();
        let step = model.steps().next().unwrap();
        let (found, expected) = (table.step(&step, model.rounding()), measured[0].1);
        let error = (found as f64 - expected as f64).abs() / expected as f64;
        assert!(
            error < 0.02,
            "{}: {found} for {expected}",
            experiment.kernel
        );
    }
}
