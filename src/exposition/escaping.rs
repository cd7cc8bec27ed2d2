//! Metric and label names in the four escaping schemes of the client, and label values.
//!
//! The rules, with their oddities, are those of `openmetrics/exposition.py` of 0.26.0.

use crate::model::{Labels, Sample};
use crate::notation::write_go_string;

/// How names outside the legacy character set (`[a-zA-Z_:][a-zA-Z0-9_:]*`) are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escaping {
    /// Each foreign character becomes `_`.
    #[default]
    Underscores,
    /// `.` becomes `_dot_`, `_` becomes `__`.
    Dots,
    /// `U__`, and each foreign character as `_` and its code point in hexadecimal and `_`.
    Values,
    /// As they are, in quotes.
    AllowUtf8,
}

impl Escaping {
    /// All schemes, the default first.
    pub const ALL: [Self; 4] = [Self::Underscores, Self::Dots, Self::Values, Self::AllowUtf8];

    /// The client's name for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Underscores => "underscores",
            Self::Dots => "dots",
            Self::Values => "values",
            Self::AllowUtf8 => "allow-utf-8",
        }
    }
}

/// What a name belongs to; only metrics may have colons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NameOf {
    Metric,
    Label,
}

/// Whether the client takes the name for a legacy one. Its regular expression ends in `$`, which in
/// Python also matches before a final newline. A label name that begins with `__` is reserved, so it
/// is not a legacy name.
pub(super) fn is_legacy(name: &str, of: NameOf) -> bool {
    let name = name.strip_suffix('\n').unwrap_or(name);
    let reserved = of == NameOf::Label && name.starts_with("__");
    let begins_well = name.bytes().next().is_some_and(|first| !first.is_ascii_digit());
    let allowed = of.allowed();
    !reserved && begins_well && name.bytes().all(|byte| allowed[usize::from(byte)])
}

impl NameOf {
    /// The bytes of legacy names; a digit cannot be the first.
    fn allowed(self) -> &'static [bool; 256] {
        static OF_METRIC: [bool; 256] = legacy_bytes(true);
        static OF_LABEL: [bool; 256] = legacy_bytes(false);
        match self {
            Self::Metric => &OF_METRIC,
            Self::Label => &OF_LABEL,
        }
    }
}

/// Bytes above 127 are parts of characters that are not legacy.
const fn legacy_bytes(with_colon: bool) -> [bool; 256] {
    let mut allowed = [false; 256];
    let mut byte = 0;
    while byte < 128 {
        let c = byte as u8;
        allowed[byte] = c.is_ascii_alphanumeric() || c == b'_' || (c == b':' && with_colon);
        byte += 1;
    }
    allowed
}

fn is_legacy_char(c: char, at: usize, of: NameOf) -> bool {
    let is_allowed = u8::try_from(c).is_ok_and(|byte| of.allowed()[usize::from(byte)]);
    is_allowed && (at > 0 || !c.is_ascii_digit())
}

/// The client's `escape_metric_name` and `escape_label_name`: quoted where the scheme keeps a
/// name that is not legacy.
pub(super) fn write_name(out: &mut String, name: &str, of: NameOf, escaping: Escaping) {
    if name.is_empty() {
        return;
    }
    let is_legacy = is_legacy(name, of);
    match escaping {
        Escaping::AllowUtf8 if !is_legacy => {
            out.push('"');
            write_escaped(out, name, of, escaping);
            out.push('"');
        }
        Escaping::Underscores | Escaping::Values if is_legacy => out.push_str(name),
        _ => write_escaped(out, name, of, escaping),
    }
}

/// The client's `_escape`.
pub(super) fn write_escaped(out: &mut String, name: &str, of: NameOf, escaping: Escaping) {
    match escaping {
        Escaping::AllowUtf8 => return write_quoted(out, name),
        Escaping::Values => out.push_str("U__"),
        Escaping::Underscores | Escaping::Dots => {}
    }
    for (i, c) in name.chars().enumerate() {
        match escaping {
            Escaping::Dots | Escaping::Values if c == '_' => out.push_str("__"),
            Escaping::Dots if c == '.' => out.push_str("_dot_"),
            _ if is_legacy_char(c, i, of) => out.push(c),
            Escaping::Dots => out.push_str("__"),
            Escaping::Values => out.push_str(&format!("_{:x}_", u32::from(c))),
            Escaping::Underscores | Escaping::AllowUtf8 => out.push('_'),
        }
    }
}

/// Label values, and the help of OpenMetrics: `\`, newline and `"` escaped.
pub(super) fn write_quoted(out: &mut String, text: &str) {
    write_replaced(out, text, |byte| match byte {
        b'\\' => Some("\\\\"),
        b'\n' => Some("\\n"),
        b'"' => Some("\\\""),
        _ => None,
    });
}

/// The help of the text format: `\` and newline escaped.
pub(super) fn write_help(out: &mut String, text: &str) {
    write_replaced(out, text, |byte| match byte {
        b'\\' => Some("\\\\"),
        b'\n' => Some("\\n"),
        _ => None,
    });
}

fn write_replaced(out: &mut String, text: &str, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut copied = 0;
    for (at, byte) in text.bytes().enumerate() {
        // Only ASCII is replaced, so every cut is at a character's boundary.
        if let Some(replacement) = replacement(byte) {
            out.push_str(&text[copied..at]);
            out.push_str(replacement);
            copied = at + 1;
        }
    }
    out.push_str(&text[copied..]);
}

/// The labels of a family's samples as text; most samples have the labels of the one before, except `le`.
pub(super) struct LabelsText<'f> {
    escaping: Escaping,
    of: Option<&'f Labels>,
    /// `name="value"` pairs, each followed by a comma.
    text: String,
    /// Where `le` is in it.
    le_at: usize,
}

impl<'f> LabelsText<'f> {
    pub(super) fn new(escaping: Escaping) -> Self {
        Self { escaping, of: None, text: String::new(), le_at: 0 }
    }

    /// Appends the pairs of a sample that has labels, separated by commas.
    pub(super) fn write(&mut self, out: &mut String, sample: &'f Sample) {
        if !self.of.is_some_and(|of| std::ptr::eq(of, &*sample.labels)) {
            self.render(&sample.labels);
        }
        let (before, after) = self.text.split_at(self.le_at);
        out.push_str(before);
        if let Some(bound) = sample.bound {
            out.push_str("le=\"");
            write_go_string(out, bound);
            out.push_str("\",");
        }
        out.push_str(after);
        out.pop();
    }

    fn render(&mut self, labels: &'f Labels) {
        self.of = Some(labels);
        self.text.clear();
        self.le_at = 0;
        for (name, value) in labels.iter() {
            write_name(&mut self.text, name, NameOf::Label, self.escaping);
            self.text.push_str("=\"");
            write_quoted(&mut self.text, value);
            self.text.push_str("\",");
            if name < "le" {
                self.le_at = self.text.len();
            }
        }
    }
}
