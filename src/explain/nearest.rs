//! What a selector without a match may have meant.

use crate::merge::TracedSeries;
use crate::select::Selector;

/// Series of that name, or names like it.
pub(super) fn nearest(selector: &Selector, others: &[TracedSeries]) -> Vec<String> {
    const SHOWN: usize = 3;
    const LEAST_LIKENESS: f64 = 0.8;
    let Some(wanted) = selector.name() else {
        return Vec::new();
    };
    let mut near: Vec<(f64, String)> = Vec::new();
    for series in others {
        let count = format!("{}_count", series.family);
        let has_count = !series.buckets.is_empty();
        let mut names = vec![&*series.sample, &*series.family];
        names.extend(has_count.then_some(count.as_str()));
        if names.contains(&wanted) && (wanted != series.family || *wanted == *series.sample) {
            // The name is right, so the labels are not.
            near.push((2.0, series.name_and_labels()));
            continue;
        }
        let likeness = names.iter().map(|name| strsim::jaro_winkler(name, wanted)).fold(0.0, f64::max);
        if likeness >= LEAST_LIKENESS || (!wanted.is_empty() && series.sample.contains(wanted)) {
            near.push((likeness, series.sample.to_string()));
        }
    }
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    near.dedup_by(|a, b| a.1 == b.1);
    near.into_iter().map(|(_, name)| name).take(SHOWN).collect()
}
