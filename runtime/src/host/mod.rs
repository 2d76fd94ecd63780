//! The runtime of hosts: owned or mapped files, the vectors of this CPU, memory allocated once a session.
//!
//! ```text
//! file ── Network::open / from_bytes ──► Network ── session() ──► Session ── run() ──► outputs
//!         weights packed for the CPU      shared                   memory of its own, Send
//! ```
//!
//! [`Network::session_with_threads`] shares each run between threads. Results are the same bytes as those of [`crate::Session`], on every CPU: integer kernels are exact, whatever they
//! are made of. The environment variable `NNZ_ISA` (`portable`, `avx2`, `avx512vnni`, `neon`, `neondot`) takes a lesser
//! instruction set than the best; [`Network::with_isa`] does so for one network.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let network = nnz::host::Network::open("net.nnz")?;
//! let mut session = network.session();
//! session.input_s8(0)?.fill(1);
//! session.run();
//! let scores = session.output_s8(0)?;
//! # Ok(())
//! # }
//! ```

mod batch;
mod blocks;
mod bytes;
mod conv;
mod depthwise;
mod error;
mod form;
mod fully_connected;
mod matrix;
mod memory;
mod network;
mod permuted;
mod plan;
mod planes;
mod pool;
mod rescale;
mod session;
mod softmax;
mod sum;
mod team;
mod views;

pub use batch::Batch;
pub use error::LoadError;
pub use network::Network;
pub use session::Session;

use core::fmt;
use std::sync::OnceLock;

/// Threads that a session or a batch may have at most.
pub const MAX_THREADS: usize = 256;

/// A vector instruction set that hosts have kernels for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Isa {
    /// No vectors but the compiler's: the kernels of every target.
    Portable,
    /// AVX2 and FMA.
    Avx2,
    /// AVX-512 F, BW, VL and VNNI.
    Avx512Vnni,
    /// NEON, which every 64-bit Arm core has.
    Neon,
    /// NEON with the dot product extension: Cortex-A55, A76 and later.
    NeonDot,
}

impl Isa {
    /// Every instruction set, of each architecture the least first.
    pub const ALL: [Self; 5] = [
        Self::Portable,
        Self::Avx2,
        Self::Avx512Vnni,
        Self::Neon,
        Self::NeonDot,
    ];

    /// The best of this CPU, or what `NNZ_ISA` says where the CPU has that. Asked once.
    #[must_use]
    pub fn best() -> Self {
        static BEST: OnceLock<Isa> = OnceLock::new();
        *BEST.get_or_init(|| {
            let wanted = std::env::var("NNZ_ISA").ok();
            let wanted =
                wanted.and_then(|name| Self::ALL.into_iter().find(|isa| isa.name() == name));
            let wanted = wanted.filter(|isa| isa.is_available());
            wanted.unwrap_or_else(crate::arch::detect)
        })
    }

    /// Whether this CPU has it.
    #[must_use]
    pub fn is_available(self) -> bool {
        crate::arch::has(self)
    }

    /// Its name, as `NNZ_ISA` takes it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512Vnni => "avx512vnni",
            Self::Neon => "neon",
            Self::NeonDot => "neondot",
        }
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
