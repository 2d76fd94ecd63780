//! From an imported graph to a finished file.

use super::budget;
use super::stages::{Applied, optimise, to_dtype};
use super::{Listener, Options, Passes, PipelineError, Stage};
use crate::data::Preprocess;
use crate::emit::{self, Provenance};
use crate::export::{Mask, OnnxSource};
use crate::ir::{DType, Graph};
use crate::lower::{self, Program, WeightChoice};
use crate::plan::{self, Plan};
use crate::sparsify::{self, Method, Refit, Refitted, SparsityReport};
use nnz_format::Rounding;

/// The network that is pruned, and what never changes about it.
pub(super) struct Input<'a> {
    pub(super) name: &'a str,
    pub(super) bytes: &'a [u8],
    pub(super) rounding: Rounding,
    pub(super) source: Option<&'a OnnxSource>,
}

impl Input<'_> {
    /// What a file says of its origin.
    pub(super) fn provenance(&self, options: &Options, built: &Built) -> Provenance {
        Provenance {
            source: self.name.to_owned(),
            sha256: emit::sha256(self.bytes),
            recipe: recipe(options, &built.program),
            labels: options.labels.clone(),
            accuracy: None,
            folded: Preprocess::NONE,
            preprocess: options.preprocess.clone(),
            source_dtype: None,
            every_tensor: options.passes == Passes::None,
        }
    }
}

/// A pruned network, built and written.
pub(super) struct Finished {
    /// What chose the weights.
    pub(super) method: Method,
    pub(super) graph: Graph,
    pub(super) sparsity: SparsityReport,
    pub(super) refitted: Option<Refitted>,
    pub(super) masks: Option<Vec<Mask>>,
    pub(super) built: Built,
    pub(super) provenance: Provenance,
    pub(super) file: Vec<u8>,
}

impl Finished {
    /// What budgets limit.
    pub(super) fn need(&self) -> budget::Need {
        budget::Need {
            bytes: self.file.len() as u64,
            arena: self.built.plan.arena_len.into(),
            cost: self.built.cost(),
        }
    }
}

/// Everything from the imported graph to the file.
pub(super) fn finish(
    graph: Graph,
    input: &Input<'_>,
    options: &Options,
    progress: Listener<'_>,
) -> Result<Finished, PipelineError> {
    let rounding = input.rounding;
    let (graph, sparsity, masks) = optimise(graph, options, rounding, input.source, progress)?;
    let typed = to_dtype(graph, options, rounding, progress)?;
    let graph = typed.graph;
    let built = Built::new(&graph, options, rounding, progress)?;
    progress(Stage::Emit, 0, 0);
    let mut provenance = input.provenance(options, &built);
    if typed.applied == Applied::ByNetwork {
        core::mem::swap(&mut provenance.folded, &mut provenance.preprocess);
        provenance.source_dtype = Some(DType::U8);
    }
    let file = built.file(&provenance)?;
    Ok(Finished {
        method: options.method(),
        graph,
        sparsity,
        refitted: typed.refitted,
        masks,
        built,
        provenance,
        file,
    })
}

/// The network as it came, zeros stored and multiplied, in the result's element type: what the report compares with.
///
/// Nothing about its size depends on the scales, so that one calibration sample is enough.
pub(super) fn dense_reference(
    graph: Graph,
    options: &Options,
    rounding: Rounding,
) -> Result<Built, PipelineError> {
    let dense = Options {
        weights: WeightChoice::Dense,
        method: Some(Method::Keep),
        pattern: sparsify::Pattern::Unstructured,
        skip: Vec::new(),
        include: Vec::new(),
        sparsity: None,
        threshold: None,
        macs: None,
        criterion: None,
        shares: Vec::new(),
        any_technique: false,
        calib_limit: Some(1),
        refit: Refit::Off,
        ..options.clone()
    };
    let (graph, ..) = optimise(graph, &dense, rounding, None, &|_, _, _| ())?;
    let typed = to_dtype(graph, &dense, rounding, &|_, _, _| ())?;
    Built::new(&typed.graph, &dense, rounding, &|_, _, _| ())
}

/// A graph lowered and planned.
pub(super) struct Built {
    pub(super) program: Program,
    pub(super) plan: Plan,
}

impl Built {
    pub(super) fn new(
        graph: &Graph,
        options: &Options,
        rounding: Rounding,
        progress: Listener<'_>,
    ) -> Result<Self, PipelineError> {
        progress(Stage::Lower, 0, 0);
        let lowering = lowering(options, rounding);
        let program = lower::lower(graph, &lowering).map_err(PipelineError::Lower)?;
        progress(Stage::Plan, 0, 0);
        let plan = plan::plan(&program).map_err(PipelineError::Plan)?;
        Ok(Self { program, plan })
    }

    /// The bytes of the file.
    pub(super) fn file(&self, provenance: &Provenance) -> Result<Vec<u8>, PipelineError> {
        emit::emit(&self.program, &self.plan, provenance).map_err(PipelineError::Emit)
    }

    /// What the cost model predicts for one inference.
    pub(super) fn cost(&self) -> u64 {
        self.program.totals().cost
    }
}

pub(super) fn lowering(options: &Options, rounding: Rounding) -> lower::Options {
    lower::Options {
        weights: options.weights,
        prefer: options.prefer,
        rounding: Some(rounding),
        keep_all_steps: options.passes == Passes::None,
        drop_zeros: options.lossless,
        target: options.target,
    }
}

/// The options that made a file, as the command line words them.
pub(super) fn recipe(options: &Options, program: &Program) -> String {
    let integers = program.tensors.iter().any(|t| t.dtype == DType::S8);
    let mut words = vec![format!("--method {}", options.method().row().name)];
    if options.pattern != sparsify::Pattern::Unstructured {
        words.push(format!("--pattern {}", options.pattern));
    }
    if let Some(sparsity) = options.sparsity.filter(|_| options.budget.is_open()) {
        words.push(format!("--sparsity {sparsity}"));
    }
    if let Some(macs) = options.macs {
        words.push(format!("--macs {macs}"));
    }
    let limits = [
        ("--flash", options.budget.flash),
        ("--ram", options.budget.ram),
        ("--cycles", options.budget.cycles),
    ];
    for (name, limit) in limits {
        words.extend(limit.map(|limit| format!("{name} {limit}")));
    }
    if let Some(time) = options.budget.latency {
        words.push(format!("--latency {}us", time.as_micros()));
    }
    if let Some(threshold) = options.threshold {
        words.push(format!("--threshold {threshold}"));
    }
    words.push(format!("--dtype {}", if integers { "s8" } else { "f32" }));
    if integers {
        let single = program.rounding == Rounding::Single;
        words.push(format!(
            "--rounding {}",
            if single { "single" } else { "double" }
        ));
    }
    let flags = [
        (options.permute, "--permute"),
        (integers && options.refit == Refit::Bias, "--refit bias"),
        (integers && options.refit == Refit::Off, "--refit off"),
        (options.lossless, "--lossless"),
        (options.passes == Passes::None, "--passes none"),
        (options.weights == WeightChoice::Dense, "--weights dense"),
        (options.prefer == lower::Prefer::Flash, "--prefer flash"),
    ];
    words.extend(
        flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, flag)| (*flag).to_owned()),
    );
    words.join(" ")
}
