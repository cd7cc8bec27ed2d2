//! Words of a shell's command line.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// A path as one word of a shell's command line; a command does not take it for an option.
pub fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    let dash = if text.starts_with('-') { "./" } else { "" };
    let bytes = path.as_os_str().as_bytes();
    if text.chars().any(char::is_control) || text.as_bytes() != bytes {
        // Written as text it would be another name, and not every shell knows `$'…'`.
        let escaped = bytes.iter().map(|byte| match byte {
            b if b.is_ascii_alphanumeric() || b"/._- ".contains(b) => char::from(*b).to_string(),
            byte => format!("\\0{byte:03o}"),
        });
        return format!("\"$(printf %b '{dash}{}')\"", escaped.collect::<String>());
    }
    if !text.is_empty() && text.chars().all(is_plain) {
        format!("{dash}{text}")
    } else {
        format!("'{dash}{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    #[test]
    fn a_path_is_one_word() {
        for (path, word) in [
            ("/run/app/metrics", "/run/app/metrics"),
            ("a b", "'a b'"),
            ("it's", r"'it'\''s'"),
            ("-f", "./-f"),
            ("$HOME", "'$HOME'"),
            ("größe", "größe"),
        ] {
            assert_eq!(quoted(Path::new(path)), word);
        }
        let strange = OsStr::from_bytes(b"-it's\n\xff\\");
        assert_eq!(quoted(Path::new(strange)), r#""$(printf %b './-it\0047s\0012\0377\0134')""#);
    }
}
