//! Narrow convolutions, whose tiles are words of two pixels, against straight loops over the weights.

mod common;

use common::conv::convolution;
use nnz_format::WeightLayout;

#[test]
fn narrow_conv_2d_equals_straight_loops() {
    for layout in [WeightLayout::CsrP, WeightLayout::CsrN] {
        for seed in 0..800 {
            convolution(seed, layout, true);
        }
    }
}
