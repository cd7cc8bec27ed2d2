//! Conditions that matched nothing, in words.

use std::collections::BTreeSet;
use std::fmt;

use super::{FileFilter, Pattern, Selector};
use crate::format::MetricFileName;
use crate::notation::some_of;

/// A condition that nothing matched. Displayed as what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    message: String,
    /// What there is instead, or what may have been meant.
    pub hint: Option<String>,
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Unmatched {
    fn new(message: impl Into<String>, near: &[String]) -> Self {
        let hint = (!near.is_empty()).then(|| format!("did you mean {}?", near.join(" or ")));
        Self { message: message.into(), hint }
    }

    pub(super) fn name(name: &Pattern, near: &[String]) -> Self {
        Self::new(format!("--name {}: no series has this name", name.as_str()), near)
    }

    pub(super) fn label(name: &str, value: &str, near: &[String]) -> Self {
        Self::new(format!("--label {name}={value}: no series has this label"), near)
    }

    pub(super) fn kept(selector: &Selector, near: &[String]) -> Self {
        Self::new(format!("--match {selector}: no series matches"), near)
    }

    pub(super) fn dropped(selector: &Selector, near: &[String]) -> Self {
        Self::new(format!("--drop {selector}: no series matches"), near)
    }

    /// Each condition matches some series, and all together none.
    pub(super) fn together() -> Self {
        Self::new("no series matches all filters together", &[])
    }
}

impl FileFilter {
    /// The conditions that none of these files matches; nothing where there are no files.
    pub fn unmatched<'n>(&self, files: impl Iterator<Item = &'n MetricFileName> + Clone) -> Vec<Unmatched> {
        let mut found = Vec::new();
        let types: BTreeSet<_> = files.clone().map(|name| name.metric_type.as_str()).collect();
        let modes: BTreeSet<_> =
            files.clone().filter_map(|name| name.mode.map(|_| name.mode_name())).collect();
        let pids: BTreeSet<_> = files.clone().map(MetricFileName::pid).collect();
        // Numbers in their own order, not in that of their digits.
        let mut pids: Vec<_> = pids.into_iter().collect();
        pids.sort_by_key(|pid| pid.len());
        let [types, modes]: [Vec<_>; 2] = [types, modes].map(|names| names.into_iter().collect());
        if types.is_empty() {
            return found;
        }
        let mut check = |option: &str, value: &str, noun: &str, there_are: &[&str]| {
            if !there_are.contains(&value) {
                let message = format!("--{option} {value}: no metric file has this {noun}");
                let hint = match there_are.len() {
                    0 => None,
                    1 => Some(format!("the only {noun} here is {}", some_of(there_are))),
                    _ => Some(format!("the {noun}s here are {}", some_of(there_are))),
                };
                found.push(Unmatched { message, hint });
            }
        };
        for metric_type in &self.types {
            check("type", metric_type.as_str(), "type", &types);
        }
        for mode in &self.modes {
            check("mode", mode.as_str(), "gauge mode", &modes);
        }
        for pid in &self.pids {
            check("pid", pid, "pid", &pids);
        }
        if found.is_empty() && !files.clone().any(|name| self.takes(name)) {
            found.push(Unmatched::new("no metric file matches all of --type, --mode and --pid", &[]));
        }
        found
    }
}
