//! What is chosen.

use crate::model::Labels;

/// A series as filters and selectors see it: a line of the exposition, or an entry as it is stored.
#[derive(Clone, Copy, Debug)]
pub struct Candidate<'a> {
    /// The family's name.
    pub family: &'a str,
    /// The sample's name.
    pub sample: &'a str,
    /// Its labels.
    pub labels: &'a Labels,
    /// The label `le` of a bucket, where `labels` do not have it.
    pub le: Option<&'a str>,
}

impl<'a> Candidate<'a> {
    /// The value of a label; to Prometheus, one that is not there is empty.
    pub fn label(&self, name: &str) -> &'a str {
        self.le.filter(|_| name == "le").or_else(|| self.labels.get(name)).unwrap_or_default()
    }

    /// What its name may be called.
    pub(super) fn names(&self) -> [&'a str; 2] {
        [self.sample, self.family]
    }
}
