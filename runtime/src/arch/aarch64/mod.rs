//! 64-bit Arm: vectors of NEON, with the products of every core (Cortex-A53, A72) and with those of the dot product
//! extension (Cortex-A55, A76), and which of them this CPU has.

mod dot;
mod long;
mod neon;
mod twice;

use super::vector::Task;
use crate::host::Isa;
use dot::Dot;
use long::Long;
use neon::Neon;
use twice::Twice;

/// The best instruction set of this CPU.
pub(crate) fn detect() -> Isa {
    if has(Isa::NeonDot) {
        Isa::NeonDot
    } else if has(Isa::Neon) {
        Isa::Neon
    } else {
        Isa::Portable
    }
}

/// Whether this CPU has an instruction set.
pub(crate) fn has(isa: Isa) -> bool {
    match isa {
        Isa::Portable => true,
        Isa::Neon => Long::detect().is_some(),
        Isa::NeonDot => Dot::detect().is_some(),
        Isa::Avx2 | Isa::Avx512Vnni => false,
    }
}

/// Does `task` with the vectors of `isa`; `None` where it has none, or the CPU does not have them.
pub(crate) fn enter<T: Task>(isa: Isa, task: T) -> Option<T::Out> {
    match isa {
        Isa::Portable | Isa::Avx2 | Isa::Avx512Vnni => None,
        Isa::Neon => Long::detect().map(|products| long::enter(Neon(products), task)),
        Isa::NeonDot => Dot::detect().map(|products| dot::enter(Twice(Neon(products)), task)),
    }
}
