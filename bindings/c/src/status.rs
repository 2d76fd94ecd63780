//! What calls return.

use core::ffi::{CStr, c_char, c_int};
use nnz::RunError;

/// How a call went.
#[repr(C)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum nnz_status {
    /// As it should.
    NNZ_OK = 0,
    /// A pointer is null that may not be.
    NNZ_NULL,
    /// The session was not opened, or it was closed or moved.
    NNZ_NOT_OPEN,
    /// The bytes are not a network that this version reads.
    NNZ_MODEL,
    /// The network's bytes do not begin at a multiple of 4.
    NNZ_MODEL_ALIGNMENT,
    /// The library was built without a kernel that the network needs.
    NNZ_KERNELS,
    /// The arena is shorter than `nnz_arena_len` says.
    NNZ_ARENA_LEN,
    /// The arena does not begin at a multiple of 16.
    NNZ_ARENA_ALIGNMENT,
    /// There is no input or output of this index.
    NNZ_NO_SUCH_TENSOR,
    /// The tensor has another number of elements.
    NNZ_ELEMENTS,
    /// The tensor holds elements of another type.
    NNZ_ELEMENT_TYPE,
    /// The file cannot be read.
    NNZ_FILE,
    /// Something else, which a later version may tell apart.
    NNZ_OTHER,
}

pub(crate) use nnz_status::*;

impl From<RunError> for nnz_status {
    fn from(error: RunError) -> Self {
        match error {
            RunError::ArenaLen { .. } => NNZ_ARENA_LEN,
            RunError::ArenaAlignment { .. } => NNZ_ARENA_ALIGNMENT,
            RunError::ModelAlignment { .. } => NNZ_MODEL_ALIGNMENT,
            RunError::Kernels { .. } => NNZ_KERNELS,
            RunError::NoSuchTensor { .. } => NNZ_NO_SUCH_TENSOR,
            RunError::Elements { .. } => NNZ_ELEMENTS,
            RunError::ElementType { .. } => NNZ_ELEMENT_TYPE,
            #[cfg(feature = "std")]
            RunError::Several { .. } => NNZ_OTHER,
            _ => NNZ_OTHER,
        }
    }
}

/// The status of a result.
pub(crate) fn status<E: Into<nnz_status>>(result: Result<(), E>) -> nnz_status {
    result.map_or_else(Into::into, |()| NNZ_OK)
}

/// What a status means, in English: a text that is always there.
#[unsafe(no_mangle)]
pub extern "C" fn nnz_status_text(status: c_int) -> *const c_char {
    const TEXTS: [&CStr; 13] = [
        c"ok",
        c"a pointer is null",
        c"the session is not open, or was moved",
        c"not a network that this version reads",
        c"the network must begin at a multiple of 4",
        c"the library was built without a kernel that the network needs",
        c"the arena is too short",
        c"the arena must begin at a multiple of 16",
        c"no input or output of this index",
        c"the tensor has another number of elements",
        c"the tensor holds elements of another type",
        c"the file cannot be read",
        c"something else went wrong",
    ];
    let text = usize::try_from(status).ok().and_then(|i| TEXTS.get(i));
    text.unwrap_or(&c"not a status").as_ptr()
}
