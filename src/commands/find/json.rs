//! JSON Lines of `find`: one object a directory, written by
//! [`write_line`](crate::console::json_lines::write_line).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::UNIX_EPOCH;

use promproc::liveness::{FoundDirectory, State, User};
use serde::Serialize;

/// The line of a directory.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct DirectoryLine<'a> {
    /// Its path as it is reached from here; that of another container leads through `/proc/PID/root`.
    pub directory: Cow<'a, str>,
    /// Whether it exists; null if that cannot be seen.
    pub exists: Option<bool>,
    /// The number of its owner; null where it is missing or cannot be read.
    pub owner: Option<u32>,
    /// How many metric files there are; null where they cannot be listed.
    pub files: Option<usize>,
    /// How many ids stand in the files' names, of which some file is live.
    pub live_pids: usize,
    /// The same: none is live, and of some it cannot be told.
    pub unknown_pids: usize,
    /// The same: all are dead.
    pub dead_pids: usize,
    /// The names of the programs that use it, each once.
    pub programs: BTreeSet<&'a str>,
    /// The processes that use it, in order of their numbers.
    pub processes: Vec<UserObject<'a>>,
}

/// A process that uses a directory.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UserObject<'a> {
    /// Its number, as seen from here.
    pub pid: u32,
    /// Its program's name, without arguments.
    pub command: &'a str,
    /// When it started, in Unix seconds.
    pub started: u64,
    /// Whether the environment that it was started with names the directory.
    pub in_environment: bool,
    /// How many of the directory's metric files it has open for writing.
    pub open_files: usize,
    /// How many it has open that were removed: what it counts there is lost.
    pub removed_files: usize,
}

impl<'a> DirectoryLine<'a> {
    /// The line of that directory.
    pub(crate) fn new(found: &'a FoundDirectory) -> Self {
        let (exists, owner, files) = match &found.state {
            State::Listed { owner, files } => (Some(true), Some(*owner), Some(files.len())),
            State::Missing => (Some(false), None, Some(0)),
            State::Unreadable(_) => (None, None, None),
        };
        let [live_pids, unknown_pids, dead_pids] = found.workers();
        Self {
            directory: found.path.to_string_lossy(),
            exists,
            owner,
            files,
            live_pids,
            unknown_pids,
            dead_pids,
            programs: found.programs(),
            processes: found.users.iter().map(UserObject::new).collect(),
        }
    }
}

impl<'a> UserObject<'a> {
    fn new(user: &'a User) -> Self {
        let started = user.process.started.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            pid: user.process.pid,
            command: &user.process.name,
            started: started.as_secs(),
            in_environment: user.in_environment,
            open_files: user.open_files,
            removed_files: user.removed_files,
        }
    }
}
