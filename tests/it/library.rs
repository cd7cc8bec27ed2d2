//! The library without the command line: what a program that uses promproc's knowledge takes with it.

use std::process::Command;

/// Nothing of a terminal, of a command line, or of errors for people.
const OF_THE_BINARY: [&str; 4] = ["anyhow", "clap", "comfy-table", "ratatui"];

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .args(["--offline", "--no-default-features", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_program_that_uses_the_library_gets_nothing_of_the_command_line() {
    let tree = cargo(&["tree", "--edges", "normal", "--prefix", "none"]);
    let packages: Vec<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(packages.contains(&"rustix"), "{tree}");
    for package in OF_THE_BINARY {
        assert!(!packages.contains(&package), "{package} in {tree}");
    }
    // In a folder of its own: what cargo built for these tests stays as it is.
    cargo(&["check", "--lib", "--quiet", "--target-dir", concat!(env!("CARGO_TARGET_TMPDIR"), "/library")]);
}
