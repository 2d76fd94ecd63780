//! Runs a network over a data set and measures what the data allow to measure.

use crate::commands::common::DataArgs;
use crate::infer;
use crate::network::{Network, Scorer};
use crate::nnz_file::Aligned;
use crate::ui::Progress;
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

/// Measures by the targets of the data: classes, values, or the inputs themselves.
pub(super) fn judge(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Judged> {
    let anomalies = |labels: &[usize]| labels.iter().all(|l| *l < 2);
    let copies = match data.targets() {
        Targets::Values(_) => false,
        Targets::Classes(labels) => anomalies(labels) && network.gives_its_input_back()?,
        Targets::None => network.gives_its_input_back()?,
    };
    if copies {
        return reconstruction(network, data, options, label).map(Judged::Copies);
    }
    if matches!(data.targets(), Targets::Values(_)) {
        return deviation(network, data, options, label).map(Judged::Values);
    }
    classes(network, data, options, label).map(Judged::Classes)
}

/// Accuracy of a classifier.
pub(in crate::commands) fn accuracy(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
) -> anyhow::Result<Accuracy> {
    classes(network, data, options, "evaluating")
}

/// [`accuracy`] inside of work that shows its own progress.
pub(in crate::commands) fn quiet_accuracy(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
) -> anyhow::Result<Accuracy> {
    counted(network, data, options, &|_, _| ())
}

fn counted(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    tell: &(dyn Fn(usize, usize) + Sync),
) -> anyhow::Result<Accuracy> {
    scored(network, data, options, |scorer| {
        let scores = |state: &mut Aligned, sample| scorer.scores(state, sample);
        eval::accuracy(data, || state(scorer), scores, tell)
    })
}

/// What is measured with the network ready to run the samples.
fn scored<T>(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    measure: impl FnOnce(&Scorer<'_>) -> Result<T, EvalError>,
) -> anyhow::Result<T> {
    let samples = network.samples(data, options.order(), &options.preprocess())?;
    Ok(measure(&network.scorer(&samples)?)?)
}

/// Memory of one thread.
fn state(scorer: &Scorer<'_>) -> anyhow::Result<Aligned> {
    Ok(scorer.state())
}

fn classes(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Accuracy> {
    let progress = Progress::bar(label, data.len());
    counted(network, data, options, &|done, _| progress.set(done))
}

fn deviation(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Deviation> {
    let progress = Progress::bar(label, data.len());
    scored(network, data, options, |scorer| {
        let scores = |state: &mut Aligned, sample| scorer.scores(state, sample);
        let tell = |done, _| progress.set(done);
        eval::deviation(data, || state(scorer), scores, &tell)
    })
}

fn reconstruction(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Reconstruction> {
    let tensor = network.input_tensor()?;
    let trained_on = network
        .trained_on()?
        .unwrap_or_else(|| options.preprocess());
    let real = data.samples(&tensor, options.order(), &trained_on)?;
    let input = |sample: usize| {
        let values = Elements::F32(real.get(sample));
        let values = infer::to_source(values, tensor.shape, tensor.source.order);
        infer::to_real(&values, None)
    };
    let progress = Progress::bar(label, data.len());
    scored(network, data, options, |scorer| {
        let pair = |state: &mut Aligned, sample| Ok((input(sample), scorer.scores(state, sample)?));
        let tell = |done, _| progress.set(done);
        eval::reconstruction(data.len(), || state(scorer), pair, &tell)
    })
}
