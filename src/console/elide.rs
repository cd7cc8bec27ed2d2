//! Texts that are cut to their room: the middle goes, and what tells two of them apart stays.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// A label value is not cut to less while there are others to cut.
const LEAST_VALUE_WIDTH: usize = 5;

/// Each text in at most `room` columns, but never in less than one. Of a series, the longest label values are
/// cut. Two texts that differ are shown differently.
pub(crate) fn elided<'t>(texts: &[&'t str], room: usize) -> Vec<Cow<'t, str>> {
    let room = room.max(1);
    let mut shown: Vec<Cow<'t, str>> = texts.iter().map(|text| Cow::Borrowed(*text)).collect();
    let long: Vec<usize> = (0..texts.len()).filter(|&at| texts[at].width() > room).collect();
    let mut alike: HashMap<String, Vec<usize>> = HashMap::new();
    for &at in &long {
        let text = with_short_values(texts[at], room).unwrap_or_else(|| middle(texts[at], room));
        alike.entry(text.clone()).or_default().push(at);
        shown[at] = text.into();
    }
    for group in alike.into_values() {
        let (first, others) = (texts[group[0]], group[1..].iter().map(|&at| texts[at]));
        let start = others.clone().map(|other| common_start(first, other)).min().unwrap_or(first.len());
        let end = others.map(|other| common_end(&first[start..], &other[start..])).min().unwrap_or_default();
        if start < first.len() {
            for at in group {
                shown[at] = around(texts[at], start..texts[at].len() - end, room).into();
            }
        }
    }
    number_doubles(texts, &long, &mut shown, room);
    shown
}

/// Ends those of the long texts with a number that look like another one nevertheless.
fn number_doubles(texts: &[&str], long: &[usize], shown: &mut [Cow<'_, str>], room: usize) {
    if long.is_empty() {
        return;
    }
    let mut taken: HashMap<String, &str> = HashMap::new();
    let whole = texts.iter().filter(|text| text.width() <= room);
    taken.extend(whole.map(|text| ((*text).to_owned(), *text)));
    for &at in long {
        let mut number = 1;
        let mut text = shown[at].to_string();
        while taken.get(&text).is_some_and(|of| *of != texts[at]) {
            number += 1;
            let mark = format!("…{number}");
            text = start_of(texts[at], room.saturating_sub(mark.width())).to_owned() + &mark;
        }
        taken.insert(text.clone(), texts[at]);
        shown[at] = Cow::Owned(text);
    }
}

/// A series with its longest label values cut; `None` where that is not enough.
fn with_short_values(text: &str, room: usize) -> Option<String> {
    let values = values(text);
    let widths: Vec<usize> = values.iter().map(|value| text[value.clone()].width()).collect();
    let excess = text.width() - room;
    let saves = |most: usize| widths.iter().map(|width| width.saturating_sub(most)).sum::<usize>() >= excess;
    let (mut fits, mut is_too_wide) = (LEAST_VALUE_WIDTH, widths.iter().copied().max()?);
    if !saves(fits) {
        return None;
    }
    while is_too_wide > fits + 1 {
        let between = usize::midpoint(fits, is_too_wide);
        *(if saves(between) { &mut fits } else { &mut is_too_wide }) = between;
    }
    let mut shown = String::new();
    let mut copied = 0;
    for value in values {
        shown.push_str(&text[copied..value.start]);
        shown.push_str(&middle(&text[value.clone()], fits));
        copied = value.end;
    }
    shown.push_str(&text[copied..]);
    Some(shown)
}

/// Where the label values stand in a series, without their quotes.
fn values(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(quote) = text[at..].find("=\"") {
        let start = at + quote + 2;
        let mut is_escaped = false;
        let end = text[start..].bytes().position(|byte| {
            let is_end = byte == b'"' && !is_escaped;
            is_escaped = byte == b'\\' && !is_escaped;
            is_end
        });
        let Some(end) = end else { break };
        found.push(start..start + end);
        at = start + end + 1;
    }
    found
}

/// A text without its middle.
fn middle(text: &str, room: usize) -> String {
    if text.width() <= room {
        return text.to_owned();
    }
    let Some(shown) = room.checked_sub(1) else { return String::new() };
    let tail = shown / 2;
    format!("{}…{}", start_of(text, shown - tail), end_of(text, tail))
}

/// A text of which this part is shown, and as much as there is room for of what is around it.
fn around(text: &str, part: Range<usize>, room: usize) -> String {
    // What is cut takes a mark on either side.
    let shown = middle(&text[part.clone()], room.saturating_sub(2).max(1));
    let rest = room.saturating_sub(shown.width());
    let (before, after) = (&text[..part.start], &text[part.end..]);
    let for_before = (rest / 2).max(rest.saturating_sub(after.width())).min(before.width());
    let before = middle(before, for_before);
    let after = middle(after, rest - before.width());
    before + &shown + &after
}

/// As much of the start as fits.
fn start_of(text: &str, room: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    &text[..end.map_or(text.len(), |(at, _)| at)]
}

/// As much of the end as fits, and no character that would combine with what stands before it.
fn end_of(text: &str, room: usize) -> &str {
    let mut used = 0;
    let start = text.char_indices().rev().find(|(_, c)| {
        used += c.width().unwrap_or(0);
        used > room
    });
    let end = &text[start.map_or(0, |(at, c)| at + c.len_utf8())..];
    end.trim_start_matches(|c: char| c.width() == Some(0))
}

/// How many bytes two texts have in common at their start.
fn common_start(a: &str, b: &str) -> usize {
    a.chars().zip(b.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// The same at their end.
fn common_end(a: &str, b: &str) -> usize {
    a.chars().rev().zip(b.chars().rev()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_longest_label_values_lose_their_middle() {
        let series = r#"http_requests_total{method="GET",path="/a/rather/long/path/orders/17",status="200"}"#;
        let shown = &elided(&[series], 70)[0];
        assert_eq!(*shown, r#"http_requests_total{method="GET",path="/a/rathe…ders/17",status="200"}"#);
        assert_eq!(elided(&["abcdefgh", "abc"], 5), ["ab…gh", "abc"]);
        assert_eq!(elided(&["漢字漢字", "e\u{301}e\u{301}e\u{301}"], 2), ["…", "e\u{301}…"]);
        assert_eq!(elided(&["abc"], 0), ["…"]);
    }

    #[test]
    fn what_tells_two_series_apart_stays() {
        let series = |id: &str| format!(r#"c{{path="{}{id}{}"}}"#, "a".repeat(90), "b".repeat(70));
        let texts = [series("/orders/17"), series("/orders/18")];
        let shown = elided(&texts.each_ref().map(String::as_str), 40);
        assert!(shown[0].contains('7') && shown[1].contains('8'), "{shown:?}");
        assert!(shown.iter().all(|text| text.width() <= 40 && text.starts_with("c{path=")), "{shown:?}");
    }

    proptest! {
        #[test]
        fn nothing_is_too_wide_and_nothing_looks_like_another(
            texts in prop::collection::vec("(m\\{a=\"[abé漢\\\\\"]{0,12}\",b=\"a{0,30}[ab]{0,3}a{0,30}\"\\})|[ab…]{0,20}", 0..12),
            room in 4_usize..60
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let shown = elided(&texts, room);
            prop_assert!(shown.iter().all(|text| text.width() <= room), "{:?}", shown);
            let distinct = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<HashSet<_>>().len();
            let shown: Vec<&str> = shown.iter().map(|text| &**text).collect();
            prop_assert_eq!(distinct(&texts), distinct(&shown));
        }
    }
}
