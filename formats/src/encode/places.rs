//! Where a matrix's columns stand in the order of a layout, and how gaps are bridged.

use alloc::vec::Vec;

use super::Matrix;
use crate::{Band, Window};

/// A column of the matrix (`(c · kernel_h + ky) · kernel_w + kx`) and its position in a layout's order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) position: u32,
    pub(crate) column: usize,
}

/// Band positions in units of the band, or columns of a fully connected layer; ascending.
pub(crate) fn band_places<T>(matrix: &Matrix<'_, T>) -> Vec<Place> {
    if matrix.is_fully_connected {
        return (0..)
            .zip(0..matrix.cin)
            .map(|(position, column)| Place { position, column })
            .collect();
    }
    let band = band(matrix);
    let mut places = Vec::with_capacity(matrix.columns());
    let mut column = 0..;
    for c in 0..band.cin {
        let channel = c.saturating_mul(band.channel_len());
        for ky in 0..band.kernel_h {
            for kx in 0..band.kernel_w {
                let element = channel.saturating_add(band.tap_offset(ky, kx));
                let position = element.checked_div(band.unit()).unwrap_or(0);
                places.extend(column.next().map(|column| Place { position, column }));
            }
        }
    }
    places.sort_by_key(|place| place.position);
    places
}

/// The band of a convolution's matrix.
fn band<T>(matrix: &Matrix<'_, T>) -> Band {
    let window = Window {
        kernel_h: matrix.kernel_h,
        kernel_w: matrix.kernel_w,
        stride_h: 1,
        stride_w: matrix.stride_w,
        ..Window::default()
    };
    Band::new(u16::try_from(matrix.cin).unwrap_or(u16::MAX), &window)
}

/// Positions tap · cin + c, ascending.
pub(crate) fn tap_places<T>(matrix: &Matrix<'_, T>) -> Vec<Place> {
    let taps = matrix.taps();
    let mut position = 0..;
    let mut places = Vec::with_capacity(matrix.columns());
    for tap in 0..taps {
        for c in 0..matrix.cin {
            let column = c.saturating_mul(taps).saturating_add(tap);
            places.extend(position.next().map(|position| Place { position, column }));
        }
    }
    places
}

/// One stored entry: the distance to the previous one, and its weights.
pub(crate) type Entry<W> = (u8, W);

/// Turns ascending positions into distances; gaps over `most` are bridged by entries of `filler`.
pub(crate) fn distances<W: Copy>(
    entries: impl Iterator<Item = (u32, W)>,
    most: u8,
    filler: W,
) -> Vec<Entry<W>> {
    let mut out = Vec::new();
    let mut at: u32 = 0;
    for (position, weight) in entries {
        let mut gap = position.saturating_sub(at);
        while gap > u32::from(most) {
            out.push((most, filler));
            gap = gap.saturating_sub(u32::from(most));
        }
        out.push((u8::try_from(gap).unwrap_or(most), weight));
        at = position;
    }
    out
}
