//! A network bound to memory: inputs go in, it runs, outputs come out.
//!
//! A session lies in memory of the caller, who cannot see into it: a `Room` at the first aligned place. A session of
//! the caller's own arena holds the proved model and refers to it, so it must stay where it was opened; its address is
//! kept to notice when it does not.

use crate::KERNELS;
use crate::status::{NNZ_MODEL, NNZ_NOT_OPEN, NNZ_NULL, NNZ_OK, nnz_status, status};
use crate::tensor::nnz_tensor;
use core::mem::{align_of, size_of};
use core::ptr;
use nnz::format::Io;
use nnz::{Model, Progress, RunError};

/// A network bound to memory. Do not copy or move it while it is open.
#[repr(C)]
#[derive(Debug)]
pub struct nnz_session {
    /// Not for you.
    words: [u64; 48],
}

type Core = nnz::Session<'static, 'static, KERNELS>;

/// What runs.
pub(crate) enum Runner {
    /// In the caller's arena.
    Core(Core),
    /// In memory of its own.
    #[cfg(feature = "std")]
    Host(nnz::host::Session),
}

/// What stands in the words of an open session, its address first.
#[repr(C)]
struct Room {
    /// Its own address: zero, or another, where it is not open.
    address: usize,
    runner: Runner,
    /// What a runner of the caller's arena refers to.
    model: Option<Model<'static>>,
}

const _: () = assert!(
    size_of::<Room>() + align_of::<Room>() <= size_of::<nnz_session>() + align_of::<nnz_session>(),
    "a session has room for what runs"
);

impl nnz_session {
    /// Where the room of a session is.
    fn room(session: *mut Self) -> *mut Room {
        let address = session.addr();
        let gap = address.next_multiple_of(align_of::<Room>()) - address;
        session.wrapping_byte_add(gap).cast()
    }

    /// Opens `session` with a runner.
    ///
    /// # Safety
    ///
    /// `session` is writable.
    #[cfg(feature = "std")]
    pub(crate) unsafe fn put(session: *mut Self, runner: Runner) {
        let place = Self::room(session);
        let room = Room {
            address: place.addr(),
            runner,
            model: None,
        };
        // SAFETY: the caller's contract; the assertion above says that a room fits.
        unsafe { place.write(room) };
    }

    /// What runs in an open session.
    ///
    /// # Safety
    ///
    /// `session` is null or points to a session that was opened, closed or zeroed, and nobody else uses it meanwhile.
    unsafe fn runner<'s>(session: *mut Self) -> Result<&'s mut Runner, nnz_status> {
        if session.is_null() {
            return Err(NNZ_NULL);
        }
        let room = Self::room(session);
        // SAFETY: the first word of every room is its address or not.
        let address = unsafe { room.cast::<usize>().read() };
        if address != room.addr() {
            return Err(NNZ_NOT_OPEN);
        }
        // SAFETY: only an open session's room holds its own address.
        let room = unsafe { &mut *room };
        Ok(&mut room.runner)
    }
}

impl Runner {
    fn input(&self, index: usize) -> Option<Io<'_>> {
        match self {
            Self::Core(session) => session.model().input(index),
            #[cfg(feature = "std")]
            Self::Host(session) => session.model().input(index),
        }
    }

    fn output(&self, index: usize) -> Option<Io<'_>> {
        match self {
            Self::Core(session) => session.model().output(index),
            #[cfg(feature = "std")]
            Self::Host(session) => session.model().output(index),
        }
    }
}

/// Bytes of the arena that a network needs; 0 where the bytes are not a network.
///
/// # Safety
///
/// `model` is null or points to `model_len` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_arena_len(model: *const u8, model_len: usize) -> usize {
    if model.is_null() {
        return 0;
    }
    // SAFETY: the caller's contract.
    nnz::arena_len(unsafe { core::slice::from_raw_parts(model, model_len) })
}

/// Proves a network and binds it to an arena: no other memory is used.
///
/// # Safety
///
/// `session` is writable and not an open session. `model` points to `model_len` bytes that do not change, `arena` to
/// `arena_len` bytes that nobody else uses, until the session is closed. The session stays where it is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_open(
    session: *mut nnz_session,
    model: *const u8,
    model_len: usize,
    arena: *mut u8,
    arena_len: usize,
) -> nnz_status {
    if session.is_null() || model.is_null() || arena.is_null() {
        return NNZ_NULL;
    }
    let room = nnz_session::room(session);
    // SAFETY: the caller's contract: a session that is not opened again is closed.
    unsafe { room.cast::<usize>().write(0) };
    // SAFETY: the bytes live as long as the session is open.
    let bytes: &'static [u8] = unsafe { core::slice::from_raw_parts(model, model_len) };
    // SAFETY: as above, and nobody else uses them.
    let arena: &'static mut [u8] = unsafe { core::slice::from_raw_parts_mut(arena, arena_len) };
    // SAFETY: a room fits into a session.
    match unsafe { open(room, bytes, arena) } {
        Ok(()) => NNZ_OK,
        Err(status) => status,
    }
}

/// Fills a room.
///
/// # Safety
///
/// `room` is writable and stays where it is.
unsafe fn open(
    room: *mut Room,
    bytes: &'static [u8],
    arena: &'static mut [u8],
) -> Result<(), nnz_status> {
    let model = Model::parse_for::<KERNELS>(bytes).map_err(|_| NNZ_MODEL)?;
    // SAFETY: within the room, which is writable.
    let place = unsafe { &raw mut (*room).model };
    // SAFETY: as above.
    unsafe { place.write(Some(model)) };
    // SAFETY: written above; it stays where it is, and nobody changes it, until the session is closed.
    let model: &'static Option<Model<'static>> = unsafe { &*place };
    let model = model.as_ref().ok_or(NNZ_MODEL)?;
    let runner = Runner::Core(Core::new(model, arena)?);
    // SAFETY: within the room, here and below.
    let place = unsafe { &raw mut (*room).runner };
    // SAFETY: as above.
    unsafe { place.write(runner) };
    // SAFETY: the room's first word; last, so that it counts as open only when it is whole.
    unsafe { room.cast::<usize>().write(room.addr()) };
    Ok(())
}

/// Closes a session; one that is not open stays so.
///
/// # Safety
///
/// `session` is null or points to a session that was opened, closed or zeroed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_close(session: *mut nnz_session) {
    // SAFETY: the caller's contract.
    if let Ok(runner) = unsafe { nnz_session::runner(session) } {
        // SAFETY: the runner of an open session, which is not used again: its address is taken away.
        unsafe { ptr::drop_in_place(runner) };
        // SAFETY: as above.
        unsafe { nnz_session::room(session).cast::<usize>().write(0) };
    }
}

/// Number of inputs; 0 where the session is not open.
///
/// # Safety
///
/// As `nnz_session_run`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_inputs(session: *mut nnz_session) -> usize {
    // SAFETY: the caller's contract.
    let runner = unsafe { nnz_session::runner(session) };
    runner.map_or(0, |runner| {
        (0..).take_while(|&i| runner.input(i).is_some()).count()
    })
}

/// Number of outputs; 0 where the session is not open.
///
/// # Safety
///
/// As `nnz_session_run`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_outputs(session: *mut nnz_session) -> usize {
    // SAFETY: the caller's contract.
    let runner = unsafe { nnz_session::runner(session) };
    runner.map_or(0, |runner| {
        (0..).take_while(|&i| runner.output(i).is_some()).count()
    })
}

/// Writes a tensor's record.
///
/// # Safety
///
/// `tensor` is null or writable.
unsafe fn describe(io: Option<Io<'_>>, tensor: *mut nnz_tensor) -> nnz_status {
    let Some(io) = io else {
        return nnz_status::NNZ_NO_SUCH_TENSOR;
    };
    if tensor.is_null() {
        return NNZ_NULL;
    }
    // SAFETY: the caller's contract.
    unsafe { tensor.write(nnz_tensor::new(&io)) };
    NNZ_OK
}

/// What input `index` is.
///
/// # Safety
///
/// As `nnz_session_run`, and `tensor` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_input(
    session: *mut nnz_session,
    index: usize,
    tensor: *mut nnz_tensor,
) -> nnz_status {
    // SAFETY: the caller's contract.
    match unsafe { nnz_session::runner(session) } {
        // SAFETY: as above.
        Ok(runner) => unsafe { describe(runner.input(index), tensor) },
        Err(status) => status,
    }
}

/// What output `index` is.
///
/// # Safety
///
/// As `nnz_session_run`, and `tensor` is null or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_output(
    session: *mut nnz_session,
    index: usize,
    tensor: *mut nnz_tensor,
) -> nnz_status {
    // SAFETY: the caller's contract.
    match unsafe { nnz_session::runner(session) } {
        // SAFETY: as above.
        Ok(runner) => unsafe { describe(runner.output(index), tensor) },
        Err(status) => status,
    }
}

/// Calls `$method` of what runs with a slice of `$values`.
macro_rules! transfer {
    ($session:ident, $index:ident, $values:ident, $count:ident, $slice:ident, $method:ident) => {{
        // SAFETY: the caller's contract.
        let runner = match unsafe { nnz_session::runner($session) } {
            Ok(runner) => runner,
            Err(status) => return status,
        };
        if $values.is_null() {
            return NNZ_NULL;
        }
        // SAFETY: the caller's contract.
        let values = unsafe { core::slice::$slice($values, $count) };
        status::<RunError>(match runner {
            Runner::Core(session) => session.$method($index, values),
            #[cfg(feature = "std")]
            Runner::Host(session) => session.$method($index, values),
        })
    }};
}

/// Fills input `index`, which must hold `NNZ_S8`. Inputs may share their memory with later tensors: write them again
/// before every run.
///
/// # Safety
///
/// As `nnz_session_run`, and `values` is null or points to `count` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_write_s8(
    session: *mut nnz_session,
    index: usize,
    values: *const i8,
    count: usize,
) -> nnz_status {
    transfer!(
        session,
        index,
        values,
        count,
        from_raw_parts,
        write_input_s8
    )
}

/// Fills input `index`, which must hold `NNZ_F32`.
///
/// # Safety
///
/// As `nnz_session_write_s8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_write_f32(
    session: *mut nnz_session,
    index: usize,
    values: *const f32,
    count: usize,
) -> nnz_status {
    transfer!(
        session,
        index,
        values,
        count,
        from_raw_parts,
        write_input_f32
    )
}

/// Copies output `index`, which must hold `NNZ_S8`.
///
/// # Safety
///
/// As `nnz_session_run`, and `values` is null or has room for `count` elements.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_read_s8(
    session: *mut nnz_session,
    index: usize,
    values: *mut i8,
    count: usize,
) -> nnz_status {
    transfer!(
        session,
        index,
        values,
        count,
        from_raw_parts_mut,
        read_output_s8
    )
}

/// Copies output `index`, which must hold `NNZ_F32`.
///
/// # Safety
///
/// As `nnz_session_read_s8`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_read_f32(
    session: *mut nnz_session,
    index: usize,
    values: *mut f32,
    count: usize,
) -> nnz_status {
    transfer!(
        session,
        index,
        values,
        count,
        from_raw_parts_mut,
        read_output_f32
    )
}

/// Runs the network.
///
/// # Safety
///
/// `session` is null or points to a session that was opened, closed or zeroed, and no other thread uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_run(session: *mut nnz_session) -> nnz_status {
    // SAFETY: the caller's contract.
    match unsafe { nnz_session::runner(session) } {
        Ok(Runner::Core(session)) => session.run(),
        #[cfg(feature = "std")]
        Ok(Runner::Host(session)) => session.run(),
        Err(status) => return status,
    }
    NNZ_OK
}

/// Goes back to the first step, for `nnz_session_step`.
///
/// # Safety
///
/// As `nnz_session_run`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_begin(session: *mut nnz_session) -> nnz_status {
    // SAFETY: the caller's contract.
    match unsafe { nnz_session::runner(session) } {
        Ok(Runner::Core(session)) => session.begin(),
        #[cfg(feature = "std")]
        Ok(Runner::Host(_)) => {}
        Err(status) => return status,
    }
    NNZ_OK
}

/// Runs on for about `budget` multiply-accumulates, so that other work waits no longer than one slice; true when the
/// network is done. A session of `nnz_session_of_network` runs whole. False also where the session is not open.
///
/// # Safety
///
/// As `nnz_session_run`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_step(session: *mut nnz_session, budget: u32) -> bool {
    // SAFETY: the caller's contract.
    match unsafe { nnz_session::runner(session) } {
        Ok(Runner::Core(session)) => matches!(session.step(budget), Progress::Done),
        #[cfg(feature = "std")]
        Ok(Runner::Host(session)) => {
            session.run();
            true
        }
        Err(_) => false,
    }
}
