//! What a run of promproc left.

use std::process::{Command, Output, Stdio};

/// What a run of promproc left: its exit status and both outputs.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) fn run(command: &mut Command) -> Ran {
    let Output { status, stdout, stderr } = command.stdin(Stdio::null()).output().unwrap();
    Ran {
        status: status.code(),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

impl Ran {
    /// What `prune` or `clean` printed with `--verbose`, without the line at the end of each directory, which is
    /// right.
    #[track_caller]
    pub(crate) fn listed(mut self) -> Self {
        let (mut lines, mut count) = (String::new(), 0);
        for line in self.stdout.lines() {
            let words: Vec<_> =
                line.split(' ').skip_while(|word| ["would", "remove", "removed"].contains(word)).collect();
            match words[0].parse::<usize>() {
                Ok(said) => {
                    assert_eq!((said, words[1].trim_end_matches('s')), (count, "file"), "{self:?}");
                    count = 0;
                }
                Err(_) => {
                    lines = lines + line + "\n";
                    count += 1;
                }
            }
        }
        self.stdout = lines;
        self
    }

    /// Exit status 0, this on standard output, and nothing to complain about.
    #[track_caller]
    pub(crate) fn prints(&self, stdout: &str) {
        assert_eq!((self.status, self.stdout.as_str(), self.stderr.as_str()), (Some(0), stdout, ""));
    }

    /// Exit status 2, nothing on standard output, all of these in the error and its hint.
    #[track_caller]
    pub(crate) fn fails_with(&self, parts: &[&str]) {
        assert_eq!((self.status, self.stdout.as_str()), (Some(2), ""), "{self:?}");
        self.says(parts);
    }

    /// All of these on standard error.
    #[track_caller]
    pub(crate) fn says(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.stderr.contains(part), "{part:?} is missing in {self:?}");
        }
    }
}
