//! Tests of accuracy and deviation.
