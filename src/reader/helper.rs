//! Threads that read ahead.

use std::io;
use std::sync::mpsc;
use std::thread::{self, Scope};

use super::queue::Queue;

/// How many threads make reading faster.
///
/// One thread decodes, and it keeps at most three busy that read ahead. To ask the system how many CPUs
/// there are means reading files, so ask only if there is much to read.
pub(super) fn threads_that_help() -> usize {
    thread::available_parallelism().map_or(1, |available| available.get().min(4))
}

/// Starts a thread that reads ahead, and waits until it does.
///
/// Linux may start it on the CPU of this thread although another CPU is idle; in a virtual machine with
/// two it usually did. There it would wait until this thread's time slice ends, for up to 4 ms. So
/// let it run first, then move it away.
///
/// # Errors
/// The system starts no further thread.
pub(super) fn start<'scope>(scope: &'scope Scope<'scope, '_>, queue: &'scope Queue<'_>) -> io::Result<()> {
    let cpu = cpu::current();
    let (running, runs) = mpsc::sync_channel(1);
    thread::Builder::new().spawn_scoped(scope, move || {
        // If it may not move, it helps from there.
        let _ = cpu::leave(cpu);
        queue.expect_helper();
        let _ = running.send(());
        queue.help();
    })?;
    let _ = runs.recv();
    Ok(())
}

#[cfg(target_os = "linux")]
mod cpu {
    use rustix::io;
    use rustix::thread::{CpuSet, sched_getaffinity, sched_getcpu, sched_setaffinity};

    /// The CPU that this thread runs on.
    pub(super) fn current() -> usize {
        sched_getcpu()
    }

    /// Moves this thread to any other CPU that it may run on, if it runs on that one. It may come back.
    pub(super) fn leave(cpu: usize) -> io::Result<()> {
        if current() != cpu {
            return Ok(());
        }
        // If a sandbox forbids the question, any number will do.
        if cpu >= CpuSet::MAX_CPU {
            return Err(io::Errno::INVAL);
        }
        let allowed = sched_getaffinity(None)?;
        let mut others = allowed;
        others.unset(cpu);
        sched_setaffinity(None, &others)?;
        sched_setaffinity(None, &allowed)
    }
}

#[cfg(not(target_os = "linux"))]
mod cpu {
    use std::io;

    /// Not known.
    pub(super) fn current() -> usize {
        0
    }

    /// The system decides.
    pub(super) fn leave(_: usize) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

    use super::*;

    #[test]
    fn leaving_a_cpu_takes_none_away() {
        // A thread of its own: what it may run on is changed.
        let changed = thread::spawn(|| {
            let allowed = sched_getaffinity(None).unwrap();
            if allowed.count() > 1 {
                cpu::leave(cpu::current()).unwrap();
            }
            assert_eq!(sched_getaffinity(None).unwrap(), allowed);

            let mut one = CpuSet::new();
            one.set(cpu::current());
            sched_setaffinity(None, &one).unwrap();
            assert!(cpu::leave(cpu::current()).is_err());
            assert_eq!(sched_getaffinity(None).unwrap(), one);
        });
        changed.join().unwrap();
    }
}
