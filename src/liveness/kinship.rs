//! How processes are related: a fork passes on what is open, so who has a file open need not have opened it.

use std::fs;

use super::Process;
use crate::format::MetricFileName;

/// What the system says of a process's relations.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Kin {
    /// Which pid namespace it is in, as the system names it.
    namespace: String,
    parent: u32,
    group: u32,
}

impl Kin {
    /// `None` if the caller may not see it, or the process has ended.
    fn of(pid: u32) -> Option<Self> {
        let namespace = fs::read_link(format!("/proc/{pid}/ns/pid")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; then: state, parent, process group.
        let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(1);
        let mut number = || fields.next()?.parse().ok();
        let (parent, group) = (number()?, number()?);
        Some(Self { namespace: namespace.to_string_lossy().into_owned(), parent, group })
    }
}

/// One process of each family: those that are in one pid namespace and in one process group, or one of which
/// descends from the other, may have a file open that only one of them opened. Processes that cannot be looked
/// at count as relatives.
pub fn families(processes: &[Process]) -> Vec<&Process> {
    let kin: Vec<_> = processes.iter().map(|process| Kin::of(process.pid)).collect();
    let mut eldest: Vec<usize> = Vec::new();
    for at in 0..processes.len() {
        let is_relative = |other: usize| match (&kin[at], &kin[other]) {
            (Some(a), Some(b)) => {
                a.namespace == b.namespace
                    && (a.group == b.group
                        || descends(processes[at].pid, processes[other].pid)
                        || descends(processes[other].pid, processes[at].pid))
            }
            _ => true,
        };
        if !eldest.iter().any(|other| is_relative(*other)) {
            eldest.push(at);
        }
    }
    eldest.into_iter().map(|at| &processes[at]).collect()
}

/// Whether a process is a child of another, or a child's child, and so on.
fn descends(mut pid: u32, from: u32) -> bool {
    // Numbers may be reused while they are looked at; nobody has so many ancestors.
    for _ in 0..64 {
        match Kin::of(pid) {
            Some(kin) if kin.parent == from => return true,
            Some(kin) if kin.parent > 1 => pid = kin.parent,
            _ => return false,
        }
    }
    false
}

/// The number that a process has for itself, in its own pid namespace.
pub fn own_number(process: &Process) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{}/status", process.pid)).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:"))?;
    line.split_whitespace().last()?.parse().ok()
}

/// Whether a metric file's name has that number for a process id.
pub fn is_numbered(file_name: &str, number: u32) -> bool {
    file_name.parse::<MetricFileName>().is_ok_and(|name| name.pid().parse() == Ok(number))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::{Command, Stdio};
    use std::time::SystemTime;

    use super::*;

    fn process(pid: u32) -> Process {
        Process { pid, name: "sleep".to_owned(), started: SystemTime::now() }
    }

    #[test]
    fn a_child_is_a_relative_and_a_stranger_is_not() {
        use std::os::unix::process::CommandExt;

        let mut child =
            Command::new("sleep").arg("60").process_group(0).stdin(Stdio::null()).spawn().unwrap();
        let own = std::process::id();
        assert_eq!(families(&[process(own), process(child.id())]).len(), 1);
        assert_eq!(families(&[process(child.id()), process(own)]).len(), 1);
        let mut other =
            Command::new("sleep").arg("60").process_group(0).stdin(Stdio::null()).spawn().unwrap();
        assert_eq!(
            families(&[process(child.id()), process(other.id())]).len(),
            2,
            "they share a parent only"
        );
        assert_eq!(own_number(&process(child.id())), Some(child.id()));
        for child in [&mut child, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}
