//! `promproc find`: the directories of processes that really run. Other tests' processes run beside these: so
//! each test looks for its own directories only.
#![cfg(target_os = "linux")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::Deserialize;

use crate::support::{
    Directory, Holder, Ran, can_change_user, has_containers, killed, promproc, promproc_of_a_stranger, run,
    worker,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    directory: PathBuf,
    exists: Option<bool>,
    owner: Option<u32>,
    files: Option<usize>,
    live_pids: usize,
    unknown_pids: usize,
    dead_pids: usize,
    programs: Vec<String>,
    processes: Vec<Process>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Process {
    pid: u32,
    command: String,
    started: u64,
    in_environment: bool,
    open_files: usize,
    removed_files: usize,
}

fn json() -> Vec<Line> {
    let ran = run(promproc().args(["find", "--format", "json"]));
    assert!(ran.status == Some(0) || ran.status == Some(1), "{ran:?}");
    ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn of(directory: &Path) -> Line {
    let all = json();
    let mut its: Vec<_> = all.into_iter().filter(|line| line.directory == directory).collect();
    assert_eq!(its.len(), 1, "{its:?}");
    its.remove(0)
}

/// The row of a directory.
fn row(ran: &Ran, directory: &Path) -> String {
    let path = directory.to_str().unwrap();
    let row = ran.stdout.lines().find(|line| line.ends_with(path));
    row.unwrap_or_else(|| panic!("{path} is missing in {ran:?}"))
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A shell in a directory, with a variable, that has run a script.
fn shell(directory: &Path, variable: &str, value: &str, script: &str) -> Holder {
    let script = format!("{script}\necho ready\nread -r _");
    Holder::run(Command::new("sh").args(["-c", &script]).current_dir(directory).env(variable, value))
}

#[test]
fn a_service_of_the_real_client_by_its_environment_and_files() {
    let directory = Directory::with(&[]);
    let count = "Counter('c', 'c').inc()";
    let Some(dead) = killed(directory.path(), count) else { return };
    let live = worker(directory.path(), count).unwrap();
    let line = of(directory.path());
    assert_eq!(
        (line.exists, line.files, line.owner),
        (Some(true), Some(2), Some(rustix::process::geteuid().as_raw()))
    );
    assert_eq!((line.live_pids, line.unknown_pids, line.dead_pids), (1, 0, 1), "{dead} is dead: {line:?}");
    let [process] = &line.processes[..] else { panic!("{line:?}") };
    assert_eq!((process.pid, process.in_environment), (live.pid(), true));
    assert_eq!((process.open_files, process.removed_files), (1, 0));
    assert!(process.command.contains("python") && process.started > 1_700_000_000, "{process:?}");
    assert_eq!(line.programs, [process.command.as_str()]);

    let table = run(promproc().arg("find"));
    assert_eq!(
        row(&table, directory.path()),
        format!("root 2 1 live, 1 dead {} {}", process.command, directory.path().display())
    );
    // What it shows can be given to every other command.
    let merged = run(promproc().arg("merge").arg(&line.directory));
    assert!(merged.stdout.contains("c_total 2.0"), "{merged:?}");

    // Its directory goes away under it.
    fs::remove_dir_all(directory.path()).unwrap();
    let line = of(directory.path());
    assert_eq!((line.exists, line.files, line.owner), (Some(false), Some(0), None));
    assert_eq!((line.processes[0].open_files, line.processes[0].removed_files), (0, 1));
    let table = run(promproc().arg("find"));
    assert!(row(&table, directory.path()).contains("missing"), "{table:?}");
    table.says(&[&format!(
        "warning: {}: pid {} ({}) still writes to 1 file that was removed",
        directory.path().display(),
        live.pid(),
        line.processes[0].command
    )]);
    drop(live);
    assert!(json().iter().all(|line| line.directory != directory.path()));
    fs::create_dir(directory.path()).unwrap();
}

#[test]
fn what_an_environment_names_is_resolved_as_the_process_does() {
    let base = Directory::with(&[]);
    fs::create_dir(base.file("metrics")).unwrap();
    std::os::unix::fs::symlink("metrics", base.file("link")).unwrap();
    // A relative path, an absolute one, and a link: one directory.
    let relative = shell(base.path(), "prometheus_multiproc_dir", "metrics/", "");
    let link = base.file("link");
    let absolute = shell(base.path(), "PROMETHEUS_MULTIPROC_DIR", link.to_str().unwrap(), "");
    let line = of(&base.file("metrics"));
    let pids: Vec<_> = line.processes.iter().map(|process| (process.pid, process.in_environment)).collect();
    let mut expected = [(relative.pid(), true), (absolute.pid(), true)];
    expected.sort_unstable();
    assert_eq!((pids, line.programs), (expected.to_vec(), vec!["sh".to_owned()]));
    assert_eq!((line.exists, line.files, line.live_pids), (Some(true), Some(0), 0));

    // A process may leave its directory's name behind.
    let missing = shell(base.path(), "PROMETHEUS_MULTIPROC_DIR", "gone", "");
    assert_eq!(of(&base.file("gone")).exists, Some(false));
    // The variable is empty: the client writes to where the process runs. Only files say that it does.
    let empty = shell(base.path(), "PROMETHEUS_MULTIPROC_DIR", "", "");
    assert!(json().iter().all(|line| line.directory != base.path()));
    let writing = shell(base.path(), "PROMETHEUS_MULTIPROC_DIR", "", "exec 9<>counter_$$.db");
    let line = of(base.path());
    assert_eq!((line.processes.len(), line.processes[0].pid, line.live_pids), (1, writing.pid(), 1));
    // A reader of a metric file is none that uses the directory.
    drop(writing);
    let reading = shell(base.path(), "X", "", "exec 9<$(ls counter_*.db)");
    assert!(json().iter().all(|line| line.directory != base.path()));
    drop((missing, empty, reading));
}

#[test]
fn a_directory_of_another_container_is_reached_through_its_process() {
    if !has_containers() {
        return;
    }
    let base = Directory::with(&[]);
    fs::create_dir(base.file("metrics")).unwrap();
    // The path leads elsewhere for everybody else; inside, a link leads to it.
    let script = "mount -t tmpfs tmpfs $1/metrics && ln -s $1/metrics $1/metrics/again
        exec 9<>$1/metrics/again/counter_$$.db
        export PROMETHEUS_MULTIPROC_DIR=$1/metrics/again
        sh -c 'echo ready; read -r _; true'";
    let mut command = Command::new("unshare");
    let command = command.args([
        "--pid",
        "--fork",
        "--mount",
        "--mount-proc",
        "--kill-child",
        "sh",
        "-c",
        script,
        "sh",
    ]);
    let container = Holder::run(command.arg(base.path()));
    let inside = format!("root{}", base.file("metrics").display());
    let all = json();
    let its: Vec<_> = all.iter().filter(|line| line.directory.ends_with(&inside)).collect();
    let [line] = &its[..] else { panic!("{all:?}") };
    assert!(line.directory.starts_with("/proc"), "{line:?}");
    assert_eq!((line.exists, line.files, line.live_pids), (Some(true), Some(1), 1), "{line:?}");
    assert_eq!(line.processes.iter().filter(|process| process.in_environment).count(), 1, "{line:?}");
    // It works as printed.
    run(promproc().args(["merge", "--strict"]).arg(&line.directory)).prints("");
    assert_eq!(fs::read_dir(&line.directory).unwrap().count(), 2);
    assert!(!all.iter().any(|line| line.directory == base.file("metrics")), "{all:?}");
    // What is removed there is not what is here, though both have one name.
    fs::remove_file(line.directory.join("counter_1.db")).unwrap();
    let check = |path: &Path| run(promproc().args(["check", "--format", "json"]).arg(path)).stdout;
    assert!(check(&line.directory).contains("removed-file"), "{line:?}");
    assert!(!check(&base.file("metrics")).contains("removed-file"), "{line:?}");
    drop(container);
}

#[test]
fn without_the_right_to_look_one_is_told_so() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    let holder = shell(directory.path(), "PROMETHEUS_MULTIPROC_DIR", directory.path().to_str().unwrap(), "");
    let seen_by = Directory::with(&[]);
    let ran = run(promproc_of_a_stranger(&seen_by).arg("find"));
    ran.says(&["hint: ", " cannot be looked at: run promproc find as root"]);
    assert!(!ran.stdout.contains(directory.path().to_str().unwrap()), "{ran:?}");
    // As the first process of a container there is nobody else.
    if has_containers() {
        let alone = run(crate::support::in_container().arg(promproc().get_program()).arg("find"));
        assert_eq!((alone.status, alone.stdout.as_str()), (Some(1), ""), "{alone:?}");
        alone.says(&["warning: no process that can be seen from here uses a multiprocess directory"]);
    }
    drop(holder);
}

#[test]
fn a_hostile_environment_neither_steers_the_terminal_nor_leaks() {
    let base = Directory::with(&[]);
    let name = "evil\u{1b}[2J\nroot 9 \u{202e}";
    let holder = shell(base.path(), "PROMETHEUS_MULTIPROC_DIR", name, "");
    let mut secret = Command::new("sh")
        .args(["-c", "read -r _", "password=hunter2"])
        .env("PROMETHEUS_MULTIPROC_DIR", base.path())
        .env("TOKEN", "hunter2")
        .stdin(Stdio::piped())
        .spawn()
        .unwrap();
    for options in [&["find"][..], &["find", "--format", "json"]] {
        let ran = run(promproc().args(options));
        let all = ran.stdout + &ran.stderr;
        assert!(all.contains("evil"), "{all:?}");
        assert!(!all.contains(['\u{1b}', '\u{202e}']) && !all.contains("\nroot 9"), "{all:?}");
        assert!(!all.contains("hunter2"), "{all:?}");
    }
    let missing = of(&base.file(name));
    assert_eq!((missing.exists, missing.processes[0].pid), (Some(false), holder.pid()));
    assert_eq!(of(base.path()).programs, ["sh"]);
    drop(secret.stdin.take());
    secret.wait().unwrap();
}
