//! JSON Lines: one object a line.
//!
//! Nothing in a line can steer a terminal: what JSON does not demand to be escaped, and
//! [`printable`](promproc::notation::printable) would, is written as `\uXXXX`.

use std::fmt::Write;

use promproc::notation::{has_unsafe, is_unsafe};
use serde::Serialize;

/// Replaces the content of `text` by the object and a newline.
///
/// # Errors
/// Those of serialization, of which these types have none.
pub(crate) fn write_line(line: &impl Serialize, text: &mut Vec<u8>) -> serde_json::Result<()> {
    text.clear();
    serde_json::to_writer(&mut *text, line)?;
    // Such characters stand in strings only. DEL and everything behind ASCII is rare in a line.
    if text.iter().any(|byte| *byte >= 0x7f)
        && let Ok(shown) = std::str::from_utf8(text)
        && has_unsafe(shown)
    {
        *text = escaped(shown).into_bytes();
    }
    text.push(b'\n');
    Ok(())
}

fn escaped(json: &str) -> String {
    let mut shown = String::with_capacity(json.len() + 8);
    for c in json.chars() {
        if is_unsafe(c) {
            // Beyond four hexadecimal digits JSON has a pair of them; writing to a String does not fail.
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_reads_back() {
        let text = "\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{e0041}é漢";
        let mut line = Vec::new();
        write_line(&[text], &mut line).expect("a line");
        let line = String::from_utf8(line).expect("UTF-8");
        assert_eq!(line, "[\"\\u001b[31m\\u007f\\u009b\\u202e\\udb40\\udc41é漢\"]\n");
        assert_eq!(serde_json::from_str::<[String; 1]>(&line).expect("JSON"), [text]);
    }
}
