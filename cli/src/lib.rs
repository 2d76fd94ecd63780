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
pub mod commands;
pub mod emulate;
pub mod failure;
pub mod host_bench;
pub mod infer;
pub mod machine;
pub mod media;
pub mod meta;
pub mod network;
pub mod nnz_file;
pub mod remote;
pub mod report;
pub mod rivals;
pub mod scorer;
pub mod svg;
pub mod ui;

use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// Runs the command line and returns the exit code of the process.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match commands::Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Writing the usage text can only fail where nobody reads it.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    match cli.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            failure::print(&error);
            ExitCode::FAILURE
        }
    }
}
