//! The table of pruning methods; help, documentation and tests are made from it.

/// How weights are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Method {
    /// Existing zeros stay, nothing is added.
    Keep,
    /// Weights near zero go.
    Threshold,
    /// The smallest weights go until the wanted sparsity is reached.
    Magnitude,
}

/// What users need to know of a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MethodRow {
    /// The method.
    pub method: Method,
    /// Its name on the command line.
    pub name: &'static str,
    /// Where it comes from.
    pub paper: &'static str,
    /// What it costs to run.
    pub cost: &'static str,
    /// What it needs beside the network.
    pub needs: &'static str,
    /// When to choose it.
    pub when: &'static str,
}

/// Every method.
pub const METHODS: &[MethodRow] = &[
    MethodRow {
        method: Method::Keep,
        name: "keep",
        paper: "-",
        cost: "none",
        needs: "nothing",
        when: "the network was pruned in training; default without a sparsity",
    },
    MethodRow {
        method: Method::Threshold,
        name: "threshold",
        paper: "-",
        cost: "one pass over the weights",
        needs: "--threshold T",
        when: "training with a sparsity penalty left many weights near zero",
    },
    MethodRow {
        method: Method::Magnitude,
        name: "magnitude",
        paper: "Han et al. 2015 (arXiv:1506.02626); LAMP: Lee et al. 2021 (arXiv:2010.07611)",
        cost: "one sort of the weights",
        needs: "--sparsity S",
        when: "no calibration data, or fine-tuning follows",
    },
];

impl Method {
    /// The row of this method.
    #[must_use]
    pub fn row(self) -> &'static MethodRow {
        METHODS
            .iter()
            .find(|r| r.method == self)
            .unwrap_or(&METHODS[0])
    }

    /// The method of a name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        METHODS.iter().find(|r| r.name == name).map(|r| r.method)
    }
}
