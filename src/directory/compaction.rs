//! The names that compaction gives to files (docs/compaction.md). They are its journal, and all commands read by
//! them: **a file aside of generation N counts exactly as long as the fold of N stands under its dot name.**

use std::collections::BTreeSet;

use super::own::{OWN_PREFIX, are_random_digits};
use crate::format::MetricFileName;

/// The file on which every client from 0.0.16 on fails while files change places.
pub(crate) const BARRIER: &str = "counter_promproc-barrier.db";
/// How the name of a fold goes on after [`OWN_PREFIX`].
const FOLD: &str = "fold-";
/// How that of a file goes on which says that all aside of a committed fold goes.
const DONE: &str = "done-";
/// What stands in the place of a pid in an archive's name, before its generation.
const COMPACTED: &str = "compacted-";
const EXTENSION: &str = ".db";

/// The name of a source that waits to be removed: `.promproc-7-HASH-counter_123.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AsideName<'n> {
    /// Of the archive that it was folded into.
    pub(crate) generation: u64,
    /// Of the bytes that were folded.
    pub(crate) hash: u64,
    /// The name that it had.
    pub(crate) name: &'n str,
}

impl<'n> AsideName<'n> {
    /// Takes such a name apart.
    pub(crate) fn parse(name: &'n str) -> Option<Self> {
        let (generation, rest) = name.strip_prefix(OWN_PREFIX)?.split_once('-')?;
        let (hash, name) = rest.split_once('-')?;
        let hash = are_random_digits(hash).then(|| u64::from_str_radix(hash, 16).ok())??;
        Some(Self { generation: number(generation)?, hash, name })
    }

    /// The name that such a file had, if a client gave it.
    pub(crate) fn metric_name(&self) -> Option<MetricFileName> {
        self.name.parse().ok().filter(|_| self.name != BARRIER)
    }
}

impl std::fmt::Display for AsideName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { generation, hash, name } = self;
        write!(f, "{OWN_PREFIX}{generation}-{hash:016x}-{name}")
    }
}

/// The name of a fold that is complete, and not committed: `.promproc-fold-7-gauge_sum.db`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FoldName<'n> {
    /// Of the archive that it becomes.
    pub(crate) generation: u64,
    /// What the names of the files have in common that it was folded from: `counter`, `gauge_sum`.
    pub(crate) class: &'n str,
}

impl<'n> FoldName<'n> {
    /// Takes such a name apart.
    pub(crate) fn parse(name: &'n str) -> Option<Self> {
        Self::parse_after(FOLD, name)
    }

    /// Takes apart the name that says that what is aside goes.
    pub(crate) fn parse_done(name: &'n str) -> Option<Self> {
        Self::parse_after(DONE, name)
    }

    fn parse_after(kind: &str, name: &'n str) -> Option<Self> {
        let rest = name.strip_prefix(OWN_PREFIX)?.strip_prefix(kind)?.strip_suffix(EXTENSION)?;
        let (generation, class) = rest.split_once('-')?;
        let fold = Self { generation: number(generation)?, class };
        fold.archive_name().parse::<MetricFileName>().is_ok().then_some(fold)
    }

    /// The name that the first of the files aside gets before any of them is removed: from then on the others go,
    /// whoever finds them, since it cannot be undone any more.
    pub(crate) fn done_name(&self) -> String {
        let Self { generation, class } = self;
        format!("{OWN_PREFIX}{DONE}{generation}-{class}{EXTENSION}")
    }

    /// The name that it gets when it is committed.
    pub(crate) fn archive_name(&self) -> String {
        let Self { generation, class } = self;
        format!("{class}_{COMPACTED}{generation}{EXTENSION}")
    }
}

impl std::fmt::Display for FoldName<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { generation, class } = self;
        write!(f, "{OWN_PREFIX}{FOLD}{generation}-{class}{EXTENSION}")
    }
}

impl MetricFileName {
    /// Which generation of archive it is, where it is one: `counter_compacted-7.db`.
    pub fn generation(&self) -> Option<u64> {
        archive_generation(self.pid())
    }
}

/// The generation of the archive whose name has that in the place of a pid.
pub fn archive_generation(pid: &str) -> Option<u64> {
    number(pid.strip_prefix(COMPACTED)?)
}

/// The generation of which anything with that name is.
pub(crate) fn generation_of(name: &str) -> Option<u64> {
    let aside = AsideName::parse(name).map(|aside| aside.generation);
    let fold = || FoldName::parse(name).or_else(|| FoldName::parse_done(name)).map(|fold| fold.generation);
    aside.or_else(fold).or_else(|| name.parse::<MetricFileName>().ok()?.generation())
}

/// Whether a name is one that a compaction gives, but for an archive's.
pub(crate) fn is_of_compaction(name: &str) -> bool {
    name == BARRIER || AsideName::parse(name).is_some() || FoldName::parse(name).is_some()
}

/// The folds among these names.
pub(super) fn folds<'n>(names: impl Iterator<Item = &'n str>) -> BTreeSet<FoldName<'n>> {
    names.filter_map(FoldName::parse).collect()
}

/// A number as it is written here: without a sign or leading zeros.
fn number(text: &str) -> Option<u64> {
    text.parse().ok().filter(|number: &u64| number.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        let aside = AsideName { generation: 7, hash: 0xabc, name: "counter_123.db" };
        assert_eq!(aside.to_string(), ".promproc-7-0000000000000abc-counter_123.db");
        assert_eq!(AsideName::parse(&aside.to_string()), Some(aside));
        let fold = FoldName { generation: 12, class: "gauge_sum" };
        assert_eq!(fold.to_string(), ".promproc-fold-12-gauge_sum.db");
        assert_eq!(FoldName::parse(&fold.to_string()), Some(fold));
        assert_eq!(fold.archive_name(), "gauge_sum_compacted-12.db");
        assert_eq!(fold.done_name(), ".promproc-done-12-gauge_sum.db");
        assert_eq!(FoldName::parse_done(&fold.done_name()), Some(fold));
        for name in [aside.to_string(), fold.to_string(), fold.archive_name(), fold.done_name()] {
            assert!(generation_of(&name).is_some(), "{name}");
        }
    }

    #[test]
    fn other_names_are_none_of_these() {
        for name in [
            ".promproc-rm-0123456789abcdef-counter_7.db",
            ".promproc-tmp-0123456789abcdef",
            ".promproc-07-0123456789abcdef-counter_7.db",
            ".promproc-7-0123456789abcde-counter_7.db",
            ".promproc-fold-7-gauge.db",
            ".promproc-fold-7-other.db",
            ".promproc-fold-x-counter.db",
            ".promproc-done-7-other.db",
            "counter_compacted-07.db",
            "counter_compacted-.db",
            "counter_7.db",
        ] {
            assert_eq!(generation_of(name), None, "{name}");
        }
    }
}
