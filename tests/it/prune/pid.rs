//! `--pid`: what the caller says of a process counts, as with `mark_process_dead`.

use super::*;

#[test]
fn pid_removes_exactly_what_mark_process_dead_removes() {
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
fn pid_with_a_star_or_brackets_prunes_no_other_process() {
    let directory = directory_of(&["5", "*", "[5]"]);
    let ran = prune(&directory, &["--pid", "*", "--pid", "[5]"]);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(0), 10));
    assert!(directory.file("gauge_liveall_5.db").exists());
    assert!(!directory.file("gauge_liveall_*.db").exists());
}

#[test]
fn pid_of_a_live_worker_is_pruned_all_the_same() {
    let directory = Directory::with(&[]);
    let worker = Holder::shell("exec 8<>$1/gauge_liveall_$$.db 9<>$1/gauge_all_$$.db", directory.path());
    let pid = worker.pid();
    let file = directory.file(&format!("gauge_liveall_{pid}.db"));
    prune(&directory, &["--pid", &pid.to_string(), "--pid", NO_PID])
        .prints(&format!("removed {}: declared dead with --pid\n", file.display()));
    assert_eq!(directory.names(), [format!("gauge_all_{pid}.db")]);
    prune(&directory, &["--pid", &pid.to_string(), "--mode", "all", "--dry-run"]).prints(&format!(
        "would remove {}: declared dead with --pid\n",
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
