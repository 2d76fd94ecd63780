//! The CMSDK APB UART of Arm's MPS2 machines: one byte at a time, by asking.

use crate::machine::UART;
use core::convert::Infallible;
use embedded_io::{ErrorType, Read, Write};

/// The port. There is one.
#[derive(Debug)]
pub struct Uart(());

const DATA: *mut u32 = UART as *mut u32;
const STATE: *mut u32 = (UART + 4) as *mut u32;
const CTRL: *mut u32 = (UART + 8) as *mut u32;
const DIVIDER: *mut u32 = (UART + 16) as *mut u32;

/// `STATE`: the byte to send has not left yet; a byte was received.
const FULL: u32 = 1;
const RECEIVED: u32 = 2;

impl Uart {
    /// Switches the port on, 25 MHz by 217: 115,200 baud.
    #[must_use]
    pub fn start() -> Self {
        for (register, value) in [(DIVIDER, 217), (CTRL, 3)] {
            // SAFETY: the target's facts say that the port's registers are here.
            unsafe { register.write_volatile(value) };
        }
        Self(())
    }

    fn wait(&self, flag: u32, value: u32) {
        // SAFETY: as in `start`.
        while unsafe { STATE.read_volatile() } & flag != value {}
    }
}

impl ErrorType for Uart {
    type Error = Infallible;
}

impl Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let Some(place) = buffer.first_mut() else {
            return Ok(0);
        };
        self.wait(RECEIVED, RECEIVED);
        // SAFETY: as in `start`.
        let data = unsafe { DATA.read_volatile() };
        [*place, ..] = data.to_le_bytes();
        Ok(1)
    }
}

impl Write for Uart {
    fn write(&mut self, buffer: &[u8]) -> Result<usize, Infallible> {
        for byte in buffer {
            self.wait(FULL, 0);
            // SAFETY: as in `start`.
            unsafe { DATA.write_volatile(u32::from(*byte)) };
        }
        Ok(buffer.len())
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
