//! A model embedded in the program, with its sizes in the types.

/// Memory for a session, aligned as it needs.
#[derive(Debug, Clone)]
#[repr(C, align(16))]
pub struct AlignedArena<const LEN: usize>(pub [u8; LEN]);

impl<const LEN: usize> AlignedArena<LEN> {
    /// Zeroed memory.
    #[must_use]
    pub const fn new() -> Self {
        Self([0; LEN])
    }
}

impl<const LEN: usize> Default for AlignedArena<LEN> {
    fn default() -> Self {
        Self::new()
    }
}

/// Embeds a `.nnz` file of one `s8` input and one `s8` output as a module whose sizes are known to the compiler.
///
/// The file is proved at compile time, only the kernels that it needs are linked, and nothing can fail at run time:
///
/// ```ignore
/// nnz::model! {
///     /// Tells ten words apart.
///     pub mod keywords = "../models/keywords.nnz";
/// }
///
/// static NETWORK: Mutex<keywords::Network> = Mutex::new(keywords::Network::new());
/// let scores: &[i8; keywords::OUTPUT_LEN] = network.run(&features);
/// ```
///
/// The module has `MODEL`, `ARENA_LEN` (bytes), `INPUT_LEN` and `OUTPUT_LEN` (elements, in the source model's order),
/// `Network` with `new` and `run`. The path is relative to the source file.
#[macro_export]
macro_rules! model {
    ($(#[$meta:meta])* $vis:vis mod $name:ident = $path:expr;) => {
        $(#[$meta])*
        $vis mod $name {
            /// The proved file.
            pub const MODEL: &$crate::Model<'static> = $crate::include_model!($path);
            /// Bytes of the arena.
            pub const ARENA_LEN: usize = MODEL.arena_len();
            /// Elements of the input.
            pub const INPUT_LEN: usize = $crate::elements_s8(MODEL.input(0));
            /// Elements of the output.
            pub const OUTPUT_LEN: usize = $crate::elements_s8(MODEL.output(0));

            /// The network with its memory.
            #[derive(Debug, Clone)]
            pub struct Network {
                arena: $crate::AlignedArena<ARENA_LEN>,
                output: [i8; OUTPUT_LEN],
            }

            impl Network {
                /// A network ready to run.
                #[must_use]
                pub const fn new() -> Self {
                    Self { arena: $crate::AlignedArena::new(), output: [0; OUTPUT_LEN] }
                }

                /// One inference.
                pub fn run(&mut self, input: &[i8; INPUT_LEN]) -> &[i8; OUTPUT_LEN] {
                    const OPS: u128 = MODEL.kernel_mask();
                    let session = $crate::Session::<OPS>::new(MODEL, &mut self.arena.0);
                    if let Ok(mut session) = session {
                        if session.write_input_s8(0, input).is_ok() {
                            session.run();
                            let _ = session.read_output_s8(0, &mut self.output);
                        }
                    }
                    &self.output
                }
            }

            impl Default for Network {
                fn default() -> Self {
                    Self::new()
                }
            }
        }
    };
}

/// Elements of an input or output for [`model!`], which it stops the compiler for if they are not `s8`.
#[doc(hidden)]
#[must_use]
#[expect(
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "runs in const evaluation, where it is the compile error; a tensor fits the address space"
)]
pub const fn elements_s8(io: Option<nnz_format::Io<'static>>) -> usize {
    match io {
        Some(io) if matches!(io.tensor.dtype, nnz_format::DType::S8) => {
            io.tensor.elements() as usize
        }
        Some(_) => panic!("model! is for networks with s8 inputs and outputs; use Session"),
        None => panic!("the file has no input or no output"),
    }
}
