//! What a step costs on a target, from counts alone.
//!
//! ```text
//! cost = Σ constant(kernel, term) × count(term, step)      kernel = operator.layout.variant, term = row, entry, …
//! ```
//!
//! The model is linear: rows times tiles, stored entries times tiles, gathered band elements and so on ([`counts`]),
//! each times a constant of the target's table. `nnz fit-costs` fits the constants to cycles or instructions of
//! networks of single steps ([`fit`]) and writes them to `targets/NAME/target.toml`; targets without a table use the
//! generic one. The predictions choose layouts; `nnz bench` measures.

pub mod counts;
pub mod fit;

use counts::{Counts, Term};
use nnz_format::encode::Blob;
use nnz_format::{Backend, DType, Op, Rounding, Step, Tensor, WeightLayout, Weights};
use nnz_support::targets::{CostFacts, CostUnit};
use std::collections::BTreeMap;

/// What a weight blob holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stored {
    /// Weights that a kernel multiplies by, fillers and zeros of blocks included.
    pub weights: u64,
    /// Rows of the table.
    pub rows: u64,
    /// Whether kernels take two pixels a multiplication.
    pub narrow: bool,
    /// Whether dense kernels run by pairs: those of the backend `arm-dsp`.
    pub pairs: bool,
}

impl Stored {
    /// These counts on `backend`, where dense matrices may have kernels of their own.
    #[must_use]
    pub const fn on(mut self, backend: Backend) -> Self {
        self.pairs = matches!(backend, Backend::ArmDsp);
        self
    }

    /// The counts of an encoded `matrix` of `rows` rows; of sparse layouts from the blob's length, padding included.
    #[must_use]
    pub const fn of_blob(blob: &Blob, dtype: DType, matrix: usize, rows: usize) -> Self {
        let row = match (dtype, blob.wide_rows) {
            (DType::F32, _) => 8,
            (_, true) => 16,
            (_, false) => 12,
        };
        let stream = (blob.bytes.len() as u64).saturating_sub(rows as u64 * row);
        let weights = match blob.layout {
            WeightLayout::None | WeightLayout::Table => 0,
            WeightLayout::Dense => matrix as u64,
            WeightLayout::CsrP | WeightLayout::CsrQ => stream / 2,
            WeightLayout::CsrN => stream * 2 / 3,
            WeightLayout::Blk1x4 | WeightLayout::Blk4x1 => stream * 4 / 5,
            WeightLayout::CsrF => stream / 5,
        };
        Self {
            weights,
            rows: rows as u64,
            narrow: blob.narrow,
            pairs: false,
        }
    }

    /// The counts of a file's step.
    #[must_use]
    pub fn of_step(step: &Step<'_>) -> Self {
        let (stored, rows) = match &step.weights {
            Weights::None | Weights::Table(_) => (0, 0),
            Weights::DenseS8(w) => (w.weights().len(), w.rows().len()),
            Weights::CsrP(w) => (w.pairs().len() / 2, w.rows().len()),
            Weights::CsrN(w) => (w.triples().len() / 3 * 2, w.rows().len()),
            Weights::CsrQ(w) => (w.groups().len() / 2, w.rows().len()),
            Weights::Blk1x4(w) => (w.weights().len(), w.rows().len()),
            Weights::Blk4x1(w) => (w.weights().len(), w.rows().len()),
            Weights::DenseF32(w) => (w.weights().len() / 4, w.rows().len()),
            Weights::CsrF(w) => (w.values().len() / 4, w.rows().len()),
        };
        Self {
            weights: stored as u64,
            rows: rows as u64,
            narrow: step.narrow,
            pairs: false,
        }
    }
}

/// Constants of one kernel, one a [`Term`].
pub type Constants = [f64; Term::ALL.len()];

/// What the kernels of a target cost.
#[derive(Debug, Clone)]
pub struct Table {
    /// What the predictions count.
    pub unit: CostUnit,
    /// The kernels that are meant.
    backend: Backend,
    kernels: BTreeMap<String, Constants>,
}

/// The generic table, of the portable kernels.
const GENERIC: &str = include_str!("generic.toml");

impl Table {
    /// The table that serves targets without their own.
    #[must_use]
    pub fn generic() -> Self {
        let facts: Result<CostFacts, _> = CostFacts::from_toml(GENERIC);
        let own = facts.map(|facts| own_kernels(&facts)).unwrap_or_default();
        Self {
            unit: CostUnit::Instructions,
            backend: Backend::Planar,
            kernels: own,
        }
    }

    /// A target's own table, and the generic one for kernels that it does not name.
    #[must_use]
    pub fn of(facts: &CostFacts, backend: Backend) -> Self {
        let mut table = Self::generic();
        table.backend = backend;
        table.unit = facts.unit;
        table.kernels.extend(own_kernels(facts));
        table
    }

    /// Sets the constants of a kernel.
    pub fn set(&mut self, kernel: &str, constants: Constants) {
        self.kernels.insert(kernel.to_owned(), constants);
    }

    /// Predicted cost of a step of a file.
    #[must_use]
    pub fn step(&self, step: &Step<'_>, rounding: Rounding) -> u64 {
        let stored = Stored::of_step(step);
        let ends = (&step.input, &step.output);
        self.predict(&step.op, ends, (step.layout, stored), rounding)
    }

    /// Predicted cost of a step.
    #[must_use]
    pub fn predict(
        &self,
        op: &Op,
        (input, output): (&Tensor, &Tensor),
        (layout, stored): (WeightLayout, Stored),
        rounding: Rounding,
    ) -> u64 {
        let stored = stored.on(self.backend);
        let counts = Counts::of(op, (input, output), (layout, stored), rounding);
        let constants = counts::kernels(op, input, (layout, stored.narrow))
            .iter()
            .find_map(|kernel| self.kernels.get(kernel));
        constants.map_or(0, |constants| counts.cost(constants))
    }
}

fn own_kernels(facts: &CostFacts) -> BTreeMap<String, Constants> {
    let constants = |terms: &BTreeMap<String, f64>| {
        Term::ALL.map(|term| terms.get(term.name()).copied().unwrap_or_default())
    };
    let kernels = facts.kernels.iter();
    kernels
        .map(|(name, terms)| (name.clone(), constants(terms)))
        .collect()
}

/// What is wrong with a kernel's entry in a table.
#[must_use]
pub fn check(kernel: &str, terms: &BTreeMap<String, f64>) -> Option<String> {
    let base = kernel.split('.').next().unwrap_or_default();
    let is_known = Table::generic()
        .kernels
        .keys()
        .any(|k| k.split('.').next() == Some(base));
    if !is_known {
        return Some(format!("no kernel is called '{kernel}'"));
    }
    let unknown = |name: &&String| Term::ALL.iter().all(|term| term.name() != name.as_str());
    if let Some(term) = terms.keys().find(unknown) {
        return Some(format!("'{kernel}' has no term '{term}'"));
    }
    let bad = terms.iter().find(|(_, c)| !c.is_finite() || **c < 0.0);
    bad.map(|(term, c)| format!("'{term}' of '{kernel}' is {c}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_generic_table_prices_every_operator() {
        let facts = CostFacts::from_toml(GENERIC).unwrap();
        assert_eq!(facts.unit, CostUnit::Instructions);
        for (kernel, terms) in &facts.kernels {
            assert_eq!(check(kernel, terms), None);
        }
        assert!(facts.kernels.len() >= 25);
    }

    #[test]
    fn entries_that_name_nothing_are_refused() {
        let terms = |name: &str, value| BTreeMap::from([(name.to_owned(), value)]);
        assert!(check("conv_9d.dense", &terms("row", 1.0)).is_some());
        assert!(check("conv_2d.dense", &terms("rows", 1.0)).is_some());
        assert!(check("conv_2d.dense", &terms("row", -1.0)).is_some());
        assert_eq!(check("conv_2d.dense.pointwise", &terms("row", 1.0)), None);
    }
}
