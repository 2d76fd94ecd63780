//! Arrays as numpy stores them: a shape, and elements in C order.

/// Elements of an [`Array`], widened where that loses nothing (`f64` and `f16` become `f32`).
#[derive(Debug, Clone, PartialEq)]
pub enum Elements {
    /// Floats.
    F32(Vec<f32>),
    /// Unsigned bytes, usually pixels.
    U8(Vec<u8>),
    /// Signed bytes, usually quantised values.
    S8(Vec<i8>),
    /// Every other integer type and booleans.
    S64(Vec<i64>),
}

impl Elements {
    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(v) => v.len(),
            Self::U8(v) => v.len(),
            Self::S8(v) => v.len(),
            Self::S64(v) => v.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the element type.
    #[must_use]
    pub const fn type_name(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::U8(_) => "u8",
            Self::S8(_) => "s8",
            Self::S64(_) => "integers",
        }
    }

    /// Whether these are pixels: unsigned bytes, or other numbers that are integers 0…255 and not only 0 and 1.
    #[must_use]
    pub fn are_pixels(&self) -> bool {
        let pixel = |x: f32| x.fract() == 0.0 && (0.0..=255.0).contains(&x);
        match self {
            Self::U8(_) => true,
            Self::S8(_) => false,
            Self::F32(_) | Self::S64(_) => {
                let mut all = (0..self.len()).map(|i| self.real(i));
                all.clone().any(|x| x > 1.0) && all.all(pixel)
            }
        }
    }

    /// One element as a float; integers beyond 2^24 are rounded, an index past the end gives 0.
    #[must_use]
    #[expect(
        clippy::cast_precision_loss,
        reason = "data beyond 2^24 are measured, not counted"
    )]
    pub fn real(&self, i: usize) -> f32 {
        match self {
            Self::F32(v) => v.get(i).copied().unwrap_or_default(),
            Self::U8(v) => v.get(i).copied().unwrap_or_default().into(),
            Self::S8(v) => v.get(i).copied().unwrap_or_default().into(),
            Self::S64(v) => v.get(i).copied().unwrap_or_default() as f32,
        }
    }
}

/// A shape with `shape` product many elements in C order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Dimensions, slowest first; empty for a scalar.
    pub shape: Vec<usize>,
    /// The elements.
    pub elements: Elements,
}

impl Array {
    /// An array of a shape, `None` if the number of elements differs.
    #[must_use]
    pub fn new(shape: Vec<usize>, elements: Elements) -> Option<Self> {
        (super::npy::product(&shape) == Some(elements.len())).then_some(Self { shape, elements })
    }

    /// The shape as numpy prints it, without the comma of one-element tuples.
    #[must_use]
    pub fn shape_text(&self) -> String {
        shape_text(&self.shape)
    }
}

/// A shape as text, `[3, 32, 32]`.
pub(crate) fn shape_text(shape: &[usize]) -> String {
    format!("{shape:?}")
}
