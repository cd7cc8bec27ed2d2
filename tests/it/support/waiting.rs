//! Waiting until something has happened.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// Much longer than anything here takes: it only ends a test that would hang.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// What the condition gives once it gives something.
#[track_caller]
pub(crate) fn wait_for<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// Whether somebody holds a lease on a file.
pub(crate) fn is_leased(inode: u64) -> bool {
    let locks = fs::read_to_string("/proc/locks").unwrap();
    locks.lines().any(|line| line.contains("LEASE") && line.contains(&format!(":{inode} ")))
}
