//! Damaged files through `dump`: entries before a damage are shown, the damage is named.

use std::fs::{self, File};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Command;

use tempfile::TempDir;

use super::{EntryLine, GET, POST, SIZE, dump, encoded, small_directory, write};

/// One row of the table of damaged input: a file, which of the two entries before its damage are
/// shown, and what the warning says; an empty one is no warning.
pub(crate) type Damage = (&'static str, Vec<u8>, &'static str, &'static str);

pub(crate) fn damages() -> Vec<Damage> {
    let whole = encoded(&[(GET, 1.0), (POST, 2.0)]);
    let with_used = |bytes: &[u8], used: i32| [&used.to_ne_bytes(), &bytes[4..]].concat();
    let mut with_length = whole.clone();
    with_length[120..124].copy_from_slice(&1_000_000_i32.to_ne_bytes());
    let mut with_no_length = whole.clone();
    with_no_length[120..124].copy_from_slice(&(-4_i32).to_ne_bytes());
    let used = i32::try_from(whole.len()).unwrap();
    let mut long = vec![0; 65_536];
    long[..whole.len()].copy_from_slice(&whole);
    vec![
        ("counter_1.db", vec![], "", ""),
        ("counter_1.db", vec![1; 7], "", ""),
        ("counter_1.db", vec![0; 65_536], "", ""),
        ("counter_1.db", with_used(&[0; 64], 8), "", ""),
        ("counter_1.db", with_used(&[0; 64], -1), "", "byte 0: used is -1"),
        ("counter_1.db", with_used(&[0; 64], 7), "", "byte 0: used is 7"),
        (
            "counter_1.db",
            with_used(&whole, used + 80),
            "1.0 2.0",
            "byte 232: the file ends here, used is 312",
        ),
        ("counter_1.db", whole[..200].to_vec(), "1.0", "byte 200: the file ends here, used is 232"),
        (
            "counter_1.db",
            with_length,
            "1.0",
            "byte 120: the entry (length 1000000) ends at byte 1000144, beyond used 232",
        ),
        ("counter_1.db", with_no_length, "1.0", "byte 120: the entry's length is -4"),
        (
            "counter_1.db",
            with_used(&long, used - 8),
            "1.0",
            "byte 120: the entry (length 85) ends at byte 232, beyond used 224",
        ),
        (
            "counter_1.db",
            encoded(&[(GET, 1.0), ("[\"m\"]   ", 5.0), ("[1, 2, 3, 4]", 6.0), (POST, 2.0)]),
            "1.0 2.0",
            "byte 120: entry left out: the key is no JSON list of family, sample, labels (and help)",
        ),
        ("counter_1.db", b"SQLite format 3\0".repeat(40), "", "no metric file"),
        ("gauge_max_1.db", b"a text, and not a short one, of somebody\n".repeat(4), "", "no metric file"),
        ("foo.db", whole.clone(), "", "left out: not a name of a metric file"),
        ("gauge_5.db", whole, "", "left out: not a name of a metric file"),
    ]
}

#[test]
fn damage_is_named_and_what_stands_before_it_is_shown() {
    for (name, bytes, values, warning) in damages() {
        let directory = TempDir::new().unwrap();
        fs::write(directory.path().join(name), &bytes).unwrap();
        // Another file's entries are shown in any case.
        write(&directory, "summary_9.db", &encoded(&[(SIZE, 9.0)]));
        let run = dump(&["--format", "json"], directory.path());
        let lines: Vec<EntryLine> =
            run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let shown: Vec<_> = lines.iter().map(|line| line.value.as_str()).collect();
        assert_eq!(shown.join(" "), format!("{values} 9.0").trim_start(), "{warning}");
        if warning.is_empty() {
            assert_eq!((run.stderr.as_str(), run.status), ("", Some(0)), "{bytes:?}");
        } else {
            let start = format!("promproc: warning: {}: {warning}", directory.path().join(name).display());
            let start = if warning == "no metric file" {
                start.replace(warning, "byte 8: no metric file")
            } else {
                start
            };
            assert!(run.stderr.starts_with(&start), "{}\n{start}", run.stderr);
            assert_eq!((run.stderr.lines().count(), run.status), (1, Some(1)), "{}", run.stderr);
        }

        let table = dump(&[], directory.path());
        assert_eq!((&table.stderr, table.status), (&run.stderr, run.status), "{warning}");
        for value in values.split_whitespace().chain(["9.0"]) {
            assert!(table.stdout.contains(&format!("  {value}  ")), "{warning}: {}", table.stdout);
        }
        let quiet = dump(&["-q"], directory.path());
        assert_eq!((quiet.stderr.as_str(), quiet.status), ("", run.status), "{warning}");
        // The summary counts entries; it does not read their keys.
        let files = dump(&["--files"], directory.path());
        if !warning.contains("key") {
            assert_eq!((&files.stderr, files.status), (&run.stderr, run.status), "{warning}");
        }
    }
}

#[test]
fn of_several_bad_keys_the_first_is_named() {
    let directory = TempDir::new().unwrap();
    write(
        &directory,
        "counter_1.db",
        &encoded(&[(GET, 1.0), ("[\"m\"]", 5.0), ("[\"n\"]", 6.0), ("[\"m\"]", 7.0)]),
    );
    let run = dump(&[], directory.path());
    assert!(
        run.stderr.contains("byte 120: entry left out") && run.stderr.contains("(and 2 more entries)"),
        "{run:?}"
    );
    assert_eq!(run.status, Some(1));
    assert!(run.stdout.contains("\n4 entries, "), "{}", run.stdout);
}

#[test]
fn what_is_no_regular_file_is_left_out_unopened() {
    let directory = small_directory();
    let path = |name: &str| directory.path().join(name);
    fs::create_dir(path("counter_90.db")).unwrap();
    // Whoever opens a FIFO without a writer waits for ever.
    assert!(Command::new("mkfifo").arg(path("counter_91.db")).status().unwrap().success());
    let _socket = UnixListener::bind(path("counter_92.db")).unwrap();
    std::os::unix::fs::symlink("/dev/null", path("counter_93.db")).unwrap();
    let run = dump(&["--files"], directory.path());
    for name in ["counter_90.db", "counter_91.db", "counter_92.db", "counter_93.db"] {
        assert!(run.stderr.contains(&format!("{name}: left out: not a regular file\n")), "{}", run.stderr);
        assert!(!run.stdout.contains(name), "{}", run.stdout);
    }
    assert_eq!((run.stdout.lines().count(), run.status), (4, Some(1)));
}

#[test]
fn what_may_not_be_read_is_left_out() {
    let directory = small_directory();
    let path = directory.path().join("counter_12.db");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        // The superuser may read everything: a file that is not there for another reason.
        fs::remove_file(&path).unwrap();
        std::os::unix::fs::symlink("counter_12.db", &path).unwrap();
    }
    let run = dump(&["--format", "json"], directory.path());
    assert!(run.stderr.contains("counter_12.db: left out: "), "{}", run.stderr);
    assert_eq!((run.stdout.lines().count(), run.status), (1, Some(1)));
}
