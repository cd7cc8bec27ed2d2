//! `promproc check`, seen from outside: each finding in a situation that the real client made, and
//! gone after the command that it names.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promproc::diagnose::Code;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::dump::damage::damages;
use crate::processes::{
    Directory, Holder, Ran, STRANGER, can_change_user, has_containers, in_container, promproc_of_a_stranger,
    run,
};
use crate::support::{Client, path_with_promproc, promproc, python};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    findings: Vec<Finding>,
    summary: Summary,
    growth: Growth,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    code: String,
    severity: String,
    subject: String,
    message: String,
    advice: String,
    commands: Vec<String>,
    files: Vec<String>,
    pids: BTreeSet<String>,
    series: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    files: usize,
    live_pids: usize,
    unknown_pids: usize,
    dead_pids: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Growth {
    all: Totals,
    dead: Totals,
    series: usize,
    top_families: Vec<Count>,
    top_labels: Vec<Count>,
    verdict: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    files: usize,
    capacity_bytes: u64,
    allocated_bytes: u64,
    entries: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    name: String,
    count: usize,
}

/// A directory in memory where there is one, so that the disk is no finding.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    directory
}

/// A live process of the real client that has run this.
fn worker(directory: &Path, script: &str) -> Option<Holder> {
    let script = format!(
        "import sys\nfrom prometheus_client import *\nimport prometheus_client\n{script}\nprint('ready', flush=True)\nsys.stdin.read()"
    );
    let mut command = Command::new(python()?.interpreter());
    command.args(["-B", "-E", "-s", "-c", &script]).env("PROMETHEUS_MULTIPROC_DIR", directory);
    Some(Holder::run(&mut command))
}

/// A process that was killed after it had run this; returns its pid.
fn killed(directory: &Path, script: &str) -> Option<String> {
    let worker = worker(directory, script)?;
    let pid = worker.pid().to_string();
    worker.kill();
    Some(pid)
}

fn check(options: &[&str], path: &Path) -> Ran {
    run(promproc().arg("check").args(options).arg(path))
}

fn report(ran: &Ran) -> Report {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn findings(path: &Path) -> Vec<Finding> {
    report(&check(&["--format", "json"], path)).findings
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// Exactly this is found, with all of these in what is said; the findings' commands are run, and then
/// only `left` is found. Returns what was found.
#[track_caller]
fn assert_found(path: &Path, expected: &[&str], says: &[&str], left: &[&str]) -> Vec<Finding> {
    let found = findings(path);
    assert_eq!(codes(&found), expected, "{found:#?}");
    let text =
        found.iter().map(|finding| format!("{} {} {}\n", finding.subject, finding.message, finding.advice));
    let text: String = text.collect();
    for part in says {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    for finding in &found {
        let code = Code::parse(&finding.code).expect("a documented code");
        assert!(finding.severity == code.severity().as_str() || finding.severity == "info", "{finding:?}");
        assert!(!finding.advice.is_empty(), "{finding:?}");
    }
    let commands: BTreeSet<_> = found.iter().flat_map(|finding| &finding.commands).collect();
    for command in commands {
        mend(command);
    }
    assert_eq!(codes(&findings(path)), left);
    found
}

#[track_caller]
fn mend(command: &str) {
    let output = Command::new("sh").args(["-c", command]).env("PATH", path_with_promproc()).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

#[test]
fn of_a_healthy_live_service_one_line_is_said() {
    let directory = directory();
    let Some(_first) = Holder::client(directory.path()) else { return };
    let _second = Holder::client(directory.path());
    let ran = check(&["--fail-on", "info"], directory.path());
    ran.prints("26 files, 58 entries, 32 series; pids: 2 live, 0 dead; nothing found\n");
    let report = report(&check(&["--format", "json"], directory.path()));
    assert!(report.findings.is_empty());
    let nothing = Totals { files: 0, capacity_bytes: 0, allocated_bytes: 0, entries: 0 };
    assert_eq!((report.growth.dead, report.growth.all.files, report.growth.series), (nothing, 26, 32));
    assert_eq!(report.growth.top_families[0], Count { name: "h".to_owned(), count: 17 });
    assert_eq!(report.growth.top_labels[0], Count { name: "le".to_owned(), count: 15 });
    assert!(report.growth.verdict.starts_with("mostly live processes' series"), "{}", report.growth.verdict);
    assert_eq!(
        report.summary,
        Summary { files: 26, live_pids: 2, unknown_pids: 0, dead_pids: 0, errors: 0, warnings: 0, infos: 0 }
    );
}

#[test]
fn a_stuck_gauge() {
    let directory = directory();
    const IN_PROGRESS: &str = "g = Gauge('inprogress', 'h', ['path'], multiprocess_mode='livesum'); g.labels('/a').inc(2); g.labels('/b').inc(3)";
    let Some(pid) = killed(directory.path(), IN_PROGRESS) else { return };
    let _alive = worker(directory.path(), IN_PROGRESS);
    let found = assert_found(
        directory.path(),
        &["stuck-gauge"],
        &["inprogress{path=\"/a\"} is 4.0, 2.0 without them", "still counts in 2 series of mode livesum"],
        &[],
    );
    assert_eq!(found[0].subject, "inprogress");
    assert_eq!(found[0].pids, BTreeSet::from([pid.clone()]));
    assert!(found[0].files[0].ends_with(&format!("/gauge_livesum_{pid}.db")), "{found:?}");
    assert_eq!(found[0].series, ["inprogress{path=\"/a\"}", "inprogress{path=\"/b\"}"]);
    assert_eq!(found[0].commands, [format!("promproc prune {}", directory.path().display())]);
}

#[test]
fn a_stuck_gauge_that_changes_nothing_is_an_info() {
    let directory = directory();
    const ONE: &str = "Gauge('peak', 'h', multiprocess_mode='livemax').set(1)";
    if killed(directory.path(), ONE).is_none() {
        return;
    }
    let _alive = worker(directory.path(), ONE);
    check(&[], directory.path())
        .prints("2 files, 2 entries, 1 series; pids: 1 live, 1 dead; 1 info (infos are shown with -v)\n");
    assert_eq!(check(&["--fail-on", "info"], directory.path()).status, Some(1));
    assert_found(directory.path(), &["stuck-gauge"], &["peak is 1.0, 1.0 without them"], &[]);
}

#[test]
fn series_of_a_dead_process() {
    let directory = directory();
    const DEPTH: &str = "Gauge('depth', 'h').set(3)";
    let Some(pid) = killed(directory.path(), DEPTH) else { return };
    let _alive = worker(directory.path(), DEPTH);
    let says = format!("depth{{pid=\"{pid}\"}} is 3.0, gone without them");
    assert_found(directory.path(), &["dead-series"], &[&says], &[]);
}

#[test]
fn a_dead_process_decides_a_minimum_and_a_maximum() {
    let directory = directory();
    let gauges = |value: f64| {
        format!(
            "Gauge('least', 'h', multiprocess_mode='min').set({value}); Gauge('most', 'h', multiprocess_mode='max').set({value})"
        )
    };
    if killed(directory.path(), &gauges(5.0)).is_none() {
        return;
    }
    let _alive = worker(directory.path(), &gauges(3.0));
    // The dead process's 5 is no minimum.
    assert_found(directory.path(), &["dead-decides"], &["most is 5.0, 3.0 without them"], &[]);
    if killed(directory.path(), &gauges(1.0)).is_none() {
        return;
    }
    assert_found(directory.path(), &["dead-decides"], &["least is 1.0, 3.0 without them"], &[]);
}

#[test]
fn a_reused_pid() {
    if !has_containers() {
        return;
    }
    let Some(python) = python() else { return };
    let directory = directory();
    // In a namespace of its own the next number can be chosen.
    const SCRIPT: &str = r#"
export PROMETHEUS_MULTIPROC_DIR=$1
"$2" -B -E -s -c "
import time
from prometheus_client import Gauge
Gauge('g', 'h', multiprocess_mode='livesum').set(1)
open('$3/ready', 'w').close()
time.sleep(600)" &
worker=$!
until [ -e "$3/ready" ]; do sleep 0.02; done
kill -9 $worker; wait $worker
echo $((worker - 1)) > /proc/sys/kernel/ns_last_pid
sleep 600 &
[ $! = $worker ] || { echo "NOT RUN: the number is taken" >&2; exit 3; }
promproc check --format json "$1"
promproc check --format json "$1" | "$2" -c "
import json, sys
for finding in json.load(sys.stdin)['findings']:
    for command in finding['commands']: print(command)" | sort -u | sh >&2
promproc check --format json "$1"
kill -9 $worker
"#;
    let marks = tempfile::tempdir().unwrap();
    let mut command = in_container();
    command
        .args(["sh", "-c", SCRIPT, "sh"])
        .arg(directory.path())
        .arg(python.interpreter())
        .arg(marks.path());
    let output = command.env("PATH", path_with_promproc()).stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<Report> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [before, after] = &reports[..] else {
        panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
    };
    assert_eq!(codes(&before.findings), ["stuck-gauge", "pid-reused"], "{text}");
    let reused = &before.findings[1];
    assert!(reused.message.contains("(sleep 600) is not the process that wrote"), "{reused:?}");
    assert_eq!(codes(&after.findings), ["empty-directory"], "{text}");
}

#[test]
fn a_minimum_that_one_process_never_set() {
    let directory = directory();
    const GAUGE: &str = "g = Gauge('free', 'h', multiprocess_mode='min')";
    let Some(_set) = worker(directory.path(), &format!("{GAUGE}; g.set(7)")) else { return };
    let unset = worker(directory.path(), GAUGE).unwrap();
    let says = format!("free is 0 because of pid {};", unset.pid());
    assert_found(directory.path(), &["minimum-zero"], &[&says], &["minimum-zero"]);
}

#[test]
fn a_gauge_that_nobody_set_and_one_that_is_not_a_number() {
    let directory = directory();
    let Some(_live) = worker(directory.path(), "Gauge('last_run', 'h', multiprocess_mode='mostrecent')")
    else {
        return;
    };
    assert_found(
        directory.path(),
        &["never-set"],
        &["nobody has set last_run: it is not exposed"],
        &["never-set"],
    );

    let directory = self::directory();
    let nan = "Gauge('load', 'h', multiprocess_mode='livesum').set(float('nan'))";
    let _live = worker(directory.path(), "Gauge('load', 'h', multiprocess_mode='livesum').set(1)");
    let pid = killed(directory.path(), nan).unwrap();
    let says = format!("load is NaN, because pid {pid} has NaN");
    assert_found(directory.path(), &["stuck-gauge", "nan-decides"], &[&says], &[]);
    let live = worker(directory.path(), nan).unwrap();
    assert_found(directory.path(), &["nan-decides"], &["restart it"], &["nan-decides"]);
    live.kill();
}

#[test]
fn conflicts_of_two_releases() {
    for (first, second, code, says) in [
        (
            "Gauge('g', 'h', multiprocess_mode='sum').set(1)",
            "Gauge('g', 'h', multiprocess_mode='max').set(1)",
            "mode-conflict",
            "its files are of the modes",
        ),
        (
            "Counter('x', 'h').inc()",
            "Gauge('x', 'h', multiprocess_mode='sum').set(1)",
            "type-conflict",
            "of the types",
        ),
        ("Counter('c', 'one').inc()", "Counter('c', 'two').inc()", "help-conflict", "\"one\", \"two\""),
        (
            "Counter('c', 'h', ['a']).labels('1').inc()",
            "Counter('c', 'h', ['a', 'b']).labels('1', '2').inc()",
            "label-conflict",
            "{a}, {a,b}",
        ),
        (
            "Histogram('t', 'h', buckets=[1, 2]).observe(1)",
            "Histogram('t', 'h', buckets=[1, 5]).observe(1)",
            "bucket-conflict",
            "1.0 2.0 +Inf in 1 file, 1.0 5.0 +Inf in 1 file",
        ),
    ] {
        let directory = directory();
        let (Some(one), Some(two)) = (worker(directory.path(), first), worker(directory.path(), second))
        else {
            return;
        };
        let found = findings(directory.path());
        assert_eq!(codes(&found), [code], "{found:#?}");
        // What the command needs: the service is stopped.
        drop((one, two));
        let found = findings(directory.path());
        let conflict = found.iter().find(|finding| finding.code == code).unwrap();
        assert!(conflict.message.contains(says), "{conflict:?}");
        conflict.commands.iter().for_each(|command| mend(command));
        assert_eq!(codes(&findings(directory.path())), ["empty-directory"], "{code}");
    }
}

#[test]
fn findings_that_stand_together_name_what_each_is_about() {
    let directory = directory();
    let gauges = |mode: &str| {
        format!(
            "Gauge('a', 'h', multiprocess_mode='{mode}').set(1); Gauge('b', 'h', multiprocess_mode='{mode}').set(1)"
        )
    };
    let Some(_first) = worker(directory.path(), &gauges("sum")) else { return };
    let _second = worker(directory.path(), &gauges("max"));
    let said = check(&[], directory.path()).stdout;
    for part in
        ["warning mode-conflict  a and 1 more\n", "\n    a: its files are of", "\n    b: its files are of"]
    {
        assert!(said.contains(part), "{part:?} is missing in {said}");
    }
}

#[test]
fn names_that_the_client_takes_amiss() {
    let directory = directory();
    let Some(_live) =
        worker(directory.path(), "Gauge('g', 'h', ['pid'], multiprocess_mode='livesum').labels('7').set(1)")
    else {
        return;
    };
    assert_found(directory.path(), &["pid-label"], &["its own label pid is lost"], &["pid-label"]);

    let directory = self::directory();
    let identified = "import prometheus_client.values\n\
        prometheus_client.metrics.values.ValueClass = prometheus_client.values.MultiProcessValue(lambda: 'web_5')\n\
        Gauge('g', 'h').set(1)";
    let _live = worker(directory.path(), identified);
    assert_found(directory.path(), &["cut-pid"], &["the identifier web_5 has an underscore"], &["cut-pid"]);

    let directory = self::directory();
    let live = worker(directory.path(), "Gauge('g', 'h', multiprocess_mode='livesum').set(1)").unwrap();
    let name = format!("gauge_livesum_{}.db", live.pid());
    fs::rename(directory.path().join(&name), directory.path().join(name.replace("livesum", "median")))
        .unwrap();
    assert_found(
        directory.path(),
        &["unknown-mode"],
        &["no client has the gauge mode median"],
        &["unknown-mode"],
    );

    let directory = self::directory();
    let _live = worker(directory.path(), "Counter('c', 'h', ['l']).labels('\\ud800').inc()");
    assert_found(directory.path(), &["surrogate"], &["a lone surrogate"], &["surrogate"]);
}

#[test]
fn files_of_several_eras_and_who_can_read_them() {
    let directory = directory();
    for entry in fs::read_dir("tests/data/mixed").unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, directory.path().join(path.file_name().unwrap())).unwrap();
    }
    let found = findings(directory.path());
    let mixture = &found[0];
    assert_eq!((mixture.code.as_str(), mixture.severity.as_str()), ("era-mixture", "error"));
    // The words of the clients themselves.
    for (version, era) in [("0.8.0", "C"), ("0.16.0", "B"), ("0.21.1", "B"), ("0.21.1", "C")] {
        let Some(mut client) = Client::version(version) else { return };
        let old = TempDir::new().unwrap();
        for file in ["counter", "gauge_max"] {
            let name = |pid| format!("{file}_{pid}.db");
            let pid = if era == "B" { 11 } else { 12 };
            if let Ok(bytes) = fs::read(directory.path().join(name(pid))) {
                fs::write(old.path().join(name(pid)), bytes).unwrap();
            }
        }
        let error = client.scrape(old.path()).unwrap_err();
        let said = error.lines().last().unwrap_or_default().trim();
        let said = said.rsplit_once(": ").map_or(said, |(_, message)| message);
        assert!(
            mixture.message.contains(said),
            "{version} says {error:?}, which is not in {}",
            mixture.message
        );
    }
    mixture.commands.iter().for_each(|command| mend(command));
    assert_eq!(codes(&findings(directory.path())), ["empty-directory"]);
}

#[test]
fn files_of_one_old_era_and_who_can_read_them() {
    for (era, says) in [
        ("a", "clients 0.0.16 to 0.3.1 read them; others fail, 0.4.0 to 0.15.0 with `ValueError: too many"),
        ("b", "0.18.0 and later with `ValueError: not enough values to unpack (expected 4, got 3)`"),
        ("c", "0.18.0 and later with `RuntimeError: Read beyond file size detected, file is corrupted.`"),
    ] {
        let report =
            report(&check(&["--format", "json"], &Path::new("tests/data").join(format!("era-{era}"))));
        let found = report.findings.iter().find(|finding| finding.code == "old-era").unwrap();
        assert!(found.message.contains(says) && found.severity == "info", "{found:?}");
        // What the current client says of them.
        let Some(mut client) = Client::current() else { return };
        let error = client.scrape(&Path::new("tests/data").join(format!("era-{era}"))).unwrap_err();
        assert!(found.message.contains(error.trim()), "{error} is not in {}", found.message);
    }
}

/// A directory in which the real client has counted, and one of its files.
fn counted() -> Option<(TempDir, PathBuf)> {
    let directory = directory();
    let pid =
        killed(directory.path(), "c = Counter('c', 'h', ['l']); c.labels('a').inc(); c.labels('b').inc()")?;
    let file = directory.path().join(format!("counter_{pid}.db"));
    Some((directory, file))
}

#[test]
fn damaged_files_are_set_aside() {
    let Some((directory, file)) = counted() else { return };
    let whole = fs::read(&file).unwrap();
    assert!(findings(directory.path()).is_empty());
    let aside = |name: &str| directory.path().join(format!("{name}.aside"));
    let with = |name: &str, bytes: &[u8], code: &[&str], says: &[&str]| {
        let path = directory.path().join(name);
        fs::write(&path, bytes).unwrap();
        assert_found(directory.path(), code, says, &["other-files"]);
        assert_eq!(fs::read(aside(name)).unwrap(), bytes, "nothing is lost");
        fs::remove_file(aside(name)).unwrap();
    };
    with("counter_8.db", b"", &["empty-file"], &["a file of 0 bytes"]);
    with("counter_8.db", &whole[..2], &["empty-file"], &["a file of 2 bytes"]);
    let used = i32::from_ne_bytes(whole[..4].try_into().unwrap());
    let cut = usize::try_from(used).unwrap() - 8;
    let says = format!("byte {cut}: the file ends here, used is {used}");
    with("counter_8.db", &whole[..cut], &["damaged-file", "odd-size"], &[&says]);
    with(
        "counter_8.db",
        &[b"SQLite format 3\0".as_slice(), &[1; 4080]].concat(),
        &["foreign-file"],
        &["no metric file"],
    );
    with("app.db", &whole, &["foreign-file"], &["not a name of a metric file"]);
    with("gauge_5.db", &whole, &["foreign-file"], &["not a name of a metric file"]);
    let mut bad = whole.clone();
    bad[12] = b'{';
    with("counter_8.db", &bad, &["foreign-file"], &["no entry of any client"]);
    let mut wsl = vec![0; 65_536];
    wsl.extend(&whole);
    with("counter_8.db", &wsl, &["wsl-layout"], &["stands at byte 65536", "what it counts is lost"]);

    // A copy that ends behind its entries is complete.
    fs::write(directory.path().join("counter_8.db"), &whole[..cut + 100]).unwrap();
    assert_found(directory.path(), &["odd-size"], &["bytes long"], &["odd-size"]);
    fs::remove_file(directory.path().join("counter_8.db")).unwrap();

    fs::create_dir(directory.path().join("counter_8.db")).unwrap();
    assert_found(directory.path(), &["foreign-file"], &["not a regular file"], &["other-files"]);
}

#[test]
fn whatever_merge_warns_of_is_a_finding() {
    for (name, bytes, _, warning) in damages() {
        let directory = directory();
        fs::write(directory.path().join(name), &bytes).unwrap();
        let found = findings(directory.path());
        let errors: Vec<_> = found.iter().filter(|finding| finding.severity == "error").collect();
        if warning.is_empty() {
            // What is shorter than its header's number makes the official client fail.
            assert!(errors.iter().all(|error| error.code == "empty-file"), "{found:?}");
        } else {
            let says = warning.strip_prefix("left out: ").unwrap_or(warning);
            assert!(errors.iter().any(|error| error.message.contains(says)), "{warning}: {found:?}");
            assert_eq!(check(&[], directory.path()).status, Some(1));
        }
    }
}

#[test]
fn entries_that_no_client_writes() {
    let Some((directory, _)) = counted() else { return };
    let mut client = Client::current().unwrap();
    let file = directory.path().join("counter_8.db");
    let entry = |key: &str, value: &str| json!({"key": key, "value": value, "timestamp": "0"});
    client.raw(&file, &json!([entry(r#"["c", "c_total", {"l": "a"}, "h"]"#, "-3.5")])).unwrap();
    assert_found(
        directory.path(),
        &["negative-counter"],
        &["1 count negative or NaN, the first c_total = -3.5 at byte 8"],
        &["other-files"],
    );
    fs::remove_file(directory.path().join("counter_8.db.aside")).unwrap();
    // Each file is set aside, and each counter named; a name may be strange.
    let strange = directory.path().join("counter_new\nline's.db");
    for file in [&file, &strange] {
        let other = entry(r#"["o", "o_total", {}, "h"]"#, "-1");
        client.raw(file, &json!([entry(r#"["c", "c_total", {"l": "a"}, "h"]"#, "-3.5"), other])).unwrap();
    }
    let found = assert_found(
        directory.path(),
        &["negative-counter"; 2],
        &["2 counts negative or NaN, the first c_total = -3.5", "the first o_total = -1.0"],
        &["other-files"],
    );
    assert_eq!((found[0].files.len(), found[0].commands.len()), (2, 2), "{found:?}");
    for name in ["counter_8.db.aside", "counter_new\nline's.db.aside"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    client
        .raw(&file, &json!([entry(r#"["c", "c_total", {"l": "a"}, "h"]"#, "1"), entry("[1, 2]", "1")]))
        .unwrap();
    assert_found(directory.path(), &["bad-key"], &["entry left out"], &["other-files"]);
}

/// `check --watch`, with something that happens between its two looks.
fn watched(path: &Path, seconds: &str, meanwhile: impl FnOnce()) -> Ran {
    let mut command = promproc();
    command.args(["check", "-v", "--watch", seconds, "--format", "json"]).arg(path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert_eq!(line, format!("promproc: info: looked once; looking again in {seconds} s\n"));
    meanwhile();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    Ran { status: output.status.code(), stdout, stderr: line }
}

#[test]
fn counters_that_fall() {
    let directory = directory();
    const COUNTED: &str = "c = Counter('c', 'h', ['l']); c.labels('a').inc(5); Histogram('h', 'h').observe(1); Counter('other', 'h').inc()";
    let Some(dead) = killed(directory.path(), COUNTED) else { return };
    // Goes on when a file appears: counts, and resets.
    let sign = tempfile::tempdir().unwrap();
    let sign = sign.path().join("sign");
    let then = format!(
        "import os, threading, time\n{COUNTED}\ndef then():\n    while not os.path.exists({sign:?}): time.sleep(0.01)\n    c.labels('a').reset()\n    c.labels('b').inc()\nthreading.Thread(target=then, daemon=True).start()"
    );
    let live = worker(directory.path(), &then).unwrap();
    let name = |kind: &str, pid: &str| format!("{kind}_{pid}.db");

    let nothing = watched(directory.path(), "0.1", || {});
    assert_eq!((codes(&report(&nothing).findings), nothing.status), (vec![], Some(0)));

    let counter = name("counter", &live.pid().to_string());
    let before = fs::read(directory.path().join(&counter)).unwrap();
    let reset = watched(directory.path(), "3", || {
        fs::write(&sign, "").unwrap();
        while fs::read(directory.path().join(&counter)).unwrap() == before {
            std::thread::yield_now();
        }
    });
    let found = report(&reset).findings;
    assert_eq!((codes(&found), reset.status), (vec!["falling-counter"], Some(1)));
    assert_eq!(
        (found[0].subject.as_str(), &found[0].series[..]),
        ("c", &["c_total{l=\"a\"}".to_owned()][..])
    );
    let says = format!("c_total{{l=\"a\"}} fell from 10.0 to 5.0: {counter} has less than before;");
    assert!(found[0].message.starts_with(&says), "{found:?}");
    assert_eq!(found[0].pids, BTreeSet::from([live.pid().to_string()]));
    assert_eq!(codes(&report(&watched(directory.path(), "0.1", || {})).findings), Vec::<&str>::new());

    // All of it, with the directory.
    let all = self::directory();
    killed(all.path(), COUNTED).unwrap();
    let gone = watched(all.path(), "3", || {
        for entry in fs::read_dir(all.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    });
    let found = report(&gone).findings;
    assert_eq!(codes(&found), ["falling-counter", "falling-counter", "falling-counter", "empty-directory"]);
    assert!(found[2].message.starts_with("other_total fell from 1.0 to nothing: counter_"), "{found:?}");

    // What a clean-up job that means well does to counters.
    let gone = watched(directory.path(), "3", || {
        for kind in ["counter", "histogram"] {
            fs::remove_file(directory.path().join(name(kind, &dead))).unwrap();
        }
    });
    let found = report(&gone).findings;
    assert_eq!(codes(&found), ["falling-counter"; 3]);
    let subjects: Vec<_> = found.iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(subjects, ["c", "h", "other"]);
    let says = format!("h_count fell from 2.0 to 1.0: {} is gone;", name("histogram", &dead));
    assert!(found[1].message.starts_with(&says), "{found:?}");
    assert_eq!(codes(&report(&watched(directory.path(), "0.1", || {})).findings), Vec::<&str>::new());
}

#[test]
fn a_live_process_whose_files_were_removed() {
    let directory = directory();
    let Some(live) = worker(directory.path(), "Counter('c', 'h').inc(); Histogram('h', 'h').observe(1)")
    else {
        return;
    };
    let pid = live.pid().to_string();
    let names = ["counter", "histogram"].map(|kind| format!("{kind}_{pid}.db"));
    fs::remove_file(directory.path().join(&names[1])).unwrap();
    let writes = format!("writes into {}, which somebody removed", names[1]);
    assert_found(directory.path(), &["removed-file"], &[&writes, &format!("pid {pid} (")], &["removed-file"]);
    fs::remove_file(directory.path().join(&names[0])).unwrap();
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["removed-file", "empty-directory"]);
    assert_eq!(found[0].pids, BTreeSet::from([pid]));
    assert_eq!(found[0].files, names.map(|name| directory.path().join(name).to_string_lossy().into_owned()));
    // Restarted, as it advises.
    live.kill();
    let _restarted = worker(directory.path(), "Counter('c', 'h').inc()");
    assert_eq!(codes(&findings(directory.path())), Vec::<&str>::new());
}

#[test]
fn recursively_every_directory_is_looked_at() {
    let directory = directory();
    let below = directory.path().join("below");
    fs::create_dir(&below).unwrap();
    let Some(_live) = worker(&below, "Gauge('g', 'h', multiprocess_mode='max').set(1)") else { return };
    assert_eq!(
        codes(&report(&check(&["-r", "--format", "json"], directory.path())).findings),
        Vec::<&str>::new()
    );
    fs::write(below.join("notes"), "").unwrap();
    let found = report(&check(&["-r", "--format", "json"], directory.path())).findings;
    assert_eq!(codes(&found), ["other-files"]);
    assert_eq!(found[0].subject, below.to_string_lossy());
    // A directory without files costs nothing, and says so.
    let empty = self::directory();
    let said = check(&["-v"], empty.path()).stdout;
    assert!(said.contains("what a scrape costs: nothing: there are no entries\n"), "{said}");
}

#[test]
fn a_damaged_file_of_a_live_process_is_left_to_it() {
    let directory = directory();
    let Some(live) = worker(directory.path(), "Counter('c', 'h').inc()") else { return };
    let file = directory.path().join(format!("counter_{}.db", live.pid()));
    let whole = fs::read(&file).unwrap();
    // Not truncated, which would kill the writer.
    let damaged = [&[0xff, 0xff, 0, 0], &whole[4..8], &[9, 9, 9, 9], &whole[12..]].concat();
    fs::write(directory.path().join("copy"), &damaged).unwrap();
    let mut open = fs::File::options().write(true).open(&file).unwrap();
    std::io::Write::write_all(&mut open, &damaged).unwrap();
    drop(open);
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["foreign-file", "other-files"], "{found:?}");
    assert!(found[0].commands.is_empty() && found[0].advice.starts_with("restart the process"), "{found:?}");
}

#[test]
fn the_directory_itself() {
    let parent = directory();
    let missing = parent.path().join("metrics");
    assert_found(&missing, &["missing-directory"], &["it does not exist"], &["empty-directory"]);
    assert!(missing.is_dir());
    assert_eq!(check(&[], &missing).status, Some(0), "a new service has an empty directory");

    let on_disk = Path::new("tests/data/gunicorn");
    assert!(codes(&findings(on_disk)).contains(&"not-tmpfs"));
    let without = check(&["--format", "json", "--ignore", "not-tmpfs", "--ignore", "stuck-gauge"], on_disk);
    let left = report(&without).findings;
    assert!(
        !left.is_empty() && !left.iter().any(|one| ["not-tmpfs", "stuck-gauge"].contains(&one.code.as_str()))
    );

    let empty =
        run(promproc().args(["check", "--format", "json"]).arg(&missing).env("PROMETHEUS_MULTIPROC_DIR", ""));
    assert_eq!(codes(&report(&empty).findings), ["empty-variable", "empty-directory"]);
    assert_eq!(empty.status, Some(1));
}

#[test]
fn owners_and_permissions() {
    if !can_change_user() {
        return;
    }
    let Some((directory, file)) = counted() else { return };
    chown(&file, Some(STRANGER), Some(STRANGER)).unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let says = format!("the user {STRANGER}, who owns the files, may not create files");
    assert_found(directory.path(), &["not-writable"], &[&says], &[]);

    fs::copy(&file, directory.path().join("counter_9.db")).unwrap();
    chown(directory.path().join("counter_9.db"), Some(0), Some(0)).unwrap();
    let found = findings(directory.path());
    assert!(codes(&found).contains(&"several-owners"), "{found:?}");
    for finding in &found {
        finding.commands.iter().for_each(|command| mend(command));
    }
    assert!(!codes(&findings(directory.path())).contains(&"several-owners"));

    let reachable = Directory::with(&[]);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    chown(&file, Some(0), Some(0)).unwrap();
    let ran =
        run(promproc_of_a_stranger(&reachable).args(["check", "--format", "json"]).arg(directory.path()));
    let report = report(&ran);
    assert_eq!(report.findings[0].code, "unreadable-file", "{ran:?}");
    assert!(report.findings[0].message.contains("Permission denied"), "{report:?}");
}

#[test]
fn a_file_system_that_is_nearly_full() {
    let works = Command::new("unshare").args(["--mount", "true"]).stderr(Stdio::null()).status();
    if !works.is_ok_and(|status| status.success()) || !has_containers() {
        return;
    }
    let Some((directory, _)) = counted() else { return };
    let place = tempfile::tempdir().unwrap();
    const SCRIPT: &str = "
mount -t tmpfs -o size=1m tmpfs \"$2\" && cp \"$1\"/*.db \"$2\" && head -c 950k /dev/zero > \"$2/.fill\"
promproc check --format json --ignore other-files \"$2\"
rm \"$2/.fill\"
promproc check --format json --ignore other-files \"$2\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT, "sh"]).arg(directory.path()).arg(place.path());
    let output = command.env("PATH", path_with_promproc()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<Report> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(codes(&reports[0].findings), ["nearly-full"], "{text}");
    assert!(reports[0].findings[0].message.contains("killed by SIGBUS"), "{text}");
    assert!(reports[1].findings.is_empty(), "{text}");
}

#[test]
fn writers_in_another_container() {
    if !has_containers() {
        return;
    }
    let directory = directory();
    let Some(live) = Holder::client(directory.path()) else { return };
    let mut command = in_container();
    let command =
        command.arg(promproc().get_program()).args(["check", "--format", "json"]).arg(directory.path());
    let report = report(&run(command.env_remove("PROMETHEUS_MULTIPROC_DIR")));
    assert_eq!(codes(&report.findings), ["unseen-writers"], "{report:?}");
    assert!(report.findings[0].pids.contains(&live.pid().to_string()));
    assert_eq!(report.summary.live_pids, 1);
}

#[test]
fn a_slow_scrape_and_what_makes_it_slow() {
    let Some((directory, file)) = counted() else { return };
    for pid in 1..=5_000 {
        fs::copy(&file, directory.path().join(format!("counter_1000{pid}.db"))).unwrap();
    }
    let found = assert_found(
        directory.path(),
        &["slow-scrape"],
        &["mostly dead processes' files: 5001 of 5001 files and 10002 of 10002 entries", "c (2)", "l (2)"],
        &["empty-directory"],
    );
    assert_eq!(found[0].severity, "warning");
}

#[test]
fn every_code_is_documented_and_can_be_ignored() {
    let readme = fs::read_to_string("README.md").unwrap();
    // Without the line breaks.
    let readme = readme.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = run(promproc().args(["man", "check"])).stdout;
    let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        let name = code.as_str();
        assert_eq!(Code::parse(name), Some(*code));
        let paragraph = format!("- `{name}` ({}): {}", code.severity(), code.explanation().trim());
        assert!(readme.contains(&paragraph), "the README lacks: {paragraph}");
        assert!(
            page.replace("\\-", "-").contains(&format!("\\fB{name}\\fR ({})", code.severity())),
            "{name}"
        );
        assert!(
            check(&["--ignore", name], Path::new("tests/data/gunicorn"))
                .status
                .is_some_and(|status| status < 2)
        );
    }
    let wrong = check(&["--ignore", "stuck"], Path::new("."));
    assert!(wrong.stderr.contains("stuck-gauge") && wrong.status == Some(2), "{wrong:?}");
}
