//! `promproc merge` from the outside: what is left out, what is warned of, where the output goes.
//! That the output is the client's is the business of `differential` and `golden`.

mod chosen;
mod damage;
mod output;
mod replaced;
mod threads;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use tempfile::TempDir;

use crate::support::{GET, POST, Ran, SIZE, encoded, promproc, run, small_directory, write};

fn merge(options: &[&str], path: &Path) -> Ran {
    run(promproc().arg("merge").args(options).arg(path))
}

/// A file's name and its entries: keys and values.
type Files<'a> = &'a [(&'a str, &'a [(&'a str, f64)])];

fn directory_of(files: Files<'_>) -> TempDir {
    let directory = TempDir::new().unwrap();
    for (name, entries) in files {
        write(&directory, name, &encoded(entries));
    }
    directory
}

#[test]
fn a_link_is_named_and_what_the_client_does_not_see_is_not_seen() {
    let elsewhere = directory_of(&[("data", &[(GET, 2.0)])]);
    let directory = directory_of(&[("counter_1.db", &[(GET, 1.0)])]);
    symlink(elsewhere.path().join("data"), directory.path().join("counter_2.db")).unwrap();
    for name in [".counter_3.db", "counter_4.db.tmp", "notes.txt"] {
        fs::write(directory.path().join(name), encoded(&[(GET, 100.0)])).unwrap();
    }
    fs::create_dir(directory.path().join("sub")).unwrap();
    fs::write(directory.path().join("sub/counter_5.db"), encoded(&[(GET, 40.0)])).unwrap();
    let ran = merge(&[], directory.path());
    assert!(ran.stdout.ends_with("{method=\"GET\",path=\"/\"} 1.0\n"), "{ran:?}");
    let link = directory.path().join("counter_2.db");
    let said = format!("promproc: warning: {}: left out: a link; links are not followed\n", link.display());
    assert_eq!((&ran.stderr, ran.status), (&said, Some(1)));
    let below = merge(&["-r"], directory.path());
    assert!(below.stdout.ends_with("{method=\"GET\",path=\"/\"} 41.0\n"), "{below:?}");
}

#[test]
fn what_cannot_be_done_is_said_with_a_hint() {
    let directory = small_directory();
    for (path, error) in [("missing", "no such file or directory"), ("gauge_5.db", "no such file")] {
        let ran = merge(&[], &directory.path().join(path));
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)), "{ran:?}");
        assert!(ran.stderr.starts_with("promproc: error: ") && ran.stderr.contains(error), "{ran:?}");
    }
    fs::write(directory.path().join("notes.db"), "text").unwrap();
    let ran = merge(&[], &directory.path().join("notes.db"));
    assert!(ran.stderr.contains("notes.db: left out: not a name of a metric file"), "{ran:?}");
    assert_eq!(ran.status, Some(2));

    let unset = run(promproc().args(["merge"]).env("PROMETHEUS_MULTIPROC_DIR", ""));
    assert!(
        unset.stderr.contains("no PATH given, and PROMETHEUS_MULTIPROC_DIR is set, but empty: "),
        "{unset:?}"
    );
    assert_eq!(unset.status, Some(2));
    let usage = run(promproc().args(["merge", "--format", "xml"]));
    assert_eq!((usage.stdout.as_str(), usage.status), ("", Some(2)), "{usage:?}");
}

#[test]
fn an_empty_directory_prints_nothing() {
    let directory = TempDir::new().unwrap();
    for (format, printed) in [("text", ""), ("openmetrics", "# EOF\n"), ("json", "[]\n"), ("table", "")] {
        let ran = merge(&["--format", format], directory.path());
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status), (printed, "", Some(0)));
    }
}

#[test]
fn several_paths_are_one_result_and_a_file_counts_once() {
    let (one, two) =
        (directory_of(&[("counter_1.db", &[(GET, 1.0)])]), directory_of(&[("counter_1.db", &[(GET, 2.0)])]));
    let file = two.path().join("counter_1.db");
    let ran = run(promproc().arg("merge").args([one.path(), two.path(), &file]));
    assert!(ran.stdout.ends_with(" 3.0\n"), "{ran:?}");
    // A shell's order of names depends on its locale; the result does not.
    let names = directory_of(&[("gauge_all_B.db", &[(SIZE, 1.0)]), ("gauge_all_a.db", &[(SIZE, 2.0)])]);
    let paths = ["gauge_all_a.db", "gauge_all_B.db"].map(|name| names.path().join(name));
    let ran = run(promproc().arg("merge").args(&paths));
    assert_eq!(ran.stdout, merge(&[], names.path()).stdout);
    assert!(ran.stdout.find("pid=\"B\"") < ran.stdout.find("pid=\"a\""), "{ran:?}");
}

#[test]
fn surprises_in_the_clients_rules_are_warned_of() {
    let gauge = r#"["g", "g", {"pid": "x"}, ""]"#;
    let plain = r#"["g", "g", {}, ""]"#;
    let surrogate = r#"["s", "s", {"l": "\udc80"}, ""]"#;
    let cases: [(Files<'_>, &str, &str); 6] = [
        (
            &[("gauge_max_1.db", &[(plain, 1.0)]), ("gauge_sum_1.db", &[(plain, 2.0)])],
            "family g: its files are of the modes max and sum; sum, of the file read last, applies to all",
            "g 3.0\n",
        ),
        (
            &[("counter_1.db", &[(plain, 1.0)]), ("summary_1.db", &[(plain, 2.0)])],
            "family g: its files are of the types counter and summary; counter, of the file read first, applies \
             to all",
            "g 3.0\n",
        ),
        (&[("gauge_sum_1.db", &[(gauge, 1.0)])], "family g: its own label pid is lost", "g 1.0\n"),
        (&[("gauge_all_7.db", &[(gauge, 1.0)])], "family g: its own label pid is lost", "g{pid=\"7\"} 1.0\n"),
        (
            &[("gauge_avg_7.db", &[(plain, 1.0)])],
            "family g: no client has the gauge mode avg; it is treated as all",
            "g{pid=\"7\"} 1.0\n",
        ),
        (
            &[("summary_7.db", &[(surrogate, 1.0)])],
            "family s: a lone surrogate in a name, label or help became U+FFFD",
            "s{l=\"\u{fffd}\"} 1.0\n",
        ),
    ];
    for (files, warning, sample) in cases {
        let directory = directory_of(files);
        let ran = merge(&[], directory.path());
        assert!(ran.stderr.starts_with(&format!("promproc: warning: {warning}")), "{ran:?}");
        assert!(ran.stdout.ends_with(sample), "{ran:?}");
        assert_eq!(ran.status, Some(0), "nothing was left out: {ran:?}");
        let quiet = merge(&["-q"], directory.path());
        assert_eq!((quiet.stdout, quiet.stderr.as_str()), (ran.stdout, ""));
    }
}

#[test]
fn a_bound_that_is_no_number_is_left_out() {
    let bucket = |le: &str| format!(r#"["h", "h_bucket", {{"le": "{le}"}}, ""]"#);
    let (one, word, nan) = (bucket("1"), bucket("one"), bucket("NaN"));
    let directory = directory_of(&[("histogram_1.db", &[(&one, 1.0), (&word, 2.0), (&nan, 4.0)])]);
    let ran = merge(&[], directory.path());
    assert!(ran.stdout.ends_with("h_bucket{le=\"1.0\"} 1.0\nh_count 1.0\n"), "{ran:?}");
    assert!(ran.stderr.contains(": entry left out: the bucket bound le=\"one\" is not a number"), "{ran:?}");
    assert!(ran.stderr.contains("(and 1 more entries)"), "{ran:?}");
    assert_eq!(ran.status, Some(1));
}

#[test]
fn filters_leave_the_samples_that_match() {
    let directory = small_directory();
    for (options, samples) in [
        (&["--type", "gauge"][..], 1),
        (&["--mode", "livesum"], 1),
        (&["--pid", "12"], 2),
        (&["--name", "http_*"], 2),
        (&["--name", "queue_size", "--name", "http_requests_total"], 3),
        (&["--label", "method=GET"], 1),
    ] {
        let ran = merge(options, directory.path());
        let found = ran.stdout.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!((found, ran.stderr.as_str(), ran.status), (samples, "", Some(0)), "{options:?}");
    }
}

#[test]
fn sort_makes_the_order_independent_of_the_files() {
    let first =
        directory_of(&[("counter_1.db", &[(POST, 1.0), (GET, 2.0)]), ("summary_1.db", &[(SIZE, 3.0)])]);
    let second =
        directory_of(&[("counter_1.db", &[(GET, 2.0), (POST, 1.0)]), ("gauge_sum_1.db", &[(SIZE, 3.0)])]);
    let samples = |directory: &TempDir, options: &[&str]| -> Vec<String> {
        let ran = merge(options, directory.path());
        ran.stdout.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect()
    };
    assert_ne!(samples(&first, &[]), samples(&second, &[]));
    assert_eq!(samples(&first, &["--sort"]), samples(&second, &["--sort"]));
    assert!(samples(&first, &["--sort"])[0].contains("GET"));
}

#[test]
fn json_is_laid_out_as_prom2json_does() {
    let directory = directory_of(&[
        (
            "histogram_1.db",
            &[
                (r#"["h", "h_sum", {"a": "x"}, "H"]"#, 2.5),
                (r#"["h", "h_bucket", {"a": "x", "le": "1"}, "H"]"#, 1.0),
                (r#"["h", "h_bucket", {"a": "x", "le": "+Inf"}, "H"]"#, 2.0),
            ],
        ),
        ("counter_1.db", &[(GET, f64::NAN)]),
        ("summary_1.db", &[(r#"["s", "s_count", {}, ""]"#, 4.0), (r#"["s", "s_sum", {}, ""]"#, 1e6)]),
    ]);
    let ran = merge(&["--format", "json"], directory.path());
    let json: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let expected = serde_json::json!([
        {"name": "http_requests_total", "help": "Requests", "type": "COUNTER",
         "metrics": [{"labels": {"method": "GET", "path": "/"}, "value": "NaN"}]},
        {"name": "h", "help": "H", "type": "HISTOGRAM",
         "metrics": [{"labels": {"a": "x"}, "buckets": {"1.0": "1.0", "+Inf": "3.0"}, "count": "3.0", "sum": "2.5"}]},
        {"name": "s", "help": "", "type": "SUMMARY", "metrics": [{"count": "4.0", "sum": "1e+06"}]},
    ]);
    assert_eq!(json, expected);
}

#[test]
fn counters_of_the_first_clients_keep_their_name() {
    // 0.2.0 printed `# TYPE hits counter` for a counter that the application called `hits`.
    let directory = TempDir::new().unwrap();
    let mut encoder = promproc::format::Encoder::new(promproc::format::Layout::Value);
    for key in [r#"["hits", "hits", ["a"], ["1"]]"#, r#"["seen_total", "seen_total", [], []]"#] {
        assert!(encoder.push(key.as_bytes(), 5.0, 0.0));
    }
    fs::write(directory.path().join("counter_1.db"), encoder.into_bytes()).unwrap();
    assert_eq!(
        merge(&[], directory.path()).stdout,
        "# HELP hits Multiprocess metric\n# TYPE hits counter\nhits{a=\"1\"} 5.0\n\
         # HELP seen_total Multiprocess metric\n# TYPE seen_total counter\nseen_total 5.0\n"
    );
}
