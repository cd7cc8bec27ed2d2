//! Removals that were interrupted, and names that somebody foresaw.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use super::*;

const ASIDE: &str = ".promproc-rm-0123456789abcdef-gauge_livesum_4999999.db";
const NAME: &str = "gauge_livesum_4999999.db";

fn prune(directory: &Directory) -> Ran {
    run(promproc().args(["prune", "-v", "--settle", "0"]).arg(directory.path())).listed()
}

#[test]
fn a_worker_that_a_killed_prune_left_with_another_name_gets_its_own_back() {
    for command in ["prune", "clean"] {
        let directory = Directory::with(&[]);
        fs::write(directory.file(ASIDE), encoded(&[(SIZE, 2.0)])).unwrap();
        let _worker = Holder::shell(&format!("exec 9<>\"$1/{ASIDE}\""), directory.path());
        let ran = run(promproc().arg(command).arg(directory.path()));
        assert_eq!(ran.status, Some(if command == "prune" { 0 } else { 2 }), "{ran:?}");
        assert_eq!(directory.names(), [NAME], "{command}");
    }
}

#[test]
fn what_a_killed_prune_left_of_a_dead_process_goes_with_the_next() {
    for command in ["prune", "clean"] {
        let directory = Directory::with(&["counter_web.db"]);
        fs::write(directory.file(ASIDE), [0; 8]).unwrap();
        let _live = Holder::shell("exec 9<>\"$1/counter_web.db\"", directory.path());
        run(promproc().args([command, "--quiet"]).arg(directory.path()));
        assert_eq!(directory.names(), ["counter_web.db"], "{command}");
    }
}

#[test]
fn what_cannot_be_put_in_order_keeps_no_other_file_and_is_named() {
    let planted = [".promproc-rm-0123456789abcdef-..", ".promproc-other"];
    let directory = Directory::with(&[NAME]);
    fs::write(directory.file(planted[0]), [0; 8]).unwrap();
    fs::write(directory.file(planted[1]), [0; 8]).unwrap();
    fs::create_dir(directory.file(".promproc-rm-0123456789abcdef-x")).unwrap();
    let ran = prune(&directory);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(1), 1), "{ran:?}");
    ran.says(&[planted[0], planted[1], ": an earlier run left it"]);
    assert!(!directory.file(NAME).exists());
    fs::write(directory.file(NAME), [0; 8]).unwrap();
    let ran = run(promproc().arg("clean").arg(directory.path()));
    assert_eq!(ran.status, Some(0), "{ran:?}");
    assert_eq!(directory.names(), [".promproc-rm-0123456789abcdef-x"]);
}

#[test]
fn a_dry_run_leaves_what_was_interrupted_as_it_is() {
    for command in ["prune", "clean"] {
        let directory = Directory::with(&[]);
        fs::write(directory.file(ASIDE), [0; 8]).unwrap();
        run(promproc().args([command, "--dry-run"]).arg(directory.path()));
        assert_eq!(directory.names(), [ASIDE], "{command}");
    }
}

#[test]
fn a_name_that_was_taken_meanwhile_is_left_to_who_took_it() {
    let directory = Directory::with(&[]);
    fs::write(directory.file(ASIDE), encoded(&[(SIZE, 2.0)])).unwrap();
    fs::write(directory.file(NAME), encoded(&[(SIZE, 3.0)])).unwrap();
    let _both = Holder::shell(&format!("exec 8<>\"$1/{ASIDE}\" 9<>\"$1/{NAME}\""), directory.path());
    prune(&directory);
    assert_eq!(directory.names(), [ASIDE, NAME]);
    assert_eq!(fs::read(directory.file(NAME)).unwrap(), encoded(&[(SIZE, 3.0)]));
}

#[test]
fn a_name_that_somebody_foresaw_stops_nothing() {
    let directory = Directory::with(&[]);
    for pid in 4_999_990..5_000_000 {
        let name = format!("gauge_livesum_{pid}.db");
        fs::write(directory.file(&name), [0; 8]).unwrap();
        // What the name aside was before.
        let inode = fs::metadata(directory.file(&name)).unwrap().ino();
        fs::create_dir(directory.file(&format!(".promproc-{inode:x}.tmp"))).unwrap();
    }
    assert_eq!(prune(&directory).stdout.lines().count(), 10);
    assert!(directory.names().iter().all(|name| name.starts_with('.')));
}

#[test]
fn a_file_that_cannot_be_removed_keeps_no_other_from_it() {
    let longest = format!("gauge_livesum_{}.db", "x".repeat(255 - "gauge_livesum_.db".len()));
    let directory = Directory::with(&[&longest, "gauge_livesum_4999999.db", "gauge_liveall_4999998.db"]);
    let ran = prune(&directory);
    assert_eq!((ran.status, ran.stdout.lines().count()), (Some(2), 2), "{ran:?}");
    ran.says(&[&format!("{longest}: cannot be removed: its name leaves no room for another one")]);
    assert_eq!(directory.names(), [longest.as_str()]);
    let ran = run(promproc().arg("clean").arg(directory.path()));
    assert_eq!((ran.status, directory.names().len()), (Some(2), 1), "{ran:?}");
}

#[test]
fn check_names_what_an_interrupted_prune_left() {
    let directory = Directory::with(&[]);
    fs::write(directory.file(ASIDE), encoded(&[(SIZE, 2.0)])).unwrap();
    let said = |path: &Path| run(promproc().args(["check", "-v"]).arg(path)).stdout;
    let found = said(directory.path());
    assert!(found.contains("interrupted-removal") && found.contains("promproc prune "), "{found}");
    prune(&directory);
    let found = said(directory.path());
    assert!(!found.contains("interrupted-removal"), "{found}");
}

#[test]
fn a_file_that_takes_the_name_between_lease_and_renaming_is_not_removed() {
    if Command::new("strace").arg("-V").output().is_err() {
        return not_run("strace");
    }
    let directory = Directory::with(&[NAME]);
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "inject=renameat2:delay_enter=3000000:when=1"]);
    command.args([env!("CARGO_BIN_EXE_promproc"), "prune", "--settle", "0"]).arg(directory.path());
    let leased = fs::metadata(directory.file(NAME)).unwrap().ino();
    let prune = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // From here on it looks whether the file is dead, and then waits for three seconds to rename it.
    wait_for("the lease", || is_leased(leased).then_some(()));
    thread::sleep(Duration::from_secs(1));
    let new = directory.file("new");
    fs::write(&new, encoded(&[(SIZE, 2.0)])).unwrap();
    let inode = fs::metadata(&new).unwrap().ino();
    fs::rename(&new, directory.file(NAME)).unwrap();
    let output = prune.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), &b""[..]), "{output:?}");
    assert_eq!(directory.names(), [NAME]);
    assert_eq!(fs::metadata(directory.file(NAME)).unwrap().ino(), inode);
}
