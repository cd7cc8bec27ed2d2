//! Counts in sentences.

/// The first few of many, for a sentence: `a, b, c and 4 more`.
pub fn some_of<T: AsRef<str>>(all: impl IntoIterator<Item = T>) -> String {
    const SHOWN: usize = 3;
    let all: Vec<_> = all.into_iter().collect();
    let shown: Vec<_> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    let more = all.len() - shown.len();
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    shown.join(", ") + &more
}

/// `1 file`, `2 files`; `1 entry`, `3 entries`; `1 process`, `0 processes`.
pub fn counted(count: usize, noun: &str) -> String {
    match (count, noun.strip_suffix('y')) {
        (1, _) => format!("1 {noun}"),
        (_, Some(stem)) => format!("{count} {stem}ies"),
        _ if noun.ends_with('s') => format!("{count} {noun}es"),
        _ => format!("{count} {noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_many() {
        for (count, noun, text) in [
            (1, "file", "1 file"),
            (0, "file", "0 files"),
            (2, "entry", "2 entries"),
            (3, "process", "3 processes"),
            (4, "other file", "4 other files"),
        ] {
            assert_eq!(counted(count, noun), text);
        }
        assert_eq!(some_of(["a", "b", "c"]), "a, b, c");
        assert_eq!(some_of(["a", "b", "c", "d", "e"]), "a, b, c and 2 more");
    }
}
