//! Every kernel of the Cortex-M and RISC-V cores computes what this machine's portable kernel computes.
//!
//! A file holds many steps that do not depend on each other, each of a random operator, shape, layout and arithmetic;
//! it runs once on this machine and once on each emulator. A step that differs is named with its seed. Of RISC-V's
//! simulated cores two run the first file of each kind, Ibex with as many instructions as the emulator counts;
//! `NNZ_SIMULATED=NAME` runs three times all files on the one of that name.

mod batch;
mod cases;
mod plain;

use crate::machines::{on_host, rows_of, run, simulated, targets};
use crate::random::Random;
use batch::Batch;
use cases::Case;
use nnz_format::{Backend, Rounding};
use nnz_support::targets::Target;
use std::env;

/// Steps of one file.
const STEPS: usize = 40;

/// Runs `files` files of random cases of each backend and rounding on every core.
fn agree(files: u64, case: impl Fn(&mut Random) -> Case) {
    for core in targets() {
        let backends: &[Backend] = if core.backend == Backend::ArmDsp.name() {
            &[Backend::ArmDsp, Backend::Planar]
        } else {
            &[Backend::Planar]
        };
        for seed in 0..files {
            for &backend in backends {
                agree_on(core, seed, backend, &case);
            }
        }
    }
    // Simulation takes seconds a file.
    let all = env::var_os("NNZ_SIMULATED");
    for core in simulated() {
        let is_asked = all.as_ref().is_some_and(|name| *name == *core.name);
        for seed in 0..if is_asked { 3 * files } else { 1 } {
            agree_on(core, seed, Backend::Planar, &case);
        }
    }
}

/// Runs a file of random cases of each rounding on one core.
fn agree_on(core: &Target, seed: u64, backend: Backend, case: &impl Fn(&mut Random) -> Case) {
    for rounding in [Rounding::Single, Rounding::Double] {
        let mut random = Random::new(seed);
        let cases = (0..STEPS).map(|_| case(&mut random)).collect();
        let batch = Batch::new(cases, backend, rounding).with_tiles(core.has_tiles());
        let model = batch.file();
        let input = rows_of(&model, seed, 1);
        let Some(outcome) = run(core, &model, &input) else {
            return;
        };
        let expected = on_host(&model, &input);
        if let Some(difference) = batch.difference(&expected, &outcome.output) {
            panic!(
                "{} {backend:?} {rounding:?} seed {seed}: {difference}",
                core.name
            );
        }
        let emulated = core.rtl.as_ref().and_then(|rtl| {
            let target = Target::find(&rtl.image).unwrap();
            target.emulator.as_ref()?;
            run(target, &model, &input)
        });
        if let Some(emulated) = emulated {
            assert_eq!(outcome.run, emulated.run, "{}", core.name);
        }
    }
}

#[test]
fn matrices_times_vectors_agree() {
    agree(3, cases::fully_connected);
}

#[test]
fn convolutions_agree() {
    agree(4, cases::convolution);
}

#[test]
fn convolutions_in_place_agree() {
    agree(1, cases::in_place);
}

#[test]
fn depthwise_convolutions_agree() {
    agree(4, cases::depthwise);
}

#[test]
fn everything_else_agrees() {
    agree(3, plain::other);
}
