//! The options of `nnz prune`, and what the pruner makes of them.

use super::prune::Args;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser};
use core::time::Duration;
use nnz_format::Rounding;
use nnz_pruner::lower::{Prefer, WeightChoice};
use nnz_pruner::pipeline::{Budget, Dtype, Options, Passes};
use nnz_pruner::quantize::Range;
use nnz_pruner::sparsify::{Alloc, Criterion, METHODS, Method, PATTERNS, Pattern, Refit};
use nnz_pruner::target::Target;
use std::path::PathBuf;

/// Which weights go.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Pruning")]
pub(super) struct PruningArgs {
    /// Share of zeros in the prunable layers, existing ones counted: 0.8 is 80 %
    #[arg(long, value_name = "S", value_parser = sparsity, allow_negative_numbers = true)]
    pub(super) sparsity: Option<f64>,
    /// How weights are chosen; with a sparsity or a pattern `obs` where there is --calib, else `magnitude`; without either `keep`
    #[arg(long, value_name = "M", value_parser = methods())]
    pub(super) method: Option<String>,
    /// Which weights go together
    #[arg(long, value_name = "P", value_parser = pattern, default_value = "unstructured", long_help = pattern_help())]
    pub(super) pattern: Pattern,
    /// Reorder channels first, so that blocks or N:M groups keep more; costs nothing at run time
    #[arg(long, conflicts_with = "masks")]
    pub(super) permute: bool,
    /// How zeros are spread over layers: the same share in each, the smallest weights of all, or those smallest in
    /// relation to their layer [default: lamp; channels: layer; with a budget: by what each layer loses]
    #[arg(long, value_name = "A", value_parser = allocations())]
    pub(super) alloc: Option<String>,
    /// Share of the multiply-accumulates that `--method filter` leaves at most: 0.5 is half
    #[arg(long, value_name = "F", conflicts_with = "sparsity")]
    pub(super) macs: Option<f64>,
    /// How `--method filter` judges channels [default: reconstruction with --calib, else l1]
    #[arg(long, value_name = "C", value_parser = criteria())]
    pub(super) criterion: Option<String>,
    /// Largest |w| that `--method threshold` clears
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(super) threshold: Option<f32>,
    /// Leave this layer alone (node or weight name; repeatable)
    #[arg(long, value_name = "NAME")]
    pub(super) skip: Vec<String>,
    /// Prune this layer although the rule would not (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(super) include: Vec<String>,
    /// Seed of methods that draw samples
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(super) seed: u64,
}

/// What the file may need at most; layers then get sparsities of their own.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Budget")]
pub(super) struct BudgetArgs {
    /// Bytes of the file at most: 64K, 0.5M or 40000
    #[arg(long, value_name = "BYTES", value_parser = size, conflicts_with_all = ["sparsity", "macs"])]
    pub(super) flash: Option<u64>,
    /// Bytes of the arena at most
    #[arg(long, value_name = "BYTES", value_parser = size, conflicts_with_all = ["sparsity", "macs"])]
    pub(super) ram: Option<u64>,
    /// Predicted time of one inference at the target's clock at most: 20ms, 800us or 0.5s
    #[arg(long, value_name = "TIME", value_parser = time, conflicts_with_all = ["sparsity", "macs"])]
    pub(super) latency: Option<Duration>,
    /// Predicted cost of one inference on the target at most, in the unit that `prune` reports: 4000000 or 4M (of 10^6)
    #[arg(long, value_name = "N", value_parser = count, conflicts_with_all = ["sparsity", "macs"])]
    pub(super) cycles: Option<u64>,
    /// Remove as much as leaves at most so many percentage points of accuracy lost, measured on --data
    #[arg(long, value_name = "POINTS", value_parser = points, conflicts_with_all = ["sparsity", "macs"])]
    pub(super) accuracy_drop: Option<f64>,
    /// Labelled samples for --accuracy-drop [default: those of --calib], and for accuracy before and after in --report
    #[arg(long, value_name = "EVAL.npz")]
    pub(super) data: Option<PathBuf>,
}

impl BudgetArgs {
    /// Whether anything is limited.
    pub(super) const fn is_given(&self) -> bool {
        self.accuracy_drop.is_some() || !self.budget().is_open()
    }

    /// Whether bytes count and time does not.
    const fn is_flash_alone(&self) -> bool {
        self.flash.is_some() && self.cycles.is_none() && self.latency.is_none()
    }

    const fn budget(&self) -> Budget {
        Budget {
            flash: self.flash,
            ram: self.ram,
            cycles: self.cycles,
            latency: self.latency,
        }
    }
}

/// Percentage points.
pub(super) fn points(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(p) if (0.0..=100.0).contains(&p) => Ok(p),
        _ => Err("give percentage points from 0 to 100: 1 is 1 %".into()),
    }
}

/// A number of bytes; K and M are powers of 1024.
fn size(text: &str) -> Result<u64, String> {
    scaled(text, 1024.0)
}

/// A number; K and M are powers of 1000.
fn count(text: &str) -> Result<u64, String> {
    scaled(text, 1000.0)
}

/// A time with its unit.
fn time(text: &str) -> Result<Duration, String> {
    let units = [("ms", 1e3), ("us", 1.0), ("µs", 1.0), ("s", 1e6)];
    let parts = units
        .iter()
        .find_map(|(unit, micros)| Some((text.strip_suffix(unit)?, micros)));
    let micros =
        parts.and_then(|(digits, micros)| Some(digits.trim().parse::<f64>().ok()? * micros));
    match micros {
        Some(micros) if (1.0..1e12).contains(&micros) => Ok(Duration::from_secs_f64(micros / 1e6)),
        _ => Err("give a time from 1 us on, with its unit: 20ms, 800us or 0.5s".into()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked to lie between 1 and 10^15"
)]
fn scaled(text: &str, kilo: f64) -> Result<u64, String> {
    let (digits, factor) = match text.char_indices().last() {
        Some((at, 'k' | 'K')) => (&text[..at], kilo),
        Some((at, 'm' | 'M')) => (&text[..at], kilo * kilo),
        _ => (text, 1.0),
    };
    match digits.parse::<f64>().map(|n| n * factor) {
        Ok(n) if (1.0..1e15).contains(&n) => Ok(n as u64),
        _ => Err("give a number of at least 1, maybe with K or M".into()),
    }
}

/// How the network is laid out.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Lowering")]
pub(super) struct LoweringArgs {
    /// Graph passes; `none` keeps every operator of the model for comparison
    #[arg(long, value_enum, default_value_t = PassesArg::All)]
    pub(super) passes: PassesArg,
    /// Weight layouts; `dense` stores zeros too, for comparison
    #[arg(long, value_enum, default_value_t = WeightsArg::Auto)]
    pub(super) weights: WeightsArg,
    /// What decides between layouts [default: speed; where --flash is the only budget: flash]
    #[arg(long, value_enum)]
    pub(super) prefer: Option<PreferArg>,
    /// Rounding of accumulators; `double` is TensorFlow Lite Micro's [default: double for integer models, else single]
    #[arg(long, value_enum)]
    pub(super) rounding: Option<RoundingArg>,
}

/// Values of `--dtype`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum DTypeArg {
    /// Integer models stay so; floats become s8 with --calib, else stay f32
    Auto,
    /// 8-bit integers
    S8,
    /// Floats
    F32,
}

/// Values of `--passes`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PassesArg {
    /// Folding, fusion and removal of dead and constant channels
    All,
    /// One step per operator of the model
    None,
}

/// Values of `--weights`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum WeightsArg {
    /// The best layout for each layer
    Auto,
    /// Dense everywhere, dead channels kept: what a runtime that stores and multiplies zeros would do
    Dense,
}

/// Values of `--prefer`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum PreferArg {
    /// Fewest predicted cycles
    Speed,
    /// Fewest bytes
    Flash,
}

/// Values of `--rounding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RoundingArg {
    /// Once, half up
    Single,
    /// Twice, as TensorFlow Lite Micro
    Double,
}

pub(super) fn targets() -> PossibleValuesParser {
    PossibleValuesParser::new(
        Target::all()
            .iter()
            .map(|t| PossibleValue::new(t.name).help(t.summary)),
    )
}

fn methods() -> PossibleValuesParser {
    PossibleValuesParser::new(
        METHODS
            .iter()
            .map(|m| PossibleValue::new(m.name).help(m.when)),
    )
}

pub(super) fn ranges() -> PossibleValuesParser {
    PossibleValuesParser::new(Range::ALL.iter().map(|(name, _)| *name))
}

pub(super) fn refits() -> PossibleValuesParser {
    PossibleValuesParser::new(Refit::ALL.iter().map(|(name, _)| *name))
}

fn criteria() -> PossibleValuesParser {
    PossibleValuesParser::new(Criterion::ALL.iter().map(|(name, _)| *name))
}

fn allocations() -> PossibleValuesParser {
    PossibleValuesParser::new(Alloc::ALL.iter().map(|(name, _)| *name))
}

pub(super) fn pattern(text: &str) -> Result<Pattern, String> {
    Pattern::parse(text).map_err(|e| e.to_string())
}

fn pattern_help() -> String {
    let mut help = String::from("Which weights go together:\n");
    for row in PATTERNS {
        help.push_str(&format!("- {}: {}\n", row.syntax, row.meaning));
    }
    help
}

fn sparsity(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if (0.0..1.0).contains(&s) => Ok(s),
        Ok(s) if (1.0..100.0).contains(&s) => Err(format!(
            "give the share of zeros as a fraction: {} for {s} %",
            s / 100.0
        )),
        _ => Err("give the share of zeros, from 0 up to, not including, 1".into()),
    }
}

impl Args {
    /// The options as the pruner takes them.
    pub(super) fn options(&self) -> Options {
        let default = Options::default();
        let (pruning, lowering) = (&self.pruning, &self.lowering);
        Options {
            target: Target::named(&self.target).unwrap_or(Target::portable()),
            dtype: match self.dtype {
                DTypeArg::Auto => Dtype::Auto,
                DTypeArg::S8 => Dtype::S8,
                DTypeArg::F32 => Dtype::F32,
            },
            method: pruning.method.as_deref().and_then(Method::from_name),
            pattern: pruning.pattern,
            sparsity: pruning.sparsity,
            permute: pruning.permute,
            threshold: pruning.threshold,
            alloc: pruning.alloc.as_deref().and_then(|a| named(&Alloc::ALL, a)),
            skip: pruning.skip.clone(),
            include: pruning.include.clone(),
            macs: pruning.macs,
            budget: self.budget.budget(),
            criterion: pruning
                .criterion
                .as_deref()
                .and_then(|c| named(&Criterion::ALL, c)),
            calib: self.calib.clone(),
            preprocess: self.data.preprocess(),
            layout: self.data.order(),
            range: named(&Range::ALL, &self.range).unwrap_or(default.range),
            refit: (self.refit.as_deref())
                .and_then(|r| named(&Refit::ALL, r))
                .unwrap_or_default(),
            lossless: self.lossless,
            passes: match lowering.passes {
                PassesArg::All => Passes::All,
                PassesArg::None => Passes::None,
            },
            weights: match lowering.weights {
                WeightsArg::Auto => WeightChoice::Auto,
                WeightsArg::Dense => WeightChoice::Dense,
            },
            prefer: match lowering.prefer {
                Some(PreferArg::Flash) => Prefer::Flash,
                None if self.budget.is_flash_alone() => Prefer::Flash,
                Some(PreferArg::Speed) | None => Prefer::Speed,
            },
            rounding: lowering.rounding.map(|r| match r {
                RoundingArg::Single => Rounding::Single,
                RoundingArg::Double => Rounding::Double,
            }),
            seed: pruning.seed,
            masks: self.masks.is_some(),
            ..default
        }
    }
}

/// The value of a name in a table; clap has checked that it is there.
fn named<T: Copy>(table: &[(&str, T)], name: &str) -> Option<T> {
    table
        .iter()
        .find(|(n, _)| *n == name)
        .map(|(_, value)| *value)
}
