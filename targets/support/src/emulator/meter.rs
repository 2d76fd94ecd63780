//! The cycle model: which plugin QEMU loads, with what arguments, and what its totals say of a run.
//!
//! ```text
//! readings   0 1 2 3 4 5 │ 6 … │ row 0: 2 │ row 1: 2 │ … │ before step 0, after, before step 1, after, …, 1 more │ slice 0: 2 │ …
//!            clock start   load  begin end                 every reading is one line of totals since power-on
//! ```
//!
//! The firmware's clock takes three pairs of readings at start to learn what a reading costs; the same pairs say here
//! what a reading costs in cycles. Each difference must have exactly the instructions that the firmware counted.

use super::{EmulatorError, image_folders};
use crate::report::Run;
use crate::targets::Target;
use core::ops::Range;
use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};

/// File of totals in the exchange folder.
pub(super) const TOTALS_FILE: &str = "cycles.txt";

/// Bytes of a line of flash.
const LINE_BYTES: u32 = 16;

/// Readings that the clock takes when it starts, in pairs.
const START_READINGS: usize = 6;

/// How flash makes the core wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlashModel {
    /// Cycles that reading a line of 16 bytes takes beyond the core's own.
    pub wait_states: u32,
    /// Lines that are buffered, for instructions and for data each.
    pub lines: u32,
}

impl FlashModel {
    /// The flash of a target: its wait states, behind one buffered line.
    pub fn of(target: &Target) -> Self {
        Self {
            wait_states: target.clock.map_or(0, |clock| clock.flash_wait_states),
            lines: target.rtl.as_ref().map_or(1, |rtl| rtl.flash_lines),
        }
    }
}

/// What ran, and what it would take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metered {
    /// Instructions.
    pub instructions: u64,
    /// Modelled cycles; `None` where there is no model of the core.
    pub cycles: Option<u64>,
    /// Instructions by kind.
    pub mix: BTreeMap<String, u64>,
}

/// The totals of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metering {
    /// Each row's inference.
    pub rows: Vec<Metered>,
    /// Each step of the first row.
    pub steps: Vec<Metered>,
    /// Each slice of the first row.
    pub slices: Vec<Metered>,
}

/// The plugin, where it was built.
pub fn find_plugin() -> Option<PathBuf> {
    let name = format!(
        "{}nnz_cycles{}",
        env::consts::DLL_PREFIX,
        env::consts::DLL_SUFFIX
    );
    let program = env::current_exe().unwrap_or_default();
    let beside = program.ancestors().skip(1).take(2).map(Path::to_path_buf);
    beside
        .chain(image_folders())
        .map(|folder| folder.join(&name))
        .find(|file| file.is_file())
}

/// What `-plugin` takes: file and arguments, commas in the path doubled. The memory at `model` plays flash, too.
pub(super) fn argument(
    plugin: &Path,
    target: &Target,
    flash: FlashModel,
    model: Option<Range<u32>>,
) -> String {
    let path = plugin.display().to_string().replace(',', ",,");
    let mut text = format!("{path},out={TOTALS_FILE}");
    let core = target
        .emulator
        .as_ref()
        .and_then(|e| e.cycle_model.as_ref());
    if let Some(core) = core {
        text += &format!(",core={core}");
        if flash.wait_states > 0 {
            let (from, bytes) = (target.memory.flash.origin, target.memory.flash.bytes);
            text += &format!(
                ",ws={},line={LINE_BYTES},lines={}",
                flash.wait_states, flash.lines
            );
            text += &format!(",from={from},to={}", from.saturating_add(bytes));
            if let Some(Range { start, end }) = model {
                text += &format!(",also_from={start},also_to={end}");
            }
        }
    }
    text
}

/// What the plugin wrote about `run`.
pub(super) fn metering(
    totals: &str,
    run: &Run,
    has_model: bool,
) -> Result<Metering, EmulatorError> {
    let readings: Vec<Metered> = totals
        .lines()
        .filter_map(|l| reading(l, has_model))
        .collect();
    let missing = || EmulatorError::Meter("its file of totals is cut short".to_owned());
    let slices_at = readings
        .len()
        .checked_sub(2 * run.slices.len())
        .ok_or_else(missing)?;
    let steps_at = slices_at
        .checked_sub(2 * run.steps.len() + 1)
        .ok_or_else(missing)?;
    let rows_at = steps_at
        .checked_sub(2 * run.rows.len())
        .ok_or_else(missing)?;
    let start = readings
        .get(..START_READINGS)
        .filter(|_| rows_at >= START_READINGS);
    let overhead = start
        .ok_or_else(missing)?
        .as_chunks::<2>()
        .0
        .iter()
        .map(|[begin, end]| difference(begin, end, &Metered::default()))
        .min_by_key(|m| (m.instructions, m.cycles))
        .ok_or_else(missing)?;
    let pairs = |from: usize, counts: &[u64]| -> Result<Vec<Metered>, EmulatorError> {
        let pairs = readings.get(from..).unwrap_or_default().as_chunks::<2>().0;
        let metered = pairs.iter().zip(counts).map(|([begin, end], &counted)| {
            let metered = difference(begin, end, &overhead);
            if metered.instructions == counted {
                return Ok(metered);
            }
            Err(EmulatorError::Meter(format!(
                "it counted {} instructions where the firmware's clock counted {counted}",
                metered.instructions
            )))
        });
        metered.collect()
    };
    Ok(Metering {
        rows: pairs(rows_at, &run.rows)?,
        steps: pairs(steps_at, &run.steps)?,
        slices: pairs(slices_at, &run.slices)?,
    })
}

/// One line, `name=count name=count …`.
fn reading(line: &str, has_model: bool) -> Option<Metered> {
    let mut counts: BTreeMap<String, u64> = line
        .split_whitespace()
        .map(|word| {
            let (name, count) = word.split_once('=')?;
            Some((name.to_owned(), count.parse().ok()?))
        })
        .collect::<Option<_>>()?;
    let instructions = counts.remove("instructions")?;
    let cycles = counts.remove("cycles")?;
    Some(Metered {
        instructions,
        cycles: has_model.then_some(cycles),
        mix: counts,
    })
}

/// What lies between two readings, without `overhead`.
fn difference(begin: &Metered, end: &Metered, overhead: &Metered) -> Metered {
    let less =
        |end: u64, begin: u64, overhead: u64| end.saturating_sub(begin).saturating_sub(overhead);
    let cycles = end.cycles.map(|cycles| {
        let overhead = overhead.cycles.unwrap_or_default();
        less(cycles, begin.cycles.unwrap_or_default(), overhead)
    });
    let of = |counts: &Metered, name: &str| counts.mix.get(name).copied().unwrap_or_default();
    Metered {
        instructions: less(end.instructions, begin.instructions, overhead.instructions),
        cycles,
        mix: end
            .mix
            .iter()
            .map(|(name, &count)| {
                (
                    name.clone(),
                    less(count, of(begin, name), of(overhead, name)),
                )
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn totals(readings: &[(u64, u64)]) -> String {
        let line = |&(i, c): &(u64, u64)| format!("instructions={i} cycles={c} load={c}\n");
        readings.iter().map(line).collect()
    }

    /// Six readings at start (a reading costs 10 instructions, 20 cycles), one row, two steps.
    const READINGS: [(u64, u64); 13] = [
        (100, 200),
        (110, 220),
        (120, 240),
        (130, 260),
        (140, 280),
        (150, 300),
        (200, 400),
        (1210, 2420),
        (1300, 2600),
        (1710, 3420),
        (1800, 3600),
        (2410, 4820),
        (2500, 5000),
    ];

    fn run(row: u64) -> Run {
        Run {
            rows: vec![row],
            steps: vec![400, 600],
            ..Run::default()
        }
    }

    #[test]
    fn rows_and_steps_are_differences_of_the_last_readings() {
        let found = metering(&totals(&READINGS), &run(1000), true).unwrap();
        assert_eq!(found.rows[0].cycles, Some(2000));
        assert_eq!(found.rows[0].mix["load"], 2000);
        let steps: Vec<_> = found
            .steps
            .iter()
            .map(|s| (s.instructions, s.cycles))
            .collect();
        assert_eq!(steps, [(400, Some(800)), (600, Some(1200))]);
        let without = metering(&totals(&READINGS), &run(1000), false).unwrap();
        assert_eq!(without.rows[0].cycles, None);
    }

    #[test]
    fn slices_are_the_differences_after_the_steps() {
        let mut readings = READINGS.to_vec();
        readings.extend([(3000, 6000), (3110, 6220)]);
        let mut run = run(1000);
        run.slices.push(100);
        let found = metering(&totals(&readings), &run, true).unwrap();
        assert_eq!(found.slices[0].cycles, Some(200));
        assert_eq!(found.steps[1].cycles, Some(1200));
    }

    #[test]
    fn a_count_that_differs_from_the_firmware_s_is_an_error() {
        let error = metering(&totals(&READINGS), &run(1001), true)
            .unwrap_err()
            .to_string();
        assert!(error.contains("1000") && error.contains("1001"), "{error}");
        let error = metering(&totals(&READINGS[..8]), &run(1000), true)
            .unwrap_err()
            .to_string();
        assert!(error.contains("cut short"), "{error}");
    }

    #[test]
    fn flash_and_core_are_passed_on() {
        let m4 = Target::find("cortex-m4").unwrap();
        let flash = FlashModel {
            wait_states: 4,
            lines: 2,
        };
        let file = Path::new("/a,b/x.so");
        let expected =
            "/a,,b/x.so,out=cycles.txt,core=cortex-m4,ws=4,line=16,lines=2,from=0,to=4194304";
        assert_eq!(argument(file, m4, flash, None), expected);
        let with_model = format!("{expected},also_from=16,also_to=48");
        assert_eq!(argument(file, m4, flash, Some(16..48)), with_model);
        let m7 = Target::find("cortex-m7").unwrap();
        assert_eq!(
            argument(Path::new("x.so"), m7, flash, None),
            "x.so,out=cycles.txt"
        );
    }
}
