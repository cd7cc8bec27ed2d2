//! What happened between two rounds.

use std::fmt;
use std::time::Instant;

/// Something that happened between two rounds.
#[derive(Clone, Debug)]
pub struct Event {
    /// The start of the round that saw it.
    pub at: Instant,
    /// What it was.
    pub kind: EventKind,
    /// The process's name in file names, or the path that vanished or came back.
    pub what: String,
}

/// What may happen between two rounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Files of a process that was not there before, or that was dead.
    Came,
    /// A process that was live has ended; its files are still there.
    Died,
    /// The files of a process are gone.
    Left,
    /// A path is not there any more.
    Vanished,
    /// A path that was not there is there again.
    Returned,
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = &self.what;
        match self.kind {
            EventKind::Came => write!(f, "pid {what} is new"),
            EventKind::Died => write!(f, "pid {what} died"),
            EventKind::Left => write!(f, "pid {what}: its files are gone"),
            EventKind::Vanished => write!(f, "{what} vanished"),
            EventKind::Returned => write!(f, "{what} is there again"),
        }
    }
}
