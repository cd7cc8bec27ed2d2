//! The barrier and the archives, seen by clients of all eras.

use std::fs;
use std::process::Command;

use serde_json::json;
use tempfile::TempDir;

use super::compact;
use crate::support::{CURRENT, Client, names_in, promproc, run};

/// The barrier as it stands in the directory: promproc is killed while it is up.
fn barrier() -> Vec<u8> {
    let directory = TempDir::new().unwrap();
    for pid in ["4999998", "4999999"] {
        fs::copy("tests/data/gunicorn/counter_8187.db", directory.path().join(format!("counter_{pid}.db")))
            .unwrap();
    }
    let mut command = Command::new("strace");
    // The second renaming: the barrier is up, the fold has not its name yet.
    command.args([
        "-f",
        "-o",
        "/dev/null",
        "-e",
        "trace=renameat2",
        "-e",
        "inject=renameat2:signal=KILL:when=2",
    ]);
    run(command.arg(promproc().get_program()).arg("compact").arg(directory.path()));
    let names = names_in(directory.path());
    assert!(names.contains(&"counter_promproc-barrier.db".to_owned()), "{names:?}");
    fs::read(directory.path().join("counter_promproc-barrier.db")).unwrap()
}

#[test]
fn every_client_fails_on_the_barrier_and_reads_the_archives() {
    let barrier = barrier();
    for version in ["0.2.0", "0.8.0", "0.16.0", "0.17.1", "0.21.1", CURRENT] {
        let Some(mut client) = Client::version(version) else { return };
        let directory = TempDir::new().unwrap();
        let operations = [
            json!({"type": "counter", "name": "c_total", "op": "inc", "value": "2"}),
            json!({"type": "histogram", "name": "h", "op": "observe", "value": "1"}),
            json!({"type": "summary", "name": "s", "op": "observe", "value": "3"}),
            json!({"type": "gauge", "name": "g", "mode": "max", "op": "set", "value": "4.5"}),
        ];
        let process = |pid: u32| json!({"pid": pid.to_string(), "operations": operations});
        client.write(directory.path(), &json!([process(1), process(2), process(3)])).unwrap();
        let before = client.scrape(directory.path()).unwrap();
        let path = directory.path().join("counter_promproc-barrier.db");
        fs::write(&path, &barrier).unwrap();
        let failed = client.scrape(directory.path());
        assert!(failed.is_err(), "{version} takes the barrier: {failed:?}");
        fs::remove_file(&path).unwrap();
        assert_eq!(compact(directory.path(), &[]).status, Some(0));
        let archives = ["counter", "gauge_max", "histogram", "summary"];
        let archives: Vec<_> =
            (1..).zip(archives).map(|(n, class)| format!("{class}_compacted-{n}.db")).collect();
        assert_eq!(names_in(directory.path()), archives, "{version}");
        assert_eq!(client.scrape(directory.path()).unwrap(), before, "{version}");
    }
}
