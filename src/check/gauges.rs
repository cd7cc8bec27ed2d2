//! Gauges whose value is a dead process's, or nobody's.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::survey::{Survey, Surveyed};
use super::{Code, Finding, Severity};
use crate::directory::user_to_be;
use crate::explain::{Explanation, Fate, Value, explain_series, spare, spared};
use crate::liveness::{Liveness, running};
use crate::merge::{Contribution, TracedSeries};
use crate::model::{GaugeMode, GaugeRule, MetricType};
use crate::notation::{Remedy, counted, plain, some_of};

pub(super) fn findings(traced: Vec<TracedSeries>, survey: &Survey) -> Vec<Finding> {
    let mut families: BTreeMap<(String, Option<GaugeMode>), Vec<Explanation>> = BTreeMap::new();
    for mut series in traced.into_iter().filter(|series| series.metric_type == MetricType::Gauge) {
        // A file of another type, which a conflict of types brings in, is never pruned.
        series.contributions.retain(|one| survey.listed[one.file].name().mode.is_some());
        if series.contributions.is_empty() {
            continue;
        }
        let explanation = explain_series(series, &survey.listed);
        let family = (explanation.series.family.clone(), explanation.series.mode);
        families.entry(family).or_default().push(explanation);
    }
    let spared = spared(families.values().flatten(), &survey.listed);
    let mut found = Vec::new();
    for ((family, mode), series) in &families {
        let mode = mode.unwrap_or(GaugeMode::All);
        let of_family = Family { name: family, mode, series, files: &survey.listed, spared: &spared };
        found.extend(of_family.stuck());
        found.extend(of_family.should_be_sum());
        found.extend(of_family.nan());
        found.extend(of_family.zero());
        found.extend(of_family.never_set());
    }
    found.extend(reused(survey, &spared));
    found
}

/// A gauge, with all that is known of it.
struct Family<'a> {
    name: &'a str,
    mode: GaugeMode,
    series: &'a [Explanation],
    files: &'a [Surveyed],
    /// Directories in which not all live gauges of the dead may go.
    spared: &'a BTreeSet<PathBuf>,
}

impl Family<'_> {
    /// Values of dead processes.
    fn stuck(&self) -> Option<Finding> {
        let with_dead: Vec<_> =
            self.series.iter().filter(|one| one.without_dead.is_some() && !one.should_be_sum).collect();
        let changed: Vec<_> = with_dead.iter().copied().filter(|one| !one.remedies.is_empty()).collect();
        let code = match self.mode {
            GaugeMode::All => Code::DeadSeries,
            mode if mode.is_live() => Code::StuckGauge,
            _ => Code::DeadDecides,
        };
        // A dead process's file of a live mode should not be there; in the other modes it may.
        let shown = if changed.is_empty() && self.mode.is_live() { &with_dead } else { &changed };
        let example = shown.first()?;
        let value = example.series.value.map_or("none".to_owned(), plain);
        let without = match &example.without_dead {
            Some(Value::Number(value)) => plain(*value),
            _ => "gone".to_owned(),
        };
        let is_dead = |one: &Contribution| self.files[one.file].liveness() == Liveness::Dead;
        let dead = shown.iter().flat_map(|one| &one.series.contributions).filter(|one| is_dead(one));
        let files: BTreeSet<usize> = dead.map(|one| one.file).collect();
        let pids: BTreeSet<&str> = files.iter().map(|file| self.files[*file].name().pid()).collect();
        // In several directories equal numbers are of several processes.
        let processes: BTreeSet<_> = files
            .iter()
            .map(|file| (self.files[*file].directory().path(), self.files[*file].name().pid()))
            .collect();
        let dead = counted(processes.len(), "dead process");
        let name = example.series.name_and_labels();
        let mut finding = Finding::new(
            code,
            self.name,
            format!(
                "{} of {} (pid {}) still {} in {} series of mode {}: {name} is {value}, without them {}",
                counted(files.len(), "file"),
                dead,
                some_of(&pids),
                if files.len() == 1 { "counts" } else { "count" },
                shown.len(),
                self.mode,
                if without == "gone" { "it would disappear" } else { &without },
            ),
        )
        .summary(match shown.len() {
            1 => self.name.to_owned(),
            more => format!("{} ({more} series)", self.name),
        });
        finding.change = Some(format!("{value} → {without} without {dead}"));
        if changed.is_empty() {
            finding.severity = Severity::Info;
        }
        let finding = finding.advice(match code {
            Code::DeadSeries => "remove them now, and run `promproc prune --mode live,all` from cron",
            Code::DeadDecides => {
                "nothing, if the gauge should remember dead processes; else remove their files and use a live mode"
            }
            _ => "remove them now, and run `promproc prune` from cron or a worker-exit hook",
        });
        Some(self.about(shown, &files, finding))
    }

    /// Processes that count down what others count up.
    fn should_be_sum(&self) -> Option<Finding> {
        let series: Vec<_> = self.series.iter().filter(|one| one.should_be_sum).collect();
        let example = series.first()?;
        let negative = |one: &&Explanation| -> Vec<usize> {
            one.series.contributions.iter().filter(|one| one.value < 0.0).map(|one| one.file).collect()
        };
        let files: BTreeSet<usize> = series.iter().flat_map(negative).collect();
        let message = format!(
            "pid {} counts {} down, and others count it up; in mode livesum the value is wrong as soon as one of \
             them dies",
            some_of(files.iter().map(|file| self.files[*file].name().pid())),
            example.series.name_and_labels(),
        );
        let mut finding = Finding::new(Code::WrongMode, self.name, message)
            .summary(format!("{} counts up and down in different processes", self.name))
            .advice("use multiprocess_mode='sum'; do not prune its files")
            .files(files.iter().map(|file| &self.files[*file]));
        finding.series = series.iter().map(|one| one.series.name_and_labels()).collect();
        Some(finding)
    }

    /// A NaN that decides.
    fn nan(&self) -> Option<Finding> {
        let is_nan = |one: &&Explanation| {
            one.series.value.is_some_and(f64::is_nan) && one.series.rule() != GaugeRule::PerPid
        };
        let series: Vec<_> = self.series.iter().filter(is_nan).collect();
        let example = series.first()?;
        let culprits =
            |one: &Explanation| -> Vec<usize> {
                let nan =
                    one.series.contributions.iter().zip(&one.fates).filter(|(one, fate)| {
                        one.value.is_nan() && matches!(fate, Fate::Added | Fate::Decides)
                    });
                nan.map(|(one, _)| one.file).collect()
            };
        let files: BTreeSet<usize> = series.iter().flat_map(|one| culprits(one)).collect();
        let finding = Finding::new(
            Code::NanDecides,
            self.name,
            format!(
                "{} is NaN, because pid {} has NaN",
                example.series.name_and_labels(),
                some_of(files.iter().map(|file| self.files[*file].name().pid()))
            ),
        )
        .advice(if files.iter().all(|file| self.files[*file].liveness() == Liveness::Dead) {
            "remove its file"
        } else {
            "set the gauge to a number in that process, or restart it"
        });
        Some(self.about(&series, &files, finding))
    }

    /// A minimum of 0 among positive numbers.
    fn zero(&self) -> Option<Finding> {
        let is_suspicious = |one: &&Explanation| {
            let values = || one.series.contributions.iter().map(|one| one.value);
            one.series.rule() == GaugeRule::Min
                && one.series.value == Some(0.0)
                && values().any(|value| value > 0.0)
                && values().all(|value| value >= 0.0)
        };
        let series: Vec<_> = self.series.iter().filter(is_suspicious).collect();
        let example = series.first()?;
        let zeros = |one: &&Explanation| -> Vec<usize> {
            let zero = one.series.contributions.iter().filter(|one| one.value == 0.0);
            zero.map(|one| one.file).collect()
        };
        let files: BTreeSet<usize> = series.iter().flat_map(zeros).collect();
        let finding = Finding::new(
            Code::MinimumZero,
            self.name,
            format!(
                "{} is 0 because of pid {}; a process that never set the gauge has 0 as well",
                example.series.name_and_labels(),
                some_of(files.iter().map(|file| self.files[*file].name().pid()))
            ),
        )
        .advice("set the gauge when each process starts");
        Some(self.about(&series, &files, finding))
    }

    /// Most recent values without a timestamp.
    fn never_set(&self) -> Option<Finding> {
        let series: Vec<_> = self.series.iter().filter(|one| one.series.value.is_none()).collect();
        let example = series.first()?;
        let message =
            format!("no process has set {}, so it is not exposed", example.series.name_and_labels());
        let finding = Finding::new(Code::NeverSet, self.name, message)
            .advice("nothing, if it will be set later; else set it when the service starts");
        Some(self.about(&series, &BTreeSet::new(), finding))
    }

    /// Adds series and files to a finding, and the command that takes out those of dead processes.
    fn about(&self, series: &[&Explanation], files: &BTreeSet<usize>, finding: Finding) -> Finding {
        let mut finding =
            with_files(finding, files.iter().map(|file| &self.files[*file]), self.mode, self.spared);
        finding.series = series.iter().map(|one| one.series.name_and_labels()).collect();
        finding
    }
}

/// Adds files to a finding, and the command that takes out those of dead processes.
fn with_files<'a>(
    mut finding: Finding,
    files: impl Iterator<Item = &'a Surveyed> + Clone,
    mode: GaugeMode,
    spared: &BTreeSet<PathBuf>,
) -> Finding {
    for file in files.clone().filter(|file| file.liveness() == Liveness::Dead) {
        let user = user_to_be(file.facts.owner);
        finding = finding.remedy(Remedy::prune(file.directory().path(), mode).as_user(user));
    }
    if spare(&mut finding.commands, Some(mode), spared) && finding.commands.is_empty() {
        "first give the gauge that wrong-mode names the mode sum: pruning now breaks its value"
            .clone_into(&mut finding.advice);
    }
    finding.files(files)
}

/// Dead processes' live gauges whose number another process has.
fn reused(survey: &Survey, spared: &BTreeSet<PathBuf>) -> Option<Finding> {
    let is_stuck = |file: &&Surveyed| {
        file.liveness() == Liveness::Dead && file.name().mode.is_some_and(GaugeMode::is_live)
    };
    let stuck: Vec<_> = survey.files().filter(is_stuck).collect();
    let numbers: BTreeSet<u32> = stuck.iter().filter_map(|file| file.name().pid().parse().ok()).collect();
    let running = running(&numbers);
    let example = running.first()?;
    let finding = Finding::new(
        Code::PidReused,
        "pids",
        format!(
            "pid {example} did not write the gauge files with that number ({} in all)",
            counted(running.len(), "such number")
        ),
    )
    .advice("remove the gauges; do not ask kill -0 or /proc whether a writer is alive");
    let numbers: BTreeSet<_> = running.iter().map(|process| process.pid.to_string()).collect();
    let reused: Vec<_> = stuck.into_iter().filter(|file| numbers.contains(file.name().pid())).collect();
    // The command for all modes.
    let mode = if spared.is_empty() { GaugeMode::LiveAll } else { GaugeMode::LiveSum };
    Some(with_files(finding, reused.into_iter(), mode, spared))
}
