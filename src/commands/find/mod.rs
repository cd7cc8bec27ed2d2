//! `promproc find`: which directories running processes use.

mod json;
mod table;

use std::io::Write;

use promproc::liveness::{Found, FoundDirectory, State, find};
use promproc::notation::{counted, with_causes};

use crate::cli::{FindArgs, Format};
use crate::commands::{Outcome, say_command_lines};
use crate::console::Console;
use crate::console::json_lines::write_line;
use json::DirectoryLine;

pub(crate) fn run(args: &FindArgs, console: &Console) -> anyhow::Result<Outcome> {
    let Found { directories, hidden } = find()?;
    match args.format {
        Format::Table => {
            let mut out = console.out();
            table::write(&directories, &console.view(), &mut out)?;
            out.flush()?;
        }
        Format::Json => {
            let mut out = console.data();
            let mut line = Vec::new();
            for directory in &directories {
                write_line(&DirectoryLine::new(directory), &mut line)?;
                out.write_all(&line)?;
            }
            out.flush()?;
        }
    }
    let mut outcome = Outcome::Done;
    for FoundDirectory { path, state, users } in &directories {
        if let State::Unreadable(error) = state {
            console.warning(with_causes(error));
            outcome = Outcome::NeedsAttention;
        }
        for user in users.iter().filter(|user| user.removed_files > 0) {
            console.warning(format_args!(
                "{}: pid {} still writes to {} that {} removed: what it counts there is lost",
                path.display(),
                user.process,
                counted(user.removed_files, "file"),
                if user.removed_files == 1 { "was" } else { "were" },
            ));
        }
    }
    say_command_lines(directories.iter().flat_map(|one| &one.users).map(|user| &user.process), console);
    if directories.is_empty() {
        console.warning("no process that can be seen from here uses a multiprocess directory");
        outcome = Outcome::NeedsAttention;
    }
    if hidden > 0 {
        let how = if rustix::process::geteuid().is_root() {
            "run promproc find with CAP_SYS_PTRACE, or on the host"
        } else {
            "run promproc find as root"
        };
        console.hint(format_args!("{} cannot be looked at: {how}", counted(hidden, "process")));
    }
    Ok(outcome)
}
