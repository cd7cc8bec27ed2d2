//! Who still writes the files: `--files`, `--dead` and `--live`.

use super::*;
use crate::support::{Directory, Holder, can_change_user, promproc_of_a_stranger};

#[test]
fn files_are_shown_and_chosen_by_their_liveness() {
    let directory = Directory::with(&["counter_1.db", "counter_4999999.db"]);
    let files = |arguments: &[&str]| {
        let arguments = [&["--files", "--format", "json"], arguments].concat();
        let lines = dump(&arguments, directory.path()).stdout;
        let lines = lines.lines().map(|line| serde_json::from_str::<FileLine>(line).unwrap());
        lines
            .map(|line| (line.pid.unwrap(), line.liveness.unwrap(), line.evidence.unwrap()))
            .collect::<Vec<_>>()
    };
    let holder = Holder::shell("exec 9<>\"$1/counter_1.db\"", directory.path());
    let all = files(&[]);
    let [(one, live, holds), (other, dead, lease)] = &all[..] else { panic!("{all:?}") };
    assert_eq!([one, live, other, dead], ["1", "live", "4999999", "dead"]);
    assert!(holds.starts_with(&format!("open in pid {}", holder.pid())), "{holds}");
    assert!(lease.contains("no process"), "{lease}");
    assert_eq!(files(&["--live"]), all[..1]);
    assert_eq!(files(&["--dead"]), all[1..]);
    assert_eq!(files(&["--dead", "--live"]), all);

    let table = dump(&["--files"], directory.path()).stdout;
    let lines: Vec<Vec<_>> = table.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..5], ["TYPE", "MODE", "PID", "LIVENESS", "ERA"]);
    assert_eq!((lines[1][3], lines[2][3]), ("live", "dead"));
    // Entries, too.
    let entries = dump(&["--dead"], directory.path());
    assert!(entries.stdout.contains("pid 4999999") && !entries.stdout.contains("pid 1\n"), "{entries:?}");

    holder.kill();
    let none = dump(&["--files", "--live"], directory.path());
    assert_eq!((none.stdout.as_str(), none.status), ("", Some(1)));
    assert_eq!(none.stderr, "promproc: warning: no file is live\n");
}

#[test]
fn what_is_unknown_is_neither_live_nor_dead() {
    if !can_change_user() {
        return;
    }
    // The stranger gets no lease on another user's file, and the name is no process id.
    let directory = Directory::with(&["counter_web.db"]);
    let shown = |options: &[&str]| {
        let mut command = promproc_of_a_stranger(&directory);
        run(command.args(["dump", "--files"]).args(options).arg(directory.path()))
    };
    for option in ["--live", "--dead"] {
        let ran = shown(&[option]);
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(1)), "{ran:?}");
    }
    let all = shown(&[]);
    assert!(all.stdout.contains("  unknown  ") && all.status == Some(0), "{all:?}");
}
