//! `promproc clean`, with real processes that hold real files open.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use crate::support::{
    Directory, Holder, Ran, STRANGER, can_change_user, has_containers, in_container, names_in, promproc,
    promproc_of_a_stranger, promproc_without_leases, run,
};

fn clean(directory: &Directory, options: &[&str]) -> Ran {
    run(promproc().arg("clean").args(options).arg(directory.path()))
}

const METRIC_FILES: [&str; 11] = [
    ".promproc-a1B2c3.tmp",
    "counter_12.db",
    "gauge_all_12.db",
    "gauge_future_12.db",
    "gauge_livemostrecent_12.db",
    "gauge_livesum_web_1.db",
    "gauge_max_web-1.example.org.db",
    "histogram_12.db",
    "histogram_uwsgi_0.db",
    "summary_.db",
    "summary_12.db",
];

const OTHER_FILES: [&str; 9] = [
    ".counter_12.db",
    ".gitkeep",
    "Counter_12.db",
    "counter_12.db.tmp",
    "cache.db",
    "gauge_5.db",
    "info_1.db",
    "metrics.prom",
    "promproc-x.tmp",
];

#[test]
fn removes_metric_files_of_all_eras_and_nothing_else() {
    let directory = Directory::with(&[&METRIC_FILES[..], &OTHER_FILES].concat());
    fs::create_dir_all(directory.file("counter_7.db")).unwrap();
    fs::create_dir_all(directory.file("archive")).unwrap();
    fs::write(directory.file("archive/counter_1.db"), []).unwrap();

    let ran = clean(&directory, &[]);
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(ran.stdout, format!("removed 11 files from {}\n", directory.path().display()));
    for other in OTHER_FILES {
        ran.says(&[&format!("{}: left: not a metric file\n", directory.file(other).display())]);
    }
    ran.says(&["counter_7.db: left: a directory\n", "archive: left: a directory\n"]);
    let left = directory.names();
    let mut expected = [&OTHER_FILES[..], &["archive", "counter_7.db"]].concat();
    expected.sort_unstable();
    assert_eq!(left, expected);
    assert_eq!(names_in(&directory.file("archive")), ["counter_1.db"]);

    let again = clean(&directory, &[]);
    assert_eq!((again.status, again.stdout.as_str(), again.stderr), (Some(0), "", ran.stderr));
}

#[test]
fn creates_the_directory_with_these_permissions_whatever_the_umask() {
    let base = Directory::with(&[]);
    let permissions = |name: &str| fs::metadata(base.file(name)).unwrap().mode() & 0o7777;
    let clean_with_umask = |umask: &str, options: &[&str], name: &str| {
        let script = format!("umask {umask}; exec \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &script, "sh"]).arg(promproc().get_program()).arg("clean").args(options);
        run(command.arg(base.file(name)))
    };
    for (umask, options, name, expected) in [
        ("077", &[][..], "plain", 0o755),
        ("000", &[], "open", 0o755),
        ("027", &["--dir-mode", "0775"], "group", 0o775),
        ("022", &["--dir-mode", "1777"], "sticky", 0o1777),
        ("022", &["--dir-mode", "700"], "private", 0o700),
        ("022", &["--dir-mode", "0750"], "new/parents/too/", 0o750),
    ] {
        clean_with_umask(umask, options, name).prints(&format!("created {}\n", base.file(name).display()));
        assert_eq!(permissions(name), expected, "{name}");
        clean_with_umask(umask, options, name).prints("");
    }
    assert_eq!(permissions("new/parents"), 0o755);
    // An existing directory keeps what it has.
    clean_with_umask("022", &["--dir-mode", "0777"], "private").prints("");
    assert_eq!(permissions("private"), 0o700);
    for mode in ["rwx", "0888", "10000", ""] {
        clean_with_umask("022", &["--dir-mode", mode], "never").fails_with(&["--dir-mode <MODE>", "octal"]);
    }
    assert!(!base.file("never").exists());
}

#[test]
fn a_missing_directory_that_is_not_to_be_created() {
    let base = Directory::with(&["file"]);
    let missing = base.file("missing");
    run(promproc().args(["clean", "--no-create"]).arg(&missing))
        .fails_with(&["missing: no such file or directory"]);
    run(promproc().args(["clean", "--dry-run"]).arg(&missing))
        .prints(&format!("would create {}\n", missing.display()));
    for options in [&[][..], &["--no-create"], &["--force"]] {
        run(promproc().arg("clean").args(options).arg(base.file("file"))).fails_with(&["ot a directory"]);
        run(promproc().arg("clean").args(options).arg(base.file("file/below")))
            .fails_with(&["ot a directory"]);
        run(promproc().arg("clean").args(options)).fails_with(&["PROMETHEUS_MULTIPROC_DIR"]);
    }
    assert_eq!(base.names(), ["file"]);
}

#[test]
fn the_path_may_be_relative_or_come_from_the_environment() {
    let base = Directory::with(&[]);
    let fill = || {
        fs::create_dir_all(base.file("metrics")).unwrap();
        fs::write(base.file("metrics/counter_1.db"), []).unwrap();
    };
    for path in ["metrics", "metrics/", "./metrics//", "../../../../../../../../{}/metrics"] {
        fill();
        let path = path.replace("{}", base.path().to_str().unwrap());
        run(promproc().args(["clean", &path]).current_dir(base.path()))
            .prints(&format!("removed 1 file from {path}\n"));
        assert_eq!(names_in(&base.file("metrics")), Vec::<String>::new());
    }
    fill();
    run(promproc().arg("clean").env("PROMETHEUS_MULTIPROC_DIR", base.file("metrics")));
    assert_eq!(names_in(&base.file("metrics")), Vec::<String>::new());
}

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
            &format!("{}: nothing removed: 2 files of 12 in use", directory.path().display()),
            &format!("pid {} (sh -c {script}", one.pid()),
            "has 2 of them open",
            &format!("pid {} (sh -c exec 9<>", two.pid()),
            "has 1 of them open",
            "hint: ",
            "--keep-live",
            "--force",
        ]);
        assert_eq!(directory.names(), before);
        let since = ran.stderr.split(" since ").nth(1).unwrap().split(' ').next().unwrap();
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
fn dry_run_says_what_would_be_removed() {
    let directory = Directory::with(&["counter_12.db", ".promproc-x.tmp", "notes"]);
    let ran = clean(&directory, &["--dry-run"]);
    let evidence = "write lease granted: no process has it open";
    let expected = [".promproc-x.tmp", "counter_12.db"]
        .map(|name| format!("would remove {}: {evidence}\n", directory.file(name).display()));
    assert_eq!((ran.status, ran.stdout), (Some(0), expected.concat()));
    ran_left_everything(&directory);
}

fn ran_left_everything(directory: &Directory) {
    assert_eq!(directory.names(), [".promproc-x.tmp", "counter_12.db", "notes"]);
}

#[test]
fn several_at_once_all_succeed() {
    let names: Vec<_> = (0..300).map(|pid| format!("counter_{pid}.db")).collect();
    for _ in 0..10 {
        let base = Directory::with(&[]);
        let directory = base.file("metrics");
        let clean_at_once = || {
            let runs: Vec<_> = thread::scope(|scope| {
                let threads: Vec<_> =
                    (0..4).map(|_| scope.spawn(|| run(promproc().arg("clean").arg(&directory)))).collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(runs.iter().all(|ran| ran.status == Some(0) && ran.stderr.is_empty()), "{runs:?}");
            runs
        };
        let created: String = clean_at_once().into_iter().map(|ran| ran.stdout).collect();
        assert_eq!(created, format!("created {}\n", directory.display()));
        for name in &names {
            fs::write(directory.join(name), [0; 8]).unwrap();
        }
        clean_at_once();
        assert_eq!(names_in(&directory), Vec::<String>::new());
    }
}

#[test]
fn of_a_link_the_target_is_left() {
    let directory = Directory::with(&["notes"]);
    let elsewhere = Directory::with(&["target", "counter_5.db"]);
    symlink(elsewhere.file("target"), directory.file("counter_1.db")).unwrap();
    symlink(elsewhere.file("nowhere"), directory.file("counter_2.db")).unwrap();
    symlink(elsewhere.path(), directory.file("counter_3.db")).unwrap();
    symlink(elsewhere.file("counter_5.db"), directory.file("other")).unwrap();
    let ran = clean(&directory, &[]);
    assert_eq!(ran.status, Some(0));
    assert_eq!(ran.stdout, format!("removed 1 file from {}\n", directory.path().display()));
    ran.says(&[
        &format!("{}: left: the target of a link\n", elsewhere.file("target").display()),
        &format!("{}: left: a link to no file\n", directory.file("counter_2.db").display()),
        &format!("{}: left: a link to no file\n", directory.file("counter_3.db").display()),
        &format!("{}: left: not a metric file\n", directory.file("other").display()),
    ]);
    assert_eq!(directory.names(), ["counter_2.db", "counter_3.db", "notes", "other"]);
    assert_eq!(elsewhere.names(), ["counter_5.db", "target"]);

    // One that goes with it is not left, whichever comes first.
    for (file, link) in [("counter_7.db", "counter_8.db"), ("counter_8.db", "counter_7.db")] {
        fs::write(directory.file(file), [0; 8]).unwrap();
        symlink(file, directory.file(link)).unwrap();
        let ran = clean(&directory, &["--quiet", "--force"]);
        ran.prints(&format!("removed 2 files from {}\n", directory.path().display()));
        fs::write(directory.file(file), [0; 8]).unwrap();
        symlink(file, directory.file(link)).unwrap();
        let ran = clean(&directory, &[]);
        assert_eq!(ran.stdout, format!("removed 2 files from {}\n", directory.path().display()));
        assert!(!ran.stderr.contains("counter_7") && !ran.stderr.contains("counter_8"), "{ran:?}");
    }

    // Who has the target open writes through the link.
    symlink(elsewhere.file("target"), directory.file("counter_1.db")).unwrap();
    let worker = Holder::shell("exec 9<>$1/target", elsewhere.path());
    clean(&directory, &[]).fails_with(&[&format!("pid {} (", worker.pid())]);
    drop(worker);
}

#[test]
fn what_is_no_regular_file_is_left_and_not_opened() {
    let directory = Directory::with(&[]);
    assert!(Command::new("mkfifo").arg(directory.file("counter_1.db")).status().unwrap().success());
    let socket = UnixListener::bind(directory.file("gauge_all_1.db")).unwrap();
    let ran = clean(&directory, &["--force"]);
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""));
    ran.says(&["counter_1.db: left: not a regular file\n", "gauge_all_1.db: left: not a regular file\n"]);
    assert_eq!(directory.names().len(), 2);
    drop(socket);
}

#[test]
fn quiet_names_nothing_that_is_left() {
    let directory = Directory::with(&["counter_1.db", "notes"]);
    clean(&directory, &["--quiet"]).prints(&format!("removed 1 file from {}\n", directory.path().display()));
    clean(&directory, &["--quiet"]).prints("");
}

#[test]
fn after_a_restart_the_script_with_number_1_is_not_the_worker_before() {
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
    for (program, evidence) in [
        (promproc(), "write lease granted: no process has it open"),
        (promproc_without_leases(), "does not have it open"),
    ] {
        let script = "[ $$ = 1 ] && exec 8<>$1/counter_$$.db 9<>$1/gauge_livesum_2.db";
        drop(Holder::container(script, directory.path()));
        assert_eq!(directory.names(), ["counter_1.db", "gauge_livesum_2.db"]);
        directory.give_to(STRANGER);
        let dry = start(&program, "--dry-run");
        assert!(dry.stdout.lines().next().unwrap().ends_with(evidence), "{dry:?}");
        start(&program, "").prints(&format!("removed 2 files from {}\n", directory.path().display()));
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
    clean(&directory, &[]).fails_with(&["1 file of 2 in use: pid ", " since 20", " has 1 of them open"]);
    let beside = run(in_container().arg(promproc().get_program()).arg("clean").arg(directory.path()));
    beside.fails_with(&["1 file of 2 in use: 1 file open in processes that cannot be seen from here"]);
    assert_eq!(directory.names(), ["counter_1.db", "counter_12.db"]);
    drop(worker);
}

#[test]
fn what_cannot_be_told_is_not_removed() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["counter_web-1.db", "counter_4999999.db"]);
    let seen_by = Directory::with(&[]);
    let clean = |options: &[&str]| {
        run(promproc_of_a_stranger(&seen_by).arg("clean").args(options).arg(directory.path()))
    };
    clean(&[]).fails_with(&[
        "nothing removed: 1 file of 2 may be in use",
        "counter_web-1.db: its name does not end in a process id",
        "hint: run promproc as the user that owns the files",
        "--force",
    ]);
    assert_eq!(directory.names().len(), 2);
    let ran = clean(&["--keep-live"]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
    ran.says(&["warning: ", "counter_web-1.db: kept: its name does not end in a process id\n"]);
    assert_eq!(directory.names(), ["counter_web-1.db"]);
    clean(&["--force"]).prints(&format!("removed 1 file from {}\n", directory.path().display()));
}

#[test]
fn what_cannot_be_removed_or_created_is_an_error() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["counter_4999999.db"]);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let seen_by = Directory::with(&[]);
    let clean = |path: &Path| run(promproc_of_a_stranger(&seen_by).arg("clean").arg(path));
    clean(directory.path()).fails_with(&["counter_4999999.db: cannot be removed: Permission denied"]);
    clean(&directory.file("new")).fails_with(&["new: cannot be created: Permission denied"]);
    fs::set_permissions(directory.path(), Permissions::from_mode(0o700)).unwrap();
    clean(directory.path()).fails_with(&["Permission denied", "hint: "]);
    assert_eq!(directory.names().len(), 1);
}

#[test]
fn a_running_merge_keeps_its_temporary_file() {
    let directory = Directory::with(&[]);
    let merge = Holder::shell("exec 9<>$1/.promproc-q8X.tmp", directory.path());
    clean(&directory, &[]).fails_with(&["1 file of 1 in use"]);
    drop(merge);
    assert_eq!(clean(&directory, &[]).status, Some(0));
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
        "26 files of 26 in use",
        &format!("pid {} (", first.pid()),
        &format!("pid {} (", second.pid()),
        "has 13 of them open",
    ]);
    first.kill();
    assert_eq!(clean(&directory, &["--keep-live"]).status, Some(0));
    assert_eq!(directory.names().len(), 13);
    drop(second);
    clean(&directory, &[]).prints(&format!("removed 13 files from {}\n", directory.path().display()));
}
