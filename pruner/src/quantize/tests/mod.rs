//! Tests of ranges, weights and whole networks.

mod maker;
mod networks;
mod normalise;
mod ranges;
mod rows;
