//! Networks that another machine saved give its bytes here, on every instruction set.
//!
//! `NNZ_SAVED` names a folder with `NAME.nnz`, `NAME.in` and `NAME.out`: a file of integers, and the bytes of its inputs
//! and outputs as they lie in the arena. Without it there is nothing to do.

#![allow(clippy::unwrap_used, reason = "a suite that fails may panic")]

use nnz::host::{Isa, Network};
use std::env;
use std::fs;
use std::path::Path;

/// What the network of a file gives for the bytes of its inputs.
fn outputs(file: &[u8], mut inputs: &[u8], isa: Isa) -> Vec<u8> {
    let network = Network::with_isa(file, isa).unwrap();
    let mut session = network.session();
    for index in 0..session.model().inputs_len() {
        let bytes = session.input_bytes(index).unwrap();
        let (now, later) = inputs.split_at(bytes.len());
        bytes.copy_from_slice(now);
        inputs = later;
    }
    session.run();
    let mut outputs = Vec::new();
    for index in 0..session.model().outputs_len() {
        outputs.extend_from_slice(session.output_bytes(index).unwrap());
    }
    outputs
}

#[test]
fn saved_networks_give_the_bytes_of_the_machine_that_saved_them() {
    let Some(folder) = env::var_os("NNZ_SAVED") else {
        eprintln!("skipped: NNZ_SAVED names no folder");
        return;
    };
    let folder = Path::new(&folder);
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files: Vec<_> = files
        .filter(|p| p.extension().is_some_and(|e| e == "nnz"))
        .collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let all = Isa::ALL.into_iter().filter(|isa| isa.is_available());
    let all: Vec<Isa> = all.collect();
    for path in &files {
        let read = |extension: &str| fs::read(path.with_extension(extension)).unwrap();
        let (file, inputs, expected) = (read("nnz"), read("in"), read("out"));
        for isa in &all {
            let found = outputs(&file, &inputs, *isa);
            assert!(found == expected, "{} differs on {isa:?}", path.display());
        }
    }
    println!("{} networks on {all:?}", files.len());
}
