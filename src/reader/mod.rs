//! Reads the entries of files.
//!
//! `pread` of the `used` bytes takes a snapshot that no other process can change or truncate, and
//! costs less than a mapping. The kernel copies aligned doubles whole, and every value is aligned.

mod facts;
mod helper;
pub(crate) mod keys;
mod queue;

use std::io;
use std::slice;
use std::thread;

pub use facts::{Dumped, Dumper, FileFacts};

use crate::directory::DbFile;
use crate::format::{self, Detected, Entries, Entry, FormatError, Layout, Used};
use queue::{Kept, Piece, Queue, read_at};

/// Why the entries of a file are not all there.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes break a rule; the entries before that offset were handed out.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// Below this many bytes read, another thread costs more than it saves,
const WORTH_A_THREAD_BYTES: u64 = 1 << 20;
/// unless there are this many files: to open them takes a millisecond.
const WORTH_A_THREAD_FILES: usize = 256;

/// Opens all files, in order, with at most that many threads (`None`: as many as help), and calls
/// `each` for every one on this thread. Other threads only read ahead.
///
/// # Errors
/// The first error of `each`, which ends the walk.
pub fn read_files<E>(
    files: &[DbFile],
    threads: Option<usize>,
    mut each: impl FnMut(&DbFile, FileReader<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let queue = Queue::new(files, Kept::default());
    thread::scope(|scope| {
        // Also when `each` panics: the scope waits for its threads.
        let _stop = StopOnDrop(&queue);
        let mut is_alone = true;
        let mut read_bytes = if files.len() < WORTH_A_THREAD_FILES { 0 } else { WORTH_A_THREAD_BYTES };
        for (index, file) in files.iter().enumerate() {
            if is_alone && read_bytes >= WORTH_A_THREAD_BYTES {
                is_alone = false;
                let threads = threads.unwrap_or_else(helper::threads_that_help);
                for _ in 1..threads.min(files.len() + 1) {
                    // Where the system starts no further thread, those that run do it all.
                    if helper::start(scope, &queue).is_err() {
                        break;
                    }
                }
            }
            let mut used = 0;
            each(file, FileReader { queue: &queue, index, used: &mut used })?;
            queue.skip(index);
            read_bytes += used;
        }
        Ok(())
    })
}

struct StopOnDrop<'a>(&'a Queue<'a>);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.stop();
    }
}

/// Reads single files, one after the other.
#[derive(Debug, Default)]
pub struct Reader {
    kept: Kept,
    used: u64,
}

impl Reader {
    /// What the header of the file read last says, whether or not its entries are all there; 0 if
    /// there are none.
    pub fn used(&self) -> u64 {
        self.used
    }

    /// Hands all entries of a file to `visit`, in file order, and returns their layout and
    /// `used`; `None` if the file has no entries.
    ///
    /// # Errors
    /// [`ReadError`]; entries before a damage have been visited.
    pub fn read(
        &mut self,
        file: &DbFile,
        mut visit: impl FnMut(Entry<'_>, Layout),
    ) -> Result<Option<(Layout, u64)>, ReadError> {
        let queue = Queue::new(slice::from_ref(file), std::mem::take(&mut self.kept));
        self.used = 0;
        let reader = FileReader { queue: &queue, index: 0, used: &mut self.used };
        let read = reader.read(|entries, layout| {
            entries.try_for_each(|entry| {
                visit(entry?, layout);
                Ok(())
            })
        });
        self.kept = queue.stop();
        read
    }
}

/// A file whose turn it is.
#[derive(Debug)]
pub struct FileReader<'a> {
    queue: &'a Queue<'a>,
    index: usize,
    /// What the header says, once it is read.
    used: &'a mut u64,
}

impl FileReader<'_> {
    /// Hands the walk over each piece of the file to `visit`, which goes to its end, or to the
    /// damage that it returns. Returns the entries' layout and `used`; `None` if the file has no
    /// entries.
    ///
    /// # Errors
    /// [`ReadError`]; entries before a damage have been visited.
    pub fn read(
        self,
        mut visit: impl FnMut(&mut Entries<'_>, Layout) -> Result<(), FormatError>,
    ) -> Result<Option<(Layout, u64)>, ReadError> {
        let mut window = Window::open(self.queue, self.index)?;
        let read = window.read(self.used, &mut visit);
        self.queue.recycle(window.piece.buffer);
        read
    }
}

/// The part of a file that is in memory.
struct Window<'a> {
    queue: &'a Queue<'a>,
    index: usize,
    piece: Piece,
    /// The file's byte that the window starts with.
    start: u64,
}

impl<'a> Window<'a> {
    fn open(queue: &'a Queue<'a>, index: usize) -> io::Result<Self> {
        Ok(Self { queue, index, piece: queue.next(index)?, start: 0 })
    }

    fn read(
        &mut self,
        header_used: &mut u64,
        visit: &mut impl FnMut(&mut Entries<'_>, Layout) -> Result<(), FormatError>,
    ) -> Result<Option<(Layout, u64)>, ReadError> {
        let Used::Bytes(used) = format::used(self.bytes())? else {
            return Ok(None);
        };
        *header_used = used;
        let layout = match self.detect(used) {
            Err(ReadError::Format(_)) => {
                self.read_again()?;
                self.detect(used)?
            }
            detected => detected?,
        };
        self.advance(format::HEADER_BYTES);
        let mut doubted = None;
        loop {
            let mut entries = Entries::new(self.bytes(), self.start, used, layout);
            let damage = visit(&mut entries, layout).err();
            let (offset, missing) = (entries.offset(), entries.missing());
            self.advance(usize::try_from(offset - self.start).unwrap_or(usize::MAX));
            if let Some(error) = damage {
                if doubted.replace(offset) == Some(offset) {
                    return Err(error.into());
                }
                self.read_again()?;
            } else if missing == 0 {
                return Ok(Some((layout, used)));
            } else if !self.fill(missing)? {
                let offset = self.start + self.bytes().len() as u64;
                return Err(FormatError::UsedBeyondFile { offset, used }.into());
            }
        }
    }

    fn bytes(&self) -> &[u8] {
        &self.piece.buffer[self.piece.filled.clone()]
    }

    /// Drops that many bytes from the front.
    fn advance(&mut self, count: usize) {
        self.piece.filled.start += count;
        self.start += count as u64;
    }

    /// Takes further pieces until at least `wanted` bytes are there; `false` if the file ends
    /// before.
    fn fill(&mut self, wanted: usize) -> io::Result<bool> {
        while self.bytes().len() < wanted {
            if self.piece.is_last {
                return Ok(false);
            }
            let next = self.queue.next(self.index)?;
            let mut last = std::mem::replace(&mut self.piece, next);
            let left = &last.buffer[last.filled.clone()];
            let filled = &mut self.piece.filled;
            if left.len() <= filled.start {
                filled.start -= left.len();
                self.piece.buffer[filled.start..][..left.len()].copy_from_slice(left);
                self.queue.recycle(last.buffer);
            } else {
                // An entry that is larger than the room before a piece.
                last.buffer.truncate(last.filled.end);
                last.buffer.extend_from_slice(&self.piece.buffer[filled.clone()]);
                *filled = last.filled.start..last.buffer.len();
                self.queue.recycle(std::mem::replace(&mut self.piece.buffer, last.buffer));
            }
        }
        Ok(true)
    }

    fn detect(&mut self, used: u64) -> Result<Layout, ReadError> {
        let mut is_whole = self.piece.is_last;
        loop {
            match format::detect(self.bytes(), used, is_whole)? {
                Detected::Layout(layout) => return Ok(layout),
                Detected::NeedMore(count) => is_whole = !self.fill(count)?,
            }
        }
    }

    /// Reads the window's bytes once more: what looks damaged may have been read while the writer
    /// stored it.
    fn read_again(&mut self) -> io::Result<()> {
        let filled = &mut self.piece.filled;
        let count = read_at(&self.piece.handle, &mut self.piece.buffer[filled.clone()], self.start, false)?;
        filled.end = filled.start + count;
        Ok(())
    }
}
