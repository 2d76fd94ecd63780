//! The memory of a session as the threads that run it have it: the file's arena, and planes.
#![allow(
    unsafe_code,
    reason = "threads write parts of memory that only the plan keeps apart"
)]

use super::Isa;
use super::form::Form;
use super::pool;
use super::team::Worker;
use crate::arch::vector::{Simd, Task};
use core::marker::PhantomData;
use core::ops::Range;

/// A tensor in planes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its shape.
    pub(super) form: Form,
    /// Where its first plane begins.
    pub(super) offset: usize,
}

/// Bytes that several threads may change.
#[derive(Debug, Clone, Copy)]
struct Span<'m> {
    start: *mut u8,
    len: usize,
    borrow: PhantomData<&'m mut [u8]>,
}

impl<'m> Span<'m> {
    const fn of(bytes: &'m mut [u8]) -> Self {
        Self {
            start: bytes.as_mut_ptr(),
            len: bytes.len(),
            borrow: PhantomData,
        }
    }

    /// A range within the bytes; none of it where it is not.
    const fn within(&self, range: &Range<usize>) -> (*mut u8, usize) {
        if range.start <= range.end && range.end <= self.len {
            (
                self.start.wrapping_add(range.start),
                range.end - range.start,
            )
        } else {
            (self.start, 0)
        }
    }
}

/// The memory of a session.
#[derive(Debug, Clone, Copy)]
pub(super) struct Memory<'m> {
    file: Span<'m>,
    planes: Span<'m>,
    /// Planes that the plan placed; what follows belongs to threads.
    shared: usize,
    /// Bytes of each thread but the first.
    own: usize,
}

// SAFETY: see the invariant of `Arena`, which alone reads or writes it.
unsafe impl Sync for Memory<'_> {}

impl<'m> Memory<'m> {
    /// The file's arena and planes, of which `shared` bytes are everybody's and `own` bytes then each further thread's.
    pub(super) const fn new(
        file: &'m mut [u8],
        planes: &'m mut [u8],
        (shared, own): (usize, usize),
    ) -> Self {
        Self {
            file: Span::of(file),
            planes: Span::of(planes),
            shared,
            own,
        }
    }

    /// As `worker` has it.
    pub(super) const fn arena<'a>(&'a self, isa: Isa, worker: Worker<'a>) -> Arena<'a> {
        Arena {
            memory: self,
            isa,
            worker,
        }
    }
}

/// The memory of a session as one of its threads has it.
///
/// # Invariant
///
/// Between two meetings no byte that a thread writes is read or written by another: nodes write parts of their outputs
/// and of their scratch that [`Worker`] keeps apart, and read inputs, which the plan placed elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Arena<'a> {
    memory: &'a Memory<'a>,
    isa: Isa,
    /// The thread.
    pub(super) worker: Worker<'a>,
}

impl Arena<'_> {
    /// The address of a range that the plan placed.
    pub(super) const fn at(&self, offset: usize) -> *mut u8 {
        self.memory.planes.start.wrapping_add(offset)
    }

    /// Scratch of this thread alone, for a node whose scratch is at `offset`.
    pub(super) const fn own(&self, offset: usize) -> *mut u8 {
        let others = self.memory.shared + self.memory.own * self.worker.index.saturating_sub(1);
        self.at(if self.worker.index == 0 {
            offset
        } else {
            others
        })
    }

    /// Does `task` with the vectors of the CPU.
    pub(super) fn enter<T: Task>(&self, task: T) -> Option<T::Out> {
        crate::arch::enter(self.isa, task)
    }

    /// Runs a pool over this thread's channels.
    pub(super) fn enter_planes(&self, pool: &pool::Pool, (input, output): (&Place, &Place)) {
        let channels = self.worker.range(input.form.channels, 1);
        let part = |place: &Place| {
            let plane = place.form.plane;
            place.offset + channels.start * plane..place.offset + channels.end * plane
        };
        let (from, to) = (self.bytes(part(input)), self.bytes_mut(part(output)));
        let forms = (&input.form, &output.form);
        let planes = pool::Planes { pool, forms };
        let _ = self.enter(PoolTask { planes, from, to });
    }

    /// Bytes of planes that nobody writes meanwhile.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        let (start, len) = self.memory.planes.within(&range);
        // SAFETY: within the planes, which are initialised; the invariant of `Arena`.
        unsafe { core::slice::from_raw_parts(start, len) }
    }

    /// Bytes of planes that are this thread's until the next meeting.
    #[expect(clippy::mut_from_ref, reason = "the invariant of `Arena`")]
    pub(super) fn bytes_mut(&self, range: Range<usize>) -> &mut [u8] {
        let (start, len) = self.memory.planes.within(&range);
        // SAFETY: as in `bytes`.
        unsafe { core::slice::from_raw_parts_mut(start, len) }
    }

    /// The file's arena, where nobody writes meanwhile.
    pub(super) fn file(&self) -> &[u8] {
        // SAFETY: the whole arena, initialised; the invariant of `Arena`.
        unsafe { core::slice::from_raw_parts(self.memory.file.start, self.memory.file.len) }
    }

    /// The file's arena, which is this thread's until the next meeting.
    #[expect(clippy::mut_from_ref, reason = "the invariant of `Arena`")]
    pub(super) fn file_mut(&self) -> &mut [u8] {
        // SAFETY: as in `file`.
        unsafe { core::slice::from_raw_parts_mut(self.memory.file.start, self.memory.file.len) }
    }
}

/// A pool, in a function for the CPU's vectors.
struct PoolTask<'p> {
    planes: pool::Planes<'p>,
    from: &'p [u8],
    to: &'p mut [u8],
}

impl Task for PoolTask<'_> {
    type Out = ();

    #[inline(always)]
    fn run<S: Simd>(self, _: S) {
        self.planes.run(self.from, self.to);
    }
}
