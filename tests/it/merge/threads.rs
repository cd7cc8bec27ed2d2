//! Threads that read ahead.

use std::fs;

use tempfile::TempDir;

use super::merge;
use crate::support::{
    Client, Directory, Merge, SIZE, assert_same_text, can_change_user, encoded, promproc_without_threads, run,
};

#[test]
fn the_number_of_threads_changes_no_byte() {
    // Sums of such numbers depend on the order of additions, and of 6 MiB other threads read most.
    let directory = TempDir::new().unwrap();
    for pid in 0..400_u32 {
        let keys: Vec<_> = (0..100)
            .map(|i| format!(r#"["m", "m_total", {{"l": "{:060}"}}, "Help"]"#, (i * 7 + pid % 3) % 100))
            .collect();
        let entries: Vec<_> = (1_u32..)
            .zip(&keys)
            .map(|(i, key)| (key.as_str(), f64::from(i) / 7.0 * 10_f64.powi(pid.cast_signed() % 17 - 8)))
            .collect();
        fs::write(directory.path().join(format!("counter_{pid}.db")), encoded(&entries)).unwrap();
    }
    // One file of many pieces among the small ones.
    let keys: Vec<_> =
        (0..20_000).map(|i| format!(r#"["n", "n_total", {{"l": "{i:060}"}}, "Help"]"#)).collect();
    let entries: Vec<_> = keys.iter().map(|key| (key.as_str(), 0.1)).collect();
    fs::write(directory.path().join("counter_200_large.db"), encoded(&entries)).unwrap();

    let one = merge(&["--threads", "1"], directory.path());
    assert_eq!((one.stderr.as_str(), one.status), ("", Some(0)));
    assert_eq!(one.stdout.lines().count(), 4 + 100 + 20_000);
    for threads in ["2", "3", "8", "64"] {
        for _ in 0..4 {
            let ran = merge(&["--threads", threads], directory.path());
            assert!(ran.stdout == one.stdout, "{threads} threads give another result");
        }
    }
    let Some(mut client) = Client::current() else { return };
    let client = client.merge(directory.path(), Merge::default()).unwrap();
    assert_same_text(&one.stdout, &client, "one thread");
}

#[test]
fn a_container_that_may_start_no_further_thread_gets_the_whole_merge() {
    if !can_change_user() {
        return;
    }
    let directory = Directory::with(&[]);
    for pid in 0..300 {
        fs::write(directory.file(&format!("summary_{pid}.db")), encoded(&[(SIZE, 1.0)])).unwrap();
    }
    for options in [&["--threads", "3"][..], &[]] {
        let ran = run(promproc_without_threads(&Directory::with(&[]))
            .arg("merge")
            .args(options)
            .arg(directory.path()));
        assert_eq!((ran.stderr.as_str(), ran.status), ("", Some(0)));
        assert!(ran.stdout.contains("\nqueue_size{queue=\"漢字\"} 300.0\n"), "{ran:?}");
    }
}
