//! Row tables read by aligned words: the constants of one output channel.

/// One output channel of an `s8` matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowS8 {
    /// Bias with the input zero point folded in.
    pub(crate) bias: i32,
    /// Scale of the accumulator.
    pub(crate) multiplier: i32,
    /// Right shift; negative is a left shift.
    pub(crate) shift: i32,
    /// Stored entries.
    pub(crate) nnz: usize,
}

/// One output channel of an `f32` matrix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowF32 {
    /// Bias.
    pub(crate) bias: f32,
    /// Stored entries.
    pub(crate) nnz: usize,
}

/// A table of rows in the model's bytes.
///
/// # Invariants
///
/// `start` is a multiple of 4 and begins as many rows of the given form as the matrix has.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RowTable {
    start: *const u32,
    wide: bool,
}

impl RowTable {
    /// The table that begins at `bytes`.
    #[inline(always)]
    pub(crate) const fn new(bytes: &[u8], wide: bool) -> Self {
        Self {
            start: bytes.as_ptr().cast(),
            wide,
        }
    }

    /// Word `word` of row `index`, whose form has `words` words.
    ///
    /// # Safety
    ///
    /// The table holds row `index` in that form.
    #[inline(always)]
    unsafe fn word(&self, index: usize, words: usize, word: usize) -> u32 {
        let at = self
            .start
            .wrapping_add(index.wrapping_mul(words).wrapping_add(word));
        // SAFETY: inside the table by the contract, and aligned by the type's invariant.
        u32::from_le(unsafe { at.read() })
    }

    /// Row `index` of an `s8` table.
    ///
    /// # Safety
    ///
    /// `index` is below the number of rows.
    #[inline(always)]
    pub(crate) unsafe fn s8(&self, index: usize) -> RowS8 {
        let words = if self.wide { 4 } else { 3 };
        // SAFETY: the caller keeps the index below the number of rows.
        let bias = unsafe { self.word(index, words, 0) }.cast_signed();
        // SAFETY: as above.
        let multiplier = unsafe { self.word(index, words, 1) }.cast_signed();
        // SAFETY: as above.
        let packed = unsafe { self.word(index, words, 2) };
        if self.wide {
            // SAFETY: as above; wide rows have four words.
            let last = unsafe { self.word(index, words, 3) };
            let shift = (last << 24).cast_signed() >> 24;
            RowS8 {
                bias,
                multiplier,
                shift,
                nnz: packed as usize,
            }
        } else {
            let nnz = (packed >> 16) & 0x7ff;
            RowS8 {
                bias,
                multiplier,
                shift: (packed >> 27).cast_signed(),
                nnz: nnz as usize,
            }
        }
    }

    /// The first row of an `s8` table, which the table begins behind from then on: no product leads from row to row.
    ///
    /// # Safety
    ///
    /// There is a row left.
    #[cfg(isa = "rv32m")]
    #[inline(always)]
    pub(crate) unsafe fn take_s8(&mut self) -> RowS8 {
        // SAFETY: the caller's contract.
        let row = unsafe { self.s8(0) };
        self.start = self.start.wrapping_add(if self.wide { 4 } else { 3 });
        row
    }

    /// Row `index` of an `f32` table.
    ///
    /// # Safety
    ///
    /// `index` is below the number of rows.
    #[inline(always)]
    pub(crate) unsafe fn f32(&self, index: usize) -> RowF32 {
        // SAFETY: the caller keeps the index below the number of rows.
        let bias = f32::from_bits(unsafe { self.word(index, 2, 0) });
        // SAFETY: as above.
        let nnz = unsafe { self.word(index, 2, 1) };
        RowF32 {
            bias,
            nnz: nnz as usize,
        }
    }
}
