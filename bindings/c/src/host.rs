//! Networks that own their memory and run with the vectors of this CPU.

use crate::session::{Runner, nnz_session};
use crate::status::{NNZ_FILE, NNZ_MODEL, NNZ_NULL, NNZ_OK, NNZ_OTHER, nnz_status};
use core::cell::RefCell;
use core::ffi::{CStr, c_char};
use core::num::NonZeroUsize;
use core::ptr;
use nnz::host::{LoadError, Network};
use std::ffi::CString;
use std::path::PathBuf;

/// A network of a host: its file in memory, weights packed for the CPU. Threads may share it.
#[derive(Debug)]
pub struct nnz_network(Network);

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// Keeps an error's text for [`nnz_last_error`].
fn failed(error: &LoadError) -> nnz_status {
    let text = CString::new(error.to_string()).unwrap_or_default();
    LAST_ERROR.with(|last| *last.borrow_mut() = text);
    match error {
        LoadError::Io(_) => NNZ_FILE,
        LoadError::Format(_) | _ => NNZ_MODEL,
    }
}

/// Why this thread's last `nnz_network_open` or `nnz_network_from_bytes` that failed did; empty before. The text stays
/// until the thread's next failure.
#[unsafe(no_mangle)]
pub extern "C" fn nnz_last_error() -> *const c_char {
    LAST_ERROR.with(|last| last.borrow().as_ptr())
}

/// Gives a loaded network out.
///
/// # Safety
///
/// `network` is writable.
unsafe fn give(loaded: Result<Network, LoadError>, network: *mut *mut nnz_network) -> nnz_status {
    let (given, status) = match loaded {
        Ok(loaded) => (Box::into_raw(Box::new(nnz_network(loaded))), NNZ_OK),
        Err(error) => (ptr::null_mut(), failed(&error)),
    };
    // SAFETY: the caller's contract.
    unsafe { network.write(given) };
    status
}

/// Reads and proves a file. `*network` is null where that fails.
///
/// # Safety
///
/// `path` is a text that ends with a zero, and `network` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_network_open(
    path: *const c_char,
    network: *mut *mut nnz_network,
) -> nnz_status {
    if path.is_null() || network.is_null() {
        return NNZ_NULL;
    }
    // SAFETY: the caller's contract.
    let path = unsafe { CStr::from_ptr(path) };
    // SAFETY: as above.
    unsafe { give(Network::open(path_of(path)), network) }
}

/// The file that a text names.
#[cfg(unix)]
fn path_of(path: &CStr) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(std::ffi::OsStr::from_bytes(path.to_bytes()))
}

/// The file that a text names.
#[cfg(not(unix))]
fn path_of(path: &CStr) -> PathBuf {
    PathBuf::from(path.to_string_lossy().into_owned())
}

/// Copies and proves the bytes of a file. `*network` is null where that fails.
///
/// # Safety
///
/// `bytes` points to `len` bytes, and `network` is writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_network_from_bytes(
    bytes: *const u8,
    len: usize,
    network: *mut *mut nnz_network,
) -> nnz_status {
    if bytes.is_null() || network.is_null() {
        return NNZ_NULL;
    }
    // SAFETY: the caller's contract.
    let bytes = unsafe { core::slice::from_raw_parts(bytes, len) };
    // SAFETY: as above.
    unsafe { give(Network::from_bytes(bytes), network) }
}

/// Frees a network; null is nothing. Its sessions may go on.
///
/// # Safety
///
/// `network` came from `nnz_network_open` or `nnz_network_from_bytes` and was not closed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_network_close(network: *mut nnz_network) {
    if !network.is_null() {
        // SAFETY: the caller's contract: the box of `give`.
        drop(unsafe { Box::from_raw(network) });
    }
}

/// The instruction set that runs a network: `portable`, `avx2`, `avx512vnni`…; a text that is always there.
///
/// # Safety
///
/// `network` is null or an open network.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_network_isa(network: *const nnz_network) -> *const c_char {
    // SAFETY: the caller's contract.
    let Some(network) = (unsafe { network.as_ref() }) else {
        return c"".as_ptr();
    };
    let name = match network.0.isa().name() {
        "avx2" => c"avx2",
        "avx512vnni" => c"avx512vnni",
        "portable" => c"portable",
        _ => c"another",
    };
    name.as_ptr()
}

/// Opens a session with memory of its own; `nnz_session_close` frees it.
///
/// # Safety
///
/// `session` is writable and not an open session, `network` is an open network.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_of_network(
    session: *mut nnz_session,
    network: *const nnz_network,
) -> nnz_status {
    // SAFETY: the caller's contract.
    unsafe { nnz_session_of_network_with_threads(session, network, 1) }
}

/// As `nnz_session_of_network`, with threads of its own that share each run, the caller included: 0 and 1 are the caller
/// alone. Outputs are the same bytes for any number. `NNZ_OTHER` where there are more than 256, or the system has no more.
///
/// # Safety
///
/// As of `nnz_session_of_network`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn nnz_session_of_network_with_threads(
    session: *mut nnz_session,
    network: *const nnz_network,
    threads: usize,
) -> nnz_status {
    // SAFETY: the caller's contract.
    let Some(network) = (unsafe { network.as_ref() }) else {
        return NNZ_NULL;
    };
    if session.is_null() {
        return NNZ_NULL;
    }
    let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
    let Ok(host) = network.0.session_with_threads(threads) else {
        return NNZ_OTHER;
    };
    // SAFETY: as above.
    unsafe { nnz_session::put(session, Runner::Host(host)) };
    NNZ_OK
}
