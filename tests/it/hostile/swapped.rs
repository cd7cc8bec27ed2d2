//! Directories that are exchanged under promproc's hands.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use super::*;

/// Exchanges two names, again and again, as the user who owns the directory that they are in.
const EXCHANGE: &str = "\
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
a, b = (name.encode() for name in sys.argv[1:3])
print('ready', flush=True)
while True:
    libc.renameat2(-100, a, -100, b, 2)";

fn exchanging(a: &Path, b: &Path) -> Child {
    let mut command = Command::new("setpriv");
    command.args([
        "--reuid=65534",
        "--regid=65534",
        "--clear-groups",
        "/usr/bin/env",
        "python3",
        "-c",
        EXCHANGE,
    ]);
    command
        .args([a, b])
        .env("PATH", "/usr/bin:/bin")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn is_possible() -> bool {
    let works = Command::new("/usr/bin/python3").arg("-V").output().is_ok_and(|ran| ran.status.success());
    if !works {
        not_run("the system's Python, which another user can run");
    }
    works && can_change_user()
}

const GAUGES: [&str; 3] =
    ["gauge_livesum_4999997.db", "gauge_livesum_4999998.db", "gauge_livesum_4999999.db"];

#[test]
fn a_directory_that_is_exchanged_for_a_link_to_another_service_costs_that_service_no_file() {
    if !is_possible() {
        return;
    }
    // The victim's files look dead: nothing but where they are keeps them.
    let victim = Directory::with(&GAUGES);
    let parent = Directory::with(&[]);
    let (metrics, link) = (parent.file("metrics"), parent.file("link"));
    fs::create_dir(&metrics).unwrap();
    symlink(victim.path(), &link).unwrap();
    for path in [parent.path(), &metrics] {
        chown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    }
    std::os::unix::fs::lchown(&link, Some(STRANGER), Some(STRANGER)).unwrap();
    let mut attacker = exchanging(&metrics, &link);
    let (start, mut refused, mut worked) = (Instant::now(), 0, 0);
    while start.elapsed() < RACE {
        for command in
            [&["prune"][..], &["prune", "--pid", "4999999"], &["clean", "--quiet"], &["clean", "--force"]]
        {
            let ran = run(promproc().args(command).arg(&metrics));
            match ran.status {
                Some(2) => refused += 1,
                _ => worked += 1,
            }
            assert_eq!(victim.names(), GAUGES, "{command:?}: {ran:?}");
        }
    }
    attacker.kill().unwrap();
    attacker.wait().unwrap();
    assert!(refused > 10 && worked > 10, "{refused} refused, {worked} worked: no race");
}

#[test]
fn a_link_at_the_path_counts_if_its_owner_may_send_the_caller_there() {
    if !can_change_user() {
        return;
    }
    let victim = Directory::with(&GAUGES);
    let parent = Directory::with(&[]);
    let link = parent.file("metrics");
    let set_owner = |owner| std::os::unix::fs::lchown(&link, Some(owner), Some(owner)).unwrap();
    symlink(victim.path(), &link).unwrap();
    set_owner(STRANGER);
    for command in [&["prune"][..], &["clean"], &["clean", "--no-create"], &["prune", "--pid", "4999999"]] {
        run(promproc().args(command).arg(&link)).fails_with(&[
            &format!("metrics: a link of user {STRANGER}, which is not followed"),
            "\nhint: name the directory that it leads to",
        ]);
    }
    // A link to a link is one, too.
    let outer = parent.file("outer");
    symlink("metrics", &outer).unwrap();
    run(promproc().arg("prune").arg(&outer)).fails_with(&["a link of user"]);
    assert_eq!(victim.names(), GAUGES);
    // Reading is no danger.
    assert_eq!(run(promproc().arg("merge").arg(&link)).status, Some(0));

    // The owner of what it leads to may say so.
    chown(victim.path(), Some(STRANGER), Some(STRANGER)).unwrap();
    assert_eq!(run(promproc().args(["prune", "--pid", "4999999"]).arg(&link)).status, Some(0));
    assert_eq!(victim.names(), GAUGES[..2]);
    // And so may root.
    chown(victim.path(), Some(1), Some(1)).unwrap();
    set_owner(0);
    assert_eq!(run(promproc().arg("clean").arg(&outer)).status, Some(0));
    assert_eq!(victim.names(), Vec::<String>::new());
    assert!(link.is_symlink());
}

#[test]
fn a_link_through_a_directory_that_is_exchanged_leads_to_no_other_users_files() {
    if !is_possible() {
        return;
    }
    // The link leads to `d/metrics`, which is the stranger's own, until `d` is exchanged for another link.
    let victim = Directory::with(&[]);
    let victims = victim.file("metrics");
    fs::create_dir(&victims).unwrap();
    for name in GAUGES {
        fs::write(victims.join(name), [0; 8]).unwrap();
    }
    let parent = Directory::with(&[]);
    let (d, e, link) = (parent.file("d"), parent.file("e"), parent.file("link"));
    fs::create_dir_all(d.join("metrics")).unwrap();
    symlink(victim.path(), &e).unwrap();
    symlink("d/metrics", &link).unwrap();
    for path in [parent.path(), &d, &d.join("metrics"), &e, &link] {
        std::os::unix::fs::lchown(path, Some(STRANGER), Some(STRANGER)).unwrap();
    }
    let mut attacker = exchanging(&d, &e);
    let (start, mut refused, mut worked) = (Instant::now(), 0, 0);
    while start.elapsed() < RACE {
        for command in [&["prune", "--pid", "4999999"][..], &["clean", "--force"]] {
            let ran = run(promproc().args(command).arg(&link));
            match ran.status {
                Some(2) => refused += 1,
                _ => worked += 1,
            }
            assert_eq!(names_in(&victims), GAUGES, "{command:?}: {ran:?}");
        }
    }
    attacker.kill().unwrap();
    attacker.wait().unwrap();
    assert!(refused > 10 && worked > 10, "{refused} refused, {worked} worked: no race");
}

#[test]
fn a_link_that_is_planted_while_clean_creates_the_directory_leads_nobody_in() {
    if !is_possible() {
        return;
    }
    const PLANT: &str = "\
import os, sys
path, target = sys.argv[1:3]
while True:
    try:
        os.rename(path, path + '.away')
        os.symlink(target, path)
    except OSError:
        pass";
    let victim = Directory::with(&[]);
    fs::set_permissions(victim.path(), Permissions::from_mode(0o700)).unwrap();
    let parent = Directory::with(&[]);
    chown(parent.path(), Some(STRANGER), Some(STRANGER)).unwrap();
    let metrics = parent.file("metrics");
    let mut attacker = Command::new("setpriv");
    attacker.args(["--reuid=65534", "--regid=65534", "--clear-groups", "/usr/bin/python3", "-c", PLANT]);
    let mut attacker = attacker.arg(&metrics).arg(victim.path()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while start.elapsed() < RACE {
        let ran = run(promproc().args(["clean", "--dir-mode", "0777"]).arg(&metrics));
        let mode = victim.path().metadata().unwrap().mode() & 0o7777;
        assert_eq!(mode, 0o700, "{ran:?}");
        for name in ["metrics", "metrics.away"] {
            let path = parent.file(name);
            let _ = fs::remove_file(&path);
            let _ = fs::remove_dir_all(&path);
        }
    }
    attacker.kill().unwrap();
    attacker.wait().unwrap();
}
