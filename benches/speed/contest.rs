//! Whole processes run in turn, and compared pair by pair: what slows the machine down for a
//! while slows down both of a pair.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;

use crate::process::{self, Usage};

/// A command in the contest and what each round of it cost.
pub(crate) struct Contender {
    pub name: String,
    command: Command,
    /// Slow ones run in the first rounds only.
    rounds: usize,
    pub runs: Vec<Usage>,
    /// Why it does not take part.
    pub failure: Option<String>,
}

impl Contender {
    pub(crate) fn new(name: &str, command: Command) -> Self {
        let rounds = usize::MAX;
        Self { name: name.to_owned(), command, rounds, runs: Vec::new(), failure: None }
    }

    pub(crate) fn at_most(self, rounds: usize) -> Self {
        Self { rounds, ..self }
    }

    /// Runs the command once unmeasured, with its output to a file. What fails is out.
    fn warm_up(&mut self, output: &Path) -> anyhow::Result<()> {
        self.command.stdin(Stdio::null()).stdout(File::create(output)?).stderr(Stdio::piped());
        let ended = self.command.spawn().with_context(|| self.name.clone())?.wait_with_output()?;
        // 1 is done, with something to look at.
        if !matches!(ended.status.code(), Some(0 | 1)) {
            let said = String::from_utf8_lossy(&ended.stderr);
            self.failure = Some(format!("{}: {}", ended.status, said.lines().next().unwrap_or_default()));
        }
        self.command.stdout(Stdio::null()).stderr(Stdio::null());
        Ok(())
    }

    fn run(&mut self, round: usize) -> anyhow::Result<()> {
        if self.failure.is_none() && round < self.rounds {
            let (_, usage) = process::run(&mut self.command).with_context(|| self.name.clone())?;
            self.runs.push(usage);
        }
        Ok(())
    }

    /// The median and the spread of something measured.
    pub(crate) fn spread(&self, of: impl Fn(&Usage) -> f64) -> Option<Spread> {
        Spread::of(self.runs.iter().map(of).collect())
    }

    pub(crate) fn wall_ms(&self) -> Option<Spread> {
        self.spread(|usage| usage.wall.as_secs_f64() * 1e3)
    }

    pub(crate) fn peak_mib(&self) -> Option<Spread> {
        self.spread(|usage| usage.peak_bytes as f64 / f64::from(1 << 20))
    }

    /// Wall time compared round by round.
    pub(crate) fn paired(&self, with: &Self, compare: impl Fn(f64, f64) -> f64) -> Option<Spread> {
        let pairs = self.runs.iter().zip(&with.runs);
        Spread::of(pairs.map(|(a, b)| compare(a.wall.as_secs_f64(), b.wall.as_secs_f64())).collect())
    }

    pub(crate) fn ratio_to(&self, other: &Self) -> Option<Spread> {
        self.paired(other, |this, other| this / other)
    }
}

/// Runs all once for their outputs, to files in `outputs` that are called by their place, and then
/// measures them in turn, A B C A B C …
pub(crate) fn hold(contenders: &mut [Contender], rounds: usize, outputs: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(outputs)?;
    for (place, contender) in contenders.iter_mut().enumerate() {
        contender.warm_up(&outputs.join(place.to_string()))?;
    }
    for round in 0..rounds {
        for contender in &mut *contenders {
            contender.run(round)?;
        }
    }
    Ok(())
}

/// Median, least and greatest of what was measured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Option<Self> {
        values.sort_unstable_by(f64::total_cmp);
        let (min, max) = (*values.first()?, *values.last()?);
        let median = (values[(values.len() - 1) / 2] + values[values.len() / 2]) / 2.0;
        Some(Self { median, min, max })
    }
}
