//! How deep the stack went: paint it before, look how far the paint is gone after.
//!
//! ```text
//! low                                   mark        top (stack pointer at painting)
//! | PAINT PAINT PAINT PAINT PAINT PAINT | used …… |
//! |<------------ intact ------------->|<--------->| high water = top − mark
//! ```

/// The pattern: no address, small number or instruction of the machines supported.
pub const PAINT: u32 = 0xC5C5_A55A;

/// Paints the words from `low` up to `top`.
///
/// # Safety
///
/// `low ≤ top`, both 4-aligned, and the words between them are writable memory that nothing else
/// uses: on a device, stack below the stack pointer, with interrupts off or their frames expected
/// there.
#[inline(never)]
pub unsafe fn paint(low: *mut u32, top: *mut u32) {
    let mut at = low;
    while at < top {
        // SAFETY: `at` lies in the caller's range.
        unsafe { at.write_volatile(PAINT) };
        at = at.wrapping_add(1);
    }
}

/// Bytes from the lowest word that lost its paint up to `top`.
///
/// # Safety
///
/// As for [`paint`]; the words need only be readable.
#[inline(never)]
pub unsafe fn high_water(low: *const u32, top: *const u32) -> usize {
    let mut at = low;
    while at < top {
        // SAFETY: `at` lies in the caller's range.
        let word = unsafe { at.read_volatile() };
        if word != PAINT {
            break;
        }
        at = at.wrapping_add(1);
    }
    (top as usize).saturating_sub(at as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_overwritten_word_is_the_high_water_mark() {
        let mut words = [0_u32; 64];
        let range = words.as_mut_ptr_range();
        // SAFETY: the range is a live array of this function.
        unsafe { paint(range.start, range.end) };
        // SAFETY: as above.
        assert_eq!(unsafe { high_water(range.start, range.end) }, 0);
        words[50] = 1;
        words[40] = 2;
        let range = words.as_ptr_range();
        // SAFETY: as above.
        assert_eq!(unsafe { high_water(range.start, range.end) }, 24 * 4);
    }

    #[test]
    fn a_stack_used_to_the_end_reports_its_whole_length() {
        let words = [0_u32; 16];
        let range = words.as_ptr_range();
        // SAFETY: the range is a live array of this function.
        assert_eq!(unsafe { high_water(range.start, range.end) }, 64);
    }
}
