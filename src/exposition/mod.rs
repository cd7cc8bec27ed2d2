//! Renderers: metric families (or a file's entries) in, bytes out; one format a file.

pub mod check_json;
pub mod check_table;
pub mod dump_json;
pub mod dump_table;
pub mod explain_json;
pub mod explain_table;
pub mod json;
mod names;
pub mod number;
pub mod openmetrics;
pub mod prune_json;
pub mod table;
pub mod text;
pub mod time;
pub mod top_table;

pub use names::Escaping;

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::{Labels, Sample};
use number::go_string;

/// All labels of a sample, sorted by name: those of its label set and, of a bucket, `le`.
pub fn all_labels(sample: &Sample) -> Cow<'_, Labels> {
    match sample.bound {
        None => Cow::Borrowed(&sample.labels),
        Some(bound) => Cow::Owned(sample.labels.with("le", &go_string(bound)).normalized()),
    }
}

/// Whether a terminal might obey the character, or show text in another order because of it, or
/// hide it.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Makes control characters, and those that reorder or hide text, visible as escapes (`\n`,
/// `\u{1b}`), so that other people's label values can be shown on a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing to a String does not fail.
            let _ = write!(shown, "{}", c.escape_default());
        } else {
            shown.push(c);
        }
    }
    Cow::Owned(shown)
}
