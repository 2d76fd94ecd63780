//! Runs calibration samples through the float network and collects what every tensor holds.

use super::{QuantizeError, histogram::Histogram};
use crate::data::Samples;
use crate::ir::Graph;
use crate::progress::{Counter, Progress};
use rayon::prelude::*;

/// Values of every tensor for one input, by tensor id; `None` for tensors that nothing writes.
pub(super) type Tensors = Vec<Option<Vec<f32>>>;

/// Parts of the data for each thread, so that threads stay busy to the end.
const PARTS_PER_THREAD: usize = 2;

/// A histogram of every tensor over the first `n` samples of every input.
///
/// # Errors
///
/// The first sample that cannot be run, or makes a value that is not finite.
pub(super) fn observe(
    graph: &Graph,
    samples: &[Samples<'_>],
    n: usize,
    run: impl Fn(Vec<Vec<f32>>) -> Result<Tensors, String> + Sync,
    progress: Progress<'_>,
) -> Result<Vec<Histogram>, QuantizeError> {
    let counter = Counter::new(n, progress);
    let part = n
        .div_ceil(rayon::current_num_threads() * PARTS_PER_THREAD)
        .max(1);
    let parts: Vec<Result<Vec<Histogram>, QuantizeError>> = (0..n)
        .step_by(part)
        .collect::<Vec<_>>()
        .into_par_iter()
        .map(|from| {
            let mut histograms = vec![Histogram::new(); graph.tensors.len()];
            for sample in from..(from + part).min(n) {
                let inputs = samples.iter().map(|s| s.get(sample)).collect();
                let tensors =
                    run(inputs).map_err(|reason| QuantizeError::Run { sample, reason })?;
                count(graph, &mut histograms, &tensors, sample)?;
                counter.tick();
            }
            Ok(histograms)
        })
        .collect();
    let mut all = vec![Histogram::new(); graph.tensors.len()];
    for part in parts {
        all.iter_mut().zip(part?).for_each(|(a, b)| a.merge(&b));
    }
    Ok(all)
}

fn count(
    graph: &Graph,
    histograms: &mut [Histogram],
    tensors: &Tensors,
    sample: usize,
) -> Result<(), QuantizeError> {
    for ((histogram, values), tensor) in histograms.iter_mut().zip(tensors).zip(&graph.tensors) {
        if let Some(values) = values
            && !histogram.add(values)
        {
            return Err(QuantizeError::NotFinite {
                tensor: tensor.name.clone(),
                sample,
            });
        }
    }
    Ok(())
}
