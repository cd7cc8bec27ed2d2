//! Beside hooks that call `mark_process_dead`, which fails where it finds its file gone.

use std::time::Instant;

use super::*;

const SETTLE: Duration = Duration::from_secs(2);

fn pruned_beside(directory: &Directory, meanwhile: impl FnOnce()) -> (Ran, Duration) {
    let start = Instant::now();
    let mut command = promproc();
    command.args(["prune", "-v"]).arg(directory.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    meanwhile();
    let output = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let ran = Ran { status: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) };
    (ran.listed(), start.elapsed())
}

#[test]
fn a_hook_that_marks_its_worker_dead_finds_the_file_for_two_seconds() {
    let Some(mut client) = Client::current() else { return };
    let directory = directory_of(&[NO_PID]);
    let (ran, took) = pruned_beside(&directory, || {
        // While prune waits; the client fails if a file is gone that it has listed.
        thread::sleep(SETTLE / 4);
        client.mark_dead(NO_PID, directory.path()).unwrap();
    });
    ran.prints("");
    assert!(took >= SETTLE, "{took:?}");

    let directory = directory_of(&[NO_PID]);
    let (ran, took) = pruned_beside(&directory, || ());
    assert!(ran.stdout.lines().count() == 5 && took >= SETTLE, "{took:?}: {ran:?}");
}

#[test]
fn a_worker_that_gets_a_dead_ones_number_meanwhile_keeps_its_file() {
    let name = format!("gauge_livesum_{NO_PID}.db");
    let directory = Directory::with(&[&name]);
    let mut worker = None;
    let (ran, _) = pruned_beside(&directory, || {
        thread::sleep(SETTLE / 4);
        worker = Some(Holder::shell(&format!("exec 9<>\"$1/{name}\""), directory.path()));
    });
    ran.prints("");
    assert_eq!(directory.names(), [name]);
}

#[test]
fn where_there_is_nothing_to_remove_nothing_is_waited_for() {
    let directory = Directory::with(&["counter_4999999.db"]);
    let (ran, took) = pruned_beside(&directory, || ());
    ran.prints("");
    assert!(took < SETTLE, "{took:?}");
    let right = ["500ms", "0", "0.1", "5", "5s", "2m", "1h"].map(|settle| (settle, 0));
    let wrong = ["-1", "soon", "nan", "5min", "2d", "1h30m", "ms", "", "99999999999999999999h", "5 s"];
    for (settle, status) in right.into_iter().chain(wrong.map(|settle| (settle, 2))) {
        let ran = run(promproc().args(["prune", &format!("--settle={settle}")]).arg(directory.path()));
        assert_eq!(ran.status, Some(status), "{settle}: {ran:?}");
    }
}
