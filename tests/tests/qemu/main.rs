//! The same file gives the same bytes on this machine and on every emulated microcontroller, and
//! counts there are the same in every run.
//!
//! Where an image or an emulator is missing the suite says so and passes, except in CI (`CI=true`).
//! `NNZ_HOST_ONLY=1` leaves everything here out.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "helpers of tests: a failure is the test's failure"
)]

mod cycles;
mod kernels;
mod machines;
mod narrow;
mod networks;
mod random;
mod wire;

use core::time::Duration;
use machines::{
    NETWORKS, ROWS, network, network_for, on_host, own_network, rows, run, shipped_network, targets,
};
use nnz_pruner::target::Target as Lowering;
use nnz_support::emulator::{self, Outcome, Request};

#[test]
fn every_target_computes_the_same_bytes_as_this_machine() {
    let targets = targets();
    let shared = NETWORKS
        .into_iter()
        .filter_map(|name| Some((name, network(name)?)));
    let own = [
        ("own network", own_network()),
        ("keywords_u75", shipped_network(Lowering::portable())),
    ];
    for (name, model) in shared.chain(own) {
        let seed = 20_261_122;
        let input = rows(&model, seed);
        let expected = on_host(&model, &input);
        for target in &targets {
            let Some(outcome) = run(target, &model, &input) else {
                continue;
            };
            assert!(
                outcome.output == expected,
                "{name} on {} differs, seed {seed}",
                target.name
            );
            assert_eq!(outcome.run.rows.len(), ROWS, "{name} on {}", target.name);
            println!(
                "{name} on {}: {} instructions",
                target.name, outcome.run.rows[0]
            );
        }
    }
}

#[test]
fn files_for_a_core_s_own_kernels_compute_the_same_bytes_there_and_here() {
    for target in targets() {
        let lowering = Lowering::named(&target.name).unwrap();
        let shared = NETWORKS
            .into_iter()
            .filter_map(|name| Some((name, network_for(name, lowering)?)));
        for (name, model) in shared.chain([("keywords_u75", shipped_network(lowering))]) {
            let seed = 20_261_122;
            let input = rows(&model, seed);
            let Some(outcome) = run(target, &model, &input) else {
                continue;
            };
            assert!(
                outcome.output == on_host(&model, &input),
                "{name} for {} differs, seed {seed}",
                target.name
            );
        }
    }
}

#[test]
fn counts_are_the_same_in_every_run() {
    for model in [Some(own_network()), network("kws_int8")]
        .into_iter()
        .flatten()
    {
        let input = rows(&model, 1);
        for target in targets() {
            let Some(first) = run(target, &model, &input) else {
                continue;
            };
            let Some(second) = run(target, &model, &input) else {
                continue;
            };
            assert_eq!(first.run, second.run, "{}", target.name);
        }
    }
}

#[test]
fn steps_add_up_to_the_inference() {
    for model in [Some(own_network()), network("kws_int8")]
        .into_iter()
        .flatten()
    {
        let input = rows(&model, 2);
        for target in targets() {
            let Some(Outcome { run, .. }) = run(target, &model, &input) else {
                continue;
            };
            let (steps, whole) = (run.steps.iter().sum::<u64>(), run.rows[0]);
            let allowed = 100 * u64::try_from(run.steps.len()).unwrap();
            let difference = whole.abs_diff(steps);
            assert!(
                difference <= allowed,
                "{}: steps {steps}, row {whole}",
                target.name
            );
        }
    }
}

#[test]
fn float_networks_agree_to_four_digits() {
    let Some(model) = network("hello_world_fp32") else {
        return;
    };
    let values: [f32; 3] = [0.0, 1.5, 4.25];
    let input: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    let expected = floats(&on_host(&model, &input));
    for target in targets() {
        let Some(outcome) = run(target, &model, &input) else {
            continue;
        };
        let found = floats(&outcome.output);
        assert_eq!(found.len(), values.len(), "{}", target.name);
        let square = |it: f32| f64::from(it).powi(2);
        let error: f64 = found
            .iter()
            .zip(&expected)
            .map(|(y, g)| square(y - g))
            .sum();
        let norm: f64 = expected.iter().map(|&g| square(g)).sum();
        assert!(
            error.sqrt() <= 1e-4 * norm.sqrt(),
            "{}: {found:?} {expected:?}",
            target.name
        );
    }
}

fn floats(bytes: &[u8]) -> Vec<f32> {
    let (words, rest) = bytes.as_chunks::<4>();
    assert!(rest.is_empty());
    words.iter().map(|word| f32::from_le_bytes(*word)).collect()
}

#[test]
fn without_input_one_row_of_zeros_runs() {
    let model = own_network();
    let expected = on_host(&model, &[0; 8]);
    for target in targets() {
        let Some(outcome) = run(target, &model, &[]) else {
            continue;
        };
        assert_eq!(outcome.output, expected, "{}", target.name);
        assert!(outcome.run.stack_bytes >= 64 && outcome.run.stack_bytes < 8192);
    }
}

#[test]
fn a_refused_model_is_reported_with_its_reason() {
    let mut model = own_network();
    model[60] ^= 1;
    for target in targets() {
        let request = Request {
            target,
            model: &model,
            input: &[],
            timeout: Duration::from_secs(60),
            meter: None,
            slice: None,
        };
        let error = emulator::run(&request).unwrap_err().to_string();
        assert!(
            error.contains("the model is refused"),
            "{}: {error}",
            target.name
        );
    }
}

#[test]
fn an_input_of_the_wrong_length_is_reported() {
    let model = own_network();
    for target in targets() {
        let request = Request {
            target,
            model: &model,
            input: &[1, 2, 3],
            timeout: Duration::from_secs(60),
            meter: None,
            slice: None,
        };
        let error = emulator::run(&request).unwrap_err().to_string();
        assert!(
            error.contains("rows of 8 bytes"),
            "{}: {error}",
            target.name
        );
    }
}
