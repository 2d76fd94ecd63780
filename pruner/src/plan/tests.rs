//! The plans of seeded networks, checked by the independent checker.

use super::{Plan, PlanError, check, plan};
use crate::lower::{Options, Program, WeightChoice, lower};
use crate::testing::network;

fn program(seed: u64, keep_all_steps: bool) -> Program {
    let graph = network(seed, seed.is_multiple_of(3));
    lower(
        &graph,
        &Options {
            keep_all_steps,
            ..Options::default()
        },
    )
    .unwrap()
}

#[test]
fn plans_of_random_networks_stay_within_five_percent_of_the_bound() {
    let mut within = 0;
    for seed in 0..400 {
        let program = program(seed, false);
        let found = plan(&program).unwrap_or_else(|e| panic!("{e} at seed {seed}"));
        assert!(found.arena_len >= found.lower_bound, "seed {seed}");
        within += usize::from(found.ratio() <= 1.05);
    }
    assert!(within >= 390, "{within} of 400");
}

#[test]
fn plans_with_every_step_kept_are_sound() {
    for seed in 0..100 {
        plan(&program(seed, true)).unwrap_or_else(|e| panic!("{e} at seed {seed}"));
    }
}

#[test]
fn the_checker_finds_tensors_that_lie_on_each_other() {
    let mut found_one = 0;
    for seed in 0..60 {
        let program = program(seed, true);
        let good = plan(&program).unwrap();
        if good.in_place.len() == program.steps.len() {
            continue;
        }
        let all_at_zero = Plan {
            offsets: vec![0; good.offsets.len()],
            ..good
        };
        let verdict = check(&program, &all_at_zero);
        found_one += usize::from(matches!(verdict, Err(PlanError::Overwritten { .. })));
    }
    assert!(found_one > 30, "{found_one}");
}

#[test]
fn a_plan_depends_only_on_the_program() {
    for seed in 0..30 {
        let program = program(seed, false);
        assert_eq!(plan(&program), plan(&program.clone()), "seed {seed}");
    }
}

#[test]
fn targets_with_tiles_have_room_for_them_behind_every_band() {
    let named = |name| crate::target::Target::named(name).unwrap();
    let (tiles, bands) = (named("cv32e40p-xpulp"), named("cv32e40p"));
    let mut found = 0;
    for seed in (0..60).step_by(3) {
        let [with, without] = [tiles, bands].map(|target| {
            let options = Options {
                target,
                weights: WeightChoice::Dense,
                ..Options::default()
            };
            lower(&network(seed, true), &options).unwrap()
        });
        for (step, same) in with.steps.iter().zip(&without.steps) {
            let input = with.tensors[step.input].at(0);
            let room = nnz_format::tile_room(&step.op, step.layout(), &input);
            let len = without.scratch_len(same, false);
            assert_eq!(with.scratch_len(step, false), len + room, "seed {seed}");
            found += usize::from(room > 0);
        }
    }
    assert!(found > 20, "{found}");
}
