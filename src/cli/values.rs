//! What the values of options are made of.

use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use promproc::model::{GaugeMode, MetricType, UnknownName};

/// One of these values, by its name.
pub(super) fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name_of: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(move |value| name_of(*value)))
        .try_map(move |name| all.iter().copied().find(|value| name_of(*value) == name).ok_or(UnknownName))
}

/// Gauge modes; the other metric types are known, hidden, for the sake of the reason.
pub(super) fn prunable_modes() -> impl TypedValueParser<Value = GaugeMode> {
    let modes = GaugeMode::ALL.map(|mode| PossibleValue::new(mode.as_str()));
    let others = MetricType::ALL.map(|other| PossibleValue::new(other.as_str()).hide(true));
    PossibleValuesParser::new(modes.into_iter().chain(others)).try_map(|name| {
        name.parse::<GaugeMode>().map_err(|_| match name.parse() {
            Ok(MetricType::Gauge) | Err(UnknownName) => "say which gauges, e.g. livesum".to_owned(),
            Ok(other) => format!(
                "a {other} is never pruned: it sums over dead processes too; without their files the sum would \
                 fall, which Prometheus takes for a reset of the {other}"
            ),
        })
    })
}

/// What stands for a process in a file name.
pub(super) fn pid(text: &str) -> Result<String, &'static str> {
    match text {
        "" => Err("it is empty"),
        text if text.contains('/') => Err("a file name has no /"),
        text => Ok(text.to_owned()),
    }
}

pub(super) fn permissions(text: &str) -> Result<u32, &'static str> {
    let mode = u32::from_str_radix(text, 8).ok().filter(|mode| *mode <= 0o7777);
    mode.ok_or("permissions are given in octal, e.g. 0755")
}

/// The time between two looks.
pub(super) fn interval(text: &str) -> Result<Duration, &'static str> {
    const SHORTEST: Duration = Duration::from_millis(100);
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    match duration(text)? {
        short if short < SHORTEST => Err("it is at least 100ms"),
        long if long > LONGEST => Err("it is at most 24h"),
        interval => Ok(interval),
    }
}

/// `500ms`, `5s`, `2m`, `1h`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    const WRONG: &str = "a duration is given as 500ms, 5s, 2m or 1h";
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| WRONG);
    }
    humantime::parse_duration(text).map_err(|_| WRONG)
}

pub(super) fn label(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("a label is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
