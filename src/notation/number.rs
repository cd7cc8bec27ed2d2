//! Values as text: the client's `floatToGoString`, digit for digit.

use std::fmt::Write;

/// Appends `value` as the client prints it: `+Inf`, `-Inf`, `NaN`, else Python's `repr`, but
/// `1e+06` for positive values with seven or more digits before the point, as Go does
/// (utils.py, 0.26.0).
pub fn write_go_string(out: &mut String, value: f64) {
    if value.is_nan() {
        out.push_str("NaN");
        return;
    }
    if value.is_infinite() {
        out.push_str(if value > 0.0 { "+Inf" } else { "-Inf" });
        return;
    }
    let mut buffer = zmij::Buffer::new();
    let magnitude = value.abs();
    let shortest = buffer.format_finite(magnitude);
    if value.is_sign_negative() {
        out.push('-');
    }
    // Most values are neither large nor tiny, and then it is what Python prints.
    if (1e-4..1e6).contains(&magnitude) || magnitude == 0.0 {
        out.push_str(shortest);
        return;
    }
    let decimal = Decimal::of(shortest);
    // Python's repr has no exponent in this range; Go leaves it at 1e6, here for positive values.
    let is_go_exponent = value > 0.0 && (6..16).contains(&decimal.exponent);
    match decimal.exponent {
        -4..16 if !is_go_exponent => decimal.write_positional(out),
        _ => decimal.write_scientific(out),
    }
}

/// `value` as [`write_go_string`] appends it.
pub fn go_string(value: f64) -> String {
    let mut text = String::new();
    write_go_string(&mut text, value);
    text
}

/// Appends `value` as people read it: the same digits, but no `.0`, and no exponent from 1e-4 to 1e15.
pub fn write_plain(out: &mut String, value: f64) {
    let start = out.len();
    if (1e6..1e15).contains(&value) {
        let mut buffer = zmij::Buffer::new();
        Decimal::of(buffer.format_finite(value)).write_positional(out);
    } else {
        write_go_string(out, value);
    }
    if out[start..].ends_with(".0") {
        out.truncate(out.len() - 2);
    }
}

/// `value` as [`write_plain`] appends it.
pub fn plain(value: f64) -> String {
    let mut text = String::new();
    write_plain(&mut text, value);
    text
}

/// `value` with that many significant digits, at least one.
///
/// This goes through text: a logarithm would need the mathematics library (libm), and every start would
/// load it.
pub fn significant(value: f64, digits: usize) -> f64 {
    let places = digits.saturating_sub(1);
    let rounded = format!("{value:.places$e}").parse().unwrap_or(value);
    // The greatest numbers would be rounded up to infinity.
    if rounded.is_finite() { rounded } else { value }
}

/// A positive number as its significant digits and the power of ten of the first of them.
struct Decimal {
    digits: [u8; 17],
    count: usize,
    exponent: i32,
}

impl Decimal {
    /// Takes apart what a shortest-digits algorithm printed, whichever notation it chose.
    fn of(shortest: &str) -> Self {
        let (mantissa, exponent) = shortest.split_once('e').unwrap_or((shortest, "0"));
        let mut exponent: i32 = exponent.parse().unwrap_or_default();
        let mut decimal = Self { digits: [b'0'; 17], count: 0, exponent: 0 };
        let mut after_point = false;
        for byte in mantissa.bytes() {
            match byte {
                b'.' => after_point = true,
                b'0' if decimal.count == 0 => exponent -= i32::from(after_point),
                digit => {
                    if decimal.count < decimal.digits.len() {
                        decimal.digits[decimal.count] = digit;
                    }
                    // Zeros before the point may go beyond the 17 digits: 100000000000000000.0
                    decimal.count += 1;
                    exponent += i32::from(!after_point);
                }
            }
        }
        decimal.exponent = if decimal.count == 0 { 0 } else { exponent - 1 };
        decimal.count = decimal.count.min(decimal.digits.len());
        while decimal.count > 1 && decimal.digits[decimal.count - 1] == b'0' {
            decimal.count -= 1;
        }
        decimal
    }

    fn digits(&self) -> &str {
        // Only ASCII digits were stored.
        std::str::from_utf8(&self.digits[..self.count.max(1)]).unwrap_or_default()
    }

    /// `0.001`, `12.5`, `100.0`.
    fn write_positional(&self, out: &mut String) {
        let digits = self.digits();
        let Ok(exponent) = usize::try_from(self.exponent) else {
            out.push_str("0.");
            out.extend((self.exponent..-1).map(|_| '0'));
            out.push_str(digits);
            return;
        };
        let point = exponent + 1;
        if digits.len() > point {
            out.push_str(&digits[..point]);
            out.push('.');
            out.push_str(&digits[point..]);
        } else {
            out.push_str(digits);
            out.extend((digits.len()..point).map(|_| '0'));
            out.push_str(".0");
        }
    }

    /// `1e-05`, `1.5e+16`.
    fn write_scientific(&self, out: &mut String) {
        let digits = self.digits();
        out.push_str(&digits[..1]);
        if digits.len() > 1 {
            out.push('.');
            out.push_str(&digits[1..]);
        }
        let sign = if self.exponent < 0 { '-' } else { '+' };
        let _ = write!(out, "e{sign}{:02}", self.exponent.abs());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits() {
        for (value, rounded) in [
            (0.0, 0.0),
            (12.49987, 12.5),
            (-0.000_631_688_999, -0.000_631_7),
            (9.999_96, 10.0),
            (123_456.7, 123_500.0),
            (5e-324, 5e-324),
            (f64::MAX, f64::MAX),
            (f64::NEG_INFINITY, f64::NEG_INFINITY),
        ] {
            assert_eq!(significant(value, 4), rounded, "{value}");
        }
        assert!(significant(f64::NAN, 4).is_nan());
    }

    #[test]
    fn plain_numbers_have_no_exponent_where_people_can_read_them() {
        for (value, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (3.0, "3"),
            (-2.5, "-2.5"),
            (1234567.0, "1234567"),
            (1234567.25, "1234567.25"),
            (1e6, "1000000"),
            (999999999999999.0, "999999999999999"),
            (1e15, "1e+15"),
            (-1e6, "-1000000"),
            (0.0001, "0.0001"),
            (1e-5, "1e-05"),
            (0.1 + 0.2, "0.30000000000000004"),
            (f64::INFINITY, "+Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(plain(value), text, "{value:e}");
        }
    }

    #[test]
    fn as_float_to_go_string() {
        // The right-hand side is what prometheus_client 0.26.0 prints.
        for (value, text) in [
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (1.0, "1.0"),
            (-1.5, "-1.5"),
            (0.1 + 0.2, "0.30000000000000004"),
            (0.0001, "0.0001"),
            (0.00012345, "0.00012345"),
            (1e-5, "1e-05"),
            (1.5e-7, "1.5e-07"),
            (5e-324, "5e-324"),
            (123456.0, "123456.0"),
            (999999.5, "999999.5"),
            (1e6, "1e+06"),
            (1234567.5, "1.2345675e+06"),
            (1.23456789e8, "1.23456789e+08"),
            (1e10, "1e+10"),
            (9007199254740993.0, "9.007199254740992e+15"),
            (1e15, "1e+15"),
            (1e16, "1e+16"),
            (1.5e300, "1.5e+300"),
            (f64::MAX, "1.7976931348623157e+308"),
            (-1e6, "-1000000.0"),
            (-1234567890123456.0, "-1234567890123456.0"),
            (-1e16, "-1e+16"),
            (9.5e-323, "9.4e-323"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (-f64::NAN, "NaN"),
        ] {
            assert_eq!(go_string(value), text, "{value:e}");
        }
    }
}
