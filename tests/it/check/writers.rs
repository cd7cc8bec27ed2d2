//! Who writes: processes that cannot be seen, two that should not, and heirs of dead ones.

use super::*;

/// A worker of the real client that is process 1 of a container; `None` where there is none (it has said so).
fn container_worker(directory: &Path, script: &str) -> Option<Holder> {
    if !has_containers() {
        return None;
    }
    let script = format!(
        "import sys\nfrom prometheus_client import *\n{script}\nprint('ready', flush=True)\nsys.stdin.read()"
    );
    let mut command = in_container();
    command.arg(python()?.interpreter()).args(["-B", "-E", "-s", "-c", &script]);
    Some(Holder::run(command.env("PROMETHEUS_MULTIPROC_DIR", directory)))
}

#[test]
fn writers_in_another_container() {
    if !has_containers() {
        return;
    }
    let directory = directory();
    let Some(live) = Holder::client(directory.path()) else { return };
    let mut command = in_container();
    let command =
        command.arg(promproc().get_program()).args(["check", "--format", "json"]).arg(directory.path());
    let report = report(&run(command.env_remove("PROMETHEUS_MULTIPROC_DIR")));
    assert_eq!(codes(&report.findings), ["unseen-writers"], "{report:?}");
    assert!(report.findings[0].pids.contains(&live.pid().to_string()));
    assert_eq!(report.summary.live_pids, 1);
}

#[test]
fn a_sidecar_without_the_services_user_knows_of_no_death() {
    if !can_change_user() {
        return;
    }
    let directory = directory();
    let Some(live) =
        container_worker(directory.path(), "Gauge('g', 'h', multiprocess_mode='livesum').set(1)")
    else {
        return;
    };
    fs::rename(
        directory.path().join("gauge_livesum_1.db"),
        directory.path().join("gauge_livesum_4999999.db"),
    )
    .unwrap();
    let reachable = Directory::with(&[]);
    let program = promproc_of_a_stranger(&reachable);
    let ask = |arguments: &[&str]| {
        let mut command = in_container();
        command.arg(program.get_program()).args(program.get_args()).args(arguments).arg(directory.path());
        run(command.env_remove("PROMETHEUS_MULTIPROC_DIR"))
    };
    let found = report(&ask(&["check", "--format", "json"]));
    assert_eq!(codes(&found.findings), ["unseen-writers"], "{found:?}");
    assert_eq!((found.summary.unknown_pids, found.summary.dead_pids), (1, 0));
    // Nothing is known of any file: that is said without -v, too.
    let said = ask(&["check"]);
    assert_eq!(said.status, Some(1), "{said:?}");
    assert!(said.stdout.contains("unseen-writers") && said.stdout.contains("runAsUser"), "{said:?}");
    for part in ["runAsUser", "shareProcessNamespace"] {
        assert!(found.findings[0].advice.contains(part), "{found:?}");
    }
    let explained = ask(&["explain", "g"]);
    assert!(explained.stdout.contains("unknown") && !explained.stdout.contains(" dead  "), "{explained:?}");
    let top = ask(&["top", "--once", "--by", "pid"]);
    assert!(top.stdout.contains("4999999  unknown"), "{top:?}");
    ask(&["prune"]).fails_with(&["nothing pruned", "runAsUser", "shareProcessNamespace"]);
    ask(&["clean"]).fails_with(&["may be in use"]);
    drop(live);
}

#[test]
fn two_containers_that_write_one_file_and_a_fork_that_does_not() {
    let directory = directory();
    const COUNT: &str = "Counter('c', 'h').inc()";
    let Some(first) = container_worker(directory.path(), COUNT) else { return };
    assert_eq!(codes(&findings(directory.path())), Vec::<&str>::new());
    let second = container_worker(directory.path(), COUNT).unwrap();
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["shared-file"], "{found:?}");
    assert!(found[0].message.contains("both write to counter_1.db"), "{found:?}");
    assert_eq!(found[0].pids.len(), 3, "two processes and an identifier: {found:?}");
    drop((first, second));

    let directory = self::directory();
    const FORK: &str = "
import os
Counter('c', 'h').inc()
if os.fork() == 0:
    sys.stdin.read()
    os._exit(0)";
    let _parent = worker(directory.path(), FORK);
    assert_eq!(codes(&findings(directory.path())), Vec::<&str>::new());
}

/// Files are older than a process if they are by more than the clocks' steps.
fn wait_for_the_clock() {
    std::thread::sleep(std::time::Duration::from_secs(4));
}

#[test]
fn a_successor_of_the_same_identifier_goes_on_in_the_file() {
    let directory = directory();
    const SET: &str = "g = Gauge('g', 'h', multiprocess_mode='livesum')";
    let Some(first) = container_worker(directory.path(), &format!("{SET}; g.inc()")) else { return };
    drop(first);
    wait_for_the_clock();
    let second = container_worker(directory.path(), SET).unwrap();
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["inherited-file"], "{found:?}");
    let command = format!("promproc prune --pid 1 {}", directory.path().display());
    assert!(found[0].advice.contains(&command) && found[0].commands.is_empty(), "{found:?}");
    let explained = run(promproc().args(["explain", "g"]).arg(directory.path()));
    let says =
        "started after gauge_livesum_1.db was made: a value that it has not set is an earlier process's";
    assert!(explained.stdout.contains(says), "{explained:?}");
    // What it says to do, when it says to.
    drop(second);
    mend(&command);
    let _third = container_worker(directory.path(), SET);
    assert_eq!(codes(&findings(directory.path())), Vec::<&str>::new());
    run(promproc().args(["merge", "--format", "json"]).arg(directory.path()))
        .prints("[{\"name\":\"g\",\"help\":\"h\",\"type\":\"GAUGE\",\"metrics\":[{\"value\":\"0.0\"}]}]\n");
}

#[test]
fn a_forked_helper_that_holds_a_dead_workers_files() {
    let directory = directory();
    const SET: &str = "Gauge('g', 'h', multiprocess_mode='livesum').inc()";
    let Some(_other) = worker(directory.path(), SET) else { return };
    let fork = format!(
        "{SET}
import os, time
if os.fork() == 0:
    time.sleep(600)
    os._exit(0)"
    );
    let worker = worker(directory.path(), &fork).unwrap();
    let pid = worker.pid().to_string();
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    let helper = children.trim().to_owned();
    worker.kill();
    let said = format!("pid {pid} is dead, but pid {helper} (python");
    let found = assert_found(directory.path(), &["held-by-child"], &[&said], &[]);
    assert_eq!(found[0].commands, [format!("promproc prune --pid {pid} {}", directory.path().display())]);
    // The helper does not write to what it has inherited: find does not complain of it either.
    let ran = run(promproc().arg("find"));
    assert!(!ran.stderr.contains(&format!("{}: pid {helper}", directory.path().display())), "{ran:?}");
    assert!(Command::new("kill").args(["-9", &helper]).status().unwrap().success());
}

#[test]
fn a_database_that_is_open_is_not_moved() {
    let Some((directory, _)) = counted() else { return };
    const DATABASE: &str = "
import sqlite3, sys
database = sqlite3.connect(sys.argv[1] + '/schedule.db')
database.execute('create table t (x)')
database.commit()
print('ready', flush=True)
sys.stdin.read()";
    let mut command = Command::new("python3");
    let holder = Holder::run(command.args(["-c", DATABASE]).arg(directory.path()));
    let found = findings(directory.path());
    assert_eq!(codes(&found), ["foreign-file"], "{found:?}");
    let says = format!(
        "pid {} (python3) has it open: have that program keep it in a directory of its own",
        holder.pid()
    );
    assert!(found[0].advice == says && found[0].commands.is_empty(), "{found:?}");
    drop(holder);
    assert_found(directory.path(), &["foreign-file"], &["schedule.db"], &["other-files"]);
    assert!(directory.path().join("schedule.db.aside").exists());
}

#[test]
fn a_command_for_a_user_who_may_not_names_one_who_may() {
    if !can_change_user() {
        return;
    }
    let directory = directory();
    let reachable = Directory::with(&[]);
    let gauge = directory.path().join("gauge_livesum_4999999.db");
    fs::write(&gauge, fs::read("tests/data/gunicorn/gauge_livesum_8187.db").unwrap()).unwrap();
    // Who may have leases on other users' files knows that it is dead.
    let program = promproc_of_a_stranger(&reachable);
    let binary = program.get_args().last().unwrap();
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "--inh-caps=+lease",
        "--ambient-caps=+lease",
    ]);
    let ran = run(command.arg(binary).args(["check", "--format", "json"]).arg(directory.path()));
    let found = report(&ran).findings;
    let stuck = found.iter().find(|finding| finding.code == "stuck-gauge").unwrap();
    assert_eq!(stuck.commands, [format!("sudo -u root promproc prune {}", directory.path().display())]);
}

#[test]
fn a_neighbour_of_another_user_proves_no_death() {
    if !can_change_user() {
        return;
    }
    let directory = directory();
    let reachable = Directory::with(&[]);
    // A live worker of another container, with the number that it has there.
    let gauge = directory.path().join("gauge_livesum_4999999.db");
    fs::write(&gauge, fs::read("tests/data/gunicorn/gauge_livesum_8187.db").unwrap()).unwrap();
    let _own = Holder::stranger("exec 9<>$1/counter_$$.db", directory.path());
    let ran = run(promproc_of_a_stranger(&reachable).arg("prune").arg(directory.path()));
    assert_eq!(ran.status, Some(2), "{ran:?}");
    ran.says(&["may be in another pid namespace"]);
    assert!(gauge.exists());
}
