//! Waits for a flash behind line buffers.
//!
//! ```text
//! fetch of an instruction ─┐   line in the buffers: no wait
//! load from flash         ─┴─  otherwise: `wait_states` cycles, and the line replaces the one unused longest
//! ```
//!
//! Instructions and data have buffers of their own. Nothing is fetched ahead, so that straight code on a flash with
//! prefetch costs less than is counted here.

/// Geometry and speed of a flash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Geometry {
    /// Cycles that a read of a line takes beyond the core's own.
    pub(crate) wait_states: u64,
    /// Bytes of a line.
    pub(crate) line_bytes: u32,
    /// Lines that are buffered, for instructions and for data each.
    pub(crate) lines: usize,
    /// First address.
    pub(crate) from: u32,
    /// One past the last address.
    pub(crate) to: u32,
    /// First address of memory that plays flash: a model that an image for any model reads into RAM.
    pub(crate) also_from: u32,
    /// One past its last address.
    pub(crate) also_to: u32,
}

impl Geometry {
    /// Whether an address is one of flash.
    fn holds(&self, address: u32) -> bool {
        let is_flash = (self.from..self.to).contains(&address);
        is_flash || (self.also_from..self.also_to).contains(&address)
    }
}

/// The lines that were read last.
#[derive(Debug, Default)]
struct Buffers {
    /// Line numbers, the latest last.
    lines: Vec<u32>,
}

impl Buffers {
    /// Reads a line; whether it had to come from the flash.
    fn read(&mut self, line: u32, capacity: usize) -> bool {
        if self.lines.last() == Some(&line) {
            return false;
        }
        let found = self.lines.iter().position(|&l| l == line);
        match found {
            Some(at) => {
                self.lines.remove(at);
            }
            None if self.lines.len() >= capacity && !self.lines.is_empty() => {
                self.lines.remove(0);
            }
            None => {}
        }
        self.lines.push(line);
        found.is_none()
    }
}

/// A flash and its line buffers.
#[derive(Debug)]
pub(crate) struct Flash {
    geometry: Geometry,
    code: Buffers,
    data: Buffers,
}

impl Flash {
    /// A flash whose buffers are empty.
    pub(crate) fn new(geometry: Geometry) -> Self {
        Self {
            geometry,
            code: Buffers::default(),
            data: Buffers::default(),
        }
    }

    /// Cycles that fetching `len` bytes of code at `address` waits.
    pub(crate) fn fetch(&mut self, address: u32, len: u8) -> u64 {
        let last = address.wrapping_add(u32::from(len).saturating_sub(1));
        let first_wait = wait(&self.geometry, &mut self.code, address);
        first_wait + wait(&self.geometry, &mut self.code, last)
    }

    /// Cycles that a load from `address` waits.
    pub(crate) fn load(&mut self, address: u32) -> u64 {
        wait(&self.geometry, &mut self.data, address)
    }
}

fn wait(geometry: &Geometry, buffers: &mut Buffers, address: u32) -> u64 {
    if !geometry.holds(address) {
        return 0;
    }
    let line = address / geometry.line_bytes.max(1);
    u64::from(buffers.read(line, geometry.lines)) * geometry.wait_states
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flash(lines: usize) -> Flash {
        Flash::new(Geometry {
            wait_states: 5,
            line_bytes: 16,
            lines,
            from: 0,
            to: 0x1000,
            also_from: 0x3000_0000,
            also_to: 0x3000_0020,
        })
    }

    #[test]
    fn a_line_waits_once_until_another_replaces_it() {
        let mut flash = flash(1);
        assert_eq!(flash.fetch(0, 2), 5);
        assert_eq!(flash.fetch(14, 2), 0);
        assert_eq!(flash.fetch(14, 4), 5);
        assert_eq!(flash.fetch(0, 2), 5);
        assert_eq!(flash.load(4), 5, "data has a buffer of its own");
        assert_eq!(flash.load(4), 0);
    }

    #[test]
    fn a_loop_that_fits_the_buffers_waits_in_its_first_round_only() {
        let mut flash = flash(2);
        let mut round = || flash.fetch(0, 2) + flash.fetch(16, 2);
        assert_eq!((round(), round(), round()), (10, 0, 0));
    }

    #[test]
    fn other_memory_never_waits() {
        assert_eq!(flash(1).load(0x2000_0000), 0);
        assert_eq!(flash(1).load(0x3000_0020), 0);
    }

    #[test]
    fn memory_that_plays_flash_waits_as_flash_does() {
        let mut flash = flash(1);
        assert_eq!(flash.load(0x3000_0000), 5);
        assert_eq!(flash.load(0x3000_000f), 0);
        assert_eq!(flash.load(0x3000_0010), 5);
    }
}
