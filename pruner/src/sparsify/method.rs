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
    /// Weights that contribute least given the size of their inputs go.
    Wanda,
    /// Weights go column by column, the others make up for them.
    SparseGpt,
    /// Weights are first refitted to the pruned network's inputs, then go as in `SparseGPT`; the bias follows.
    Obs,
    /// Whole filters go, tensors shrink; the layers that read them make up for it.
    Filter,
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
    MethodRow {
        method: Method::Wanda,
        name: "wanda",
        paper: "Sun et al. 2023 (arXiv:2306.11695)",
        cost: "one pass over the calibration data",
        needs: "--sparsity S --calib DATA.npz",
        when: "values of weights must not change, and data are at hand",
    },
    MethodRow {
        method: Method::SparseGpt,
        name: "sparsegpt",
        paper: "Frantar & Alistarh 2023 (arXiv:2301.00774)",
        cost: "seconds: a factorisation a layer",
        needs: "--sparsity S --calib DATA.npz",
        when: "for comparison with obs",
    },
    MethodRow {
        method: Method::Obs,
        name: "obs",
        paper: "Hassibi & Stork 1993; Frantar & Alistarh 2022 (arXiv:2208.11580), refitted to the pruned network's inputs; the choice improved as in Meng et al. 2024 (arXiv:2406.07831)",
        cost: "seconds: a few dozen factorisations a layer",
        needs: "--sparsity S --calib DATA.npz",
        when: "calibration data are at hand: keeps most accuracy without training",
    },
    MethodRow {
        method: Method::Filter,
        name: "filter",
        paper: "Li et al. 2017 (arXiv:1608.08710); reconstruction: He et al. 2017 (arXiv:1707.06168), solved in closed form",
        cost: "seconds: a factorisation a layer",
        needs: "--sparsity S (share of channels) or --macs F; --calib DATA.npz to judge by reconstruction",
        when: "dense kernels, or memory for activations, decide: whole channels disappear",
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

    /// Whether the method looks at calibration data.
    #[must_use]
    pub const fn is_calibrated(self) -> bool {
        match self {
            Self::Keep | Self::Threshold | Self::Magnitude => false,
            Self::Wanda | Self::SparseGpt | Self::Obs | Self::Filter => true,
        }
    }

    /// The method of a name in the table.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        METHODS.iter().find(|r| r.name == name).map(|r| r.method)
    }
}
