//! Activations other than bounds: slopes of negative values, and functions of one value.

pub use nnz_format::Unary as Function;

/// What negative values are multiplied by, one slope a channel.
#[derive(Debug, Clone, PartialEq)]
pub enum Slopes {
    /// Floats.
    F32(Vec<f32>),
    /// Integers less their zero point; real = scale × value.
    S8 {
        /// One a channel.
        values: Vec<i16>,
        /// Of all channels.
        scale: f32,
    },
}

impl Slopes {
    /// Number of channels.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::S8 { values, .. } => values.len(),
        }
    }

    /// Whether there are none (never in a checked graph).
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether all are finite.
    #[must_use]
    pub fn are_sane(&self) -> bool {
        match self {
            Self::F32(values) => values.iter().all(|v| v.is_finite()),
            Self::S8 { scale, .. } => scale.is_finite() && *scale >= 0.0,
        }
    }

    /// Only the channels with a flag.
    #[must_use]
    pub fn select(&self, flags: &[bool]) -> Self {
        fn kept<T: Copy>(values: &[T], flags: &[bool]) -> Vec<T> {
            let pairs = values.iter().zip(flags);
            pairs.filter(|(_, keep)| **keep).map(|(v, _)| *v).collect()
        }
        match self {
            Self::F32(values) => Self::F32(kept(values, flags)),
            Self::S8 { values, scale } => Self::S8 {
                values: kept(values, flags),
                scale: *scale,
            },
        }
    }
}

/// How the table of an integer function is filled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lookup {
    /// The real function, rounded to the nearest integer.
    #[default]
    Rounded,
    /// TensorFlow Lite Micro's fixed-point formula, where it has one; else [`Lookup::Rounded`].
    FixedPoint,
}

/// A function of each value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unary {
    /// Which one.
    pub function: Function,
    /// Its first parameter; 0 where it has none.
    pub alpha: f32,
    /// Its second parameter; 0 where it has none.
    pub beta: f32,
    /// How integers are computed.
    pub lookup: Lookup,
}

impl Unary {
    /// A function without parameters.
    #[must_use]
    pub const fn of(function: Function) -> Self {
        Self::with(function, 0.0, 0.0)
    }

    /// A function with its parameters.
    #[must_use]
    pub const fn with(function: Function, alpha: f32, beta: f32) -> Self {
        Self {
            function,
            alpha,
            beta,
            lookup: Lookup::Rounded,
        }
    }

    /// The real function, in double precision.
    #[must_use]
    pub fn real(&self, x: f64) -> f64 {
        let (alpha, beta) = (f64::from(self.alpha), f64::from(self.beta));
        let sigmoid = |x: f64| (1.0 + (-x).exp()).recip();
        match self.function {
            Function::Sigmoid => sigmoid(x),
            Function::Tanh => x.tanh(),
            Function::LeakyRelu if x >= 0.0 => x,
            Function::LeakyRelu => alpha * x,
            Function::Elu if x >= 0.0 => beta * x,
            Function::Elu => beta * alpha * x.exp_m1(),
            Function::HardSigmoid => (alpha * x + beta).clamp(0.0, 1.0),
            Function::HardSwish => x * ((x + 3.0).clamp(0.0, 6.0) / 6.0),
            Function::Silu => x * sigmoid(x),
            Function::Gelu => 0.5 * x * (1.0 + erf(x * core::f64::consts::FRAC_1_SQRT_2)),
            Function::GeluTanh => {
                let inner = 0.797_884_560_802_865_4 * (x + 0.044_715 * x * x * x);
                0.5 * x * (1.0 + inner.tanh())
            }
            Function::Mish if x > 40.0 => x,
            Function::Mish => x * x.exp().ln_1p().tanh(),
            Function::Softplus => x.max(0.0) + (-x.abs()).exp().ln_1p(),
            Function::Exp => x.exp(),
            Function::Log => x.ln(),
            Function::Sqrt => x.sqrt(),
            Function::Rsqrt => x.sqrt().recip(),
            Function::Abs => x.abs(),
            Function::Neg => -x,
            Function::Square => x * x,
            Function::Cube => x * x * x,
            Function::Reciprocal => x.recip(),
            Function::Erf => erf(x),
        }
    }
}

/// The error function: its series, which converges everywhere but cancels far out, where the tail is short.
fn erf(x: f64) -> f64 {
    const FAR: f64 = 3.5;
    if x.abs() < FAR {
        let (mut term, mut sum) = (x, x);
        for n in 1..=100_i32 {
            term *= -x * x / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        return sum * core::f64::consts::FRAC_2_SQRT_PI;
    }
    // The continued fraction of the complement.
    let a = x.abs();
    let fraction = (1..=40_i32)
        .rev()
        .fold(a, |below, n| a + f64::from(n) / 2.0 / below);
    let tail = (-a * a).exp() / (fraction * core::f64::consts::PI.sqrt());
    (1.0 - tail).copysign(x)
}
