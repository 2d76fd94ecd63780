//! Tests of ranges, weights and whole networks.

mod maker;
mod networks;
mod ranges;
mod rows;
