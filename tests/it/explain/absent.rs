//! Why a metric is missing: what can be the reason is said, and nothing else.

use super::*;
use crate::support::worker;

/// What is said of a selector that matches nothing: the hints.
fn hints(selector: &str, path: &Path) -> Vec<String> {
    let ran = explain(&[], selector, path);
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(1)), "{ran:?}");
    let (first, hints) = ran.stderr.split_once('\n').unwrap();
    assert_eq!(first, "promproc: warning: no series matches the selector");
    assert!(hints.lines().count() <= 8, "{ran:?}");
    hints.lines().map(|line| line.strip_prefix("hint: ").unwrap().to_owned()).collect()
}

const LATE: &str =
    "a process that imports prometheus_client before PROMETHEUS_MULTIPROC_DIR is set counts in memory";

#[test]
fn what_the_real_client_does_not_write() {
    let directory = Directory::with(&[]);
    const SCRIPT: &str = "
Info('build', 'h').info({'version': '1'})
Enum('state', 'h', states=['up', 'down']).state('up')
Counter('seen', 'h').inc()
Counter('never', 'h', ['path'])
Gauge('recent', 'h', multiprocess_mode='mostrecent').set_function(lambda: 5)";
    let Some(live) = worker(directory.path(), SCRIPT) else { return };
    let path = directory.path();
    let files = format!("was never counted in any of the 2 files of {}", path.display());
    for (selector, reasons) in [
        (
            "build_info",
            &["the client keeps Info metrics in memory: in multiprocess mode they reach no file"][..],
        ),
        (
            "state{state=\"up\"}",
            &["the client keeps Enum metrics in memory: in multiprocess mode they reach no file"],
        ),
        ("seen_created", &["the client writes no _created samples in multiprocess mode"]),
        (
            "process_resident_memory_bytes",
            &["process_* metrics come from the client's collectors, which multiprocess mode leaves out"],
        ),
        (
            "never_total",
            &[
                "a metric with labels is written when .labels() is first called; Info, Enum and custom collectors reach \
                 no file",
                LATE,
            ],
        ),
    ] {
        let hints: Vec<_> =
            hints(selector, path).into_iter().filter(|hint| !hint.starts_with("did you mean")).collect();
        let name = selector.split('{').next().unwrap();
        let expected: Vec<_> = [format!("{name} {files}")]
            .into_iter()
            .chain(reasons.iter().map(|&reason| reason.to_owned()))
            .collect();
        assert_eq!(hints, expected, "{selector}");
    }
    // A function's value is not written; what is there says so.
    let unset = explain(&[], "recent", path);
    assert!(unset.stdout.starts_with("recent  nobody set it, so it is not exposed\n"), "{unset:?}");
    drop(live);
}

#[test]
fn labels_that_no_series_has() {
    let directory = small_directory();
    for (selector, reasons) in [
        ("http_requests_total{method=\"PUT\"}", &["the values of method are \"GET\", \"POST\""][..]),
        (
            "http_requests_total{code=\"200\"}",
            &["no such series has the label code: the labels are method, path"],
        ),
        (
            "http_requests_total{job=\"web\",instance=~\"a.*\"}",
            &[
                "Prometheus adds the label job when it scrapes; no file has it: leave it out",
                "Prometheus adds the label instance when it scrapes; no file has it: leave it out",
            ],
        ),
        ("{queue=\"a\"}", &["the values of queue are \"\", \"漢字\""]),
    ] {
        let hints: Vec<_> = hints(selector, directory.path())
            .into_iter()
            .filter(|hint| !hint.starts_with("did you mean"))
            .collect();
        assert_eq!(hints, reasons, "{selector}");
    }
    // Each of them is there, but not together.
    let key = |a: &str, b: &str| format!(r#"["m", "m_total", {{"a": "{a}", "b": "{b}"}}, ""]"#);
    let apart = TempDir::new().unwrap();
    write(&apart, "counter_1.db", &encoded(&[(&key("1", "1"), 1.0), (&key("2", "2"), 1.0)]));
    let said = hints("m_total{a=\"1\",b=\"2\"}", apart.path());
    assert_eq!(
        said.last().unwrap(),
        "each of these labels was used, but never all together: a series is written when it is used"
    );
    // Bounds of buckets are values of a label, too.
    let histogram = TempDir::new().unwrap();
    let key = r#"["t", "t_bucket", {"le": "0.5"}, ""]"#;
    write(&histogram, "histogram_1.db", &encoded(&[(key, 1.0), (&key.replace("0.5", "+Inf"), 1.0)]));
    let said = hints("t_bucket{le=\"0.3\"}", histogram.path());
    assert_eq!(said.last().unwrap(), "the values of le are \"+Inf\", \"0.5\"");
}

#[test]
fn a_process_that_should_write_there_and_does_not_is_named() {
    let directory = Directory::with(&[]);
    let Some(idle) = worker(directory.path(), "pass") else { return };
    let named = |pid: u32| {
        format!("PROMETHEUS_MULTIPROC_DIR set to this directory and none of its files open: pid {pid} (")
    };
    let nothing = hints("c_total", directory.path());
    let none = format!("{} has no metric files: nothing was counted yet, or", directory.path().display());
    assert!(nothing[0].starts_with(&none) && nothing[0].contains("promproc find"), "{nothing:?}");
    assert!(
        nothing[1].contains(&named(idle.pid())) && nothing[1].starts_with("1 process has "),
        "{nothing:?}"
    );
    assert_eq!(nothing[2..], [LATE]);
    // One that counts is not idle, nor is its parent, a server's master.
    const MASTER: &str = "
import os
ready = os.pipe()
if os.fork() == 0:
    Counter('c', 'h').inc()
    os.write(ready[1], b'x')
    sys.stdin.read()
    os._exit(0)
os.read(ready[0], 1)";
    let master = worker(directory.path(), MASTER).unwrap();
    let said = hints("d_total", directory.path());
    let of_idle: Vec<_> = said.iter().filter(|hint| hint.contains("none of its files open")).collect();
    assert!(of_idle.len() == 1 && of_idle[0].contains(&named(idle.pid())), "{said:?}");
    drop(idle);
    let said = hints("d_total", directory.path());
    assert!(!said.iter().any(|hint| hint.contains("none of its files open")), "{said:?}");
    drop(master);
}
