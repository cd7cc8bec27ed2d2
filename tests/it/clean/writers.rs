//! Processes that have files open are in the way, and named.

use std::fs::File;

use rustix::fs::{FlockOperation, flock};

use super::*;

#[test]
fn refuses_and_names_the_holders() {
    let directory = Directory::with(&METRIC_FILES);
    let script = "exec 8<>$1/counter_$$.db 9<>$1/gauge_all_12.db";
    let one = Holder::shell(script, directory.path());
    let two = Holder::shell("exec 9<>$1/gauge_all_12.db", directory.path());
    let before = directory.names();
    for options in [&[][..], &["--dry-run"]] {
        let ran = clean(&directory, options);
        ran.fails_with(&[
            &format!("{}: nothing removed: 2 files of 12 in use\n", directory.path().display()),
            "PID  FILES  STARTED               PROGRAM\n",
            &format!("{}      2  20", one.pid()),
            &format!("{}      1  20", two.pid()),
            "Z  sh\nhint: ",
            "--keep-live",
            "--force",
        ]);
        assert_eq!(directory.names(), before);
        // A holder a line, between the error and the hint.
        assert_eq!(ran.stderr.lines().count(), 5, "{ran:?}");
        let row = ran.stderr.lines().find(|line| line.contains(&format!("{}      2  ", one.pid()))).unwrap();
        let since = row.split_whitespace().nth(2).unwrap();
        let since = humantime::parse_rfc3339(since).unwrap().duration_since(SystemTime::UNIX_EPOCH).unwrap();
        // The kernel's clocks may be a second apart.
        assert!(since.as_secs().abs_diff(started(one.pid())) <= 1, "{ran:?}");
    }
    drop((one, two));
    clean(&directory, &[]).prints(&format!("removed 12 files from {}\n", directory.path().display()));
}

/// When a process started, in Unix seconds: as the kernel says it, without sysinfo.
fn started(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let ticks: u64 = stat.rsplit(')').next().unwrap().split_whitespace().nth(19).unwrap().parse().unwrap();
    let boot = fs::read_to_string("/proc/stat").unwrap();
    let boot = boot.lines().find_map(|line| line.strip_prefix("btime ")).unwrap();
    boot.parse::<u64>().unwrap() + ticks / 100
}

#[test]
fn keep_live_removes_the_rest() {
    let directory = Directory::with(&METRIC_FILES);
    let worker = Holder::shell("exec 8<>$1/counter_$$.db 9<>$1/gauge_all_12.db", directory.path());
    clean(&directory, &["--keep-live"]).prints(&format!(
        "removed 10 files from {}\nkept 2 files that live processes have open\n",
        directory.path().display()
    ));
    assert_eq!(directory.names(), [format!("counter_{}.db", worker.pid()), "gauge_all_12.db".to_owned()]);
    drop(worker);
}

#[test]
fn force_unlinks_what_is_in_use_and_never_truncates_it() {
    let directory = Directory::with(&["counter_12.db"]);
    let worker = Holder::shell("exec 9<>$1/counter_$$.db; echo 12345678901234567890 >&9", directory.path());
    let held = format!("/proc/{}/fd/9", worker.pid());
    let ran = clean(&directory, &["--force"]);
    assert_eq!(ran.stdout, format!("removed 2 files from {}\n", directory.path().display()));
    // Then, and as long as it lives, one is told what that does.
    for ran in [ran, clean(&directory, &[])] {
        assert_eq!(ran.status, Some(0));
        ran.says(&[
            &format!("pid {} (", worker.pid()),
            ") goes on writing into 1 file removed before: what it counts there is lost",
        ]);
    }
    let metadata = fs::metadata(held).unwrap();
    assert_eq!((metadata.nlink(), metadata.len()), (0, 21));
    let usage = clean(&directory, &["--force", "--keep-live"]);
    usage.fails_with(&["cannot be used with"]);
    drop(worker);
}

#[test]
fn a_restarted_container_can_clean_what_its_pid_1_left() {
    if !has_containers() || !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    let start = |program: &Command, options: &str| {
        let words: Vec<_> = [program.get_program()].into_iter().chain(program.get_args()).collect();
        // A shell that has something left to do stays process 1.
        let script = format!(
            "dir=$1; shift; [ $$ = 1 ] && \"$@\" clean {options} \"$dir\"; status=$?; true; exit $status"
        );
        run(in_container().args(["sh", "-c", &script, "start.sh"]).arg(directory.path()).args(words))
    };
    for (program, force) in [(promproc(), ""), (promproc_without_leases(), "--force")] {
        let script = "[ $$ = 1 ] && exec 8<>$1/counter_$$.db 9<>$1/gauge_livesum_2.db";
        drop(Holder::container(script, directory.path()));
        assert_eq!(directory.names(), ["counter_1.db", "gauge_livesum_2.db"]);
        directory.give_to(STRANGER);
        if !force.is_empty() {
            // Another container that is alive has a process 1 as well.
            start(&program, "").fails_with(&["may be in another pid namespace", "--force"]);
        }
        start(&program, force).prints(&format!("removed 2 files from {}\n", directory.path().display()));
        assert_eq!(directory.names(), Vec::<String>::new());
    }
}

#[test]
fn a_worker_in_another_container_is_in_the_way() {
    if !has_containers() {
        return;
    }
    let directory = Directory::with(&["counter_12.db"]);
    let worker = Holder::container("exec 9<>$1/counter_$$.db", directory.path());
    // Its pid is seen from outside its container, and not from beside it.
    clean(&directory, &[]).fails_with(&["1 file of 2 in use\n", "      1  20", "Z  sh\n"]);
    let beside = run(in_container().arg(promproc().get_program()).arg("clean").arg(directory.path()));
    beside.fails_with(&[
        "1 file of 2 in use\n",
        "  -      1  -        not seen from here: in another container",
    ]);
    assert_eq!(directory.names(), ["counter_1.db", "counter_12.db"]);
    drop(worker);
}

#[test]
fn files_that_may_be_in_use_are_not_removed() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["counter_web-1.db", "counter_4999999.db"]);
    let seen_by = Directory::with(&[]);
    let clean = |options: &[&str]| {
        run(promproc_of_a_stranger(&seen_by).arg("clean").args(options).arg(directory.path()))
    };
    clean(&[]).fails_with(&[
        "nothing removed: 2 files of 2 may be in use",
        "counter_4999999.db: process 4999999 may be in another pid namespace",
        "hint: run promproc as the user that owns the files",
        "--force",
    ]);
    assert_eq!(directory.names().len(), 2);
    let ran = clean(&["--keep-live"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    ran.says(&["warning: ", "kept 2 files that may have a writer"]);
    assert_eq!(directory.names().len(), 2);
    clean(&["--force"]).prints(&format!("removed 2 files from {}\n", directory.path().display()));
}

#[test]
fn a_running_merge_keeps_its_temporary_file() {
    let directory = Directory::with(&["counter_1.db"]);
    let name = ".promproc-tmp-0123456789abcdef";
    let merge = File::create(directory.file(name)).unwrap();
    flock(&merge, FlockOperation::LockExclusive).unwrap();
    run(promproc().arg("prune").arg(directory.path())).prints("");
    clean(&directory, &[]).fails_with(&["1 file of 2 in use"]);
    assert_eq!(clean(&directory, &["--keep-live"]).status, Some(0));
    assert_eq!(directory.names(), [name]);
    // Not only closed: a child that another test has just forked may have it, too.
    flock(&merge, FlockOperation::Unlock).unwrap();
    clean(&directory, &[]).prints("");
    assert_eq!(directory.names(), Vec::<String>::new());
}

#[test]
fn a_service_of_the_real_client() {
    let directory = Directory::with(&[]);
    let Some(first) = Holder::client(directory.path()) else { return };
    let second = Holder::client(directory.path()).unwrap();
    assert_eq!(directory.names().len(), 26);
    let ran = clean(&directory, &[]);
    ran.fails_with(&[
        "26 files of 26 in use\n",
        &format!("{}     13  20", first.pid()),
        &format!("{}     13  20", second.pid()),
    ]);
    first.kill();
    assert_eq!(clean(&directory, &["--keep-live"]).status, Some(0));
    assert_eq!(directory.names().len(), 13);
    drop(second);
    clean(&directory, &[]).prints(&format!("removed 13 files from {}\n", directory.path().display()));
}
