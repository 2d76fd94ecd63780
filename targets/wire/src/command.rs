//! Lines become commands.

use core::fmt;

/// What a host asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Command<'a> {
    /// `name`: who is there.
    Name,
    /// `profile`: which rules, which network.
    Profile,
    /// `help`: the commands.
    Help,
    /// `timestamp`: microseconds.
    Timestamp,
    /// `db load N`: inputs of N bytes follow.
    Load(usize),
    /// `db HEX`: some of these bytes.
    Data(Hex<'a>),
    /// `infer N [W]`: W runs to warm up, then N runs between two timestamps.
    Infer {
        /// Runs that are timed.
        runs: u32,
        /// Runs before.
        warmups: u32,
    },
    /// `results`: those of the last run.
    Results,
    /// `model`: length and check sum of the network that runs.
    Model,
    /// `model begin LEN CRC`: another one follows.
    Begin {
        /// Its bytes.
        len: usize,
        /// Its CRC-32.
        crc: u32,
    },
    /// `model at OFFSET CRC HEX`: some bytes of it, with a check sum of their own.
    At {
        /// Where they belong.
        at: usize,
        /// Their CRC-32.
        crc: u32,
        /// They themselves.
        bytes: Hex<'a>,
    },
    /// `model end`: it is whole; run it from now on.
    End,
    /// `echo WORD`: says the word, so that a host knows where its own answers begin.
    Echo(&'a str),
    /// `bye`: the host leaves.
    Bye,
}

/// What is wrong with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandError {
    /// Nobody knows it.
    Unknown,
    /// It lacks a number, or has one that is none.
    Number,
    /// Its bytes are not written as pairs of hexadecimal digits.
    Hex,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown command, help% lists them",
            Self::Number => "a number is missing or wrong",
            Self::Hex => "bytes are pairs of hexadecimal digits",
        })
    }
}

/// Bytes as pairs of hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hex<'a>(&'a str);

impl<'a> Hex<'a> {
    fn new(text: &'a str) -> Result<Self, CommandError> {
        let is_hex = !text.is_empty()
            && text.len().is_multiple_of(2)
            && text.bytes().all(|b| b.is_ascii_hexdigit());
        is_hex.then_some(Self(text)).ok_or(CommandError::Hex)
    }

    /// How many bytes.
    #[must_use]
    pub const fn len(self) -> usize {
        self.0.len() / 2
    }

    /// Whether there is none.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// The bytes.
    pub fn bytes(self) -> impl Iterator<Item = u8> + use<'a> {
        let digit = |b: u8| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        let (pairs, _) = self.0.as_bytes().as_chunks::<2>();
        pairs
            .iter()
            .map(move |&[high, low]| digit(high).unwrap_or(0) << 4 | digit(low).unwrap_or(0))
    }

    /// Writes the bytes to the front of `place`; returns those.
    #[must_use]
    pub fn read(self, place: &mut [u8]) -> Option<&[u8]> {
        let place = place.get_mut(..self.len())?;
        for (place, byte) in place.iter_mut().zip(self.bytes()) {
            *place = byte;
        }
        Some(place)
    }
}

impl<'a> Command<'a> {
    /// Reads a line; `None` where it is empty.
    ///
    /// # Errors
    /// It is no command.
    pub fn parse(line: &'a str) -> Result<Option<Self>, CommandError> {
        let mut words = line.split_ascii_whitespace();
        let Some(name) = words.next() else {
            return Ok(None);
        };
        let command = match name {
            "name" => Self::Name,
            "profile" => Self::Profile,
            "help" => Self::Help,
            "timestamp" => Self::Timestamp,
            "results" => Self::Results,
            "bye" => Self::Bye,
            "echo" => Self::Echo(words.next().unwrap_or_default()),
            "infer" => Self::Infer {
                runs: number(words.next())?,
                warmups: words.next().map_or(Ok(0), |word| number(Some(word)))?,
            },
            "db" => Self::data(&mut words)?,
            "model" => Self::model(&mut words)?,
            _ => return Err(CommandError::Unknown),
        };
        words
            .next()
            .map_or(Ok(Some(command)), |_| Err(CommandError::Unknown))
    }

    fn data(words: &mut impl Iterator<Item = &'a str>) -> Result<Self, CommandError> {
        match words.next() {
            Some("load") => Ok(Self::Load(number(words.next())?)),
            Some(text) => Ok(Self::Data(Hex::new(text)?)),
            None => Err(CommandError::Hex),
        }
    }

    fn model(words: &mut impl Iterator<Item = &'a str>) -> Result<Self, CommandError> {
        match words.next() {
            None => Ok(Self::Model),
            Some("begin") => Ok(Self::Begin {
                len: number(words.next())?,
                crc: sum(words.next())?,
            }),
            Some("at") => Ok(Self::At {
                at: number(words.next())?,
                crc: sum(words.next())?,
                bytes: Hex::new(words.next().unwrap_or_default())?,
            }),
            Some("end") => Ok(Self::End),
            Some(_) => Err(CommandError::Unknown),
        }
    }
}

fn number<T: core::str::FromStr>(word: Option<&str>) -> Result<T, CommandError> {
    word.and_then(|word| word.parse().ok())
        .ok_or(CommandError::Number)
}

/// A check sum: eight hexadecimal digits.
fn sum(word: Option<&str>) -> Result<u32, CommandError> {
    let word = word.filter(|word| word.len() == 8 && word.bytes().all(|b| b.is_ascii_hexdigit()));
    word.and_then(|word| u32::from_str_radix(word, 16).ok())
        .ok_or(CommandError::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_of_the_benchmark_are_read() {
        let parse = |line| Command::parse(line).unwrap().unwrap();
        assert_eq!(parse("name"), Command::Name);
        assert_eq!(parse("db load 490"), Command::Load(490));
        assert_eq!(
            parse("infer 10 1"),
            Command::Infer {
                runs: 10,
                warmups: 1
            }
        );
        assert_eq!(
            parse("infer 10"),
            Command::Infer {
                runs: 10,
                warmups: 0
            }
        );
        let Command::Data(hex) = parse("db 00fF10") else {
            panic!("no data")
        };
        assert_eq!(hex.bytes().collect::<Vec<_>>(), [0, 255, 16]);
        assert_eq!(Command::parse(""), Ok(None));
    }

    #[test]
    fn a_model_comes_in_pieces() {
        let parse = |line| Command::parse(line).unwrap().unwrap();
        assert_eq!(parse("model"), Command::Model);
        assert_eq!(
            parse("model begin 7 DEADbeef"),
            Command::Begin {
                len: 7,
                crc: 0xDEAD_BEEF
            }
        );
        assert!(matches!(
            parse("model at 256 00000001 0102"),
            Command::At {
                at: 256,
                crc: 1,
                ..
            }
        ));
        assert_eq!(parse("model end"), Command::End);
    }

    #[test]
    fn what_is_no_command_is_refused_with_the_reason() {
        for (line, error) in [
            ("reboot", CommandError::Unknown),
            ("name name", CommandError::Unknown),
            ("model erase", CommandError::Unknown),
            ("db", CommandError::Hex),
            ("db 123", CommandError::Hex),
            ("db 1x", CommandError::Hex),
            ("db load", CommandError::Number),
            ("db load -1", CommandError::Number),
            ("infer many", CommandError::Number),
            ("infer 99999999999", CommandError::Number),
            ("model begin 7", CommandError::Number),
            ("model begin 7 123", CommandError::Number),
            ("model begin 7 +1234567", CommandError::Number),
            ("model at 0 00000000", CommandError::Hex),
        ] {
            assert_eq!(Command::parse(line), Err(error), "{line}");
        }
    }
}
