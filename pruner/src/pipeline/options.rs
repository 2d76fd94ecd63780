//! Everything that `nnz prune` can be told.

use super::{Budget, PipelineError};
use crate::data::Preprocess;
use crate::ir::Order;
use crate::lower::{Prefer, WeightChoice};
use crate::quantize::Range;
use crate::sparsify::{self, Alloc, Criterion, Effort, Method, Pattern, Refit};
use crate::target::Target;
use nnz_format::Rounding;
use std::path::PathBuf;

/// Element type of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dtype {
    /// Integer networks stay integer; float ones become `s8` with calibration data.
    #[default]
    Auto,
    /// `s8`.
    S8,
    /// `f32`.
    F32,
    /// `f16` weights; reserved.
    F16,
}

impl Dtype {
    /// Every type with its name on the command line.
    pub const ALL: [(&'static str, Self); 4] = [
        ("auto", Self::Auto),
        ("s8", Self::S8),
        ("f32", Self::F32),
        ("f16", Self::F16),
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::S8 => "s8",
            Self::F32 => "f32",
            Self::F16 => "f16",
        }
    }
}

/// Which graph passes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Passes {
    /// Folding, fusion and the removal of dead and constant channels.
    #[default]
    All,
    /// None; every operator of the source model keeps an output of its own.
    None,
}

/// Options of [`super::prune`].
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the network will run.
    pub target: &'static Target,
    /// Element type of the result.
    pub dtype: Dtype,
    /// How weights are chosen; `None` = by the other options: a sparsity or N:M pattern means obs where there
    /// are calibration data, else magnitude; a threshold means threshold, neither means keep.
    pub method: Option<Method>,
    /// Which weights go together.
    pub pattern: Pattern,
    /// Whether channels are reordered first, for patterns that gain by it.
    pub permute: bool,
    /// Wanted share of zeros.
    pub sparsity: Option<f64>,
    /// Largest |w| that method `threshold` clears.
    pub threshold: Option<f32>,
    /// How the share is spread over layers; `None` = by [`Options::alloc`], with a budget by what each layer loses.
    pub alloc: Option<Alloc>,
    /// Layers to leave alone.
    pub skip: Vec<String>,
    /// Layers to prune although the rule would not.
    pub include: Vec<String>,
    /// How method `filter` judges channels.
    pub criterion: Option<Criterion>,
    /// Share of the multiply-accumulates that method `filter` leaves at most.
    pub macs: Option<f64>,
    /// What the file may need at most; layers then get sparsities of their own.
    pub budget: Budget,
    /// Whether a budget may also be met by another technique than `method`: set where none was named.
    pub any_technique: bool,
    /// Sparsities of layers by node name, instead of `sparsity`.
    pub shares: Vec<(String, f64)>,
    /// Calibration data.
    pub calib: Option<PathBuf>,
    /// Choose scales by at most so many calibration samples; `None` = all.
    pub calib_limit: Option<usize>,
    /// Solve on at most so many calibration samples; `None` = all.
    pub solve_limit: Option<usize>,
    /// How much is done for a layer that is solved.
    pub effort: Effort,
    /// From data values to real numbers.
    pub preprocess: Preprocess,
    /// Axis order of the calibration data; `None` = the source model's.
    pub layout: Option<Order>,
    /// How calibration turns values into ranges.
    pub range: Range,
    /// What may be changed after quantisation, so that layers keep their outputs.
    pub refit: Refit,
    /// Only changes that keep every output bit.
    pub lossless: bool,
    /// Which graph passes run.
    pub passes: Passes,
    /// Which weight layouts may be used.
    pub weights: WeightChoice,
    /// What weight layouts are chosen for.
    pub prefer: Prefer,
    /// Rounding of accumulators; `None` = double for imported integer networks, single for those quantised here.
    pub rounding: Option<Rounding>,
    /// Seed of everything random.
    pub seed: u64,
    /// Names of the classes, written into the file.
    pub labels: Vec<String>,
    /// Also say which weights of the source stay, for fine-tuning.
    pub masks: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            target: Target::portable(),
            dtype: Dtype::Auto,
            method: None,
            pattern: Pattern::Unstructured,
            permute: false,
            sparsity: None,
            threshold: None,
            alloc: None,
            skip: Vec::new(),
            include: Vec::new(),
            criterion: None,
            macs: None,
            budget: Budget::default(),
            any_technique: false,
            shares: Vec::new(),
            calib: None,
            calib_limit: None,
            solve_limit: None,
            effort: Effort::Full,
            preprocess: Preprocess::NONE,
            layout: None,
            range: Range::default(),
            refit: Refit::default(),
            lossless: false,
            passes: Passes::All,
            weights: WeightChoice::Auto,
            prefer: Prefer::Speed,
            rounding: None,
            seed: 0,
            labels: Vec::new(),
            masks: false,
        }
    }
}

impl Options {
    /// The method that these options mean.
    #[must_use]
    pub const fn method(&self) -> Method {
        match (self.method, self.pattern, self.sparsity, self.threshold) {
            (Some(method), ..) => method,
            (None, Pattern::Channel, ..) => Method::Filter,
            _ if !self.budget.is_open() => Method::Obs,
            _ if self.macs.is_some() => Method::Filter,
            (None, _, None, Some(_)) => Method::Threshold,
            (None, _, Some(_), _) | (None, Pattern::NofM { .. }, ..) => Method::Magnitude,
            (None, Pattern::Unstructured | Pattern::Block { .. }, None, None) => Method::Keep,
        }
    }

    /// The allocation that these options mean: magnitudes relative to their layer where weights are chosen one by one
    /// or in blocks, the same share of every layer where whole channels leave.
    #[must_use]
    pub const fn alloc(&self) -> Alloc {
        match (self.alloc, self.method()) {
            (Some(alloc), _) => alloc,
            (None, Method::Filter) => Alloc::Layer,
            (None, _) => Alloc::Lamp,
        }
    }

    /// These options with the method spelled out: `obs` where calibration data let it solve.
    /// `limited`: something limits the result, so that sparsities are to be found.
    pub(super) fn resolved(&self, limited: bool) -> Self {
        let by_magnitude = self.method() == Method::Magnitude && self.calib.is_some();
        let searched = limited && !matches!(self.method(), Method::Filter);
        let method = match self.method {
            None if by_magnitude || searched => Method::Obs,
            _ => self.method(),
        };
        let open = self.method.is_none() && self.alloc.is_none() && !self.masks;
        Self {
            method: Some(method),
            any_technique: limited && open && self.pattern == Pattern::Unstructured,
            ..self.clone()
        }
    }

    pub(super) fn sparsify(&self) -> sparsify::Options {
        sparsify::Options {
            method: self.method(),
            pattern: self.pattern,
            sparsity: self.sparsity,
            threshold: self.threshold,
            alloc: self.alloc(),
            skip: self.skip.clone(),
            include: self.include.clone(),
            criterion: self.criterion,
            macs: self.macs,
            shares: self.shares.clone(),
            seed: self.seed,
            effort: self.effort,
        }
    }

    pub(super) fn quantize(&self) -> crate::quantize::Options {
        crate::quantize::Options {
            range: self.range,
            preprocess: self.preprocess.clone(),
            pixels: false,
            layout: self.layout,
            limit: self.calib_limit,
        }
    }

    /// Whether the pattern implies its sparsity.
    pub(super) const fn pattern_is_nm(&self) -> bool {
        matches!(self.pattern, Pattern::NofM { .. })
    }

    /// Refuses options that contradict each other.
    pub(super) fn check(&self, limited: bool) -> Result<(), PipelineError> {
        let quantizes = self.calib.is_some() || self.dtype == Dtype::S8;
        if self.lossless && self.method() != Method::Keep {
            return Err(PipelineError::option(
                "`--lossless` removes no weights, but a pruning method, sparsity or threshold is given",
                "leave one of them out",
            ));
        }
        if self.lossless && self.calib.is_some() && quantizes {
            return Err(PipelineError::option(
                "`--lossless` keeps every output bit, quantising with `--calib` does not",
                "leave one of them out",
            ));
        }
        if self.budget.is_open() && !limited {
            return Ok(());
        }
        if self.sparsity.is_some() || self.macs.is_some() {
            return Err(PipelineError::option(
                "a budget chooses sparsities itself",
                "leave --sparsity and --macs out",
            ));
        }
        let served = match self.resolved(true).method() {
            Method::Obs | Method::SparseGpt | Method::Filter => true,
            Method::Keep | Method::Threshold => false,
            Method::Magnitude | Method::Wanda => self.alloc.is_some(),
        };
        if !served {
            return Err(PipelineError::option(
                format!(
                    "a budget spreads zeros by solving, method {} does not",
                    self.method().row().name
                ),
                "leave --method out, or give --alloc layer or lamp with magnitude or wanda",
            ));
        }
        Ok(())
    }
}
