//! Other people's text, such as label values, as it can be shown on a terminal.

use std::borrow::Cow;
use std::fmt::Write;

/// Whether a terminal might obey the character, or show text in another order because of it, or
/// hide it.
pub fn is_unsafe(c: char) -> bool {
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
