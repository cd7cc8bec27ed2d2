//! Files that are long and hold nothing.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::process::Command;

use super::*;

/// A metric file that begins as one, and says that all of it is used.
fn file_of_holes(directory: &Directory, name: &str, first: &[u8], len: i32) {
    fs::write(directory.file(name), first).unwrap();
    let file = File::options().write(true).open(directory.file(name)).unwrap();
    file.set_len(len.unsigned_abs().into()).unwrap();
    file.write_all_at(&len.to_ne_bytes(), 0).unwrap();
}

#[test]
fn a_file_of_holes_costs_neither_memory_nor_time() {
    const MOST_KIB: u64 = 64 << 10;
    let directory = Directory::with(&[]);
    let healthy = encoded(&[(GET, 3.0)]);
    // One key of two GiB, behind an entry that is whole.
    let mut long_key = healthy.clone();
    long_key.extend((i32::MAX - 4096).to_ne_bytes());
    long_key.extend(b"[\"");
    file_of_holes(&directory, "counter_1.db", &long_key, i32::MAX);
    // Nothing but holes.
    file_of_holes(&directory, "counter_2.db", &healthy, i32::MAX);
    // Keys of a MiB each that are holes but for their first bytes, each another.
    const KEY: usize = (1 << 20) - 16;
    file_of_holes(&directory, "counter_3.db", &healthy, i32::try_from((KEY + 24) * 1000 + 1024).unwrap());
    let file = File::options().write(true).open(directory.file("counter_3.db")).unwrap();
    let mut at = healthy.len() as u64;
    for number in 0..999 {
        file.write_all_at(&i32::try_from(KEY).unwrap().to_ne_bytes(), at).unwrap();
        file.write_all_at(format!("[\"{number}").as_bytes(), at + 4).unwrap();
        at += (4 + KEY as u64) / 8 * 8 + 8 + 16;
    }
    for command in [
        &["merge"][..],
        &["dump", "--format", "json"],
        &["dump", "--files"],
        &["check"],
        &["explain", "http_requests_total"],
        &["top", "--once"],
        &["prune"],
        &["clean", "--dry-run"],
    ] {
        let mut measured = Command::new("/usr/bin/env");
        measured.args(["python3", "-c", MEASURE]).arg(env!("CARGO_BIN_EXE_promproc")).args(command);
        let ran = run(measured.arg(directory.path()));
        let peak: u64 = ran.stdout.trim().parse().unwrap_or_else(|_| panic!("{command:?}: {ran:?}"));
        assert!(peak < MOST_KIB, "{command:?} took {peak} KiB");
    }
    let merged = run(promproc().arg("merge").arg(directory.path()));
    assert!(merged.stdout.ends_with("http_requests_total{method=\"GET\",path=\"/\"} 9.0\n"), "{merged:?}");
    merged.says(&["counter_1.db: byte ", "more than the 1048576 bytes of a key\n"]);
}

/// The peak memory of a command, in KiB.
const MEASURE: &str = "\
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)";
