//! What the model knows of an instruction, whatever its instruction set.

/// No register.
pub(crate) const NONE: u8 = 255;

/// How an instruction uses the pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Class {
    /// Arithmetic, logic, moves, multiplications, hints.
    #[default]
    Data,
    /// Load of one value.
    Load,
    /// Store of one value.
    Store,
    /// Load of several registers (`LDM`, `POP`).
    LoadMany,
    /// Store of several registers (`STM`, `PUSH`).
    StoreMany,
    /// Load of two words (`LDRD`).
    LoadPair,
    /// Store of two words (`STRD`).
    StorePair,
    /// Branch, taken or not.
    Branch,
    /// Branch by a table (`TBB`, `TBH`).
    TableBranch,
    /// Integer division.
    Divide,
}

impl Class {
    /// Whether the instruction reads or writes memory.
    pub(crate) const fn is_memory(self) -> bool {
        matches!(
            self,
            Self::Load
                | Self::Store
                | Self::LoadMany
                | Self::StoreMany
                | Self::LoadPair
                | Self::StorePair
        )
    }
}

/// Multiplications by what they cost on cores without a fast multiplier for 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Multiply {
    /// None.
    #[default]
    No,
    /// 32-bit product, and DSP products of 16 bits.
    Word,
    /// 32-bit product and a sum (`MLA`, `MLS`), or a DSP product with a sum.
    Sum,
    /// 64-bit product (`SMULL`, `UMULL`).
    Long,
    /// 64-bit product and a sum (`SMLAL`, `UMLAL` and their DSP forms).
    LongSum,
}

/// What a report counts an instruction as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Kind {
    /// Everything that is none of the others.
    #[default]
    Alu,
    /// Reads memory.
    Load,
    /// Writes memory.
    Store,
    /// Multiplies integers.
    Multiply,
    /// Divides integers.
    Divide,
    /// Branches.
    Branch,
    /// Computes with floats.
    Float,
}

impl Kind {
    /// Every kind, in the order of a line of totals.
    pub(crate) const ALL: [Self; 7] = [
        Self::Alu,
        Self::Load,
        Self::Store,
        Self::Multiply,
        Self::Divide,
        Self::Branch,
        Self::Float,
    ];

    /// The key in a report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Alu => "alu",
            Self::Load => "load",
            Self::Store => "store",
            Self::Multiply => "multiply",
            Self::Divide => "divide",
            Self::Branch => "branch",
            Self::Float => "float",
        }
    }
}

/// A decoded instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Insn {
    /// Where it lies.
    pub(crate) address: u32,
    /// Its bytes, 2 or 4.
    pub(crate) len: u8,
    /// Use of the pipeline.
    pub(crate) class: Class,
    /// Cost of a multiplication.
    pub(crate) multiply: Multiply,
    /// What it counts as.
    pub(crate) kind: Kind,
    /// Register that an address is computed from, or [`NONE`].
    pub(crate) base: u8,
    /// Second register of an address, or [`NONE`].
    pub(crate) index: u8,
    /// Register that a data instruction writes, or [`NONE`].
    pub(crate) dest: u8,
    /// Registers that [`Class::LoadMany`] and [`Class::StoreMany`] transfer.
    pub(crate) registers: u8,
    /// Whether it is the marker of a clock reading.
    pub(crate) is_marker: bool,
}

impl Insn {
    /// A data instruction that touches no register.
    pub(crate) const fn new(address: u32, len: u8) -> Self {
        Self {
            address,
            len,
            class: Class::Data,
            multiply: Multiply::No,
            kind: Kind::Alu,
            base: NONE,
            index: NONE,
            dest: NONE,
            registers: 0,
            is_marker: false,
        }
    }

    /// The kind that follows from class and multiplication.
    pub(crate) const fn with_kind(mut self) -> Self {
        self.kind = match self.class {
            Class::Load | Class::LoadMany | Class::LoadPair => Kind::Load,
            Class::Store | Class::StoreMany | Class::StorePair => Kind::Store,
            Class::Branch | Class::TableBranch => Kind::Branch,
            Class::Divide => Kind::Divide,
            Class::Data if !matches!(self.multiply, Multiply::No) => Kind::Multiply,
            Class::Data => self.kind,
        };
        self
    }

    /// Address of the instruction that follows in memory.
    pub(crate) const fn next(&self) -> u32 {
        self.address.wrapping_add(self.len as u32)
    }
}
