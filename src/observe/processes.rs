//! Who writes the files, and who is new or has died.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::event::EventKind;
use super::row::Row;
use crate::directory::{InDirectory, MetricFile};
use crate::liveness::{self, Evidence, Examined, Liveness};
use crate::merge::TracedSeries;
use crate::model::MetricType;

/// How long somebody is new, or has just died: so many rounds, and so much time.
const NEWS_ROUNDS: u32 = 5;
const NEWS_TIME: Duration = Duration::from_secs(10);

/// What is remarkable about a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News {
    /// Its files came within the last rounds.
    Came,
    /// It died within the last rounds.
    Died,
}

/// All files of one directory with the same pid in their names.
#[derive(Clone, Debug)]
pub struct Process {
    /// What stands for it in file names, and what it counted: increments of counters, and
    /// observations of histograms and summaries.
    pub row: Row,
    pid: String,
    directory: PathBuf,
    /// Live if any of its files is; else unknown if that of any is.
    pub liveness: Liveness,
    /// The program of a live process, the evidence of others.
    pub about: String,
    /// How many files it has.
    pub files: usize,
    /// How many entries they have, of those that are selected.
    pub entries: usize,
    /// Whether it is new or just died.
    pub news: Option<News>,
}

impl Process {
    /// The last part of its files' names.
    pub fn pid(&self) -> &str {
        &self.pid
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Whether it wrote a file.
    pub fn has(&self, file: &MetricFile) -> bool {
        file.name.pid() == self.pid && file.directory().path() == self.directory
    }
}

/// Which processes there were, to tell who is new or has died.
#[derive(Debug, Default)]
pub(super) struct Watch {
    known: HashMap<(PathBuf, String), Known>,
    has_seen: bool,
}

#[derive(Clone, Copy, Debug)]
struct Known {
    liveness: Liveness,
    /// What happened last, when, and how many rounds ago.
    news: Option<(News, Instant, u32)>,
}

impl Watch {
    /// The processes of a round, and what happened to them since the one before.
    pub(super) fn update(
        &mut self,
        files: &[Examined],
        series: &[TracedSeries],
        now: Instant,
    ) -> (Vec<Process>, Vec<(EventKind, String)>) {
        let mut places: HashMap<(PathBuf, &str), usize> = HashMap::new();
        let mut groups: Vec<Group<'_>> = Vec::new();
        let mut group_of_file = Vec::with_capacity(files.len());
        for file in files {
            let key = (file.file.directory().path().to_owned(), file.file.name.pid());
            let place = *places.entry(key).or_insert_with_key(|(directory, pid)| {
                groups.push(Group::new(directory.clone(), pid));
                groups.len() - 1
            });
            groups[place].add(file);
            group_of_file.push(place);
        }
        for series in series {
            for contribution in &series.contributions {
                let group = &mut groups[group_of_file[contribution.file]];
                group.entries += 1;
                if counts(series, contribution.bound) && contribution.value.is_finite() {
                    group.counted += contribution.value;
                }
            }
        }
        name_holders(&mut groups);
        let is_one_directory = groups.windows(2).all(|pair| pair[0].directory == pair[1].directory);
        let mut known = HashMap::with_capacity(groups.len());
        let mut processes = Vec::with_capacity(groups.len());
        let mut events = Vec::new();
        for group in groups {
            let name = match is_one_directory {
                true => group.pid.to_owned(),
                false => format!("{} in {}", group.pid, group.directory.display()),
            };
            let liveness = group.liveness();
            let key = (group.directory.clone(), group.pid.to_owned());
            let news = self.news(self.known.get(&key).copied(), liveness, &name, now, &mut events);
            known.insert(key, Known { liveness, news });
            processes.push(Process {
                about: group.about(),
                row: Row::new(name, group.counted, None),
                pid: group.pid.to_owned(),
                directory: group.directory,
                liveness,
                files: group.files,
                entries: group.entries,
                news: news.map(|(news, ..)| news),
            });
        }
        let mut left: Vec<_> =
            self.known.keys().filter(|key| !known.contains_key(*key)).map(|(_, pid)| pid.clone()).collect();
        left.sort_unstable();
        events.extend(left.into_iter().map(|pid| (EventKind::Left, pid)));
        self.known = known;
        self.has_seen = true;
        (processes, events)
    }

    /// What is remarkable about a process; `events` gets it where it has just happened.
    fn news(
        &self,
        before: Option<Known>,
        liveness: Liveness,
        name: &str,
        now: Instant,
        events: &mut Vec<(EventKind, String)>,
    ) -> Option<(News, Instant, u32)> {
        let news = match before {
            None if !self.has_seen => return None,
            None => News::Came,
            // A uWSGI worker takes over the number, and the files, of the one before.
            Some(Known { liveness: Liveness::Dead, .. }) if liveness == Liveness::Live => News::Came,
            Some(Known { liveness: Liveness::Live, .. }) if liveness == Liveness::Dead => News::Died,
            Some(Known { news, .. }) => {
                let older = news.map(|(news, at, rounds)| (news, at, rounds + 1));
                return older.filter(|(_, at, rounds)| {
                    *rounds < NEWS_ROUNDS || now.saturating_duration_since(*at) < NEWS_TIME
                });
            }
        };
        let kind = if news == News::Came { EventKind::Came } else { EventKind::Died };
        events.push((kind, name.to_owned()));
        Some((news, now, 0))
    }
}

/// Whether an entry's value is a number of events: an increment or an observation.
fn counts(series: &TracedSeries, bound: Option<f64>) -> bool {
    match series.metric_type {
        MetricType::Counter => true,
        MetricType::Gauge => false,
        MetricType::Histogram => bound.is_some(),
        MetricType::Summary => series.sample.ends_with("_count"),
    }
}

/// The files of a process while they are gathered.
struct Group<'a> {
    directory: PathBuf,
    pid: &'a str,
    files: usize,
    entries: usize,
    counted: f64,
    /// The file that says most about the process's liveness, of those that could be looked at.
    telling: Option<Examined>,
}

impl<'a> Group<'a> {
    fn new(directory: PathBuf, pid: &'a str) -> Self {
        Self { directory, pid, files: 0, entries: 0, counted: 0.0, telling: None }
    }

    fn add(&mut self, file: &Examined) {
        self.files += 1;
        let telling = self.telling.as_ref().map(Examined::liveness);
        if file.evidence.is_some() && Some(file.liveness()) > telling {
            self.telling = Some(file.clone());
        }
    }

    fn liveness(&self) -> Liveness {
        self.telling.as_ref().map_or(Liveness::Unknown, Examined::liveness)
    }

    fn about(&self) -> String {
        let Some(evidence) = self.telling.as_ref().and_then(|file| file.evidence.as_ref()) else {
            return "its files cannot be looked at".to_owned();
        };
        match evidence {
            Evidence::OpenIn(processes) if !processes.is_empty() => {
                // The holder's number is of interest where it is another, as with uWSGI.
                let shown = |process: &liveness::Process| match process.pid.to_string() {
                    pid if pid == self.pid => process.name.clone(),
                    pid => format!("pid {pid}: {}", process.name),
                };
                processes.iter().map(shown).collect::<Vec<_>>().join(", ")
            }
            evidence => evidence.to_string(),
        }
    }
}

/// Asks for the commands of live processes, all at once, by one file of each.
fn name_holders(groups: &mut [Group<'_>]) {
    liveness::name_holders(groups.iter_mut().filter_map(|group| group.telling.as_mut()));
}
