//! A file with its weights packed for this CPU.
#![allow(unsafe_code, reason = "the model borrows bytes that stand beside it")]

use super::bytes::Bytes;
use super::plan::Plan;
use super::{Batch, Isa, LoadError, Session};
use core::num::NonZeroUsize;
use nnz_format::Model;
use std::path::Path;
use std::sync::Arc;

/// A network that sessions run; cheap to clone and shared between threads.
#[derive(Debug, Clone)]
pub struct Network {
    inner: Arc<Inner>,
}

/// What sessions share.
///
/// # Invariants
///
/// `model` and `plan` borrow the bytes of the file, which nobody changes and whose memory stays where it is until both are dropped;
/// nothing of the lifetime `'static` leaves this type.
#[derive(Debug)]
pub(super) struct Inner {
    pub(super) plan: Plan,
    pub(super) model: Model<'static>,
    pub(super) isa: Isa,
    _file: File,
}

/// The bytes of a file.
#[derive(Debug)]
enum File {
    /// Copied.
    Owned(Bytes),
    /// Mapped.
    #[cfg(feature = "mmap")]
    Mapped(memmap2::Mmap),
}

impl File {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Owned(bytes) => bytes.as_ref(),
            #[cfg(feature = "mmap")]
            Self::Mapped(bytes) => bytes,
        }
    }
}

impl Network {
    /// Reads and proves a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is not a network that this version runs.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        Self::load(File::Owned(Bytes::read(path.as_ref())?), Isa::best())
    }

    /// Copies and proves the bytes of a file.
    ///
    /// # Errors
    ///
    /// The bytes are not a network that this version runs.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, LoadError> {
        Self::with_isa(bytes, Isa::best())
    }

    /// [`Self::from_bytes`] for the vectors of `isa`, or of the best instruction set where this CPU lacks it.
    ///
    /// # Errors
    ///
    /// As [`Self::from_bytes`].
    pub fn with_isa(bytes: &[u8], isa: Isa) -> Result<Self, LoadError> {
        Self::load(File::Owned(Bytes::copy_of(bytes)), isa)
    }

    /// Maps a file and proves it: its pages are read when they are needed and shared with other programs that map it.
    ///
    /// # Safety
    ///
    /// Nobody changes or shortens the file while this network or a session of it lives: what was proved of its bytes is
    /// relied on.
    ///
    /// # Errors
    ///
    /// As [`Self::open`].
    #[cfg(feature = "mmap")]
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Self, LoadError> {
        let file = std::fs::File::open(path)?;
        // SAFETY: the caller's contract.
        let mapped = unsafe { memmap2::Mmap::map(&file) }?;
        Self::load(File::Mapped(mapped), Isa::best())
    }

    fn load(file: File, isa: Isa) -> Result<Self, LoadError> {
        let (start, len) = (file.bytes().as_ptr(), file.bytes().len());
        // SAFETY: `Inner` keeps the bytes, unchanged and unmoved, for as long as it keeps what borrows them.
        let whole: &'static [u8] = unsafe { core::slice::from_raw_parts(start, len) };
        let model = Model::parse(whole)?;
        let isa = if isa.is_available() { isa } else { Isa::best() };
        let inner = Inner {
            plan: Plan::new(&model, isa),
            model,
            isa,
            _file: file,
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Memory to run in; any number of sessions may run at a time.
    #[must_use]
    pub fn session(&self) -> Session {
        Session::new(Arc::clone(&self.inner))
    }

    /// Memory to run in with `threads` threads, the caller included, which the session keeps: they share the work of each
    /// step, and the results are the same bytes. What small networks gain is less than what threads wait for each other.
    ///
    /// # Errors
    ///
    /// These are more than [`super::MAX_THREADS`], or the system has no more.
    pub fn session_with_threads(&self, threads: NonZeroUsize) -> std::io::Result<Session> {
        Session::with_threads(Arc::clone(&self.inner), threads.get())
    }

    /// Sessions for many samples at a time, one on each of `threads` threads, the caller included.
    ///
    /// # Errors
    ///
    /// These are more than [`super::MAX_THREADS`], or the system has no more.
    pub fn batch(&self, threads: NonZeroUsize) -> std::io::Result<Batch> {
        Batch::new(self, threads.get())
    }

    /// The file.
    #[must_use]
    pub fn model(&self) -> &Model<'_> {
        &self.inner.model
    }

    /// The instruction set that runs it.
    #[must_use]
    pub fn isa(&self) -> Isa {
        self.inner.isa
    }
}
