//! The binary `nnz`; everything is in the library of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    nnz_cli::main(std::env::args_os())
}
