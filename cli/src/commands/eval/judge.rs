//! Runs a network over a data set and measures what the data allow to measure.

use crate::commands::common::DataArgs;
use crate::infer;
use crate::network::Network;
use crate::ui::Progress;
use nnz_pruner::data::{Dataset, Targets};
use nnz_pruner::eval::{self, Accuracy, Deviation, Reconstruction};

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

fn classes(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Accuracy> {
    let samples = network.samples(data, options.order(), &options.preprocess())?;
    let scorer = network.scorer(&samples)?;
    let progress = Progress::bar(label, data.len());
    let result = eval::accuracy(
        data,
        || Ok::<_, anyhow::Error>(scorer.state()),
        |state, sample| scorer.scores(state, sample),
        &|done, _| progress.set(done),
    )?;
    Ok(result)
}

fn deviation(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Deviation> {
    let samples = network.samples(data, options.order(), &options.preprocess())?;
    let scorer = network.scorer(&samples)?;
    let progress = Progress::bar(label, data.len());
    let result = eval::deviation(
        data,
        || Ok::<_, anyhow::Error>(scorer.state()),
        |state, sample| scorer.scores(state, sample),
        &|done, _| progress.set(done),
    )?;
    Ok(result)
}

fn reconstruction(
    network: &Network,
    data: &Dataset,
    options: &DataArgs,
    label: &str,
) -> anyhow::Result<Reconstruction> {
    let samples = network.samples(data, options.order(), &options.preprocess())?;
    let scorer = network.scorer(&samples)?;
    let tensor = network.input_tensor()?;
    let trained_on = network
        .trained_on()?
        .unwrap_or_else(|| options.preprocess());
    let real = data.samples(&tensor, options.order(), &trained_on)?;
    let progress = Progress::bar(label, data.len());
    let input = |sample: usize| {
        let values = nnz_pruner::data::Elements::F32(real.get(sample));
        let values = infer::to_source(values, tensor.shape, tensor.source.order);
        infer::to_real(&values, None)
    };
    let result = eval::reconstruction(
        data.len(),
        || Ok::<_, anyhow::Error>(scorer.state()),
        |state, sample| Ok((input(sample), scorer.scores(state, sample)?)),
        &|done, _| progress.set(done),
    )?;
    Ok(result)
}
