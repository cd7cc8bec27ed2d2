//! Command lines that are wrong, and what is said to do instead.

use std::fs;

use crate::support::{promproc, run, small_directory};

fn said(arguments: &[&str]) -> String {
    let ran = run(promproc().args(arguments));
    assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)), "{ran:?}");
    ran.stderr
}

#[test]
fn a_format_that_is_given_as_an_option() {
    for (command, format) in [
        ("dump", "json"),
        ("dump", "table"),
        ("merge", "json"),
        ("merge", "openmetrics"),
        ("explain", "json"),
        ("check", "json"),
        ("prune", "json"),
    ] {
        let said = said(&[command, &format!("--{format}"), "x"]);
        assert!(said.contains(&format!("  tip: use '--format {format}'\n")), "{said}");
        assert!(said.contains(&format!("\nUsage: promproc {command} [OPTIONS] ")), "{said}");
        assert_eq!(said.matches("tip:").count(), 1, "{said}");
    }
    // As it says.
    let directory = small_directory();
    run(promproc().args(["dump", "--format", "json"]).arg(directory.path()));
}

#[test]
fn no_tip_leads_nowhere() {
    // Nobody has a file of that name.
    for arguments in [["dump", "--used"], ["merge", "--verify"], ["man", "--json"]] {
        let said = said(&arguments);
        assert!(said.contains("unexpected argument") && !said.contains("tip:"), "{said}");
    }
    assert!(!said(&["used"]).contains("tip:"));
    // What is nearly right is known.
    assert!(said(&["dump", "--fils"]).contains("tip: a similar argument exists: '--files'"));
    assert!(said(&["mrege"]).contains("tip: a similar subcommand exists: 'merge'"));
    assert!(said(&["tests/data"]).contains("tip: a command comes first, e.g. promproc check tests/data\n"));
}

#[test]
fn quiet_says_errors_and_no_hints() {
    let directory = small_directory();
    let missing = directory.path().join("none");
    let missing = missing.to_str().unwrap();
    let hinted = said(&["dump", missing]);
    let (error, hint) = hinted.split_once('\n').unwrap();
    assert!(hint.starts_with("hint: "), "{hinted}");
    assert_eq!(said(&["-q", "dump", missing]), format!("{error}\n"));
    // What nothing matches is said, but for -q.
    let ran = run(promproc().args(["-q", "explain", "http_requests_totl"]).arg(directory.path()));
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.status), ("", "", Some(1)));
    fs::remove_dir_all(directory.path()).unwrap();
}

#[test]
fn check_says_nothing_of_labels_where_there_are_none() {
    let directory = tempfile::tempdir().unwrap();
    let key = r#"["c", "c_total", {}, "h"]"#;
    fs::write(directory.path().join("counter_4999999.db"), crate::support::encoded(&[(key, 1.0)])).unwrap();
    let ran = run(promproc().args(["check", "-v"]).arg(directory.path()));
    assert!(ran.stdout.contains("c (1)") && !ran.stdout.contains("labels"), "{ran:?}");
    assert!(
        !ran.stdout.contains("label ") && ran.stdout.lines().all(|line| !line.ends_with(": ")),
        "{ran:?}"
    );
}
