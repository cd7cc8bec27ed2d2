//! Gauges whose value is a dead process's, or nobody's.

use super::*;

#[test]
fn a_stuck_gauge() {
    let directory = directory();
    const IN_PROGRESS: &str = "g = Gauge('inprogress', 'h', ['path'], multiprocess_mode='livesum'); g.labels('/a').inc(2); g.labels('/b').inc(3)";
    let Some(pid) = killed(directory.path(), IN_PROGRESS) else { return };
    let _alive = worker(directory.path(), IN_PROGRESS);
    let found = assert_found(
        directory.path(),
        &["stuck-gauge"],
        &["inprogress{path=\"/a\"} is 4, without them 2", "still counts in 2 series of mode livesum"],
        &[],
    );
    assert_eq!(found[0].subject, "inprogress");
    assert_eq!(found[0].summary, "inprogress (2 series)");
    assert_eq!(found[0].change.as_deref(), Some("4 → 2 without 1 dead process"));
    assert_eq!(found[0].pids, BTreeSet::from([pid.clone()]));
    assert!(found[0].files[0].ends_with(&format!("/gauge_livesum_{pid}.db")), "{found:?}");
    assert_eq!(found[0].series, ["inprogress{path=\"/a\"}", "inprogress{path=\"/b\"}"]);
    assert_eq!(found[0].commands, [format!("promproc prune {}", directory.path().display())]);
}

#[test]
fn values_are_those_of_what_could_be_read() {
    let directory = directory();
    const IN_PROGRESS: &str = "Gauge('inprogress', 'h', multiprocess_mode='livesum').inc(2)";
    let Some(_) = killed(directory.path(), IN_PROGRESS) else { return };
    let _alive = worker(directory.path(), IN_PROGRESS);
    let whole = fs::read("tests/data/gunicorn/gauge_livesum_8187.db").unwrap();
    fs::write(directory.path().join("gauge_livesum_4999999.db"), &whole[..60]).unwrap();
    let found = findings(directory.path());
    let stuck = found.iter().find(|one| one.subject == "inprogress").unwrap();
    let change = "4 → 2 without 1 dead process (without 1 file that could not be read)";
    assert_eq!(stuck.change.as_deref(), Some(change), "{found:?}");
}

#[test]
fn a_stuck_gauge_that_changes_nothing_is_an_info() {
    let directory = directory();
    const ONE: &str = "Gauge('peak', 'h', multiprocess_mode='livemax').set(1)";
    if killed(directory.path(), ONE).is_none() {
        return;
    }
    let _alive = worker(directory.path(), ONE);
    let shown = directory.path().display();
    check(&[], directory.path())
        .prints(&format!("{shown}: 2 files, 2 entries, 1 series; 1 live process, 1 dead; 1 info (-v)\n"));
    assert_eq!(check(&["--fail-on", "info"], directory.path()).status, Some(1));
    assert_found(directory.path(), &["stuck-gauge"], &["peak is 1, without them 1"], &[]);
}

#[test]
fn series_of_a_dead_process() {
    let directory = directory();
    const DEPTH: &str = "Gauge('depth', 'h').set(3)";
    let Some(pid) = killed(directory.path(), DEPTH) else { return };
    let _alive = worker(directory.path(), DEPTH);
    let says = format!("depth{{pid=\"{pid}\"}} is 3, without them it would disappear");
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
    assert_found(directory.path(), &["dead-decides"], &["most is 5, without them 3"], &[]);
    if killed(directory.path(), &gauges(1.0)).is_none() {
        return;
    }
    assert_found(directory.path(), &["dead-decides"], &["least is 1, without them 3"], &[]);
}

#[test]
fn modes_that_remember_the_dead_are_an_info_with_the_command() {
    let directory = directory();
    let gauges = |value: f64| {
        ["min", "max", "sum", "mostrecent"]
            .map(|mode| format!("Gauge('g_{mode}', 'h', multiprocess_mode='{mode}').set({value})"))
            .join("; ")
    };
    let Some(_alive) = worker(directory.path(), &gauges(3.0)) else { return };
    killed(directory.path(), &gauges(-1.0)).unwrap();
    let (before, _) = (check(&[], directory.path()), check(&["-v"], directory.path()));
    assert_eq!((before.status, before.stdout.lines().count()), (Some(0), 1), "infos are for -v: {before:?}");
    let found = assert_found(
        directory.path(),
        &["dead-decides"; 3],
        &["g_min is -1, without them 3", "g_sum is 2, without them 3", "g_mostrecent is -1, without them 3"],
        &[],
    );
    assert!(found.iter().all(|one| one.severity == "info" && one.commands.len() == 1), "{found:?}");
}

#[test]
fn what_some_processes_count_up_and_others_down_is_not_pruned() {
    let directory = directory();
    let gauge = |does: &str| format!("Gauge('jobs', 'h', multiprocess_mode='livesum').{does}");
    let Some(_alive) = worker(directory.path(), &gauge("inc(3)")) else { return };
    let pid = killed(directory.path(), &gauge("dec(2)")).unwrap();
    let says = format!("pid {pid} counts jobs down");
    let found =
        assert_found(directory.path(), &["wrong-mode"], &[&says, "multiprocess_mode='sum'"], &["wrong-mode"]);
    assert!(found[0].commands.is_empty(), "{found:?}");
    let explained = run(promproc().args(["explain", "jobs"]).arg(directory.path()));
    assert!(explained.stdout.contains("use multiprocess_mode='sum'"), "{explained:?}");
    assert!(!explained.stdout.contains("promproc prune"), "{explained:?}");

    // Another gauge of the same process: pruning it would break this one.
    killed(
        directory.path(),
        &format!("{}; Gauge('other', 'h', multiprocess_mode='liveall').set(1)", gauge("dec(1)")),
    )
    .unwrap();
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["stuck-gauge", "wrong-mode"], "{found:?}");
    let prune = format!("promproc prune --mode liveall {}", directory.path().display());
    assert_eq!(found[0].commands, [prune.as_str()], "{found:?}");
    let explain = |name: &str| run(promproc().args(["explain", name]).arg(directory.path())).stdout;
    assert!(explain("other").contains(&format!("\nfix: {prune}\n")), "{}", explain("other"));

    // Of the same mode, no command spares it.
    killed(
        directory.path(),
        &format!("{}; Gauge('third', 'h', multiprocess_mode='livesum').set(1)", gauge("dec(1)")),
    )
    .unwrap();
    let found = findings(directory.path());
    let third = found.iter().find(|one| one.subject == "third").unwrap();
    assert!(third.commands.is_empty() && third.advice.contains("pruning now breaks"), "{found:?}");
    let said = explain("third");
    assert!(said.contains("pruning now breaks its value") && !said.contains("promproc prune"), "{said}");

    // What is printed removes the one and leaves the other.
    mend(&prune);
    let found = findings(directory.path());
    assert!(!found.iter().any(|one| one.subject == "other"), "{found:?}");
    assert!(found.iter().any(|one| one.code == "wrong-mode"), "{found:?}");

    // A value that is negative by itself counts nothing down.
    let directory = self::directory();
    killed(directory.path(), "Gauge('degrees', 'h', multiprocess_mode='livesum').set(-3)").unwrap();
    assert_found(
        directory.path(),
        &["stuck-gauge"],
        &["degrees is -3, without them it would disappear"],
        &["empty-directory"],
    );
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
mkfifo "$3/ready"
"$2" -B -E -s -c "
import time
from prometheus_client import Gauge
Gauge('g', 'h', multiprocess_mode='livesum').set(1)
print('ready', flush=True)
time.sleep(600)" > "$3/ready" &
worker=$!
read -r ready < "$3/ready" || { echo "the worker has failed" >&2; exit 1; }
kill -9 $worker; wait $worker
echo $((worker - 1)) > /proc/sys/kernel/ns_last_pid
sleep 600 &
[ $! = $worker ] || exit 3
until read -r name < /proc/$worker/comm && [ "$name" = sleep ]; do :; done
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
    if output.status.code() == Some(3) {
        not_run("to choose the number of a process, through ns_last_pid");
        return;
    }
    let text = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<Report> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [before, after] = &reports[..] else {
        panic!("{text}{}", String::from_utf8_lossy(&output.stderr));
    };
    assert_eq!(codes(&before.findings), ["stuck-gauge", "pid-reused"], "{text}");
    let reused = &before.findings[1];
    assert!(reused.message.contains("(sleep) did not write the gauge files"), "{reused:?}");
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
        &["no process has set last_run, so it is not exposed"],
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
