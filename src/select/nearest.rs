//! What a condition that matched nothing may have meant.

use super::{Candidate, Selector};
use crate::notation::push_sample;

/// So many are named.
const SHOWN: usize = 3;
/// Less alike than this is something else.
const LEAST_LIKENESS: f64 = 0.8;
/// So many characters of a name are enough to mean it.
const LEAST_PART: usize = 3;
/// The name is right, so the labels are not.
const RIGHT_NAME: f64 = 2.0;

/// Collects, from the series that there are, those that are nearest to what was asked for.
#[derive(Clone, Debug)]
pub struct Nearest {
    wanted: Wanted,
    /// The best so far, with their likeness.
    found: Vec<(f64, String)>,
    /// The name seen last: series of one name come one after the other.
    last: String,
}

#[derive(Clone, Debug)]
enum Wanted {
    Name(String),
    Label(String, String),
    /// Nothing can be said to be near.
    Anything,
}

impl Nearest {
    /// What is near to a name.
    pub fn to_name(name: &str) -> Self {
        Self::to(if name.is_empty() { Wanted::Anything } else { Wanted::Name(name.to_owned()) })
    }

    /// What is near to a selector: to its name, if it has one.
    pub fn to_selector(selector: &Selector) -> Self {
        selector.name().map_or(Self::to(Wanted::Anything), Self::to_name)
    }

    /// What is near to a label.
    pub fn to_label(name: &str, value: &str) -> Self {
        Self::to(Wanted::Label(name.to_owned(), value.to_owned()))
    }

    fn to(wanted: Wanted) -> Self {
        Self { wanted, found: Vec::new(), last: String::new() }
    }

    /// Looks at a series.
    pub fn see(&mut self, series: &Candidate<'_>) {
        let mut offers = Vec::new();
        match &self.wanted {
            Wanted::Anything => {}
            Wanted::Name(wanted) if series.names().contains(&wanted.as_str()) => {
                let mut text = String::new();
                let le = series.le.map(|le| ("le", le));
                push_sample(&mut text, series.sample, series.labels.iter().chain(le));
                offers.push((RIGHT_NAME, text));
            }
            Wanted::Name(_) if self.last == series.sample => {}
            Wanted::Name(wanted) => {
                series.sample.clone_into(&mut self.last);
                let likeness = series.names().map(|name| strsim::jaro_winkler(name, wanted));
                let likeness = likeness.into_iter().fold(0.0, f64::max);
                let is_part = wanted.len() >= LEAST_PART && series.sample.contains(wanted);
                if likeness >= LEAST_LIKENESS || is_part {
                    offers.push((likeness, series.sample.to_owned()));
                }
            }
            Wanted::Label(name, value) => {
                let le = series.le.map(|le| ("le", le));
                for (other_name, other_value) in series.labels.iter().chain(le) {
                    let likeness = match (other_name == name, other_value == value) {
                        (true, _) => strsim::jaro_winkler(other_value, value),
                        (false, true) => strsim::jaro_winkler(other_name, name),
                        (false, false) => continue,
                    };
                    if likeness >= LEAST_LIKENESS {
                        offers.push((likeness, format!("{other_name}={other_value}")));
                    }
                }
            }
        }
        for offer in offers {
            self.offer(offer);
        }
    }

    fn offer(&mut self, offer: (f64, String)) {
        if !self.found.contains(&offer) {
            self.found.push(offer);
            self.found.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            self.found.truncate(SHOWN);
        }
    }

    /// The nearest, the best first.
    pub fn into_texts(self) -> Vec<String> {
        self.found.into_iter().map(|(_, text)| text).collect()
    }
}
