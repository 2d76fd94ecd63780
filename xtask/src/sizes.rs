//! What every network needs on every emulated target: `benches/record/size.csv`.
//!
//! ```text
//! nnz prune … ─► lean image ─► code, constants; stack by the call graph       (the model's own operators)
//!            ├─► the same that proves its file ─► code with the parser
//!            └─► any image  ─► arena, stack by paint and by the call graph    (run once, emulated)
//! ```
//!
//! The images are also checked for what must not be in them (`size.rs`), and the call graph's bound of the image that
//! ran must not be below its paint. No stack may exceed what a run is allowed. A figure that grew since the record
//! fails, unless the record is to be renewed.

use crate::command::{self, root};
use crate::compare::{STACK, run_once};
use crate::{firmware, size, stack};
use anyhow::{Context, Result, bail};
use nnz_support::targets::Target;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const HEAD: &str = "target,model,options,code_bytes,rodata_bytes,with_parser_bytes,model_bytes,arena_bytes,stack_painted,stack_bound,own_stack_bound";
const SPARSE: &str = "--method magnitude --alloc layer --sparsity 0.8";
const BLOCKS: &str = "--method magnitude --alloc layer --sparsity 0.8 --pattern 4x1";

/// Networks of `../shared/models`, and how they are pruned: most kinds of kernels are in one of these files.
const NETWORKS: &[(&str, &str)] = &[
    ("kws_int8.tflite", SPARSE),
    ("resnet8_int8.tflite", SPARSE),
    ("vww96_int8.tflite", SPARSE),
    ("ad01_int8.tflite", BLOCKS),
];

/// Figures of a row, in the order of [`HEAD`]; the bounds are missing where no call graph is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Figures {
    code: u64,
    rodata: u64,
    /// Code and constants of the image that proves its file itself.
    parsing: u64,
    model: u64,
    arena: u64,
    painted: u64,
    /// Of the image that was painted.
    bound: Option<u64>,
    /// Of the model's own image.
    own: Option<u64>,
}

/// Measures the rows of targets whose name contains `only`, prints them and compares them with the record.
pub(crate) fn run(only: Option<&str>, renew: bool) -> Result<()> {
    let shared = root().join("../shared/models");
    if !shared.is_dir() {
        bail!(
            "{} is not there: the networks of this table are not part of the repository",
            shared.display()
        );
    }
    let path = root().join("benches/record/size.csv");
    let record = fs::read_to_string(&path).unwrap_or_default();
    let old = parse(&record);
    let (nnz, folder) = (command::release_nnz()?, tempfile::tempdir()?);
    let mut lines = BTreeMap::new();
    let (mut grown, mut deep) = (Vec::new(), Vec::new());
    println!("{HEAD}");
    for target in firmware::select(&[])? {
        if only.is_some_and(|only| !target.name.contains(only)) {
            continue;
        }
        let any = firmware::build_any(target)?;
        for (model, options) in NETWORKS {
            let file = prune(&nnz, &shared.join(model), (target, options), folder.path())?;
            let figures = measure(target, &file, &any)?;
            let key = format!("{},{model}", target.name);
            let line = line(&key, options, figures);
            println!("{line}");
            grown.extend(growth(&key, old.get(&key), &figures));
            deep.extend(too_deep(target, &key, &figures));
            lines.insert(key, line);
        }
    }
    if !deep.is_empty() {
        bail!("more than {STACK} bytes of stack:\n{}", deep.join("\n"));
    }
    if renew {
        let text = renewed(&record, lines);
        return fs::write(&path, text).with_context(|| format!("writing {}", path.display()));
    }
    refuse(&grown)
}

/// An error that names what grew.
fn refuse(grown: &[String]) -> Result<()> {
    if grown.is_empty() {
        return Ok(());
    }
    bail!(
        "more than the record has; `--renew` accepts it:\n{}",
        grown.join("\n")
    );
}

/// The record with `lines` in place of its own for the same target and model; lines with other columns are dropped.
fn renewed(record: &str, lines: BTreeMap<String, String>) -> String {
    let key = |line: &str| {
        let mut cells = line.splitn(3, ',');
        Some(format!("{},{}", cells.next()?, cells.next()?))
    };
    let cells = |line: &str| line.split(',').count();
    let old = record.lines().filter(|line| *line != HEAD);
    let old = old.filter(|line| cells(line) == cells(HEAD));
    let mut all: BTreeMap<String, String> = old
        .filter_map(|line| Some((key(line)?, line.to_owned())))
        .collect();
    all.extend(lines);
    let rows: Vec<String> = all.into_values().collect();
    format!("{HEAD}\n{}\n", rows.join("\n"))
}

/// Makes the file of a row.
fn prune(
    nnz: &Path,
    model: &Path,
    (target, options): (&Target, &str),
    folder: &Path,
) -> Result<PathBuf> {
    let out = folder.join("network.nnz");
    let mut prune = Command::new(nnz);
    prune
        .args([Path::new("prune"), model])
        .args(["--target", &target.name, "--json", "-o"])
        .arg(&out)
        .args(options.split_whitespace());
    command::read(&mut prune)?;
    Ok(out)
}

/// Builds and runs a row's images.
fn measure(target: &Target, model: &Path, any: &Path) -> Result<Figures> {
    let cost = run_once(target, model)?;
    let (lean, sizes) = size::lean(target, model)?;
    let is_arm = is_arm(target);
    let bound = |elf: &Path, root: &str| is_arm.then(|| stack::below(elf, root)).transpose();
    let (of_any, own) = (bound(any, "any::timed")?, bound(&lean, "lean::run")?);
    if let Some(bound) = &of_any
        && bound.bytes < cost.stack
    {
        bail!(
            "the call graph of {} allows {} bytes of stack, a run took {}",
            any.display(),
            bound.bytes,
            cost.stack
        );
    }
    Ok(Figures {
        code: sizes.code,
        rodata: sizes.rodata,
        parsing: size::parsing_bytes(model, target)?,
        model: fs::metadata(model)?.len(),
        arena: cost.arena,
        painted: cost.stack,
        bound: of_any.map(|bound| bound.bytes),
        own: own.map(|bound| bound.bytes),
    })
}

/// Whether a target has images whose call graph is read.
fn is_arm(target: &Target) -> bool {
    target.triple.starts_with("thumb")
}

/// The stacks of a row that are above the bound of Cortex-M.
fn too_deep(target: &Target, key: &str, figures: &Figures) -> Vec<String> {
    let stacks = [
        ("painted", Some(figures.painted)),
        ("call graph", figures.bound),
        ("call graph of the own image", figures.own),
    ];
    let above = stacks
        .into_iter()
        .filter_map(|(name, bytes)| Some((name, bytes.filter(|bytes| *bytes > STACK)?)));
    above
        .filter(|_| is_arm(target))
        .map(|(name, bytes)| format!("{key}: {name} {bytes}"))
        .collect()
}

impl Figures {
    /// Names, figures and by how much each may grow.
    fn named(&self) -> [(&'static str, u64, u64); 8] {
        [
            ("code", self.code, 64 + self.code / 50),
            ("constants", self.rodata, 64),
            ("code with parser", self.parsing, 64 + self.parsing / 50),
            ("model", self.model, self.model / 50),
            ("arena", self.arena, 0),
            ("painted stack", self.painted, 32),
            ("stack bound", self.bound.unwrap_or_default(), 32),
            ("own stack bound", self.own.unwrap_or_default(), 32),
        ]
    }
}

fn line(key: &str, options: &str, figures: Figures) -> String {
    let Figures {
        code,
        rodata,
        parsing,
        model,
        arena,
        painted,
        bound,
        own,
    } = figures;
    let [bound, own] = [bound, own].map(|bytes| bytes.map_or_else(String::new, |b| b.to_string()));
    format!("{key},{options},{code},{rodata},{parsing},{model},{arena},{painted},{bound},{own}")
}

/// What grew by more than it may.
fn growth(key: &str, old: Option<&Figures>, new: &Figures) -> Vec<String> {
    let Some(old) = old else { return Vec::new() };
    let pairs = old.named().into_iter().zip(new.named());
    pairs
        .filter(|((_, old, room), (_, new, _))| *new > old + room)
        .map(|((name, old, _), (_, new, _))| format!("{key}: {name} {old} -> {new} bytes"))
        .collect()
}

/// A record's rows, by target and model.
fn parse(record: &str) -> BTreeMap<String, Figures> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        let [target, model, _, numbers @ ..] = cells.as_slice() else {
            return None;
        };
        let [code, rodata, parsing, size, arena, painted, bound, own] = numbers else {
            return None;
        };
        let figures = Figures {
            code: code.parse().ok()?,
            rodata: rodata.parse().ok()?,
            parsing: parsing.parse().ok()?,
            model: size.parse().ok()?,
            arena: arena.parse().ok()?,
            painted: painted.parse().ok()?,
            bound: bound.parse().ok(),
            own: own.parse().ok(),
        };
        Some((format!("{target},{model}"), figures))
    };
    record.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIGURES: Figures = Figures {
        code: 10_000,
        rodata: 400,
        parsing: 20_000,
        model: 30_000,
        arena: 9_768,
        painted: 780,
        bound: Some(900),
        own: Some(860),
    };

    #[test]
    fn a_record_reads_back() {
        let rows = [
            FIGURES,
            Figures {
                bound: None,
                own: None,
                ..FIGURES
            },
        ];
        let keys = ["cortex-m4,a.tflite", "rv32,a.tflite"];
        let text: Vec<String> = (0..2).map(|i| line(keys[i], SPARSE, rows[i])).collect();
        let found = parse(&format!("{HEAD}\n{}\n", text.join("\n")));
        assert_eq!(found.len(), 2);
        let again = BTreeMap::from([(keys[0].to_owned(), line(keys[0], BLOCKS, rows[1]))]);
        let found_again = parse(&renewed(&text.join("\n"), again));
        assert_eq!(found_again[keys[0]], rows[1]);
        assert!((0..2).all(|i| found[keys[i]] == rows[i]));
        assert_eq!(found_again.len(), 2);
    }

    #[test]
    fn growth_within_its_room_is_no_growth() {
        let larger = |code, arena| Figures {
            code,
            arena,
            ..FIGURES
        };
        assert!(growth("k", None, &larger(99_999, 9)).is_empty());
        assert!(growth("k", Some(&FIGURES), &larger(10_264, 9_768)).is_empty());
        let grown = growth("k", Some(&FIGURES), &larger(10_265, 9_769));
        assert_eq!(grown.len(), 2, "{grown:?}");
        assert_eq!(grown[0], "k: code 10000 -> 10265 bytes");
    }

    #[test]
    fn a_stack_above_the_bound_is_named() {
        let m4 = Target::find("cortex-m4").unwrap();
        assert!(too_deep(m4, "k", &FIGURES).is_empty());
        let deep = Figures {
            own: Some(STACK + 8),
            ..FIGURES
        };
        assert_eq!(
            too_deep(m4, "k", &deep),
            ["k: call graph of the own image 1032"]
        );
        assert!(too_deep(Target::find("rv32").unwrap(), "k", &deep).is_empty());
    }
}
