//! Which client wrote a file. The file does not say; its entries do.

use std::cmp::Ordering;
use std::fmt;

use super::entries::{FormatError, HEADER_BYTES, LONGEST_KEY_BYTES, read_i32, value_start};
use super::key::Key;
use super::layout::Layout;
use super::raw_key::KeyShape;

/// A span of client releases that write the same format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Era {
    /// 0.0.16 to 0.3.1: labels as two lists, no help.
    A,
    /// 0.4.0 to 0.15.0: labels as an object, no help.
    B,
    /// 0.16.0 to 0.17.1: with help.
    C,
    /// 0.18.0 and later: with help and timestamps.
    D,
}

impl Era {
    /// The era of a file whose entries have that layout and keys of that shape.
    pub fn new(layout: Layout, shape: KeyShape) -> Self {
        match (layout, shape) {
            (Layout::ValueAndTime, _) => Self::D,
            (Layout::Value, KeyShape::Lists) => Self::A,
            (Layout::Value, KeyShape::Object) => Self::B,
            (Layout::Value, KeyShape::ObjectAndHelp) => Self::C,
        }
    }

    /// Its letter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::C => "C",
            Self::D => "D",
        }
    }
}

impl fmt::Display for Era {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What [`detect`] found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detected {
    /// The entries have this layout.
    Layout(Layout),
    /// It takes this many bytes from the start of the file to tell.
    NeedMore(usize),
}

/// Tells the layout of a file with that `used` from its first bytes; `whole` says that there
/// are no more.
///
/// The first entry must look like an entry. Each layout then says where the second one must start, or
/// that there is no second one; the wrong layout points into the middle of a key or a timestamp. If
/// the bytes there do not decide (the file is cut off or damaged), the shape of the key does.
/// Two entries are always enough, so the answer does not depend on how the file was read.
///
/// # Errors
/// [`FormatError::Foreign`] if the first bytes are not an entry, [`FormatError::Ruby`] if it is the Ruby client's.
pub fn detect(file_start: &[u8], used: u64, whole: bool) -> Result<Detected, FormatError> {
    let foreign = FormatError::Foreign { offset: HEADER_BYTES as u64, used };
    let need = match look(file_start, HEADER_BYTES, used) {
        Looks::Entry(need) => need,
        Looks::Cut(need) if !whole => return Ok(Detected::NeedMore(need)),
        Looks::Cut(_) | Looks::End | Looks::Wrong => return Err(foreign),
    };
    let len = read_i32(file_start, HEADER_BYTES).unsigned_abs() as usize;
    let first_key = &file_start[HEADER_BYTES + 4..][..len];
    if is_ruby_key(first_key) {
        return Err(FormatError::Ruby { offset: HEADER_BYTES as u64 });
    }
    let second = |layout: Layout| look(file_start, need + layout.value_bytes(), used);
    let (short, long) = (second(Layout::Value), second(Layout::ValueAndTime));
    for seen in [short, long] {
        if let (Looks::Cut(need), false) = (seen, whole) {
            return Ok(Detected::NeedMore(need));
        }
    }
    // In a file that is cut off, the start of an entry is better evidence than no bytes at all, and no
    // bytes are better than some that are not an entry.
    let likeness = |looks, layout: Layout| match looks {
        Looks::Entry(_) | Looks::End => 3,
        Looks::Cut(wanted) if wanted > need + layout.value_bytes() + START_BYTES => 2,
        Looks::Cut(_) => 1,
        Looks::Wrong => 0,
    };
    let likeness = likeness(short, Layout::Value).cmp(&likeness(long, Layout::ValueAndTime));
    let layout = match likeness {
        Ordering::Greater => Layout::Value,
        Ordering::Less => Layout::ValueAndTime,
        Ordering::Equal => match Key::parse(first_key).map(|key| key.shape) {
            Ok(KeyShape::ObjectAndHelp) => Layout::ValueAndTime,
            Ok(KeyShape::Lists | KeyShape::Object) => Layout::Value,
            Err(_) => return Err(foreign),
        },
    };
    Ok(Detected::Layout(layout))
}

/// Whether prometheus-client-mmap for Ruby wrote a key: two names and two lists, as in era A, with no space
/// after a comma, where Python's `json.dumps` has one in keys of every era.
fn is_ruby_key(key: &[u8]) -> bool {
    let names = key.strip_prefix(b"[").and_then(after_string).and_then(|rest| rest.strip_prefix(b","));
    names.and_then(after_string).is_some_and(|labels| labels.starts_with(b",["))
}

/// What follows the JSON string at the start.
fn after_string(json: &[u8]) -> Option<&[u8]> {
    let mut rest = json.strip_prefix(b"\"")?;
    loop {
        let at = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
        let is_end = rest[at] == b'"';
        rest = rest.get(at + if is_end { 1 } else { 2 }..)?;
        if is_end {
            return Some(rest);
        }
    }
}

/// What a file has at an offset.
#[derive(Clone, Copy)]
enum Looks {
    /// A key in brackets, followed by spaces; its value is at this offset.
    Entry(usize),
    /// `used`: the entries end here.
    End,
    /// The bytes end too early to tell; this many would do.
    Cut(usize),
    /// Anything else.
    Wrong,
}

/// An entry's length and the bracket of its key.
const START_BYTES: usize = 5;

fn look(file_start: &[u8], at: usize, used: u64) -> Looks {
    if at as u64 == used {
        return Looks::End;
    }
    // The smallest entry has a key of two bytes and a value of eight.
    if (at + 16) as u64 > used {
        return Looks::Wrong;
    }
    if file_start.len() < at + START_BYTES {
        return Looks::Cut(at + START_BYTES);
    }
    let Ok(len @ 2..=LONGEST_KEY_BYTES) = usize::try_from(read_i32(file_start, at)) else {
        return Looks::Wrong;
    };
    let value_at = at + value_start(len);
    if (value_at + 8) as u64 > used || file_start[at + 4] != b'[' {
        return Looks::Wrong;
    }
    let Some(padded) = file_start.get(at + 4..value_at) else {
        return Looks::Cut(value_at);
    };
    let (key, pad) = padded.split_at(len);
    if key.last() == Some(&b']') && pad.iter().all(|&b| b == b' ') {
        Looks::Entry(value_at)
    } else {
        Looks::Wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_without_a_space_after_a_comma_are_of_ruby() {
        for key in [
            r#"["http_requests_total","http_requests_total",["method"],["GET"]]"#,
            r#"["m","m",[],[]]"#,
            r#"["m","m",["code","ok"],[200,null]]"#,
            r#"["a\", \"b","m",["l"],["v, w"]]"#,
        ] {
            assert!(is_ruby_key(key.as_bytes()), "{key}");
        }
        for key in [
            r#"["m", "m", [], []]"#,
            r#"["m", "m", ["a", "b"], ["1,2", "\",\",[\""]]"#,
            r#"["m", "m", {}, "h"]"#,
            r#"["m", "m", {}]"#,
            r#"["m\",\"m\",[", "m", [], []]"#,
            r#"["m","m",{},"h"]"#,
            r#"["m","m"]"#,
            r#"["m\"#,
            "[]",
            "",
        ] {
            assert!(!is_ruby_key(key.as_bytes()), "{key}");
        }
    }
}
