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
