//! Functions of one value, with their codes in the file.

/// A function that acts on each value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Unary {
    /// `1 / (1 + e^-x)`.
    Sigmoid = 1,
    /// Hyperbolic tangent.
    Tanh = 2,
    /// `x` where it is not negative, else `alpha·x`.
    LeakyRelu = 3,
    /// `beta·x` where `x` is not negative, else `beta·alpha·(e^x − 1)`; ELU has `beta` 1, SELU another.
    Elu = 4,
    /// `alpha·x + beta` between 0 and 1.
    HardSigmoid = 5,
    /// `x·min(max(x + 3, 0), 6) / 6`.
    HardSwish = 6,
    /// `x / (1 + e^-x)`.
    Silu = 7,
    /// `x·(1 + erf(x / √2)) / 2`.
    Gelu = 8,
    /// `x·(1 + tanh(√(2/π)·(x + 0.044715·x³))) / 2`.
    GeluTanh = 9,
    /// `x·tanh(ln(1 + e^x))`.
    Mish = 10,
    /// `ln(1 + e^x)`.
    Softplus = 11,
    /// `e^x`.
    Exp = 12,
    /// Natural logarithm.
    Log = 13,
    /// Square root.
    Sqrt = 14,
    /// `1 / √x`.
    Rsqrt = 15,
    /// Absolute value.
    Abs = 16,
    /// `−x`.
    Neg = 17,
    /// `x²`.
    Square = 18,
    /// `x³`.
    Cube = 19,
    /// `1 / x`.
    Reciprocal = 20,
    /// The error function.
    Erf = 21,
}

impl Unary {
    /// Every function.
    pub const ALL: [Self; 21] = [
        Self::Sigmoid,
        Self::Tanh,
        Self::LeakyRelu,
        Self::Elu,
        Self::HardSigmoid,
        Self::HardSwish,
        Self::Silu,
        Self::Gelu,
        Self::GeluTanh,
        Self::Mish,
        Self::Softplus,
        Self::Exp,
        Self::Log,
        Self::Sqrt,
        Self::Rsqrt,
        Self::Abs,
        Self::Neg,
        Self::Square,
        Self::Cube,
        Self::Reciprocal,
        Self::Erf,
    ];

    /// The function of a code in the file.
    #[must_use]
    pub const fn from_code(code: u8) -> Option<Self> {
        let mut rest: &[Self] = &Self::ALL;
        while let [function, tail @ ..] = rest {
            if *function as u8 == code {
                return Some(*function);
            }
            rest = tail;
        }
        None
    }

    /// How many of `alpha` and `beta` it has.
    #[must_use]
    pub const fn parameters(self) -> u8 {
        match self {
            Self::LeakyRelu => 1,
            Self::Elu | Self::HardSigmoid => 2,
            Self::Sigmoid
            | Self::Tanh
            | Self::HardSwish
            | Self::Silu
            | Self::Gelu
            | Self::GeluTanh
            | Self::Mish
            | Self::Softplus
            | Self::Exp
            | Self::Log
            | Self::Sqrt
            | Self::Rsqrt
            | Self::Abs
            | Self::Neg
            | Self::Square
            | Self::Cube
            | Self::Reciprocal
            | Self::Erf => 0,
        }
    }

    /// The name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "logistic",
            Self::Tanh => "tanh",
            Self::LeakyRelu => "leaky_relu",
            Self::Elu => "elu",
            Self::HardSigmoid => "hard_sigmoid",
            Self::HardSwish => "hard_swish",
            Self::Silu => "silu",
            Self::Gelu => "gelu",
            Self::GeluTanh => "gelu_tanh",
            Self::Mish => "mish",
            Self::Softplus => "softplus",
            Self::Exp => "exp",
            Self::Log => "log",
            Self::Sqrt => "sqrt",
            Self::Rsqrt => "rsqrt",
            Self::Abs => "abs",
            Self::Neg => "neg",
            Self::Square => "square",
            Self::Cube => "cube",
            Self::Reciprocal => "reciprocal",
            Self::Erf => "erf",
        }
    }
}
