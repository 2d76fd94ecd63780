//! x86-64: the vectors of AVX2 and of AVX-512 with VNNI, and which of them this CPU has.

mod avx2;
mod avx512;
mod vnni256;

use super::vector::{Costs, Simd, Task};
use crate::host::Isa;
use avx2::Avx2;
use avx512::Avx512;

/// Loads, eight interleavings where planes lie anywhere, and products; interleavings overlap with the products of a few
/// rows.
const COSTS: Costs = Costs {
    gather: [8, 11, 17],
    quads: [5, 9, 17],
    few: [2, 3, 5],
    interleave: 20,
};

/// The best instruction set of this CPU.
pub(crate) fn detect() -> Isa {
    if Avx512::<false>::detect().is_some() {
        Isa::Avx512Vnni
    } else if Avx2::detect().is_some() {
        Isa::Avx2
    } else {
        Isa::Portable
    }
}

/// Whether this CPU has an instruction set.
pub(crate) fn has(isa: Isa) -> bool {
    match isa {
        Isa::Portable => true,
        Isa::Avx2 => Avx2::detect().is_some(),
        Isa::Avx512Vnni => Avx512::<false>::detect().is_some(),
        Isa::Neon | Isa::NeonDot => false,
    }
}

/// Does `task` with the vectors of `isa`; `None` where it has none, or the CPU does not have them.
pub(crate) fn enter<T: Task>(isa: Isa, task: T) -> Option<T::Out> {
    match isa {
        Isa::Portable | Isa::Neon | Isa::NeonDot => None,
        Isa::Avx2 => Avx2::detect().map(|simd| simd.enter(task)),
        Isa::Avx512Vnni => match Avx512::<true>::detect() {
            Some(simd) => Some(simd.enter(task)),
            None => Avx512::<false>::detect().map(|simd| simd.enter(task)),
        },
    }
}

/// [`Simd::dot_planes`] by interleaving.
#[inline(always)]
fn by_quads<V: Copy, S: Simd<V = V, Acc = V>, const N: usize>(
    simd: S,
    mut sums: [[V; 4]; N],
    planes: [V; 4],
    weights: [i32; N],
) -> [[V; 4]; N] {
    let quads = simd.quads(planes);
    for (sums, weight) in sums.iter_mut().zip(weights) {
        let weight = simd.splat(weight);
        for (sum, quad) in sums.iter_mut().zip(quads) {
            *sum = simd.dot(*sum, quad, weight);
        }
    }
    sums
}
