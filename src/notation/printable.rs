//! Other people's text, such as label values, as it can be shown on a terminal.

use std::borrow::Cow;
use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

/// Characters that are not shown as they are, by Unicode's own properties: controls, those that format (and
/// so may reorder) text, those that separate lines, and invisible ones.
#[expect(clippy::expect_used, reason = "the same pattern each time; a test compiles it")]
static UNSAFE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]").expect("a regular expression")
});

/// Whether a terminal might obey the character, or show text in another order because of it, or
/// hide it.
pub fn is_unsafe(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_control() } else { UNSAFE.is_match(c.encode_utf8(&mut [0; 4])) }
}

/// Whether any character of a text [`is_unsafe`].
pub fn has_unsafe(text: &str) -> bool {
    // Nearly all text is ASCII and needs none of Unicode's tables.
    if text.is_ascii() { text.bytes().any(|byte| byte.is_ascii_control()) } else { UNSAFE.is_match(text) }
}

/// Writes characters that are not shown as they are as escapes (`\n`, `\u{1b}`), so that other people's
/// label values can be shown on a terminal.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !has_unsafe(text) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_hidden_or_obeyed_is_shown_and_all_else_stays() {
        for (text, shown) in [
            ("a\tb\u{1b}[31m", "a\\tb\\u{1b}[31m"),
            ("\u{61c}\u{ad}\u{180e}", "\\u{61c}\\u{ad}\\u{180e}"),
            ("\u{115f}\u{3164}\u{fff9}", "\\u{115f}\\u{3164}\\u{fff9}"),
            ("\u{e0041}\u{202e}\u{2028}\u{feff}", "\\u{e0041}\\u{202e}\\u{2028}\\u{feff}"),
            ("größe 日本語 e\u{301} 😀", "größe 日本語 e\u{301} 😀"),
        ] {
            assert_eq!(printable(text), shown);
        }
    }
}
