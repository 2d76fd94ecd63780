//! A model inside the program, proved while the program is compiled.

use crate::FormatError;

/// Holds a file's bytes at a multiple of 16.
#[doc(hidden)]
#[derive(Debug)]
#[repr(C, align(16))]
pub struct Aligned16<T: ?Sized>(pub T);

/// Stops the compiler with the reason why a file was refused.
#[doc(hidden)]
#[expect(
    clippy::panic,
    reason = "runs in const evaluation only, where it is the compile error"
)]
pub const fn refuse(error: FormatError) -> ! {
    panic!("{}", error.message())
}

/// Includes a `.nnz` file as a `&'static Model<'static>`, parsed at compile time.
///
/// The path is relative to the source file, as for [`include_bytes!`]. The bytes begin at a multiple of 16. A file
/// that [`Model::parse`](crate::Model::parse) refuses is a compile error with the reason. Accessors such as
/// [`Model::arena_len`](crate::Model::arena_len) and [`Model::kernel_mask`](crate::Model::kernel_mask) are const, so
/// that a `const MODEL` gives array lengths and const generic arguments:
///
/// ```
/// # macro_rules! path { () => { concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/v1/every_kernel.nnz") } }
/// use nnz_format::{Model, include_model};
///
/// const MODEL: &Model<'static> = include_model!(path!());
/// static ARENA: [u8; MODEL.arena_len()] = [0; MODEL.arena_len()];
/// ```
///
/// ```compile_fail
/// // Not a model: the compiler says "not a .nnz file: the magic number is missing".
/// nnz_format::include_model!(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"));
/// ```
#[macro_export]
macro_rules! include_model {
    ($path:expr $(,)?) => {{
        static BYTES: &$crate::Aligned16<[u8]> = &$crate::Aligned16(*include_bytes!($path));
        #[allow(
            long_running_const_eval,
            reason = "every byte of the model is proved; linear in its length"
        )]
        static MODEL: $crate::Model<'static> = match $crate::Model::parse(&BYTES.0) {
            Ok(model) => model,
            Err(error) => $crate::refuse(error),
        };
        &MODEL
    }};
}
