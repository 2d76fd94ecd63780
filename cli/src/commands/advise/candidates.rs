//! What is tried: one row a technique.

use crate::commands::common::DataArgs;
use nnz_pruner::pipeline::Options;
use nnz_pruner::sparsify::{Method, Pattern};
use nnz_pruner::target::Target;
use std::path::Path;

/// A technique with its amount.
#[derive(Debug)]
pub(super) struct Candidate {
    /// What people read.
    pub(super) name: &'static str,
    pub(super) method: Method,
    pattern: &'static str,
    sparsity: Option<f64>,
    macs: Option<f64>,
}

const fn obs(name: &'static str, pattern: &'static str, sparsity: Option<f64>) -> Candidate {
    Candidate {
        name,
        method: Method::Obs,
        pattern,
        sparsity,
        macs: None,
    }
}

const fn filter(name: &'static str, macs: f64) -> Candidate {
    Candidate {
        name,
        method: Method::Filter,
        pattern: "channel",
        sparsity: None,
        macs: Some(macs),
    }
}

/// Every candidate, the network as it is first.
pub(super) const CANDIDATES: [Candidate; 13] = [
    Candidate {
        name: "dense",
        method: Method::Keep,
        pattern: "unstructured",
        sparsity: None,
        macs: None,
    },
    obs("unstructured 50 %", "unstructured", Some(0.5)),
    obs("unstructured 65 %", "unstructured", Some(0.65)),
    obs("unstructured 80 %", "unstructured", Some(0.8)),
    obs("unstructured 90 %", "unstructured", Some(0.9)),
    obs("2:4", "2:4", None),
    obs("1:4", "1:4", None),
    obs("1x4 50 %", "1x4", Some(0.5)),
    obs("1x4 75 %", "1x4", Some(0.75)),
    obs("4x1 50 %", "4x1", Some(0.5)),
    obs("4x1 75 %", "4x1", Some(0.75)),
    filter("channels 70 %", 0.7),
    filter("channels 50 %", 0.5),
];

impl Candidate {
    /// The options of the pruner.
    pub(super) fn options(
        &self,
        target: &str,
        calib: &Path,
        data: &DataArgs,
    ) -> anyhow::Result<Options> {
        Ok(Options {
            target: Target::named(target).unwrap_or(Target::portable()),
            method: Some(self.method),
            pattern: Pattern::parse(self.pattern)?,
            sparsity: self.sparsity,
            macs: self.macs,
            calib: Some(calib.to_owned()),
            preprocess: data.preprocess(),
            layout: data.order(),
            ..Options::default()
        })
    }

    /// The same as words for `nnz prune`.
    pub(super) fn words(&self) -> String {
        let mut words = vec![format!("--method {}", self.method.row().name)];
        if !matches!(self.pattern, "unstructured" | "channel") {
            words.push(format!("--pattern {}", self.pattern));
        }
        words.extend(self.sparsity.map(|s| format!("--sparsity {s}")));
        words.extend(self.macs.map(|m| format!("--macs {m}")));
        words.join(" ")
    }
}
