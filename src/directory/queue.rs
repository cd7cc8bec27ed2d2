//! Pieces of files: read in order, ahead of the thread that decodes them, by all threads that
//! have nothing else to do, which is that thread too.
//!
//! What a file costs the kernel (open, the first page, close) is most of the time of a merge of
//! small files, and copying it most of that of large ones. Decoding stays on one thread, so that
//! values are added in the order of the files.

use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::DbFile;
use crate::format::{self, Used};
use crate::model::GaugeRule;

/// The file system's page: what one small read costs is the page, not its bytes.
const FIRST_READ_BYTES: usize = 4 << 10;
/// Large enough that system calls do not count, small enough to stay in the second-level cache.
const PIECE_BYTES: usize = 128 << 10;
/// Room before a piece for what is left of the one before it: mostly a part of an entry.
const HEADROOM_BYTES: usize = 4 << 10;
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
#[derive(Debug)]
pub(super) struct Queue<'f> {
    files: &'f [DbFile],
    state: Mutex<State>,
    /// For the thread that takes pieces: the one it waits for was read.
    read: Condvar,
    /// For the threads that help: there is room again, or the queue was stopped.
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
    /// How many slots may.
    ahead: usize,
    spare: Vec<Vec<u8>>,
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

impl<'f> Queue<'f> {
    /// A queue over files that uses these buffers before it allocates others.
    pub(super) fn new(files: &'f [DbFile], spare: Vec<Vec<u8>>) -> Self {
        let state = State { ahead: 1, spare, ..State::default() };
        Self { files, state: Mutex::new(state), read: Condvar::new(), room: Condvar::new() }
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
            state = match self.read_one(state) {
                Ok(state) => state,
                Err(mut state) => {
                    state.is_taker_waiting = true;
                    let mut state = self.read.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.is_taker_waiting = false;
                    state
                }
            };
        }
    }

    /// Drops what is left of a file, which may be all of it.
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
        self.lock().spare.push(buffer);
    }

    /// Lets one more thread read ahead, by [`Queue::help`].
    pub(super) fn expect_helper(&self) {
        self.lock().ahead += AHEAD;
    }

    /// Reads pieces until the queue is stopped.
    pub(super) fn help(&self) {
        let mut state = self.lock();
        while !state.is_stopped {
            state = match self.read_one(state) {
                Ok(state) => state,
                Err(mut state) => {
                    state.helpers_waiting += 1;
                    let mut state = self.room.wait(state).unwrap_or_else(PoisonError::into_inner);
                    state.helpers_waiting -= 1;
                    state
                }
            };
        }
    }

    /// Sends helpers home.
    pub(super) fn stop(&self) -> Vec<Vec<u8>> {
        let mut state = self.lock();
        state.is_stopped = true;
        self.room.notify_all();
        std::mem::take(&mut state.spare)
    }

    /// Reads the first piece that nobody reads yet; gives `state` back as it is if there is none,
    /// or no room for it.
    fn read_one<'q>(&'q self, mut state: Guard<'q>) -> Result<Guard<'q>, Guard<'q>> {
        let Some((id, file, job)) = state.take_job(self.files.len()) else {
            return Err(state);
        };
        let buffer = state.spare.pop().unwrap_or_default();
        drop(state);
        let read = match job {
            Job::First => read_first(&self.files[file], buffer),
            Job::Next(handle, range, is_last) => {
                read_piece(&self.files[file], handle, range, is_last, buffer).map(|piece| (piece, Vec::new()))
            }
        };
        let mut state = self.lock();
        state.store(id, file, read);
        if state.is_taker_waiting {
            self.read.notify_one();
        }
        Ok(state)
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

    /// Stores what was read in its slot, and slots for the rest of the file behind it; nothing if
    /// the file was skipped meanwhile.
    fn store(&mut self, id: u64, file: usize, read: io::Result<(Piece, Vec<Job>)>) {
        let Some(at) = self.slots.iter().position(|slot| slot.id == id) else {
            self.spare.extend(read.map(|(piece, _)| piece.buffer));
            return;
        };
        let (piece, rest) = read.map_or_else(|e| (Err(e), Vec::new()), |(piece, rest)| (Ok(piece), rest));
        self.slots[at].content = Content::Read(piece);
        for (i, job) in rest.into_iter().enumerate() {
            let slot = self.slot(file, Content::Waiting(job));
            self.slots.insert(at + 1 + i, slot);
        }
    }
}

/// Opens a file and reads its header and what follows; also returns the jobs for the rest, up to
/// `used`.
fn read_first(file: &DbFile, mut buffer: Vec<u8>) -> io::Result<(Piece, Vec<Job>)> {
    let handle = Arc::new(File::open(&file.path)?);
    buffer.resize(buffer.len().max(HEADROOM_BYTES + PIECE_BYTES), 0);
    let start = &mut buffer[HEADROOM_BYTES..];
    let is_pair = holds_pairs(file);
    let mut len = read_at(&handle, &mut start[..FIRST_READ_BYTES], 0, is_pair)?;
    let mut rest = Vec::new();
    if let Ok(Used::Bytes(used)) = format::used(&start[..len])
        && len == FIRST_READ_BYTES
        && used > len as u64
    {
        let room = start.len();
        let first_end = usize::try_from(used).map_or(room, |used| used.min(room));
        len += read_at(&handle, &mut start[len..first_end], len as u64, is_pair)?;
        if used > room as u64 && len == room {
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
    let filled = HEADROOM_BYTES..HEADROOM_BYTES + len;
    Ok((Piece { buffer, filled, is_last: rest.is_empty(), handle }, rest))
}

fn read_piece(
    file: &DbFile,
    handle: Arc<File>,
    range: Range<u64>,
    is_last: bool,
    mut buffer: Vec<u8>,
) -> io::Result<Piece> {
    let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    buffer.resize(buffer.len().max(HEADROOM_BYTES + len), 0);
    let wanted = &mut buffer[HEADROOM_BYTES..HEADROOM_BYTES + len];
    let count = read_at(&handle, wanted, range.start, holds_pairs(file))?;
    let filled = HEADROOM_BYTES..HEADROOM_BYTES + count;
    Ok(Piece { buffer, filled, is_last: is_last || count < len, handle })
}

/// Whether a value and its timestamp must belong together.
fn holds_pairs(file: &DbFile) -> bool {
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
        let mut again = vec![0; len];
        for _ in 0..TRIES {
            if read_at(file, &mut again, offset, false)? != len || again == buffer[..len] {
                break;
            }
            buffer[..len].copy_from_slice(&again);
        }
    }
    Ok(len)
}
