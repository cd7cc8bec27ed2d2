//! The README's sessions are real: every ```console block is run, and its output compared.
//!
//! A line that begins with `$ ` is run by `sh` in a directory that has the repository's `tests` and
//! nothing else, with the promproc under test first in PATH; the lines up to the next one are what
//! it prints, standard error included. Sessions see what earlier ones left. `...` stands for what differs from run to run, or is cut: within a line for any text, alone on a
//! line for any number of lines.

use std::fmt::Write;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::path_with_promproc;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CUT: &str = "...";

#[test]
fn sessions_print_what_the_readme_shows() {
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let steps = steps(&readme);
    assert!(steps.len() >= 10, "the README has lost its sessions: {} are left", steps.len());
    let home = tempfile::tempdir().unwrap();
    symlink(Path::new(ROOT).join("tests"), home.path().join("tests")).unwrap();
    let mut differences = String::new();
    for step in steps {
        let printed = run(step.command, home.path());
        let printed: Vec<_> = printed.lines().collect();
        if !matches(&step.output, &printed) {
            let text = |lines: &[&str]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
            let (shown, printed) = (text(&step.output), text(&printed));
            let (line, command) = (step.line, step.command);
            writeln!(
                differences,
                "README.md:{line}: $ {command}\n  shows\n{shown}  but it prints\n{printed}"
            )
            .unwrap();
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
}

/// A command and what the README says it prints.
struct Step<'a> {
    line: usize,
    command: &'a str,
    output: Vec<&'a str>,
}

fn steps(readme: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut is_session = false;
    for (number, line) in readme.lines().enumerate() {
        if line.starts_with("```") {
            is_session = line == "```console";
        } else if let Some(command) = line.strip_prefix("$ ").filter(|_| is_session) {
            steps.push(Step { line: number + 1, command, output: Vec::new() });
        } else if is_session {
            steps.last_mut().expect("a session begins with a command").output.push(line);
        }
    }
    steps
}

/// Standard output and standard error, in the order in which they were written.
fn run(command: &str, directory: &Path) -> String {
    let output = Command::new("sh")
        .args(["-c", &format!("exec 2>&1\n{command}")])
        .current_dir(directory)
        .env("PATH", path_with_promproc())
        .env_remove("PROMETHEUS_MULTIPROC_DIR")
        .env_remove("prometheus_multiproc_dir")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Whether the printed lines are the ones shown, where `...` stands for anything.
fn matches(shown: &[&str], printed: &[&str]) -> bool {
    match shown {
        [] => printed.is_empty(),
        [first, rest @ ..] if *first == CUT => (0..=printed.len()).any(|at| matches(rest, &printed[at..])),
        [first, rest @ ..] => {
            printed.first().is_some_and(|line| line_matches(first, line)) && matches(rest, &printed[1..])
        }
    }
}

fn line_matches(shown: &str, printed: &str) -> bool {
    match shown.split_once(CUT) {
        None => shown == printed,
        Some((start, rest)) => printed.strip_prefix(start).is_some_and(|printed| {
            printed
                .char_indices()
                .map(|(at, _)| at)
                .chain([printed.len()])
                .any(|at| line_matches(rest, &printed[at..]))
        }),
    }
}

#[test]
fn three_dots_stand_for_text_in_a_line_and_for_lines() {
    assert!(matches(&["a ... b", "..."], &["a x b"]));
    assert!(matches(&["...", "z"], &["x", "y", "z"]));
    assert!(matches(&["..."], &[]));
    assert!(!matches(&["a ... b"], &["a x c"]));
    assert!(!matches(&["a"], &["a "]));
    assert!(!matches(&["a"], &["a", "b"]));
}
