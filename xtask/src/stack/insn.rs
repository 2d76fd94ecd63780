//! What an instruction means for the stack and the call graph.

/// An instruction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Insn {
    /// Bytes of code.
    pub(super) len: u64,
    /// Bytes that the stack grows by.
    pub(super) grows: u32,
    /// Whether the stack pointer becomes what cannot be read off the instruction.
    pub(super) is_unknown: bool,
    /// Where it may go, other than on.
    pub(super) leaves: Leave,
    /// A register and what its lower half becomes.
    pub(super) low: Option<(u32, u32)>,
    /// A register and what its upper half becomes.
    pub(super) high: Option<(u32, u32)>,
    /// An address that it makes.
    pub(super) names: Option<u64>,
}

/// Where an instruction may go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leave {
    /// On, or back.
    Nowhere,
    /// To an address and back.
    Call(u64),
    /// To an address within the function or, for good, out of it.
    Jump(u64),
    /// To what a register holds.
    Indirect,
    /// To what a table at an address, or near it, holds.
    Table(u64),
}

impl Insn {
    /// One that does nothing of this.
    pub(super) const fn new(len: u64) -> Self {
        Self {
            len,
            grows: 0,
            is_unknown: false,
            leaves: Leave::Nowhere,
            low: None,
            high: None,
            names: None,
        }
    }
}
