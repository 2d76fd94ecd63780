//! Memory in the place of flash, with flash's rules: emulated machines have none that can be programmed.

use nnz_wire::store::{Flash, FlashError, HEADER};

/// One slot.
#[derive(Debug)]
pub struct Slot(pub &'static mut [u8]);

impl Flash for Slot {
    const PAGE: usize = 4096;

    fn bytes(&self) -> &[u8] {
        self.0
    }

    fn erase(&mut self, at: usize) -> Result<(), FlashError> {
        let page = self.0.get_mut(at..at + Self::PAGE).ok_or(FlashError)?;
        page.fill(0xFF);
        Ok(())
    }

    fn program(&mut self, at: usize, bytes: &[u8; HEADER]) -> Result<(), FlashError> {
        let place = self.0.get_mut(at..at + HEADER).ok_or(FlashError)?;
        for (place, byte) in place.iter_mut().zip(bytes) {
            *place &= byte;
        }
        Ok(())
    }
}
