//! The model of the protocol (`tests/model/model.py`): it finds nothing, and without any of its parts it finds
//! something.

use std::process::Command;
use std::thread;

use crate::support::run;

fn explore(without: &[&str]) -> (Option<i32>, String) {
    let model = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/model/model.py");
    let ran = run(Command::new("python3").args([model, "quick"]).args(without));
    (ran.status, ran.stdout)
}

#[test]
fn every_interleaving_is_right_and_every_part_is_needed() {
    let parts = ["barrier", "quiet", "down", "grace", "newname"];
    thread::scope(|scope| {
        let whole = scope.spawn(|| explore(&[]));
        for part in parts {
            let (status, found) = explore(&[part]);
            assert_eq!(status, Some(1), "without {part}: {found}");
        }
        let (status, found) = whole.join().unwrap();
        assert_eq!(status, Some(0), "{found}");
        let states: u32 = found.split(' ').next().unwrap().parse().unwrap();
        assert!(states > 1_000_000, "{found}");
    });
}
