//! Runs of a band, sixteen bytes at a time.

use crate::arch::portable::Runs;

/// What `nnz_mve_runs` reads.
#[derive(Debug)]
#[repr(C)]
struct Args {
    from: *const i8,
    to: *mut i8,
    from_stride: usize,
    to_stride: usize,
    count: usize,
    inside: u32,
    all: u32,
    step: usize,
    outside: i32,
}

unsafe extern "C" {
    fn nnz_mve_runs(args: *const Args);
}

/// Bytes that a vector holds.
const VECTOR: usize = 16;
/// Largest step whose offsets fit a byte.
const LONGEST_STEP: usize = 255 / (VECTOR - 1);

/// Writes runs of bytes.
///
/// # Safety
///
/// As [`Runs::write`].
#[inline(never)]
pub(crate) unsafe fn write_runs(runs: &Runs<i8>) {
    let run = &runs.run;
    if run.len > VECTOR || run.step > LONGEST_STEP || runs.count == 0 {
        // SAFETY: the caller's contract.
        return unsafe { write_long(runs) };
    }
    let args = Args {
        from: runs.from.wrapping_sub(run.lead.wrapping_mul(run.step)),
        to: runs.to,
        from_stride: runs.from_stride,
        to_stride: runs.to_stride,
        count: runs.count,
        inside: ones(run.copied).wrapping_shl(lead(run.lead)),
        all: ones(run.len),
        step: run.step,
        outside: runs.outside.into(),
    };
    // SAFETY: the predicate lets those bytes be read that the caller allows, and those be written.
    unsafe { nnz_mve_runs(&raw const args) };
}

/// Writes runs that no vector holds. Out of line: what it needs is not on the stack of others.
///
/// # Safety
///
/// As [`Runs::write`].
#[inline(never)]
unsafe fn write_long(runs: &Runs<i8>) {
    // SAFETY: the caller's contract.
    unsafe { runs.write() };
}

/// The lowest `count` ≤ 16 bits.
fn ones(count: usize) -> u32 {
    !u32::MAX.wrapping_shl(lead(count))
}

/// A length of at most [`VECTOR`] as a shift.
fn lead(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(0)
}
