//! Keys without escapes, the most frequent kind: their parts are cut out of the text, not parsed as JSON.
//!
//! A directory has up to a million different keys, and most of the cost of a new key is
//! parsing it as JSON.

use std::borrow::Cow;

use super::raw_key::{KeyLabels, KeyShape, RawKey};

/// Takes apart a key of eras B to D, if it is spaced as Python's `json.dumps` does it and has no
/// escapes. `None` for any other text, valid or not.
pub(super) fn parse(text: &str) -> Option<RawKey<'_>> {
    // JSON strings have no control characters, and between strings `json.dumps` writes only spaces.
    let is_plain = text.bytes().fold(true, |is_plain, byte| is_plain & (byte >= b' ') & (byte != b'\\'));
    if !is_plain {
        return None;
    }
    let (family, rest) = string(text.strip_prefix('[')?)?;
    let (sample, rest) = string(rest.strip_prefix(", ")?)?;
    let mut rest = rest.strip_prefix(", {")?;
    let mut labels = Vec::with_capacity(8);
    while !rest.starts_with('}') {
        if !labels.is_empty() {
            rest = rest.strip_prefix(", ")?;
        }
        let (name, after) = string(rest)?;
        let (value, after) = string(after.strip_prefix(": ")?)?;
        labels.push((name, value));
        rest = after;
    }
    let (help, shape) = match rest.strip_prefix('}')? {
        "]" => (None, KeyShape::Object),
        rest => {
            let (help, end) = string(rest.strip_prefix(", ")?)?;
            if end != "]" {
                return None;
            }
            (Some(help), KeyShape::ObjectAndHelp)
        }
    };
    Some(RawKey { family, sample, labels: KeyLabels::new(labels), help, shape })
}

/// The string at the start, and what follows it.
fn string(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let text = text.strip_prefix('"')?;
    let end = text.bytes().position(|byte| byte == b'"')?;
    Some((Cow::Borrowed(&text[..end]), &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Texts that are keys, or nearly: pieces of keys in a row.
    fn nearly_a_key() -> impl Strategy<Value = String> {
        let piece = prop::sample::select(vec![
            "[",
            "]",
            "{",
            "}",
            "{}",
            ", ",
            ": ",
            ",",
            ":",
            " ",
            "\"",
            "\"\"",
            "\"a\"",
            "\"b\"",
            "\"é\"",
            "\"\\n\"",
            "\"\n\"",
            "\"\\ud800\"",
            "1",
            "null",
            "[\"m\", \"s\", {",
            "\"a\": \"1\"",
            "}, \"h\"]",
            "}]",
            "[]",
        ]);
        prop_oneof![
            prop::collection::vec(piece.clone(), 0..12).prop_map(|pieces| pieces.concat()),
            prop::collection::vec(piece, 0..8)
                .prop_map(|pieces| format!("[\"m\", \"s\", {{{}}}, \"h\"]", pieces.concat())),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_it_takes_is_what_json_says(text in nearly_a_key()) {
            if let Some(plain) = parse(&text) {
                prop_assert_eq!(plain, serde_json::from_str::<RawKey>(&text).unwrap());
            }
        }
    }

    #[test]
    fn it_takes_what_the_client_writes() {
        let labels = r#"{"le": "+Inf", "path": "/ü"}"#;
        for text in [
            format!(r#"["m", "m_bucket", {labels}, "Help: a, {{b}}."]"#),
            format!(r#"["m", "m_bucket", {labels}]"#),
            r#"["m", "m", {}, ""]"#.to_owned(),
        ] {
            assert_eq!(parse(&text), Some(serde_json::from_str(&text).unwrap()), "{text}");
        }
    }
}
