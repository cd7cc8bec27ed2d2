//! What is explained, and nothing else, is what the official client exposes: the contributions add up
//! to its values, bit for bit.

use std::collections::{BTreeMap, HashSet};

use tempfile::TempDir;

use super::{Line, lines};
use crate::support::random::{Abilities, RandomDirectory};
use crate::support::{CURRENT, Client, Merge, Sample, samples};

/// Samples that an explained series stands for.
#[derive(Default)]
struct Explained {
    /// As the client exposes them.
    exposed: Vec<Sample>,
    /// As it does where it does not accumulate buckets: without histograms' counts.
    stored: Vec<Sample>,
    /// Histograms' counts; where there are none, entries of that name are exposed in their place.
    counts: HashSet<(String, BTreeMap<String, String>)>,
}

impl Explained {
    /// Adds those of a series, once its contributions alone have given their values.
    fn add(&mut self, line: &Line) {
        let sample = |name: &str, bound: Option<&str>, value: &str| {
            let mut labels = line.labels.clone();
            labels.extend(bound.map(|bound| ("le".to_owned(), bound.to_owned())));
            Sample { name: name.to_owned(), labels, value: value.to_owned() }
        };
        let values = |fate: &str, bound: Option<&str>| -> Vec<f64> {
            let chosen =
                line.contributions.iter().filter(|one| one.fate == fate && one.le.as_deref() == bound);
            chosen.map(|one| number(&one.value)).collect()
        };
        let sum = |values: Vec<f64>| values.into_iter().fold(0.0, |sum, value| sum + value);
        if let Some(histogram) = &line.histogram {
            let mut cumulated = 0.0;
            for bucket in &histogram.buckets {
                let own = sum(values("added", Some(&bucket.le)));
                assert_is(&bucket.count, own, line);
                cumulated += own;
                assert_is(&bucket.cumulated, cumulated, line);
                self.exposed.push(sample(&line.sample, Some(&bucket.le), &bucket.cumulated));
                self.stored.push(sample(&line.sample, Some(&bucket.le), &bucket.count));
            }
            assert_is(&histogram.count, cumulated, line);
            let count = sample(&format!("{}_count", line.family), None, &histogram.count);
            self.counts.insert((count.name.clone(), count.labels.clone()));
            self.exposed.push(count);
            return;
        }
        let (decides, added) = (values("decides", None), values("added", None));
        let Some(value) = &line.value else {
            assert!(line.mode.as_deref().unwrap().contains("mostrecent"), "{line:?}");
            assert!(line.contributions.iter().all(|one| one.fate == "never set"), "{line:?}");
            return;
        };
        match decides[..] {
            [] if !added.is_empty() => assert_is(value, sum(added), line),
            [one] => assert_is(value, one, line),
            _ => panic!("one has to decide, or some to be added: {line:?}"),
        }
        self.exposed.push(sample(&line.sample, None, value));
        self.stored.push(sample(&line.sample, None, value));
    }
}

fn number(text: &str) -> f64 {
    text.parse().unwrap()
}

/// Fails unless the text is this very number: every bit counts, but for those of NaN.
#[track_caller]
fn assert_is(text: &str, value: f64, line: &Line) {
    let shown = number(text);
    let is_same = shown.to_bits() == value.to_bits() || shown.is_nan() && value.is_nan();
    assert!(is_same, "{text} is shown, contributions give {value:?}: {line:?}");
}

/// Fails with what only one of the two has.
#[track_caller]
fn assert_same_samples(mut explained: Vec<Sample>, mut exposed: Vec<Sample>, seed: u64) {
    explained.sort_unstable();
    exposed.sort_unstable();
    if explained != exposed {
        let only = |these: &[Sample], those: &[Sample]| -> Vec<Sample> {
            these.iter().filter(|sample| !those.contains(sample)).cloned().collect()
        };
        panic!(
            "seed {seed}: {} samples are explained, {} exposed\nonly explained: {:#?}\nonly exposed: {:#?}",
            explained.len(),
            exposed.len(),
            only(&explained, &exposed),
            only(&exposed, &explained)
        );
    }
}

#[test]
fn contributions_add_up_to_what_the_client_exposes() {
    const DIRECTORIES: u64 = 300;
    let Some(mut client) = Client::current() else { return };
    let mut series = 0;
    for seed in 1_000..1_000 + DIRECTORIES {
        let directory = TempDir::new().unwrap();
        let random = RandomDirectory::new(seed, Abilities::of(CURRENT));
        client.write(directory.path(), &random.processes).unwrap();
        for (name, entries) in &random.forged {
            client.raw(&directory.path().join(name), entries).unwrap();
        }
        let mut explained = Explained::default();
        for line in lines(r#"{__name__=~".+"}"#, directory.path()) {
            explained.add(&line);
        }
        let mut exposed = |accumulate| {
            let how = Merge { format: "text", escaping: "allow-utf-8", accumulate };
            samples(&client.merge(directory.path(), how).unwrap())
        };
        let (exposed, mut stored) = (exposed(true), exposed(false));
        stored.retain(|sample| !explained.counts.contains(&(sample.name.clone(), sample.labels.clone())));
        series += exposed.len();
        assert_same_samples(explained.exposed, exposed, seed);
        assert_same_samples(explained.stored, stored, seed);
    }
    assert!(series > 5_000, "{series} series are too few to say much");
}
