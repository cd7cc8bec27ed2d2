//! Killed at every system call: nothing is lost, and the next run leaves nothing over.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use super::*;

const DEAD: [&str; 2] = ["gauge_livesum_4999998.db", "gauge_livesum_4999999.db"];
const LIVE: &str = "gauge_livesum_web.db";

fn has_strace() -> bool {
    let works = Command::new("strace").arg("-V").output().is_ok();
    if !works {
        not_run("strace");
    }
    works
}

/// Runs promproc until it enters its system call of that number, where it is killed.
fn killed_at(call: usize, arguments: &[&str], directory: &Path) -> ExitStatus {
    let inject = format!("inject=all:signal=KILL:when={call}");
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", &inject, env!("CARGO_BIN_EXE_promproc")]);
    command.args(arguments).arg(directory).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().unwrap()
}

/// Kills a command at each of its system calls.
fn at_every_call(arguments: &[&str], mut check: impl FnMut(&Directory, &str)) {
    let mut calls = 0;
    for call in 1.. {
        let directory = Directory::with(&DEAD);
        fs::write(directory.file(LIVE), encoded(&[(SIZE, 7.0)])).unwrap();
        let _worker = Holder::shell(&format!("exec 9<>\"$1/{LIVE}\""), directory.path());
        let live = fs::metadata(directory.file(LIVE)).unwrap().ino();
        let status = killed_at(call, arguments, directory.path());
        let what = format!("{arguments:?}, killed at call {call}");
        // What a worker writes to has its name at every moment.
        assert_eq!(fs::metadata(directory.file(LIVE)).unwrap().ino(), live, "{what}");
        check(&directory, &what);
        if status.signal().is_none() && status.code() != Some(137) {
            break;
        }
        calls += 1;
    }
    assert!(calls > 40, "{calls} calls are too few");
}

#[test]
fn a_prune_that_is_killed_anywhere_is_finished_by_the_next() {
    if !has_strace() {
        return;
    }
    at_every_call(&["prune", "--settle", "0"], |directory, what| {
        let ran = run(promproc().args(["prune", "--settle", "0"]).arg(directory.path()));
        assert_eq!((ran.status, directory.names()), (Some(0), vec![LIVE.to_owned()]), "{what}: {ran:?}");
    });
}

#[test]
fn a_clean_that_is_killed_anywhere_is_finished_by_the_next() {
    if !has_strace() {
        return;
    }
    at_every_call(&["clean", "--keep-live"], |directory, what| {
        let ran = run(promproc().args(["clean", "--keep-live"]).arg(directory.path()));
        assert_eq!((ran.status, directory.names()), (Some(0), vec![LIVE.to_owned()]), "{what}: {ran:?}");
    });
}

#[test]
fn an_output_file_is_the_old_or_the_new_one_wherever_merge_is_killed() {
    if !has_strace() {
        return;
    }
    let expected = encoded(&[(SIZE, 7.0)]);
    let source = Directory::with(&[]);
    fs::write(source.file(LIVE), expected).unwrap();
    let new = run(promproc().arg("merge").arg(source.path())).stdout;
    for call in 1.. {
        let target = Directory::with(&[]);
        let output = target.file("metrics.prom");
        fs::write(&output, "old\n").unwrap();
        let status = killed_at(call, &["merge", "-o", output.to_str().unwrap()], source.path());
        let found = fs::read_to_string(&output).unwrap();
        assert!(found == "old\n" || found == new, "killed at call {call}: {found:?}");
        let ran = run(promproc().args(["merge", "-o"]).arg(&output).arg(source.path()));
        assert_eq!(
            (ran.status, fs::read_to_string(&output).unwrap()),
            (Some(0), new.clone()),
            "{call}: {ran:?}"
        );
        assert_eq!(target.names(), ["metrics.prom"], "killed at call {call}");
        if status.signal().is_none() && status.code() != Some(137) {
            return;
        }
    }
}

/// A worker that gets the number of a dead one, and opens its file while prune holds the lease on it.
#[test]
fn a_worker_that_waits_for_a_file_whose_prune_is_killed_writes_where_it_is_found() {
    if !has_strace() {
        return;
    }
    const NAME: &str = DEAD[0];
    let mut waited = 0;
    // The lease is the second fcntl of the removal; what follows is the renaming and the questions.
    for kill in ["renameat2", "fcntl:4", "fcntl:5", "fcntl:6", "unlinkat", "nothing"] {
        let directory = Directory::with(&[NAME]);
        fs::write(directory.file(NAME), encoded(&[(SIZE, 7.0)])).unwrap();
        let inode = fs::metadata(directory.file(NAME)).unwrap().ino();
        let mut command = Command::new("strace");
        command.args(["-f", "-o", "/dev/null", "-e", "inject=fcntl:delay_exit=150000"]);
        if let Some((call, when)) = kill.split_once(':') {
            command.args(["-e", &format!("inject={call}:signal=KILL:when={when}")]);
        } else if kill != "nothing" {
            command.args(["-e", &format!("inject={kill}:signal=KILL:when=1")]);
        }
        command.args([env!("CARGO_BIN_EXE_promproc"), "prune", "--settle", "0"]).arg(directory.path());
        let mut prune = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The first lease is that of the look, the second that of the removal.
        for is_wanted in [true, false, true] {
            wait_for("a lease", || {
                (is_leased(inode) == is_wanted || prune.try_wait().unwrap().is_some()).then_some(())
            });
        }
        let worker = Holder::shell(&format!("exec 9<>\"$1/{NAME}\""), directory.path());
        prune.wait().unwrap();
        run(promproc().args(["prune", "--settle", "0"]).arg(directory.path()));
        let held = fs::metadata(format!("/proc/{}/fd/9", worker.pid())).unwrap();
        let named =
            fs::metadata(directory.file(NAME)).unwrap_or_else(|_| panic!("{kill}: {:?}", directory.names()));
        assert_eq!(
            (named.ino(), named.dev()),
            (held.ino(), held.dev()),
            "{kill}: the worker counts elsewhere"
        );
        waited += usize::from(held.ino() == inode);
        assert_eq!(directory.names(), [NAME], "{kill}");
    }
    assert!(waited > 0, "no worker came in time");
}
