//! With fewer rights: without leases, without sight of other users' processes, without leave to remove.

use super::*;

fn age(directory: &Directory, name: &str) {
    let file = File::options().append(true).open(directory.file(name)).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000)).unwrap();
}

#[test]
fn a_gauge_with_the_pid_of_promproc_or_its_shell_is_pruned() {
    if !can_change_user() {
        return;
    }
    let program = promproc_without_leases();
    let program: Vec<_> = [program.get_program()].into_iter().chain(program.get_args()).collect();
    for start in ["exec \"$@\" prune -v --force \"$dir\"", "\"$@\" prune -v --force \"$dir\"; exit $?"] {
        let directory = Directory::with(&[]);
        let name = "gauge_livesum_$$.db";
        let script = format!("dir=$1; shift; >$dir/{name}; chown {STRANGER} $dir/{name}; {start}");
        let ran =
            run(Command::new("sh").args(["-c", &script, "sh"]).arg(directory.path()).args(&program)).listed();
        assert_eq!(
            (ran.status, ran.stderr.as_str(), ran.stdout.lines().count()),
            (Some(0), "", 1),
            "{ran:?}"
        );
        assert!(ran.stdout.contains(" may be in another pid namespace"), "{ran:?}");
        assert_eq!(directory.names(), Vec::<String>::new());
    }
}

#[test]
fn nothing_is_pruned_where_proc_hides_processes() {
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
            ": kept 5 files that may have a writer, e.g. gauge_liveall_{NO_PID}.db: there may be a process {NO_PID}: \
             not all processes can be seen\n"
        )]);
        assert_eq!(directory.names().len(), 13);
    }
}

#[test]
fn a_sidecar_that_sees_no_worker_prunes_nothing_without_force() {
    if !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    directory.give_to(STRANGER);
    let pruned = |options: &[&str]| {
        run(promproc_without_leases().args(["prune", "-v"]).args(options).arg(directory.path())).listed()
    };
    pruned(&[]).fails_with(&[
        "nothing pruned",
        &format!("gauge_liveall_{NO_PID}.db: process {NO_PID} may be in another pid namespace"),
        "hint: ",
        "shareProcessNamespace",
        "--force",
        "promproc clean",
    ]);
    assert_eq!(directory.names().len(), 13);
    let ran = pruned(&["--force"]);
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 5, ""));
    assert!(ran.stdout.contains(&format!(": process {NO_PID} may be in another")), "{ran:?}");
    assert_eq!(directory.names().len(), 8);
    // Nothing is left to be pruned, so nothing is refused.
    pruned(&[]).prints("");
}

#[test]
fn a_sidecar_that_sees_one_worker_prunes_the_dead_ones_gauges() {
    if !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    let worker = Holder::shell("exec 9<>$1/counter_$$.db", directory.path());
    directory.give_to(STRANGER);
    let ran = run(promproc_without_leases().args(["prune", "-v"]).arg(directory.path())).listed();
    assert_eq!((ran.status, ran.stdout.lines().count(), ran.stderr.as_str()), (Some(0), 5, ""));
    drop(worker);
}

#[test]
fn a_worker_that_can_be_seen_proves_nothing_of_another_container() {
    if !has_containers() || !can_change_user() {
        return;
    }
    let directory = directory_of(&[NO_PID]);
    directory.give_to(STRANGER);
    // In the container: a worker with its own number in its file, the owner of the others, and promproc.
    let script = format!(
        "cd {}; exec 9<>counter_$$.db && chown {STRANGER} counter_$$.db && \
         setpriv --bounding-set=-lease {} prune .; exit $?",
        directory.path().display(),
        promproc().get_program().display(),
    );
    let ran = run(in_container().args(["sh", "-c", &script]));
    ran.fails_with(&["nothing pruned", "may be in another pid namespace", "hint: "]);
    assert_eq!(directory.names().len(), 14);
}

#[test]
fn a_sidecar_keeps_gauges_that_a_worker_has_open_or_mapped() {
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
    let ran = run(promproc_without_leases().args(["prune", "-v"]).arg(directory.path())).listed();
    assert_eq!((ran.status, ran.stderr.as_str(), ran.stdout.lines().count()), (Some(0), "", 1), "{ran:?}");
    let (path, pid) = (directory.file(&name), worker.pid());
    let said = format!("removed {}: process {pid} (sh) does not have it open\n", path.display());
    assert_eq!(ran.stdout, said);
    assert_eq!(directory.names(), held);
    drop((worker, mapper));
}

#[test]
fn gauges_with_the_pid_of_a_thread_or_a_zombie_are_pruned_and_with_that_of_a_later_process_kept() {
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
        let ran =
            run(promproc_of_a_stranger(&seen_by).args(["prune", "-v", "--force"]).arg(directory.path()))
                .listed();
        assert_eq!(ran.status, Some(1), "{ran:?}");
        // It may have gone on in the file of the process that had its number before.
        ran.says(&[
            &format!("{later_name}: kept: process {} (sh", later.pid()),
            ") started after the file was last modified, but may have it open: its open files cannot be seen\n",
        ]);
        for (name, evidence) in [
            (&zombie_name, format!(": process {} may be in another pid namespace", ended.id())),
            (&thread_name, format!(": process {thread} may be in another pid namespace")),
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
fn beside_a_worker_with_its_own_number_a_zombie_and_a_thread_are_dead() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    let worker = Holder::shell("exec 9<>$1/counter_$$.db", directory.path());
    let mut ended = Command::new("true").stdin(Stdio::null()).spawn().unwrap();
    let is_zombie = || {
        let stat = fs::read_to_string(format!("/proc/{}/stat", ended.id())).unwrap();
        stat.rsplit(')').next().unwrap().trim_start().starts_with('Z')
    };
    wait_for("the process ends", || is_zombie().then_some(()));
    let zombie = format!("gauge_livesum_{}.db", ended.id());
    let free = format!("gauge_livesum_{NO_PID}.db");
    let of_worker = format!("gauge_livesum_{}.db", worker.pid());
    for name in [&zombie, &free, &of_worker] {
        fs::write(directory.file(name), []).unwrap();
    }
    directory.give_to(STRANGER);
    let ran = run(promproc_without_leases().args(["prune", "-v"]).arg(directory.path())).listed();
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""), "{ran:?}");
    for (name, evidence) in [
        (&zombie, "is a zombie"),
        (&free, "no process"),
        // It keeps its descriptors for life, and has no such one.
        (&of_worker, "does not have it open"),
    ] {
        let line = ran.stdout.lines().find(|line| line.contains(name.as_str()));
        assert!(line.is_some_and(|line| line.contains(evidence)), "{name}: {ran:?}");
        assert!(!directory.file(name).exists(), "{name}");
    }
    ended.wait().unwrap();
    drop(worker);
}

#[test]
fn gauges_that_may_have_a_writer_are_kept_and_named() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&["gauge_livesum_web-1.db"]);
    let seen_by = Directory::with(&[]);
    let other = Holder::shell("", directory.path());
    let maybe = format!("gauge_livesum_{}.db", other.pid());
    fs::write(directory.file(&maybe), []).unwrap();
    let before = directory.names();
    let ran =
        run(promproc_of_a_stranger(&seen_by).args(["prune", "-v", "--force"]).arg(directory.path())).listed();
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    ran.says(&[
        &format!("warning: {}: kept: process {} (sh)", directory.file(&maybe).display(), other.pid()),
        "may have it open: its open files cannot be seen\n",
        "gauge_livesum_web-1.db: kept: its name does not end in a process id\n",
        "hint: run promproc as the user that owns the files",
        "--pid",
    ]);
    assert_eq!(directory.names(), before);
    drop(other);
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
        run(promproc_of_a_stranger(&seen_by).arg("prune").args(options).arg(directory.path())).fails_with(&[
            &format!(": 5 files cannot be removed, e.g. gauge_livesum_{NO_PID}.db: Permission denied"),
            "hint: run it with sudo -u root, as the directory's owner\n",
        ]);
        let each =
            run(promproc_of_a_stranger(&seen_by).args(["-v", "prune"]).args(options).arg(directory.path()));
        assert_eq!(each.stderr.matches("cannot be removed").count(), 5, "{each:?}");
    }
    assert_eq!(directory.names().len(), 13);
}
