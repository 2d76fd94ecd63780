//! Suites across crates, and what they share.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests: a failure is the test's failure"
)]

pub mod command;
pub mod fixtures;
pub mod hash;
pub mod networks;
pub mod npy;
pub mod python;
pub mod shared;
