//! Texts without their middle, where there is no room for all of it.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

const MARK: &str = "…";
/// A text is not cut to less, however narrow the terminal is.
const LEAST_WIDTH: usize = 16;

/// A text in so many columns: of a longer one the beginning and, mostly, the end.
pub(crate) fn elided(text: &str, room: usize) -> Cow<'_, str> {
    let room = room.max(LEAST_WIDTH);
    if text.width() <= room {
        return Cow::Borrowed(text);
    }
    // The end tells paths apart.
    let head_room = (room - MARK.width()) / 3;
    let tail_room = room - MARK.width() - head_room;
    let head = fitting(text.chars(), head_room);
    // A combining character does not stay behind alone.
    let tail = fitting(text.chars().rev(), tail_room);
    let tail = text[text.len() - tail..].trim_start_matches(|c: char| c.width() == Some(0));
    Cow::Owned(format!("{}{MARK}{tail}", &text[..head]))
}

/// How many bytes of the first characters fit into so many columns.
fn fitting(chars: impl Iterator<Item = char>, room: usize) -> usize {
    let mut width = 0;
    let fits = |c: &char| {
        width += c.width().unwrap_or(0);
        width <= room
    };
    chars.take_while(fits).map(char::len_utf8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_long_text_goes() {
        let path = "/var/lib/docker/volumes/a-rather-long-name/_data/metrics";
        assert_eq!(elided(path, 80), path);
        assert_eq!(elided(path, 30), "/var/lib/…g-name/_data/metrics");
        assert_eq!(elided(path, 3), elided(path, LEAST_WIDTH));
        for room in LEAST_WIDTH..60 {
            for text in [path, &"漢字".repeat(40), &"e\u{301}".repeat(90)] {
                let shown = elided(text, room);
                assert!(
                    shown.width() <= room && shown.width() + 2 >= room.min(text.width()),
                    "{room} {shown}"
                );
            }
        }
    }
}
