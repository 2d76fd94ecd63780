//! What a chore ran, what it skipped and why.

use anyhow::{Result, bail};
use std::time::Instant;

/// How one part ended.
#[derive(Debug)]
enum End {
    Passed(u64),
    Failed(String),
    Skipped(String),
}

/// The parts of a chore, in order.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    parts: Vec<(String, End)>,
}

impl Summary {
    /// Runs one part; a failure is noted and the next part still runs.
    pub(crate) fn part(&mut self, name: &str, work: impl FnOnce() -> Result<()>) -> bool {
        println!("\n== {name}");
        let begin = Instant::now();
        let end = match work() {
            Ok(()) => End::Passed(begin.elapsed().as_secs()),
            Err(error) => {
                eprintln!("error: {error:#}");
                End::Failed(format!("{error:#}"))
            }
        };
        let passed = matches!(end, End::Passed(_));
        self.parts.push((name.to_owned(), end));
        passed
    }

    /// Notes a part that cannot run here.
    pub(crate) fn skip(&mut self, name: &str, reason: &str) {
        println!("\n== {name}: skipped, {reason}");
        self.parts
            .push((name.to_owned(), End::Skipped(reason.to_owned())));
    }

    /// Prints the parts; an error where one failed.
    pub(crate) fn finish(self) -> Result<()> {
        println!("\n== Summary");
        let mut failures = 0;
        for (name, end) in &self.parts {
            match end {
                End::Passed(seconds) => println!("passed   {name} ({seconds} s)"),
                End::Skipped(reason) => println!("skipped  {name}: {reason}"),
                End::Failed(reason) => {
                    failures += 1;
                    let line = reason.lines().next().unwrap_or_default();
                    println!("FAILED   {name}: {line}");
                }
            }
        }
        if failures > 0 {
            bail!("{failures} of {} parts failed", self.parts.len());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn a_failed_part_fails_the_whole_and_later_parts_still_run() {
        let mut summary = Summary::default();
        assert!(!summary.part("first", || Err(anyhow!("broken"))));
        assert!(summary.part("second", || Ok(())));
        let error = summary.finish().unwrap_err().to_string();
        assert_eq!(error, "1 of 2 parts failed");
    }

    #[test]
    fn a_skipped_part_is_no_failure() {
        let mut summary = Summary::default();
        summary.skip("emulation", "no emulator");
        assert!(summary.finish().is_ok());
    }
}
