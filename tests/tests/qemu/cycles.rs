//! The cycle model counts what the firmware counts, and does not disturb it.

use super::machines::{network, own_network, rows, targets};
use core::time::Duration;
use nnz_support::emulator::{self, FlashModel, Outcome, Request};
use nnz_support::targets::Target;

/// A run with the cycle model; `None`, with a line that says so, where something for it is missing.
fn metered(target: &Target, model: &[u8], input: &[u8], flash: FlashModel) -> Option<Outcome> {
    if emulator::find_plugin().is_none() {
        println!("skipped: the cycle model is not built; `cargo xtask setup`");
        return None;
    }
    let request = Request {
        target,
        model,
        input,
        timeout: Duration::from_secs(300),
        meter: Some(flash),
        slice: None,
    };
    let outcome = emulator::run(&request).unwrap();
    assert!(outcome.metering.is_some(), "{}", target.name);
    Some(outcome)
}

#[test]
fn counts_do_not_depend_on_the_cycle_model() {
    for model in [Some(own_network()), network("kws_int8")]
        .into_iter()
        .flatten()
    {
        let input = rows(&model, 5);
        for target in targets() {
            let Some(with) = metered(target, &model, &input, FlashModel::of(target)) else {
                continue;
            };
            let Some(without) = super::run(target, &model, &input) else {
                continue;
            };
            assert_eq!(with.run, without.run, "{}", target.name);
            let metering = with.metering.unwrap();
            let kinds = [
                "alu", "load", "store", "multiply", "divide", "branch", "float",
            ];
            for (row, &counted) in metering.rows.iter().zip(&with.run.rows) {
                let all: u64 = kinds.iter().map(|kind| row.mix[*kind]).sum();
                assert_eq!(all, counted, "{}", target.name);
                assert_eq!(
                    row.cycles.is_some(),
                    target.emulator.as_ref().unwrap().cycle_model.is_some()
                );
                let cycles = row.cycles.unwrap_or(counted);
                assert!(
                    (counted..3 * counted).contains(&cycles),
                    "{}: {cycles}",
                    target.name
                );
            }
        }
    }
}

#[test]
fn a_slow_flash_costs_cycles_and_buffered_lines_save_them() {
    let model = own_network();
    let input = rows(&model, 6);
    for target in targets().into_iter().filter(|t| t.name == "cortex-m4") {
        let cycles = |wait_states, lines| {
            let outcome = metered(target, &model, &input, FlashModel { wait_states, lines })?;
            outcome.metering?.rows.first()?.cycles
        };
        let (Some(none), Some(slow), Some(buffered)) = (cycles(0, 1), cycles(4, 1), cycles(4, 64))
        else {
            continue;
        };
        assert!(
            none < buffered && buffered < slow,
            "{none} {buffered} {slow}"
        );
    }
}
