//! What the values of options are made of.

use std::ffi::OsStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Arg, Command};
use promproc::check::{Code, Severity};
use promproc::model::{GaugeMode, MetricType, UnknownName};
use promproc::select::Pattern;

/// One of these values, by its name.
pub(super) fn one_of<T: Copy + Send + Sync + 'static>(
    all: &'static [T],
    name_of: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.iter().map(move |value| name_of(*value)))
        .try_map(move |name| all.iter().copied().find(|value| name_of(*value) == name).ok_or(UnknownName))
}

/// Which gauges to prune.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PrunableModes {
    /// Those of all live modes.
    Live,
    /// Those of one mode.
    One(GaugeMode),
}

impl PrunableModes {
    const LIVE: &str = "live";

    /// Whether these are gauges of that mode.
    pub(crate) fn has(self, mode: GaugeMode) -> bool {
        match self {
            Self::Live => mode.is_live(),
            Self::One(one) => one == mode,
        }
    }
}

/// Gauge modes; the other metric types are known, hidden, for the sake of the reason.
pub(super) fn prunable_modes() -> impl TypedValueParser<Value = PrunableModes> {
    let live = PossibleValue::new(PrunableModes::LIVE).help("all live modes");
    let modes = GaugeMode::ALL.map(|mode| PossibleValue::new(mode.as_str()));
    let others = MetricType::ALL.map(|other| PossibleValue::new(other.as_str()).hide(true));
    PossibleValuesParser::new([live].into_iter().chain(modes).chain(others)).try_map(|name| {
        if name == PrunableModes::LIVE {
            return Ok(PrunableModes::Live);
        }
        name.parse().map(PrunableModes::One).map_err(|_| match name.parse() {
            Ok(MetricType::Gauge) | Err(UnknownName) => "say which gauges, e.g. livesum".to_owned(),
            Ok(other) => format!(
                "a {other} is never pruned: it counts dead processes, too; without their files the sum would fall, \
                 and Prometheus would take that for a reset of the {other}"
            ),
        })
    })
}

/// From which findings on `check` fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailOn {
    Severity(Severity),
    Never,
}

impl FailOn {
    pub(super) const ALL: [Self; 4] = [
        Self::Severity(Severity::ALL[0]),
        Self::Severity(Severity::ALL[1]),
        Self::Severity(Severity::ALL[2]),
        Self::Never,
    ];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Severity(severity) => severity.as_str(),
            Self::Never => "never",
        }
    }

    /// Whether a finding of that severity is one too many.
    pub(crate) fn is_met(self, severity: Severity) -> bool {
        match self {
            Self::Severity(least) => severity >= least,
            Self::Never => false,
        }
    }
}

/// Codes of findings: one by its name, or those that a pattern matches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Codes(Vec<Code>);

impl Codes {
    pub(crate) fn has(&self, code: Code) -> bool {
        self.0.contains(&code)
    }
}

/// The name of a code, or a pattern that matches some.
#[derive(Clone, Debug)]
pub(super) struct CodesParser;

impl TypedValueParser for CodesParser {
    type Value = Codes;

    fn parse_ref(&self, command: &Command, arg: Option<&Arg>, value: &OsStr) -> Result<Codes, clap::Error> {
        let pattern = value.to_str().filter(|text| text.contains(['*', '?'])).map(Pattern::new);
        let matching = |pattern: Pattern| {
            let codes = Code::ALL.iter().copied().filter(|code| pattern.matches(code.as_str()));
            codes.collect::<Vec<_>>()
        };
        match pattern.map(matching).filter(|codes| !codes.is_empty()) {
            Some(codes) => Ok(Codes(codes)),
            // It says which names there are.
            None => {
                one_of(Code::ALL, Code::as_str).parse_ref(command, arg, value).map(|code| Codes(vec![code]))
            }
        }
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        Some(Box::new(Code::ALL.iter().map(|code| PossibleValue::new(code.as_str()))))
    }
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
    const WRONG: &str = "a duration is given as 500ms, 5s, 2m or 1h; a bare number is seconds";
    if let Ok(seconds) = text.parse() {
        return Duration::try_from_secs_f64(seconds).map_err(|_| WRONG);
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let millis: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        _ => return Err(WRONG),
    };
    let number: u64 = number.parse().map_err(|_| WRONG)?;
    number.checked_mul(millis).map(Duration::from_millis).ok_or(WRONG)
}

pub(super) fn label(text: &str) -> Result<(String, String), &'static str> {
    let (name, value) = text.split_once('=').ok_or("a label is given as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// The name of a label that may be added to every series.
pub(super) fn directory_label(text: &str) -> Result<String, String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || !text.chars().all(is_part) || text.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(
            "a label name has letters, digits and underscores, and does not begin with a digit".to_owned()
        );
    }
    if ["pid", "le", "quantile"].contains(&text) || text.starts_with("__") {
        return Err(format!("the label {text} has a meaning of its own"));
    }
    Ok(text.to_owned())
}
