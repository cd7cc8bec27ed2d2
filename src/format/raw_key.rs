//! Keys as JSON: a list of three or four elements.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::model::normalize;

/// How a key is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum KeyShape {
    /// `["m", "s", ["l1"], ["v1"]]`: era A.
    Lists,
    /// `["m", "s", {"l1": "v1"}]`: era B.
    Object,
    /// `["m", "s", {"l1": "v1"}, "help"]`: eras C and D.
    ObjectAndHelp,
}

/// The labels of a key, borrowed from its text where they have no escapes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyLabels<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> KeyLabels<'a> {
    /// Sorts labels by name; if a name occurs twice, Python's dict keeps the last one.
    pub(super) fn new(mut pairs: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        if !pairs.is_sorted_by(|a, b| a.0 < b.0) {
            normalize(&mut pairs, |(name, _)| name);
        }
        Self(pairs)
    }

    /// Pairs of name and value, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> + Clone {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// The value of the label of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(n, _)| *n == name).map(|(_, value)| value)
    }

    /// Sets a label. Says whether there was one of that name.
    pub fn set(&mut self, name: &str, value: &str) -> bool {
        let at = self.0.binary_search_by(|(other, _)| (**other).cmp(name));
        match at {
            Ok(at) => self.0[at].1 = Cow::Owned(value.to_owned()),
            Err(at) => self.0.insert(at, (Cow::Owned(name.to_owned()), Cow::Owned(value.to_owned()))),
        }
        at.is_ok()
    }

    pub(super) fn into_owned<'b>(self) -> KeyLabels<'b> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        KeyLabels(self.0.into_iter().map(|(name, value)| (owned(name), owned(value))).collect())
    }
}

/// A key as JSON has it.
#[derive(Debug, PartialEq)]
pub(super) struct RawKey<'a> {
    pub(super) family: Cow<'a, str>,
    pub(super) sample: Cow<'a, str>,
    pub(super) labels: KeyLabels<'a>,
    pub(super) help: Option<Cow<'a, str>>,
    pub(super) shape: KeyShape,
}

impl RawKey<'_> {
    pub(super) fn into_owned<'b>(self) -> RawKey<'b> {
        RawKey {
            family: Cow::Owned(self.family.into_owned()),
            sample: Cow::Owned(self.sample.into_owned()),
            labels: self.labels.into_owned(),
            help: self.help.map(|help| Cow::Owned(help.into_owned())),
            shape: self.shape,
        }
    }
}

/// A string, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The third element of a key.
enum RawLabels<'a> {
    Object(KeyLabels<'a>),
    Names(Vec<Text<'a>>),
}

impl<'de> Deserialize<'de> for RawKey<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct KeyVisitor;

        impl<'de> Visitor<'de> for KeyVisitor {
            type Value = RawKey<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of 3 or 4 elements")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawKey<'de>, A::Error> {
                fn missing<T, E: de::Error>(at: usize, element: Option<T>) -> Result<T, E> {
                    element.ok_or_else(|| E::invalid_length(at, &"a list of 3 or 4 elements"))
                }
                let Text(family) = missing(0, seq.next_element()?)?;
                let Text(sample) = missing(1, seq.next_element()?)?;
                let (labels, help, shape) = match missing(2, seq.next_element()?)? {
                    RawLabels::Object(labels) => match seq.next_element()? {
                        Some(Text(help)) => (labels, Some(help), KeyShape::ObjectAndHelp),
                        None => (labels, None, KeyShape::Object),
                    },
                    RawLabels::Names(names) => {
                        let values: Vec<Text> = missing(3, seq.next_element()?)?;
                        // The client pairs them with `zip`, which stops at the shorter list.
                        let pairs =
                            names.into_iter().zip(values).map(|(Text(name), Text(value))| (name, value));
                        (KeyLabels::new(pairs.collect()), None, KeyShape::Lists)
                    }
                };
                Ok(RawKey { family, sample, labels, help, shape })
            }
        }

        deserializer.deserialize_seq(KeyVisitor)
    }
}

impl<'de> Deserialize<'de> for RawLabels<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct LabelsVisitor;

        impl<'de> Visitor<'de> for LabelsVisitor {
            type Value = RawLabels<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("labels as an object or a list of names")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawLabels<'de>, A::Error> {
                let mut pairs = Vec::with_capacity(8);
                while let Some((Text(name), Text(value))) = map.next_entry()? {
                    pairs.push((name, value));
                }
                Ok(RawLabels::Object(KeyLabels::new(pairs)))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<RawLabels<'de>, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(RawLabels::Names(names))
            }
        }

        deserializer.deserialize_any(LabelsVisitor)
    }
}
