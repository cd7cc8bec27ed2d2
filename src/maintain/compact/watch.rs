//! Who else lists or reads the directory: inotify sees all users and containers, but does not say who it was.

use std::collections::HashSet;
use std::io;
use std::time::{Duration, Instant};

use crate::directory::Directory;

/// While a client reads a file it holds nothing: it has closed the last one, and parses. So quiet is a second
/// without any of this, or more if the largest file takes longer to parse.
pub(super) const QUIET: Duration = Duration::from_secs(1);
/// What the client takes for an entry, with room for a machine that is busy.
const PER_ENTRY: Duration = Duration::from_micros(80);
/// Nothing of a listing is under way once it is closed, and the queue has had this long to say so.
const SETTLED: Duration = Duration::from_millis(100);

/// How long nothing must be heard before no scrape is under way.
pub(super) fn quiet_for(entries_of_largest: usize) -> Duration {
    QUIET.max(PER_ENTRY.saturating_mul(u32::try_from(entries_of_largest).unwrap_or(u32::MAX)))
}

/// What was seen of others since a moment.
#[derive(Debug)]
pub(super) struct Watch {
    #[cfg(target_os = "linux")]
    queue: std::os::fd::OwnedFd,
    began: Instant,
    /// When somebody last listed the directory or read a metric file; at first, when the watch began.
    last: Instant,
    /// When the directory itself was last opened, listed or closed.
    last_listing: Instant,
    /// How many have it open, as far as that can be counted: the system merges equal events in a row.
    open: i64,
    /// What came since [`Watch::mark`].
    since: Since,
    /// The files that somebody opened since [`Watch::forget_opened`].
    opened: HashSet<String>,
}

#[derive(Debug, Default)]
struct Since {
    /// Somebody listed the directory, or finished reading a metric file.
    is_disturbed: bool,
    /// The directory was opened, listed or closed.
    is_listed: bool,
    /// Something of a compaction got its name.
    is_changed: bool,
}

impl Watch {
    /// Forgets all but the time of what came before, and listings that may go on.
    pub(super) fn mark(&mut self) {
        let is_listed = !self.has_stood() || self.last_listing.elapsed() < QUIET;
        if !is_listed {
            // Who still has it open does not list: another compaction waits.
            self.open = 0;
        }
        self.since = Since { is_listed, ..Since::default() };
    }

    /// Whether a listing that began before the watch is over, or stands still.
    pub(super) fn has_stood(&self) -> bool {
        self.began.elapsed() >= QUIET
    }

    /// Forgets that something of a compaction got its name: it was this one's.
    pub(super) fn forget_changes(&mut self) {
        self.since.is_changed = false;
    }

    /// Forgets which of the files that are known were opened.
    pub(super) fn forget_opened(&mut self, is_known: impl Fn(&str) -> bool) {
        self.opened.retain(|name| !is_known(name));
    }

    /// The files that were opened since they were forgotten.
    pub(super) fn opened(&self) -> &HashSet<String> {
        &self.opened
    }

    /// Whether nobody has listed the directory or read in it for that long.
    pub(super) fn is_quiet(&self, time: Duration) -> bool {
        self.last.elapsed() >= time
    }

    /// Whether a scrape may have begun or gone on since the mark.
    pub(super) fn is_disturbed(&self) -> bool {
        self.since.is_disturbed
    }

    /// Whether another compaction has done anything since the mark.
    pub(super) fn is_changed(&self) -> bool {
        self.since.is_changed
    }

    /// Whether no listing is under way any more that began before that moment. One that takes longer than a second
    /// stands still; and where listings never pause, their count is not to be trusted.
    pub(super) fn are_listings_over(&self, before: Instant) -> bool {
        let unheard = self.last_listing.elapsed();
        let is_over = !self.since.is_listed || (self.open <= 0 && unheard >= SETTLED) || unheard >= QUIET;
        (is_over || before.elapsed() >= QUIET) && self.has_stood()
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::MaybeUninit;
    use std::os::fd::AsRawFd;

    use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
    use rustix::io::Errno;

    use super::*;
    use crate::directory::compaction::{BARRIER, generation_of};

    impl Watch {
        /// Begins to watch.
        ///
        /// # Errors
        /// Those of the system; mostly that the user has no instance of inotify left.
        pub(in super::super) fn new(directory: &Directory) -> io::Result<Self> {
            use std::os::fd::AsFd;

            let queue = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
            let path = format!("/proc/self/fd/{}", directory.as_fd().as_raw_fd());
            let flags = WatchFlags::OPEN
                | WatchFlags::ACCESS
                | WatchFlags::CLOSE_NOWRITE
                | WatchFlags::MOVED_TO
                | WatchFlags::ONLYDIR;
            inotify::add_watch(&queue, path, flags)?;
            let now = Instant::now();
            let (since, opened) = (Since { is_listed: true, ..Since::default() }, HashSet::new());
            Ok(Self { queue, began: now, last: now, last_listing: now, open: 0, since, opened })
        }

        /// Takes what has come. It is called all along: the queue has room for 16,384 events.
        ///
        /// # Errors
        /// Those of the system.
        pub(in super::super) fn drain(&mut self) -> io::Result<()> {
            let mut buffer = [MaybeUninit::uninit(); 16 << 10];
            let Self { queue, last, last_listing, open, since, opened, .. } = self;
            let mut events = inotify::Reader::new(&*queue, &mut buffer);
            loop {
                let event = match events.next() {
                    Err(Errno::WOULDBLOCK) => return Ok(()),
                    Err(Errno::INTR) => continue,
                    event => event?,
                };
                let what = event.events();
                if what.contains(ReadFlags::QUEUE_OVERFLOW) {
                    *since = Since { is_disturbed: true, is_listed: true, is_changed: true };
                    (*last, *last_listing) = (Instant::now(), Instant::now());
                    continue;
                }
                let name = event.file_name().map(|name| name.to_string_lossy());
                match name.as_deref() {
                    None => {
                        (*last, *last_listing) = (Instant::now(), Instant::now());
                        since.is_listed = true;
                        // Who has it open has not begun before the first names are read.
                        since.is_disturbed |= what.contains(ReadFlags::ACCESS);
                        if what.contains(ReadFlags::OPEN) {
                            *open += 1;
                        }
                        if what.contains(ReadFlags::CLOSE_NOWRITE) {
                            *open = (*open - 1).max(0);
                        }
                    }
                    Some(name) if what.contains(ReadFlags::MOVED_TO) => {
                        since.is_changed |= name == BARRIER || generation_of(name).is_some();
                    }
                    // What promproc has aside, or writes, no client reads.
                    Some(name) if name.starts_with('.') || !name.ends_with(".db") || name == BARRIER => {}
                    Some(_) if what.contains(ReadFlags::CLOSE_NOWRITE) => {
                        *last = Instant::now();
                        since.is_disturbed = true;
                    }
                    Some(name) if what.contains(ReadFlags::OPEN) => {
                        opened.insert(name.to_owned());
                    }
                    Some(_) => {}
                }
            }
        }
    }
}

#[cfg(not(target_os = "linux"))]
impl Watch {
    pub(super) fn new(_: &Directory) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn drain(&mut self) -> io::Result<()> {
        Ok(())
    }
}
