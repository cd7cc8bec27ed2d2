//! How fast promproc is, beside the raw read of the same files and the official client: whole
//! processes, in turn, pair by pair. A ratio counts, an absolute time does not, and nothing here
//! fails because of a time.
//!
//! ```text
//! cargo bench --bench speed                  everything; makes its directories first (needs python3 with venv)
//! cargo bench --bench speed -- --quick       S, M and L and the commands, fewer rounds, under two minutes
//! cargo bench --bench speed -- XL growth     only what is named: S, M, L, XL, commands, growth, scrape
//! cargo bench --bench speed -- --baseline=PATH M     this build beside another one, PATH
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]
#![allow(clippy::cast_sign_loss, reason = "no time is negative")]
#![allow(clippy::disallowed_methods, reason = "it writes below target/ only")]

mod contest;
mod directories;
mod growth;
mod process;
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::explicit_write, reason = "as tests may")]
#[path = "../../tests/it/support/python.rs"]
mod python;
mod raw_read;
mod reading;
mod scrape;
mod table;

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::SystemTime;

use anyhow::{Context, bail};

use directories::{CLIENT, CLIENT_VERSION, Cache};

/// How much is measured.
pub(crate) struct Effort {
    pub rounds: usize,
    /// Of the official client, which takes seconds.
    pub slow_rounds: usize,
}

const FULL: Effort = Effort { rounds: 31, slow_rounds: 9 };
const QUICK: Effort = Effort { rounds: 15, slow_rounds: 3 };

/// What can be named.
const PARTS: [&str; 7] = ["S", "M", "L", "XL", "commands", "growth", "scrape"];

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [EMPTY] => Ok(()),
        [RAW_READ, directory] => Ok(raw_read::raw_read(Path::new(directory)).map(|_| ())?),
        ref arguments => measure(arguments),
    }
}

fn measure(arguments: &[&str]) -> anyhow::Result<()> {
    let is_quick = arguments.contains(&"--quick");
    let effort = if is_quick { QUICK } else { FULL };
    let named: Vec<_> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    if let Some(unknown) = named.iter().find(|name| !PARTS.contains(name)) {
        bail!("{unknown} is none of {}", PARTS.join(", "));
    }
    let wanted = |name: &&str| match named[..] {
        [] => !is_quick || !["XL", "growth", "scrape"].contains(name),
        _ => named.contains(&name),
    };
    let directories = ["S", "M", "L", "XL"].into_iter().filter(wanted);

    let cache = Cache::open()?;
    println!(
        "promproc {}, {CLIENT} {CLIENT_VERSION}, {}, {} cores\n",
        env!("CARGO_PKG_VERSION"),
        humantime::format_rfc3339_seconds(SystemTime::now()),
        thread::available_parallelism()?
    );
    if let Some(baseline) = arguments.iter().find_map(|argument| argument.strip_prefix("--baseline=")) {
        return reading::against(baseline, directories, &cache, &effort);
    }
    for name in directories {
        reading::merge(name, &cache, &effort)?;
    }
    if wanted(&"commands") {
        reading::commands(&cache, &effort)?;
    }
    if wanted(&"growth") {
        growth::files(&cache, &effort)?;
        growth::series(&cache, &effort)?;
    }
    if wanted(&"scrape") {
        scrape::cost(&cache, &effort)?;
    }
    fs::remove_dir_all(cache.outputs()).context("the outputs")?;
    Ok(())
}

const EMPTY: &str = "empty-process";
const RAW_READ: &str = "raw-read";

/// A Rust program that does nothing: this one, with nothing to do.
pub(crate) fn empty_process() -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(EMPTY);
    Ok(command)
}

/// The raw read of a directory, as a process.
pub(crate) fn raw_read_process(directory: &Path) -> anyhow::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(RAW_READ).arg(directory);
    Ok(command)
}

/// promproc, as just built.
pub(crate) const PROMPROC: &str = env!("CARGO_BIN_EXE_promproc");

/// promproc with these arguments.
pub(crate) fn promproc<const N: usize>(arguments: [&str; N], directory: &Path) -> Command {
    let mut command = Command::new(PROMPROC);
    command.args(arguments).arg(directory);
    command
}
