//! Options that several commands share.

use clap::ValueEnum;
use nnz_pruner::data::Preprocess;
use nnz_pruner::ir::Order;

/// How data become the real numbers that a network was trained on.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Data")]
pub(super) struct DataArgs {
    /// Subtracted from every value: one number, or one per channel (`123.7,116.3,103.5`)
    #[arg(
        long,
        value_name = "M[,M,M]",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub(super) mean: Vec<f32>,
    /// Divided by after the mean: one number, or one per channel
    #[arg(
        long,
        value_name = "S[,S,S]",
        value_delimiter = ',',
        allow_hyphen_values = true
    )]
    pub(super) std: Vec<f32>,
    /// Axis order of the data, where it differs from the model's
    #[arg(long, value_enum)]
    pub(super) layout: Option<Layout>,
}

impl DataArgs {
    /// Mean and deviation as the pruner takes them.
    pub(super) fn preprocess(&self) -> Preprocess {
        Preprocess {
            mean: self.mean.clone(),
            std: self.std.clone(),
        }
    }

    /// The data's axis order, `None` for the model's own.
    pub(super) fn order(&self) -> Option<Order> {
        self.layout.map(Layout::order)
    }

    /// Whether mean or deviation were given.
    pub(super) const fn has_preprocess(&self) -> bool {
        !self.mean.is_empty() || !self.std.is_empty()
    }
}

/// A number of things that may not be none.
pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(n) if n > 0 => Ok(n),
        _ => Err("give a whole number from 1".into()),
    }
}

/// Axis order of images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Layout {
    /// Rows, columns, channels (TFLite, most image libraries)
    Nhwc,
    /// Channels, rows, columns (ONNX, `PyTorch`)
    Nchw,
}

impl Layout {
    /// As the option takes it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Nhwc => "nhwc",
            Self::Nchw => "nchw",
        }
    }

    /// The same as the graph names it.
    pub(super) const fn order(self) -> Order {
        match self {
            Self::Nhwc => Order::Nhwc,
            Self::Nchw => Order::Nchw,
        }
    }
}
