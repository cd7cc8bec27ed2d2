//! The samples of an exposition in the text format, as the official client writes it where names may
//! have any characters.

use std::collections::BTreeMap;

/// A line that is no comment.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// As it stands there.
    pub value: String,
}

/// All samples, in their order; fails where the text is none of that format.
#[track_caller]
pub(crate) fn samples(text: &str) -> Vec<Sample> {
    assert!(text.is_empty() || text.ends_with('\n'), "{text:?} has no end");
    // Only `\n` ends a line: values may hold any other line separator.
    let lines = text.split_terminator('\n').filter(|line| !line.starts_with('#'));
    lines.map(|line| sample(line).unwrap_or_else(|| panic!("{line:?} is no sample"))).collect()
}

/// `name{label="value",...} number` or, where a name has other characters than of old,
/// `{"name","label"="value",...} number`.
fn sample(line: &str) -> Option<Sample> {
    let mut rest = line;
    let mut name = if rest.starts_with('{') { None } else { Some(word(&mut rest)?) };
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        while !rest.starts_with('}') {
            let first = word(&mut rest)?;
            if let Some(value) = rest.strip_prefix('=').filter(|value| value.starts_with('"')) {
                rest = value;
                if labels.insert(first, word(&mut rest)?).is_some() {
                    return None;
                }
            } else if name.replace(first).is_some() {
                return None;
            }
            match rest.strip_prefix(',') {
                Some(further) => rest = further,
                None if rest.starts_with('}') => {}
                None => return None,
            }
        }
        rest = &rest[1..];
    }
    let value = rest.strip_prefix(' ').filter(|value| !value.contains(' '))?;
    Some(Sample { name: name?, labels, value: value.to_owned() })
}

/// Takes a name, or a text in quotes, from the front; either may have escapes.
fn word(rest: &mut &str) -> Option<String> {
    let quoted = rest.strip_prefix('"');
    let mut chars = quoted.unwrap_or(rest).char_indices();
    let mut word = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => word.push(match chars.next()?.1 {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            '"' if quoted.is_some() => {
                *rest = &quoted?[at + 1..];
                return Some(word);
            }
            '"' => return None,
            '{' | '}' | '=' | ',' | ' ' if quoted.is_none() => {
                *rest = &rest[at..];
                return Some(word);
            }
            c => word.push(c),
        }
    }
    None
}

#[test]
fn samples_are_read_as_they_were_before_they_were_escaped() {
    let read = |text: &str| {
        let [Sample { name, labels, value }] = &samples(text)[..] else { panic!("{text}") };
        format!("{name:?} {labels:?} {value}")
    };
    assert_eq!(read("# HELP a b\na 1.0\n"), r#""a" {} 1.0"#);
    assert_eq!(read("a{b=\"c\",=\"\"} NaN\n"), r#""a" {"": "", "b": "c"} NaN"#);
    assert_eq!(read("{\"a b\"} +Inf\n"), r#""a b" {} +Inf"#);
    assert_eq!(
        read("{\"a\\\"\",\"l\\\\\"=\"x,y=\\\"} 1\\n\"} -0.0\n"),
        r#""a\"" {"l\\": "x,y=\"} 1\n"} -0.0"#
    );
    for wrong in ["a", "a 1 2", "{} 1", "a{b=c} 1", "a{b=\"c} 1", "a{b=\"c\",b=\"d\"} 1", "{\"a\",\"b\"} 1"] {
        assert_eq!(sample(wrong), None, "{wrong}");
    }
}
