//! The oracle itself: that the files come from the real client, one of each era, and that its
//! answers are the client's.

use std::fs;

use serde_json::json;
use tempfile::TempDir;

use crate::support::{Client, FileEntries, Merge};

/// The releases and what stands behind a key in their files: `(version, value bytes, key)`.
const ERAS: [(&str, u64, &str); 6] = [
    ("0.2.0", 8, r#"["r_total", "r_total", ["b", "a"], ["\u00fc", "1"]]"#),
    ("0.8.0", 8, r#"["r", "r_total", {"a": "1", "b": "\u00fc"}]"#),
    ("0.16.0", 8, r#"["r", "r_total", {"a": "1", "b": "\u00fc"}, "help"]"#),
    ("0.17.1", 8, r#"["r", "r_total", {"a": "1", "b": "\u00fc"}, "help"]"#),
    ("0.21.1", 16, r#"["r", "r_total", {"a": "1", "b": "\u00fc"}, "help"]"#),
    ("0.26.0", 16, r#"["r", "r_total", {"a": "1", "b": "\u00fc"}, "help"]"#),
];

#[test]
fn every_release_writes_its_era_and_is_read_by_the_current_one() {
    for (version, value_bytes, key) in ERAS {
        let (Some(mut client), Some(mut current)) = (Client::version(version), Client::current()) else {
            return;
        };
        let [directory, transcoded] = [(); 2].map(|()| TempDir::new().unwrap());
        let operation = json!({"type": "counter", "name": "r_total", "help": "help",
            "labels": [["b", "ü"], ["a", "1"]], "op": "inc", "value": "0.1"});
        let processes = json!([{"pid": "7", "operations": [operation]}]);
        assert_eq!(client.write(directory.path(), &processes).unwrap(), ["7"], "{version}");

        let bytes = fs::read(directory.path().join("counter_7.db")).unwrap();
        let used = u64::from(u32::from_ne_bytes(bytes[..4].try_into().unwrap()));
        let files = client.read(directory.path()).unwrap();
        let [FileEntries { name, entries }] = files.as_slice() else { panic!("{version}: {files:?}") };
        assert_eq!((name.as_str(), entries.len()), ("counter_7.db", 1), "{version}");
        assert_eq!(entries[0].key, key, "{version}");
        assert_eq!(entries[0].position + value_bytes, used, "{version}");
        let at = usize::try_from(entries[0].position).unwrap();
        assert_eq!(bytes[at..at + 8], entries[0].value.to_ne_bytes(), "{version}");
        assert_eq!(entries[0].timestamp, (value_bytes == 16).then_some(0.0), "{version}");

        current.transcode(transcoded.path(), &files).unwrap();
        let help = if key.contains("help") { "help" } else { "Multiprocess metric" };
        assert_eq!(
            current.merge(transcoded.path(), Merge::default()).unwrap(),
            format!("# HELP r_total {help}\n# TYPE r_total counter\nr_total{{a=\"1\",b=\"ü\"}} 0.1\n"),
            "{version}"
        );
    }
}

#[test]
fn without_a_chosen_pid_the_process_is_a_real_fork() {
    let Some(mut client) = Client::current() else { return };
    let directory = TempDir::new().unwrap();
    let gauge = json!([{"type": "gauge", "name": "g", "mode": "all", "op": "set", "value": "NaN"}]);
    let pids =
        client.write(directory.path(), &json!([{"operations": gauge}, {"operations": gauge}])).unwrap();
    assert!(pids.iter().all(|pid| pid.parse::<u32>().is_ok_and(|pid| pid != std::process::id())), "{pids:?}");
    let text = client.merge(directory.path(), Merge::default()).unwrap();
    for pid in &pids {
        assert!(text.contains(&format!("g{{pid=\"{pid}\"}} NaN\n")), "{text}");
    }
}

#[test]
fn an_operation_takes_place_at_the_time_that_it_says() {
    let Some(mut client) = Client::current() else { return };
    let directory = TempDir::new().unwrap();
    let at = |value: &str, time: &str| json!({"type": "gauge", "name": "g", "mode": "mostrecent", "op": "set", "value": value, "time_is": time});
    let processes = json!([
        {"pid": "1", "operations": [at("1", "20.5")]},
        {"pid": "2", "operations": [at("2", "20.5")]},
        {"pid": "3", "operations": [at("3", "0")]},
    ]);
    client.write(directory.path(), &processes).unwrap();
    let times: Vec<_> =
        client.read(directory.path()).unwrap().into_iter().map(|file| file.entries[0].timestamp).collect();
    assert_eq!(times, [Some(20.5), Some(20.5), Some(0.0)]);
    let merged = |text: &str| text.lines().last().unwrap().to_owned();
    assert_eq!(merged(&client.merge(directory.path(), Merge::default()).unwrap()), "g 1.0");

    // The order of the files is the caller's where they are given one by one.
    let files = ["3", "2", "1"].map(|pid| directory.path().join(format!("gauge_mostrecent_{pid}.db")));
    let files = files.each_ref().map(|file| file.as_path());
    assert_eq!(merged(&client.merge_files(&files, Merge::default()).unwrap()), "g 2.0");
}

#[test]
fn a_key_may_be_any_bytes_and_what_the_client_raises_is_an_error() {
    let Some(mut client) = Client::current() else { return };
    let directory = TempDir::new().unwrap();
    let file = directory.path().join("counter_1.db");
    client.raw(&file, &json!([{"key_hex": "5b22ff", "value": "1"}])).unwrap();
    assert_eq!(fs::read(&file).unwrap()[8..16], *b"\x03\0\0\0[\"\xff ");
    let error = client.merge(directory.path(), Merge::default()).unwrap_err();
    assert!(error.starts_with("UnicodeDecodeError: "), "{error}");
}

#[test]
fn the_merge_options_reach_the_client() {
    let Some(mut client) = Client::current() else { return };
    let directory = TempDir::new().unwrap();
    let histogram =
        json!({"type": "histogram", "name": "h.ö", "buckets": ["1", "2"], "op": "observe", "value": "2"});
    client.write(directory.path(), &json!([{"pid": "1", "operations": [histogram]}])).unwrap();
    let mut merged = |how| client.merge(directory.path(), how).unwrap();

    assert!(merged(Merge::default()).contains("h___bucket{le=\"+Inf\"} 1.0\n"));
    assert!(merged(Merge { escaping: "dots", ..Merge::default() }).contains("# TYPE h_dot___ histogram\n"));
    assert!(merged(Merge { format: "openmetrics", ..Merge::default() }).ends_with("# EOF\n"));
    let stored = merged(Merge { accumulate: false, escaping: "allow-utf-8", ..Merge::default() });
    assert!(stored.contains("{\"h.ö_bucket\",le=\"+Inf\"} 0.0\n") && !stored.contains("_count"), "{stored}");
}

#[test]
fn mark_dead_removes_the_live_gauges_of_one_process() {
    let Some(mut client) = Client::current() else { return };
    let directory = TempDir::new().unwrap();
    let gauge = |mode: &str| json!({"type": "gauge", "name": mode, "mode": mode});
    let operations = json!([gauge("all"), gauge("livesum"), gauge("livemostrecent")]);
    let processes = json!([{"pid": "1", "operations": operations}, {"pid": "12", "operations": operations}]);
    client.write(directory.path(), &processes).unwrap();
    assert_eq!(
        client.mark_dead("1", directory.path()).unwrap(),
        ["gauge_all_1.db", "gauge_all_12.db", "gauge_livemostrecent_12.db", "gauge_livesum_12.db"]
    );
}
