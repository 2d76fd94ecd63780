//! Proof that a plan keeps every value until its last reader, by running the program on owners of bytes.
//!
//! The arena is an array that says, for each granule of 8 bytes, which tensor's value lies there. Steps are
//! played in order: what a step reads must still be its own, and what it writes changes hands.

use super::live::{inputs, may_overwrite};
use super::{Plan, PlanError};
use crate::lower::Program;
use core::ops::Range;

/// Nobody's bytes.
const FREE: usize = usize::MAX;
const GRANULE: usize = 8;

/// Checks `plan` against `program`, independently of how the plan was made.
///
/// # Errors
///
/// The first step that reads a destroyed value, leaves the arena, or overlaps itself where its operator does
/// not work in place.
pub fn check(program: &Program, plan: &Plan) -> Result<(), PlanError> {
    let mut owners = vec![FREE; (plan.arena_len as usize).div_ceil(GRANULE)];
    let ranges: Vec<Range<usize>> = (0..program.tensors.len())
        .map(|t| {
            let start = plan.offsets[t] as usize;
            let len = usize::try_from(program.tensors[t].len()).unwrap_or(usize::MAX);
            start..start.saturating_add(len)
        })
        .collect();
    for &input in &program.inputs {
        claim(
            &mut owners,
            &ranges[input],
            program.storage(input),
            "network input",
        )?;
    }
    for (step, &(offset, len)) in program.steps.iter().zip(&plan.scratch) {
        let fail = |reason: &str| PlanError::Overwritten {
            step: step.name.clone(),
            reason: reason.to_owned(),
        };
        let output = &ranges[step.output];
        let scratch = offset as usize..offset as usize + len as usize;
        for input in inputs(step) {
            owned(&owners, &ranges[input], program.storage(input), &step.name)?;
            if overlap(&ranges[input], &scratch) {
                return Err(fail("its scratch overlaps an input"));
            }
            let begins = ranges[input].start == output.start && may_overwrite(program, step, input);
            if overlap(&ranges[input], output) && !begins {
                return Err(fail("its output overlaps an input"));
            }
        }
        if overlap(output, &scratch) {
            return Err(fail("its scratch overlaps its output"));
        }
        claim(&mut owners, &scratch, FREE, &step.name)?;
        claim(
            &mut owners,
            output,
            program.storage(step.output),
            &step.name,
        )?;
    }
    program
        .outputs
        .iter()
        .try_for_each(|&o| owned(&owners, &ranges[o], program.storage(o), "network output"))
}

const fn overlap(a: &Range<usize>, b: &Range<usize>) -> bool {
    a.start < b.end && b.start < a.end && a.start < a.end && b.start < b.end
}

const fn granules(range: &Range<usize>) -> Range<usize> {
    if range.start >= range.end {
        return 0..0;
    }
    range.start / GRANULE..range.end.div_ceil(GRANULE)
}

fn claim(
    owners: &mut [usize],
    range: &Range<usize>,
    owner: usize,
    step: &str,
) -> Result<(), PlanError> {
    let outside = || PlanError::Overwritten {
        step: step.to_owned(),
        reason: "it writes outside the arena or at an unaligned offset".to_owned(),
    };
    if !range.start.is_multiple_of(GRANULE) {
        return Err(outside());
    }
    owners
        .get_mut(granules(range))
        .ok_or_else(outside)?
        .fill(owner);
    Ok(())
}

fn owned(
    owners: &[usize],
    range: &Range<usize>,
    owner: usize,
    step: &str,
) -> Result<(), PlanError> {
    match owners.get(granules(range)) {
        Some(held) if held.iter().all(|&o| o == owner) => Ok(()),
        _ => Err(PlanError::Overwritten {
            step: step.to_owned(),
            reason: "it reads a tensor that was overwritten".to_owned(),
        }),
    }
}
