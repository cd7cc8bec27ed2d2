//! Tables: plain and in full in a pipe, as wide as a terminal on one.

use std::process::Command;

use promproc::format::{Encoder, Layout};
use tempfile::TempDir;

use super::dump;
use crate::support::{GET, SIZE, encoded, run, small_directory, write};

/// Replaces what depends on the day, the directory and the file system.
fn normalized(text: &str, directory: &TempDir) -> String {
    let mut shown = text.replace(directory.path().to_str().unwrap(), "DIR");
    while let Some(end) = shown.find(" ago") {
        let start = shown[..end].rfind(['(', 'Z']).unwrap();
        let start = if shown.as_bytes()[start] == b'Z' { start + 3 } else { start + 1 };
        shown.replace_range(start..end + 4, "AGE");
    }
    while let Some(end) = shown.find(" allocated") {
        let start = shown[..end].rfind(", ").unwrap() + 2;
        shown.replace_range(start..end + 10, "BYTES on disk");
    }
    shown
}

#[test]
fn a_pipe_gets_plain_tables() {
    let directory = small_directory();
    let run = dump(&["--show-help"], directory.path());
    assert_eq!((run.stderr.as_str(), run.status), ("", Some(0)));
    assert_eq!(
        normalized(&run.stdout, &directory),
        "\
DIR/counter_12.db
counter, pid 12, era D, modified 2023-11-14T22:13:20Z (AGE)
2 entries, 232 of 65536 bytes used, BYTES on disk
OFFSET    VALUE  TIMESTAMP  AGE  SAMPLE
     8        3  -          -    http_requests_total{method=\"GET\",path=\"/\"}  # Requests
   120  1234567  -          -    http_requests_total{method=\"POST\",path=\"/\"}  # Requests

DIR/gauge_livesum_7.db
gauge livesum, pid 7, era D, modified 2023-11-14T22:13:20Z (AGE)
1 entry, 96 of 65536 bytes used, BYTES on disk
OFFSET  VALUE  TIMESTAMP  AGE  SAMPLE
     8   -2.5  -          -    queue_size{queue=\"漢字\"}  # Waiting

DIR/histogram_12.db
histogram, pid 12, modified 2023-11-14T22:13:20Z (AGE)
0 entries, 0 of 0 bytes used, BYTES on disk
"
    );

    let run = dump(&["--files"], directory.path());
    let rows: Vec<Vec<&str>> =
        run.stdout.lines().map(|line| line.split("  ").map(str::trim).collect()).collect();
    let cells =
        |row: &[&str]| row.iter().filter(|cell| !cell.is_empty()).copied().collect::<Vec<_>>().join("|");
    assert_eq!(
        cells(&rows[0]),
        "TYPE|MODE|PID|LIVENESS|ERA|ENTRIES|USED|CAPACITY|ALLOCATED|MODIFIED|AGE|FILE"
    );
    assert!(cells(&rows[1]).starts_with("counter|-|12|dead|D|2|232|65536|"), "{}", run.stdout);
    assert!(cells(&rows[2]).starts_with("gauge|livesum|7|dead|D|1|96|65536|"), "{}", run.stdout);
    assert!(
        cells(&rows[3]).starts_with("histogram|-|12|dead|-|0|0|0|0|2023-11-14T22:13:20Z|"),
        "{}",
        run.stdout
    );
    assert!(rows[3].last().unwrap().ends_with("/histogram_12.db"), "{}", run.stdout);
}

/// The lines that a terminal of 80 columns gets.
fn on_a_terminal(arguments: &str, directory: &TempDir) -> Vec<String> {
    let command = format!(
        "stty rows 50 cols 80; '{}' dump {arguments} '{}'",
        env!("CARGO_BIN_EXE_promproc"),
        directory.path().display()
    );
    let shown = run(Command::new("script")
        .args(["-qec", &command, "/dev/null"])
        .env_remove("NO_COLOR")
        .env("TERM", "xterm"));
    assert_eq!(shown.status, Some(0), "{shown:?}");
    shown.stdout.lines().map(|line| line.trim_end_matches('\r').to_owned()).collect()
}

#[test]
fn a_terminal_of_80_columns_gets_lines_that_fit() {
    let directory = TempDir::new().unwrap();
    let path = "/very/long/path".repeat(6);
    let key = format!(r#"["m", "m", {{"a": "\u001b[31m漢字漢字", "b": "{path}", "c": "é"}}, "h"]"#);
    write(&directory, "gauge_livesum_1234567.db", &encoded(&[(&key, 1.0), (SIZE, 12.0)]));
    let mut mostrecent = Encoder::new(Layout::ValueAndTime);
    assert!(mostrecent.push(SIZE.as_bytes(), 5.0, 1_700_000_000.5));
    assert!(mostrecent.push(GET.as_bytes(), 5.0, f64::MAX));
    write(&directory, "gauge_mostrecent_1234567.db", &mostrecent.into_bytes());

    let lines = on_a_terminal("--color=never --pid 1234567", &directory);
    let is_too_wide = |line: &&String| unicode_width::UnicodeWidthStr::width(line.as_str()) > 80;
    let table: Vec<_> =
        lines.iter().filter(|line| !line.contains(directory.path().to_str().unwrap())).collect();
    assert!(!table.iter().any(is_too_wide), "{table:#?}");
    assert!(!lines.concat().contains('\u{1b}'), "{lines:#?}");
    let at = lines.iter().position(|line| line == "OFFSET  VALUE  SAMPLE").unwrap();
    assert_eq!(
        lines[at + 1..at + 4],
        [
            "     8      1  m{a=\"\\u{1b}[31m漢字漢字\",b=\"/very/long/pat…very/long/path\",c=\"é\"}",
            "   192     12  queue_size{queue=\"漢字\"}",
            "",
        ]
    );
    // The date gives way to the age. What is no date has no age either, but is not unset.
    let rows = &lines[lines.len() - 3..];
    assert_eq!(rows[0].split_whitespace().collect::<Vec<_>>(), ["OFFSET", "VALUE", "AGE", "SAMPLE"]);
    assert!(rows[1].starts_with("     8      5  ") && rows[1].contains(" ago  queue_size{"), "{rows:?}");
    assert!(rows[2].starts_with("    96      5  ?  "), "{rows:?}");
    let rows = on_a_terminal("--color=never --name queue_size", &directory);
    assert!(rows.iter().any(|row| row.contains("5  2023-11-14T22:13:20Z  ")), "{rows:?}");

    let lines = on_a_terminal("--files --color=never", &directory);
    assert!(!lines.iter().any(|line| is_too_wide(&line)), "{lines:#?}");
    assert!(lines[1].ends_with("  gauge_livesum_1234567.db"), "{lines:#?}");
}

#[test]
fn titles_are_bold_on_a_terminal_only() {
    let directory = small_directory();
    let lines = on_a_terminal("--type counter", &directory);
    assert!(lines[0].starts_with("\u{1b}[1m") && lines[0].ends_with("counter_12.db\u{1b}[0m"), "{lines:?}");
    assert_eq!(lines[3], "\u{1b}[1mOFFSET    VALUE  SAMPLE\u{1b}[0m");
    assert!(dump(&["--color=always"], directory.path()).stdout.starts_with("\u{1b}[1m"));
    for arguments in [["--color=auto"], ["--color=never"]] {
        assert!(!dump(&arguments, directory.path()).stdout.contains('\u{1b}'));
    }
}
