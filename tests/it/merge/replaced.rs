//! The file that `-o` replaces, on ground that others can write to.

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::fs::{FlockOperation, flock};
use tempfile::TempDir;

use super::merge;
use crate::support::{
    Directory, Ran, STRANGER, can_change_user, large_directory, limited, names_in, not_run, promproc,
    promproc_of_a_stranger, run, small_directory,
};

fn merge_to(file: &Path, directory: &Path) -> Ran {
    run(promproc().args(["merge", "-o"]).arg(file).arg(directory))
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().mode() & 0o7777
}

#[test]
fn the_output_file_is_never_half_written_and_others_can_read_it() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    let merged = merge(&[], directory.path()).stdout;
    let write_to = |file: &Path| {
        let script = format!(
            "umask 077; exec {} merge -o {} {}",
            env!("CARGO_BIN_EXE_promproc"),
            file.display(),
            directory.path().display()
        );
        run(Command::new("sh").args(["-c", &script]))
    };
    fs::write(&file, "old").unwrap();
    let open_before = File::open(&file).unwrap();
    assert_eq!(write_to(&file).status, Some(0));
    assert_eq!(fs::read_to_string(&file).unwrap(), merged);
    assert_eq!(std::io::read_to_string(open_before).unwrap(), "old", "a reader keeps what it opened");

    // A failed run leaves the old file, and nothing else.
    fs::write(&file, "old").unwrap();
    fs::write(directory.path().join("counter_3.db"), "no metric file, but a text").unwrap();
    let failed = run(promproc().args(["merge", "--strict", "-o"]).arg(&file).arg(directory.path()));
    assert_eq!(failed.status, Some(2));
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    let missing = write_to(&target.path().join("no/metrics.prom"));
    assert!(missing.stderr.contains("no/metrics.prom: cannot be written: "), "{missing:?}");
    assert_eq!(missing.status, Some(2));
    assert_eq!(names_in(target.path()), ["metrics.prom"]);
}

#[test]
fn an_output_that_fails_midway_leaves_the_old_file_alone() {
    let (directory, target) = (large_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    File::create(&file).unwrap().write_all(b"old").unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    // No file may pass 512 bytes or 1 KiB, as on a full disk; the signal would kill.
    let mut command = limited("trap '' XFSZ; ulimit -f 1");
    let ran = run(command.args(["merge", "-o"]).arg(&file).arg(directory.path()));
    assert!(
        ran.stderr.starts_with(&format!("promproc: error: {}: cannot be written: ", file.display())),
        "{ran:?}"
    );
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)));
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(names_in(target.path()), ["metrics.prom"]);

    for command in ["prune", "clean"] {
        let file = directory.path().join("counter_1.db");
        let ran = run(promproc().arg(command).arg(&file));
        let error = format!("promproc: error: {}: Not a directory (os error 20)\n", file.display());
        assert_eq!((ran.status, ran.stderr.lines().count()), (Some(2), 2), "{ran:?}");
        ran.says(&[&error, "hint: this command works on a whole directory"]);
    }
}

#[test]
fn a_link_is_refused_wherever_it_leads() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let path = |name: &str| target.path().join(name);
    fs::create_dir(path("out")).unwrap();
    fs::write(path("precious"), "old").unwrap();
    for (link, leads_to) in [
        ("to a file", "precious"),
        ("dangling", "out/created"),
        ("to a device", "/dev/null"),
        ("to a link", "dangling"),
        ("to itself", "to itself"),
        ("to a directory", "out"),
        ("to standard output", "/dev/stdout"),
    ] {
        symlink(leads_to, path(link)).unwrap();
        let ran = merge_to(&path(link), directory.path());
        let error = format!("promproc: error: {}: not replaced: it is a link\n", path(link).display());
        let hint = format!("hint: it leads to {}", path(leads_to).display());
        // In quotes, where it has spaces.
        let hint = if leads_to.contains(' ') { hint.replace("to /", "to '/") } else { hint };
        ran.fails_with(&[&error, &hint, ": give that path if this is the file to replace\n"]);
        assert!(path(link).is_symlink(), "{link}");
    }
    assert_eq!(fs::read_to_string(path("precious")).unwrap(), "old");
    assert_eq!((names_in(&path("out")).len(), names_in(target.path()).len()), (0, 9));
}

#[test]
fn nobody_leads_root_astray_with_a_link() {
    if !can_change_user() {
        return;
    }
    let (directory, open) = (small_directory(), Directory::with(&[]));
    // As /tmp is.
    fs::set_permissions(open.path(), Permissions::from_mode(0o1777)).unwrap();
    let roots = TempDir::new().unwrap();
    fs::write(roots.path().join("secret"), "old").unwrap();
    fs::set_permissions(roots.path().join("secret"), Permissions::from_mode(0o600)).unwrap();
    let plant = |target: &Path, link: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "ln", "-s"]);
        assert!(command.arg(target).arg(open.file(link)).status().unwrap().success());
        assert_eq!(fs::symlink_metadata(open.file(link)).unwrap().uid(), STRANGER);
    };
    plant(&roots.path().join("secret"), "to a file");
    plant(&roots.path().join("created"), "dangling");
    plant(roots.path(), "to a directory");
    for link in ["to a file", "dangling"] {
        merge_to(&open.file(link), directory.path()).fails_with(&["not replaced: it is a link\n"]);
    }
    merge_to(&open.file("to a directory").join("created"), directory.path()).fails_with(&[
        "to a directory: a link of user 65534, which is not followed",
        "hint: name the directory",
    ]);
    assert_eq!(fs::read_to_string(roots.path().join("secret")).unwrap(), "old");
    assert_eq!((mode(&roots.path().join("secret")), names_in(roots.path()).len()), (0o600, 1));
    assert_eq!(open.names(), ["dangling", "to a directory", "to a file"]);
}

#[test]
fn what_is_no_regular_file_is_refused_at_once_and_stays() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let path = |name: &str| target.path().join(name);
    assert!(Command::new("mkfifo").arg(path("fifo")).status().unwrap().success());
    let _socket = UnixListener::bind(path("socket")).unwrap();
    fs::create_dir(path("directory")).unwrap();
    let redirect =
        "hint: -o replaces files; to write to what is there, redirect standard output to it instead\n";
    let file_in_it = "hint: give the name of a file in it\n";
    for (file, kind, hint) in [
        (path("fifo"), "FIFO", redirect),
        (path("socket"), "socket", redirect),
        (path("directory"), "directory", file_in_it),
        (path("directory/"), "directory", file_in_it),
        (path("directory/."), "directory", file_in_it),
        (path("new/"), "directory", file_in_it),
        (path("directory/.."), "directory", file_in_it),
        ("/".into(), "directory", file_in_it),
        ("/dev/null".into(), "device", redirect),
        ("/dev/full".into(), "device", redirect),
    ] {
        let error = format!("promproc: error: {}: not replaced: it is a {kind}\n", file.display());
        merge_to(&file, directory.path()).fails_with(&[&error, hint]);
    }
    assert_eq!(names_in(target.path()), ["directory", "fifo", "socket"]);
    assert_eq!(names_in(&path("directory")), Vec::<String>::new());
    assert!(!fs::metadata("/dev/null").unwrap().is_file());
}

#[test]
fn a_block_device_is_not_overwritten() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let device = target.path().join("device");
    // Of a number that nothing has.
    let made = Command::new("mknod").arg(&device).args(["b", "240", "77"]).stderr(Stdio::null()).status();
    if !made.is_ok_and(|status| status.success()) {
        return not_run("mknod, and to be root");
    }
    merge_to(&device, directory.path()).fails_with(&["device: not replaced: it is a device\n"]);
    assert_eq!(names_in(target.path()), ["device"]);
}

#[test]
fn permissions_stay_and_a_new_file_is_for_everybody() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    for umask in ["umask 0", "umask 022", "umask 077", "umask 777"] {
        let write = || run(limited(umask).args(["merge", "-o"]).arg(&file).arg(directory.path())).prints("");
        write();
        assert_eq!(mode(&file), 0o644, "{umask}");
        for before in [0o600, 0o640, 0o666, 0o400, 0o4755, 0o000] {
            fs::set_permissions(&file, Permissions::from_mode(before)).unwrap();
            let inode = fs::metadata(&file).unwrap().ino();
            write();
            assert_eq!(mode(&file), before & 0o777, "{umask}");
            assert_ne!(fs::metadata(&file).unwrap().ino(), inode);
        }
        fs::remove_file(&file).unwrap();
    }
}

#[test]
fn an_owner_stays_where_the_caller_may_give_files_away() {
    if !can_change_user() {
        return;
    }
    let (directory, open) = (Directory::with(&["counter_1.db"]), Directory::with(&[]));
    let file = open.file("metrics.prom");
    let owner = || (fs::metadata(&file).unwrap().uid(), fs::metadata(&file).unwrap().gid());
    let as_root = |before: (u32, u32), mode_before| {
        fs::write(&file, "old").unwrap();
        chown(&file, Some(before.0), Some(before.1)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(mode_before)).unwrap();
    };
    as_root((STRANGER, 7), 0o640);
    merge_to(&file, directory.path()).prints("");
    assert_eq!((owner(), mode(&file)), ((STRANGER, 7), 0o640));

    // As in a container that may give files away, and not change the permissions of others' files.
    as_root((STRANGER, 7), 0o604);
    let mut limited = Command::new("setpriv");
    limited.arg("--bounding-set=-fowner").arg(promproc().get_program()).args(["merge", "-o"]);
    run(limited.arg(&file).arg(directory.path())).prints("");
    assert_eq!((owner(), mode(&file)), ((STRANGER, 7), 0o604));

    // A user who may not gives it the permissions alone.
    let binary = Directory::with(&[]);
    let as_stranger =
        || run(promproc_of_a_stranger(&binary).args(["merge", "-o"]).arg(&file).arg(directory.path()));
    as_root((1, 7), 0o640);
    as_stranger().prints("");
    assert_eq!((owner(), mode(&file)), ((STRANGER, STRANGER), 0o640));
    fs::remove_file(&file).unwrap();
    as_stranger().prints("");
    assert_eq!((owner(), mode(&file)), ((STRANGER, STRANGER), 0o644));

    // Where only the owner may rename it, the old file stays, and nothing else.
    as_root((1, 7), 0o644);
    chown(open.path(), Some(1), Some(1)).unwrap();
    fs::set_permissions(open.path(), Permissions::from_mode(0o1777)).unwrap();
    as_stranger().fails_with(&["metrics.prom: cannot be written: Operation not permitted"]);
    assert_eq!(fs::read_to_string(&file).unwrap(), "old");
    assert_eq!(open.names(), ["metrics.prom"]);
}

/// Runs `merge -o` until it calls this, and kills it there; what it left in the file's directory.
fn killed_at(call: &str, file: &Path, directory: &Path) -> Vec<String> {
    // The first lock is the one on the directory that is read.
    let when = if call == "flock" { 2 } else { 1 };
    let traced = Command::new("strace")
        .args(["-f", "-o", "/dev/null", "-e", &format!("trace={call}")])
        .args(["-e", &format!("inject={call}:signal=SIGKILL:when={when}"), env!("CARGO_BIN_EXE_promproc")])
        .args(["merge", "-o"])
        .arg(file)
        .arg(directory)
        .output()
        .unwrap();
    assert!(!traced.status.success(), "{traced:?}");
    names_in(file.parent().unwrap())
}

#[test]
fn a_kill_leaves_one_file_which_the_next_run_removes() {
    if Command::new("strace").arg("-V").output().is_err() {
        return not_run("strace");
    }
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    fs::write(&file, "old").unwrap();
    let merged = merge(&[], directory.path()).stdout;
    for call in ["fchmod", "fsync", "flock"] {
        let names = killed_at(call, &file, directory.path());
        let [left, kept] = &names[..] else { panic!("{call}: {names:?}") };
        let random = left.strip_prefix(".promproc-tmp-").unwrap();
        assert!(random.len() == 16 && random.bytes().all(|byte| byte.is_ascii_hexdigit()), "{left}");
        assert_eq!(kept, "metrics.prom");
        assert_eq!(fs::read_to_string(&file).unwrap(), "old");
        if call == "fsync" {
            assert_eq!(fs::read_to_string(target.path().join(left)).unwrap(), merged);
        }
        // Written to another file, even.
        let other = target.path().join("other.prom");
        merge_to(&other, directory.path()).prints("");
        assert_eq!(names_in(target.path()), ["metrics.prom", "other.prom"], "{call}");
        fs::remove_file(other).unwrap();
    }
    for maintain in [&["prune"][..], &["clean"], &["clean", "--keep-live"]] {
        let inside = directory.path().join("metrics.prom");
        let left = killed_at("fsync", &inside, directory.path()).remove(0);
        assert!(left.starts_with(".promproc-tmp-"), "{left}");
        let ran = run(promproc().args(maintain).arg(directory.path()));
        assert_eq!(ran.status, Some(0), "{ran:?}");
        assert!(!names_in(directory.path()).contains(&left), "{maintain:?}");
    }
}

#[test]
fn a_file_that_another_process_writes_stays() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let path = |name: &str| target.path().join(name);
    let (locked, left) = (".promproc-tmp-0123456789abcdef", ".promproc-tmp-fedcba9876543210");
    // Whose are these? A link is not followed, and what has another shape is not of this kind.
    let others = [".promproc-tmp-0123456789abcde", ".promproc-tmp-0123456789abcdeg", "metrics.prom.tmp"];
    for name in [&[locked, left][..], &others].concat() {
        fs::write(path(name), "").unwrap();
    }
    let link = ".promproc-tmp-00000000000000ff";
    symlink(left, path(link)).unwrap();
    assert!(Command::new("mkfifo").arg(path(".promproc-tmp-000000000000ffff")).status().unwrap().success());
    let lock = File::open(path(locked)).unwrap();
    flock(&lock, FlockOperation::LockExclusive).unwrap();
    merge_to(&path("metrics.prom"), directory.path()).prints("");
    let mut expected =
        [&[locked, link, ".promproc-tmp-000000000000ffff", "metrics.prom"], &others[..]].concat();
    expected.sort_unstable();
    assert_eq!(names_in(target.path()), expected);
    // It is as it was, and goes once nobody has it.
    // Not only closed: a child that another test has just forked may have it, too.
    flock(&lock, FlockOperation::Unlock).unwrap();
    merge_to(&path("metrics.prom"), directory.path()).prints("");
    assert!(!path(locked).exists() && path(link).is_symlink());
}

#[test]
fn runs_at_once_all_succeed() {
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let file = target.path().join("metrics.prom");
    let merged = merge(&[], directory.path()).stdout;
    for _ in 0..60 {
        let start = || {
            let mut command = promproc();
            command.args(["merge", "-o"]).arg(&file).arg(directory.path());
            command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
        };
        for run in [start(), start(), start()] {
            let output = run.wait_with_output().unwrap();
            assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]));
        }
        assert_eq!(fs::read_to_string(&file).unwrap(), merged);
        assert_eq!(names_in(target.path()), ["metrics.prom"]);
    }
}

#[test]
fn any_name_will_do_and_no_other_ends_in_prom() {
    if Command::new("strace").arg("-V").output().is_err() {
        return not_run("strace");
    }
    let (directory, target) = (small_directory(), TempDir::new().unwrap());
    let merged = merge(&[], directory.path()).stdout;
    let path = fs::canonicalize(directory.path()).unwrap();
    let longest = "x".repeat(255);
    for name in
        [OsStr::new("a b.prom"), OsStr::new(&longest), std::os::unix::ffi::OsStrExt::from_bytes(b"\xff")]
    {
        run(promproc().current_dir(target.path()).args(["merge", "-o"]).arg(name).arg(&path)).prints("");
        assert_eq!(fs::read_to_string(target.path().join(name)).unwrap(), merged);
    }
    let log = target.path().join("log");
    let mut command = Command::new("strace");
    command.args(["-f", "-e", "trace=%file", "-o"]).arg(&log).arg(env!("CARGO_BIN_EXE_promproc"));
    command.args(["merge", "-o", "m.prom"]).arg(&path).current_dir(target.path());
    assert!(command.status().unwrap().success());
    let log = fs::read_to_string(log).unwrap();
    let names = log.lines().flat_map(|line| line.split('"')).filter(|part| part.ends_with(".prom"));
    assert!(names.clone().count() > 1 && names.clone().all(|name| name == "m.prom"), "{log}");
}
