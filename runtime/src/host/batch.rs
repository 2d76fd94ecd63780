//! Many samples at a time: each thread takes some that follow each other through a session of its own.
//!
//! ```text
//! samples  0 … 24 ─► session of thread 0      25 … 49 ─► session of thread 1      …
//! ```
#![allow(unsafe_code, reason = "threads use one session each of several")]

use super::team::{Team, Worker};
use super::{Network, Session};
use crate::RunError;
use core::marker::PhantomData;
use core::ops::Range;
use core::panic::AssertUnwindSafe;
use std::panic::{catch_unwind, resume_unwind};
use std::sync::{Mutex, PoisonError};

/// Sessions of one network on threads, which sleep between batches. Running allocates nothing.
#[derive(Debug)]
pub struct Batch {
    /// Ends before the sessions that its threads use.
    team: Option<Team>,
    sessions: Vec<Session>,
}

/// Elements that belong to one thread each.
struct Each<'e, T> {
    start: *mut T,
    len: usize,
    borrow: PhantomData<&'e mut [T]>,
}

// SAFETY: `Each::part` says who may have which elements.
unsafe impl<T: Send> Sync for Each<'_, T> {}

impl<'e, T> Each<'e, T> {
    const fn of(elements: &'e mut [T]) -> Self {
        Self {
            start: elements.as_mut_ptr(),
            len: elements.len(),
            borrow: PhantomData,
        }
    }

    /// The elements of a range; none where it is not within.
    ///
    /// # Safety
    ///
    /// No other reference to any of them is alive.
    #[expect(clippy::mut_from_ref, reason = "the caller's contract")]
    unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        if range.start > range.end || range.end > self.len {
            return &mut [];
        }
        let (start, len) = (self.start.wrapping_add(range.start), range.len());
        // SAFETY: within the elements; the caller's contract.
        unsafe { core::slice::from_raw_parts_mut(start, len) }
    }
}

impl Batch {
    pub(super) fn new(network: &Network, threads: usize) -> std::io::Result<Self> {
        let team = (threads > 1).then(|| Team::new(threads)).transpose()?;
        Ok(Self {
            team,
            sessions: (0..threads).map(|_| network.session()).collect(),
        })
    }

    /// Threads, the caller included.
    #[must_use]
    pub const fn threads(&self) -> usize {
        self.sessions.len()
    }

    /// Calls `work` once for each of `0..samples`, with a session to fill, run and read; each thread takes samples that
    /// follow each other. A panic of `work` ends the samples of its thread and is passed on when the others are done.
    pub fn for_each(&mut self, samples: usize, work: impl Fn(&mut Session, usize) + Sync) {
        let sessions = Each::of(&mut self.sessions);
        let panic = Mutex::new(None);
        let share = |worker: Worker<'_>| {
            // SAFETY: thread `index` alone has session `index`.
            let sessions = unsafe { sessions.part(worker.index..worker.index + 1) };
            let samples = worker.range(samples, 1);
            let all = || {
                for session in sessions {
                    samples.clone().for_each(|sample| work(session, sample));
                }
            };
            if let Err(cause) = catch_unwind(AssertUnwindSafe(all)) {
                *panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
            }
        };
        match &mut self.team {
            Some(team) => team.run(&share, share),
            None => share(Worker::ALONE),
        }
        if let Some(cause) = panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(cause);
        }
    }

    /// Runs a network of one `s8` input and one `s8` output on samples that follow each other in `inputs`, each in the source
    /// model's order, and writes theirs to `outputs`. Returns how many there were.
    ///
    /// # Errors
    ///
    /// The network has other inputs or outputs, or the lengths are not those of the same number of whole samples.
    pub fn run_s8(&mut self, inputs: &[i8], outputs: &mut [i8]) -> Result<usize, RunError> {
        self.run(inputs, outputs, |session, input, output| {
            session.write_input_s8(0, input)?;
            session.run();
            session.read_output_s8(0, output)
        })
    }

    /// [`Self::run_s8`] for a network of one `f32` input and one `f32` output.
    ///
    /// # Errors
    ///
    /// As [`Self::run_s8`].
    pub fn run_f32(&mut self, inputs: &[f32], outputs: &mut [f32]) -> Result<usize, RunError> {
        self.run(inputs, outputs, |session, input, output| {
            session.write_input_f32(0, input)?;
            session.run();
            session.read_output_f32(0, output)
        })
    }

    fn run<T: Send + Sync>(
        &mut self,
        inputs: &[T],
        outputs: &mut [T],
        one: impl Fn(&mut Session, &[T], &mut [T]) -> Result<(), RunError> + Sync,
    ) -> Result<usize, RunError> {
        let (samples, lens) = self.samples(inputs.len(), outputs.len())?;
        let (outputs, error) = (Each::of(outputs), Mutex::new(None));
        self.for_each(samples, |session, sample| {
            let input = inputs.get(sample * lens.0..).unwrap_or_default();
            let input = input.get(..lens.0).unwrap_or_default();
            // SAFETY: sample by sample, each of which is called once.
            let output = unsafe { outputs.part(sample * lens.1..(sample + 1) * lens.1) };
            if let Err(found) = one(session, input, output) {
                *error.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
            }
        });
        let error = error.into_inner().unwrap_or_else(PoisonError::into_inner);
        error.map_or(Ok(samples), Err)
    }

    /// How many samples there are, and the elements of an input and of an output.
    fn samples(&self, inputs: usize, outputs: usize) -> Result<(usize, (usize, usize)), RunError> {
        let Some(session) = self.sessions.first() else {
            return Ok((0, (0, 0)));
        };
        let model = session.model();
        let (inputs_len, outputs_len) = (model.inputs_len(), model.outputs_len());
        if (inputs_len, outputs_len) != (1, 1) {
            return Err(RunError::Several {
                inputs: inputs_len,
                outputs: outputs_len,
            });
        }
        let len = |io: Option<nnz_format::Io<'_>>| {
            let elements = io.map_or(0, |io| io.tensor.elements());
            usize::try_from(elements).unwrap_or(usize::MAX).max(1)
        };
        let (input, output) = (len(model.input(0)), len(model.output(0)));
        let samples = inputs / input;
        let wrong = |index, len: usize, found| RunError::Elements {
            index,
            needed: len.saturating_mul(samples),
            found,
        };
        if !inputs.is_multiple_of(input) {
            return Err(wrong(0, input, inputs));
        }
        if samples.checked_mul(output) != Some(outputs) {
            return Err(wrong(0, output, outputs));
        }
        Ok((samples, (input, output)))
    }
}
