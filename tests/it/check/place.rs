//! The directory itself, and how much is in it.

use super::*;
use crate::support::{encoded, write};

#[test]
fn recursively_every_directory_is_looked_at() {
    let directory = directory();
    let below = directory.path().join("below");
    fs::create_dir(&below).unwrap();
    let Some(_live) = worker(&below, "Gauge('g', 'h', multiprocess_mode='max').set(1)") else { return };
    assert_eq!(
        codes(&report(&check(&["-r", "--format", "json"], directory.path())).findings),
        Vec::<&str>::new()
    );
    fs::write(below.join("notes"), "").unwrap();
    let found = report(&check(&["-r", "--format", "json"], directory.path())).findings;
    assert_eq!(codes(&found), ["other-files"]);
    assert_eq!(found[0].subject, below.to_string_lossy());
    // A directory without files costs nothing, and says so.
    let empty = self::directory();
    let said = check(&["-v"], empty.path()).stdout;
    assert!(said.contains("what a scrape costs: nothing: there are no entries\n"), "{said}");
}

#[test]
fn the_directory_itself() {
    let parent = directory();
    let missing = parent.path().join("metrics");
    let found = findings(&missing);
    assert_eq!(codes(&found), ["missing-directory"]);
    // It may be mistyped: nothing makes it.
    assert!(found[0].message.contains("it does not exist") && found[0].commands.is_empty(), "{found:?}");
    assert!(found[0].advice.contains("promproc find"), "{found:?}");
    fs::create_dir(&missing).unwrap();
    assert_eq!(check(&[], &missing).status, Some(0), "a new service has an empty directory");

    let on_disk = Path::new("tests/data/gunicorn");
    assert!(codes(&findings(on_disk)).contains(&"not-tmpfs"));
    let without = check(&["--format", "json", "--ignore", "not-tmpfs", "--ignore", "stuck-gauge"], on_disk);
    let left = report(&without).findings;
    assert!(
        !left.is_empty() && !left.iter().any(|one| ["not-tmpfs", "stuck-gauge"].contains(&one.code.as_str()))
    );

    let empty =
        run(promproc().args(["check", "--format", "json"]).arg(&missing).env("PROMETHEUS_MULTIPROC_DIR", ""));
    assert_eq!(codes(&report(&empty).findings), ["empty-directory"], "the variable is not asked for");
    let alone = run(promproc().arg("check").env("PROMETHEUS_MULTIPROC_DIR", ""));
    alone.fails_with(&["PROMETHEUS_MULTIPROC_DIR is set, but empty", "hint: "]);
}

#[test]
fn who_still_writes_to_a_directory_that_is_gone_is_named() {
    let parent = directory();
    let missing = parent.path().join("metrics");
    fs::create_dir(&missing).unwrap();
    let Some(one) = worker(&missing, "Counter('c', 'h').inc()") else { return };
    let two = worker(&missing, "Counter('c', 'h').inc(); Gauge('g', 'h').set(1)").unwrap();
    fs::remove_dir_all(&missing).unwrap();
    let found = findings(&missing);
    assert_eq!(codes(&found), ["missing-directory"]);
    let [finding] = &found[..] else { panic!("{found:?}") };
    for pid in [one.pid(), two.pid()] {
        assert!(finding.message.contains(&format!("pid {pid} (")), "{finding:?}");
        assert!(finding.pids.contains(&pid.to_string()), "{finding:?}");
    }
    assert!(finding.message.contains(" still write to 3 files that were removed with it"), "{finding:?}");
    assert!(finding.advice.contains("restart these processes") && finding.files.len() == 3, "{finding:?}");
    // What it advises mends it: the directory first, then the processes.
    mend(&finding.commands[0]);
    assert_eq!(codes(&findings(&missing)), ["removed-file", "removed-file", "empty-directory"]);
    drop((one, two));
    assert_eq!(codes(&findings(&missing)), ["empty-directory"]);
}

#[test]
fn owners_and_permissions() {
    if !can_change_user() {
        return;
    }
    let Some((directory, file)) = counted() else { return };
    chown(&file, Some(STRANGER), Some(STRANGER)).unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let says = format!("the user {STRANGER}, who owns the files, may not create files");
    assert_found(directory.path(), &["not-writable"], &[&says], &[]);

    fs::copy(&file, directory.path().join("counter_9.db")).unwrap();
    chown(directory.path().join("counter_9.db"), Some(0), Some(0)).unwrap();
    let found = findings(directory.path());
    let of_owners = found.iter().find(|finding| finding.code == "several-owners").unwrap();
    // Whoever may put a link there would be given what it leads to.
    assert_eq!(of_owners.commands, [""; 0], "{found:?}");
    for finding in &found {
        finding.commands.iter().for_each(|command| mend(command));
    }
    chown(directory.path().join("counter_9.db"), Some(STRANGER), Some(STRANGER)).unwrap();
    assert!(!codes(&findings(directory.path())).contains(&"several-owners"));

    let reachable = Directory::with(&[]);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    chown(&file, Some(0), Some(0)).unwrap();
    let ran =
        run(promproc_of_a_stranger(&reachable).args(["check", "--format", "json"]).arg(directory.path()));
    let report = report(&ran);
    assert_eq!(report.findings[0].code, "unreadable-file", "{ran:?}");
    assert!(report.findings[0].message.contains("Permission denied"), "{report:?}");
}

#[test]
fn a_file_system_that_is_nearly_full() {
    // Who may have pid namespaces may have those of mounts.
    if !has_containers() {
        return;
    }
    let Some((directory, _)) = counted() else { return };
    let place = tempfile::tempdir().unwrap();
    const SCRIPT: &str = "
mount -t tmpfs -o size=1m tmpfs \"$2\" && cp \"$1\"/*.db \"$2\" && head -c 950k /dev/zero > \"$2/.fill\"
promproc check --format json --ignore other-files \"$2\"
rm \"$2/.fill\"
promproc check --format json --ignore other-files \"$2\"
umount \"$2\" && mount -t tmpfs -o nr_inodes=22 tmpfs \"$2\" && cp \"$1\"/*.db \"$2\"
for n in $(seq 19); do : > \"$2/.$n\"; done
promproc check --format json --ignore other-files \"$2\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT, "sh"]).arg(directory.path()).arg(place.path());
    let output = command.env("PATH", path_with_promproc()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let reports: Vec<Report> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(codes(&reports[0].findings), ["nearly-full"], "{text}");
    let full = |report: &Report| report.findings[0].message.clone();
    assert!(full(&reports[0]).contains("killed by SIGBUS") && !full(&reports[0]).contains("inode"), "{text}");
    assert!(reports[1].findings.is_empty(), "{text}");
    assert_eq!(codes(&reports[2].findings), ["nearly-full"], "{text}");
    assert!(
        full(&reports[2]).contains("of its inodes (1 free): ") && !full(&reports[2]).contains("SIGBUS"),
        "{text}"
    );
}

#[test]
fn a_directory_that_takes_no_files() {
    if !has_containers() || !can_change_user() {
        return;
    }
    let directory = directory();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o755)).unwrap();
    let reachable = Directory::with(&[]);
    let checked = || {
        report(&run(promproc_of_a_stranger(&reachable)
            .args(["check", "--format", "json"])
            .arg(directory.path())))
    };
    let found = checked().findings;
    assert_eq!(codes(&found), ["not-writable", "empty-directory"], "{found:?}");
    assert!(
        found[0].message.contains(&format!("the user {STRANGER}, who runs promproc, may not")),
        "{found:?}"
    );
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    assert_eq!(codes(&checked().findings), ["empty-directory"]);

    let place = tempfile::tempdir().unwrap();
    const SCRIPT: &str = "
mount -t tmpfs tmpfs \"$1\" && mount -o remount,ro \"$1\" || exit 3
promproc check --format json \"$1\"";
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", SCRIPT, "sh"]).arg(place.path());
    let found = report(&run(command.env("PATH", path_with_promproc()))).findings;
    assert_eq!(codes(&found), ["not-writable", "empty-directory"], "{found:?}");
    assert!(found[0].message.contains("mounted read-only"), "{found:?}");
}

#[test]
fn a_slow_scrape_and_what_makes_it_slow() {
    let keys = |count: usize| (0..count).map(|n| format!(r#"["c", "c_total", {{"user": "{n}"}}, "h"]"#));
    let file = |count: usize| {
        let keys: Vec<_> = keys(count).collect();
        encoded(&keys.iter().map(|key| (key.as_str(), 1.0)).collect::<Vec<_>>())
    };
    // Of few files, many series.
    let directory = directory();
    write_large(&directory, "counter_4999999.db", &file(1_000));
    assert_eq!(codes(&findings(directory.path())), [""; 0]);
    write_large(&directory, "counter_4999999.db", &file(100_000));
    let found = assert_found(
        directory.path(),
        &["slow-scrape"],
        &[
            "s for a scrape; mostly cardinality: 100000 distinct series, most of c, and by the label user;",
            "c (100000)",
            "user (100000)",
            "fewer labels",
        ],
        &["slow-scrape"],
    );
    assert!(found[0].severity == "warning" && found[0].commands.is_empty(), "{found:?}");

    // Of few series, many files of dead processes.
    let directory = self::directory();
    let worker = file(100);
    for pid in 1..=4_000 {
        write(&directory, &format!("counter_1000{pid}.db"), &worker);
    }
    let found = assert_found(
        directory.path(),
        &["compactable", "slow-scrape"],
        &["4000 files of dead processes can be folded into 1 archive"],
        &[],
    );
    let slow = &found[1];
    let says = "mostly dead processes' files: 4000 of 4000 files and 400000 of 400000 entries";
    assert!(slow.message.contains(says) && slow.commands == found[0].commands, "{found:?}");
    assert_eq!(found[0].severity, "warning");
}

/// A file that is larger than the client's first.
fn write_large(directory: &TempDir, name: &str, bytes: &[u8]) {
    let length = u64::try_from(bytes.len()).unwrap().next_power_of_two();
    let path = directory.path().join(name);
    fs::write(&path, bytes).unwrap();
    fs::File::options().write(true).open(path).unwrap().set_len(length).unwrap();
}
