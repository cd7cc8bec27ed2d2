//! The next bucket of a histogram: its key differs from the key before it in the bound alone.
//!
//! A process writes a histogram's buckets one after the other, and histograms have most of the keys
//! of a directory. So from the second bucket on, only the bound is cut out of the key; nothing is parsed.

use super::bound;

const LE: &[u8] = br#""le""#;

/// The text of a bucket's key around its bound.
#[derive(Debug)]
pub struct BucketKey {
    before: Vec<u8>,
    after: Vec<u8>,
}

impl BucketKey {
    /// Cuts apart a key that was parsed and has a label `le`; `None` if the text leaves any doubt
    /// about which string is the value of `le`.
    pub fn new(key: &[u8]) -> Option<Self> {
        // Without escapes, a string is everything between two quotes.
        if key.contains(&b'\\') {
            return None;
        }
        let mut found = key.windows(LE.len()).enumerate().filter(|(_, text)| *text == LE);
        let (name, _) = found.next()?;
        if found.next().is_some() {
            return None;
        }
        let rest = &key[name + LE.len()..];
        let value = rest.strip_prefix(b": \"")?;
        let end = value.iter().position(|byte| *byte == b'"')?;
        let (before, after) = (&key[..key.len() - value.len()], &value[end..]);
        Some(Self { before: before.to_vec(), after: after.to_vec() })
    }

    /// The bound of another key, if that key differs in its bound alone.
    pub fn bound_of(&self, key: &[u8]) -> Option<f64> {
        let bound = key.strip_prefix(&*self.before)?.strip_suffix(&*self.after)?;
        // JSON has no control characters, and no number has an escape or a quote.
        let bound = str::from_utf8(bound).ok().filter(|bound| bound.bytes().all(|b| b.is_ascii_graphic()))?;
        bound::parse(bound)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::Key;

    #[test]
    fn a_bound_is_cut_out_of_a_key_that_differs_in_nothing_else() {
        let key = br#"["h", "h_bucket", {"le": "0.1", "path": "/"}, "Help"]"#;
        let bucket = BucketKey::new(key).expect("a bucket");
        for (other, bound) in [
            (r#"["h", "h_bucket", {"le": "2.5e+03", "path": "/"}, "Help"]"#, Some(2500.0)),
            (r#"["h", "h_bucket", {"le": "+Inf", "path": "/"}, "Help"]"#, Some(f64::INFINITY)),
            (r#"["h", "h_bucket", {"le": "1\u0030", "path": "/"}, "Help"]"#, None),
            (r#"["h", "h_bucket", {"le": "much", "path": "/"}, "Help"]"#, None),
            (r#"["h", "h_bucket", {"le": "1", "path": "/x"}, "Help"]"#, None),
            (r#"["h", "h_sum", {"path": "/"}, "Help"]"#, None),
            (r#"["h", "h_bucket", {"le": "", "path": "/"}, "Help"]"#, None),
        ] {
            assert_eq!(bucket.bound_of(other.as_bytes()), bound, "{other}");
        }
        for key in [
            r#"["h", "h_bucket", {"le": "1", "path": "\""}, "Help"]"#,
            r#"["h", "h_bucket", {"le": "1", "path": "le"}, "Help"]"#,
            r#"["h", "h_bucket", ["le"], ["1"]]"#,
        ] {
            assert!(BucketKey::new(key.as_bytes()).is_none(), "{key}");
        }
    }

    /// Keys with a label `le` or something that looks like one, and other texts in place of the bound.
    fn keys() -> impl Strategy<Value = (String, String)> {
        let text = prop::sample::select(vec![
            r#""le": "@""#,
            r#""le" :"@""#,
            r#""le":"@""#,
            r#""\u006ce": "@""#,
            r#""\"le": "@""#,
            r#""a": "le""#,
            r#""le\"": "1""#,
            r#""b": "1", "le": "5""#,
            r#""a": "\"le\": \"1""#,
            r#""é": "@""#,
        ]);
        let bound =
            prop::sample::select(vec!["1", "+Inf", "-.5", "nan", "\n1", "1_0", "\\n", "1\", \"le\": \"2"]);
        (prop::collection::vec(text, 1..4), bound.clone(), bound).prop_map(|(labels, one, other)| {
            let key = format!("[\"h\", \"h_bucket\", {{{}}}, \"le\"]", labels.join(", "));
            // The help is a trap of its own, in some.
            let key = if labels.len() > 2 { key } else { key.replace("\"le\"]", "\"Help\"]") };
            (key.replace('@', one), key.replace('@', other))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_it_takes_is_what_the_parser_says((one, other) in keys()) {
            if let Ok(key) = Key::parse(one.as_bytes())
                && key.labels.get("le").is_some()
                && let Some(bound) = BucketKey::new(one.as_bytes()).and_then(|key| key.bound_of(other.as_bytes()))
            {
                let next = Key::parse(other.as_bytes()).unwrap();
                let without_le = |key: &Key<'_>| {
                    let labels = key.labels.iter().filter(|(name, _)| *name != "le");
                    let labels: Vec<_> = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
                    (labels, key.help.to_string(), key.sample.to_string(), key.family.to_string(), key.shape)
                };
                prop_assert_eq!(next.labels.get("le").and_then(bound::parse), Some(bound));
                prop_assert_eq!(without_le(&key), without_le(&next));
            }
        }
    }
}
