//! Which weights are zeroed together.
//!
//! ```text
//! weights [o][i][kh][kw], one tap:        i →
//!                                     o   x x x x | x x      unstructured: each x alone
//!                                     ↓   [x x x x] [x x]    1x4, 2:4: groups along input channels
//!                                         [x] [x] …          4x1: four outputs of one input
//! ```
//!
//! Groups never cross a tap; those at the edges are smaller.

use super::PruneError;

/// A pattern of zeros, independent of the method that chooses them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// Any weight.
    Unstructured,
    /// At most `n` weights of every `m` consecutive input channels of a tap are not zero.
    NofM {
        /// Weights that may stay.
        n: usize,
        /// Group size.
        m: usize,
    },
    /// Blocks of `rows` consecutive output channels × `cols` consecutive input channels at one tap.
    Block {
        /// Output channels.
        rows: usize,
        /// Input channels.
        cols: usize,
    },
    /// Whole output channels.
    Channel,
}

/// One family of patterns for help texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PatternRow {
    /// How it is written on the command line.
    pub syntax: &'static str,
    /// An example that [`Pattern::parse`] takes.
    pub example: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

/// Every family of patterns.
pub const PATTERNS: &[PatternRow] = &[
    PatternRow {
        syntax: "unstructured",
        example: "unstructured",
        meaning: "any weight; keeps most accuracy",
    },
    PatternRow {
        syntax: "N:M",
        example: "2:4",
        meaning: "at most N of M consecutive input channels of a tap; sparsity 1 - N/M",
    },
    PatternRow {
        syntax: "RxC",
        example: "1x4",
        meaning: "blocks of R output channels times C input channels at one tap; fastest",
    },
    PatternRow {
        syntax: "channel",
        example: "channel",
        meaning: "whole channels, tensors shrink: method `filter`",
    },
];

/// Largest group side; more would be whole channels.
const MAX_SIDE: usize = 64;

impl Pattern {
    /// Reads `unstructured`, `N:M` or `RxC`.
    ///
    /// # Errors
    ///
    /// Says what is expected.
    pub fn parse(text: &str) -> Result<Self, PruneError> {
        let sides = |separator: char| {
            let (a, b) = text.split_once(separator)?;
            let (a, b) = (a.parse::<usize>().ok()?, b.parse::<usize>().ok()?);
            ((1..=MAX_SIDE).contains(&a) && (1..=MAX_SIDE).contains(&b)).then_some((a, b))
        };
        match (text, sides(':'), sides('x')) {
            ("unstructured", ..) => Ok(Self::Unstructured),
            ("channel", ..) => Ok(Self::Channel),
            (_, Some((n, m)), _) if n < m => Ok(Self::NofM { n, m }),
            (_, _, Some((rows, cols))) => Ok(Self::Block { rows, cols }),
            _ => Err(PruneError::Pattern {
                text: text.to_string(),
            }),
        }
    }

    /// The pattern, or none at all where it implies many more zeros than the wanted share.
    #[expect(clippy::cast_precision_loss, reason = "group sides are at most 64")]
    pub(crate) fn or_dense(self, share: f64) -> Self {
        match self {
            Self::NofM { n, m } if share < 0.5 * (1.0 - n as f64 / m as f64) => Self::Unstructured,
            Self::Unstructured | Self::NofM { .. } | Self::Block { .. } | Self::Channel => self,
        }
    }

    /// The grid of groups over weights of a shape.
    pub(crate) const fn grid(self, shape: [usize; 4]) -> Grid {
        let (rows, cols) = match self {
            Self::Unstructured | Self::Channel => (1, 1),
            Self::NofM { m, .. } => (1, m),
            Self::Block { rows, cols } => (rows, cols),
        };
        Grid { shape, rows, cols }
    }
}

impl core::fmt::Display for Pattern {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Unstructured => write!(f, "unstructured"),
            Self::Channel => write!(f, "channel"),
            Self::NofM { n, m } => write!(f, "{n}:{m}"),
            Self::Block { rows, cols } => write!(f, "{rows}x{cols}"),
        }
    }
}

/// Groups of `rows × cols` over `[o, i, kh, kw]` weights, numbered by output, input, tap.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grid {
    shape: [usize; 4],
    rows: usize,
    cols: usize,
}

impl Grid {
    /// Number of groups.
    pub(crate) const fn len(&self) -> usize {
        let [o, i, kh, kw] = self.shape;
        o.div_ceil(self.rows) * i.div_ceil(self.cols) * kh * kw
    }

    /// Positions of the weights of a group, ascending.
    pub(crate) fn group(&self, index: usize) -> impl Iterator<Item = usize> + use<> {
        let [o, i, kh, kw] = self.shape;
        let taps = kh * kw;
        let across = i.div_ceil(self.cols);
        let (tap, column, row) = (index % taps, index / taps % across, index / taps / across);
        let columns = column * self.cols..((column + 1) * self.cols).min(i);
        (row * self.rows..((row + 1) * self.rows).min(o))
            .flat_map(move |r| columns.clone().map(move |c| (r * i + c) * taps + tap))
    }
}
