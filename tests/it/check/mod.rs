//! `promproc check`, seen from outside: each finding in a situation that the real client made, and
//! gone after the command that it names.

mod conflicts;
mod files;
mod gauges;
mod output;
mod over_time;
mod place;
mod system_calls;
mod writers;

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use promproc::check::Code;
use serde::Deserialize;
use serde_json::json;
use tempfile::TempDir;

use crate::support::{
    Client, Directory, Holder, Ran, STRANGER, can_change_user, damages, has_containers, in_container, killed,
    not_run, path_with_promproc, promproc, promproc_of_a_stranger, python, run, wait_for, while_stopped,
    worker,
};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Report {
    findings: Vec<Finding>,
    summary: Summary,
    growth: Growth,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Finding {
    code: String,
    severity: String,
    subject: String,
    summary: String,
    change: Option<String>,
    message: String,
    advice: String,
    commands: Vec<String>,
    files: Vec<String>,
    pids: BTreeSet<String>,
    series: Vec<String>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Summary {
    files: usize,
    live_pids: usize,
    unknown_pids: usize,
    dead_pids: usize,
    errors: usize,
    warnings: usize,
    infos: usize,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Growth {
    all: Totals,
    dead: Totals,
    series: usize,
    top_families: Vec<Count>,
    top_labels: Vec<Count>,
    verdict: String,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Totals {
    files: usize,
    capacity_bytes: u64,
    allocated_bytes: u64,
    entries: usize,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Count {
    name: String,
    count: usize,
}

/// A directory in memory where there is one, so that the disk is no finding.
fn directory() -> TempDir {
    let memory = Path::new("/dev/shm");
    let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
    fs::set_permissions(directory.path(), Permissions::from_mode(0o777)).unwrap();
    directory
}

/// A directory in which the real client has counted, and one of its files.
fn counted() -> Option<(TempDir, PathBuf)> {
    let directory = directory();
    let pid =
        killed(directory.path(), "c = Counter('c', 'h', ['l']); c.labels('a').inc(); c.labels('b').inc()")?;
    let file = directory.path().join(format!("counter_{pid}.db"));
    Some((directory, file))
}

fn check(options: &[&str], path: &Path) -> Ran {
    run(promproc().arg("check").args(options).arg(path))
}

fn report(ran: &Ran) -> Report {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

fn findings(path: &Path) -> Vec<Finding> {
    report(&check(&["--format", "json"], path)).findings
}

fn codes(findings: &[Finding]) -> Vec<&str> {
    findings.iter().map(|finding| finding.code.as_str()).collect()
}

/// Exactly this is found, with all of these in what is said; the findings' commands are run, and then
/// only `left` is found. Returns what was found.
#[track_caller]
fn assert_found(path: &Path, expected: &[&str], says: &[&str], left: &[&str]) -> Vec<Finding> {
    let found = findings(path);
    assert_eq!(codes(&found), expected, "{found:#?}");
    let text =
        found.iter().map(|finding| format!("{} {} {}\n", finding.subject, finding.message, finding.advice));
    let text: String = text.collect();
    for part in says {
        assert!(text.contains(part), "{part:?} is missing in {text}");
    }
    for finding in &found {
        let code: Code = finding.code.parse().expect("a documented code");
        // Where scrapes are slow, this one matters more.
        let is_raised = code == Code::Compactable && finding.severity == "warning";
        let is_usual = finding.severity == code.severity().as_str() || finding.severity == "info";
        assert!(is_usual || is_raised, "{finding:?}");
        assert!(!finding.advice.is_empty(), "{finding:?}");
    }
    let commands: BTreeSet<_> = found.iter().flat_map(|finding| &finding.commands).collect();
    for command in commands {
        mend(command);
    }
    assert_eq!(codes(&findings(path)), left);
    found
}

#[track_caller]
fn mend(command: &str) {
    let output = Command::new("sh").args(["-c", command]).env("PATH", path_with_promproc()).output().unwrap();
    assert!(output.status.success(), "{command}: {output:?}");
}

#[test]
fn of_a_healthy_live_service_one_line_is_said() {
    let directory = directory();
    let Some(_first) = Holder::client(directory.path()) else { return };
    let _second = Holder::client(directory.path());
    let ran = check(&["--fail-on", "info"], directory.path());
    let shown = directory.path().display();
    ran.prints(&format!(
        "{shown}: 26 files, 58 entries, 32 series; 2 live processes, 0 dead; nothing found\n"
    ));
    check(&["--quiet"], directory.path()).prints("");
    let report = report(&check(&["--format", "json"], directory.path()));
    assert!(report.findings.is_empty());
    let nothing = Totals { files: 0, capacity_bytes: 0, allocated_bytes: 0, entries: 0 };
    assert_eq!((report.growth.dead, report.growth.all.files, report.growth.series), (nothing, 26, 32));
    assert_eq!(report.growth.top_families[0], Count { name: "h".to_owned(), count: 17 });
    assert_eq!(report.growth.top_labels[0], Count { name: "le".to_owned(), count: 15 });
    let verdict = "0 of 26 files and 0 of 58 entries are dead processes'";
    assert!(report.growth.verdict.ends_with(verdict), "{}", report.growth.verdict);
    assert_eq!(
        report.summary,
        Summary { files: 26, live_pids: 2, unknown_pids: 0, dead_pids: 0, errors: 0, warnings: 0, infos: 0 }
    );
}

#[test]
fn every_code_is_documented_and_can_be_ignored() {
    let page_of_docs = fs::read_to_string("docs/findings.md").unwrap();
    // Without the line breaks.
    let page_of_docs = page_of_docs.split_whitespace().collect::<Vec<_>>().join(" ");
    let page = run(promproc().args(["man", "check"])).stdout;
    let names: BTreeSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(names.len(), Code::ALL.len());
    for code in Code::ALL {
        let name = code.as_str();
        assert_eq!(name.parse(), Ok(*code));
        let paragraph = format!("- `{name}` ({}): {}", code.severity(), code.explanation().trim());
        assert!(page_of_docs.contains(&paragraph), "docs/findings.md lacks: {paragraph}");
        assert!(
            page.replace("\\-", "-").contains(&format!("\\fB{name}\\fR ({})", code.severity())),
            "{name}"
        );
        assert!(
            check(&["--ignore", name], Path::new("tests/data/gunicorn"))
                .status
                .is_some_and(|status| status < 2)
        );
    }
    let findings = |options: &[&str]| {
        let ran = check(&[&["-v"], options].concat(), Path::new("tests/data/gunicorn"));
        (ran.stdout, ran.status)
    };
    let (all, _) = findings(&[]);
    let (without, status) =
        findings(&["--ignore", "dead-*,s?uck-gauge", "--ignore", "not-tmpfs,*-owners,other-files"]);
    for code in ["dead-decides", "stuck-gauge", "not-tmpfs"] {
        assert!(all.contains(code) && !without.contains(code), "{code}: {all}{without}");
    }
    assert_eq!(status, Some(0), "{without}");
    assert_eq!(findings(&["--fail-on", "never"]), (all, Some(0)));
    let wrong = check(&["--ignore", "stuck-*,sick-*"], Path::new("."));
    assert!(wrong.stderr.contains("stuck-gauge") && wrong.status == Some(2), "{wrong:?}");
    let wrong = check(&["--ignore", "stuck"], Path::new("."));
    assert!(wrong.stderr.contains("stuck-gauge") && wrong.status == Some(2), "{wrong:?}");
}
