//! The pages for people: every command line in them is one that the program accepts, every link leads somewhere, and
//! the book lists every page.

#![allow(clippy::unwrap_used, reason = "tests")]

use clap::Parser as _;
use nnz_cli::commands::Cli;
use nnz_tests::shared::repository;
use std::fs;
use std::path::{Path, PathBuf};

/// Markdown files of the repository that people read.
fn pages() -> Vec<PathBuf> {
    let folders = ["", "docs", "targets", "bindings/c", "bindings/python"];
    let examples = fs::read_dir(repository("examples")).unwrap();
    let examples = examples.map(|entry| entry.unwrap().path());
    let folders = folders.into_iter().map(repository).chain(examples);
    let mut pages: Vec<_> = folders.flat_map(|folder| markdown(&folder)).collect();
    pages.sort();
    pages
}

fn markdown(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.map(|entry| entry.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
        .collect()
}

/// Lines of the fenced blocks of shell commands, a line that ends in a backslash joined with the next.
fn commands(text: &str) -> Vec<String> {
    let mut commands = Vec::new();
    for block in text.split("```sh\n").skip(1) {
        let (block, _) = block.split_once("```").unwrap();
        let block = block.replace("\\\n", " ");
        commands.extend(block.lines().map(|line| line.trim().to_owned()));
    }
    commands
}

/// Words of a line, without its comment; quotes hold words together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut is_quoted = false;
    for c in line.chars() {
        match c {
            '"' | '\'' => is_quoted = !is_quoted,
            '#' if !is_quoted && words.last().is_some_and(String::is_empty) => break,
            ' ' if !is_quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// What `nnz` is given by a line, also where another program starts it.
fn arguments(line: &str) -> Option<Vec<String>> {
    let words = words(line);
    let is_start = |word: &&String| *word == "nnz" || *word == "--";
    match words.first()?.as_str() {
        "nnz" => Some(words),
        "cargo" if line.contains("-p nnz-cli --") => {
            let at = words.iter().position(|word| is_start(&word))?;
            Some(words.into_iter().skip(at).collect())
        }
        _ => None,
    }
}

#[test]
fn the_program_accepts_every_command_line_of_the_pages() {
    let mut count = 0;
    for page in pages() {
        for line in commands(&fs::read_to_string(&page).unwrap()) {
            let Some(arguments) = arguments(&line) else {
                continue;
            };
            // A line with a placeholder or two alternatives shows a form, not a command.
            if line.contains('…') || line.contains('|') {
                continue;
            }
            let parsed = Cli::try_parse_from(arguments).map(drop);
            assert!(
                parsed.is_ok(),
                "{}: {line}\n{}",
                page.display(),
                parsed.unwrap_err()
            );
            count += 1;
        }
    }
    assert!(count > 40, "{count} commands");
}

#[test]
fn links_of_the_pages_lead_to_files_of_the_repository() {
    let mut count = 0;
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for link in text.split("](").skip(1) {
            let (link, _) = link.split_once(')').unwrap();
            let (path, _) = link.split_once('#').unwrap_or((link, ""));
            if path.is_empty() || path.contains("://") || path.starts_with("mailto:") {
                continue;
            }
            let file = page.parent().unwrap().join(path);
            assert!(file.exists(), "{}: {link}", page.display());
            count += 1;
        }
    }
    assert!(count > 60, "{count} links");
}

#[test]
fn the_book_lists_every_page_of_its_folder() {
    let summary = fs::read_to_string(repository("docs/SUMMARY.md")).unwrap();
    let mut listed: Vec<&str> = summary
        .split("](")
        .skip(1)
        .filter_map(|link| link.split_once(')'))
        .map(|(page, _)| page)
        .collect();
    listed.push("SUMMARY.md");
    listed.sort_unstable();
    let mut pages: Vec<String> = markdown(&repository("docs"))
        .iter()
        .map(|page| page.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    pages.sort_unstable();
    assert_eq!(listed, pages);
}
