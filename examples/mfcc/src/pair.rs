//! Two 16-bit numbers in a word: a complex number whose parts the DSP extension of a Cortex-M handles at once.
//!
//! Every operation has a plain form, which all other machines run, with the same bits.

#![cfg_attr(isa = "dsp", expect(unsafe_code, reason = "one instruction each"))]

/// The real part below, the imaginary part above.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pair(u32);

/// An operation on two words: an instruction, or its plain form.
macro_rules! operation {
    ($(#[$text:meta])* $name:ident, $instruction:literal, $kind:ty, |$a:ident, $b:ident| $plain:expr) => {
        $(#[$text])*
        #[cfg(isa = "dsp")]
        #[inline(always)]
        fn $name(a: u32, b: u32) -> $kind {
            let result: $kind;
            // SAFETY: reads two registers and writes one.
            unsafe {
                core::arch::asm!(
                    concat!($instruction, " {}, {}, {}"),
                    lateout(reg) result, in(reg) a, in(reg) b,
                    options(pure, nomem, nostack)
                );
            }
            result
        }
        $(#[$text])*
        #[cfg(not(isa = "dsp"))]
        #[inline(always)]
        fn $name(a: u32, b: u32) -> $kind {
            let ($a, $b) = (Pair(a), Pair(b));
            $plain
        }
    };
}

operation!(
    /// Sums.
    sadd16, "sadd16", u32, |a, b| Pair::new(a.re() + b.re(), a.im() + b.im()).0);
operation!(
    /// Differences.
    ssub16, "ssub16", u32, |a, b| Pair::new(a.re() - b.re(), a.im() - b.im()).0);
operation!(
    /// `a + i·b`.
    sasx, "sasx", u32, |a, b| Pair::new(a.re() - b.im(), a.im() + b.re()).0);
operation!(
    /// `a - i·b`.
    ssax, "ssax", u32, |a, b| Pair::new(a.re() + b.im(), a.im() - b.re()).0);
operation!(
    /// Halves of sums, rounded down.
    shadd16, "shadd16", u32, |a, b| Pair::new((a.re() + b.re()) >> 1, (a.im() + b.im()) >> 1).0);
operation!(
    /// Halves of differences, rounded down.
    shsub16, "shsub16", u32, |a, b| Pair::new((a.re() - b.re()) >> 1, (a.im() - b.im()) >> 1).0);
operation!(
    /// Half of `a + i·b`, rounded down.
    shasx, "shasx", u32, |a, b| Pair::new((a.re() - b.im()) >> 1, (a.im() + b.re()) >> 1).0);
operation!(
    /// Half of `a - i·b`, rounded down.
    shsax, "shsax", u32, |a, b| Pair::new((a.re() + b.im()) >> 1, (a.im() - b.re()) >> 1).0);
operation!(
    /// The real part of `a·b`.
    smusd, "smusd", i32, |a, b| (a.re() * b.re()).wrapping_sub(a.im() * b.im()));
operation!(
    /// The imaginary part of `a·b`.
    smuadx, "smuadx", i32, |a, b| (a.re() * b.im()).wrapping_add(a.im() * b.re()));

operation!(
    /// The product of the real parts.
    smulbb, "smulbb", i32, |a, b| a.re() * b.re());
operation!(
    /// The product of the imaginary parts.
    smultt, "smultt", i32, |a, b| a.im() * b.im());

/// The greater ones.
#[cfg(isa = "dsp")]
#[inline(always)]
fn max16(a: u32, b: u32) -> u32 {
    let result;
    // SAFETY: reads two registers and writes one; the flags between the two instructions are its own.
    unsafe {
        core::arch::asm!(
            "ssub16 {0}, {1}, {2}", "sel {0}, {1}, {2}",
            out(reg) result, in(reg) a, in(reg) b,
            options(pure, nomem, nostack)
        );
    }
    result
}
/// The greater ones.
#[cfg(not(isa = "dsp"))]
#[inline(always)]
fn max16(a: u32, b: u32) -> u32 {
    let (a, b) = (Pair(a), Pair(b));
    Pair::new(a.re().max(b.re()), a.im().max(b.im())).0
}

impl From<[i16; 2]> for Pair {
    #[inline(always)]
    fn from([re, im]: [i16; 2]) -> Self {
        Self::new(i32::from(re), i32::from(im))
    }
}

impl Pair {
    pub(crate) const ZERO: Self = Self(0);

    /// Two numbers, their upper halves cut off.
    #[inline(always)]
    pub(crate) const fn new(re: i32, im: i32) -> Self {
        Self((re & 0xFFFF).cast_unsigned() | (im << 16).cast_unsigned())
    }

    #[inline(always)]
    pub(crate) const fn re(self) -> i32 {
        (self.0 << 16).cast_signed() >> 16
    }

    #[inline(always)]
    pub(crate) const fn im(self) -> i32 {
        self.0.cast_signed() >> 16
    }

    /// Bits in which a part's neighbours differ: the highest of a part says how many bits it has.
    #[inline(always)]
    pub(crate) const fn changes(self) -> u32 {
        self.0 ^ (self.0 << 1)
    }

    #[inline(always)]
    pub(crate) fn half(self) -> Self {
        Self(shadd16(self.0, 0))
    }

    #[inline(always)]
    pub(crate) fn half_sum(self, other: Self) -> Self {
        Self(shadd16(self.0, other.0))
    }

    #[inline(always)]
    pub(crate) fn half_difference(self, other: Self) -> Self {
        Self(shsub16(self.0, other.0))
    }

    /// Half of `self · turn`, whose parts are fractions with 15 bits below the point; rounded down.
    #[inline(always)]
    pub(crate) fn turn_half(self, turn: Self) -> Self {
        let (re, im) = (smusd(self.0, turn.0), smuadx(self.0, turn.0));
        Self((re >> 16).cast_unsigned() & 0xFFFF | im.cast_unsigned() & 0xFFFF_0000)
    }

    /// The real and the imaginary part of `self · turn`.
    #[inline(always)]
    pub(crate) fn turn(self, turn: Self) -> (i32, i32) {
        (smusd(self.0, turn.0), smuadx(self.0, turn.0))
    }

    /// Each part times its `factor` times `2^shift`, without the lower 16 bits.
    #[inline(always)]
    pub(crate) fn scale(self, factor: Self, shift: u32) -> Self {
        let (re, im) = (smulbb(self.0, factor.0), smultt(self.0, factor.0));
        let (re, im) = (re << (shift & 15), im << (shift & 15));
        Self((re >> 16).cast_unsigned() & 0xFFFF | im.cast_unsigned() & 0xFFFF_0000)
    }

    /// The greater of each part.
    #[inline(always)]
    pub(crate) fn max(self, other: Self) -> Self {
        Self(max16(self.0, other.0))
    }

    /// The real part of the one, the imaginary part of the other.
    #[inline(always)]
    pub(crate) const fn parts(re: Self, im: Self) -> Self {
        Self(re.0 & 0xFFFF | im.0 & 0xFFFF_0000)
    }
}

/// Four points, of which three were turned: their transform, or half of it, rounded down.
#[inline(always)]
pub(crate) fn butterfly<const HALF: bool>(legs: [Pair; 4]) -> [Pair; 4] {
    let [a, b, c, d] = legs.map(|leg| leg.0);
    let (even, odd) = (sadd16(a, c), ssub16(a, c));
    let (beside, across) = (sadd16(b, d), ssub16(b, d));
    let points = if HALF {
        [
            shadd16(even, beside),
            shsax(odd, across),
            shsub16(even, beside),
            shasx(odd, across),
        ]
    } else {
        [
            sadd16(even, beside),
            ssax(odd, across),
            ssub16(even, beside),
            sasx(odd, across),
        ]
    };
    points.map(Pair)
}
