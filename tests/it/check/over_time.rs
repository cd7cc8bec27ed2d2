//! What one look cannot tell: counters that fall, and files that were removed.

use super::*;

/// `check --watch`, with something that happens between its two looks.
fn watched(path: &Path, seconds: &str, meanwhile: impl FnOnce()) -> Ran {
    let mut command = promproc();
    command.args(["check", "-v", "--watch", seconds, "--format", "json"]).arg(path);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    said.read_line(&mut line).unwrap();
    assert!(line.starts_with("promproc: info: looked once; looking again in "), "{line}");
    while_stopped(&child, meanwhile);
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

    let nothing = watched(directory.path(), "100ms", || {});
    assert_eq!((codes(&report(&nothing).findings), nothing.status), (vec![], Some(0)));

    let counter = name("counter", &live.pid().to_string());
    let before = fs::read(directory.path().join(&counter)).unwrap();
    let reset = watched(directory.path(), "2", || {
        fs::write(&sign, "").unwrap();
        let has_changed = || fs::read(directory.path().join(&counter)).unwrap() != before;
        wait_for("the worker goes on", || has_changed().then_some(()));
    });
    let found = report(&reset).findings;
    assert_eq!((codes(&found), reset.status), (vec!["falling-counter"], Some(1)));
    assert_eq!(
        (found[0].subject.as_str(), &found[0].series[..]),
        ("c", &["c_total{l=\"a\"}".to_owned()][..])
    );
    let says = format!("c_total{{l=\"a\"}} fell from 10 to 5: {counter} has less than before;");
    assert!(found[0].message.starts_with(&says), "{found:?}");
    assert_eq!(found[0].pids, BTreeSet::from([live.pid().to_string()]));
    assert_eq!(codes(&report(&watched(directory.path(), "100ms", || {})).findings), Vec::<&str>::new());

    // All of it, with the directory.
    let all = self::directory();
    killed(all.path(), COUNTED).unwrap();
    let gone = watched(all.path(), "2", || {
        for entry in fs::read_dir(all.path()).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
    });
    let found = report(&gone).findings;
    assert_eq!(codes(&found), ["falling-counter", "falling-counter", "falling-counter", "empty-directory"]);
    assert!(found[2].message.starts_with("other_total fell from 1 to nothing: counter_"), "{found:?}");

    // What a clean-up job that means well does to counters.
    let gone = watched(directory.path(), "2", || {
        for kind in ["counter", "histogram"] {
            fs::remove_file(directory.path().join(name(kind, &dead))).unwrap();
        }
    });
    let found = report(&gone).findings;
    assert_eq!(codes(&found), ["falling-counter"; 3]);
    let subjects: Vec<_> = found.iter().map(|finding| finding.subject.as_str()).collect();
    assert_eq!(subjects, ["c", "h", "other"]);
    let says = format!("h_count fell from 2 to 1: {} is gone;", name("histogram", &dead));
    assert!(found[1].message.starts_with(&says), "{found:?}");
    assert_eq!(codes(&report(&watched(directory.path(), "100ms", || {})).findings), Vec::<&str>::new());
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
    let writes = format!("writes to {}, removed from the directory", names[1]);
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
