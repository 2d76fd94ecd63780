//! Tests of ranges, weights and whole networks.
