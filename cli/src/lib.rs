//! The command line `nnz`: one module a command, and the helpers that they share.
//!
//! ```text
//! args ──clap──> Command ──> commands::<name>::run ──> nnz-pruner (files out of models)
//!                                                  ├─> nnz        (runs on this machine)
//!                                                  └─> emulate    (runs on emulated machines)
//! ```
//!
//! Results go to stdout, as a table or with `--json` as one JSON object on one line; progress, notes and
//! errors go to stderr. Exit code 0 is success, 1 an error, 2 wrong usage.

#![forbid(unsafe_code)]

pub mod arrays;
pub mod atomic;
pub mod bench_report;
pub mod emulate;
pub mod failure;
pub mod ui;
