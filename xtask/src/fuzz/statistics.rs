//! What libFuzzer printed, as numbers.

use core::fmt;
use core::time::Duration;

/// One run of one target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Statistics {
    /// Inputs that the target ran with.
    pub(super) executions: u64,
    /// Wall-clock time.
    pub(super) seconds: u64,
    /// Edges of the control flow that were reached.
    pub(super) coverage: u64,
    /// Inputs of the corpus at the end.
    pub(super) corpus: u64,
    /// 1 where an input broke a promise.
    pub(super) findings: u64,
}

impl Statistics {
    /// Reads the log of a run.
    pub(super) fn read(log: &str, succeeded: bool, took: Duration) -> Self {
        let last = |key: &str| {
            let words = log.split_ascii_whitespace().collect::<Vec<_>>();
            let at = words.iter().rposition(|word| *word == key)?;
            let number = words.get(at + 1)?.split('/').next()?;
            number.parse().ok()
        };
        Self {
            executions: last("stat::number_of_executed_units:")
                .or_else(|| last_progress(log))
                .unwrap_or(0),
            seconds: took.as_secs(),
            coverage: last("cov:").unwrap_or(0),
            corpus: last("corp:").unwrap_or(0),
            findings: u64::from(!succeeded),
        }
    }
}

/// The number of executions in the last line of progress (`#123 NEW …`).
fn last_progress(log: &str) -> Option<u64> {
    log.lines().rev().find_map(|line| {
        let number = line.strip_prefix('#')?;
        number.split_ascii_whitespace().next()?.parse().ok()
    })
}

impl fmt::Display for Statistics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            executions,
            seconds,
            coverage,
            corpus,
            findings,
        } = self;
        write!(
            f,
            "{executions} executions in {seconds} s, {coverage} edges, {corpus} inputs, {findings} findings"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "#2\tINITED cov: 10 ft: 11 corp: 1/5b exec/s: 0 rss: 30Mb\n\
        #700\tNEW    cov: 31 ft: 40 corp: 7/52b lim: 4 exec/s: 0 rss: 31Mb\n";

    #[test]
    fn the_last_figures_count() {
        let log = format!("{LOG}stat::number_of_executed_units: 900\n");
        let read = Statistics::read(&log, true, Duration::from_secs(3));
        assert_eq!((read.executions, read.coverage, read.corpus), (900, 31, 7));
        assert_eq!((read.seconds, read.findings), (3, 0));
    }

    #[test]
    fn a_run_that_ended_with_a_finding_has_its_progress() {
        let read = Statistics::read(LOG, false, Duration::from_secs(3));
        assert_eq!((read.executions, read.findings), (700, 1));
    }
}
