//! Models that cannot be imported: each message names the file, the node, the operator, the reason and a way out.
//!
//! `tests/fixtures/export/broken.py` makes the models. `messages.txt` beside them holds every message as the command
//! line prints it; `NNZ_WRITE_MESSAGES=1 cargo test -p nnz-tests --test broken_models` writes it, for a person to read.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use nnz_pruner::import;
use nnz_tests::command::nnz;
use nnz_tests::shared::repository;
use std::path::PathBuf;

/// The broken models, by name.
fn models() -> Vec<PathBuf> {
    let folder = repository("tests/fixtures/broken");
    let entries = std::fs::read_dir(folder).unwrap();
    let mut found: Vec<PathBuf> = entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e != "txt"))
        .collect();
    found.sort();
    found
}

#[test]
fn every_message_is_the_one_that_was_read_and_found_helpful() {
    let path = repository("tests/fixtures/broken/messages.txt");
    let root = format!("{}/", repository("tests/fixtures").display());
    let message = |model: &PathBuf| {
        let refusal = nnz(["inspect", &model.display().to_string()]).failed();
        refusal.replace(&root, "")
    };
    let found: Vec<String> = models().iter().map(message).collect();
    let found = found.join("\n");
    if std::env::var_os("NNZ_WRITE_MESSAGES").is_some() {
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap());
}

#[test]
fn every_refusal_has_a_way_out_and_names_its_file_once() {
    let all = models();
    assert!(all.len() >= 20, "{} models", all.len());
    for model in all {
        let name = model.file_name().unwrap().to_str().unwrap();
        let refusal = nnz(["inspect", &model.display().to_string()]).failed();
        assert_eq!(refusal.matches(name).count(), 1, "{refusal}");
        let help = refusal.split_once("\n  help: ");
        assert!(help.is_some_and(|(_, help)| help.len() > 15), "{refusal}");
    }
}

#[test]
fn explain_lists_every_operator_that_blocks_and_not_only_the_first() {
    let path = repository("tests/fixtures/broken/19_two_unknown.onnx");
    let bytes = std::fs::read(&path).unwrap();
    let found = import::blockers("net.onnx", &bytes, None);
    let operators: Vec<&str> = found.iter().map(|b| b.operator.as_str()).collect();
    assert_eq!(operators, ["TopK", "Einsum"]);
    let report = nnz(["explain", &path.display().to_string(), "--json"]);
    let report = report.succeeded().json();
    assert_eq!(report["imports"], false);
    assert_eq!(report["blockers"][1]["nodes"][0], "the_einsum");
}
