//! Walking the taps of a kernel over a band: where tap `ky · kernel_w + kx` begins.

use crate::kernels::{Geometry, LANES};

/// A position in the order "tap, then channel", turned into a band offset step by step.
///
/// ```text
/// tap (ky, kx) of channel c  at  c·kernel_h·pitch + ky·pitch + start(kx mod s) + kx / s
/// ```
#[derive(Debug, Clone, Copy)]
pub(crate) struct TapWalk {
    /// Offset of the current tap in channel 0.
    offset: usize,
    /// Offset of the current row of taps.
    row: usize,
    /// Column of the tap.
    kx: usize,
    /// `kx mod stride_w`.
    phase: usize,
    /// Where the phase's element of tap `kx / stride_w` lies in the band row.
    column: usize,
    /// `kx / stride_w`.
    lap: usize,
}

impl TapWalk {
    /// The first tap.
    #[inline(always)]
    pub(crate) const fn new() -> Self {
        Self {
            offset: 0,
            row: 0,
            kx: 0,
            phase: 0,
            column: 0,
            lap: 0,
        }
    }

    /// Band offset of the current tap in channel 0.
    #[inline(always)]
    pub(crate) const fn offset(&self) -> usize {
        self.offset
    }

    /// Goes to the next tap.
    #[inline]
    pub(crate) fn advance(&mut self, geometry: &Geometry) {
        let taps = geometry.taps(self.phase);
        self.kx = self.kx.wrapping_add(1);
        self.phase = self.phase.wrapping_add(1);
        self.column = self.column.wrapping_add(taps.wrapping_add(LANES - 1));
        if self.phase == geometry.stride_w.get() {
            self.phase = 0;
            self.lap = self.lap.wrapping_add(1);
            self.column = self.lap;
        }
        if self.kx == geometry.kernel_w {
            *self = Self {
                row: self.row.wrapping_add(geometry.pitch),
                ..Self::new()
            };
        }
        self.offset = self.row.wrapping_add(self.column);
    }
}

/// Columns of the widest kernel that [`Jumps`] holds.
const MAX_JUMPS: usize = 16;

/// Band distances from each tap of a row of taps to the next, the last to the first tap of the next row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Jumps {
    table: [i16; MAX_JUMPS],
    taps: usize,
}

impl Jumps {
    /// The distances of a geometry; `None` for kernels of more than 16 columns.
    #[inline]
    pub(crate) fn new(geometry: &Geometry) -> Option<Self> {
        let mut jumps = Self {
            table: [0; MAX_JUMPS],
            taps: geometry.kernel_w,
        };
        let mut walk = TapWalk::new();
        for jump in jumps.table.get_mut(..geometry.kernel_w)? {
            let from = walk.offset();
            walk.advance(geometry);
            let distance = walk.offset().wrapping_sub(from).cast_signed();
            *jump = i16::try_from(distance).ok()?;
        }
        Some(jumps)
    }

    /// One row of taps.
    #[inline(always)]
    pub(crate) fn row(&self) -> &[i16] {
        self.table.get(..self.taps).unwrap_or(&self.table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnz_format::Window;

    #[test]
    fn the_walk_visits_every_tap_where_the_specification_puts_it() {
        for kernel_w in 1..8_u8 {
            for stride_w in 1..5_u8 {
                let window = Window {
                    kernel_h: 2,
                    kernel_w,
                    stride_h: 1,
                    stride_w,
                    ..Window::default()
                };
                let geometry = Geometry::new(3, &window);
                let (k, s) = (usize::from(kernel_w), usize::from(stride_w));
                let start =
                    |phase: usize| (0..phase).map(|p| 7 + (k - p).div_ceil(s)).sum::<usize>();
                assert_eq!(geometry.pitch, start(k.min(s)));
                let mut walk = TapWalk::new();
                for ky in 0..2 {
                    for kx in 0..k {
                        let expected = ky * geometry.pitch + start(kx % s) + kx / s;
                        assert_eq!(
                            walk.offset(),
                            expected,
                            "tap {ky},{kx} of width {k} stride {s}"
                        );
                        walk.advance(&geometry);
                    }
                }
                let jumps = Jumps::new(&geometry).unwrap();
                let total: i16 = jumps.row().iter().sum();
                assert_eq!(usize::try_from(total).unwrap(), geometry.pitch);
            }
        }
    }
}
