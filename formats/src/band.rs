//! The band of input columns that one tile of 8 output pixels of a convolution reads.
//!
//! ```text
//! band[c][ky][pitch]     one band row, stride 2, kernel 3:
//!                        | phase 0: 8 + 2 − 1 elements | phase 1: 8 + 1 − 1 elements |
//!                        tap 0 at 0, tap 2 at 1          tap 1 at 9
//! ```
//!
//! Columns are sorted by phase (column modulo stride), so that the 8 pixels of a tile find the inputs of a tap in 8
//! consecutive elements.

use crate::Window;

/// Output pixels of a tile.
pub const TILE: u32 = 8;

/// Geometry of a convolution's band.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Band {
    /// Input channels.
    pub cin: u32,
    /// Rows of the kernel.
    pub kernel_h: u32,
    /// Columns of the kernel.
    pub kernel_w: u32,
    /// Columns between outputs.
    pub stride_w: u32,
    /// Elements of one band row.
    pub pitch: u32,
}

impl Band {
    /// The band of a convolution over `cin` channels.
    #[must_use]
    pub const fn new(cin: u16, window: &Window) -> Self {
        let kernel_w = window.kernel_w as u32;
        let stride_w = if window.stride_w == 0 {
            1
        } else {
            window.stride_w as u32
        };
        let phases = if stride_w < kernel_w {
            stride_w
        } else {
            kernel_w
        };
        Self {
            cin: cin as u32,
            kernel_h: window.kernel_h as u32,
            kernel_w,
            stride_w,
            // Every tap belongs to one phase, so the phases' taps add up to the kernel.
            pitch: kernel_w.saturating_add(phases.saturating_mul(TILE.saturating_sub(1))),
        }
    }

    /// Elements of the band, saturating.
    #[must_use]
    pub const fn len(&self) -> u32 {
        self.cin.saturating_mul(self.channel_len())
    }

    /// Whether the band holds nothing.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Elements of one channel: `kernel_h · pitch`.
    #[must_use]
    pub const fn channel_len(&self) -> u32 {
        self.kernel_h.saturating_mul(self.pitch)
    }

    /// First element of a phase within a band row; `phase` < min(stride, kernel columns).
    #[must_use]
    pub const fn phase_offset(&self, phase: u32) -> u32 {
        let whole = match self.kernel_w.checked_div(self.stride_w) {
            Some(taps) => taps,
            None => 0,
        };
        let left = match self.kernel_w.checked_rem(self.stride_w) {
            Some(taps) => taps,
            None => 0,
        };
        let extra = if left < phase { left } else { phase };
        let row = whole.saturating_add(TILE.saturating_sub(1));
        phase.saturating_mul(row).saturating_add(extra)
    }

    /// Where lane 0 of a tap lies within its channel's `kernel_h · pitch` elements.
    #[must_use]
    pub const fn tap_offset(&self, ky: u32, kx: u32) -> u32 {
        let (step, phase) = match (kx.checked_div(self.stride_w), kx.checked_rem(self.stride_w)) {
            (Some(step), Some(phase)) => (step, phase),
            _ => (0, 0),
        };
        ky.saturating_mul(self.pitch)
            .saturating_add(self.phase_offset(phase))
            .saturating_add(step)
    }

    /// Elements that one unit of a `csr_p` or `csr_f` delta stands for: 8 (a channel) for 1x1 kernels with
    /// `stride_w` 1, else 1.
    #[must_use]
    pub const fn unit(&self) -> u32 {
        if self.kernel_h == 1 && self.kernel_w == 1 && self.stride_w == 1 {
            TILE
        } else {
            1
        }
    }

    /// Number of positions, in units, from which 8 lanes lie inside the band.
    #[must_use]
    pub const fn positions(&self) -> u32 {
        match self.len().checked_sub(TILE) {
            Some(last) => match last.checked_div(self.unit()) {
                Some(last) => last.saturating_add(1),
                None => 0,
            },
            None => 0,
        }
    }
}
