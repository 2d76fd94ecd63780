//! Targets without vector kernels.

use super::Task;
use crate::host::Isa;

/// None.
pub(crate) const fn detect() -> Isa {
    Isa::Portable
}

/// Only what every target has.
pub(crate) fn has(isa: Isa) -> bool {
    isa == Isa::Portable
}

/// Nothing to do it with.
pub(crate) fn enter<T: Task>(_isa: Isa, _task: T) -> Option<T::Out> {
    None
}
