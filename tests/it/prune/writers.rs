//! Who has a file open, is its writer, whatever its name and wherever the process runs.

use super::*;

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
fn a_gauge_of_a_dead_worker_whose_pid_was_reused_is_pruned() {
    let directory = Directory::with(&[]);
    let other = Holder::shell("", directory.path());
    let name = format!("gauge_livesum_{}.db", other.pid());
    fs::write(directory.file(&name), []).unwrap();
    prune(&directory, &[]).prints(&format!(
        "removed {}: read lease granted: no process has it open for writing\n",
        directory.file(&name).display()
    ));
}

#[test]
fn a_live_workers_gauge_with_another_number_or_name_is_kept() {
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
fn prunes_at_once_and_during_scrapes_leave_no_dead_gauge() {
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
fn a_worker_that_starts_during_a_prune_does_not_lose_its_file() {
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
fn a_live_gauge_of_a_worker_in_another_container_is_kept() {
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
        "removed {}: read lease granted: no process has it open for writing\n",
        directory.file("gauge_liveall_1.db").display()
    ));
}

#[test]
fn a_link_is_left_and_its_target_stays() {
    let directory = Directory::with(&[]);
    let elsewhere = Directory::with(&["target"]);
    let link = directory.file(&format!("gauge_livesum_{NO_PID}.db"));
    std::os::unix::fs::symlink(elsewhere.file("target"), &link).unwrap();
    prune(&directory, &[]).prints("");
    assert_eq!((directory.names().len(), names_in(elsewhere.path())), (1, vec!["target".to_owned()]));
    // The caller knows: then the link goes, and what it leads to stays.
    prune(&directory, &["--pid", NO_PID])
        .prints(&format!("removed {}: declared dead with --pid\n", link.display()));
    assert_eq!((directory.names().len(), names_in(elsewhere.path())), (0, vec!["target".to_owned()]));
}
