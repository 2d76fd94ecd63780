//! The targets that `--target` names: this machine, any machine, and every folder of `targets/`.

use crate::cost::Table;
use nnz_format::Backend;
use nnz_support::targets::Target as Facts;
use std::sync::LazyLock;

/// One target.
#[derive(Debug)]
pub struct Target {
    /// The name users type.
    pub name: &'static str,
    /// One line for `nnz targets`.
    pub summary: &'static str,
    /// Whether float networks are refused unless they are quantised.
    pub microcontroller: bool,
    /// The backend that files for it name.
    pub backend: Backend,
    /// Whether convolutions get room for a tile behind their band ([`nnz_format::tile_room`]).
    pub tiles: bool,
    /// What its kernels cost.
    pub cost: Table,
    /// Cycles a second, where the clock is known.
    pub clock_hz: Option<u64>,
}

static TARGETS: LazyLock<Vec<Target>> = LazyLock::new(|| {
    let any = |name, summary| Target {
        name,
        summary,
        microcontroller: false,
        backend: Backend::Planar,
        tiles: false,
        cost: Table::generic(),
        clock_hz: None,
    };
    let mut targets = vec![
        any("portable", "any CPU; the file runs everywhere"),
        any("host", "this machine"),
    ];
    for facts in Facts::all() {
        let names = core::iter::once(&facts.name).chain(&facts.aliases);
        targets.extend(names.map(|name| device(name, facts)));
    }
    targets
});

/// A microcontroller under one of its names.
fn device(name: &'static str, facts: &'static Facts) -> Target {
    let is_dsp = facts.backend == Backend::ArmDsp.name();
    let backend = if is_dsp {
        Backend::ArmDsp
    } else {
        Backend::Planar
    };
    let own = |cost| Table::of(cost, backend);
    Target {
        name,
        summary: &facts.title,
        microcontroller: true,
        backend,
        tiles: facts.has_tiles(),
        cost: facts.cost.as_ref().map_or_else(Table::generic, own),
        clock_hz: facts.clock.map(|clock| clock.hz),
    }
}

impl Target {
    /// Every target, the default first.
    #[must_use]
    pub fn all() -> &'static [Self] {
        &TARGETS
    }

    /// The default: runs everywhere.
    #[must_use]
    pub fn portable() -> &'static Self {
        &TARGETS[0]
    }

    /// The target of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TARGETS.iter().find(|t| t.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_is_a_target_of_a_known_backend() {
        for facts in Facts::all() {
            let target = Target::named(&facts.name).unwrap();
            assert_eq!(target.backend.name(), facts.backend, "{}", facts.name);
            assert!(target.microcontroller);
        }
        assert_eq!(Target::portable().name, "portable");
        assert!(Target::named("cortex-m0+").is_some());
    }

    #[test]
    fn every_cost_is_of_a_known_kernel_and_term() {
        for facts in Facts::all() {
            for (kernel, terms) in facts.cost.iter().flat_map(|cost| &cost.kernels) {
                let reason = crate::cost::check(kernel, terms);
                assert_eq!(reason, None, "targets/{}/target.toml", facts.name);
            }
        }
    }
}
