//! Keys: the JSON text in an entry that names family, sample, labels and help.

use std::borrow::Cow;

use super::plain_key;
use super::raw_key::{KeyLabels, KeyShape, RawKey};

/// The help that readers give the families of clients before 0.16.0, which stored none.
pub const MULTIPROCESS_HELP: &str = "Multiprocess metric";

/// What a key says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key<'a> {
    /// The family's name, e.g. `http_requests`.
    pub family: Cow<'a, str>,
    /// The sample's name, e.g. `http_requests_total`.
    pub sample: Cow<'a, str>,
    /// Labels, sorted by name; if a name occurs twice, the last one.
    pub labels: KeyLabels<'a>,
    /// The help text; [`MULTIPROCESS_HELP`] if the key has none.
    pub help: Cow<'a, str>,
    /// How the key was laid out.
    pub shape: KeyShape,
    /// Whether a lone surrogate (`\udc80`), which no encoding can carry, became U+FFFD.
    pub replaced_surrogate: bool,
}

/// Why a key cannot be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// The bytes are not UTF-8 text.
    #[error("the key is not UTF-8 from its byte {0} on")]
    Utf8(usize),
    /// The text is not JSON, or not one of the three shapes.
    #[error("the key is not a JSON list of family, sample, labels (and help): {0}")]
    Json(String),
    /// The client refuses a family without a name.
    #[error("the family's name is empty")]
    NoName,
    /// A histogram's bucket bound that Python's `float` refuses.
    #[error("the bucket bound le={0:?} is not a number")]
    Bound(String),
}

impl<'a> Key<'a> {
    /// Parses the text of a key.
    ///
    /// # Errors
    /// A key that the official client, in every version, fails on as well.
    pub fn parse(text: &'a [u8]) -> Result<Self, KeyError> {
        let text = std::str::from_utf8(text).map_err(|e| KeyError::Utf8(e.valid_up_to()))?;
        let parsed = plain_key::parse(text).map_or_else(|| serde_json::from_str(text), Ok);
        let (raw, replaced_surrogate) = match parsed {
            Ok(raw) => (raw, false),
            Err(error) => {
                let json_error = |e: serde_json::Error| KeyError::Json(e.to_string());
                // Python's json lets lone surrogates through, serde_json does not.
                match replace_lone_surrogates(text) {
                    Cow::Borrowed(_) => return Err(json_error(error)),
                    Cow::Owned(text) => {
                        (serde_json::from_str::<RawKey>(&text).map_err(json_error)?.into_owned(), true)
                    }
                }
            }
        };
        if raw.family.is_empty() {
            return Err(KeyError::NoName);
        }
        Ok(Self {
            family: raw.family,
            sample: raw.sample,
            labels: raw.labels,
            help: raw.help.unwrap_or(Cow::Borrowed(MULTIPROCESS_HELP)),
            shape: raw.shape,
            replaced_surrogate,
        })
    }

    /// The same key without the text that it was parsed from.
    pub fn into_owned(self) -> Key<'static> {
        Key {
            family: Cow::Owned(self.family.into_owned()),
            sample: Cow::Owned(self.sample.into_owned()),
            help: Cow::Owned(self.help.into_owned()),
            labels: self.labels.into_owned(),
            shape: self.shape,
            replaced_surrogate: self.replaced_surrogate,
        }
    }
}

/// Replaces `\uD800` to `\uDFFF` escapes that are not a pair by `\uFFFD`.
fn replace_lone_surrogates(text: &str) -> Cow<'_, str> {
    if !text.contains("\\u") {
        return Cow::Borrowed(text);
    }
    let mut replaced = String::new();
    let mut copied = 0;
    let mut at = 0;
    let bytes = text.as_bytes();
    let escape = |at: usize| -> Option<u16> {
        let digits = bytes.get(at..at + 6)?.strip_prefix(b"\\u")?;
        u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
    };
    while at < bytes.len() {
        match escape(at) {
            Some(0xD800..=0xDBFF) if matches!(escape(at + 6), Some(0xDC00..=0xDFFF)) => at += 12,
            Some(0xD800..=0xDFFF) => {
                replaced.push_str(&text[copied..at]);
                replaced.push_str("\\uFFFD");
                at += 6;
                copied = at;
            }
            // An escaped backslash is two bytes, so `\\ud800` does not escape a surrogate.
            _ if bytes[at] == b'\\' => at += 2,
            _ => at += 1,
        }
    }
    if copied == 0 {
        return Cow::Borrowed(text);
    }
    replaced.push_str(&text[copied..]);
    Cow::Owned(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs<'a>(key: &'a Key<'_>) -> Vec<(&'a str, &'a str)> {
        key.labels.iter().collect()
    }

    #[test]
    fn the_three_shapes() {
        let key = Key::parse(br#"["m", "m_total", {"b": "2", "a": "1"}, "Help"]"#).expect("era D");
        assert_eq!((&*key.family, &*key.sample), ("m", "m_total"));
        assert_eq!(pairs(&key), [("a", "1"), ("b", "2")]);
        assert_eq!((&*key.help, key.shape), ("Help", KeyShape::ObjectAndHelp));

        let key = Key::parse(br#"["m", "m_total", {"a": "1"}]"#).expect("era B");
        assert_eq!((&*key.help, key.shape), (MULTIPROCESS_HELP, KeyShape::Object));

        let key = Key::parse(br#"["m", "m", ["b", "a"], ["2", "1"]]"#).expect("era A");
        assert_eq!(pairs(&key), [("a", "1"), ("b", "2")]);
        assert_eq!(key.shape, KeyShape::Lists);
    }

    #[test]
    fn keys_of_no_known_shape() {
        for text in [
            "",
            "[]",
            "{}",
            "null",
            r#"["m"]"#,
            r#"["m", "s"]"#,
            r#"["m", "s", {"a": 1}, "h"]"#,
            r#"["m", "s", {}, "h", "more"]"#,
            r#"["m", "s", {}, "h"] x"#,
            r#"["m", "s", "l", "h"]"#,
            r#"["m", "s", ["a"]]"#,
            r#"["", "s", {}, "h"]"#,
            r#"["m", "s", {}, "\ud80"]"#,
        ] {
            assert!(Key::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(Key::parse(b"[\"\xff\"]"), Err(KeyError::Utf8(2)));
    }

    #[test]
    fn lone_surrogates_become_u_fffd() {
        let key =
            Key::parse(br#"["m", "s", {"a": "\udc80x\ud83d\ude00\\udc80\ud83d"}, "h"]"#).expect("a key");
        assert_eq!(key.labels.get("a"), Some("\u{FFFD}x\u{1F600}\\udc80\u{FFFD}"));
        assert!(key.replaced_surrogate);
    }
}
