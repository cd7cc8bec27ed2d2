//! Folds the files of dead processes into archives, so that no count is lost or counted twice, whatever happens
//! meanwhile. The design, and why each step is needed, is docs/compaction.md; the steps here are its steps.

mod class;
mod ending;
mod leased;
mod places;
mod recover;
mod report;
mod round;
mod survey;
mod watch;
mod written;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use super::open::{Intent, open, open_below};
use super::prune::gauges_in;
use super::remove::{Removal, remove};
use crate::directory::compaction::FoldName;
use crate::directory::{Contents, Directory, DirectoryError, InDirectory};
use crate::liveness::{Evidence, Examined};
use crate::model::GaugeMode;
pub(super) use places::opened_with_lock;
pub(super) use recover::recover;
pub use report::{CompactError, Options, Report, Step};
use round::{Rounds, surveyed};
pub use survey::Left;

/// More often than this a directory is not looked at: archives of several batches become one in the second round.
const ROUNDS: usize = 5;

/// A directory that is to be compacted.
#[derive(Debug)]
pub struct Opened {
    directory: Arc<Directory>,
    contents: Contents,
}

/// Opens a directory or, with all below it, several; what an interrupted run left there is finished or undone. What
/// cannot be looked at below it is left out, and named.
///
/// # Errors
/// [`DirectoryError`] if the directory itself cannot be worked on.
pub fn open_all(
    path: &Path,
    is_recursive: bool,
    intent: Intent,
) -> Result<(Vec<Opened>, Vec<DirectoryError>), DirectoryError> {
    let (opened, left_out) = match is_recursive {
        true => open_below(path, intent)?,
        false => (vec![open(path, intent)?], Vec::new()),
    };
    let opened = opened.into_iter().map(|(directory, contents)| Opened { directory, contents });
    Ok((opened.collect(), left_out))
}

/// Compacts a directory. `is_stopped` is asked between batches.
///
/// # Errors
/// [`CompactError`] where nothing was changed; what went wrong later is in the report.
pub fn compact(
    opened: Opened,
    options: &Options,
    is_stopped: &dyn Fn() -> bool,
) -> Result<Report, CompactError> {
    let began = Instant::now();
    let Opened { directory, contents } = opened;
    let stuck = stuck(gauges_in(&directory, contents, &live_modes())?.dead);
    let mut report = Report { directory: directory.path().to_owned(), ..Report::default() };
    let mut rounds = Rounds::default();
    for number in 0..ROUNDS {
        let min_files = if number == 0 { options.min_files } else { 2 };
        match rounds.run(&directory, &Options { min_files, ..*options }, is_stopped, &mut report) {
            Ok(true) if report.errors.is_empty() && !report.is_interrupted => {}
            Ok(_) => break,
            Err(error) if report.files == 0 && report.old_archives == 0 && stuck.is_empty() => {
                return Err(error);
            }
            Err(error) => {
                report.errors.push(error);
                break;
            }
        }
    }
    if !report.is_interrupted {
        remove_stuck(&stuck, began + options.settle, &mut report);
    }
    Ok(report)
}

/// Says what would be done.
///
/// # Errors
/// [`CompactError`].
pub fn compact_dry(opened: Opened, options: &Options) -> Result<Report, CompactError> {
    let Opened { directory, contents } = opened;
    let files = contents.files.clone();
    let stuck = stuck(gauges_in(&directory, contents, &live_modes())?.dead);
    let removed = stuck.iter().map(|file| file.file.path()).collect();
    let mut report = Report { directory: directory.path().to_owned(), removed, ..Report::default() };
    let mut survey = surveyed(&directory, files)?;
    for sources in survey.groups(options.min_files).into_values() {
        let class = survey.files[sources[0]].file.name.class();
        report.archives.push(directory.path_of(FoldName { generation: 0, class }.archive_name()));
        for index in sources {
            report.take(&survey.files[index]);
        }
    }
    report.finish(survey);
    Ok(report)
}

fn live_modes() -> Vec<GaugeMode> {
    GaugeMode::ALL.into_iter().filter(|mode| mode.is_live()).collect()
}

/// The gauges that a lease proves to be of dead processes.
fn stuck(mut gauges: Vec<Examined>) -> Vec<Examined> {
    gauges.retain(|file| file.evidence == Some(Evidence::LeaseGranted));
    gauges
}

/// Removes them, once the first lease on them is long enough ago: a `mark_process_dead` of the client that is
/// under way finds them until then.
fn remove_stuck(stuck: &[Examined], not_before: Instant, report: &mut Report) {
    if stuck.is_empty() {
        return;
    }
    std::thread::sleep(not_before.saturating_duration_since(Instant::now()));
    for file in stuck {
        match remove(file) {
            Ok(Removal::Removed) => report.removed.push(file.file.path()),
            Ok(Removal::Gone | Removal::Changed) => {}
            Err(source) => {
                report.errors.push(DirectoryError::Io { path: file.file.path(), source }.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// The names in the model's list of steps, and in the table of the design.
    fn steps_of(text: &str, begins: &str, ends: &str, between: char) -> Vec<String> {
        let list = text.split(begins).nth(1).and_then(|rest| rest.split(ends).next()).expect("a list");
        let words = list.split(between).map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }

    #[test]
    fn its_steps_are_the_models_and_those_of_the_design() {
        let named: Vec<_> = Step::ALL.iter().map(|step| format!("{step:?}")).collect();
        let model = include_str!("../../../tests/model/model.py");
        assert_eq!(steps_of(model, "STEPS = (", ")", ','), named);
        let design = include_str!("../../../docs/compaction.md");
        for step in &named {
            assert!(design.contains(step.as_str()), "docs/compaction.md does not name {step}");
        }

        // And these are the ones that it takes.
        let directory = tempfile::tempdir().expect("a directory");
        for name in ["counter_4999998.db", "counter_4999999.db"] {
            let from = std::path::Path::new("tests/data/gunicorn/counter_8187.db");
            std::fs::copy(from, directory.path().join(name)).expect("a copy");
        }
        let (mut opened, _) = open_all(directory.path(), false, Intent::Change).expect("opened");
        let wait = Duration::from_secs(20);
        let options = Options { min_files: 2, wait, is_unquiet: false, settle: Duration::ZERO };
        let opened = opened.pop().expect("one");
        let report = compact(opened, &options, &|| false).expect("compacted");
        let taken: Vec<_> = report.steps.iter().map(|step| format!("{step:?}")).collect();
        assert_eq!(taken, named[..taken.len()], "{report:?}");
        assert_eq!(taken.last().map(String::as_str), Some("Grace"));
    }
}
