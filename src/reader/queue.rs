//! Pieces of files, read in order by all threads that have nothing else to do, ahead of the thread that
//! decodes them; that thread reads, too, when it would have to wait.
//!
//! A merge of small files spends most of its time in the kernel's open, first page and close, and one
//! of large files in copying. Decoding stays on one thread, so that values are added in the order
//! of the files.

use std::collections::VecDeque;
use std::fmt;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::Source;
use crate::directory::{MetricFile, Opener};
use crate::format::{self, Used};
use crate::model::GaugeRule;

/// The file system's page: a small read costs the page, however few bytes it asks for.
const LEAST_READ_BYTES: usize = 4 << 10;
/// Large enough to make system calls cheap, small enough to stay in the second-level cache.
const PIECE_BYTES: usize = 128 << 10;
/// Room before a piece for the rest of the one before it, usually a part of an entry.
const HEADROOM_BYTES: usize = 4 << 10;
/// The kernel copies to addresses that are a multiple of this, like the pages that it copies from. A large
/// allocation begins 16 bytes into a page; some CPUs (AMD Milan) copy there with `rep movsb` at less
/// than half of their speed, and a merge of large files took 1.6 to 1.8 times as long.
const ALIGNMENT_BYTES: usize = 64;
/// How many pieces may be read and not yet decoded, for each thread that helps.
const AHEAD: usize = 16;

/// Bytes of a file.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) buffer: Vec<u8>,
    /// Which part of `buffer` they are.
    pub(super) filled: Range<usize>,
    /// Whether these are the last bytes up to `used`, or the file ends.
    pub(super) is_last: bool,
    pub(super) handle: Arc<File>,
}

/// The pieces of files, in order.
pub(super) struct Queue<'s> {
    source: &'s dyn Source,
    state: Mutex<State>,
    /// Tells the thread that takes pieces: the piece it waits for was read.
    read: Condvar,
    /// Tells the threads that help: there is room again, or the queue was stopped.
    room: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// What is not handed out yet, in the order in which it will be.
    slots: VecDeque<Slot>,
    next_file: usize,
    next_id: u64,
    /// How many slots hold a buffer.
    loaded: usize,
    /// How many slots may hold one.
    ahead: usize,
    /// Buffers that nobody needs at the moment.
    buffers: Vec<Vec<u8>>,
    /// How many bytes the file opened last holds. The next ones usually hold about as much, so they can
    /// be read at once, without looking at `used` first.
    used: usize,
    is_stopped: bool,
    /// Waking a thread is a system call; these say whether there is one to wake.
    is_taker_waiting: bool,
    helpers_waiting: usize,
}

#[derive(Debug)]
struct Slot {
    id: u64,
    file: usize,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// Nobody reads it yet.
    Waiting(Job),
    Reading,
    Read(io::Result<Piece>),
}

/// A piece to read.
#[derive(Clone, Debug)]
enum Job {
    /// Open the file, and read its start.
    First,
    /// Read this range of an open file.
    Next(Arc<File>, Range<u64>, bool),
}

impl fmt::Debug for Queue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<'s> Queue<'s> {
    /// A queue over the files of a source.
    pub(super) fn new(source: &'s dyn Source) -> Self {
        let state = State { ahead: 1, ..State::default() };
        Self { source, state: Mutex::new(state), read: Condvar::new(), room: Condvar::new() }
    }

    /// The next piece of a file. Files are asked for in order, and each is left by [`Queue::skip`].
    pub(super) fn next(&self, file: usize) -> io::Result<Piece> {
        let mut state = self.lock();
        loop {
            match state.slots.pop_front() {
                Some(Slot { file: of, content: Content::Read(piece), .. }) if of == file => {
                    state.loaded -= 1;
                    self.wake_helpers(&state);
                    return piece;
                }
                Some(slot) => state.slots.push_front(slot),
                None => {}
            }
            let had_one;
            (state, had_one) = self.read_one(state, &mut Opener::default());
            if !had_one {
                state.is_taker_waiting = true;
                state = self.read.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.is_taker_waiting = false;
            }
        }
    }

    /// Drops the rest of a file, or all of it.
    pub(super) fn skip(&self, file: usize) {
        let mut state = self.lock();
        state.next_file = state.next_file.max(file + 1);
        while state.slots.front().is_some_and(|slot| slot.file == file) {
            if let Some(Slot { content: Content::Read(_) | Content::Reading, .. }) = state.slots.pop_front() {
                state.loaded -= 1;
            }
        }
        self.wake_helpers(&state);
    }

    /// Takes a buffer back.
    pub(super) fn recycle(&self, buffer: Vec<u8>) {
        self.lock().buffers.push(buffer);
    }

    /// Lets one more thread read ahead, by [`Queue::help`].
    pub(super) fn expect_helper(&self) {
        self.lock().ahead += AHEAD;
    }

    /// Reads pieces until the queue is stopped.
    pub(super) fn help(&self) {
        let mut opener = Opener::of_helper();
        let mut state = self.lock();
        while !state.is_stopped {
            let had_one;
            (state, had_one) = self.read_one(state, &mut opener);
            if !had_one {
                state.helpers_waiting += 1;
                state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.helpers_waiting -= 1;
            }
        }
    }

    /// Lets the helpers end.
    pub(super) fn stop(&self) {
        self.lock().is_stopped = true;
        self.room.notify_all();
    }

    /// Reads the first piece that nobody reads yet; `false` if there is none, or no room for it.
    fn read_one<'q>(&'q self, mut state: Guard<'q>, opener: &mut Opener) -> (Guard<'q>, bool) {
        let files = self.source.files();
        let Some((id, file, job)) = state.take_job(files.len()) else {
            return (state, false);
        };
        let buffer = state.buffers.pop().unwrap_or_default();
        let likely = state.used;
        drop(state);
        let of = &files[file];
        let is_first = matches!(job, Job::First);
        let read = match job {
            Job::First => {
                let opened = self.source.open(file, opener);
                opened.and_then(|handle| read_first(of, handle, likely, buffer))
            }
            Job::Next(handle, range, is_last) => read_piece(of, handle, range, is_last, buffer),
        };
        let mut state = self.lock();
        if let (true, Ok(read)) = (is_first, &read) {
            state.used = read.used;
        }
        state.store(id, file, read);
        if state.is_taker_waiting {
            self.read.notify_one();
        }
        (state, true)
    }

    fn lock(&self) -> Guard<'_> {
        // The state is consistent whenever the lock is free, whatever happened to its holder.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes helpers when half of the room is free, not for every piece.
    fn wake_helpers(&self, state: &State) {
        if state.helpers_waiting > 0 && state.loaded <= state.ahead / 2 {
            self.room.notify_all();
        }
    }
}

type Guard<'q> = MutexGuard<'q, State>;

impl State {
    fn take_job(&mut self, files: usize) -> Option<(u64, usize, Job)> {
        if self.loaded >= self.ahead {
            return None;
        }
        let is_waiting = |slot: &Slot| matches!(slot.content, Content::Waiting(_));
        let at = match self.slots.iter().position(is_waiting) {
            Some(at) => at,
            None if self.next_file < files => {
                let slot = self.slot(self.next_file, Content::Waiting(Job::First));
                self.slots.push_back(slot);
                self.next_file += 1;
                self.slots.len() - 1
            }
            None => return None,
        };
        let slot = &mut self.slots[at];
        match std::mem::replace(&mut slot.content, Content::Reading) {
            Content::Waiting(job) => {
                self.loaded += 1;
                Some((slot.id, slot.file, job))
            }
            _ => None,
        }
    }

    fn slot(&mut self, file: usize, content: Content) -> Slot {
        self.next_id += 1;
        Slot { id: self.next_id, file, content }
    }

    /// Stores what was read in its slot, and adds slots for the rest of the file after it; does nothing
    /// if the file was skipped meanwhile.
    fn store(&mut self, id: u64, file: usize, read: io::Result<Read>) {
        let Some(at) = self.slots.iter().position(|slot| slot.id == id) else {
            self.buffers.extend(read.map(|read| read.piece.buffer));
            return;
        };
        let (piece, rest) =
            read.map_or_else(|e| (Err(e), Vec::new()), |Read { piece, rest, .. }| (Ok(piece), rest));
        self.slots[at].content = Content::Read(piece);
        for (i, job) in rest.into_iter().enumerate() {
            let slot = self.slot(file, Content::Waiting(job));
            self.slots.insert(at + 1 + i, slot);
        }
    }
}

/// What was read of a file.
struct Read {
    piece: Piece,
    /// The jobs for the rest of the file, up to `used`.
    rest: Vec<Job>,
    /// As its header says, if this is the file's start.
    used: usize,
}

/// Reads a file's header and what follows, at first that many bytes of it.
fn read_first(file: &MetricFile, handle: File, likely: usize, mut buffer: Vec<u8>) -> io::Result<Read> {
    let handle = Arc::new(handle);
    let start_at = make_room(&mut buffer, PIECE_BYTES);
    let start = &mut buffer[start_at..start_at + PIECE_BYTES];
    let is_pair = holds_pairs(file);
    // What may have to be read after that is aligned, too.
    let first_len = likely.next_multiple_of(ALIGNMENT_BYTES).clamp(LEAST_READ_BYTES, PIECE_BYTES);
    let mut len = read_at(&handle, &mut start[..first_len], 0, is_pair)?;
    let mut rest = Vec::new();
    let used = match format::used(&start[..len]) {
        Ok(Used::Bytes(used)) => used,
        _ => 0,
    };
    if len == first_len && used > len as u64 {
        let first_end = usize::try_from(used).map_or(PIECE_BYTES, |used| used.min(PIECE_BYTES));
        len += read_at(&handle, &mut start[len..first_end], len as u64, is_pair)?;
        if used > PIECE_BYTES as u64 && len == PIECE_BYTES {
            // Do not believe a length that the file cannot hold.
            let end = used.min(handle.metadata()?.len());
            let starts = (len as u64..end).step_by(PIECE_BYTES);
            rest = starts
                .map(|at| {
                    let range = at..end.min(at + PIECE_BYTES as u64);
                    let is_last = range.end == end;
                    Job::Next(Arc::clone(&handle), range, is_last)
                })
                .collect();
        }
    }
    let filled = start_at..start_at + len;
    let used = usize::try_from(used).unwrap_or(usize::MAX);
    Ok(Read { piece: Piece { buffer, filled, is_last: rest.is_empty(), handle }, rest, used })
}

fn read_piece(
    file: &MetricFile,
    handle: Arc<File>,
    range: Range<u64>,
    is_last: bool,
    mut buffer: Vec<u8>,
) -> io::Result<Read> {
    let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let start_at = make_room(&mut buffer, len);
    let wanted = &mut buffer[start_at..start_at + len];
    let count = read_at(&handle, wanted, range.start, holds_pairs(file))?;
    let filled = start_at..start_at + count;
    let is_last = is_last || count < len;
    Ok(Read { piece: Piece { buffer, filled, is_last, handle }, rest: Vec::new(), used: 0 })
}

/// Makes room for a piece of that length with headroom before it, and says where in the buffer the piece
/// begins: aligned. Of a new buffer the system zeroes only the pages that are read into, and only when they
/// are.
fn make_room(buffer: &mut Vec<u8>, len: usize) -> usize {
    let size = HEADROOM_BYTES + ALIGNMENT_BYTES + len;
    if buffer.is_empty() {
        *buffer = vec![0; size];
    } else if buffer.len() < size {
        buffer.resize(size, 0);
    }
    HEADROOM_BYTES + buffer[HEADROOM_BYTES..].as_ptr().align_offset(ALIGNMENT_BYTES)
}

/// Whether a value and its timestamp must come from the same write.
fn holds_pairs(file: &MetricFile) -> bool {
    file.name.mode.is_some_and(|mode| mode.rule() == GaugeRule::MostRecent)
}

/// Reads until the buffer is full or the file ends.
///
/// With `is_pair`, reads again until two reads agree: the writer stores a value and its timestamp
/// in one copy, and no copy lasts as long as two reads.
pub(super) fn read_at(file: &File, buffer: &mut [u8], offset: u64, is_pair: bool) -> io::Result<usize> {
    const TRIES: usize = 16;
    let mut len = 0;
    while len < buffer.len() {
        match file.read_at(&mut buffer[len..], offset + len as u64) {
            Ok(0) => break,
            Ok(count) => len += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    if is_pair {
        let mut again = Vec::new();
        let again_at = make_room(&mut again, len);
        let again = &mut again[again_at..again_at + len];
        for _ in 0..TRIES {
            if read_at(file, again, offset, false)? != len || *again == buffer[..len] {
                break;
            }
            buffer[..len].copy_from_slice(again);
        }
    }
    Ok(len)
}
