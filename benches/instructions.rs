//! How many instructions decode, merge and render take on a fixed input, counted by valgrind's
//! callgrind: numbers that do not depend on what else the machine does.
//!
//! ```text
//! cargo bench --bench instructions
//! callgrind_annotate target/bench/callgrind.render     where they go, function by function
//! ```
#![allow(clippy::print_stdout, reason = "a benchmark prints")]
#![allow(clippy::disallowed_methods, reason = "it writes below target/ only")]

use std::env;
use std::fs;
use std::hint::black_box;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, ensure};
use promproc::directory;
use promproc::exposition::{Escaping, text};
use promproc::format::{Encoder, Layout};
use promproc::merge::{Options, merge_paths};
use promproc::reader::read_files;

/// Each stage includes those before it.
const STAGES: [&str; 4] = ["start", "decode", "merge", "render"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [stage, input] if STAGES.contains(&stage) => run(stage, Path::new(input)),
        _ => count(),
    }
}

/// The work up to a stage; this is what callgrind watches.
fn run(stage: &str, input: &Path) -> anyhow::Result<()> {
    match stage {
        "decode" => {
            let files = directory::scan(input)?.files;
            read_files(&files, Some(1), |_, reader| {
                reader
                    .read(|entries, _| entries.try_for_each(|entry| entry.map(black_box).map(drop)))
                    .map(drop)
            })?;
        }
        "merge" => drop(black_box(merge_paths(&[input.to_owned()], false, &Options::default())?)),
        "render" => {
            let (_, merged) = merge_paths(&[input.to_owned()], false, &Options::default())?;
            text::write(merged.series.into_families(), Escaping::Underscores, &mut io::sink())?;
        }
        _ => {}
    }
    Ok(())
}

fn count() -> anyhow::Result<()> {
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("instructions: not counted, there is no valgrind here (apt-get install valgrind)");
        return Ok(());
    }
    // CARGO_TARGET_TMPDIR is target/tmp.
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().context("no target directory")?.join("bench");
    let input = cache.join("instructions");
    let entries = make_input(&input)?;
    println!("Instructions, {entries} entries in {FILES} files\n");
    println!("| stage  |        total | an entry |\n|--------|-------------:|---------:|");
    let mut before = 0;
    for stage in STAGES {
        let total = callgrind(stage, &input, cache.join(format!("callgrind.{stage}")))?;
        if stage != "start" {
            let own = total.saturating_sub(before);
            println!("| {stage:<6} | {own:>12} | {:>8.1} |", own as f64 / f64::from(entries));
        }
        before = total;
    }
    println!();
    Ok(())
}

/// The instructions of a process that works up to a stage.
fn callgrind(stage: &str, input: &Path, details: PathBuf) -> anyhow::Result<u64> {
    let output = Command::new("valgrind")
        .arg("--tool=callgrind")
        .arg(format!("--callgrind-out-file={}", details.display()))
        .arg(env::current_exe()?)
        .arg(stage)
        .arg(input)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "valgrind: {said}");
    let collected = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, number) = collected.with_context(|| format!("valgrind says no number: {said}"))?;
    Ok(number.trim().parse()?)
}

const WORKERS: u32 = 32;
const FILES: u32 = 4 * WORKERS;

/// Writes the input, always the same, and says how many entries it has: workers with the same
/// series, one in ten of them in another order.
fn make_input(directory: &Path) -> anyhow::Result<u32> {
    fs::create_dir_all(directory)?;
    let bounds =
        ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0", "10.0", "+Inf"];
    let key = |family: &str, suffix: &str, le: &str, series: u32| {
        format!(
            r#"["{family}", "{family}{suffix}", {{"endpoint": "/api/v1/{}/{series}"{le}, "method": "GET"}}, "What {family} was"]"#,
            ["orders", "users", "carts"][series as usize % 3]
        )
    };
    let mut histogram = Vec::new();
    for series in 0..100 {
        histogram.push(key("request_duration_seconds", "_sum", "", series));
        for bound in bounds {
            let le = format!(r#", "le": "{bound}""#);
            histogram.push(key("request_duration_seconds", "_bucket", &le, series));
        }
    }
    let counter: Vec<_> = (0..300).map(|series| key("requests", "_total", "", series)).collect();
    let total: Vec<_> = (0..50).map(|series| key("in_progress", "", "", series)).collect();
    let per_pid: Vec<_> = (0..5).map(|series| key("memory_bytes", "", "", series)).collect();

    let mut entries = 0;
    for worker in 0..WORKERS {
        let kinds = [
            ("histogram", &histogram),
            ("counter", &counter),
            ("gauge_livesum", &total),
            ("gauge_all", &per_pid),
        ];
        for (kind, keys) in kinds {
            let mut file = Encoder::new(Layout::ValueAndTime);
            for index in 0..keys.len() {
                let index = if worker % 10 == 7 { keys.len() - 1 - index } else { index };
                let value = f64::from(worker) + index as f64 / 8.0;
                ensure!(file.push(keys[index].as_bytes(), value, 0.0), "the key does not fit");
                entries += 1;
            }
            fs::write(directory.join(format!("{kind}_{}.db", 100 + worker)), file.into_bytes())?;
        }
    }
    Ok(entries)
}
