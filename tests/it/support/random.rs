//! Random directories: what processes of any client version may have written, nasty names and
//! values included, and what no client writes but its reader takes.
//!
//! Everything is a function of the seed. Left out is only what makes the client itself raise.

use std::collections::BTreeSet;

use serde_json::{Value, json};

/// What a directory is made of.
#[derive(Debug)]
pub(crate) struct RandomDirectory {
    /// For [`Client::write`](super::Client::write).
    pub processes: Value,
    /// File names, with their entries for [`Client::raw`](super::Client::raw).
    pub forged: Vec<(String, Value)>,
}

/// What a release of the client allows in a directory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Abilities {
    pub modes: &'static [&'static str],
    /// Names of any characters (from 0.22.0 on), and forged entries, which have the keys of era D.
    pub any_names: bool,
    /// Counters keep the `_total` of their name, as in era A, where only such counters are made:
    /// how others print is for a named test.
    pub keeps_total: bool,
}

impl Abilities {
    /// Those of a release under test.
    pub(crate) fn of(version: &str) -> Self {
        // In the order in which they came to the client: 0.0.16, 0.15.0, 0.18.0.
        const MODES: &[&str] = &[
            "all",
            "liveall",
            "livesum",
            "max",
            "min",
            "livemax",
            "livemin",
            "sum",
            "livemostrecent",
            "mostrecent",
        ];
        let modes = match version {
            "0.2.0" | "0.8.0" => &MODES[..5],
            "0.16.0" | "0.17.1" => &MODES[..8],
            _ => MODES,
        };
        Self { modes, any_names: version == "0.26.0", keeps_total: version == "0.2.0" }
    }
}

const LEGACY_NAMES: [&str; 10] = [
    "requests",
    "http_requests",
    "a",
    "ns:sub:queue_depth",
    "job_seconds",
    "Z9",
    "_hidden",
    "requests_total",
    "http",
    "x_created_by",
];
const NASTY_NAMES: [&str; 14] = [
    "http.requests",
    "größe",
    "with space",
    "quo\"te",
    "back\\slash",
    "new\nline",
    "tab\tbed",
    "9lives",
    "a-b",
    "日本語",
    "e\u{301}",
    "😀",
    "nul\0",
    "a_b.c__d",
];
const LEGACY_LABELS: [&str; 7] = ["method", "path", "pid", "A1", "_x", "status", "zone"];
const NASTY_LABELS: [&str; 10] =
    ["http.method", "größe", "with space", "quo\"te", "back\\slash", "new\nline", "", "9", "日本", "a:b"];
const LABEL_VALUES: [&str; 30] = [
    "",
    "GET",
    "POST",
    "/",
    "/a b/ü",
    "200",
    "1",
    "1.0",
    "quo\"te",
    "\"",
    "back\\slash",
    "\\n",
    "\\",
    "end\\",
    "new\nline",
    "\n",
    "\r\n",
    "tab\t",
    "\u{1b}[31mred",
    "\0",
    "\u{7f}",
    "\u{85}\u{2028}",
    "日本語",
    "e\u{301}\u{308}",
    "👩\u{200d}👩\u{200d}👧",
    "\u{202e}right to left",
    "\u{feff}bom",
    "a,b=\"c\"} 1",
    "{}[]",
    "\u{10ffff}",
];
const HELPS: [&str; 9] = [
    "",
    "Requests that were answered",
    "Multiprocess metric",
    "two\nlines",
    "back\\slash \\n",
    "\"quoted\"",
    " spaces ",
    "Größe 日本 😀",
    "\u{1b}[2J\r\t",
];
const VALUES: [f64; 32] = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    2.0,
    0.1,
    0.2,
    0.1 + 0.2,
    1.5,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
    1e6,
    999_999.0,
    999_999.5,
    1_000_000.5,
    123_456_789.0,
    -1e6,
    -123_456_789.0,
    1e10,
    12_345_678_901.25,
    1e15,
    1e16,
    9_007_199_254_740_993.0,
    1e21,
    1e-4,
    1e-5,
    1.234e-7,
    5e-324,
    f64::MAX,
    f64::MIN,
    0.000_123_456_789,
];
const BUCKETS: [&[&str]; 6] = [
    &["0.1", "0.5", "1", "5"],
    &["1", "inf"],
    &["-1", "0", "1"],
    &["0.5", "1", "2.5"],
    &["1000", "1000000", "10000000000"],
    &["-inf", "1e-9", "0.005", "0.1", "1", "1e16", "1e22"],
];
/// All are numbers to Python's `float`, and some the same number.
const BOUNDS: [&str; 19] = [
    "1", "1.0", "+1", "1e0", "+Inf", "inf", "Infinity", "-Inf", "1e3", "1000", "1_000", " 1 ", "\n2\t", "-0",
    "0", ".5", "5e-1", "1E6", "٣",
];
const TIMES: [&str; 7] = ["0", "1700000000.25", "1700000000.25", "1700000001", "1", "-5", "1.5e-3"];
/// What a process_identifier may return.
const PIDS: [&str; 16] = [
    "1",
    "2",
    "7",
    "10",
    "99",
    "123",
    "31337",
    "4194304",
    "web",
    "web-1.example",
    "host_5",
    "ab_5",
    "a_b_c",
    "wörker_é_1",
    "日本語_2",
    "x[1]*?",
];

/// splitmix64: small, and good enough to choose from tables.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    /// True once in that many times.
    fn one_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn value(&mut self) -> f64 {
        match self.below(3) {
            0 => self.pick(&VALUES),
            // What services really hold: small numbers of few digits.
            1 => f64::from(u32::try_from(self.below(2_000_000)).unwrap()) / self.pick(&[1.0, 10.0, 1000.0]),
            _ => f64::from_bits(self.next()),
        }
    }

    /// A subset of size 0 to 3, in random order.
    fn labels(&mut self, names: &[&'static str]) -> Vec<&'static str> {
        let mut chosen = Vec::new();
        for _ in 0..self.pick(&[0, 0, 1, 1, 2, 3]) {
            let name = self.pick(names);
            if !chosen.contains(&name) {
                chosen.push(name);
            }
        }
        chosen
    }
}

/// A metric as an application declares it.
struct Metric {
    metric_type: &'static str,
    name: String,
    mode: Option<&'static str>,
    labels: Vec<&'static str>,
    buckets: &'static [&'static str],
    /// More than one is a conflict: the help of the first file that is read counts.
    helps: Vec<&'static str>,
}

impl RandomDirectory {
    pub(crate) fn new(seed: u64, abilities: Abilities) -> Self {
        let mut random = Random(seed);
        let metrics = metrics(&mut random, abilities);
        let count = 1 + random.below(6);
        let pids: BTreeSet<_> = (0..count).map(|_| random.pick(&PIDS)).collect();
        let processes = pids.iter().map(|pid| process(&mut random, pid, &metrics)).collect();
        let mut forged = Vec::new();
        if abilities.any_names && random.one_in(2) {
            for _ in 0..=random.below(3) {
                forged.push(forged_file(&mut random, forged.len(), &metrics));
            }
        }
        Self { processes, forged }
    }
}

fn metrics(random: &mut Random, abilities: Abilities) -> Vec<Metric> {
    let with = |legacy: &[&'static str], nasty: &[&'static str]| match abilities.any_names {
        true => [legacy, nasty].concat(),
        false => legacy.to_vec(),
    };
    let names = with(&LEGACY_NAMES, &NASTY_NAMES);
    let labels = with(&LEGACY_LABELS, &NASTY_LABELS);
    let mut metrics = Vec::new();
    for _ in 0..=random.below(7) {
        let metric_type = random.pick(&["counter", "gauge", "gauge", "histogram", "summary"]);
        // From a small choice, so that a name is now and then used for two types or two modes.
        let mut name = random.pick(&names).to_owned();
        if metric_type == "counter" && abilities.keeps_total && !name.ends_with("_total") {
            name += "_total";
        }
        let mut labels = random.labels(&labels);
        if metric_type != "histogram" && random.one_in(6) {
            labels.push("le");
        }
        let helps = (0..=usize::from(random.one_in(4))).map(|_| random.pick(&HELPS)).collect();
        metrics.push(Metric {
            metric_type,
            name,
            mode: (metric_type == "gauge").then(|| random.pick(abilities.modes)),
            labels,
            buckets: random.pick(&BUCKETS),
            helps,
        });
    }
    metrics
}

fn process(random: &mut Random, pid: &str, metrics: &[Metric]) -> Value {
    let mut operations = Vec::new();
    for metric in metrics {
        if random.one_in(5) {
            continue;
        }
        // One layout a process: another one now and then, as during a rolling deploy.
        let buckets = if random.one_in(5) { random.pick(&BUCKETS) } else { metric.buckets };
        let help = random.pick(&metric.helps);
        for _ in 0..=random.below(4) {
            let labels: Vec<_> =
                metric.labels.iter().map(|name| json!([name, random.pick(&LABEL_VALUES)])).collect();
            let mut operation = json!({
                "type": metric.metric_type,
                "name": metric.name,
                "help": help,
                "labels": labels,
            });
            if metric.metric_type == "histogram" {
                operation["buckets"] = json!(buckets);
            }
            if let Some(mode) = metric.mode {
                operation["mode"] = mode.into();
                operation["time_is"] = random.pick(&TIMES).into();
            }
            // Without an operation the series only comes into being.
            if !random.one_in(6) {
                let (op, value) = operation_on(random, metric);
                operation["op"] = op.into();
                operation["value"] = float(value);
            }
            operations.push(operation);
        }
    }
    json!({"pid": pid, "operations": operations})
}

fn operation_on(random: &mut Random, metric: &Metric) -> (&'static str, f64) {
    let value = random.value();
    match (metric.metric_type, metric.mode) {
        // The client refuses to count down.
        ("counter", _) => ("inc", if value < 0.0 { -value } else { value }),
        ("gauge", Some("mostrecent" | "livemostrecent")) => {
            (random.pick(&["set", "set_to_current_time"]), value)
        }
        ("gauge", _) => {
            (random.pick(&["set", "set", "inc", "dec", "set_to_current_time", "set_function"]), value)
        }
        _ => ("observe", value),
    }
}

/// A file that no client writes and its reader takes: bounds in other spellings, negative
/// counters, JSON in other words, samples with any name, modes that do not exist.
fn forged_file(random: &mut Random, number: usize, metrics: &[Metric]) -> (String, Value) {
    let metric_type = random.pick(&["counter", "gauge", "histogram", "histogram", "summary"]);
    let name = match metric_type {
        "gauge" => {
            format!("gauge_{}_f{number}.db", random.pick(&["all", "min", "mostrecent", "sum", "avg", ""]))
        }
        _ => format!("{metric_type}_f{number}.db"),
    };
    let mut entries = Vec::new();
    for _ in 0..=random.below(8) {
        let family = match random.one_in(2) {
            true => random.pick(&LEGACY_NAMES).to_owned(),
            false => metrics[random.below(metrics.len())].name.clone(),
        };
        let suffix = random
            .pick(&["", "_total", "_bucket", "_bucket", "_sum", "_count", "_created", "_gsum", "_gcount"]);
        let sample = if random.one_in(8) { "other".to_owned() } else { format!("{family}{suffix}") };
        let mut labels: Vec<(&str, &str)> = Vec::new();
        if metric_type == "histogram" && !random.one_in(4) {
            labels.push(("le", random.pick(&BOUNDS)));
        }
        for name in random.labels(&["b", "a", "pid", "__name__", "größe"]) {
            labels.push((name, random.pick(&LABEL_VALUES)));
        }
        entries.push(json!({
            "key": key_text(random, &family, &sample, &labels),
            "value": float(random.value()),
            "timestamp": random.pick(&["0", "0", "1700000000.25", "1700000002", "-1", "NaN", "inf"]),
        }));
    }
    (name, Value::Array(entries))
}

/// One of the ways to write the same key in JSON.
fn key_text(random: &mut Random, family: &str, sample: &str, labels: &[(&str, &str)]) -> String {
    let ascii = random.one_in(2);
    let quoted = |text: &str| match ascii {
        true => ascii_json(text),
        false => Value::from(text).to_string(),
    };
    let (comma, colon) = random.pick(&[(", ", ": "), (",", ":"), (" ,\t", "\n:  ")]);
    let mut pairs: Vec<_> =
        labels.iter().map(|(name, value)| format!("{}{colon}{}", quoted(name), quoted(value))).collect();
    // Of a name that stands twice, the last counts.
    if let (Some((name, _)), true) = (labels.first(), random.one_in(4)) {
        pairs.insert(0, format!("{}{colon}\"0\"", quoted(name)));
    }
    let help = quoted(random.pick(&HELPS));
    format!("[{}]", [quoted(family), quoted(sample), format!("{{{}}}", pairs.join(comma)), help].join(comma))
}

/// A JSON string with everything but ASCII letters and digits as `\uXXXX`.
fn ascii_json(text: &str) -> String {
    let units: String = text
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    format!("\"{units}\"")
}

/// A number as requests have it: a text that Python's `float` reads back to the same bits.
fn float(value: f64) -> Value {
    format!("{value:?}").into()
}
