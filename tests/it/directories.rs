//! Several directories whose processes have the same pids, as containers have them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{Client, GET, Merge, Ran, encoded, promproc, run, samples};

/// Two services with a directory each, whose one worker has pid 7.
struct Containers(TempDir);

impl Containers {
    fn new(client: &mut Client) -> Self {
        let containers = Self(TempDir::new().unwrap());
        for (name, value) in [("web", "3"), ("jobs", "4")] {
            let directory = containers.of(name);
            fs::create_dir_all(&directory).unwrap();
            let mut operations = vec![
                json!({"type": "counter", "name": "done", "labels": [["zone", "x"]], "op": "inc", "value": value}),
                json!({"type": "histogram", "name": "took", "buckets": ["1"], "op": "observe", "value": value}),
            ];
            for mode in ["all", "liveall", "max", "mostrecent"] {
                let name = format!("level_{mode}");
                operations
                    .push(json!({"type": "gauge", "name": name, "mode": mode, "op": "set", "value": value}));
            }
            client.write(&directory, &json!([{"pid": "7", "operations": operations}])).unwrap();
        }
        containers
    }

    fn of(&self, name: &str) -> PathBuf {
        self.0.path().join(name).join("metrics")
    }

    /// With both directories as paths, and with the one above them.
    fn read(&self, arguments: &[&str]) -> [Ran; 2] {
        [
            run(promproc().args(arguments).args([self.of("web"), self.of("jobs")])),
            run(promproc().args(arguments).arg("-r").arg(self.0.path())),
        ]
    }
}

#[test]
fn a_lost_series_is_said() {
    let Some(mut client) = Client::current() else { return };
    let containers = Containers::new(&mut client);
    for command in [&["merge"][..], &["explain", "level_all"], &["top", "--once"], &["top", "--batch", "1"]] {
        for ran in containers.read(command) {
            let lost: Vec<_> = ran.stderr.lines().filter(|line| line.contains("lost")).collect();
            let [said] = lost[..] else { panic!("{command:?}: {ran:?}") };
            assert!(said.starts_with("promproc: warning: level_all{pid=\"7\"} is in "), "{ran:?}");
            // Explain says it of what it explains.
            let more = if command[0] == "explain" { "" } else { " (and 1 more series)" };
            let says = format!("the last one read counts, the other is lost{more}");
            assert!(said.ends_with(&says), "{ran:?}");
            ran.says(&["hint: equal pids in different containers: --directory-label NAME"]);
            assert_eq!(ran.status, Some(1), "{command:?}: {ran:?}");
        }
    }
    for ran in containers.read(&["check", "--ignore", "dead-*,stuck-gauge,not-tmpfs"]) {
        let says = "level_all: 1 series lost to another directory's with the same pid";
        assert!(ran.stdout.contains("lost-series") && ran.stdout.contains(says), "{ran:?}");
        assert!(ran.status == Some(1) && ran.stdout.contains("fix: use --directory-label NAME"), "{ran:?}");
    }
    // Nobody asked for the series that is lost.
    for ran in containers.read(&["merge", "--name", "done,level_max"]) {
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn a_label_tells_directories_apart() {
    let Some(mut client) = Client::current() else { return };
    let containers = Containers::new(&mut client);
    for ran in containers.read(&["merge", "--directory-label", "service", "--sort"]) {
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
        let found = samples(&ran.stdout);
        // Each directory's series are what the client makes of it alone, with the label.
        for name in ["web", "jobs"] {
            let label = format!("{name}/metrics");
            let mut expected = samples(&client.merge(&containers.of(name), Merge::default()).unwrap());
            for sample in &mut expected {
                sample.labels.insert("service".to_owned(), label.clone());
            }
            let mut own: Vec<_> =
                found.iter().filter(|sample| sample.labels["service"] == label).cloned().collect();
            expected.sort();
            own.sort();
            assert_eq!(own, expected, "{name}");
        }
        assert_eq!(found.len() % 2, 0);
        assert!(
            ran.stdout.contains("done_total{service=\"jobs/metrics\",zone=\"x\"} 4.0\n"),
            "{}",
            ran.stdout
        );
    }
}

#[test]
fn selectors_see_the_label() {
    let Some(mut client) = Client::current() else { return };
    let containers = Containers::new(&mut client);
    let label = ["--directory-label", "service"];
    let web = r#"{service="web/metrics"}"#;
    for filter in
        [["--label", "service=web/metrics"], ["--match", web], ["--drop", r#"{service=~"jobs/.*"}"#]]
    {
        for [command, option] in [["merge", "--sort"], ["top", "--once"], ["dump", "--format=json"]] {
            for ran in containers.read(&[&[command, option], &label[..], &filter[..]].concat()) {
                assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{command} {filter:?}");
                assert!(
                    ran.stdout.contains("web/metrics") && !ran.stdout.contains("jobs/metrics\","),
                    "{ran:?}"
                );
                assert!(ran.stdout.contains("done_total"), "{ran:?}");
            }
        }
    }
    for ran in containers.read(&[&["explain", "--format", "json"], &label[..], &[web]].concat()) {
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.iter().all(|line| line["labels"]["service"] == "web/metrics"), "{ran:?}");
        assert!(lines.len() > 5, "{ran:?}");
    }
    // A file takes its directory's.
    let files = ["web", "jobs"].map(|name| containers.of(name).join("gauge_all_7.db"));
    let ran = run(promproc().arg("merge").args(label).args(files));
    assert_eq!((ran.status, samples(&ran.stdout).len()), (Some(0), 2), "{ran:?}");
    // A directory that counts nothing yet has its name, so that the others' do not change when it does.
    fs::create_dir_all(containers.of("idle")).unwrap();
    let ran = run(promproc().arg("merge").args(label).args([containers.of("web"), containers.of("idle")]));
    assert!(ran.stdout.contains("service=\"web/metrics\""), "{ran:?}");
}

#[test]
fn a_label_of_that_name_is_replaced_and_some_names_are_refused() {
    let Some(mut client) = Client::current() else { return };
    let containers = Containers::new(&mut client);
    for command in ["merge", "dump"] {
        let ran = run(promproc().args([command, "--directory-label", "zone"]).arg(containers.of("web")));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert_eq!(
            ran.stderr,
            "promproc: warning: family done: its own label zone is replaced by that of the directory\n"
        );
        assert!(ran.stdout.contains("zone=\"metrics\"") && !ran.stdout.contains("zone=\"x\""), "{ran:?}");
    }
    for command in [&["merge"][..], &["dump"], &["explain", "x"], &["top", "--once"], &["check"]] {
        for name in ["pid", "le", "quantile", "__name__", "", "7a", "a-b", "é"] {
            let ran =
                run(promproc().args(command).args(["--directory-label", name]).arg(containers.of("web")));
            ran.fails_with(&["--directory-label"]);
        }
    }
}

#[test]
fn pids_are_counted_of_each_directory() {
    let Some(mut client) = Client::current() else { return };
    let containers = Containers::new(&mut client);
    for ran in containers.read(&["check", "--format", "json", "--directory-label", "service"]) {
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["summary"]["dead_pids"], 2, "{ran:?}");
        assert!(!ran.stderr.contains("lost"), "{ran:?}");
    }
    for ran in containers.read(&["top", "--once", "--by", "pid", "--directory-label", "service"]) {
        assert_eq!(ran.stdout.lines().count(), 3, "{ran:?}");
    }
}

#[test]
fn linked_directories_are_named_as_left_out() {
    let directory = TempDir::new().unwrap();
    let (base, elsewhere) = (directory.path().join("base"), directory.path().join("elsewhere"));
    for path in [&base.join("one"), &elsewhere] {
        fs::create_dir_all(path).unwrap();
        fs::write(path.join("counter_1.db"), encoded(&[(GET, 1.0)])).unwrap();
    }
    fs::write(base.join("one/notes.txt"), "").unwrap();
    // What is reached another way is not left out.
    symlink(base.join("one"), base.join("current")).unwrap();
    let merge = |path: &Path| run(promproc().arg("merge").arg("-r").arg(path));
    assert_eq!((merge(&base).status, merge(&base).stderr.as_str()), (Some(0), ""));
    symlink(&elsewhere, base.join("one/linked")).unwrap();
    let ran = merge(&base);
    let said = format!(
        "promproc: warning: {}: left out: a link to a directory; -r does not follow links\n",
        base.join("one/linked").display()
    );
    assert_eq!((ran.status, ran.stderr), (Some(1), said));
    assert!(ran.stdout.ends_with(" 1.0\n"), "{}", ran.stdout);
    let check = run(promproc().args(["check", "-r"]).arg(&base));
    assert!(check.status == Some(1) && check.stdout.contains("a link to a directory"), "{check:?}");
}
