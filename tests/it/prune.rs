//! `promproc prune`, with real processes that hold real files open.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use serde::Deserialize;
use serde_json::json;

use crate::support::{
    Client, Directory, Holder, Ran, STRANGER, can_change_user, has_containers, in_container, names_in,
    promproc, promproc_of_a_stranger, promproc_without_leases, python, run, wait_for,
};

const MODES: [&str; 10] =
    ["all", "liveall", "livemax", "livemin", "livemostrecent", "livesum", "max", "min", "mostrecent", "sum"];

/// No process of any system here has this number: Linux counts to 4,194,304 at most.
const NO_PID: &str = "4999999";

fn prune(directory: &Directory, options: &[&str]) -> Ran {
    run(promproc().arg("prune").args(options).arg(directory.path()))
}

/// Files of a process for every type and mode.
fn files_of(pid: &str) -> Vec<String> {
    let gauges = MODES.iter().map(|mode| format!("gauge_{mode}_{pid}.db"));
    ["counter", "histogram", "summary"].iter().map(|t| format!("{t}_{pid}.db")).chain(gauges).collect()
}

fn directory_of(pids: &[&str]) -> Directory {
    let names: Vec<_> = pids.iter().flat_map(|pid| files_of(pid)).collect();
    Directory::with(&names.iter().map(String::as_str).collect::<Vec<_>>())
}

fn age(directory: &Directory, name: &str) {
    let file = File::options().append(true).open(directory.file(name)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
}

#[test]
fn removes_what_mark_process_dead_removes_for_every_dead_process() {
    let Some(mut client) = Client::current() else { return };
    let (ours, theirs) = (Directory::with(&[]), Directory::with(&[]));
    let mut operations: Vec<_> = MODES
        .iter()
        .map(|mode| json!({"type": "gauge", "name": format!("g_{mode}"), "mode": mode, "op": "set", "value": "1"}))
        .collect();
    for (metric_type, op) in [("counter", "inc"), ("histogram", "observe"), ("summary", "observe")] {
        operations.push(json!({"type": metric_type, "name": metric_type, "op": op, "value": "1"}));
    }
    let pids =
        client.write(ours.path(), &json!(vec![json!({"pid": null, "operations": operations}); 3])).unwrap();
    for name in ours.names() {
        fs::copy(ours.file(&name), theirs.file(&name)).unwrap();
    }
    assert_eq!(ours.names().len(), 3 * 13);

    let ran = prune(&ours, &[]);
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 3 * 5, ""));
    for pid in pids {
        client.mark_dead(&pid, theirs.path()).unwrap();
    }
    assert_eq!(ours.names(), theirs.names());
    prune(&ours, &[]).prints("");
}

#[test]
fn pid_is_exactly_mark_process_dead() {
    let Some(mut client) = Client::current() else { return };
    let pids = ["5", "55", "host_5", "5.db", "worker 5", "é"];
    for pid in pids.into_iter().chain([NO_PID]) {
        let (ours, theirs) = (directory_of(&pids), directory_of(&pids));
        let ran = prune(&ours, &["--pid", pid]);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{pid}");
        assert_eq!(ours.names(), client.mark_dead(pid, theirs.path()).unwrap(), "{pid}");
    }
}

#[test]
fn pid_is_no_pattern() {
    let directory = directory_of(&["5", "*", "[5]"]);
    let ran = prune(&directory, &["--pid", "*", "--pid", "[5]"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 10));
    assert!(directory.file("gauge_liveall_5.db").exists());
    assert!(!directory.file("gauge_liveall_*.db").exists());
}

#[test]
fn pid_does_not_look_whether_the_process_lives() {
    let directory = Directory::with(&[]);
    let worker = Holder::shell("exec 8<>$1/gauge_liveall_$$.db 9<>$1/gauge_all_$$.db", directory.path());
    let pid = worker.pid();
    let file = directory.file(&format!("gauge_liveall_{pid}.db"));
    prune(&directory, &["--pid", &pid.to_string(), "--pid", NO_PID])
        .prints(&format!("removed {}: its process is dead, says the caller\n", file.display()));
    assert_eq!(directory.names(), [format!("gauge_all_{pid}.db")]);
    prune(&directory, &["--pid", &pid.to_string(), "--mode", "all", "--dry-run"]).prints(&format!(
        "would remove {}: its process is dead, says the caller\n",
        directory.file(&format!("gauge_all_{pid}.db")).display()
    ));
    assert_eq!(directory.names(), [format!("gauge_all_{pid}.db")]);
}

#[test]
fn pids_that_are_no_part_of_a_file_name() {
    let directory = Directory::with(&[]);
    for (pid, reason) in [("", "it is empty"), ("/../5", "a file name has no /")] {
        prune(&directory, &["--pid", pid]).fails_with(&["--pid <PID>", reason]);
    }
}

#[test]
fn keeps_a_live_worker_of_the_real_client_until_it_is_killed() {
    let directory = Directory::with(&[]);
    let Some(worker) = Holder::client(directory.path()) else { return };
    let before = directory.names();
    assert_eq!(before.len(), 13);
    prune(&directory, &[]).prints("");
    prune(&directory, &["--mode", "all", "--mode", "max"]).prints("");
    assert_eq!(directory.names(), before);
    worker.kill();
    let ran = prune(&directory, &[]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 5), "{ran:?}");
    assert_eq!(directory.names().len(), 8);
}

#[test]
fn prints_each_file_with_the_evidence() {
    let directory = directory_of(&[NO_PID]);
    let lines = |verb: &str| {
        ["liveall", "livemax", "livemin", "livemostrecent", "livesum"]
            .map(|mode| directory.file(&format!("gauge_{mode}_{NO_PID}.db")))
            .map(|file| format!("{verb} {}: write lease granted: no process has it open\n", file.display()))
            .concat()
    };
    prune(&directory, &["--dry-run"]).prints(&lines("would remove"));
    assert_eq!(directory.names().len(), 13);
    prune(&directory, &[]).prints(&lines("removed"));
    assert_eq!(directory.names().len(), 8);
}

#[test]
fn json_has_these_fields() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct Line {
        file: String,
        r#type: String,
        mode: String,
        pid: String,
        evidence: String,
        removed: bool,
    }
    let directory = directory_of(&["host_5"]);
    for (options, removed) in [(&["--dry-run"][..], false), (&[], true)] {
        let ran = prune(&directory, &[&["--format", "json", "--mode", "livesum"], options].concat());
        assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 1));
        let line: Line = serde_json::from_str(&ran.stdout).unwrap();
        let expected = Line {
            file: directory.file("gauge_livesum_host_5.db").to_str().unwrap().to_owned(),
            r#type: "gauge".to_owned(),
            mode: "livesum".to_owned(),
            pid: "host_5".to_owned(),
            evidence: "write lease granted: no process has it open".to_owned(),
            removed,
        };
        assert_eq!(line, expected);
    }
}

#[test]
fn other_modes_are_pruned_when_named() {
    let directory = directory_of(&[NO_PID]);
    let ran = prune(&directory, &["--mode", "all", "--mode", "min"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 2));
    let mut left = files_of(NO_PID);
    left.retain(|name| !name.starts_with("gauge_all_") && !name.starts_with("gauge_min_"));
    left.sort_unstable();
    assert_eq!(directory.names(), left);
}

#[test]
fn counters_histograms_and_summaries_are_never_pruned_and_it_says_why() {
    let directory = directory_of(&[NO_PID]);
    for metric_type in ["counter", "histogram", "summary"] {
        prune(&directory, &["--mode", metric_type])
            .fails_with(&[&format!("a {metric_type} is never pruned"), "the sum would fall"]);
    }
    prune(&directory, &["--mode", "gauge"]).fails_with(&["livesum"]);
    prune(&directory, &["--mode", "average"]).fails_with(&["livesum"]);
    assert_eq!(directory.names().len(), 13);
}

#[test]
fn nothing_to_do_and_no_such_directory() {
    let directory = Directory::with(&["counter_1.db", "notes.txt", "foo.db", "gauge_average_7.db"]);
    prune(&directory, &[]).prints("");
    assert_eq!(directory.names().len(), 4);
    let missing = directory.file("missing");
    for options in [&[][..], &["--pid", "5"]] {
        let ran = run(promproc().arg("prune").args(options).arg(&missing));
        ran.fails_with(&["missing: no such file or directory"]);
        let ran = run(promproc().arg("prune").args(options).arg(directory.file("notes.txt")));
        ran.fails_with(&["notes.txt: ", "ot a directory"]);
        run(promproc().arg("prune").args(options)).fails_with(&["PROMETHEUS_MULTIPROC_DIR"]);
    }
    let named = directory_of(&[NO_PID]);
    run(promproc().arg("prune").args(["--pid", NO_PID]).env("PROMETHEUS_MULTIPROC_DIR", named.path()));
    assert_eq!(named.names().len(), 8);
}

#[test]
fn a_reused_number_is_not_the_writer() {
    let directory = Directory::with(&[]);
    let other = Holder::shell("", directory.path());
    let name = format!("gauge_livesum_{}.db", other.pid());
    fs::write(directory.file(&name), []).unwrap();
    prune(&directory, &[]).prints(&format!(
        "removed {}: write lease granted: no process has it open\n",
        directory.file(&name).display()
    ));
}

#[test]
fn a_writer_of_another_name_is_seen() {
    // A uWSGI worker's number, another process's id, a host name: who has the file open counts.
    let directory = Directory::with(&[]);
    let script =
        format!("exec 7<>$1/gauge_livesum_2.db 8<>$1/gauge_livesum_{NO_PID}.db 9<>$1/gauge_livesum_web-1.db");
    let worker = Holder::shell(&script, directory.path());
    prune(&directory, &[]).prints("");
    assert_eq!(directory.names().len(), 3);
    drop(worker);
    assert_eq!(prune(&directory, &[]).stdout.lines().count(), 3);
}

#[test]
fn a_scraper_is_no_writer_and_two_prunes_do_not_take_each_other_for_one() {
    let names: Vec<_> = (0..200).map(|pid| format!("gauge_livesum_{}.db", 5_000_000 + pid)).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    for _ in 0..5 {
        let directory = Directory::with(&names);
        let is_done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !is_done.load(Ordering::Relaxed) {
                        for name in &names {
                            let _ = fs::read(directory.file(name));
                        }
                    }
                });
            }
            let prunes: Vec<_> = (0..3).map(|_| scope.spawn(|| prune(&directory, &[]))).collect();
            let ran: Vec<_> = prunes.into_iter().map(|prune| prune.join().unwrap()).collect();
            is_done.store(true, Ordering::Relaxed);
            // None was killed by the signal that a lease's holder gets, each file was removed once.
            assert!(ran.iter().all(|ran| ran.status == Some(0) && ran.stderr.is_empty()), "{ran:?}");
            let removed: usize = ran.iter().map(|ran| ran.stdout.lines().count()).sum();
            assert_eq!(removed, names.len() - directory.names().len());
        });
        prune(&directory, &[]);
        assert_eq!(directory.names(), Vec::<String>::new());
    }
}

#[test]
fn a_process_that_opens_the_file_at_that_moment_does_not_lose_it() {
    let directory = Directory::with(&[]);
    let file = directory.file(&format!("gauge_livesum_{NO_PID}.db"));
    let is_done = AtomicBool::new(false);
    let removed: usize = thread::scope(|scope| {
        let writer = scope.spawn(|| {
            while !is_done.load(Ordering::Relaxed) {
                let opened = File::options().write(true).create(true).truncate(false).open(&file).unwrap();
                assert_ne!(opened.metadata().unwrap().nlink(), 0, "its file has no name any more");
                drop(opened);
                // Most of the time nobody has it open, as prune waits for.
                (0..2_000).for_each(|_| std::hint::spin_loop());
            }
        });
        let mut removed = 0;
        for _ in 0..100 {
            let ran = prune(&directory, &[]);
            assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
            removed += ran.stdout.lines().count();
        }
        is_done.store(true, Ordering::Relaxed);
        writer.join().unwrap();
        removed
    });
    assert_ne!(removed, 0);
}

#[test]
fn a_number_that_promproc_or_its_parent_has_is_not_the_writer() {
    if !can_change_user() {
        return;
    }
    let program = promproc_without_leases();
    let program: Vec<_> = [program.get_program()].into_iter().chain(program.get_args()).collect();
    for start in ["exec \"$@\" prune --force \"$dir\"", "\"$@\" prune --force \"$dir\"; exit $?"] {
        let directory = Directory::with(&[]);
        let name = "gauge_livesum_$$.db";
        let script = format!("dir=$1; shift; >$dir/{name}; chown {STRANGER} $dir/{name}; {start}");
        let ran = run(Command::new("sh").args(["-c", &script, "sh"]).arg(directory.path()).args(&program));
        assert_eq!(
            (ran.status, ran.stderr.as_str(), ran.stdout.lines().count()),
            (Some(0), "", 1),
            "{ran:?}"
        );
        assert!(ran.stdout.ends_with(" does not have it open\n"), "{ran:?}");
        assert_eq!(directory.names(), Vec::<String>::new());
    }
}

#[test]
fn where_not_all_processes_can_be_seen_none_is_taken_for_dead() {
    if !has_containers() || !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    let seen_by = Directory::with(&[]);
    let program = promproc_of_a_stranger(&seen_by);
    let program: Vec<_> = [program.get_program()].into_iter().chain(program.get_args()).collect();
    for (options, mount) in [
        // /proc shows a user's own processes only.
        (&["--pid", "--mount"][..], "mount -t proc -o hidepid=2 proc /proc; "),
        // /proc counts processes as the outer namespace does.
        (&["--pid"], ""),
    ] {
        let script = format!("dir=$1; shift; {mount}\"$@\" prune --force \"$dir\"; exit $?");
        let mut command = Command::new("unshare");
        command.args(options).args(["--fork", "sh", "-c", &script, "sh"]).arg(directory.path());
        let ran = run(command.args(&program));
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        ran.says(&[&format!(
            "gauge_liveall_{NO_PID}.db: kept: there may be a process {NO_PID}: not all processes can be seen\n"
        )]);
        assert_eq!(directory.names().len(), 13);
    }
}

#[test]
fn a_writer_in_another_container_is_seen() {
    if !has_containers() {
        return;
    }
    let directory = Directory::with(&[]);
    let script = "[ $$ = 1 ] && exec 8<>$1/gauge_liveall_$$.db 9<>$1/counter_$$.db";
    let worker = Holder::container(script, directory.path());
    prune(&directory, &[]).prints("");
    // From a container in which there is a process 1, too, and the writer is out of sight.
    run(in_container().arg(promproc().get_program()).arg("prune").arg(directory.path())).prints("");
    assert_eq!(directory.names(), ["counter_1.db", "gauge_liveall_1.db"]);
    drop(worker);
    // There is a process 1 here; it is not the one that wrote the file.
    prune(&directory, &[]).prints(&format!(
        "removed {}: write lease granted: no process has it open\n",
        directory.file("gauge_liveall_1.db").display()
    ));
}

#[test]
fn without_leases_a_directory_without_live_writer_is_refused() {
    if !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    directory.give_to(STRANGER);
    let pruned =
        |options: &[&str]| run(promproc_without_leases().arg("prune").args(options).arg(directory.path()));
    pruned(&[]).fails_with(&[
        "nothing pruned",
        &format!("gauge_liveall_{NO_PID}.db: no process {NO_PID}"),
        "hint: ",
        "shareProcessNamespace",
        "--force",
        "promproc clean",
    ]);
    assert_eq!(directory.names().len(), 13);
    let ran = pruned(&["--force"]);
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 5, ""));
    assert!(ran.stdout.contains(&format!(": no process {NO_PID}\n")), "{ran:?}");
    assert_eq!(directory.names().len(), 8);
    // Nothing is left to be pruned, so nothing is refused.
    pruned(&[]).prints("");
}

#[test]
fn without_leases_one_live_writer_of_any_type_shows_that_writers_can_be_seen() {
    if !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    let worker = Holder::shell("exec 9<>$1/counter_$$.db", directory.path());
    directory.give_to(STRANGER);
    let ran = run(promproc_without_leases().arg("prune").arg(directory.path()));
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 5, ""));
    drop(worker);
}

#[test]
fn without_leases_open_files_and_mappings_are_looked_for() {
    if !can_change_user() {
        return;
    }
    const MAPPER: &str = "
import mmap, sys
file = open(sys.argv[1] + '/gauge_livemin_3.db', 'w+b')
file.truncate(65536)
mapped = mmap.mmap(file.fileno(), 0)
file.close()
print('ready', flush=True)
sys.stdin.read()
";
    let directory = Directory::with(&[]);
    let script = format!("exec 8<>$1/gauge_livemax_{NO_PID}.db 9<>$1/gauge_livesum_$$.db");
    let worker = Holder::shell(&script, directory.path());
    let mapper = python().map(|python| {
        Holder::run(Command::new(python.interpreter()).args(["-c", MAPPER]).arg(directory.path()))
    });
    let held = directory.names();
    let name = format!("gauge_liveall_{}.db", worker.pid());
    fs::write(directory.file(&name), []).unwrap();
    directory.give_to(STRANGER);
    let ran = run(promproc_without_leases().arg("prune").arg(directory.path()));
    assert_eq!((ran.status, ran.stderr.as_str(), ran.stdout.lines().count()), (Some(0), "", 1), "{ran:?}");
    let start =
        format!("removed {}: process {} (sh -c exec 8<>$1", directory.file(&name).display(), worker.pid());
    assert!(ran.stdout.starts_with(&start), "{ran:?}");
    assert!(ran.stdout.ends_with("…) does not have it open\n"), "{ran:?}");
    assert_eq!(directory.names(), held);
    drop((worker, mapper));
}

#[test]
fn without_leases_threads_and_zombies_are_not_the_writer_and_later_processes_may_be() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    let seen_by = Directory::with(&[]);
    let ended = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let later = Holder::shell("", directory.path());
    let (zombie_name, later_name) =
        (format!("gauge_livesum_{}.db", ended.id()), format!("gauge_livesum_{}.db", later.pid()));
    thread::scope(|scope| {
        let (send_number, number) = std::sync::mpsc::channel();
        let (end, ends) = std::sync::mpsc::channel::<()>();
        scope.spawn(move || {
            let link = fs::read_link("/proc/thread-self").unwrap();
            send_number.send(link.file_name().unwrap().to_str().unwrap().to_owned()).unwrap();
            let _ = ends.recv();
        });
        let thread = number.recv().unwrap();
        let thread_name = format!("gauge_livesum_{thread}.db");
        for name in [&zombie_name, &later_name, &thread_name] {
            fs::write(directory.file(name), []).unwrap();
        }
        age(&directory, &later_name);
        let is_zombie = || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", ended.id())).unwrap();
            stat.rsplit(')').next().unwrap().trim_start().starts_with('Z')
        };
        wait_for("the process ends", || is_zombie().then_some(()));
        let ran = run(promproc_of_a_stranger(&seen_by).args(["prune", "--force"]).arg(directory.path()));
        assert_eq!(ran.status, Some(1), "{ran:?}");
        // It may have gone on in the file of the process that had its number before.
        ran.says(&[
            &format!("{later_name}: kept: process {} (sh -c", later.pid()),
            ") started after the file was last modified, but may have it open: its open files cannot be seen\n",
        ]);
        for (name, evidence) in [
            (&zombie_name, format!(": process {} is a zombie\n", ended.id())),
            (&thread_name, format!(": no process {thread}\n")),
        ] {
            assert!(ran.stdout.contains(&format!("{name}: ")), "{ran:?}");
            assert!(ran.stdout.contains(&evidence), "{evidence:?} is missing in {ran:?}");
        }
        drop(end);
    });
    drop(later);
    let mut ended = ended;
    ended.wait().unwrap();
    assert_eq!(directory.names(), [later_name]);
}

#[test]
fn what_cannot_be_told_is_kept_and_named() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["gauge_livesum_web-1.db"]);
    let seen_by = Directory::with(&[]);
    let other = Holder::shell("", directory.path());
    let maybe = format!("gauge_livesum_{}.db", other.pid());
    fs::write(directory.file(&maybe), []).unwrap();
    let before = directory.names();
    let ran = run(promproc_of_a_stranger(&seen_by).args(["prune", "--force"]).arg(directory.path()));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    ran.says(&[
        &format!("warning: {}: kept: process {} (sh -c", directory.file(&maybe).display(), other.pid()),
        "may have it open: its open files cannot be seen\n",
        "gauge_livesum_web-1.db: kept: its name does not end in a process id\n",
        "hint: run promproc as the user that owns the files",
        "--pid",
    ]);
    assert_eq!(directory.names(), before);
    drop(other);
}

#[test]
fn a_link_is_judged_by_its_target_which_stays() {
    let directory = Directory::with(&[]);
    let elsewhere = Directory::with(&["target"]);
    let link = directory.file(&format!("gauge_livesum_{NO_PID}.db"));
    std::os::unix::fs::symlink(elsewhere.file("target"), &link).unwrap();
    let reader = Holder::shell("exec 9<>$1/target", elsewhere.path());
    prune(&directory, &[]).prints("");
    drop(reader);
    prune(&directory, &[])
        .prints(&format!("removed {}: write lease granted: no process has it open\n", link.display()));
    assert_eq!((directory.names().len(), names_in(elsewhere.path())), (0, vec!["target".to_owned()]));
}

#[test]
fn what_cannot_be_removed_is_an_error() {
    if !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    directory.give_to(STRANGER);
    fs::set_permissions(directory.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let seen_by = Directory::with(&[]);
    for options in [&[][..], &["--pid", NO_PID]] {
        run(promproc_of_a_stranger(&seen_by).arg("prune").args(options).arg(directory.path()))
            .fails_with(&[&format!("gauge_liveall_{NO_PID}.db: cannot be removed: Permission denied")]);
    }
    assert_eq!(directory.names().len(), 13);
}
