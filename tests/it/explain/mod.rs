//! `promproc explain`, seen from outside: the reasons add up to the value, and lead to what mends it.

mod absent;
mod contributions;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use promproc::format::{Encoder, Layout};
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::{
    Directory, Holder, Ran, encoded, path_with_promproc, promproc, run, small_directory, write,
};

fn explain(options: &[&str], selector: &str, path: &Path) -> Ran {
    run(promproc().arg("explain").args(options).arg(selector).arg(path))
}

/// Every field of a line; an unknown one is an error.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    sample: String,
    labels: BTreeMap<String, String>,
    family: String,
    r#type: String,
    mode: Option<String>,
    rule: String,
    value: Option<String>,
    histogram: Option<Histogram>,
    value_without_dead: Option<String>,
    buckets_without_dead: Option<Vec<Bucket>>,
    only_dead: bool,
    remedies: Vec<String>,
    should_be_sum: bool,
    contributions: Vec<Contribution>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Histogram {
    buckets: Vec<Bucket>,
    count: String,
    quantiles: BTreeMap<String, String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Bucket {
    le: String,
    count: String,
    cumulated: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contribution {
    file: String,
    pid: String,
    liveness: String,
    evidence: Option<String>,
    inherited: bool,
    processes: Vec<Process>,
    offset: u64,
    le: Option<String>,
    value: String,
    timestamp: Option<f64>,
    share: Option<f64>,
    fate: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    pid: u32,
    command: String,
    started: u64,
}

fn lines(selector: &str, path: &Path) -> Vec<Line> {
    let ran = explain(&["--format", "json"], selector, path);
    assert!(ran.status == Some(0) || ran.status == Some(1), "{ran:?}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_stuck_gauge_of_a_killed_worker_is_explained_and_mended() {
    let directory = Directory::with(&[]);
    let (Some(killed), Some(alive)) = (Holder::client(directory.path()), Holder::client(directory.path()))
    else {
        return;
    };
    let (dead_pid, live_pid) = (killed.pid().to_string(), alive.pid().to_string());
    killed.kill();

    let series = lines("g_livesum", directory.path());
    let [line] = &series[..] else { panic!("{series:?}") };
    assert_eq!((line.sample.as_str(), line.family.as_str()), ("g_livesum", "g_livesum"));
    assert_eq!((line.r#type.as_str(), line.mode.as_deref()), ("gauge", Some("livesum")));
    assert_eq!(
        line.rule,
        "the sum over live processes' files; nothing removes a dead process's file by itself"
    );
    assert_eq!((line.value.as_deref(), line.value_without_dead.as_deref()), (Some("2.0"), Some("1.0")));
    assert_eq!((line.only_dead, &line.buckets_without_dead), (false, &None));
    assert!(!line.should_be_sum && line.contributions.iter().all(|one| !one.inherited), "{line:?}");
    let of = |pid: &str| line.contributions.iter().find(|one| one.pid == pid).unwrap();
    let (dead, live) = (of(&dead_pid), of(&live_pid));
    assert_eq!((dead.liveness.as_str(), live.liveness.as_str()), ("dead", "live"));
    assert_eq!(dead.evidence.as_deref(), Some("read lease granted: no process has it open for writing"));
    assert!(live.evidence.as_ref().unwrap().starts_with(&format!("open in pid {live_pid} (")), "{live:?}");
    assert_eq!(live.processes[0].pid.to_string(), live_pid);
    assert!(live.processes[0].command.contains("python") && live.processes[0].started > 1_700_000_000);
    assert_eq!((dead.value.as_str(), dead.offset, dead.share), ("1.0", 8, Some(0.5)));
    assert_eq!((dead.le.as_deref(), dead.timestamp), (None, None));
    assert!(dead.file.ends_with(&format!("/gauge_livesum_{dead_pid}.db")));

    let table = explain(&[], "g_livesum", directory.path());
    assert!(table.stdout.starts_with("g_livesum  2\ngauge livesum: the sum over live"), "{table:?}");
    for part in [
        "without dead processes: 1 (1 of its 2 files is theirs)\n",
        &format!("\nfix: promproc prune {}\n", directory.path().display()),
        ", started ",
    ] {
        assert!(table.stdout.contains(part), "{part:?} is missing in {table:?}");
    }

    // What every other mode makes of the dead process.
    for (selector, value, without, mends) in [
        ("g_sum", "2.0", Some("1.0"), true),
        ("g_max", "1.0", Some("1.0"), false),
        ("g_livemax", "1.0", Some("1.0"), false),
        ("g_mostrecent", "1.0", Some("1.0"), false),
        ("c_total", "2.0", Some("1.0"), false),
        (&format!("g_all{{pid=\"{dead_pid}\"}}"), "1.0", None, true),
        (&format!("g_liveall{{pid=\"{dead_pid}\"}}"), "1.0", None, true),
        (&format!("g_all{{pid=\"{live_pid}\"}}"), "1.0", None, false),
    ] {
        let series = lines(selector, directory.path());
        let [line] = &series[..] else { panic!("{selector}: {series:?}") };
        assert_eq!(line.value.as_deref(), Some(value), "{selector}");
        assert_eq!(
            (line.value_without_dead.as_deref(), !line.remedies.is_empty()),
            (without, mends),
            "{line:?}"
        );
    }
    let all = &lines(&format!("g_all{{pid=\"{dead_pid}\"}}"), directory.path())[0];
    assert_eq!(all.remedies, [format!("promproc prune --mode all {}", directory.path().display())]);
    assert!(all.only_dead);

    let remedy =
        Command::new("sh").args(["-c", &line.remedies[0]]).env("PATH", path_with_promproc()).output();
    assert!(remedy.unwrap().status.success());
    let mended = &lines("g_livesum", directory.path())[0];
    assert_eq!((mended.value.as_deref(), mended.value_without_dead.as_deref()), (Some("1.0"), None));
    assert_eq!(mended.contributions.len(), 1);
    assert!(mended.remedies.is_empty());
}

#[test]
fn what_decides_stands_first() {
    let directory = TempDir::new().unwrap();
    let key = r#"["depth", "depth", {"queue": "a"}, "h"]"#;
    for (pid, value) in [(1, 3.0), (2, 1.0), (3, 2.0)] {
        write(&directory, &format!("gauge_min_{pid}.db"), &encoded(&[(key, value)]));
        write(
            &directory,
            &format!("gauge_max_{pid}.db"),
            &encoded(&[(&key.replace("depth", "most"), value)]),
        );
        let mut encoder = Encoder::new(Layout::ValueAndTime);
        let time = [0.0, 1_700_000_000.0, 1_600_000_000.0][pid - 1];
        assert!(encoder.push(key.replace("depth", "last").as_bytes(), value, time));
        fs::write(directory.path().join(format!("gauge_mostrecent_{pid}.db")), encoder.into_bytes()).unwrap();
    }
    let fates = |selector: &str| -> Vec<_> {
        let line = lines(selector, directory.path()).pop().unwrap();
        line.contributions.into_iter().map(|one| (one.pid, one.fate)).collect()
    };
    let expected = |fates: [&str; 3]| -> Vec<_> {
        ["1", "2", "3"].iter().zip(fates).map(|(pid, fate)| ((*pid).to_owned(), fate.to_owned())).collect()
    };
    assert_eq!(fates("depth"), expected(["outdone", "decides", "outdone"]));
    assert_eq!(fates("most"), expected(["decides", "outdone", "outdone"]));
    assert_eq!(fates("last"), expected(["never set", "decides", "outdone"]));
    for (selector, first) in [("depth", "1"), ("most", "3"), ("last", "1")] {
        let table = explain(&[], selector, directory.path()).stdout;
        let row: Vec<_> = table.lines().nth(3).unwrap().split_whitespace().collect();
        assert_eq!((row[0], row[3]), (first, "decides"), "{table}");
    }
    // Nobody set it: the exposition has no such series, but there is something to explain.
    let mut encoder = Encoder::new(Layout::ValueAndTime);
    assert!(encoder.push(br#"["unset", "unset", {}, "h"]"#, 0.0, 0.0));
    fs::write(directory.path().join("gauge_mostrecent_9.db"), encoder.into_bytes()).unwrap();
    let table = explain(&[], "unset", directory.path());
    assert!(table.stdout.starts_with("unset  nobody set it, so it is not exposed\n"), "{table:?}");
    assert_eq!(table.status, Some(0));
}

#[test]
fn a_histogram_is_shown_with_its_distribution_and_by_process() {
    let directory = TempDir::new().unwrap();
    let bucket = |le: &str| format!(r#"["t", "t_bucket", {{"le": "{le}", "m": "x"}}, "h"]"#);
    let sum = r#"["t", "t_sum", {"m": "x"}, "h"]"#;
    for (pid, counts) in [(1, [1.0, 2.0, 0.0]), (2, [3.0, 3.0, 1.0])] {
        let [a, b, c] = ["0.1", "1.0", "+Inf"].map(bucket);
        let entries = [(sum, 5.0), (&a, counts[0]), (&b, counts[1]), (&c, counts[2])];
        write(&directory, &format!("histogram_{pid}.db"), &encoded(&entries));
    }
    let buckets = "\
t_bucket{m=\"x\"}  10 observations
histogram: the sum over the files of all processes, also of dead ones; buckets are cumulated after that
  LE  CUMULATED  COUNT  SHARE  DISTRIBUTION
 0.1          4      4  40.0%  |########################
 1.0          9      5  50.0%  |##############################
+Inf         10      1  10.0%  |######
estimated quantiles: p50 0.28, p90 1, p99 1
";
    for selector in [
        "t_bucket",
        "t_count",
        "t_bucket{le=\"0.1\"}",
        "t_bucket{le!=\"\"}",
        "t_count{m=\"x\"}",
        "t_count{le=\"\"}",
        "{__name__=\"t\",le=\"+Inf\"}",
    ] {
        let ran = explain(&[], selector, directory.path());
        assert!(ran.stdout.starts_with(buckets), "{selector}: {ran:?}");
        assert!(
            ran.stdout.contains("\n    7  70.0%  -   -     dead      -    2         -  histogram_2.db"),
            "{ran:?}"
        );
    }
    let whole_family = explain(&[], "t", directory.path());
    assert!(whole_family.stdout.contains(buckets) && whole_family.stdout.contains("t_sum{m=\"x\"}  10\n"));
    let by_process = explain(&["--buckets"], "t_bucket", directory.path()).stdout;
    let rows: Vec<_> =
        by_process.lines().skip_while(|line| !line.starts_with("VALUE")).skip(1).take(6).collect();
    let cells = |row: &str| row.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(
        rows.iter().map(|row| cells(row)[0].clone()).collect::<Vec<_>>()[..5],
        ["1", "2", "3", "3", "1"]
    );
    assert_eq!(cells(rows[2]), ["3", "30.0%", "0.1"]);
    let line = &lines("t_bucket", directory.path())[0];
    let histogram = line.histogram.as_ref().unwrap();
    assert_eq!((histogram.count.as_str(), histogram.quantiles["0.9"].as_str()), ("10.0", "1.0"));
    assert!(line.only_dead && line.buckets_without_dead.is_none());
    for selector in ["t_bucket{le=\"7\"}", "t_bucket{le=\"\"}", "t{m=\"y\"}"] {
        let ran = explain(&[], selector, directory.path());
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(1)), "{selector}");
    }
}

#[test]
fn a_family_is_explained_by_its_own_name() {
    let directory = small_directory();
    let of_family = explain(&[], "http_requests", directory.path());
    assert!(of_family.stdout.contains("http_requests_total{method=\"GET\""), "{of_family:?}");
    assert_eq!(of_family.stdout, explain(&[], "http_requests_total", directory.path()).stdout);
}

#[test]
fn without_a_match_the_nearest_are_named() {
    let directory = small_directory();
    for (selector, hint) in [
        ("http_request_total", Some("http_requests_total")),
        ("queue_sise", Some("queue_size")),
        ("size", Some("queue_size")),
        ("http_requests_total{method=\"PUT\"}", Some("http_requests_total{method=\"GET\",path=\"/\"}")),
        ("nothing_like_it", None),
    ] {
        let ran = explain(&[], selector, directory.path());
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(1)), "{selector}");
        assert!(ran.stderr.starts_with("promproc: warning: no series matches the selector\n"), "{ran:?}");
        match hint {
            Some(hint) => assert!(ran.stderr.contains(&format!("\nhint: did you mean {hint}")), "{ran:?}"),
            None => assert!(!ran.stderr.contains("did you mean"), "{ran:?}"),
        }
    }
}

#[test]
fn a_wrong_selector_points_at_the_column() {
    let ran = explain(&[], r#"requests{path=~"("}"#, Path::new("."));
    assert!(ran.stderr.contains("column 16: no regular expression"), "{ran:?}");
    assert!(ran.stderr.contains("\n  requests{path=~\"(\"}\n                 ^\n"), "{ran:?}");
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)));
}

#[test]
fn a_directory_where_the_selector_belongs() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("me trics")).unwrap();
    fs::create_dir(home.path().join("metrics")).unwrap();
    for name in ["me trics", "metrics"] {
        fs::copy("tests/data/gunicorn/counter_8181.db", home.path().join(name).join("counter_8181.db"))
            .unwrap();
    }
    let meant = |arguments: &[&str]| {
        let ran = run(promproc().arg("explain").args(arguments).current_dir(home.path()));
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)), "{ran:?}");
        let (_, command) = ran.stderr.split_once("hint: the selector comes before the directory: ").unwrap();
        let mended = run(Command::new("sh")
            .args(["-c", command])
            .current_dir(home.path())
            .env("PATH", path_with_promproc()));
        assert!(mended.status == Some(0) && mended.stdout.contains("http_requests_total{"), "{mended:?}");
        command.trim_end().to_owned()
    };
    let all = r#"promproc explain '{__name__=~".+"}'"#;
    assert_eq!(meant(&["./metrics"]), format!("{all} ./metrics"));
    assert_eq!(meant(&["metrics"]), format!("{all} metrics"));
    assert_eq!(
        meant(&["--all", "me trics", "--color", "never", "http_requests_total"]),
        "promproc explain --all --color never http_requests_total 'me trics'"
    );
    // A family may be called as a directory is.
    let named = run(promproc().args(["explain", "metrics", "metrics"]).current_dir(home.path()));
    assert_eq!(named.status, Some(1), "{named:?}");
}

#[test]
fn of_many_entries_the_first_are_shown_and_all_on_request() {
    let directory = TempDir::new().unwrap();
    for pid in 1..=50 {
        write(
            &directory,
            &format!("gauge_sum_{pid}.db"),
            &encoded(&[(r#"["s", "s", {}, ""]"#, f64::from(pid))]),
        );
    }
    let few = explain(&[], "s", directory.path()).stdout;
    assert_eq!(few.lines().filter(|line| line.contains("gauge_sum_")).count(), 20);
    assert!(few.contains("\n   50 ") && few.contains("\nand 30 more; --all shows them\n"), "{few}");
    let all = explain(&["--all"], "s", directory.path()).stdout;
    assert_eq!(all.lines().filter(|line| line.contains("gauge_sum_")).count(), 50);
}

#[test]
fn of_several_directories_each_file_is_named_with_its_own() {
    let directory = TempDir::new().unwrap();
    for name in ["a", "b"] {
        let below = directory.path().join(name);
        fs::create_dir(&below).unwrap();
        fs::copy("tests/data/gunicorn/counter_8181.db", below.join("counter_8181.db")).unwrap();
    }
    let said = explain(&["-r"], "http_requests_total{path=\"/\"}", directory.path()).stdout;
    for name in ["a", "b"] {
        let path = directory.path().join(name).join("counter_8181.db");
        assert!(said.contains(&format!("  {}  ", path.display())), "{said}");
    }
}

#[test]
fn of_many_series_the_first_are_shown_and_the_others_counted() {
    let directory = TempDir::new().unwrap();
    let entries: Vec<_> =
        (0..60).map(|n| format!("[\"c\", \"c_total\", {{\"n\": \"{n}\"}}, \"h\"]")).collect();
    let entries: Vec<_> = entries.iter().map(|key| (key.as_str(), 1.0)).collect();
    write(&directory, "counter_1.db", &encoded(&entries));
    let ran = explain(&[], "c", directory.path());
    assert_eq!(ran.stdout.matches("\ncounter: ").count(), 50, "{ran:?}");
    assert!(
        ran.stdout.ends_with("\n\nand 10 more series; --all shows them, a narrower selector fewer\n"),
        "{ran:?}"
    );
    let all = explain(&["--all"], "c", directory.path());
    assert_eq!(all.stdout.matches("\ncounter: ").count(), 60, "{all:?}");
}
