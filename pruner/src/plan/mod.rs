//! Where every tensor and every scratch buffer lies in the arena.
//!
//! Everything is known offline: live ranges, which steps may write over their input, how much scratch
//! each needs. [`plan`] joins tensors into blocks where a step works in place, arranges the blocks with
//! `search`, and undoes a join where that makes the arena smaller. [`check`] proves, without using any of
//! that, that no step destroys a value that is still read.

mod check;
mod live;
mod search;
#[cfg(test)]
mod tests;

pub use check::check;

use crate::lower::Program;
use live::{Life, lives, overwritable, round_up};
use search::{Arrangement, Block, Span, best_fit, exact};

/// The arena of one program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Byte offset of each tensor; 0 for tensors that no step touches.
    pub offsets: Vec<u32>,
    /// Offset and bytes of each step's scratch; zeros without.
    pub scratch: Vec<(u32, u32)>,
    /// Bytes of the arena.
    pub arena_len: u32,
    /// No plan with these steps can need less.
    pub lower_bound: u32,
    /// Steps that write over their input.
    pub in_place: Vec<usize>,
}

impl Plan {
    /// How many times the lower bound the arena is long.
    #[must_use]
    pub fn ratio(&self) -> f64 {
        f64::from(self.arena_len) / f64::from(self.lower_bound.max(1))
    }
}

/// Why a program has no plan.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The arena would not fit 32-bit offsets.
    TooLarge {
        /// Bytes needed.
        bytes: u64,
    },
    /// The plan destroys a value; a mistake in the planner, found before it reaches a file.
    Overwritten {
        /// The step that reads or writes it.
        step: String,
        /// What happened.
        reason: String,
    },
}

impl core::fmt::Display for PlanError {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::TooLarge { bytes } => write!(
                f,
                "the activations need {bytes} bytes, more than 32-bit offsets reach; a smaller input resolution needs less"
            ),
            Self::Overwritten { step, reason } => write!(f, "step '{step}': {reason}"),
        }
    }
}

impl core::error::Error for PlanError {}

/// Plans the arena of `program`.
///
/// # Errors
///
/// The arena exceeds 4 GB.
pub fn plan(program: &Program) -> Result<Plan, PlanError> {
    let memory = Memory::new(program);
    let bound = memory.lower_bound();
    let mut joins = memory.joins();
    let mut best = memory.arrange(&joins, bound);
    let mut improved = true;
    while improved && best.1.len > bound {
        improved = false;
        for step in 0..joins.len() {
            let Some(kept) = joins[step].take() else {
                continue;
            };
            let found = memory.arrange(&joins, bound);
            if found.1.len < best.1.len {
                best = found;
                improved = true;
            } else {
                joins[step] = Some(kept);
            }
        }
    }
    // Windows that convolve over their input keep columns, which takes time: only where the arena is smaller for it.
    for step in 0..joins.len() {
        let Some(kept) = joins[step].take_if(|_| memory.is_rolling(step)) else {
            continue;
        };
        let found = memory.arrange(&joins, bound);
        if found.1.len <= best.1.len {
            best = found;
        } else {
            joins[step] = Some(kept);
        }
    }
    best.1 = exact(&best.0.blocks, bound, best.1);
    let plan = memory.finish(&joins, &best, bound)?;
    check(program, &plan)?;
    Ok(plan)
}

/// What the planner needs to know of a program.
struct Memory<'a> {
    program: &'a Program,
    lives: Vec<Option<Life>>,
}

/// For each step, the tensor it writes over, or `None`.
type Joins = Vec<Option<usize>>;

/// The block of each tensor that owns memory, and of each scratch buffer.
struct Blocks {
    of_tensor: Vec<Option<usize>>,
    of_scratch: Vec<Option<usize>>,
    blocks: Vec<Block>,
}

impl<'a> Memory<'a> {
    fn new(program: &'a Program) -> Self {
        Self {
            program,
            lives: lives(program),
        }
    }

    /// Whether `step` needs more scratch over its input than apart from it.
    fn is_rolling(&self, step: usize) -> bool {
        self.scratch(step, true) > self.scratch(step, false)
    }

    /// Bytes of the scratch of `step`.
    fn scratch(&self, step: usize, in_place: bool) -> u64 {
        let step = self.program.steps.get(step);
        step.map_or(0, |s| {
            round_up(self.program.scratch_len(s, in_place).into())
        })
    }

    /// Inputs whose last reader is `step` and which it may overwrite.
    fn dying(&self, step: usize) -> Vec<usize> {
        let program = self.program;
        let at = &program.steps[step];
        let output = program.storage(at.output);
        let dies = |tensor: usize| {
            let storage = program.storage(tensor);
            // The other views of the memory, too, were read for the last time.
            storage != output
                && program.alias_at(tensor) == 0
                && self.lives[storage].is_some_and(|l| l.last == step)
                && self.lives[output].is_some_and(|l| l.first == step)
                && program.tensors[at.output].alias_of.is_none()
        };
        let mut dying: Vec<usize> = overwritable(program, at)
            .into_iter()
            .filter(|&t| dies(t))
            .collect();
        dying.dedup();
        dying
    }

    /// Every join that is allowed; of two inputs the one that was written first, whose memory is least likely to be wanted by the other.
    fn joins(&self) -> Joins {
        let first = |t: &usize| self.lives[self.program.storage(*t)].map_or(0, |l| l.first);
        (0..self.program.steps.len())
            .map(|s| self.dying(s).into_iter().min_by_key(first))
            .collect()
    }

    /// Bytes that step by step must exist at once, the most of any step.
    fn lower_bound(&self) -> u64 {
        let needed = |step: usize| {
            let live = |l: &Life| l.first <= step && step <= l.last;
            let sum: u64 = self
                .lives
                .iter()
                .flatten()
                .filter(|l| live(l))
                .map(|l| l.size)
                .sum();
            let size = |t: usize| self.lives[self.program.storage(t)].map_or(0, |l| l.size);
            let saved = self.program.steps.get(step).map_or(0, |s| {
                let shared = |t: usize| size(t).min(size(s.output));
                self.dying(step).into_iter().map(shared).max().unwrap_or(0)
            });
            let in_place = sum - saved + self.scratch(step, true);
            in_place.min(sum + self.scratch(step, false))
        };
        (0..=self.program.steps.len())
            .map(needed)
            .max()
            .unwrap_or(0)
    }

    fn blocks(&self, joins: &Joins) -> Blocks {
        let program = self.program;
        let mut found = Blocks {
            of_tensor: vec![None; self.lives.len()],
            of_scratch: Vec::new(),
            blocks: Vec::new(),
        };
        let written: Vec<usize> = program
            .inputs
            .iter()
            .copied()
            .chain(program.steps.iter().map(|s| s.output))
            .map(|t| program.storage(t))
            .collect();
        let joined = core::iter::repeat_n(&None, program.inputs.len()).chain(joins);
        for (tensor, join) in written.into_iter().zip(joined) {
            let Some(life) = self.lives[tensor].filter(|_| found.of_tensor[tensor].is_none())
            else {
                continue;
            };
            let block = join
                .and_then(|t| found.of_tensor[program.storage(t)])
                .unwrap_or_else(|| {
                    found.blocks.push(Block::default());
                    found.blocks.len() - 1
                });
            found.of_tensor[tensor] = Some(block);
            found.blocks[block].spans.push(Span {
                first: life.first,
                last: life.last,
                size: life.size,
            });
        }
        for (step, join) in joins.iter().enumerate() {
            let size = self.scratch(step, join.is_some());
            found
                .of_scratch
                .push((size > 0).then_some(found.blocks.len()));
            if size > 0 {
                found.blocks.push(Block {
                    spans: vec![Span {
                        first: step,
                        last: step,
                        size,
                    }],
                });
            }
        }
        found
    }

    fn arrange(&self, joins: &Joins, bound: u64) -> (Blocks, Arrangement) {
        let blocks = self.blocks(joins);
        let arrangement = best_fit(&blocks.blocks, bound);
        (blocks, arrangement)
    }

    fn finish(
        &self,
        joins: &Joins,
        (blocks, arrangement): &(Blocks, Arrangement),
        bound: u64,
    ) -> Result<Plan, PlanError> {
        let small = |bytes: u64| u32::try_from(bytes).map_err(|_| PlanError::TooLarge { bytes });
        let arena_len = small(arrangement.len)?;
        let at = |block: Option<usize>| small(block.map_or(0, |b| arrangement.offsets[b]));
        let offsets = (0..self.lives.len())
            .map(|t| {
                let block = at(blocks.of_tensor[self.program.storage(t)])?;
                small(u64::from(block) + u64::from(self.program.alias_at(t)))
            })
            .collect::<Result<_, _>>()?;
        let scratch = blocks
            .of_scratch
            .iter()
            .zip(self.program.steps.iter().zip(joins))
            .map(|(&b, (step, join))| {
                let len = self.program.scratch_len(step, join.is_some());
                Ok((at(b)?, len))
            })
            .collect::<Result<_, _>>()?;
        let in_place = (0..joins.len()).filter(|&s| joins[s].is_some()).collect();
        Ok(Plan {
            offsets,
            scratch,
            arena_len,
            lower_bound: small(bound)?,
            in_place,
        })
    }
}
