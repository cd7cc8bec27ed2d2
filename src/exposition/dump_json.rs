//! JSON Lines of `dump`: one object an entry, or one a file.
//!
//! Nothing in a line can steer a terminal: what JSON does not demand to be escaped, and
//! [`printable`](super::printable) would, is written as `\uXXXX`.

use std::fmt::Write;

use serde::{Serialize, Serializer};

use super::is_unsafe;
use crate::directory::DbFile;
use crate::dump::FileFacts;
use crate::format::{Entry, Era, Key, KeyLabels};

/// The line of an entry.
#[derive(Clone, Debug, Serialize)]
pub struct EntryLine<'a> {
    /// The path of the entry's file.
    pub file: &'a str,
    /// The metric type that the file's name says: `counter`, `gauge`, `histogram` or `summary`.
    #[serde(rename = "type")]
    pub metric_type: &'a str,
    /// The gauge mode, as the file's name spells it; null where the type is not gauge.
    pub mode: Option<&'a str>,
    /// The last part of the file's name: mostly a process id, but any string.
    pub pid: &'a str,
    /// The era of the file: `A`, `B`, `C` or `D`.
    pub era: &'a str,
    /// Where the entry starts in the file, in bytes.
    pub offset: u64,
    /// Where its value starts in the file, in bytes.
    pub value_offset: u64,
    /// The metric family's name.
    pub family: &'a str,
    /// The sample's name.
    pub sample: &'a str,
    /// Label names and values, an object sorted by name.
    #[serde(serialize_with = "labels_object")]
    pub labels: &'a KeyLabels<'a>,
    /// The value as the text format writes it, a string: JSON has no `NaN` and no `+Inf`.
    pub value: &'a str,
    /// When the value was set, in Unix seconds, 0 if the client did not say; null in eras A to C,
    /// which have no timestamps, and where it is no finite number.
    pub timestamp: Option<f64>,
    /// The help text.
    pub help: &'a str,
}

impl<'a> EntryLine<'a> {
    /// The line of an entry of a file of that path and era; `value` is the entry's as text.
    pub fn new(
        file: &'a DbFile,
        path: &'a str,
        entry: &Entry<'_>,
        key: &'a Key<'_>,
        era: Era,
        value: &'a str,
    ) -> Self {
        Self {
            file: path,
            metric_type: file.name.metric_type.as_str(),
            mode: file.name.mode.map(|_| file.name.mode_name()),
            pid: file.name.pid(),
            era: era.as_str(),
            offset: entry.offset,
            value_offset: entry.value_offset(),
            family: &key.family,
            sample: &key.sample,
            labels: &key.labels,
            value,
            timestamp: entry.timestamp,
            help: &key.help,
        }
    }
}

/// The line of a file.
#[derive(Clone, Debug, Serialize)]
pub struct FileLine<'a> {
    /// The file's path.
    pub file: &'a str,
    /// The metric type that its name says: `counter`, `gauge`, `histogram` or `summary`.
    #[serde(rename = "type")]
    pub metric_type: &'a str,
    /// The gauge mode, as its name spells it; null where the type is not gauge.
    pub mode: Option<&'a str>,
    /// The last part of its name: mostly a process id, but any string.
    pub pid: &'a str,
    /// `A`, `B`, `C` or `D`; null if the file has no entry whose key can be understood.
    pub era: Option<&'a str>,
    /// How many entries there are (before a damage, if there is one).
    pub entries: usize,
    /// What the header says is used, in bytes; 0 if the file has no entries.
    pub used_bytes: u64,
    /// The file's length.
    pub capacity_bytes: u64,
    /// What it occupies on disk; the files are sparse.
    pub allocated_bytes: u64,
    /// When the file was last written, as far as the system knows, e.g. `2026-11-23T12:00:00Z`; a
    /// write through the client's mapping counts late or, on tmpfs, not at all.
    pub modified: Option<&'a str>,
}

impl<'a> FileLine<'a> {
    /// The line of a file of that path, modified at that date.
    pub fn new(file: &'a DbFile, path: &'a str, facts: &FileFacts, modified: Option<&'a str>) -> Self {
        Self {
            file: path,
            metric_type: file.name.metric_type.as_str(),
            mode: file.name.mode.map(|_| file.name.mode_name()),
            pid: file.name.pid(),
            era: facts.era.map(Era::as_str),
            entries: facts.entries,
            used_bytes: facts.used_bytes,
            capacity_bytes: facts.capacity_bytes,
            allocated_bytes: facts.allocated_bytes,
            modified,
        }
    }
}

/// Replaces the content of `text` by the object and a newline.
///
/// # Errors
/// Those of serialization, of which these types have none.
pub fn write_line(line: &impl Serialize, text: &mut Vec<u8>) -> serde_json::Result<()> {
    text.clear();
    serde_json::to_writer(&mut *text, line)?;
    // Such characters stand in strings only. DEL and everything behind ASCII is rare in a line.
    if text.iter().any(|byte| *byte >= 0x7f)
        && let Ok(shown) = std::str::from_utf8(text)
        && shown.contains(is_unsafe)
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
            // All of these have four hexadecimal digits; writing to a String does not fail.
            let _ = write!(shown, "\\u{:04x}", u32::from(c));
        } else {
            shown.push(c);
        }
    }
    shown
}

fn labels_object<S: Serializer>(labels: &KeyLabels<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(labels.iter())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_is_escaped_and_reads_back() {
        let text = "\u{1b}[31m\u{7f}\u{9b}\u{202e}é漢";
        let mut line = Vec::new();
        write_line(&[text], &mut line).expect("a line");
        let line = String::from_utf8(line).expect("UTF-8");
        assert_eq!(line, "[\"\\u001b[31m\\u007f\\u009b\\u202eé漢\"]\n");
        assert_eq!(serde_json::from_str::<[String; 1]>(&line).expect("JSON"), [text]);
    }
}
