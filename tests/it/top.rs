//! `promproc top`: tables without a terminal, and the screen in a real pseudo terminal.

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use promproc::format::{Encoder, Layout};
use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Holder, promproc, python, while_stopped};

const DRIVER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/terminal.py");

/// A directory `metrics` of its own.
struct Scene(TempDir);

impl Scene {
    fn new() -> Self {
        let scene = Self(tempfile::tempdir().unwrap());
        fs::create_dir(scene.metrics()).unwrap();
        scene
    }

    fn metrics(&self) -> std::path::PathBuf {
        self.0.path().join("metrics")
    }

    fn counter(&self, pid: &str, values: &[(&str, f64)]) {
        let mut encoder = Encoder::new(Layout::ValueAndTime);
        for (path, value) in values {
            let key = json!(["hits", "hits_total", {"path": path}, "Hits"]).to_string();
            assert!(encoder.push(key.as_bytes(), *value, 0.0));
        }
        // In one step: promproc may be reading.
        let file = self.metrics().join(format!("counter_{pid}.db"));
        let other = self.0.path().join("other");
        fs::write(&other, encoder.into_bytes()).unwrap();
        fs::rename(other, file).unwrap();
    }
}

/// What was printed, and the exit status.
fn top(arguments: &[&str], path: &Path) -> (String, String, Option<i32>) {
    let output = promproc().arg("top").args(arguments).arg(path).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code())
}

#[test]
fn once_prints_the_series_without_rates() {
    let scene = Scene::new();
    scene.counter("1", &[("/a", 3.0), ("/b", 1e6)]);
    scene.counter("2", &[("/a", 4.5)]);
    let table = |first, second| format!("TYPE       VALUE  SERIES\n{first}\n{second}\n");
    let (a, b) = ("counter      7.5  hits_total{path=\"/a\"}", "counter  1000000  hits_total{path=\"/b\"}");
    let (stdout, stderr, status) = top(&["--once"], &scene.metrics());
    assert_eq!((stdout, stderr.as_str(), status), (table(a, b), "", Some(0)));
    assert_eq!(top(&["--once", "--sort", "value"], &scene.metrics()).0, table(b, a));
    assert_eq!(
        top(&["--once", "--by", "family"], &scene.metrics()).0,
        "TYPE     SERIES      VALUE  FAMILY\ncounter       2  1000007.5  hits\n"
    );
    assert_eq!(
        top(&["--once", "--label", "path=/b"], &scene.metrics()).0,
        format!("TYPE       VALUE  SERIES\n{b}\n")
    );
    for drop in [r#"{path="/a"}"#, r#"hits{path!="/b",path!=""}"#, r#"hits_total{path=~"/[ac]"}"#] {
        let shown = top(&["--once", "--name", "h*", "--drop", drop], &scene.metrics()).0;
        assert_eq!(shown, format!("TYPE       VALUE  SERIES\n{b}\n"), "{drop}");
    }
}

#[test]
fn once_tells_the_live_from_the_dead() {
    let scene = Scene::new();
    scene.counter("4999999", &[("/a", 3.0), ("/b", 2.0)]);
    scene.counter("web", &[("/a", 1.0)]);
    let _holder = Holder::shell("exec 9<>\"$1/counter_web.db\"", &scene.metrics());
    let (stdout, _, status) = top(&["--once", "--by", "pid"], &scene.metrics());
    let lines: Vec<_> = stdout.lines().collect();
    assert_eq!(lines[0], "PID      LIVENESS  FILES  ENTRIES  COUNTED  PROCESS");
    assert!(lines[1].starts_with("4999999  dead          1        2        5  "), "{stdout}");
    assert!(lines[2].starts_with("web      live          1        1        1  pid "), "{stdout}");
    assert!(lines[2].ends_with(": sh"), "the program of the holder: {stdout}");
    assert_eq!((lines.len(), status), (3, Some(0)));
}

#[test]
fn once_needs_a_directory_and_reports_damage() {
    let scene = Scene::new();
    assert_eq!(top(&["--once"], &scene.metrics()), (String::new(), String::new(), Some(0)), "an empty one");
    let (stdout, stderr, status) = top(&["--once"], &scene.0.path().join("none"));
    assert_eq!((stdout.as_str(), status), ("", Some(2)));
    assert!(stderr.contains("/none: no such file or directory\nhint: "), "{stderr}");
    fs::write(scene.metrics().join("foo.db"), "noise").unwrap();
    scene.counter("1", &[("/a", 3.0)]);
    let (stdout, stderr, status) = top(&["--once"], &scene.metrics());
    assert_eq!((stdout.lines().count(), status), (2, Some(1)));
    assert!(stderr.contains("foo.db: left out"), "{stderr}");
}

#[test]
fn control_characters_are_not_obeyed() {
    let scene = Scene::new();
    scene.counter("1", &[("\u{1b}]0;title\u{7}\n\u{202e}", 3.0)]);
    for arguments in [["--once", "--by", "series"], ["--batch", "1", "--by=series"]] {
        let (stdout, ..) = top(&arguments, &scene.metrics());
        assert!(stdout.contains(r#"{path="\u{1b}]0;title\u{7}\n\u{202e}"}"#), "{stdout}");
    }
}

#[test]
fn without_a_terminal_it_needs_once_or_batch() {
    let scene = Scene::new();
    let output = promproc().arg("top").arg(scene.metrics()).stdin(Stdio::null()).output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(
        stderr.contains("terminal") && stderr.contains("\nhint: ") && stderr.contains("--once"),
        "{stderr}"
    );
}

#[test]
fn once_prints_json_lines() {
    let scene = Scene::new();
    scene.counter("4999999", &[("/a", 3.0), ("/b", f64::INFINITY)]);
    let lines = |by: &str| -> Vec<Value> {
        let (stdout, stderr, status) = top(&["--once", "-f", "json", "--by", by], &scene.metrics());
        assert_eq!((stderr.as_str(), status), ("", Some(0)));
        stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    };
    let series = |path: &str, value: &str| {
        json!({
            "sample": "hits_total", "labels": {"path": path}, "family": "hits", "type": "counter", "mode": null,
            "value": value,
        })
    };
    assert_eq!(lines("series"), [series("/a", "3.0"), series("/b", "+Inf")]);
    assert_eq!(lines("family"), [json!({"family": "hits", "type": "counter", "series": 2, "value": "+Inf"})]);
    let process = json!({
        "pid": "4999999", "directory": scene.metrics(), "liveness": "dead",
        "process": "read lease granted: no process has it open for writing", "files": 1, "entries": 2, "counted": "3.0",
    });
    assert_eq!(lines("pid"), [process]);
    // The buckets of a histogram are a row of the same name as in the table, by which --name chooses it.
    let options = ["--once", "--name", "http_request_duration_seconds_count"];
    let data = Path::new("tests/data/gunicorn");
    let rows = top(&[&options[..], &["-f", "json"]].concat(), data).0;
    let rows: Vec<Value> = rows.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(rows.len() + 1, top(&options, data).0.lines().count());
    assert!(rows.iter().all(|row| row["sample"] == options[2]), "{rows:?}");
    for options in [&["--format", "json"][..], &["--format", "json", "--batch", "2"]] {
        let (stdout, stderr, status) = top(options, &scene.metrics());
        assert!(
            (stdout.as_str(), status) == ("", Some(2)) && stderr.contains("hint: add --once"),
            "{stderr}"
        );
    }
}

#[test]
fn a_format_without_its_option_is_told_what_to_type() {
    for (arguments, tip) in [
        (&["top", "--once", "--json"][..], "use '--format json'"),
        (&["check", "--json"], "use '--format json'"),
        (&["merge", "--openmetrics", "."], "use '--format openmetrics'"),
        (&["find", "--json"], "use '--format json'"),
        (&["-q", "prune", "--json"], "use '--format json'"),
    ] {
        let output = promproc().args(arguments).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert!(stderr.contains(&format!("  tip: {tip}\n")), "{arguments:?}: {stderr}");
        assert!(stderr.matches("tip:").count() == 1 && output.status.code() == Some(2), "{stderr}");
    }
    let output = promproc().args(["man", "--json"]).output().unwrap();
    assert!(!String::from_utf8(output.stderr).unwrap().contains("--format"));
}

#[test]
fn intervals_are_durations() {
    let scene = Scene::new();
    for interval in ["100ms", "0.1"] {
        let (_, stderr, status) = top(&["--batch", "2", "-i", interval], &scene.metrics());
        assert_eq!((stderr.as_str(), status), ("", Some(0)), "{interval}");
    }
}

#[test]
fn intervals_that_are_too_short_or_no_time_are_refused() {
    for interval in ["0", "50ms", "0.05", "-1", "nan", "inf", "1e300", "25h", "fast"] {
        let (_, stderr, status) = top(&["--batch", "1", &format!("--interval={interval}")], Path::new("."));
        assert!(status == Some(2) && stderr.contains("--interval"), "{interval}: {stderr}");
    }
}

/// A `top --batch` that runs.
struct Batch {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Batch {
    fn start(rounds: u32, interval: Duration, path: &Path) -> Self {
        let mut command = promproc();
        command.args(["top", "--batch", &rounds.to_string(), "-i", &interval.as_secs().to_string()]);
        let mut process = command.arg(path).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, lines }
    }

    /// The lines of the next round, as far as the empty one before the round after it. As soon as the
    /// first stands there, the directory has been read: what `then` changes, while `top` is stopped, is
    /// of the round after it.
    fn round(&mut self, then: impl FnOnce()) -> Vec<String> {
        let heading = self.lines.next().expect("another round").unwrap();
        while_stopped(&self.process, then);
        let rest = self.lines.by_ref().map(Result::unwrap).take_while(|line| !line.is_empty());
        [heading].into_iter().chain(rest).collect()
    }
}

#[test]
fn a_batch_has_rates_and_survives_a_directory_that_vanishes() {
    let scene = Scene::new();
    scene.counter("1", &[("/a", 100.0)]);
    scene.counter("2", &[("/a", 10.0), ("/b", 1.0)]);
    let away = scene.0.path().join("away");
    let interval = Duration::from_secs(2);
    let start = Instant::now();
    let mut batch = Batch::start(5, interval, &scene.metrics());
    let mut longest = Duration::MAX;
    let rounds = [
        batch.round(|| {
            scene.counter("1", &[("/a", 120.0)]);
            fs::remove_file(scene.metrics().join("counter_2.db")).unwrap();
            scene.counter("3", &[("/a", 10.0), ("/b", 2.0), ("/c", 0.0)]);
        }),
        batch.round(|| {
            longest = start.elapsed();
            fs::rename(scene.metrics(), &away).unwrap();
        }),
        batch.round(|| fs::rename(&away, scene.metrics()).unwrap()),
        batch.round(|| scene.counter("3", &[("/a", 5.0), ("/b", 2.0), ("/c", 0.0)])),
        batch.round(|| ()),
    ];
    assert!(batch.lines.next().is_none(), "a sixth round after {rounds:#?}");
    assert_eq!(batch.process.wait().unwrap().code(), Some(1), "{rounds:#?}");
    let heading = |round: usize, end: &str| {
        assert!(rounds[round][0].ends_with(&format!("/metrics: {end}")), "{round} {end}:\n{rounds:#?}");
    };
    heading(0, "2 files, 2 processes (0 live, 2 dead), 2 series");
    assert_eq!(rounds[0][2].split_whitespace().nth(2), Some("-"), "{rounds:#?}");

    assert_eq!(rounds[1][1..3], ["pid 3 is new", "pid 2: its files are gone"], "{rounds:#?}");
    // 20 more, between two readings that are an interval apart or more, and not more than from before
    // the first until after the second. Four digits are shown.
    let (least, most) = (20.0 / longest.as_secs_f64(), 20.0 / interval.as_secs_f64());
    let rate = rate(&rounds[1][4]);
    assert!((least - 0.001..=most).contains(&rate), "{rate} is not in {least}..={most}: {rounds:#?}");
    assert!(rounds[1].iter().any(|line| line.contains("new") && line.contains("/c")), "{rounds:#?}");

    heading(2, "no such directory");
    assert!(rounds[2].len() == 2 && rounds[2][1].ends_with("/metrics vanished"), "{rounds:#?}");

    assert!(rounds[3][1].ends_with("/metrics is there again"), "{rounds:#?}");
    assert_eq!(rounds[3][3].split_whitespace().nth(2), Some("-"), "compared with nothing: {rounds:#?}");

    let is_reset = |line: &String| line.contains("reset") && line.contains("\"/a\"");
    assert!(rounds[4].iter().any(is_reset), "{rounds:#?}");
}

fn rate(line: &str) -> f64 {
    line.split_whitespace().nth(2).unwrap().parse().unwrap_or_else(|_| panic!("no rate in {line}"))
}

/// How a session in the pseudo terminal ended.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Ended {
    status: i32,
    /// What the main screen shows: nothing of the table.
    main: String,
    /// `h` where the other screen was entered, `l` where it was left.
    switches: String,
    cursor: bool,
    restored: bool,
}

impl Ended {
    fn well(status: i32) -> Self {
        Self { status, main: String::new(), switches: "hl".to_owned(), cursor: true, restored: true }
    }
}

/// Plays the steps; `None` where there is no Python (it has said so).
#[track_caller]
fn play(path: &Path, steps: Value) -> Option<Ended> {
    play_with(&[env!("CARGO_BIN_EXE_promproc"), "top", "-i", "0.2"], path, steps)
}

/// The same with another command, which the path is the last argument of.
#[track_caller]
fn play_with(words: &[&str], path: &Path, steps: Value) -> Option<Ended> {
    let mut command = Command::new(python()?.interpreter());
    command.args([DRIVER, &steps.to_string()]).args(words).arg(path);
    let output = command.env("TERM", "xterm-256color").output().unwrap();
    let ended: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    if let Some(screen) = ended["screen"].as_str() {
        panic!("{}: the screen shows\n{screen}", ended["failed"]);
    }
    Some(serde_json::from_value(ended).unwrap())
}

#[test]
fn a_session_with_every_view() {
    let scene = Scene::new();
    scene.counter("1", &[("/apple", 3.0), ("/pear", 4.0)]);
    let steps = json!([
        ["see", "hits_total{path=\"/apple\"}"],
        ["see", "by rate ↓"],
        ["type", "/pea"],
        ["gone", "apple"],
        ["see", "/pear"],
        ["type", "xx"],
        ["see", "nothing matches the filter"],
        ["type", "\u{1b}"],
        ["see", "apple"],
        ["type", "/HITS*p?ar"],
        ["gone", "apple"],
        ["see", "/pear"],
        ["type", "\u{1b}"],
        ["see", "apple"],
        ["type", "n"],
        ["see", "by name ↑"],
        ["type", "\u{1b}[B\r"],
        ["see", "how the value came about"],
        ["see", "counter_1.db"],
        ["see", "without dead processes: not there"],
        ["see", "/pear"],
        ["gone", "apple"],
        ["type", "q"],
        ["see", "apple"],
        ["type", "?"],
        ["see", "sort by rate, value, name"],
        ["type", "q2"],
        ["see", "FAMILY"],
        ["type", "\r"],
        ["see", "/hits"],
        ["see", "apple"],
        ["type", "\u{1b}"],
        ["see", "FAMILY"],
        ["type", "\r"],
        ["see", "/hits"],
        ["type", "\t\t"],
        ["see", "PROCESS"],
        ["see", "dead"],
        ["type", "p"],
        ["see", " paused "],
        ["resize", [10, 40]],
        ["type", "1"],
        ["see", "SERIES"],
        ["type", "q"]
    ]);
    let Some(ended) = play(&scene.metrics(), steps) else { return };
    assert_eq!(ended, Ended::well(0));
}

#[test]
fn a_session_in_which_the_directory_vanishes_and_comes_back() {
    let scene = Scene::new();
    scene.counter("1", &[("/apple", 3.0)]);
    let (metrics, away) = (scene.metrics(), scene.0.path().join("away"));
    let steps = json!([
        ["see", "/apple"],
        ["run", format!("mv {} {}", metrics.display(), away.display())],
        ["see", "no such directory"],
        ["gone", "/apple"],
        ["run", format!("mv {} {}", away.display(), metrics.display())],
        ["see", "is there again"],
        ["see", "/apple"],
        ["run", format!("cp {0}/counter_1.db {0}/counter_2.db", metrics.display())],
        ["see", "pid 2 is new"],
        ["run", format!("rm {}/counter_1.db", metrics.display())],
        ["see", "pid 1: its files are gone"],
        ["run", format!("rm {}/counter_2.db", metrics.display())],
        ["see", "no metric files"],
        ["type", "\u{3}"]
    ]);
    let Some(ended) = play(&metrics, steps) else { return };
    assert_eq!(ended, Ended::well(0), "Ctrl-C");
}

#[test]
fn a_killed_session_gives_the_terminal_back() {
    let scene = Scene::new();
    scene.counter("1", &[("/apple", 3.0)]);
    for signal in [libc::SIGTERM, libc::SIGHUP, libc::SIGINT] {
        let steps = json!([["see", "/apple"], ["signal", signal]]);
        let Some(ended) = play(&scene.metrics(), steps) else { return };
        assert_eq!(ended, Ended::well(-signal));
    }
}

#[test]
fn a_suspended_session_gives_the_terminal_back_and_takes_it_again() {
    let scene = Scene::new();
    scene.counter("1", &[("/apple", 3.0)]);
    let twice = "hlhl".to_owned();
    // A shell that has jobs.
    let script = "set -m; \"$0\" top -i 0.2 \"$1\"; echo \"stopped, $?\"; read -r; fg > /dev/null";
    let steps = json!([
        ["see", "/apple"],
        ["type", "\u{1a}"],
        ["gone", "/apple"],
        ["type", "\n"],
        ["see", "/apple"],
        ["type", "q"]
    ]);
    let words = ["bash", "-c", script, env!("CARGO_BIN_EXE_promproc")];
    let Some(ended) = play_with(&words, &scene.metrics(), steps) else { return };
    assert!(ended.main.contains("stopped, 148"), "{ended:?}");
    assert_eq!((ended.status, &ended.switches, ended.cursor, ended.restored), (0, &twice, true, true));

    // None that could continue it, as in a container: it goes on.
    let steps = json!([["see", "/apple"], ["type", "\u{1a}?"], ["see", "sort by rate"], ["type", "qq"]]);
    let Some(ended) = play(&scene.metrics(), steps) else { return };
    assert_eq!(ended, Ended { switches: twice, ..Ended::well(0) });
}
