//! Trees of directories: what cannot be listed, and very many.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Instant;

use super::*;

#[test]
fn of_a_tree_with_a_directory_without_permission_the_rest_is_there() {
    if !can_change_user() {
        return;
    }
    let tree = Directory::with(&[]);
    for name in ["a", "b", "c"] {
        fs::create_dir(tree.file(name)).unwrap();
        fs::write(tree.file(name).join("counter_1.db"), encoded(&[(GET, 1.0)])).unwrap();
    }
    fs::set_permissions(tree.file("b"), Permissions::from_mode(0o700)).unwrap();
    let reachable = Directory::with(&[]);
    let ran = run(promproc_of_a_stranger(&reachable).args(["merge", "-r"]).arg(tree.path()));
    assert!(ran.stdout.ends_with("http_requests_total{method=\"GET\",path=\"/\"} 2.0\n"), "{ran:?}");
    assert_eq!(ran.status, Some(1));
    ran.says(&[&format!("{}: left out: Permission denied", tree.file("b").display())]);
    let ran = run(promproc_of_a_stranger(&reachable).args(["check", "-r"]).arg(tree.path()));
    assert!(ran.status == Some(1) && ran.stdout.contains("2 files"), "{ran:?}");
}

#[test]
fn a_path_that_is_longer_than_the_system_takes_is_read_all_the_same() {
    let tree = Directory::with(&[]);
    // A path of over 4,096 bytes can only be made step by step.
    const MAKE: &str = "\
import os, sys
os.chdir(sys.argv[1])
for _ in range(25):
    os.mkdir('d' * 200)
    os.chdir('d' * 200)
open('counter_1.db', 'wb').write(sys.stdin.buffer.read())";
    let mut make = Command::new("python3");
    let mut make = make.args(["-c", MAKE]).arg(tree.path()).stdin(Stdio::piped()).spawn().unwrap();
    make.stdin.take().unwrap().write_all(&encoded(&[(GET, 5.0)])).unwrap();
    assert!(make.wait().unwrap().success());
    let ran = run(promproc().args(["merge", "-r"]).arg(tree.path()));
    assert!(ran.stdout.ends_with("http_requests_total{method=\"GET\",path=\"/\"} 5.0\n"), "{ran:?}");
    assert_eq!((ran.status, ran.stderr.as_str()), (Some(0), ""));
}

#[test]
fn twice_the_directories_cost_check_about_twice_the_time() {
    let timed = |count: usize| {
        let tree = Directory::with(&[]);
        for number in 0..count {
            let below = tree.file(&format!("{number:05}"));
            fs::create_dir(&below).unwrap();
            fs::write(below.join("counter_1.db"), encoded(&[(GET, 1.0)])).unwrap();
        }
        let best = (0..3).map(|_| {
            let start = Instant::now();
            let ran =
                run(limited("ulimit -S -n 256").args(["check", "-r", "--format", "json"]).arg(tree.path()));
            assert!(ran.stdout.contains(&format!("\"files\":{count},")), "{ran:?}");
            start.elapsed().as_secs_f64()
        });
        best.fold(f64::INFINITY, f64::min)
    };
    // Quadratic would be 16.
    let ratio = timed(4_000) / timed(1_000);
    assert!(ratio < 9.0, "{ratio}");
}
