//! Reads the directory in a thread of its own, so that keys are answered at once however long a
//! reading takes.

use std::io;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use promproc::observe::{Observer, Round};

/// Rounds as they are read.
pub(crate) struct Feed {
    rounds: Receiver<Round>,
}

impl Feed {
    /// Begins to read at once, and then at every interval.
    pub(crate) fn start(mut observer: Observer, interval: Duration) -> io::Result<Self> {
        let (sender, rounds) = mpsc::channel();
        thread::Builder::new().name("reader".to_owned()).spawn(move || {
            loop {
                let start = Instant::now();
                if sender.send(observer.observe(start)).is_err() {
                    return;
                }
                let took = start.elapsed();
                // Where a reading takes longer than the interval, half of the time is left to others.
                thread::sleep(interval.saturating_sub(took).max(took));
            }
        })?;
        Ok(Self { rounds })
    }

    /// The next round, if one has been read.
    pub(crate) fn next(&self) -> anyhow::Result<Option<Round>> {
        match self.rounds.try_recv() {
            Ok(round) => Ok(Some(round)),
            Err(TryRecvError::Empty) => Ok(None),
            // It panicked, and the panic's message is on the terminal.
            Err(TryRecvError::Disconnected) => Err(anyhow!("the directory is no longer read")),
        }
    }
}
