//! The upper bound of a histogram's bucket, as Python's `float` reads it.

/// Parses the value of a label `le` as Python's `float()` does: Rust's syntax, plus white space
/// around it and underscores between digits. `None` where `float()` raises a ValueError, and for NaN,
/// which cannot be a bound: the client would print one bucket per process for it.
pub fn parse(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c));
    let value: f64 =
        if text.contains('_') { without_underscores(text)?.parse().ok()? } else { text.parse().ok()? };
    (!value.is_nan()).then_some(value)
}

fn without_underscores(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let stands_well = |at: usize| at > 0 && is_digit(at - 1) && is_digit(at + 1);
    (0..bytes.len()).all(|at| bytes[at] != b'_' || stands_well(at)).then(|| text.replace('_', ""))
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn as_python_reads_floats() {
        for (text, value) in [
            ("1", 1.0),
            ("1.0", 1.0),
            (" .5\n", 0.5),
            ("1_000.5", 1000.5),
            ("+Inf", f64::INFINITY),
            ("-infinity", f64::NEG_INFINITY),
            ("1e3", 1000.0),
            ("5.", 5.0),
        ] {
            assert_eq!(parse(text), Some(value), "{text:?}");
        }
        for text in ["", "_1", "1_", "1__0", "1_.5", "x", "0x10", "1e", "nan", "1 2"] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
