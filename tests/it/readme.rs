//! The documents are real: every ```console block of the README and of `docs/` is run, and its output
//! compared; every link leads somewhere; every field of JSON is described.
//!
//! A line that begins with `$ ` is run by `sh` in a directory that has the repository's `tests` and
//! nothing else, with the promproc under test first in PATH; the lines up to the next one are what
//! it prints, standard error included. The sessions of a document see what its earlier ones left. `...`
//! means any text within a line, and any number of lines where it is alone on one. What it stands for may make
//! columns wider, so where it is used two spaces stand for any number of them.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use serde_json::Value;

#[cfg(target_os = "linux")]
use crate::support::{Directory, Holder};
use crate::support::{path_with_promproc, promproc, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const CUT: &str = "...";

/// The documents for users, by their paths from the repository's root.
fn documents() -> Vec<String> {
    let pages = fs::read_dir(Path::new(ROOT).join("docs")).unwrap();
    let names = pages.map(|page| page.unwrap().file_name().into_string().unwrap());
    let mut documents: Vec<_> = names.map(|name| format!("docs/{name}")).collect();
    documents.sort();
    documents.insert(0, "README.md".to_owned());
    documents
}

fn text_of(document: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(document)).unwrap_or_else(|error| panic!("{document}: {error}"))
}

#[test]
fn sessions_print_what_the_documents_show() {
    let mut differences = String::new();
    let mut count = 0;
    for document in documents() {
        let text = text_of(&document);
        let home = tempfile::tempdir().unwrap();
        symlink(Path::new(ROOT).join("tests"), home.path().join("tests")).unwrap();
        for Step { line, command, output } in steps(&text) {
            count += 1;
            let printed = printed(command, home.path());
            let printed: Vec<_> = printed.lines().collect();
            if !is_shown(&output, &printed) {
                let text =
                    |lines: &[&str]| lines.iter().map(|line| format!("    {line}\n")).collect::<String>();
                let (shown, printed) = (text(&output), text(&printed));
                writeln!(
                    differences,
                    "{document}:{line}: $ {command}\n  shows\n{shown}  but it prints\n{printed}"
                )
                .unwrap();
            }
        }
    }
    assert!(differences.is_empty(), "\n{differences}");
    assert!(count >= 20, "the documents have lost their sessions: {count} are left");
}

/// A command and what the document says it prints.
struct Step<'a> {
    line: usize,
    command: &'a str,
    output: Vec<&'a str>,
}

fn steps(document: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    let mut is_session = false;
    for (number, line) in document.lines().enumerate() {
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
fn printed(command: &str, directory: &Path) -> String {
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
fn is_shown(shown: &[&str], printed: &[&str]) -> bool {
    if !shown.iter().any(|line| line.contains(CUT)) {
        return matches(shown, printed);
    }
    let gap = Regex::new("  +").unwrap();
    let narrow = |lines: &[&str]| lines.iter().map(|line| gap.replace_all(line, "  ").into()).collect();
    let (shown, printed): (Vec<String>, Vec<String>) = (narrow(shown), narrow(printed));
    matches(&texts(&shown), &texts(&printed))
}

fn texts(lines: &[String]) -> Vec<&str> {
    lines.iter().map(String::as_str).collect()
}

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
    assert!(is_shown(&["a ... b", "..."], &["a x b"]));
    assert!(is_shown(&["...", "z"], &["x", "y", "z"]));
    assert!(is_shown(&["..."], &[]));
    assert!(!is_shown(&["a ... b"], &["a x c"]));
    assert!(!is_shown(&["a"], &["a "]));
    assert!(!is_shown(&["a"], &["a", "b"]));
    assert!(is_shown(&["a  b", "..."], &["a     b"]));
    assert!(!is_shown(&["a  b", "..."], &["a b"]));
    assert!(!is_shown(&["a  b"], &["a   b"]));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let mut documents = documents();
    documents.extend(["ARCHITECTURE.md", "CHANGELOG.md", "SECURITY.md"].map(str::to_owned));
    let mut broken = String::new();
    let mut linked_from_readme = BTreeSet::new();
    for document in &documents {
        for target in links(&text_of(document)) {
            let (path, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let directory = Path::new(document).parent().unwrap();
            let file = if path.is_empty() { document.into() } else { normal(&directory.join(path)) };
            if document == "README.md" {
                linked_from_readme.insert(file.clone());
            }
            let exists = Path::new(ROOT).join(&file).exists();
            if !exists || !(anchor.is_empty() || anchors(&text_of(&file)).contains(anchor)) {
                writeln!(broken, "{document}: {target}").unwrap();
            }
        }
    }
    assert!(broken.is_empty(), "links that lead nowhere:\n{broken}");
    for document in documents.iter().filter(|document| *document != "README.md") {
        assert!(linked_from_readme.contains(document), "the README does not link to {document}");
    }
}

/// The targets of a document's links to other files, or to its own headings.
fn links(document: &str) -> Vec<String> {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let targets = link.captures_iter(document).map(|link| link[1].to_owned());
    targets.filter(|target| !target.starts_with("https://")).collect()
}

/// The path without `..`.
fn normal(path: &Path) -> String {
    let mut parts = Vec::new();
    for part in path.iter() {
        if part == ".." {
            parts.pop().expect("a link stays in the repository");
        } else {
            parts.push(part.to_str().unwrap());
        }
    }
    parts.join("/")
}

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(document: &str) -> BTreeSet<String> {
    let mut is_block = false;
    let mut anchors = BTreeSet::new();
    for line in document.lines() {
        is_block ^= line.starts_with("```");
        let heading = line.trim_start_matches('#');
        if !is_block && heading.len() < line.len() {
            let is_kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
            let anchor = heading.trim().to_lowercase().chars().filter(is_kept).collect::<String>();
            anchors.insert(anchor.replace(' ', "-"));
        }
    }
    anchors
}

#[test]
fn anchors_are_those_of_github() {
    let document = "# top: the directory, live\n```sh\n# none\n```\n## node_exporter's `x`\n";
    let expected = ["top-the-directory-live", "node_exporters-x"];
    assert_eq!(anchors(document), expected.map(str::to_owned).into());
}

#[test]
fn every_field_of_json_is_described() {
    let page = text_of("docs/json.md");
    let data = Path::new(ROOT).join("tests/data/gunicorn");
    for (section, options) in [
        ("merge", &["merge"][..]),
        ("dump", &["dump"]),
        ("dump", &["dump", "--files"]),
        ("explain", &["explain", "{__name__=~\".+\"}"]),
        ("check", &["check"]),
        ("prune and clean", &["prune", "--dry-run"]),
        ("prune and clean", &["clean", "--dry-run"]),
        ("top", &["top", "--once", "--by", "series"]),
        ("top", &["top", "--once", "--by", "family"]),
        ("top", &["top", "--once", "--by", "pid"]),
    ] {
        let printed = run(promproc().args(options).args(["--format", "json"]).arg(&data)).stdout;
        assert_described(&page, section, options, &printed);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn every_field_of_found_directories_is_described() {
    let directory = Directory::with(&[]);
    let _writer = Holder::shell("exec 9<>$1/counter_$$.db", directory.path());
    let printed = run(promproc().args(["find", "--format", "json"])).stdout;
    assert!(printed.contains(directory.path().to_str().unwrap()), "{printed}");
    assert_described(&text_of("docs/json.md"), "find", &["find"], &printed);
}

/// The section of the page has all fields of what these options print.
#[track_caller]
fn assert_described(page: &str, section: &str, options: &[&str], printed: &str) {
    // Their keys are data.
    let maps: &[&str] = if section == "merge" { &["labels", "buckets"] } else { &["labels", "quantiles"] };
    let mut fields = BTreeSet::new();
    for value in serde_json::Deserializer::from_str(printed).into_iter() {
        collect_fields(&value.unwrap(), maps, &mut fields);
    }
    assert!(fields.len() >= 4, "{options:?}: {fields:?}");
    let described = described_fields(page, section);
    let missing: Vec<_> = fields.difference(&described).collect();
    assert!(missing.is_empty(), "docs/json.md does not describe {missing:?} of {options:?}");
}

fn collect_fields(value: &Value, maps: &[&str], fields: &mut BTreeSet<String>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| collect_fields(value, maps, fields)),
        Value::Object(object) => {
            for (name, value) in object {
                fields.insert(name.clone());
                if !maps.contains(&name.as_str()) {
                    collect_fields(value, maps, fields);
                }
            }
        }
        _ => {}
    }
}

/// The last parts of the fields in the tables of a section: `le` of `histogram.buckets[].le`.
fn described_fields(page: &str, section: &str) -> BTreeSet<String> {
    let (_, section) = page.split_once(&format!("\n## {section}\n")).expect("a section of that name");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let spans = rows.flat_map(|fields| fields.split('`').skip(1).step_by(2));
    spans.flat_map(|field| field.split('.')).map(|part| part.trim_end_matches("[]").to_owned()).collect()
}
