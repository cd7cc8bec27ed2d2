//! What the packages have beside the binary. `packaging/try` tries the packages themselves.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use crate::support::{python, run};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

#[test]
fn the_python_package_is_typed() {
    let Some(python) = python() else { return };
    let cache = tempfile::tempdir().unwrap();
    let mut mypy = Command::new(python.interpreter());
    mypy.args(["-m", "mypy", "--strict", "--cache-dir"]).arg(cache.path());
    mypy.arg(Path::new(ROOT).join("python/promproc"));
    let ran = run(&mut mypy);
    assert_eq!(ran.status, Some(0), "{}", ran.stdout);
}

#[test]
fn the_newest_entry_of_debians_changelog_is_this_version() {
    let changelog = fs::read_to_string(Path::new(ROOT).join("packaging/deb/changelog")).unwrap();
    let start = concat!("promproc (", env!("CARGO_PKG_VERSION"), "-1) ");
    assert!(changelog.starts_with(start), "{changelog}");
}

#[test]
fn hooks_raise_nothing_whatever_the_program_does() {
    let Some(python) = python() else { return };
    // As gunicorn and Celery call them; `services.rs` has these themselves, with old and new clients.
    let calls = "
import logging, types
import promproc.celery, promproc.gunicorn

logging.basicConfig(format='%(levelname)s %(message)s')
server = types.SimpleNamespace(log=logging.getLogger('gunicorn'))
promproc.gunicorn.on_starting(server)
promproc.gunicorn.child_exit(server, types.SimpleNamespace(pid=1))
promproc.celery.prune()
";
    let programs: [(Option<&[u8]>, [&str; 3]); 5] = [
        (
            None,
            ["clean: promproc is neither beside", "prune: promproc is neither", "prune: promproc is neither"],
        ),
        (Some(b"\x7fELF\xff\0"), ["clean: [Errno 8]", "prune: [Errno 8]", "prune: [Errno 8]"]),
        (
            Some(b"#!/bin/sh\nexit 2\n"),
            ["clean: exit status 2", "prune: exit status 2", "prune: exit status 2"],
        ),
        (Some(b"#!/bin/sh\nkill -9 $$\n"), ["clean: exit status -9", "prune: exit status -9", "prune: exit"]),
        (Some(b"#!/bin/sh\nprintf '\\377\\000%%s\\n' >&2\nexit 2\n"), ["\u{fffd}\0%s"; 3]),
    ];
    for (program, complaints) in programs {
        let home = tempfile::tempdir().unwrap();
        if let Some(program) = program {
            let path = home.path().join("promproc");
            fs::write(&path, program).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        }
        let mut hooks = Command::new(python.interpreter());
        hooks.args(["-c", calls]).env("PATH", home.path());
        hooks.env("PYTHONPATH", Path::new(ROOT).join("python"));
        let ran = run(&mut hooks);
        assert_eq!(ran.status, Some(0), "{ran:?}");
        let lines: Vec<_> = ran.stderr.lines().collect();
        assert_eq!(lines.len(), complaints.len(), "{ran:?}");
        for (line, complaint) in lines.iter().zip(complaints) {
            assert!(line.starts_with("ERROR ") && line.contains(complaint), "{complaint:?} in {line:?}");
        }
    }
}

#[test]
fn no_dependency_needs_a_newer_rust() {
    let host = run(Command::new("rustc").args(["--print", "host-tuple"])).stdout;
    let mut cargo = Command::new(env!("CARGO"));
    // What other platforms need has not been downloaded.
    cargo.args(["metadata", "--locked", "--offline", "--format-version", "1"]);
    cargo.args(["--filter-platform", host.trim(), "--manifest-path"]).arg(Path::new(ROOT).join("Cargo.toml"));
    let ran = run(&mut cargo);
    let metadata: serde_json::Value = serde_json::from_str(&ran.stdout).expect(&ran.stderr);
    let version =
        |text: &str| text.split('.').take(2).map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
    let ours = version(env!("CARGO_PKG_RUST_VERSION"));
    let packages = metadata["packages"].as_array().unwrap();
    // "1.88.0" is 1.88.
    let newer = packages
        .iter()
        .filter(|package| package["rust_version"].as_str().is_some_and(|needed| version(needed) > ours));
    let newer: Vec<_> = newer.map(|package| (&package["name"], &package["rust_version"])).collect();
    assert!(newer.is_empty(), "{newer:?}");
}
