//! Runs a network over a data set and measures what the data allow to measure.

use crate::commands::common::DataArgs;
use crate::infer;
use crate::network::Network;
use crate::nnz_file::Aligned;
use crate::scorer::Scorer;
use crate::ui::Progress;
use anyhow::Context;
use nnz_pruner::data::{Dataset, Elements, Targets};
use nnz_pruner::eval::{self, Accuracy, Deviation, EvalError, Reconstruction};

/// What was measured.
#[derive(Debug)]
pub(super) enum Judged {
    /// Classes.
    Classes(Accuracy),
    /// Real targets.
    Values(Deviation),
    /// Outputs that should be the inputs.
    Copies(Reconstruction),
}

/// The preprocessing of `network`: what was given, or what the file `beside` it knows.
pub(in crate::commands) fn options(
    network: &Network,
    beside: Option<&Network>,
    given: &DataArgs,
) -> anyhow::Result<DataArgs> {
    let known = beside.map(Network::trained_on).transpose()?.flatten();
    let mut options = given.clone();
    if let Some(known) = known
        && !given.has_preprocess()
        && network.trained_on()?.is_none()
    {
        options.mean.clone_from(&known.mean);
        options.std.clone_from(&known.std);
    }
    Ok(options)
}

/// One output of a network, and the samples that it is judged by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// The network.
    pub(super) network: &'a Network,
    /// Which of its outputs.
    pub(super) output: usize,
    /// Samples, and what is expected of them.
    pub(super) data: &'a Dataset,
    /// Preprocessing and axis order.
    pub(super) options: &'a DataArgs,
}

/// Accuracy of a classifier.
pub(in crate::commands) fn accuracy(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
) -> anyhow::Result<Accuracy> {
    Subject::first(network, data, options).classes("evaluating")
}

/// [`accuracy`] inside of work that shows its own progress.
pub(in crate::commands) fn quiet_accuracy(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
) -> anyhow::Result<Accuracy> {
    Subject::first(network, data, options).counted(&|_, _| ())
}

/// Memory of one thread.
fn state(scorer: &Scorer<'_>) -> anyhow::Result<Aligned> {
    Ok(scorer.state())
}

impl<'a> Subject<'a> {
    /// The first output.
    const fn first(network: &'a Network, data: &'a Dataset, options: &'a DataArgs) -> Self {
        Self {
            network,
            output: 0,
            data,
            options,
        }
    }

    /// Measures by the targets of the data: classes, values, or the inputs themselves.
    pub(super) fn judge(self, label: &str) -> anyhow::Result<Judged> {
        let anomalies = |labels: &[usize]| labels.iter().all(|l| *l < 2);
        let copies = match self.data.targets() {
            Targets::Values(_) => false,
            Targets::Classes(labels) => anomalies(labels) && self.network.gives_its_input_back()?,
            Targets::None => self.network.gives_its_input_back()?,
        };
        if copies {
            return self.reconstruction(label).map(Judged::Copies);
        }
        if matches!(self.data.targets(), Targets::Values(_)) {
            return self.deviation(label).map(Judged::Values);
        }
        self.classes(label).map(Judged::Classes)
    }

    /// What is measured with the network ready to run the samples.
    fn scored<T>(
        self,
        measure: impl FnOnce(&Scorer<'_>) -> Result<T, EvalError>,
    ) -> anyhow::Result<T> {
        let (order, preprocess) = (self.options.order(), self.options.preprocess());
        let samples = self.network.samples(self.data, order, &preprocess)?;
        let scorer = Scorer::new(self.network, &samples, self.output)?;
        Ok(measure(&scorer)?)
    }

    fn counted(self, tell: &(dyn Fn(usize, usize) + Sync)) -> anyhow::Result<Accuracy> {
        self.scored(|scorer| {
            let scores = |state: &mut Aligned, sample| scorer.scores(state, sample);
            eval::accuracy(self.data, || state(scorer), scores, tell)
        })
    }

    fn classes(self, label: &str) -> anyhow::Result<Accuracy> {
        let progress = Progress::bar(label, self.data.len());
        self.counted(&|done, _| progress.set(done))
    }

    fn deviation(self, label: &str) -> anyhow::Result<Deviation> {
        let progress = Progress::bar(label, self.data.len());
        self.scored(|scorer| {
            let scores = |state: &mut Aligned, sample| scorer.scores(state, sample);
            let tell = |done, _| progress.set(done);
            eval::deviation(self.data, || state(scorer), scores, &tell)
        })
    }

    fn reconstruction(self, label: &str) -> anyhow::Result<Reconstruction> {
        let tensors = self.network.inputs()?;
        let tensor = tensors.first().context("the network has no input")?;
        let trained_on = self.network.trained_on()?;
        let trained_on = trained_on.unwrap_or_else(|| self.options.preprocess());
        let real = self
            .data
            .samples(tensor, self.options.order(), &trained_on)?;
        let input = |sample: usize| {
            let values = Elements::F32(real.get(sample));
            let values = infer::to_source(values, tensor.shape, tensor.source.order);
            infer::to_real(&values, None)
        };
        let progress = Progress::bar(label, self.data.len());
        self.scored(|scorer| {
            let pair =
                |state: &mut Aligned, sample| Ok((input(sample), scorer.scores(state, sample)?));
            let tell = |done, _| progress.set(done);
            eval::reconstruction(self.data.len(), || state(scorer), pair, &tell)
        })
    }
}
