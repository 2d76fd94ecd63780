//! A cost table as `target.toml` has it.

use crate::failure::failure;
use nnz_support::targets::{CostFacts, Target};
use std::collections::BTreeMap;

/// First line of the section; everything from here to the end of the file is the table.
const SECTION: &str = "[cost]";

/// The section.
pub(super) fn text(facts: &CostFacts) -> String {
    let mut out = format!(
        "{SECTION}\nunit = \"{}\"\n\n[cost.kernels]\n",
        facts.unit.name()
    );
    for (kernel, terms) in &facts.kernels {
        out += &format!("\"{kernel}\" = {}\n", inline(terms));
    }
    out
}

fn inline(terms: &BTreeMap<String, f64>) -> String {
    let terms: Vec<String> = terms
        .iter()
        .map(|(term, c)| format!("{term} = {c:?}"))
        .collect();
    format!("{{ {} }}", terms.join(", "))
}

/// The text of a target.toml with `facts` as its cost table; `keep` what it has for other kernels.
pub(super) fn replaced(
    name: &str,
    text: &str,
    mut facts: CostFacts,
    keep: bool,
) -> anyhow::Result<String> {
    let before = Target::from_toml(name, text)?;
    if let (true, Some(old)) = (keep, before.cost) {
        for (kernel, terms) in old.kernels {
            facts.kernels.entry(kernel).or_insert(terms);
        }
    }
    let begin = text.lines().position(|line| line.trim() == SECTION);
    let lines: Vec<&str> = text.lines().take(begin.unwrap_or(usize::MAX)).collect();
    let replaced = format!("{}\n\n{}", lines.join("\n").trim_end(), self::text(&facts));
    Target::from_toml(name, &replaced).map_err(|error| {
        let help = "the [cost] section must be the last of the file; move it there";
        failure(format!("the table would not be understood: {error}"), help)
    })?;
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nnz_support::targets::CostUnit;

    const BARE: &str = "title = \"x\"\ncore = \"x\"\nisa = \"x\"\ntriple = \"x\"\nbackend = \"planar\"\n\
        [memory.flash]\norigin = 0\nbytes = 1\n[[memory.ram]]\nname = \"r\"\norigin = 2\nbytes = 1\n";

    fn facts(kernel: &str, value: f64) -> CostFacts {
        let terms = BTreeMap::from([("row".to_owned(), value)]);
        CostFacts {
            unit: CostUnit::Cycles,
            kernels: BTreeMap::from([(kernel.to_owned(), terms)]),
        }
    }

    #[test]
    fn a_table_is_added_replaced_and_merged() {
        let once = replaced("x", BARE, facts("add", 1.0), false).unwrap();
        let again = replaced("x", &once, facts("add", 2.5), false).unwrap();
        assert!(again.starts_with(BARE.trim_end()) && again.matches(SECTION).count() == 1);
        let merged = replaced("x", &again, facts("mean", 3.0), true).unwrap();
        let cost = Target::from_toml("x", &merged).unwrap().cost.unwrap();
        assert_eq!(cost.kernels["add"]["row"], 2.5);
        assert_eq!(cost.kernels["mean"]["row"], 3.0);
        let fresh = replaced("x", &merged, facts("mean", 4.0), false).unwrap();
        assert!(!fresh.contains("\"add\""), "{fresh}");
    }

    #[test]
    fn a_table_that_is_not_the_last_section_is_refused() {
        let text = format!("{BARE}[cost]\nunit = \"cycles\"\n[cost.kernels]\n");
        let text = text.replace(
            "[memory.flash]",
            "[clock]\nhz = 1\nflash_wait_states = 0\n[memory.flash]",
        );
        let moved = format!("[cost]\nunit = \"cycles\"\n[cost.kernels]\n{text}");
        assert!(replaced("x", &moved, facts("add", 1.0), false).is_err());
    }
}
