//! Tests of methods, patterns and allocations.
