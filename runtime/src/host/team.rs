//! Threads that run a network together: each does its share of a node, and all meet before the next.
//!
//! A run is one job: every thread goes through all nodes by itself, so that only the beginning of a run wakes anybody. What a
//! thread computes does not depend on how many there are, and nothing is added up across threads: results are the same
//! bytes for every number of threads.
#![allow(
    unsafe_code,
    reason = "a job is borrowed by threads that outlive the borrow"
)]

use super::MAX_THREADS;
use core::fmt;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use std::io::{Error, ErrorKind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// Looks at a changing value before a thread sleeps: some tens of microseconds.
const SPINS: u32 = 2_000;

/// Where threads wait for each other: with open eyes at first, then asleep.
#[derive(Debug)]
pub(super) struct Barrier {
    threads: usize,
    arrived: AtomicUsize,
    round: AtomicUsize,
    sleepers: AtomicUsize,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Barrier {
    const fn new(threads: usize) -> Self {
        Self {
            threads,
            arrived: AtomicUsize::new(0),
            round: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            lock: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// Returns when every thread has called it; what any of them did before is seen by all after.
    fn wait(&self) {
        let round = self.round.load(Ordering::Acquire);
        if self.arrived.fetch_add(1, Ordering::AcqRel) + 1 == self.threads {
            self.arrived.store(0, Ordering::Relaxed);
            // Whoever is not seen asleep below sees the round before he sleeps.
            self.round.store(round.wrapping_add(1), Ordering::SeqCst);
            if self.sleepers.load(Ordering::SeqCst) > 0 {
                drop(self.lock());
                self.wake.notify_all();
            }
            return;
        }
        for _ in 0..SPINS {
            if self.round.load(Ordering::Acquire) != round {
                return;
            }
            core::hint::spin_loop();
        }
        self.sleep(round);
    }

    fn sleep(&self, round: usize) {
        let mut guard = self.lock();
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        while self.round.load(Ordering::SeqCst) == round {
            let woken = self.wake.wait(guard);
            guard = woken.unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, ()> {
        self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One thread of those that run a network together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Worker<'t> {
    /// Which one.
    pub(super) index: usize,
    /// How many there are.
    pub(super) threads: usize,
    barrier: Option<&'t Barrier>,
}

impl Worker<'_> {
    /// The only one.
    pub(super) const ALONE: Worker<'static> = Worker {
        index: 0,
        threads: 1,
        barrier: None,
    };

    /// Waits for all others.
    #[inline]
    pub(super) fn meet(&self) {
        if let Some(barrier) = self.barrier {
            barrier.wait();
        }
    }

    /// Whether it does what is not shared.
    pub(super) const fn is_first(&self) -> bool {
        self.index == 0
    }

    /// Its part of `0..len`, which begins at a multiple of `step`.
    pub(super) fn range(&self, len: usize, step: usize) -> Range<usize> {
        let each = len.div_ceil(self.threads).next_multiple_of(step);
        let at = |index: usize| (index * each).min(len);
        at(self.index)..at(self.index + 1)
    }

    /// Which one of how many.
    pub(super) const fn of(&self) -> (usize, usize) {
        (self.index, self.threads)
    }
}

/// What the threads of a team do.
type Work<'w> = dyn Fn(Worker<'_>) + Sync + 'w;

/// Work that stays where it is until every thread has done it.
#[derive(Clone, Copy)]
struct Job(*const Work<'static>);

// SAFETY: the work may be called from any thread, and `Team::run` keeps it until all have.
unsafe impl Send for Job {}

#[derive(Default)]
struct State {
    job: Option<Job>,
    is_over: bool,
}

struct Shared {
    barrier: Barrier,
    /// Jobs so far.
    jobs: AtomicUsize,
    state: Mutex<State>,
    wake: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn worker(&self, index: usize) -> Worker<'_> {
        Worker {
            index,
            threads: self.barrier.threads,
            barrier: Some(&self.barrier),
        }
    }

    /// The job after the `seen`-th; none when there will be no more.
    fn next(&self, seen: usize) -> Option<Job> {
        for _ in 0..SPINS {
            if self.jobs.load(Ordering::Acquire) != seen {
                break;
            }
            core::hint::spin_loop();
        }
        let mut state = self.state();
        while self.jobs.load(Ordering::Acquire) == seen && !state.is_over {
            let woken = self.wake.wait(state);
            state = woken.unwrap_or_else(PoisonError::into_inner);
        }
        state.job.filter(|_| !state.is_over)
    }

    /// What thread `index` does all its life.
    fn serve(&self, index: usize) {
        let mut seen = 0;
        while let Some(Job(work)) = self.next(seen) {
            seen = seen.wrapping_add(1);
            let guard = AbortOnPanic;
            // SAFETY: `Team::run` waits at the barrier below before the work's borrow ends.
            let work = unsafe { &*work };
            work(self.worker(index));
            self.barrier.wait();
            drop(guard);
        }
    }
}

/// Ends the program where a thread panics that others wait for.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if thread::panicking() {
            std::process::abort();
        }
    }
}

/// The caller and threads beside it, which sleep between jobs.
pub(super) struct Team {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Team {
    /// `threads` in all, the caller included.
    ///
    /// # Errors
    ///
    /// These are more than [`MAX_THREADS`], or the system has no more.
    pub(super) fn new(threads: usize) -> std::io::Result<Self> {
        if threads > MAX_THREADS {
            let text = format!("{threads} threads are more than {MAX_THREADS}");
            return Err(Error::new(ErrorKind::InvalidInput, text));
        }
        let shared = Arc::new(Shared {
            barrier: Barrier::new(threads.max(1)),
            jobs: AtomicUsize::new(0),
            state: Mutex::default(),
            wake: Condvar::new(),
        });
        let mut team = Self {
            shared,
            threads: Vec::new(),
        };
        for index in 1..threads {
            let shared = Arc::clone(&team.shared);
            let thread = thread::Builder::new().name(format!("nnz-{index}"));
            team.threads
                .push(thread.spawn(move || shared.serve(index))?);
        }
        Ok(team)
    }

    /// Threads, the caller included.
    pub(super) fn len(&self) -> usize {
        self.shared.barrier.threads
    }

    /// Does `work` on every other thread and `mine` on this one, and returns when all are done. Both must meet as often.
    pub(super) fn run(&mut self, work: &Work<'_>, mine: impl FnOnce(Worker<'_>)) {
        // SAFETY: only the lifetime changes, and this function does not return, or unwind, before every thread has
        // passed the barrier that follows its call of the work.
        let work: &'static Work<'static> = unsafe { core::mem::transmute(work) };
        let mut state = self.shared.state();
        state.job = Some(Job(work));
        self.shared.jobs.fetch_add(1, Ordering::Release);
        drop(state);
        self.shared.wake.notify_all();
        let guard = AbortOnPanic;
        mine(self.shared.worker(0));
        self.shared.barrier.wait();
        drop(guard);
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.state().is_over = true;
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Team {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Team")
            .field("threads", &self.shared.barrier.threads)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_thread_does_each_job_once_and_sees_what_others_did() {
        let mut team = Team::new(3).expect("threads");
        let (met, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        for round in 1..=200 {
            let work = |worker: Worker<'_>| {
                met.fetch_add(1, Ordering::Relaxed);
                worker.meet();
                assert_eq!(met.load(Ordering::Relaxed), 3 * round);
                done.fetch_add(1 << (8 * worker.index), Ordering::Relaxed);
            };
            team.run(&work, work);
            assert_eq!(done.swap(0, Ordering::Relaxed), 0x0001_0101);
        }
    }

    #[test]
    fn a_team_whose_threads_slept_wakes_and_one_that_never_ran_ends() {
        let mut team = Team::new(2).expect("threads");
        thread::sleep(core::time::Duration::from_millis(20));
        let calls = AtomicUsize::new(0);
        let work = |_: Worker<'_>| {
            calls.fetch_add(1, Ordering::Relaxed);
        };
        team.run(&work, work);
        assert_eq!(calls.into_inner(), 2);
        drop(Team::new(4).expect("threads"));
    }

    #[test]
    fn parts_of_a_range_are_all_of_it() {
        for (threads, len) in [(1, 10), (3, 1000), (4, 64), (5, 0)] {
            let mut at = 0;
            for index in 0..threads {
                let worker = Worker {
                    index,
                    threads,
                    barrier: None,
                };
                let part = worker.range(len, 64);
                assert_eq!(part.start, at);
                at = part.end;
            }
            assert_eq!(at, len);
        }
    }
}
