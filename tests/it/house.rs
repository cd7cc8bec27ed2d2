//! The order of the rooms: each knows only rooms below it, and in a room no files know each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The library's rooms from the top to the ground; one may use those behind it. `model` and `sys` are the
/// ground.
const LIBRARY: [&str; 14] = [
    "check",
    "explain",
    "observe",
    "maintain",
    "merge",
    "reader",
    "liveness",
    "exposition",
    "select",
    "directory",
    "format",
    "notation",
    "model",
    "sys",
];
/// The binary's, which stands on the library.
const BINARY: [&str; 3] = ["commands", "console", "cli"];

/// A source file, and the path of its module, from the crate's root on.
struct Source {
    path: PathBuf,
    module: Vec<String>,
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut waiting = vec![root.clone()];
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
                continue;
            }
            let below = path.strip_prefix(&root).unwrap().with_extension("");
            let mut module: Vec<_> = below.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
            if matches!(module.last().unwrap().as_str(), "mod" | "lib" | "main") {
                module.pop();
            }
            let text = code_of(&fs::read_to_string(&path).unwrap());
            found.push(Source { path, module, text });
        }
    }
    assert!(found.len() > 80, "{} files", found.len());
    found
}

/// Without comments; their links lead anywhere.
fn code_of(text: &str) -> String {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    text.lines().filter(is_code).map(|line| format!("{line}\n")).collect()
}

/// Every path that begins with `crate`, `super` or `self`, from the crate's root on, with what stands in
/// braces spelled out.
fn paths(source: &Source) -> Vec<Vec<String>> {
    let begins = Regex::new(r"\b(crate|super|self)::").unwrap();
    let mut found = Vec::new();
    let mut inner_from = usize::MAX;
    // What stands in a module of the file itself, mostly its tests, is one deeper.
    if let Some(at) = Regex::new(r"(?m)^mod \w+ \{").unwrap().find(&source.text) {
        inner_from = at.start();
    }
    for begin in begins.find_iter(&source.text) {
        if source.text[..begin.start()].ends_with("::") || source.text[..begin.start()].ends_with('$') {
            continue;
        }
        let mut module = source.module.clone();
        if begin.start() > inner_from {
            module.push("tests".to_owned());
        }
        let mut rest = &source.text[begin.start()..];
        loop {
            if let Some(after) = rest.strip_prefix("super::") {
                assert!(module.pop().is_some(), "{} leaves the crate", source.path.display());
                rest = after;
            } else if let Some(after) = rest.strip_prefix("crate::") {
                module.clear();
                rest = after;
            } else if let Some(after) = rest.strip_prefix("self::") {
                rest = after;
            } else {
                break;
            }
        }
        for path in spelled_out(rest) {
            found.push(module.iter().cloned().chain(path).collect());
        }
    }
    found
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn spelled_out(text: &str) -> Vec<Vec<String>> {
    if let Some(inside) = text.strip_prefix('{') {
        let mut depth = 0;
        let mut starts = vec![0];
        let end = inside.char_indices().find_map(|(at, c)| match c {
            '{' => {
                depth += 1;
                None
            }
            '}' if depth == 0 => Some(at),
            '}' => {
                depth -= 1;
                None
            }
            ',' if depth == 0 => {
                starts.push(at + 1);
                None
            }
            _ => None,
        });
        let end = end.expect("a closing brace");
        let ends: Vec<_> = starts.iter().skip(1).map(|start| start - 1).chain([end]).collect();
        let parts = starts.iter().zip(ends).map(|(start, end)| inside[*start..end].trim());
        return parts.filter(|part| !part.is_empty()).flat_map(spelled_out).collect();
    }
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    match rest.strip_prefix("::") {
        Some(rest) if !name.is_empty() && !rest.starts_with('<') => {
            spelled_out(rest).into_iter().map(|path| [vec![name.to_owned()], path].concat()).collect()
        }
        _ => vec![vec![name.to_owned()]],
    }
}

#[test]
fn nothing_imports_upwards_and_no_two_rooms_import_each_other() {
    let mut edges = 0;
    for source in sources() {
        let Some(room) = source.module.first() else { continue };
        let order: &[&str] = if BINARY.contains(&room.as_str()) { &BINARY } else { &LIBRARY };
        let place = |room: &str| order.iter().position(|known| *known == room);
        let Some(from) = place(room) else { panic!("{}: a room without a place", source.path.display()) };
        for path in paths(&source) {
            let to = &path[0];
            if to == room {
                continue;
            }
            edges += 1;
            let Some(to_place) = place(to) else { panic!("{}: {path:?}", source.path.display()) };
            assert!(to_place > from, "{} looks up: {}", source.path.display(), path.join("::"));
        }
        if order == LIBRARY {
            assert!(!source.text.contains("promproc::"), "{}: itself by name", source.path.display());
        }
    }
    assert!(edges > 150, "{edges} imports are too few to say much");
}

#[test]
fn in_a_room_no_files_know_each_other() {
    let sources = sources();
    // What a room's face hands on is its file's: `pub use entries::{Entry}` makes `super::Entry` one of
    // `entries`.
    let hands_on = Regex::new(r"(?m)^(?:pub(?:\([a-z]+\))? )?use (\w+)::").unwrap();
    let modules: BTreeSet<&[String]> = sources.iter().map(|source| &source.module[..]).collect();
    let mut owners: BTreeMap<Vec<String>, Vec<String>> = BTreeMap::new();
    for source in &sources {
        for found in hands_on.captures_iter(&source.text) {
            let owner: Vec<_> = source.module.iter().cloned().chain([found[1].to_owned()]).collect();
            if modules.contains(&owner[..]) {
                let rest = &source.text[found.get(1).unwrap().end() + 2..];
                for path in spelled_out(rest) {
                    let name: Vec<_> = source.module.iter().cloned().chain(path).collect();
                    owners.insert(name, owner.clone());
                }
            }
        }
    }
    let file_of = |path: &[String]| -> Vec<String> {
        for len in (1..=path.len()).rev() {
            if let Some(owner) = owners.get(&path[..len]) {
                return owner.clone();
            }
            if modules.contains(&path[..len]) {
                return path[..len].to_vec();
            }
        }
        Vec::new()
    };
    let mut uses: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = BTreeMap::new();
    for source in &sources {
        let tests = source.text.find("#[cfg(test)]").unwrap_or(source.text.len());
        let code = Source {
            path: source.path.clone(),
            module: source.module.clone(),
            text: source.text[..tests].to_owned(),
        };
        let used =
            paths(&code).iter().map(|path| file_of(path)).filter(|file| *file != source.module).collect();
        uses.insert(source.module.clone(), used);
    }
    // From every file: does a way lead back to it? A room's face names what is in it, and may be used by it.
    for start in uses.keys().filter(|module| module.len() > 1) {
        let mut seen = BTreeSet::new();
        let mut waiting: Vec<(Vec<String>, Vec<Vec<String>>)> = vec![(start.clone(), vec![start.clone()])];
        while let Some((at, way)) = waiting.pop() {
            for next in uses.get(&at).into_iter().flatten() {
                let is_face =
                    modules.iter().any(|module| module.len() > next.len() && module.starts_with(next));
                if is_face || next.is_empty() {
                    continue;
                }
                assert_ne!(next, start, "a circle: {way:?}");
                if seen.insert(next.clone()) {
                    let mut way = way.clone();
                    way.push(next.clone());
                    waiting.push((next.clone(), way));
                }
            }
        }
    }
}
