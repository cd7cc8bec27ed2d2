//! How often `check` looks: findings of one look cannot contradict each other.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use super::directory;
use crate::support::{Holder, not_run};

#[test]
fn the_directory_is_listed_once_and_each_file_opened_and_asked_once() {
    if Command::new("strace").arg("-V").output().is_err() {
        return not_run("strace");
    }
    let directory = directory();
    for entry in fs::read_dir("tests/data/gunicorn").unwrap() {
        let entry = entry.unwrap();
        fs::copy(entry.path(), directory.path().join(entry.file_name())).unwrap();
    }
    let _live = Holder::shell("exec 9<>\"$1/counter_8181.db\"", directory.path());
    let log = tempfile::NamedTempFile::new().unwrap();
    let output = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=open,openat,openat2,getdents64,fcntl", "-o"])
        .arg(log.path())
        .args([env!("CARGO_BIN_EXE_promproc"), "check", "--format", "json"])
        .arg(directory.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");

    let of_directory = format!("<{}", directory.path().to_str().unwrap());
    let (mut listings, mut opened, mut asked) = (0, BTreeMap::new(), BTreeMap::new());
    for line in fs::read_to_string(log.path()).unwrap().lines() {
        let Some((_, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        if !call.contains(&of_directory) {
            continue;
        }
        let file = call.split(['"', '/', '>']).find(|part| part.ends_with(".db"));
        match (call, file) {
            // The end of a listing.
            _ if call.starts_with("getdents64") && call.ends_with("= 0") => listings += 1,
            (_, Some(file)) if call.starts_with("open") && !call.contains("O_PATH") => {
                *opened.entry(file.to_owned()).or_insert(0) += 1;
            }
            (_, Some(file)) if call.contains("F_SETLEASE, F_RDLCK") => {
                *asked.entry(file.to_owned()).or_insert(0) += 1;
            }
            _ => {}
        }
    }
    assert_eq!((listings, opened.len(), asked.len()), (1, 36, 36));
    for (file, times) in opened.iter().chain(&asked) {
        assert_eq!(*times, 1, "{file}: opened {opened:?}, asked {asked:?}");
    }
}
