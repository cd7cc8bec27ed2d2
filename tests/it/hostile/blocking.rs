//! What blocks who opens it, or waits for it.

use std::fs;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::*;

/// Every command that reads, each with what it needs.
const READING: [&[&str]; 6] =
    [&["merge"], &["dump"], &["dump", "--files"], &["check"], &["explain", "queue_size"], &["top", "--once"]];

/// Longer than any of these commands takes, and shorter than what blocks.
const AT_MOST: Duration = Duration::from_secs(20);

#[test]
fn a_link_to_a_file_that_never_ends_or_never_comes_is_named_and_not_followed() {
    let directory = small_directory();
    let targets =
        [("counter_1.db", "/dev/zero"), ("counter_2.db", "/proc/kmsg"), ("counter_3.db", "/dev/tty")];
    for (name, target) in targets {
        symlink(target, directory.path().join(name)).unwrap();
    }
    for command in READING {
        let start = Instant::now();
        let ran = run(promproc().args(command).arg(directory.path()));
        assert!(start.elapsed() < AT_MOST, "{command:?} took {:?}", start.elapsed());
        assert_eq!(ran.status, Some(1), "{command:?}: {ran:?}");
        for (name, _) in targets {
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(said.contains(name) && said.contains("a link"), "{command:?}: {said}");
        }
    }
}

/// Exchanges a metric file for a FIFO and back, as fast as can be.
const SWAP: &str = "\
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
a, b = (name.encode() for name in sys.argv[1:3])
os.mkfifo(b)
while True:
    libc.renameat2(-100, a, -100, b, 2)";

#[test]
fn a_fifo_that_takes_a_files_place_during_a_run_blocks_nobody() {
    let directory = small_directory();
    let aside = tempfile::tempdir().unwrap();
    let mut attacker = Command::new("python3");
    attacker.args(["-c", SWAP]).arg(directory.path().join("counter_12.db")).arg(aside.path().join("fifo"));
    let Ok(mut attacker) = attacker.stderr(Stdio::null()).spawn() else { return not_run("Python") };
    let (race, mut runs) = (Instant::now(), 0);
    while race.elapsed() < RACE {
        for command in READING {
            let start = Instant::now();
            let ran = run(promproc().args(command).arg(directory.path()));
            assert!(start.elapsed() < AT_MOST, "{command:?} took {:?}", start.elapsed());
            assert!(ran.status.is_some_and(|status| status < 2), "{command:?}: {ran:?}");
            runs += 1;
        }
    }
    attacker.kill().unwrap();
    attacker.wait().unwrap();
    assert!(runs > 50, "{runs} runs");
}

/// Holds a write lease on every metric file of a directory, and does not give it up.
const LEASES: &str = "\
import fcntl, glob, os, signal, sys
signal.signal(signal.SIGIO, signal.SIG_IGN)
held = [open(path, 'r+b') for path in sorted(glob.glob(sys.argv[1] + '/*.db'))]
for file in held:
    fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
print('ready', flush=True)
sys.stdin.read()";

#[test]
fn files_under_somebodys_lease_cost_a_second_in_all_and_not_one_each() {
    let directory = Directory::with(&[]);
    for pid in 1..=40 {
        let name = format!("gauge_livesum_{pid}.db");
        fs::write(directory.file(&name), encoded(&[(SIZE, 1.0)])).unwrap();
    }
    let mut command = Command::new("python3");
    let _holder = Holder::run(command.args(["-c", LEASES]).arg(directory.path()));
    for command in READING {
        let start = Instant::now();
        let ran = run(promproc().args(command).arg(directory.path()));
        // One second of patience for each of at most three scans.
        assert!(start.elapsed() < AT_MOST, "{command:?} took {:?}: {ran:?}", start.elapsed());
    }
    for (at, command) in [(0, "prune"), (1, "clean")] {
        let start = Instant::now();
        let ran = run(promproc().arg(command).arg(directory.path()));
        assert!(start.elapsed() < AT_MOST, "{command} took {:?}", start.elapsed());
        assert_eq!((ran.status, directory.names().len()), (Some([0, 2][at]), 40), "{ran:?}");
    }
}

#[test]
fn many_names_of_one_file_that_is_in_use_cost_no_time_each() {
    let directory = Directory::with(&["gauge_livesum_0.db"]);
    for pid in 1..500 {
        fs::hard_link(
            directory.file("gauge_livesum_0.db"),
            directory.file(&format!("gauge_livesum_{pid}.db")),
        )
        .unwrap();
    }
    let _writer = Holder::shell("exec 9<>\"$1/gauge_livesum_0.db\"", directory.path());
    let start = Instant::now();
    run(promproc().arg("prune").arg(directory.path())).prints("");
    run(promproc().arg("clean").arg(directory.path())).fails_with(&["500 files of 500 in use"]);
    assert!(start.elapsed() < AT_MOST, "it took {:?}", start.elapsed());
    assert_eq!(directory.names().len(), 500);
}
