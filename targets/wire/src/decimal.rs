//! Results as text, without the code that prints floats.

use core::fmt;

/// A number with six digits after the point.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Decimal(pub(crate) f32);

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MILLION: u64 = 1_000_000;
        if self.0.is_nan() {
            return f.write_str("nan");
        }
        let sign = if self.0 < 0.0 { "-" } else { "" };
        // Doubles have room for the digits of a float; what is larger than any result saturates.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "saturates, and the sign is gone"
        )]
        let millionths = (f64::from(self.0).abs() * 1e6 + 0.5) as u64;
        let (whole, part) = (millionths / MILLION, millionths % MILLION);
        write!(f, "{sign}{whole}.{part:06}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_six_digits() {
        let text = |value| Decimal(value).to_string();
        assert_eq!(text(0.0), "0.000000");
        assert_eq!(text(-1.5), "-1.500000");
        assert_eq!(text(1.0 / 256.0), "0.003906");
        assert_eq!(text(123.456), "123.456001");
        assert_eq!(text(f32::NAN), "nan");
        assert_eq!(text(-f32::INFINITY), "-18446744073709.551615");
    }
}
