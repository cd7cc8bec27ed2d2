//! A filter at work.

use super::{Candidate, Nearest, Pattern, Selector, SeriesFilter, Unmatched};

/// Chooses series one by one, and remembers which conditions matched none of them.
#[derive(Clone, Debug)]
pub struct Choice {
    names: Vec<Watched<Pattern>>,
    labels: Vec<Watched<(String, String)>>,
    kept: Vec<Watched<Selector>>,
    dropped: Vec<Watched<Selector>>,
    has_taken: bool,
}

/// A condition, and what is near to it for as long as it matches nothing.
#[derive(Clone, Debug)]
struct Watched<T> {
    condition: T,
    has_matched: bool,
    nearest: Nearest,
}

impl<T: Clone> Watched<T> {
    fn all(conditions: &[T], nearest: impl Fn(&T) -> Nearest) -> Vec<Self> {
        let watched = |condition: &T| Self {
            condition: condition.clone(),
            has_matched: false,
            nearest: nearest(condition),
        };
        conditions.iter().map(watched).collect()
    }

    /// How many of these match; each is tried, to know which never does.
    fn count(watched: &mut [Self], series: &Candidate<'_>, matches: impl Fn(&T) -> bool) -> usize {
        let mut count = 0;
        for one in watched {
            if matches(&one.condition) {
                count += 1;
                one.has_matched = true;
            } else if !one.has_matched {
                one.nearest.see(series);
            }
        }
        count
    }

    fn unmatched(self) -> Option<(T, Vec<String>)> {
        (!self.has_matched).then(|| (self.condition, self.nearest.into_texts()))
    }
}

impl Choice {
    /// A filter that has seen nothing yet.
    pub fn new(filter: &SeriesFilter) -> Self {
        Self {
            // What is left without wildcards may be a part of a name.
            names: Watched::all(&filter.names, |name| {
                Nearest::to_name(&name.as_str().replace(['*', '?'], ""))
            }),
            labels: Watched::all(&filter.labels, |(name, value)| Nearest::to_label(name, value)),
            kept: Watched::all(&filter.kept, Nearest::to_selector),
            dropped: Watched::all(&filter.dropped, Nearest::to_selector),
            has_taken: false,
        }
    }

    /// Whether a series is chosen.
    pub fn takes(&mut self, series: &Candidate<'_>) -> bool {
        let Self { names, labels, kept, dropped, has_taken } = self;
        let is_named = |name: &Pattern| series.names().into_iter().any(|own| name.matches(own));
        let named = Watched::count(names, series, is_named);
        let labelled = Watched::count(labels, series, |(name, value)| series.label(name) == value);
        let selects = |selector: &Selector| selector.matches(series);
        let chosen = Watched::count(kept, series, selects);
        let left_out = Watched::count(dropped, series, selects);
        let takes = (names.is_empty() || named > 0)
            && labelled == labels.len()
            && (kept.is_empty() || chosen > 0)
            && left_out == 0;
        *has_taken |= takes;
        takes
    }

    /// The conditions that matched no series.
    pub fn unmatched(self) -> Vec<Unmatched> {
        let is_narrow = !(self.names.is_empty() && self.labels.is_empty() && self.kept.is_empty());
        let names = self.names.into_iter().filter_map(Watched::unmatched);
        let mut found: Vec<_> = names.map(|(name, near)| Unmatched::name(&name, &near)).collect();
        let labels = self.labels.into_iter().filter_map(Watched::unmatched);
        found.extend(labels.map(|((name, value), near)| Unmatched::label(&name, &value, &near)));
        let kept = self.kept.into_iter().filter_map(Watched::unmatched);
        found.extend(kept.map(|(selector, near)| Unmatched::kept(&selector, &near)));
        let dropped = self.dropped.into_iter().filter_map(Watched::unmatched);
        found.extend(dropped.map(|(selector, near)| Unmatched::dropped(&selector, &near)));
        if found.is_empty() && !self.has_taken && is_narrow {
            found.push(Unmatched::together());
        }
        found
    }
}
