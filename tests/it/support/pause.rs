//! A process that is stopped while something happens.

use std::fs;
use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};

use super::wait_for;

/// Stops a process, so that whatever it does next comes after the change however long this takes.
#[track_caller]
pub(crate) fn while_stopped(process: &Child, change: impl FnOnce()) {
    let pause = Pause(process);
    pause.send(Signal::STOP);
    wait_for("the process stops", || pause.has_stopped().then_some(()));
    change();
}

/// Ends when it is dropped, also where the change panics.
struct Pause<'a>(&'a Child);

impl Pause<'_> {
    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(self.0), signal).unwrap();
    }

    fn has_stopped(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.id())).unwrap();
        // Or it has ended.
        stat.rsplit(')').next().unwrap().trim_start().starts_with(['T', 'Z'])
    }
}

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        self.send(Signal::CONT);
    }
}
