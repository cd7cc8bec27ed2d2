//! One file's entries: its pieces, joined where an entry crosses from one to the next.

use std::fs::Metadata;
use std::io;

use super::queue::{Piece, Queue, read_at};
use crate::format::{self, Detected, Entries, FormatError, Layout, Used};

/// Why the entries of a file are not all there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The bytes break a rule; the entries before that offset were handed out.
    #[error(transparent)]
    Format(#[from] FormatError),
}

/// A file whose turn it is.
#[derive(Debug)]
pub struct FileReader<'a> {
    pub(super) queue: &'a Queue<'a>,
    pub(super) index: usize,
    /// What the header says, once it is read.
    pub(super) used: &'a mut u64,
}

impl<'a> FileReader<'a> {
    /// Takes the file's first piece; opens the file if nobody has read ahead.
    ///
    /// # Errors
    /// Those of the system.
    pub fn open(self) -> io::Result<OpenFile<'a>> {
        let Self { queue, index, used } = self;
        Ok(OpenFile { queue, index, piece: queue.next(index)?, start: 0, used })
    }

    /// Opens the file, and reads it as [`OpenFile::read`] does.
    ///
    /// # Errors
    /// [`ReadError`]; entries before a damage have been visited.
    pub fn read(
        self,
        visit: impl FnMut(&mut Entries<'_>, Layout) -> Result<(), FormatError>,
    ) -> Result<Option<Layout>, ReadError> {
        self.open()?.read(visit)
    }
}

/// An open file, and the part of it that is in memory.
#[derive(Debug)]
pub struct OpenFile<'a> {
    queue: &'a Queue<'a>,
    index: usize,
    piece: Piece,
    /// The file's byte that the part in memory starts with.
    start: u64,
    used: &'a mut u64,
}

impl OpenFile<'_> {
    /// What the system says of the file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.piece.handle.metadata()
    }

    /// Calls `visit` with the walk over each piece of the file; `visit` goes to the end of the piece, or
    /// returns the damage. Returns the layout of the entries; `None` if the file has no entries.
    ///
    /// # Errors
    /// [`ReadError`]; entries before a damage have been visited.
    pub fn read(
        &mut self,
        mut visit: impl FnMut(&mut Entries<'_>, Layout) -> Result<(), FormatError>,
    ) -> Result<Option<Layout>, ReadError> {
        let Used::Bytes(used) = format::used(self.bytes())? else {
            return Ok(None);
        };
        *self.used = used;
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
                return Ok(Some(layout));
            } else if !self.fill(missing)? {
                let offset = self.start + self.bytes().len() as u64;
                return Err(FormatError::UsedBeyondFile { offset, used }.into());
            }
        }
    }

    /// What the header says is used, in bytes, even if entries are missing; 0 if there are no entries, or
    /// the header was not read yet.
    pub fn used(&self) -> u64 {
        *self.used
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
                // This entry is larger than the room before a piece.
                last.buffer.truncate(last.filled.end);
                last.buffer.drain(..last.filled.start);
                last.buffer.extend_from_slice(&self.piece.buffer[filled.clone()]);
                *filled = 0..last.buffer.len();
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

    /// Reads once more what is in memory: it may look damaged only because the writer was storing it.
    fn read_again(&mut self) -> io::Result<()> {
        let filled = &mut self.piece.filled;
        let count = read_at(&self.piece.handle, &mut self.piece.buffer[filled.clone()], self.start, false)?;
        filled.end = filled.start + count;
        Ok(())
    }
}

impl Drop for OpenFile<'_> {
    fn drop(&mut self) {
        self.queue.recycle(std::mem::take(&mut self.piece.buffer));
    }
}
