//! The C interface: what `include/nnz.h` declares.
//!
//! ```text
//! status    what calls return
//! tensor    what an input or an output is
//! session   a network bound to memory: of the caller, or (feature `std`) of a host's network
//! host      networks that own their memory (feature `std`)
//! ```
//!
//! Nothing unwinds into C: the runtime does not panic. Every pointer that may not be null is checked, every length
//! is given. What cannot be checked, that pointers point to as much as they should, is the caller's contract.

#![cfg_attr(not(feature = "std"), no_std)]
#![allow(non_camel_case_types, reason = "the names of C")]

#[cfg(feature = "std")]
mod host;
mod session;
mod status;
mod tensor;

#[cfg(feature = "std")]
pub use host::{
    nnz_last_error, nnz_network, nnz_network_close, nnz_network_from_bytes, nnz_network_isa,
    nnz_network_open, nnz_session_of_network, nnz_session_of_network_with_threads,
};
pub use session::{
    nnz_arena_len, nnz_session, nnz_session_begin, nnz_session_close, nnz_session_input,
    nnz_session_inputs, nnz_session_open, nnz_session_output, nnz_session_outputs,
    nnz_session_read_f32, nnz_session_read_s8, nnz_session_run, nnz_session_step,
    nnz_session_write_f32, nnz_session_write_s8,
};
pub use status::{nnz_status, nnz_status_text};
pub use tensor::{nnz_dtype, nnz_tensor};

/// Kernels of the library: all, or those of the network that the build was given.
const KERNELS: u128 = include!(concat!(env!("OUT_DIR"), "/kernels.in"));

#[cfg(all(not(feature = "std"), not(test)))]
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}
