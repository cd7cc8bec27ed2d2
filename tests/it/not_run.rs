//! Tests that cannot run: they say so, and fail in CI, where everything they need is installed.

use std::env;
use std::process::Command;

#[test]
fn a_test_that_lacks_its_tools_fails_in_ci_and_says_so_elsewhere() {
    for (test, needs) in [
        ("prune::writers::a_live_gauge_of_a_worker_in_another_container_is_kept", "pid namespaces"),
        ("prune::rights::what_cannot_be_removed_is_an_error", "setpriv"),
        ("oracle::mark_dead_removes_the_live_gauges_of_one_process", "the official Python client"),
        (
            "merge::damage::a_live_gauge_that_is_pruned_during_a_merge_is_no_error",
            "the official Python client",
        ),
    ] {
        for (ci, passes) in [(Some("true"), false), (Some("false"), true), (None, true)] {
            let mut command = Command::new(env::current_exe().unwrap());
            command.args(["--exact", test]).env("PATH", "/nonexistent").env("PYTHON", "/nonexistent/python");
            match ci {
                Some(ci) => command.env("CI", ci),
                None => command.env_remove("CI"),
            };
            let output = command.output().unwrap();
            let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
            assert!(said.contains("running 1 test\n"), "{test}: {said}");
            assert!(
                said.contains("NOT RUN: ") && said.contains(&format!(" needs {needs}")),
                "{test}: {said}"
            );
            assert_eq!(output.status.success(), passes, "CI={ci:?} {test}: {said}");
        }
    }
}
