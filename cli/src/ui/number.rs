//! Numbers as people read them.

/// Digits in groups of three: `1,234,567`.
#[must_use]
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes below 10 KB, KB (1024) above.
#[must_use]
pub fn bytes(n: u64) -> String {
    if n < 10 * 1024 {
        format!("{} B", grouped(n))
    } else {
        let tenths = (n * 10 + 512) / 1024;
        format!("{}.{} KB", grouped(tenths / 10), tenths % 10)
    }
}

/// `part` of `whole` in percent, `-` where there is no whole.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a percentage for people")]
pub fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        "-".into()
    } else {
        format!("{:.1} %", 100.0 * part as f64 / whole as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1000), "1,000");
        assert_eq!(grouped(12_345_678), "12,345,678");
        assert_eq!(bytes(10_239), "10,239 B");
        assert_eq!(bytes(333_288), "325.5 KB");
        assert_eq!(percent(1, 4), "25.0 %");
        assert_eq!(percent(1, 0), "-");
    }
}
