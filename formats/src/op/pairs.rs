//! What is done with two elements, and which elements a copy moves.

/// What is done with an element of each of two tensors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Binary {
    /// `a + b`.
    Add = 1,
    /// `a − b`.
    Sub = 2,
    /// `a · b`.
    Mul = 3,
    /// `a / b`, floats only.
    Div = 4,
    /// The smaller.
    Minimum = 5,
    /// The larger.
    Maximum = 6,
}

impl Binary {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Minimum,
        Self::Maximum,
    ];

    /// The kind of a code in the file.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Add),
            2 => Some(Self::Sub),
            3 => Some(Self::Mul),
            4 => Some(Self::Div),
            5 => Some(Self::Minimum),
            6 => Some(Self::Maximum),
            _ => None,
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Sub => "sub",
            Self::Mul => "mul",
            Self::Div => "div",
            Self::Minimum => "minimum",
            Self::Maximum => "maximum",
        }
    }
}

/// Elements of one tensor and their places in another, as `[channel, row, column]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    /// The first element read.
    pub from: [u16; 3],
    /// The distance to the next.
    pub from_step: [u8; 3],
    /// The first element written.
    pub to: [u16; 3],
    /// The distance to the next.
    pub to_step: [u8; 3],
    /// How many.
    pub extent: [u16; 3],
}

impl Block {
    /// A block without gaps.
    #[must_use]
    pub const fn dense(from: [u16; 3], to: [u16; 3], extent: [u16; 3]) -> Self {
        Self {
            from,
            from_step: [1; 3],
            to,
            to_step: [1; 3],
            extent,
        }
    }
}
