//! Several directories, and those below one; directories that are not there.

use super::*;

/// A directory with two directories below it, and a dead process's gauges in all three.
fn tree() -> Directory {
    let top = directory_of(&[NO_PID]);
    for below in ["a/metrics", "b"] {
        fs::create_dir_all(top.file(below)).unwrap();
        for name in files_of("4999998") {
            fs::write(top.file(below).join(name), [0; 8]).unwrap();
        }
    }
    top
}

fn prune_in(paths: &[&std::path::Path], options: &[&str]) -> Ran {
    run(promproc().args(["prune", "--settle", "0"]).args(options).args(paths))
}

#[test]
fn every_directory_below_is_pruned_and_has_its_line() {
    let top = tree();
    let elsewhere = directory_of(&["4999997"]);
    std::os::unix::fs::symlink(elsewhere.path(), top.file("link")).unwrap();
    let shown = top.path().display();
    let lines = |verb: &str| {
        ["", "/a/metrics", "/b"]
            .map(|below| format!("{verb} 5 files of 1 dead process from {shown}{below}\n"))
            .concat()
    };
    prune_in(&[top.path()], &["-rn"]).prints(&lines("would remove"));
    prune_in(&[top.path()], &["-r"]).prints(&lines("removed"));
    assert_eq!(names_in(&top.file("a/metrics")).len(), 8);
    prune_in(&[top.path()], &["-r"]).prints("");
    // A link is not followed.
    assert_eq!(elsewhere.names().len(), 13);
}

#[test]
fn of_several_paths_each_is_pruned_and_the_worst_outcome_counts() {
    let top = tree();
    let missing = top.file("missing");
    let (a, b) = (top.file("a/metrics"), top.file("b"));
    let ran = prune_in(&[&a, &missing, &b], &[]);
    assert_eq!(ran.status, Some(2), "{ran:?}");
    let removed =
        |path: &std::path::Path| format!("removed 5 files of 1 dead process from {}\n", path.display());
    assert_eq!(ran.stdout, removed(&a) + &removed(&b));
    ran.says(&["missing: no such file or directory"]);
    assert_eq!(top.names().iter().filter(|name| name.starts_with("gauge_live")).count(), 5);
    prune_in(&[&missing, top.path()], &["--if-exists"]).prints(&removed(top.path()));
}

#[test]
fn one_container_that_is_out_of_sight_keeps_no_other_from_being_pruned() {
    if !can_change_user() {
        return;
    }
    let top = tree();
    for below in ["a/metrics", "b", "."] {
        for name in names_in(&top.file(below)) {
            std::os::unix::fs::chown(top.file(below).join(name), Some(STRANGER), Some(STRANGER)).unwrap();
        }
    }
    // The worker has the owner of the files beside it.
    let worker = Holder::shell("exec 9<>$1/b/counter_$$.db && chown 65534 $1/b/counter_$$.db", top.path());
    let ran = run(promproc_without_leases().args(["prune", "-r", "--settle", "0"]).arg(top.path()));
    assert_eq!(ran.status, Some(2), "{ran:?}");
    assert_eq!(ran.stdout, format!("removed 5 files of 1 dead process from {}\n", top.file("b").display()));
    ran.says(&[&format!("{}: nothing pruned", top.path().display()), "a/metrics: nothing pruned", "hint: "]);
    drop(worker);
}

#[test]
fn of_a_directory_above_those_with_files_it_is_said_that_nothing_was_done() {
    let top = Directory::with(&[]);
    let below = top.file("a/metrics");
    fs::create_dir_all(&below).unwrap();
    for name in files_of("4999998") {
        fs::write(below.join(name), [0; 8]).unwrap();
    }
    let ran = prune_in(&[top.path()], &[]);
    // A hook has nothing to do; a person may have meant something else.
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(0), ""), "{ran:?}");
    ran.says(&["hint: ", "in directories below it, e.g. ", "a/metrics: -r prunes them"]);
    assert_eq!(prune_in(&[top.path()], &["-q"]).stderr, "");
}

#[test]
fn a_directory_below_that_cannot_be_read_is_named() {
    if !can_change_user() {
        return;
    }
    let top = tree();
    std::os::unix::fs::chown(top.path(), Some(STRANGER), Some(STRANGER)).unwrap();
    top.give_to(STRANGER);
    for name in names_in(&top.file("a/metrics")) {
        std::os::unix::fs::chown(top.file("a/metrics").join(name), Some(STRANGER), Some(STRANGER)).unwrap();
    }
    fs::set_permissions(top.file("b"), std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(top.file("b"), Some(0), Some(0)).unwrap();
    let seen_by = Directory::with(&[]);
    let ran = run(promproc_of_a_stranger(&seen_by).args(["prune", "-rn"]).arg(top.path()));
    assert!(
        ran.stdout
            .contains(&format!("would remove 5 files of 1 dead process from {}\n", top.path().display())),
        "{ran:?}"
    );
    ran.says(&[&format!("warning: {}: Permission denied", top.file("b").display())]);
    assert_eq!(ran.status, Some(1), "{ran:?}");
}

#[test]
fn a_pid_is_one_of_one_directory() {
    let top = tree();
    let (a, b) = (top.file("a/metrics"), top.file("b"));
    let pid = ["--pid", "4999998"];
    for (paths, options) in [(&[&*a, &*b][..], &pid[..]), (&[top.path()], &["-r", "--pid", "4999998"])] {
        prune_in(paths, options).fails_with(&[
            "--pid is for one directory",
            "the same id may be alive",
            "hint: give one PATH",
        ]);
    }
    assert_eq!(names_in(&b).len(), 13);
    assert_eq!(prune_in(&[&b], &pid).status, Some(0));
    assert_eq!(names_in(&b).len(), 8);
}

#[test]
fn with_if_exists_a_missing_directory_is_nothing_to_be_said() {
    let top = Directory::with(&[]);
    let missing = top.file("missing");
    let file = top.file("merged.prom");
    fs::write(&file, "old").unwrap();
    let output = file.to_str().unwrap();
    for arguments in [
        &["prune"][..],
        &["prune", "--pid", "5"],
        &["prune", "-r"],
        &["clean"],
        &["clean", "--dry-run"],
        &["dump"],
        &["merge"],
        &["merge", "-o", output],
        &["check"],
        &["explain", "up"],
        &["top", "--once"],
    ] {
        let ran = |options: &[&str]| run(promproc().args(arguments).args(options).arg(&missing));
        ran(&["--if-exists"]).prints("");
        if arguments[0] != "clean" {
            let ran = ran(&[]);
            assert_ne!((ran.status, ran.stdout + &ran.stderr), (Some(0), String::new()), "{arguments:?}");
        }
    }
    assert_eq!(
        (top.names(), fs::read_to_string(&file).unwrap()),
        (vec!["merged.prom".to_owned()], "old".to_owned())
    );
    // Where it is there, nothing changes.
    run(promproc().args(["clean", "--if-exists"]).arg(&missing)).prints("");
    run(promproc().args(["clean", "--if-exists", "--no-create"]).arg(&missing))
        .fails_with(&["cannot be used with"]);
    fs::create_dir(&missing).unwrap();
    fs::write(missing.join("counter_1.db"), [0; 8]).unwrap();
    run(promproc().args(["clean", "--if-exists"]).arg(&missing))
        .prints(&format!("removed 1 file from {}\n", missing.display()));
}
