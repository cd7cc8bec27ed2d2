//! Other people's text: what a terminal obeys or does not show, and command lines that hold secrets.

use std::process::Command;

use super::*;

/// A character of each kind that is not shown as it is; ESC, DEL and C1 controls among them.
const HIDDEN: &str = "\u{1b}\u{7f}\u{9b}\u{ad}\u{61c}\u{115f}\u{180e}\u{200d}\u{2028}\u{202e}\u{2066}\u{3164}\
                      \u{fe0f}\u{feff}\u{fff9}\u{e0041}\u{e0101}";

fn assert_is_shown(text: &str, what: &str) {
    for c in HIDDEN.chars() {
        assert!(!text.contains(c), "{what}: {c:?} in {text:?}");
    }
}

#[test]
fn what_a_terminal_does_not_show_is_made_visible_everywhere() {
    let directory = Directory::with(&[]);
    let key = serde_json::json!(["g", "g", {"l": HIDDEN}, format!("help {HIDDEN}")]).to_string();
    let name = format!("gauge_livesum_{HIDDEN}.db");
    std::fs::write(directory.file(&name), encoded(&[(&key, 2.0)])).unwrap();
    for command in [
        &["merge", "--format", "table"][..],
        &["dump", "--show-help"],
        &["dump", "--files"],
        &["dump", "--format", "json"],
        &["explain", "g"],
        &["explain", "g", "--format", "json"],
        &["check", "-v"],
        &["check", "--format", "json"],
        &["top", "--once"],
        &["prune", "--dry-run"],
        &["prune", "--dry-run", "--format", "json"],
        &["clean", "--dry-run"],
    ] {
        let ran = run(promproc().args(command).arg(directory.path()));
        assert!(!ran.stdout.is_empty(), "{command:?}: {ran:?}");
        assert_is_shown(&ran.stdout, &format!("{command:?}"));
        assert_is_shown(&ran.stderr, &format!("{command:?}"));
    }
    let line = run(promproc().args(["dump", "--format", "json"]).arg(directory.path())).stdout;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["labels"]["l"], HIDDEN);
}

#[test]
fn a_wrong_argument_is_echoed_without_what_a_terminal_obeys() {
    let bad = format!("--bad{HIDDEN}");
    for arguments in [&["merge", &bad][..], &["merge", "--format", HIDDEN], &[HIDDEN], &["explain", HIDDEN]] {
        let ran = run(promproc().args(arguments));
        assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""), "{arguments:?}: {ran:?}");
        assert!(ran.stderr.contains("\\u{1b}"), "{ran:?}");
        assert_is_shown(&ran.stderr, &format!("{arguments:?}"));
    }
}

#[test]
fn a_password_in_a_workers_command_line_is_printed_with_v_alone() {
    const SECRET: &str = "hunter2hunter2";
    let directory = Directory::with(&["gauge_livesum_web.db", "counter_web.db"]);
    std::fs::write(directory.file("gauge_livesum_web.db"), encoded(&[(SIZE, 2.0)])).unwrap();
    let script = "exec 8<>\"$1/gauge_livesum_web.db\" 9<>\"$1/counter_web.db\"; echo ready; read -r _";
    let mut command = Command::new("sh");
    let _worker = Holder::run(command.args(["-c", script, "worker"]).arg(directory.path()).arg(SECRET));
    for command in [
        &["explain", "queue_size"][..],
        &["explain", "queue_size", "--format", "json"],
        &["check"],
        &["check", "--format", "json"],
        &["top", "--once", "--by", "pid"],
        &["top", "--batch", "1", "--by", "pid"],
        &["prune"],
        &["clean"],
        &["dump", "--files"],
    ] {
        let ran = run(promproc().args(command).arg(directory.path()));
        assert!(!format!("{ran:?}").contains(SECRET), "{command:?}: {ran:?}");
    }
    for command in [&["-v", "explain", "queue_size"][..], &["-v", "clean"]] {
        let ran = run(promproc().args(command).arg(directory.path()));
        assert!(ran.stderr.contains(SECRET) && !ran.stdout.contains(SECRET), "{command:?}: {ran:?}");
    }
}
