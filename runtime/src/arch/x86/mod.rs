//! x86-64: the vectors of AVX2 and of AVX-512 with VNNI, and which of them this CPU has.

mod avx2;
mod avx512;

use super::vector::Task;
use crate::host::Isa;
use avx2::Avx2;
use avx512::Avx512;

/// The best instruction set of this CPU.
pub(crate) fn detect() -> Isa {
    if Avx512::detect().is_some() {
        Isa::Avx512Vnni
    } else if Avx2::detect().is_some() {
        Isa::Avx2
    } else {
        Isa::Portable
    }
}

/// Does `task` with the vectors of `isa`; `None` where it has none, or the CPU does not have them.
pub(crate) fn enter<T: Task>(isa: Isa, task: T) -> Option<T::Out> {
    match isa {
        Isa::Portable => None,
        Isa::Avx2 => Avx2::detect().map(|simd| simd.enter(task)),
        Isa::Avx512Vnni => Avx512::detect().map(|simd| simd.enter(task)),
    }
}
