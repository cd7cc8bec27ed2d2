//! Dates and ages, as tables show them.

use std::fmt::Write;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The moment that many seconds after 1970; `None` where no calendar of ours reaches.
pub(crate) fn from_unix(seconds: f64) -> Option<SystemTime> {
    let distance = Duration::try_from_secs_f64(seconds.abs()).ok()?;
    if seconds < 0.0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) }
}

/// A moment in UTC, e.g. `2026-11-23T12:00:00Z`; `None` outside of the years 1970 to 9999.
pub(crate) fn date(moment: SystemTime) -> Option<String> {
    // humantime panics before 1970, and fails after 9999.
    moment.duration_since(UNIX_EPOCH).ok()?;
    let mut text = String::new();
    write!(text, "{}", humantime::format_rfc3339_seconds(moment)).ok()?;
    Some(text)
}

/// How long ago that was, in its two largest units: `3h 12m ago`, `5s ago`, `in 2d 1h`.
pub(crate) fn age(moment: SystemTime, now: SystemTime) -> String {
    match now.duration_since(moment) {
        Ok(past) => format!("{} ago", rough(past)),
        Err(future) if future.duration() < Duration::from_secs(1) => "0s ago".to_owned(),
        Err(future) => format!("in {}", rough(future.duration())),
    }
}

fn rough(duration: Duration) -> String {
    const UNITS: [(&str, u64); 5] = [("y", 31_557_600), ("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)];
    let seconds = duration.as_secs();
    let largest = UNITS.iter().position(|(_, size)| seconds >= *size).unwrap_or(UNITS.len() - 1);
    let (unit, size) = UNITS[largest];
    let mut text = format!("{}{unit}", seconds / size);
    if let Some((next, next_size)) = UNITS.get(largest + 1)
        && seconds % size >= *next_size
    {
        // Writing to a String does not fail.
        let _ = write!(text, " {}{next}", seconds % size / next_size);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_two_largest_units_of_an_age() {
        let now = from_unix(2_000_000_000.0).expect("a moment");
        for (seconds, text) in [
            (0.0, "0s ago"),
            (59.9, "59s ago"),
            (60.0, "1m ago"),
            (11_520.0, "3h 12m ago"),
            (90_061.0, "1d 1h ago"),
            (86_405.0, "1d ago"),
            (40_000_000.0, "1y 97d ago"),
            (-0.5, "0s ago"),
            (-61.0, "in 1m 1s"),
        ] {
            let moment = from_unix(2_000_000_000.0 - seconds).expect("a moment");
            assert_eq!(age(moment, now), text, "{seconds}");
        }
    }

    #[test]
    fn moments_that_have_no_date() {
        let shown = |seconds| from_unix(seconds).and_then(date);
        assert_eq!(shown(1.9).as_deref(), Some("1970-01-01T00:00:01Z"));
        for seconds in [f64::NAN, f64::INFINITY, 1e300, -1.0, 3e11] {
            assert_eq!(shown(seconds), None, "{seconds}");
        }
    }
}
