//! Bytes become lines, whatever arrives.

use core::fmt;

/// What is wrong with a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineError {
    /// It has more bytes than fit.
    TooLong,
    /// It has a byte that is no printable ASCII.
    NotText,
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the command is too long",
            Self::NotText => "the command has bytes that are no text",
        })
    }
}

/// The line that is arriving.
#[derive(Debug)]
pub struct Line<const N: usize> {
    bytes: [u8; N],
    len: usize,
    error: Option<LineError>,
}

impl<const N: usize> Line<N> {
    /// An empty one.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "one way to make it is enough")]
    pub const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
            error: None,
        }
    }

    /// Takes the next byte. `true` where it ended the line: [`Self::take`] then gives it.
    pub fn push(&mut self, byte: u8) -> bool {
        match byte {
            b'%' => return true,
            b'\r' | b'\n' => {}
            b' '..=b'~' => match self.bytes.get_mut(self.len) {
                Some(place) => {
                    *place = byte;
                    self.len += 1;
                }
                None => self.error = self.error.or(Some(LineError::TooLong)),
            },
            _ => self.error = self.error.or(Some(LineError::NotText)),
        }
        false
    }

    /// The line that ended, without the spaces around it; the next one begins.
    ///
    /// # Errors
    /// It was too long or no text.
    pub fn take(&mut self) -> Result<&str, LineError> {
        let len = core::mem::take(&mut self.len);
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let bytes = self.bytes.get(..len).unwrap_or_default();
        let text = core::str::from_utf8(bytes).map_err(|_| LineError::NotText)?;
        Ok(text.trim())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(bytes: &[u8]) -> Vec<Result<String, LineError>> {
        let mut line = Line::<8>::new();
        let mut lines = Vec::new();
        for &byte in bytes {
            if line.push(byte) {
                lines.push(line.take().map(str::to_owned));
            }
        }
        lines
    }

    #[test]
    fn a_line_ends_at_a_percent_sign() {
        assert_eq!(
            lines(b"name%\r\n db 1 %%x"),
            [Ok("name".into()), Ok("db 1".into()), Ok(String::new())]
        );
    }

    #[test]
    fn a_bad_line_is_an_error_and_the_next_one_is_whole() {
        assert_eq!(
            lines(b"123456789%a\xFFb%name%"),
            [
                Err(LineError::TooLong),
                Err(LineError::NotText),
                Ok("name".into())
            ]
        );
    }
}
