//! The arguments `name=value` that the emulator passes on.

use crate::core::Core;
use crate::flash::Geometry;
use std::path::PathBuf;

/// What to model and where to write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The core; none counts instructions only.
    pub(crate) core: Option<Core>,
    /// File of totals.
    pub(crate) out: PathBuf,
    /// A flash that makes the core wait.
    pub(crate) flash: Option<Geometry>,
}

impl Arguments {
    /// Reads arguments.
    pub(crate) fn parse<'a>(arguments: impl Iterator<Item = &'a str>) -> Result<Self, String> {
        let mut found = Self {
            core: None,
            out: PathBuf::from("cycles.txt"),
            flash: None,
        };
        let mut flash = Geometry {
            wait_states: 0,
            line_bytes: 16,
            lines: 1,
            from: 0,
            to: u32::MAX,
            also_from: 0,
            also_to: 0,
        };
        for argument in arguments {
            let (name, value) = argument.split_once('=').unwrap_or((argument, ""));
            match name {
                "core" => found.core = Some(Core::named(value).ok_or_else(|| unknown(argument))?),
                "out" => found.out = PathBuf::from(value),
                "ws" => flash.wait_states = number(argument, value)?,
                "line" => flash.line_bytes = number(argument, value)?,
                "lines" => flash.lines = number(argument, value)?,
                "from" => flash.from = number(argument, value)?,
                "to" => flash.to = number(argument, value)?,
                "also_from" => flash.also_from = number(argument, value)?,
                "also_to" => flash.also_to = number(argument, value)?,
                _ => return Err(unknown(argument)),
            }
        }
        found.flash = (flash.wait_states > 0).then_some(flash);
        Ok(found)
    }
}

fn number<T: ::core::str::FromStr>(argument: &str, value: &str) -> Result<T, String> {
    value.parse().map_err(|_| unknown(argument))
}

fn unknown(argument: &str) -> String {
    format!("nnz-cycles: the argument '{argument}' is not understood")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read_and_others_refused() {
        let all =
            "core=cortex-m3 out=/tmp/x ws=4 line=32 lines=8 from=16 to=64 also_from=96 also_to=128";
        let found = Arguments::parse(all.split(' ')).unwrap();
        assert_eq!(found.core, Some(Core::CortexM3));
        let flash = found.flash.unwrap();
        assert_eq!(
            (flash.wait_states, flash.line_bytes, flash.lines),
            (4, 32, 8)
        );
        assert_eq!((flash.also_from, flash.also_to), (96, 128));
        assert_eq!(
            Arguments::parse(["core=cortex-m4"].into_iter())
                .unwrap()
                .flash,
            None
        );
        for bad in ["core=z80", "ws=many", "surprise=1", "ws"] {
            let error = Arguments::parse([bad].into_iter()).unwrap_err();
            assert!(error.contains(bad), "{error}");
        }
    }
}
