//! The committed completions and manual pages are those that the binary prints.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use crate::support::promproc;

/// Setting this makes the test write the files instead of comparing them.
const REGENERATE: &str = "PROMPROC_REGENERATE";

#[test]
fn completions_are_current() {
    let scripts = [("bash", "promproc.bash"), ("zsh", "_promproc"), ("fish", "promproc.fish")];
    let scripts = scripts.map(|(shell, file)| (file.to_owned(), printed(&["completions", shell])));
    assert_current("completions", scripts.into());
}

#[test]
fn manual_pages_are_current() {
    let mut pages = BTreeMap::from([("promproc.1".to_owned(), printed(&["man"]))]);
    for command in commands() {
        pages.insert(format!("promproc-{command}.1"), printed(&["man", &command]));
    }
    for (file, page) in &pages {
        for section in ["NAME", "SYNOPSIS", "\"EXIT STATUS\"", "ENVIRONMENT", "FILES", "\"SEE ALSO\""] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{file} has no section {section}");
        }
    }
    assert_links_for_the_wheel(pages.keys());
    assert_current("man", pages);
}

/// The wheel takes its files from a directory of its own, which has links.
#[track_caller]
fn assert_links_for_the_wheel<'a>(pages: impl Iterator<Item = &'a String>) {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/wheel/data/share/man/man1");
    let wanted: BTreeMap<_, _> =
        pages.map(|page| (page.clone(), Path::new("../../../../../../man").join(page))).collect();
    if std::env::var_os(REGENERATE).is_some() {
        let _ = fs::remove_dir_all(&directory);
        fs::create_dir(&directory).unwrap();
        for (page, target) in &wanted {
            symlink(target, directory.join(page)).unwrap();
        }
    }
    let links = fs::read_dir(&directory).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read_link(entry.path()).unwrap())
    });
    assert_eq!(links.collect::<BTreeMap<_, _>>(), wanted, "to write them anew: {REGENERATE}=1 cargo test");
}

/// What bash is offered after these words, the last of which is being typed.
fn offered_by_bash(words: &[&str]) -> Vec<String> {
    const SCRIPT: &str = r#"
source completions/promproc.bash
COMP_WORDS=(promproc "$@"); COMP_CWORD=$#
_promproc promproc "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
printf '%s\n' "${COMPREPLY[@]}""#;
    let mut bash = Command::new("bash");
    let output = bash.args(["--norc", "-c", SCRIPT, "bash"]).args(words).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .filter(|line| !line.is_empty())
        .collect()
}

#[test]
fn bash_completes_paths_where_a_command_takes_one() {
    if Command::new("bash").arg("-c").arg("true").status().is_err() {
        return;
    }
    let script = fs::read_to_string("completions/promproc.bash").unwrap();
    assert!(script.contains("complete -F _promproc -o nosort -o bashdefault -o default promproc"));
    // No offer of the script's: then bash, by those options, offers directories and files.
    for words in [
        &["check", ""][..],
        &["merge", "tests/"],
        &["clean", "--no-create", ""],
        &["explain", "up", ""],
        &["dump", "tests", ""],
    ] {
        assert_eq!(offered_by_bash(words), Vec::<String>::new(), "{words:?}");
    }
    assert_eq!(offered_by_bash(&["check", "--fail"]), ["--fail-on"]);
    assert_eq!(offered_by_bash(&["dump", "--format", ""]), ["table", "json"]);
    assert_eq!(offered_by_bash(&["completions", "ba"]), ["bash"]);
    assert!(offered_by_bash(&[""]).contains(&"merge".to_owned()));
    // zsh and fish have paths of their own for these.
    let zsh = fs::read_to_string("completions/_promproc").unwrap();
    assert!(zsh.contains("paths -- Directories and metric files") && zsh.contains(":_files' \\\n"));
    assert!(zsh.contains(":_files -/' \\\n"));
}

/// The commands that the help lists; `help` is not one of promproc's own.
fn commands() -> Vec<String> {
    let help = printed(&["--help"]);
    let (_, list) = help.split_once("\nCommands:\n").expect("a list of commands");
    let (list, _) = list.split_once("\n\n").expect("an end of the list");
    let names = list.lines().filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").map(str::to_owned).collect()
}

fn printed(arguments: &[&str]) -> String {
    let output = promproc().args(arguments).output().unwrap();
    assert!(output.status.success(), "promproc {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Fails if the directory holds anything else than these files with this text.
#[track_caller]
fn assert_current(directory: &str, files: BTreeMap<String, String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(directory);
    if std::env::var_os(REGENERATE).is_some() {
        let _ = fs::remove_dir_all(&path);
        fs::create_dir(&path).unwrap();
        for (name, text) in &files {
            fs::write(path.join(name), text).unwrap();
        }
    }
    let committed = fs::read_dir(&path).into_iter().flatten().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap())
    });
    let committed: BTreeMap<_, _> = committed.collect();
    let names = files.keys().chain(committed.keys());
    let mut stale: Vec<_> = names.filter(|name| files.get(*name) != committed.get(*name)).collect();
    stale.dedup();
    assert!(
        stale.is_empty(),
        "{directory}/ is stale: {stale:?}\nto write it anew: {REGENERATE}=1 cargo test --test it generated"
    );
}
