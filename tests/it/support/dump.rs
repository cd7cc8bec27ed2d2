//! Comparing `promproc dump --format json` with what the client's own reader returns.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Client, promproc};

/// Fails unless `dump` shows every entry of every file of a directory that `client` reads there,
/// each at its offset, and nothing else.
#[track_caller]
pub(crate) fn assert_dump_is_what_the_client_reads(directory: &Path, client: &mut Client, what: &str) {
    let output = promproc().args(["dump", "--format", "json"]).arg(directory).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {}: {stderr}", output.status);
    let stdout = String::from_utf8(output.stdout).unwrap();
    let mut lines = stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());

    for file in client.read(directory).unwrap() {
        let path = directory.join(&file.name);
        for entry in file.entries {
            let line = lines.next().unwrap_or_else(|| panic!("{what}: {entry:?} is missing"));
            let at = format!("{what}: {}: {entry:?} is shown as {line}", file.name);
            assert_eq!(line["file"], path.to_str().unwrap(), "{at}");
            assert_eq!(line["value_offset"], entry.position, "{at}");

            let key: Value = serde_json::from_str(&entry.key).unwrap();
            assert_eq!(line["family"], key[0], "{at}");
            assert_eq!(line["sample"], key[1], "{at}");
            assert_eq!(line["labels"], labels(&key), "{at}");
            let has_help = key[2].is_object() && key[3].is_string();
            assert_eq!(
                line["help"],
                if has_help { key[3].clone() } else { "Multiprocess metric".into() },
                "{at}"
            );

            let value: f64 = line["value"].as_str().unwrap().parse().unwrap();
            assert!(same(value, entry.value), "{at}");
            match entry.timestamp.filter(|time| time.is_finite()) {
                None => assert_eq!(line["timestamp"], Value::Null, "{at}"),
                // serde_json reads a float to the last digit but one.
                Some(time) => {
                    let shown = line["timestamp"].as_f64().unwrap();
                    assert!((shown - time).abs() <= time.abs() * f64::EPSILON, "{at}");
                }
            }
        }
    }
    assert_eq!(lines.next(), None, "{what}: the client does not read this entry");
}

/// The labels of a key of any era as an object.
fn labels(key: &Value) -> Value {
    let (Some(names), Some(values)) = (key[2].as_array(), key[3].as_array()) else {
        return key[2].clone();
    };
    let names = names.iter().map(|name| name.as_str().unwrap().to_owned());
    Value::Object(names.zip(values.iter().cloned()).collect::<Map<_, _>>())
}

/// The same number, where one NaN is like another but the zeros differ.
fn same(a: f64, b: f64) -> bool {
    a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan()
}
