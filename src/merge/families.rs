//! The chosen of the merged series, family by family.

use std::collections::HashSet;

use crate::model::MetricFamily;
use crate::notation::go_string;
use crate::select::{Candidate, Choice, SeriesFilter, Unmatched};

/// The metric families of a merge, each made when it is asked for. Where series are chosen, a family has
/// those only, and one without any does not come.
pub struct Families {
    all: Box<dyn Iterator<Item = MetricFamily>>,
    /// `None` where all are chosen: then nothing is asked of any series.
    choosing: Option<Choosing>,
}

struct Choosing {
    choice: Choice,
    /// The names of the families that came.
    came: HashSet<String>,
}

impl Families {
    pub(super) fn new(all: impl Iterator<Item = MetricFamily> + 'static, filter: &SeriesFilter) -> Self {
        let choosing = || Choosing { choice: Choice::new(filter), came: HashSet::new() };
        Self { all: Box::new(all), choosing: (!filter.takes_all()).then(choosing) }
    }

    /// Whether a family has come so far, or may be taken to come because none is left out.
    pub fn has(&self, family: &str) -> bool {
        self.choosing.as_ref().is_none_or(|choosing| choosing.came.contains(family))
    }

    /// The conditions that none of the series so far matched.
    pub fn unmatched(self) -> Vec<Unmatched> {
        self.choosing.map_or_else(Vec::new, |choosing| choosing.choice.unmatched())
    }
}

impl Iterator for Families {
    type Item = MetricFamily;

    fn next(&mut self) -> Option<MetricFamily> {
        let Some(choosing) = &mut self.choosing else {
            return self.all.next();
        };
        self.all.by_ref().find_map(|family| choosing.choose(family))
    }
}

impl Choosing {
    fn choose(&mut self, mut family: MetricFamily) -> Option<MetricFamily> {
        let MetricFamily { name, samples, .. } = &mut family;
        samples.retain(|sample| {
            let le = sample.bound.map(go_string);
            self.choice.takes(&Candidate {
                family: name,
                sample: &sample.name,
                labels: &sample.labels,
                le: le.as_deref(),
            })
        });
        if samples.is_empty() {
            return None;
        }
        self.came.insert(name.clone());
        Some(family)
    }
}
