//! `dump -`: one file from standard input.

use std::io::Write;
use std::process::Command;
use std::thread;

use super::*;
use crate::support::{GET, SIZE, damages, path_with_promproc};

fn dump_of(arguments: &[&str], bytes: &[u8]) -> Ran {
    let mut command = promproc();
    command.args(["dump", "-"]).args(arguments);
    let mut process =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let (mut input, bytes) = (process.stdin.take().unwrap(), bytes.to_vec());
    let writer = thread::spawn(move || input.write_all(&bytes));
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap().expect("promproc reads all of it");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Ran { stdout: text(output.stdout), stderr: text(output.stderr), status: output.status.code() }
}

#[test]
fn it_is_dumped_as_the_file_is_but_for_its_name() {
    let mut bytes = encoded(&[(GET, 3.0), (SIZE, -2.5)]);
    let used = bytes.len();
    bytes.resize(1 << 20, 0);
    let directory = TempDir::new().unwrap();
    write(&directory, "gauge_max_7.db", &bytes[..used]);
    let without_name = |text: &str| -> Vec<serde_json::Value> {
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|mut line: serde_json::Value| {
                for field in ["file", "type", "mode", "pid"] {
                    line[field] = serde_json::Value::Null;
                }
                line
            })
            .collect()
    };
    let piped = dump_of(&["--format", "json"], &bytes);
    assert_eq!((piped.stderr.as_str(), piped.status), ("", Some(0)));
    let of_file = dump(&["--format", "json"], directory.path());
    assert_eq!(without_name(&piped.stdout), without_name(&of_file.stdout));
    let first: serde_json::Value = serde_json::from_str(piped.stdout.lines().next().unwrap()).unwrap();
    assert_eq!(
        [&first["file"], &first["type"], &first["mode"], &first["pid"]],
        [&json!("-"), &json!(null), &json!(null), &json!(null)]
    );
    let chosen = dump_of(&["--name", "queue*"], &bytes);
    let shows =
        format!("standard input\nera D\n1 of 2 entries, {used} of 1048576 bytes used, 1048576 allocated\n");
    assert!(chosen.stdout.starts_with(&shows), "{chosen:?}");
    assert!(chosen.stdout.ends_with("  queue_size{queue=\"漢字\"}\n"), "{chosen:?}");

    let line = dump_of(&["--files", "--format", "json"], &bytes).stdout;
    let line: FileLine = serde_json::from_str(&line).unwrap();
    assert_eq!((line.entries, line.used_bytes, line.capacity_bytes), (2, used as u64, 1 << 20));
    assert_eq!((line.r#type, line.pid, line.liveness, line.modified), (None, None, None, None));
    let table = dump_of(&["--files"], &bytes).stdout;
    assert!(table.lines().nth(1).unwrap().starts_with("-     -     -    -         D"), "{table}");
}

#[test]
fn damage_is_named() {
    for (name, bytes, values, warning) in damages() {
        // What is wrong with a name is not wrong here.
        let (values, warning) =
            if warning.contains("not a name") { ("1.0 2.0", "") } else { (values, warning) };
        let ran = dump_of(&["--format", "json"], &bytes);
        let lines: Vec<serde_json::Value> =
            ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<_> = lines.iter().map(|line| line["value"].as_str().unwrap()).collect();
        assert_eq!(shown.join(" "), values, "{name} {warning}: {ran:?}");
        assert_eq!(ran.status, Some(i32::from(!warning.is_empty())), "{warning}: {ran:?}");
        assert!(ran.stderr.contains(warning), "{warning}: {ran:?}");
        assert!(warning.is_empty() || ran.stderr.starts_with("promproc: warning: -: "), "{ran:?}");
    }
}

#[test]
fn what_cannot_be_asked_of_it_is_refused() {
    for arguments in [
        &["--pid", "7"][..],
        &["--type", "counter"],
        &["--mode", "max"],
        &["--dead"],
        &["tests/data/gunicorn"],
    ] {
        let ran = dump_of(arguments, b"");
        assert_eq!((ran.stdout.as_str(), ran.status), ("", Some(2)), "{ran:?}");
        assert!(ran.stderr.starts_with("promproc: error: -: ") && ran.stderr.contains("\nhint: "), "{ran:?}");
    }
    // Without end, it ends.
    let endless = "ulimit -v 1000000; promproc dump - < /dev/zero";
    let output = Command::new("sh").args(["-c", endless]).env("PATH", path_with_promproc()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.code() == Some(2) && said.contains("longer than 2 GiB"), "{said}");
}
